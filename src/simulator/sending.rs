//! Reply and push: tokens, retry keys, membership, the month's quota.

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::{Call, Endpoint, MONTH_USED_UP, error, json_answer};
use super::sent::{Entry, Sent, Speaker};
use super::state::{Message, State, UsedKey};
use crate::channels::line::limits;
use crate::domain::{LineChatId, LineMessageId, LineUserId, Via};

/// How long a retry key is remembered (docs, "Retry a failed API request").
const RETRY_KEY_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// How many errors of one request are told.
const DETAILS_TOLD_MAX: usize = 20;

const NOT_SENT: &str = "Failed to send messages";
const BAD_REPLY_TOKEN: &str = "Invalid reply token";
const BAD_TO: &str = "The property, 'to', in the request body is invalid (line: -, column: -)";

/// The kinds of message that can be quoted, and so get a quote token.
const QUOTABLE: [&str; 7] = ["text", "textV2", "sticker", "image", "video", "flex", "template"];

impl State {
    /// A UUID for `x-line-request-id`.
    pub(super) fn request_id(&mut self) -> String {
        let digits = self.hex(32);
        format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
    }

    /// Records what the bot says and shows it to the members, if anybody gets it; LINE's `sentMessages`.
    fn accept(&mut self, account: usize, mut sent: Sent) -> Value {
        let mut told = Vec::new();
        for message in sent.messages.clone() {
            let id = self.message_id();
            let kind = message["type"].as_str().unwrap_or_default().to_owned();
            let mut one = json!({"id": id.as_str()});
            if QUOTABLE.contains(&kind.as_str()) {
                one["quoteToken"] = json!(self.quote_token(&sent.chat, &id));
            }
            told.push(one);
            let quotes = message["quoteToken"].as_str().and_then(|t| self.quote_tokens.get(t)).map(|(_, id)| id.clone());
            let (chat, heard_by) = (sent.chat.clone(), Some(account));
            let stored = Message { chat, heard_by, author: None, kind, by_bot: true, unsent: false, content: None };
            self.messages.insert(id.clone(), stored);
            if !sent.dropped {
                let id = Some(id.clone());
                let entry = Entry { id, at: sent.at, by: Speaker::Bot, content: message, quotes, retracted: false, edited: false };
                self.show(account, &sent.chat, entry);
            }
            sent.ids.push(id);
        }
        self.record_sent(account, sent);
        Value::Array(told)
    }

    /// What a push to `chat` is billed as (docs, "Messaging API pricing": by recipients, not by objects); `None` = it cannot be sent
    /// there. Who blocked the account, is gone or never was its friend gets nothing and costs nothing, and LINE does not tell
    /// (reference, "Send push message").
    fn price(&self, account: usize, chat: &LineChatId, now: Timestamp) -> Option<u64> {
        if let Some(known) = self.chats.get(chat) {
            return (known.bot == Some(account)).then_some(u64::try_from(known.members.len()).unwrap_or(u64::MAX));
        }
        let user = LineUserId::from(chat.as_str());
        self.people.contains_key(&user).then(|| u64::from(self.can_be_reached(account, &user, now)))
    }

    /// 409, if a push under this key was accepted within its 24 hours.
    fn accepted_before(&mut self, account: usize, key: &str, body: &Value, now: Timestamp) -> Option<Response> {
        let used = self.retry_keys.get(&(account, key.to_ascii_lowercase())).filter(|u| now.duration_since(u.at) < RETRY_KEY_LIFE)?;
        let told = json!({"message": "The retry key is already accepted", "sentMessages": used.sent_messages});
        let mut answer = json_answer(StatusCode::CONFLICT, &told);
        set_header(&mut answer, "x-line-accepted-request-id", &used.request_id);
        if used.body != *body {
            self.violate(Endpoint::Push, "another body under a used retry key");
        }
        Some(answer)
    }

    /// Quote tokens that do not belong to `chat`.
    fn wrong_quotes(&self, body: &Value, chat: &LineChatId) -> Vec<limits::Violation> {
        let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let wrong = |message: &Value| {
            let token = message["quoteToken"].as_str()?;
            self.quote_tokens.get(token).is_none_or(|(of, _)| of != chat).then_some(())
        };
        messages
            .iter()
            .enumerate()
            .filter(|(_, message)| wrong(message).is_some())
            .map(|(at, _)| limits::Violation { property: format!("messages[{at}].quoteToken"), message: "Invalid quote token".to_owned() })
            .collect()
    }
}

