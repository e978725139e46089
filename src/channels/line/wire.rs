//! A webhook's body, cut into its events without looking further than the intake needs.
//!
//! The body is scanned once for the events' bounds (each event's bytes stay borrowed) and each event once for the few fields
//! below. Nothing here may refuse an authentic event: one that cannot be read still gets an id, and its bytes are kept.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The longest id of theirs that is kept as it is, in bytes (a ULID has 26); a longer one is replaced by a hash.
pub const EXTERNAL_ID_BYTES_MAX: usize = 128;

/// The latest time that we can hold, in milliseconds since 1970 (end of the year 9999).
const AT_MS_MAX: i64 = 253_402_207_200_999;

/// One event of a webhook, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireEvent {
    /// `webhookEventId`; `sha256:` and the hex digest of [`WireEvent::raw`] where it has none.
    pub external_id: String,
    /// LINE's time of the event in milliseconds since 1970; 0 where it tells none that can be used.
    pub at_ms: i64,
    /// Id of the group, room or user that it happened in; empty where it belongs to no chat.
    pub chat_key: String,
    /// The event's own JSON, byte for byte as it stood in the body.
    pub raw: String,
    /// Whether it can be answered for free.
    pub has_reply_token: bool,
}

/// The body is not a LINE webhook: not a JSON object with an array `events`.
#[derive(Debug, thiserror::Error)]
#[error("not a LINE webhook: {0}")]
pub struct Malformed(String);

/// Cuts a body into its events, in the order in which they stand. An empty array is legal (the console's "Verify").
///
/// # Errors
/// Where the body is not an object, or `events` is missing or no array. One strange event never fails the others.
pub fn events(raw_body: &[u8]) -> Result<Vec<WireEvent>, Malformed> {
    webhook(raw_body).map(|webhook| webhook.events)
}

/// A webhook's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// User id of the account that it is meant for; empty where the body does not tell.
    pub destination: String,
    pub events: Vec<WireEvent>,
}

/// As [`events`], with whom they are meant for.
///
/// # Errors
/// As [`events`].
pub fn webhook(raw_body: &[u8]) -> Result<Webhook, Malformed> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow, default)]
        destination: Option<&'a RawValue>,
        #[serde(borrow)]
        events: Vec<&'a RawValue>,
    }
    // JSON is UTF-8; should one event ever not be, the others must not be lost with it.
    let body = String::from_utf8_lossy(raw_body);
    let body = body.trim_start_matches('\u{feff}').trim_ascii_start();
    if !body.starts_with('{') {
        return Err(Malformed("the body is no object".to_owned()));
    }
    // serde's words may quote the body, which is nobody's to log; its place and kind say enough.
    let Body { destination, events } =
        serde_json::from_str(body).map_err(|e| Malformed(format!("{:?} at line {} column {}", e.classify(), e.line(), e.column())))?;
    let destination = destination.and_then(text).map(Cow::into_owned).unwrap_or_default();
    Ok(Webhook { destination, events: events.into_iter().map(|event| read(event.get())).collect() })
}

/// What [`events`] needs of an event; every field in whatever shape it came.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow, default)]
    webhook_event_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reply_token: Option<&'a RawValue>,
}

fn read(raw: &str) -> WireEvent {
    // A derived struct would also accept an array.
    let head = if raw.starts_with('{') { serde_json::from_str::<Head>(raw).ok() } else { None };
    let Some(head) = head else { return read_slowly(raw) };
    WireEvent {
        external_id: external_id(head.webhook_event_id.and_then(text).as_deref(), raw),
        at_ms: head.timestamp.map_or(0, at_ms),
        chat_key: head.source.map(chat_key).unwrap_or_default(),
        raw: raw.to_owned(),
        has_reply_token: head.reply_token.and_then(text).is_some_and(|t| is_reply_token(&t)),
    }
}

/// For an event whose top level is odd (a repeated key, half an escaped character in a key, not an object at all).
fn read_slowly(raw: &str) -> WireEvent {
    let repaired = repair_surrogates(raw);
    let event = Fields::of(&repaired);
    WireEvent {
        external_id: external_id(event.text("webhookEventId").as_deref(), raw),
        at_ms: event.0.get("timestamp").map_or(0, |v| at_ms(v)),
        chat_key: event.0.get("source").map(|s| chat_key(s)).unwrap_or_default(),
        raw: raw.to_owned(),
        has_reply_token: event.text("replyToken").is_some_and(|t| is_reply_token(&t)),
    }
}

