//! The Messaging API as a bot meets it: who may ask, what is checked, how LINE words its refusals.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State as AxumState};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use tokio::time::sleep;

use super::content;
use super::faults::FaultKind;
use super::platform::{Cord, Platform, RequestSeen, State};
use crate::domain::{ChatKind, LineChatId, LineUserId, words};

/// The largest request that LINE takes (reference, "Rate limits").
const REQUEST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The longest webhook URL (reference, "Set webhook endpoint URL").
const WEBHOOK_URL_CHARS_MAX: usize = 500;

/// How long after its first octets an answer breaks off.
const BREAK_OFF_AFTER: Duration = Duration::from_millis(30);

const RATE_LIMITED: &str = "The API rate limit has been exceeded. Try again later.";
pub(super) const MONTH_USED_UP: &str = "You have reached your monthly limit.";
const NOT_JSON: &str = "The request body could not be parsed as JSON (line: 1, column: 1)";
const BAD_ACCESS_TOKEN: &str = "Authentication failed due to the following reason: invalid token. Confirm that the access token in the \
                                authorization header is valid.";

words! {
    /// A call of the Messaging API that the stand-in knows.
    Endpoint {
        Reply = "reply",
        Push = "push",
        ValidateReply = "validate-reply",
        ValidatePush = "validate-push",
        /// Multicast, narrowcast and broadcast: a bridge never needs them.
        OtherSend = "other-send",
        Quota = "quota",
        Consumption = "consumption",
        Profile = "profile",
        BotInfo = "bot-info",
        GroupSummary = "group-summary",
        MemberCount = "member-count",
        MemberIds = "member-ids",
        Member = "member",
        Leave = "leave",
        MarkAsRead = "mark-as-read",
        Content = "content",
        Preview = "preview",
        Transcoding = "transcoding",
        WebhookGet = "webhook-get",
        WebhookPut = "webhook-put",
        WebhookTest = "webhook-test",
        /// LINE has no such thing.
        Unknown = "unknown",
    }
}

/// Which call a request is; the rest of the path has its ids.
fn endpoint_of(method: &Method, path: &[&str]) -> Endpoint {
    use Endpoint as E;
    let is_get = method == Method::GET;
    let is_post = method == Method::POST;
    match path {
        ["message", "reply"] if is_post => E::Reply,
        ["message", "push"] if is_post => E::Push,
        ["message", "multicast" | "narrowcast" | "broadcast"] if is_post => E::OtherSend,
        ["message", "validate", "reply"] if is_post => E::ValidateReply,
        ["message", "validate", "push"] if is_post => E::ValidatePush,
        ["message", "quota"] if is_get => E::Quota,
        ["message", "quota", "consumption"] if is_get => E::Consumption,
        ["message", _, "content"] if is_get => E::Content,
        ["message", _, "content", "preview"] if is_get => E::Preview,
        ["message", _, "content", "transcoding"] if is_get => E::Transcoding,
        ["profile", _] if is_get => E::Profile,
        ["info"] if is_get => E::BotInfo,
        ["group", _, "summary"] if is_get => E::GroupSummary,
        ["group" | "room", _, "members", "count"] if is_get => E::MemberCount,
        ["group" | "room", _, "members", "ids"] if is_get => E::MemberIds,
        ["group" | "room", _, "member", _] if is_get => E::Member,
        ["group" | "room", _, "leave"] if is_post => E::Leave,
        ["chat", "markAsRead"] if is_post => E::MarkAsRead,
        ["channel", "webhook", "endpoint"] if is_get => E::WebhookGet,
        ["channel", "webhook", "endpoint"] if method == Method::PUT => E::WebhookPut,
        ["channel", "webhook", "test"] if is_post => E::WebhookTest,
        _ => E::Unknown,
    }
}

/// A JSON answer.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// An error as LINE words it (reference, "Error responses"): `details` is left out where there are none.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    json_answer(status, &json!({"message": message}))
}

/// One request, whatever it asks.
pub(super) async fn answer(AxumState(platform): AxumState<Platform>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let cord = parts.extensions.get::<ConnectInfo<Cord>>().map(|ConnectInfo(cord)| cord.clone());
    let path = parts.uri.path().to_owned();
    let segments: Vec<&str> = path.strip_prefix("/v2/bot/").map(|rest| rest.split('/').collect()).unwrap_or_default();
    let endpoint = endpoint_of(&parts.method, &segments);
    // One octet more than is allowed tells the too large from the largest; what is larger still is cut off with an error.
    let body = to_bytes(body, REQUEST_BYTES_MAX + 1).await;
    let fault = platform.state().faults.take(endpoint);
    let call = Call { endpoint, segments, parts: &parts, platform: &platform };
    let answered = call.under(fault, body.ok()).await;
    let status = answered.as_ref().map(|a| a.status().as_u16());
    platform.state().note_request(RequestSeen { endpoint, path: path.clone(), status, at: platform.now() });
    answered.unwrap_or_else(|| cut_off(cord.as_ref()))
}

/// Ends the connection without an answer; where nobody gave us its cord, with an answer whose body breaks off.
fn cut_off(cord: Option<&Cord>) -> Response {
    if let Some(cord) = cord {
        cord.cut();
    }
    broken_body(Bytes::new())
}

