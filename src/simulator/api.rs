//! The Messaging API as a bot meets it: who may ask, what is checked, how LINE words its refusals.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State as AxumState};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::cord::Cord;
use super::faults::FaultKind;
use super::pictures;
use super::platform::Platform;
use super::sent::RequestSeen;
use crate::domain::words;

/// The largest request that LINE takes (reference, "Rate limits").
const REQUEST_BYTES_MAX: usize = 2 * 1024 * 1024;

/// How long after its first octets an answer breaks off.
const BREAK_OFF_AFTER: Duration = Duration::from_millis(30);

const RATE_LIMITED: &str = "The API rate limit has been exceeded. Try again later.";
pub(super) const MONTH_USED_UP: &str = "You have reached your monthly limit.";
const NOT_JSON: &str = "The request body could not be parsed as JSON (line: 1, column: 1)";

words! {
    /// A call of the Messaging API that the stand-in knows.
    Endpoint {
        Reply = "reply",
        Push = "push",
        ValidateReply = "validate-reply",
        ValidatePush = "validate-push",
        ValidateOther = "validate-other",
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
        /// `POST /oauth2/v3/token`.
        Token = "token",
        /// A picture of a person or group; not a call of the API.
        Picture = "picture",
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
        ["message", "validate", "multicast" | "narrowcast" | "broadcast"] if is_post => E::ValidateOther,
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
    let (endpoint, segments) = if let Some(rest) = path.strip_prefix("/v2/bot/") {
        let segments: Vec<&str> = rest.split('/').collect();
        (endpoint_of(&parts.method, &segments), segments)
    } else if path == "/oauth2/v3/token" && parts.method == Method::POST {
        (Endpoint::Token, Vec::new())
    } else if let Some(id) = path.strip_prefix(pictures::PATH).filter(|_| parts.method == Method::GET) {
        (Endpoint::Picture, vec![id])
    } else {
        (Endpoint::Unknown, Vec::new())
    };
    // One octet more than is allowed tells the too large from the largest; what is larger still is cut off with an error.
    let body = to_bytes(body, REQUEST_BYTES_MAX + 1).await;
    let fault = platform.state().faults.take(endpoint);
    // Who asks is told by the token; without a good one the call comes no further than this account's door.
    let caller = platform.caller(parts.headers.get(header::AUTHORIZATION));
    let asked_of = caller.map_or(platform.clone(), |no| platform.as_account(no));
    let call = Call { endpoint, segments, parts: &parts, is_authorised: caller.is_some(), platform: &asked_of };
    let mut answered = call.under(fault, body.ok()).await;
    if let Some(answer) = &mut answered {
        let request_id = HeaderValue::from_str(&platform.state().request_id()).expect("hex digits and hyphens");
        answer.headers_mut().entry("x-line-request-id").or_insert(request_id);
    }
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
    pub segments: Vec<&'a str>,
    pub parts: &'a Parts,
    is_authorised: bool,
    /// As the account that asks.
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

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The id in the `place`th part of the path below `/v2/bot/`.
    pub(super) fn id(&self, place: usize) -> &str {
        self.segments.get(place).copied().unwrap_or_default()
    }

    async fn perform(&self, body: Option<Bytes>) -> Response {
        self.dispatch(body).await
    }

    async fn dispatch(&self, body: Option<Bytes>) -> Response {
        use Endpoint as E;
        if self.endpoint == E::Unknown {
            self.violate(format!("{} {} does not exist at LINE", self.parts.method, self.parts.uri.path()));
            return error(StatusCode::NOT_FOUND, "Not found");
        }
        if self.endpoint == E::Picture {
            return pictures::show(&self.platform.state(), self.id(0));
        }
        if self.parts.uri.query().is_some() && self.endpoint != E::MemberIds {
            self.violate("a query that LINE does not know: call exact endpoint paths");
        }
        if self.endpoint == E::Token {
            return self.issue_token(&body.unwrap_or_default());
        }
        if !self.is_authorised {
            return self.refuse_stranger();
        }
        if self.header("x-line-retry-key").is_some() && !matches!(self.endpoint, E::Push | E::OtherSend) {
            self.violate(format!("a retry key on {}, which takes none", self.endpoint.as_str()));
            return error(StatusCode::BAD_REQUEST, "The retry key is not allowed for this API");
        }
        let Some(body) = body.filter(|b| b.len() <= REQUEST_BYTES_MAX) else {
            self.violate("a request above 2 MB");
            return error(StatusCode::PAYLOAD_TOO_LARGE, "Request entity too large");
        };
        match self.endpoint {
            E::Reply | E::Push | E::ValidateReply | E::ValidatePush | E::ValidateOther | E::WebhookPut | E::MarkAsRead => {
                match self.json(&body) {
                    Ok(body) => self.write(body),
                    Err(refusal) => *refusal,
                }
            }
            E::WebhookTest => self.test_webhook(&body).await,
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
            let message = format!("The content type, {}, is not supported", self.header("content-type").unwrap_or("-"));
            return Err(Box::new(error(StatusCode::UNSUPPORTED_MEDIA_TYPE, &message)));
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
            Endpoint::ValidateReply | Endpoint::ValidatePush | Endpoint::ValidateOther => self.validate(&body),
            Endpoint::WebhookPut => self.put_webhook(&body),
            _ => self.mark_as_read(&body),
        }
    }
}

/// 200 with this.
pub(super) fn found(body: &Value) -> Response {
    json_answer(StatusCode::OK, body)
}
