//! What a visitor does in the group, as one of its people.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Demo, DemoState, NOSNIFF, Refusal};
use crate::domain::{LineMessageId, LineUserId};
use crate::simulator::{Event, Say, Speaker, Upload};

/// The largest picture or file that can be sent.
pub(super) const UPLOAD_BYTES_MAX: usize = 10 * 1024 * 1024;
/// The longest text of a LINE message (reference, "Text message"), in UTF-16 units.
const TEXT_UTF16_MAX: usize = 5_000;
/// Most pictures that can be sent at once.
const PICTURES_AT_ONCE_MAX: u32 = 20;
/// The longest name of such a set of pictures.
const SET_CHARS_MAX: usize = 64;

/// What people uploaded.
const CONTENT_CSP: &str = "sandbox; default-src 'none'";

type Told = Result<Json<Value>, Refusal>;

/// Delivers what somebody did to the product; what it answered. What the bot does not hear of, since it is not in the group, is told as
/// `unheard`.
async fn deliver(demo: &DemoState, event: Event) -> Json<Value> {
    if !event.heard {
        return Json(json!({"unheard": true}));
    }
    let delivered = demo.platform.deliver(std::slice::from_ref(&event)).await;
    Json(json!({"webhook": delivered.status}))
}

fn checked(text: &str) -> Result<&str, Refusal> {
    match text.encode_utf16().count() {
        0 => Err(Refusal(StatusCode::BAD_REQUEST, "empty")),
        1..=TEXT_UTF16_MAX => Ok(text),
        _ => Err(Refusal(StatusCode::BAD_REQUEST, "too long")),
    }
}

/// One of the people, while they are in the group.
fn speaker<'a>(demo: &'a DemoState, id: &str) -> Result<&'a LineUserId, Refusal> {
    let user = demo.line_user(id)?;
    let is_in = demo.platform.state().chats.get(&demo.group).is_some_and(|c| c.members.contains(user));
    if is_in { Ok(user) } else { Err(Refusal(StatusCode::FORBIDDEN, "not in the group")) }
}

/// A message of the demonstration's group.
fn known_message(demo: &DemoState, id: &str) -> Result<LineMessageId, Refusal> {
    let id = LineMessageId::from(id);
    let known = demo.platform.state().messages.get(&id).is_some_and(|m| m.chat == demo.group && !m.unsent);
    if known { Ok(id) } else { Err(Refusal(StatusCode::NOT_FOUND, "message")) }
}

/// A message that a person wrote: an Official Account can neither edit nor unsend its own.
fn own_message(demo: &DemoState, id: &str, text_only: bool) -> Result<LineMessageId, Refusal> {
    let id = known_message(demo, id)?;
    let may = demo.platform.state().messages.get(&id).is_some_and(|m| !m.by_bot && (!text_only || m.kind == "text"));
    if may { Ok(id) } else { Err(Refusal(StatusCode::FORBIDDEN, "message")) }
}

#[derive(Deserialize)]
pub(super) struct SayBody {
    who: String,
    text: String,
    quote: Option<String>,
}

pub(super) async fn say(State(shown): Demo, Json(body): Json<SayBody>) -> Told {
    let demo = &shown.demo;
    let quote = body.quote.as_deref().map(|q| known_message(demo, q)).transpose()?;
    let how = Say { quote, mention_names: true, ..Say::default() };
    let event = demo.platform.say(&demo.group, Some(speaker(demo, &body.who)?), checked(&body.text)?, how);
    Ok(deliver(demo, event).await)
}

#[derive(Deserialize)]
pub(super) struct EditBody {
    message: String,
    text: String,
}

pub(super) async fn edit(State(shown): Demo, Json(body): Json<EditBody>) -> Told {
    let demo = &shown.demo;
    let message = own_message(demo, &body.message, true)?;
    let how = Say { mention_names: true, ..Say::default() };
    let event = demo.platform.edit_as(&message, checked(&body.text)?, &how);
    Ok(deliver(demo, event).await)
}

#[derive(Deserialize)]
pub(super) struct UnsendBody {
    message: String,
}

pub(super) async fn unsend(State(shown): Demo, Json(body): Json<UnsendBody>) -> Told {
    let demo = &shown.demo;
    let message = own_message(demo, &body.message, false)?;
    Ok(deliver(demo, demo.platform.unsend(&message)).await)
}

#[derive(Deserialize)]
pub(super) struct StickerBody {
    who: String,
    keyword: String,
    quote: Option<String>,
}

pub(super) async fn sticker(State(shown): Demo, Json(body): Json<StickerBody>) -> Told {
    let demo = &shown.demo;
    let quote = body.quote.as_deref().map(|q| known_message(demo, q)).transpose()?;
    let who = speaker(demo, &body.who)?;
    let event = demo.platform.sticker(&demo.group, Some(who), &[checked(&body.keyword)?], quote.as_ref());
    Ok(deliver(demo, event).await)
}