fn broken_body(beginning: Bytes) -> Response {
    let end = async {
        // So long that the beginning is on its way before the connection breaks.
        sleep(BREAK_OFF_AFTER).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    Response::new(Body::from_stream(stream::once(async { Ok(beginning) }).chain(stream::once(end))))
}

/// The first half of an answer's body, then a break.
async fn half_of(answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let (_, body) = broken_body(whole.slice(..whole.len() / 2)).into_parts();
    let mut half = Response::from_parts(parts, body);
    half.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    half
}

pub(super) struct Call<'a> {
    pub endpoint: Endpoint,
    /// The path below `/v2/bot/`.
    segments: Vec<&'a str>,
    parts: &'a Parts,
    pub platform: &'a Platform,
}

impl Call<'_> {
    /// The answer under `fault`; `None` = the connection is to be cut. A `body` that is absent was too large.
    async fn under(&self, fault: Option<FaultKind>, body: Option<Bytes>) -> Option<Response> {
        match fault {
            None => Some(self.perform(body).await),
            Some(FaultKind::Status(code)) => {
                let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Some(error(status, status.canonical_reason().unwrap_or("Error")))
            }
            Some(FaultKind::Rate) => Some(error(StatusCode::TOO_MANY_REQUESTS, RATE_LIMITED)),
            Some(FaultKind::Monthly) => Some(error(StatusCode::TOO_MANY_REQUESTS, MONTH_USED_UP)),
            Some(FaultKind::Slow(delay)) => {
                sleep(delay).await;
                Some(self.perform(body).await)
            }
            Some(FaultKind::DropBefore) => None,
            Some(FaultKind::DropAfter) => {
                self.perform(body.clone()).await;
                self.forgive_second_try(body.as_ref());
                None
            }
            Some(FaultKind::StallAfter(silence)) => {
                self.perform(body.clone()).await;
                self.forgive_second_try(body.as_ref());
                sleep(silence).await;
                None
            }
            Some(FaultKind::HalfBody) => Some(half_of(self.perform(body).await).await),
        }
    }

    /// Whoever never saw the answer may use the same reply token once more.
    fn forgive_second_try(&self, body: Option<&Bytes>) {
        let body: Value = body.and_then(|b| serde_json::from_slice(b).ok()).unwrap_or_default();
        let mut state = self.platform.state();
        if let Some(token) = body["replyToken"].as_str().and_then(|t| state.reply_tokens.get_mut(t)) {
            token.answer_lost = true;
        }
    }

    pub(super) fn violate(&self, what: impl Into<String>) {
        self.platform.state().violate(self.endpoint, what);
    }

    fn is_authorised(&self) -> bool {
        let token = self.header("authorization").and_then(|h| h.strip_prefix("Bearer ")).unwrap_or_default();
        token.as_bytes().ct_eq(self.platform.settings().access_token.expose().as_bytes()).into()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The id in the `place`th part of the path below `/v2/bot/`.
    fn id(&self, place: usize) -> &str {
        self.segments.get(place).copied().unwrap_or_default()
    }

    async fn perform(&self, body: Option<Bytes>) -> Response {
        let mut answer = self.dispatch(body).await;
        let request_id = self.platform.state().request_id();
        let request_id = HeaderValue::from_str(&request_id).expect("hex digits and hyphens");
        answer.headers_mut().entry("x-line-request-id").or_insert(request_id);
        answer
    }

    async fn dispatch(&self, body: Option<Bytes>) -> Response {
        use Endpoint as E;
        if self.endpoint == E::Unknown {
            self.violate(format!("{} {} does not exist at LINE", self.parts.method, self.parts.uri.path()));
            return error(StatusCode::NOT_FOUND, "Not found");
        }
        if self.parts.uri.query().is_some() {
            self.violate("a query that LINE does not know: call exact endpoint paths");
        }
        if !self.is_authorised() {
            self.violate("a missing or wrong channel access token");
            return error(StatusCode::UNAUTHORIZED, BAD_ACCESS_TOKEN);
        }
        let Some(body) = body.filter(|b| b.len() <= REQUEST_BYTES_MAX) else {
            self.violate("a request above 2 MB");
            return error(StatusCode::PAYLOAD_TOO_LARGE, "Request entity too large");
        };
        match self.endpoint {
            E::Reply | E::Push | E::ValidateReply | E::ValidatePush | E::WebhookPut | E::MarkAsRead => match self.json(&body) {
                Ok(body) => self.write(body),
                Err(refusal) => *refusal,
            },
            E::WebhookTest => self.test_webhook().await,
            E::OtherSend => {
                self.violate("a bridge never sends to many users at once");
                error(StatusCode::FORBIDDEN, "Access to this API is not available for your account")
            }
            _ => self.read(),
        }
    }

    fn json(&self, body: &Bytes) -> Result<Value, Box<Response>> {
        if !self.header("content-type").is_some_and(|t| t.starts_with("application/json")) {
            self.violate("a Content-Type other than application/json");
            return Err(Box::new(error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type")));
        }
        serde_json::from_slice(body).ok().filter(Value::is_object).ok_or_else(|| {
            self.violate("a body that is no JSON object");
            Box::new(error(StatusCode::BAD_REQUEST, NOT_JSON))
        })
    }

    fn write(&self, body: Value) -> Response {
        match self.endpoint {
            Endpoint::Reply => self.reply(&body),
            Endpoint::Push => self.push(body),
            Endpoint::ValidateReply | Endpoint::ValidatePush => self.validate(&body),
            Endpoint::WebhookPut => self.put_webhook(&body),
            _ => self.mark_as_read(&body),
        }
    }

    fn read(&self) -> Response {
        use Endpoint as E;
        let now = self.platform.now();
        let mut state = self.platform.state();
        match self.endpoint {
            E::Quota => match state.quota {
                Some(value) => found(&json!({"type": "limited", "value": value})),
                None => found(&json!({"type": "none"})),
            },
            E::Consumption => found(&json!({"totalUsage": state.used(now)})),
            E::Profile => profile(&state, self.id(1)),
            E::BotInfo => found(&json!({
                "userId": self.platform.bot().as_str(), "basicId": "@216threadline", "displayName": self.platform.settings().bot_name,
                "chatMode": "bot", "markAsReadMode": "manual",
            })),
            E::MemberIds => error(StatusCode::FORBIDDEN, "Access to this API is not available for your account"),
            E::GroupSummary | E::MemberCount | E::Member | E::Leave => self.in_chat(&mut state, now),
            E::Content => content::download(&mut state, self.id(1)),
            E::Preview => content::preview(&mut state, self.id(1)),
            E::Transcoding => content::transcoding(&state, self.id(1)),
            E::WebhookGet => {
                let endpoint = state.registered_webhook.clone().or_else(|| state.webhook.clone()).unwrap_or_default();
                found(&json!({"endpoint": endpoint, "active": state.webhook_active}))
            }
            _ => error(StatusCode::NOT_FOUND, "Not found"),
        }
    }

    /// What one may ask of a group or room: only one that the bot is in.
    fn in_chat(&self, state: &mut State, now: Timestamp) -> Response {
        let kind = if self.id(0) == "room" { ChatKind::Room } else { ChatKind::Group };
        let id = LineChatId::from(self.id(1));
        let Some(chat) = state.chats.get_mut(&id).filter(|c| c.kind == kind && c.has_bot) else {
            return error(StatusCode::NOT_FOUND, "Not found");
        };
        match self.endpoint {
            Endpoint::GroupSummary => found(&json!({"groupId": id.as_str(), "groupName": chat.name})),
            Endpoint::MemberCount => found(&json!({"count": chat.members.len()})),
            Endpoint::Leave => {
                chat.has_bot = false;
                state.note(&id, now, "leave", &[]);
                found(&json!({}))
            }
            _ => {
                let user = LineUserId::from(self.id(3));
                if chat.members.contains(&user) {
                    found(&json!({"displayName": state.name_of(&user), "userId": user.as_str()}))
                } else {
                    error(StatusCode::NOT_FOUND, "Not found")
                }
            }
        }
    }

    fn put_webhook(&self, body: &Value) -> Response {
        let url = body["endpoint"].as_str().unwrap_or_default();
        if !url.starts_with("https://") || url.chars().count() > WEBHOOK_URL_CHARS_MAX {
            self.violate("a webhook URL that is no HTTPS URL of at most 500 characters");
            return error(StatusCode::BAD_REQUEST, "Invalid webhook endpoint URL");
        }
        self.platform.state().registered_webhook = Some(url.to_owned());
        found(&json!({}))
    }

    async fn test_webhook(&self) -> Response {
        let body = self.platform.body(&[], false);
        let signature = self.platform.signature(&body);
        let delivered = self.platform.post(body, Some(&signature)).await;
        let reason = match delivered.status {
            200..=299 => "OK",
            0 => "COULD_NOT_CONNECT",
            _ => "ERROR_STATUS_CODE",
        };
        found(&json!({
            "success": delivered.is_ok(), "timestamp": self.platform.now().to_string(), "statusCode": delivered.status,
            "reason": reason, "detail": delivered.error.unwrap_or_else(|| delivered.status.to_string()),
        }))
    }

    fn mark_as_read(&self, body: &Value) -> Response {
        let known = body["markAsReadToken"].as_str().is_some_and(|t| self.platform.state().read_tokens.contains(t));
        if known {
            return found(&json!({}));
        }
        self.violate("an unknown markAsReadToken");
        error(StatusCode::BAD_REQUEST, "Invalid markAsReadToken")
    }
}

fn found(body: &Value) -> Response {
    json_answer(StatusCode::OK, body)
}

/// Of friends and of people who wrote to the account themselves; for others there is the group member call.
fn profile(state: &State, user: &str) -> Response {
    match state.people.get(&LineUserId::from(user)) {
        Some(account) if account.can_be_reached() => found(&json!({"displayName": account.name, "userId": user, "language": "zh-Hant"})),
        _ => error(StatusCode::NOT_FOUND, "Not found"),
    }
}