/// Whether `id` has the form of a user's, group's or room's id.
pub(super) fn is_line_id(id: &str) -> bool {
    let (letter, digits) = id.split_at_checked(1).unwrap_or_default();
    matches!(letter, "U" | "C" | "R") && digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// LINE's answer to a body with these errors (reference, "Error messages").
fn invalid(violations: &[limits::Violation]) -> Response {
    let index = |v: &limits::Violation| v.property.strip_prefix("messages[")?.split(']').next()?.parse::<usize>().ok();
    let message = match violations {
        [only] if index(only).is_some() => {
            format!("A message (messages[{}]) in the request body is invalid", index(only).unwrap_or_default())
        }
        _ => format!("The request body has {} error(s)", violations.len()),
    };
    let details: Vec<Value> =
        violations.iter().take(DETAILS_TOLD_MAX).map(|v| json!({"message": v.message, "property": v.property})).collect();
    json_answer(StatusCode::BAD_REQUEST, &json!({"message": message, "details": details}))
}

impl Call<'_> {
    fn refuse_invalid(&self, violations: &[limits::Violation]) -> Response {
        let what: Vec<String> = violations.iter().map(|v| format!("{}: {}", v.property, v.message)).collect();
        self.violate(format!("an invalid body: {}", what.join("; ")));
        invalid(violations)
    }

    /// `POST /v2/bot/message/reply` (reference, "Send reply message"): free, once, within a minute, into the event's chat.
    pub(super) fn reply(&self, body: &Value) -> Response {
        let violations = limits::check_request(limits::Send::Reply, body);
        if !violations.is_empty() {
            return self.refuse_invalid(&violations);
        }
        let now = self.platform.now();
        let life = self.platform.settings().reply_token_life;
        let mut state = self.platform.state();
        let account = self.platform.no();
        let known = body["replyToken"].as_str().and_then(|t| state.reply_tokens.get_mut(t));
        let Some(token) = known.filter(|token| token.account == account) else {
            state.violate(self.endpoint, "a reply token that was never given out");
            return error(StatusCode::BAD_REQUEST, BAD_REPLY_TOKEN);
        };
        let chat = token.chat.clone();
        if token.used {
            // Forgiven once: the second answer says what became of the first.
            if !std::mem::take(&mut token.answer_lost) {
                state.violate(self.endpoint, "a reply token used twice");
            }
            return error(StatusCode::BAD_REQUEST, BAD_REPLY_TOKEN);
        }
        if now.duration_since(token.lives_from).unsigned_abs() > life {
            return error(StatusCode::BAD_REQUEST, BAD_REPLY_TOKEN);
        }
        let wrong = state.wrong_quotes(body, &chat);
        if !wrong.is_empty() {
            drop(state);
            return self.refuse_invalid(&wrong);
        }
        if let Some(token) = body["replyToken"].as_str().and_then(|t| state.reply_tokens.get_mut(t)) {
            token.used = true;
        }
        if state.chats.get(&chat).is_some_and(|c| c.bot != Some(account)) {
            return error(StatusCode::BAD_REQUEST, NOT_SENT);
        }
        let sent_messages = state.accept(account, self.new_sent(Via::LineReply, chat, body, now));
        json_answer(StatusCode::OK, &json!({"sentMessages": sent_messages}))
    }

    /// `POST /v2/bot/message/push` (reference, "Send push message"; docs, "Retry a failed API request").
    pub(super) fn push(&self, body: Value) -> Response {
        let key = self.header("x-line-retry-key");
        match key {
            None => self.violate("a push without a retry key: after a lost answer it would be shown twice"),
            Some(key) if Uuid::try_parse(key).is_err() => {
                self.violate("a retry key that is no UUID");
                return error(StatusCode::BAD_REQUEST, "The retry key is invalid");
            }
            Some(_) => {}
        }
        let violations = limits::check_request(limits::Send::Push, &body);
        let now = self.platform.now();
        // Held to the end: of two pushes under one key at the same instant only one may be accepted.
        let account = self.platform.no();
        let mut state = self.platform.state();
        if let Some(again) = key.and_then(|key| state.accepted_before(account, key, &body, now)) {
            return again;
        }
        if !violations.is_empty() {
            drop(state);
            return self.refuse_invalid(&violations);
        }
        let Some(to) = body["to"].as_str().filter(|to| is_line_id(to)) else {
            state.violate(self.endpoint, "`to` is no id of LINE's");
            return error(StatusCode::BAD_REQUEST, BAD_TO);
        };
        let chat = LineChatId::from(to);
        let wrong = state.wrong_quotes(&body, &chat);
        if !wrong.is_empty() {
            drop(state);
            return self.refuse_invalid(&wrong);
        }
        let Some(price) = state.price(account, &chat, now) else {
            return error(StatusCode::BAD_REQUEST, NOT_SENT);
        };
        if state.accounts[account].quota.is_some_and(|quota| state.used(account, now) + price > quota) {
            return error(StatusCode::TOO_MANY_REQUESTS, MONTH_USED_UP);
        }
        let dropped = price == 0 && !state.chats.contains_key(&chat);
        let retry_key = key.map(str::to_owned);
        let sent = Sent { billed: price, dropped, retry_key, ..self.new_sent(Via::LinePush, chat, &body, now) };
        let sent_messages = state.accept(account, sent);
        let request_id = state.request_id();
        let mut answer = json_answer(StatusCode::OK, &json!({"sentMessages": sent_messages}));
        set_header(&mut answer, "x-line-request-id", &request_id);
        if let Some(key) = key {
            state.retry_keys.insert((account, key.to_ascii_lowercase()), UsedKey { at: now, body, sent_messages, request_id });
        }
        answer
    }

    /// `POST /v2/bot/message/validate/…`: the message objects alone (reference, "Validate message objects of a push message" and its
    /// neighbours). Nobody is told, nothing is billed.
    pub(super) fn validate(&self, body: &Value) -> Response {
        let (kind, key) = match self.endpoint {
            Endpoint::ValidateReply => (limits::Send::Reply, "replyToken"),
            Endpoint::ValidatePush => (limits::Send::Push, "to"),
            _ => (limits::Send::Broadcast, "broadcast"),
        };
        let mut whole = body.clone();
        whole[key] = json!("C".to_owned() + &"0".repeat(32));
        let violations = limits::check_request(kind, &whole);
        if violations.is_empty() { json_answer(StatusCode::OK, &json!({})) } else { invalid(&violations) }
    }

    fn new_sent(&self, via: Via, chat: LineChatId, body: &Value, at: Timestamp) -> Sent {
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        let bot = self.platform.bot().clone();
        let quiet = body["notificationDisabled"].as_bool().unwrap_or(false);
        Sent { bot, via, chat, messages, ids: Vec::<LineMessageId>::new(), billed: 0, dropped: false, retry_key: None, quiet, at }
    }
}

fn set_header(answer: &mut Response, name: &'static str, value: &str) {
    answer.headers_mut().insert(name, HeaderValue::from_str(value).expect("hex digits and hyphens"));
}
