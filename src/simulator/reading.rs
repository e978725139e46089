//! What a bot may ask: quota, people, groups, and its webhook's settings.

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::api::{Call, Endpoint, error, found};
use super::content::{self, Asked};
use super::sending::is_line_id;
use super::state::{Friendship, Person, State};
use crate::domain::{ChatKind, LineChatId, LineUserId};

/// The longest webhook URL (reference, "Set webhook endpoint URL").
const WEBHOOK_URL_CHARS_MAX: usize = 500;
/// Ids of members on one page (reference, "Get group chat member user IDs").
const MEMBER_IDS_PER_PAGE: usize = 100;

const NO_WEBHOOK: &str = "Webhook endpoint not found";
const BAD_WEBHOOK: &str = "Invalid webhook endpoint URL";

fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "Not found")
}

impl Call<'_> {
    pub(super) fn read(&self) -> Response {
        use Endpoint as E;
        let now = self.platform.now();
        let account = self.platform.no();
        let mut state = self.platform.state();
        match self.endpoint {
            E::Quota => match state.accounts[account].quota {
                Some(value) => found(&json!({"type": "limited", "value": value})),
                None => found(&json!({"type": "none"})),
            },
            E::Consumption => found(&json!({"totalUsage": state.used(account, now)})),
            E::Profile => self.profile(&state),
            E::BotInfo => found(&json!({
                "userId": self.platform.bot().as_str(), "basicId": format!("@216thread{account}"),
                "displayName": self.platform.settings().bot_name, "chatMode": "bot", "markAsReadMode": "manual",
            })),
            E::MemberIds if !self.platform.settings().verified => {
                error(StatusCode::FORBIDDEN, "Access to this API is not available for your account")
            }
            E::GroupSummary | E::MemberCount | E::MemberIds | E::Member | E::Leave => self.in_chat(&mut state, now),
            E::Content => content::answer(&mut state, account, self.id(1), Asked::Whole),
            E::Preview => content::answer(&mut state, account, self.id(1), Asked::Preview),
            E::Transcoding => content::answer(&mut state, account, self.id(1), Asked::Transcoding),
            E::WebhookGet => {
                let asked = &state.accounts[account];
                match asked.registered_webhook.as_ref().or(asked.webhook.as_ref()) {
                    Some(endpoint) => found(&json!({"endpoint": endpoint, "active": asked.webhook_active})),
                    None => error(StatusCode::NOT_FOUND, NO_WEBHOOK),
                }
            }
            _ => not_found(),
        }
    }

    /// Of friends and of people who wrote to the account themselves; for others there is the group member call (reference, "Get profile").
    fn profile(&self, state: &State) -> Response {
        if !is_line_id(self.id(1)) {
            return error(StatusCode::BAD_REQUEST, "The value for the 'userId' parameter is invalid");
        }
        let user = LineUserId::from(self.id(1));
        let relation = state.relation(self.platform.no(), &user);
        let is_open = match relation.friendship {
            Friendship::Friend => true,
            Friendship::None => relation.wrote_at.is_some(),
            Friendship::Blocked => false,
        };
        match state.people.get(&user).filter(|p| is_open && p.consents && !p.is_gone) {
            Some(person) => {
                let mut told = Self::person(state, &user, person);
                for (field, value) in [("language", &person.language), ("statusMessage", &person.status_message)] {
                    if let Some(value) = value {
                        told[field] = json!(value);
                    }
                }
                found(&told)
            }
            None => not_found(),
        }
    }

    fn person(state: &State, user: &LineUserId, person: &Person) -> Value {
        let mut told = json!({"displayName": person.name, "userId": user.as_str()});
        if let Some(url) = state.picture_url(person.picture.as_ref()) {
            told["pictureUrl"] = json!(url);
        }
        told
    }

    /// What one may ask of a group or room: only one that the bot is in.
    fn in_chat(&self, state: &mut State, now: Timestamp) -> Response {
        let (kind, key) = if self.id(0) == "room" { (ChatKind::Room, "roomId") } else { (ChatKind::Group, "groupId") };
        if !is_line_id(self.id(1)) {
            return error(StatusCode::BAD_REQUEST, &format!("The value for the '{key}' parameter is invalid"));
        }
        let account = self.platform.no();
        let id = LineChatId::from(self.id(1));
        let Some(chat) = state.chats.get_mut(&id).filter(|c| c.kind == kind && c.bot == Some(account)) else {
            return not_found();
        };
        match self.endpoint {
            Endpoint::Leave => {
                chat.bot = None;
                state.note(account, &id, now, "leave", &[]);
                return found(&json!({}));
            }
            Endpoint::MemberCount => return found(&json!({"count": chat.members.len()})),
            _ => {}
        }
        let state: &State = state;
        let Some(chat) = state.chats.get(&id) else { return not_found() };
        match self.endpoint {
            Endpoint::GroupSummary => {
                let mut told = json!({"groupId": id.as_str(), "groupName": chat.name});
                if let Some(url) = state.picture_url(chat.picture.as_ref()) {
                    told["pictureUrl"] = json!(url);
                }
                found(&told)
            }
            Endpoint::MemberIds => self.member_ids(state, &chat.members),
            _ => {
                let user = LineUserId::from(self.id(3));
                let member = state.people.get(&user).filter(|p| chat.members.contains(&user) && !p.is_gone);
                member.map_or_else(not_found, |person| found(&Self::person(state, &user, person)))
            }
        }
    }

    /// A page of a group's members, for verified accounts alone. The continuation token is the place where the next page begins.
    fn member_ids(&self, state: &State, members: &[LineUserId]) -> Response {
        let query = self.parts.uri.query().unwrap_or_default();
        let start = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "start").map(|(_, value)| value.into_owned());
        let Ok(start) = start.map_or(Ok(0), |s| s.parse::<usize>()) else {
            return error(StatusCode::BAD_REQUEST, "Invalid start param");
        };
        let named: Vec<&str> = members.iter().filter(|m| state.people.get(*m).is_none_or(|p| p.consents)).map(LineUserId::as_str).collect();
        let page: Vec<&str> = named.iter().skip(start).take(MEMBER_IDS_PER_PAGE).copied().collect();
        let mut told = json!({"memberIds": page});
        let next = start + page.len();
        if next < named.len() {
            told["next"] = json!(next.to_string());
        }
        found(&told)
    }

    /// Kept and told again by "Get webhook endpoint information"; webhooks go on going where [`super::Platform::set_webhook`] says, since
    /// LINE takes nothing but https and this machine may have none.
    pub(super) fn put_webhook(&self, body: &Value) -> Response {
        let url = body["endpoint"].as_str().unwrap_or_default();
        if !url.starts_with("https://") || url.chars().count() > WEBHOOK_URL_CHARS_MAX || Url::parse(url).is_err() {
            self.violate("a webhook URL that is no HTTPS URL of at most 500 characters");
            return error(StatusCode::BAD_REQUEST, BAD_WEBHOOK);
        }
        self.platform.register_webhook(url);
        found(&json!({}))
    }

    /// `POST /v2/bot/channel/webhook/test`: with an `endpoint` that one, else the one that is set (reference, "Test webhook endpoint").
    pub(super) async fn test_webhook(&self, request: &Bytes) -> Response {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let known = self.platform.state().accounts[self.platform.no()].webhook.clone();
        let url = match (request["endpoint"].as_str(), known) {
            (Some(url), _) if Url::parse(url).is_err() => return error(StatusCode::BAD_REQUEST, BAD_WEBHOOK),
            (Some(url), _) => url.to_owned(),
            (None, Some(url)) => url,
            (None, None) => return error(StatusCode::NOT_FOUND, NO_WEBHOOK),
        };
        let body = self.platform.body(&[], false);
        let signature = self.platform.signature(&body);
        let delivered = self.platform.post_to(&url, body, Some(&signature)).await;
        let (reason, detail) = match delivered.status {
            200..=299 => ("OK", delivered.status.to_string()),
            0 if delivered.timed_out => ("REQUEST_TIMEOUT", "Request timeout".to_owned()),
            0 => ("COULD_NOT_CONNECT", delivered.error.clone().unwrap_or_default()),
            status => ("ERROR_STATUS_CODE", status.to_string()),
        };
        found(&json!({
            "success": delivered.is_ok(), "timestamp": self.platform.now().to_string(), "statusCode": delivered.status,
            "reason": reason, "detail": detail,
        }))
    }

    pub(super) fn mark_as_read(&self, body: &Value) -> Response {
        let known = body["markAsReadToken"].as_str().is_some_and(|t| self.platform.state().read_tokens.contains(t));
        if known {
            return found(&json!({}));
        }
        self.violate("an unknown markAsReadToken");
        error(StatusCode::BAD_REQUEST, "Invalid markAsReadToken")
    }
}