/// `theirs` where it can serve as an id, else a hash of the event's bytes: the same for a repeat of the same bytes.
pub(super) fn external_id(theirs: Option<&str>, raw: &str) -> String {
    match theirs {
        Some(id) if !id.is_empty() && id.len() <= EXTERNAL_ID_BYTES_MAX && !id.contains(char::is_control) => id.to_owned(),
        _ => {
            let digest = Sha256::digest(raw.as_bytes());
            digest.iter().fold("sha256:".to_owned(), |mut hex, byte| {
                for nibble in [byte >> 4, byte & 15] {
                    hex.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is below 16"));
                }
                hex
            })
        }
    }
}

/// Whether LINE would take this token: old consoles' "Verify" sent tokens of nothing but `0` or `f`.
pub(super) fn is_reply_token(token: &str) -> bool {
    !token.is_empty() && !token.bytes().all(|b| b == b'0') && !token.bytes().all(|b| b == b'f')
}

/// A time in milliseconds, 0 for anything that is none.
pub(super) fn at_ms(value: &RawValue) -> i64 {
    value.get().parse().ok().filter(|ms| (1..=AT_MS_MAX).contains(ms)).unwrap_or(0)
}

/// An event's `source`; every field in whatever shape it came.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    group_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    room_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    user_id: Option<&'a RawValue>,
}

fn chat_key(source: &RawValue) -> String {
    let json = source.get();
    let source: Source = if json.starts_with('{') { serde_json::from_str(json).unwrap_or_default() } else { Source::default() };
    let id = match source.kind.and_then(text).as_deref() {
        Some("group") => source.group_id,
        Some("room") => source.room_id,
        Some("user") => source.user_id,
        _ => None,
    };
    id.and_then(text).map(Cow::into_owned).unwrap_or_default()
}

/// A JSON string without NULs (which `PostgreSQL` cannot hold); `None` for another kind of value.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    if let Ok(plain) = serde_json::from_str::<&str>(json) {
        return Some(Cow::Borrowed(plain));
    }
    let text: String = serde_json::from_str(json).ok()?;
    Some(Cow::Owned(if text.contains('\0') { text.replace('\0', "") } else { text }))
}

/// An object's fields, unread: a field of an unexpected kind is as good as absent, and depth costs nothing.
#[derive(Default)]
pub(super) struct Fields<'a>(pub(super) HashMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// The fields of `json`; none where it is no object.
    pub(super) fn of(json: &'a str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    /// A string, without NULs.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(|v| text(v)).map(Cow::into_owned)
    }

    /// An id: a string with something in it, or a whole number as its digits.
    pub(super) fn id(&self, name: &str) -> Option<String> {
        let value = self.0.get(name)?;
        text(value)
            .map(Cow::into_owned)
            .filter(|id| !id.is_empty())
            .or_else(|| serde_json::from_str::<u64>(value.get()).ok().map(|n| n.to_string()))
    }

    /// An object's fields.
    pub(super) fn object(&self, name: &str) -> Option<Fields<'a>> {
        let json = self.0.get(name)?.get();
        json.starts_with('{').then(|| Fields::of(json))
    }

    /// The objects in an array; what is in it beside objects is passed over.
    pub(super) fn objects(&self, name: &str) -> Vec<Fields<'a>> {
        let items: Vec<&'a RawValue> = self.0.get(name).and_then(|v| serde_json::from_str(v.get()).ok()).unwrap_or_default();
        items.into_iter().map(RawValue::get).filter(|json| json.starts_with('{')).map(Fields::of).collect()
    }

    /// A value that serde can read in one piece (numbers, booleans).
    pub(super) fn plain<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }
}

/// Replaces half surrogate pairs (`\ud83e` alone) by `\ufffd`: JSON allows them, Rust's strings do not, and LINE escapes some
/// emoji so, cutting none in two that we know of.
pub(super) fn repair_surrogates(json: &str) -> Cow<'_, str> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
    let bytes = json.as_bytes();
    let unit = |at: usize| -> Option<u16> {
        if bytes.get(at..at + 2)? != b"\\u" {
            return None;
        }
        json.get(at + 2..at + 6).and_then(|hex| u16::from_str_radix(hex, 16).ok())
    };
    let (mut out, mut kept, mut at) = (String::new(), 0, 0);
    while let Some(step) = bytes[at..].iter().position(|b| *b == b'\\') {
        at += step;
        match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                out.push_str(&json[kept..at]);
                out.push_str("\\ufffd");
                at += 6;
                kept = at;
            }
            // Every other escape; what follows a backslash is ASCII in any JSON, and past the end in none.
            _ => at = (at + 2).min(bytes.len()),
        }
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[kept..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