#[derive(Deserialize)]
pub(super) struct TapBody {
    who: String,
    /// The bot's message that the button is on.
    message: String,
    /// The button's action object.
    action: Value,
    /// What was chosen in a date picker.
    params: Option<Value>,
}

/// Whether `action` stands somewhere in `message`.
fn has_action(message: &Value, action: &Value) -> bool {
    match message {
        Value::Object(fields) => message == action || fields.values().any(|value| has_action(value, action)),
        Value::Array(items) => items.iter().any(|item| has_action(item, action)),
        _ => false,
    }
}

pub(super) async fn tap(State(shown): Demo, Json(body): Json<TapBody>) -> Told {
    let demo = &shown.demo;
    let who = speaker(demo, &body.who)?;
    let lines = demo.platform.chat_log(&demo.group);
    let id = LineMessageId::from(body.message.as_str());
    let line = lines.iter().find(|l| l.by == Speaker::Bot && l.id.as_ref() == Some(&id));
    if !line.is_some_and(|line| body.action.is_object() && has_action(&line.content, &body.action)) {
        return Err(Refusal(StatusCode::NOT_FOUND, "button"));
    }
    match demo.platform.tap_button(&demo.group, Some(who), &body.action, body.params) {
        Some(event) => Ok(deliver(demo, event).await),
        None => Err(Refusal(StatusCode::BAD_REQUEST, "button")),
    }
}

#[derive(Deserialize)]
pub(super) struct MemberBody {
    who: String,
    /// Whether they come or go.
    come: bool,
}

/// Somebody leaves the group, or comes back.
pub(super) async fn member(State(shown): Demo, Json(body): Json<MemberBody>) -> Told {
    let demo = &shown.demo;
    let who = demo.line_user(&body.who)?;
    if speaker(demo, &body.who).is_ok() == body.come {
        return Err(Refusal(StatusCode::CONFLICT, "who"));
    }
    let users = std::slice::from_ref(who);
    let event = if body.come { demo.platform.member_joined(&demo.group, users) } else { demo.platform.member_left(&demo.group, users) };
    Ok(deliver(demo, event).await)
}

#[derive(Deserialize)]
pub(super) struct BotBody {
    come: bool,
}

/// The bot is removed from the group, or invited again.
pub(super) async fn bot(State(shown): Demo, Json(body): Json<BotBody>) -> Told {
    let demo = &shown.demo;
    if demo.platform.is_in(&demo.group) == body.come {
        return Err(Refusal(StatusCode::CONFLICT, "bot"));
    }
    let event = if body.come { demo.platform.join(&demo.group) } else { demo.platform.leave(&demo.group) };
    Ok(deliver(demo, event).await)
}

#[derive(Deserialize)]
pub(super) struct UploadQuery {
    who: String,
    kind: String,
    name: String,
    /// The name of a set of pictures that are sent at once, with this one's place in it.
    set: Option<String>,
    index: Option<u32>,
    total: Option<u32>,
}

impl UploadQuery {
    fn image_set(&self) -> Result<Option<Value>, Refusal> {
        let (Some(set), Some(index), Some(total)) = (&self.set, self.index, self.total) else { return Ok(None) };
        let plain = set.len() <= SET_CHARS_MAX && !set.is_empty() && set.bytes().all(|b| b.is_ascii_alphanumeric());
        if plain && (1..=total).contains(&index) && total <= PICTURES_AT_ONCE_MAX {
            Ok(Some(json!({"id": set, "index": index, "total": total})))
        } else {
            Err(Refusal(StatusCode::BAD_REQUEST, "set"))
        }
    }
}

pub(super) async fn upload(State(shown): Demo, Query(query): Query<UploadQuery>, headers: HeaderMap, body: Bytes) -> Told {
    let demo = &shown.demo;
    let who = Some(speaker(demo, &query.who)?);
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("application/octet-stream");
    let upload = Upload { image_set: query.image_set()?, ..Upload::new(content_type, body) };
    let event = match query.kind.as_str() {
        "image" if matches!(content_type, "image/png" | "image/jpeg") => demo.platform.image(&demo.group, who, upload),
        "file" => demo.platform.file(&demo.group, who, &query.name, upload),
        _ => return Err(Refusal(StatusCode::BAD_REQUEST, "kind")),
    };
    Ok(deliver(demo, event).await)
}

pub(super) async fn content(State(shown): Demo, Path(message): Path<String>) -> Result<Response, Refusal> {
    let id = known_message(&shown.demo, &message)?;
    let (bytes, kind) = shown.demo.platform.content(&id).ok_or(Refusal(StatusCode::NOT_FOUND, "message"))?;
    // Only pictures are shown in place; whatever else was sent is only ever saved.
    let (kind, disposition) = match kind.as_str() {
        "image/png" => ("image/png", "inline"),
        "image/jpeg" => ("image/jpeg", "inline"),
        _ => ("application/octet-stream", "attachment"),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_SECURITY_POLICY, CONTENT_CSP),
        // Gone from every browser too, once it is unsent.
        (header::CACHE_CONTROL, "no-store"),
        NOSNIFF,
    ];
    Ok((headers, bytes).into_response())
}
