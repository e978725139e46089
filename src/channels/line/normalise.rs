//! One LINE event as an [`Incoming`].
//!
//! Total: whatever the JSON, an `Incoming` comes out. LINE adds kinds, properties and enum values without notice ("Development
//! guidelines"), so every field is read on its own and an unexpected shape counts as its absence.

use jiff::Timestamp;

use super::details::{self, details};
use super::wire::{self, Fields};
use crate::domain::{
    Act, ChatKind, Incoming, IncomingChat, LineAttachment, LineChatId, LineContent, LineMessageId, LineUserId, Said, Signal,
};

/// The longest attachment name, in bytes: what common file systems take, less room for a prefix.
pub const NAME_BYTES_MAX: usize = 200;

/// The longest end of a file name that is kept as its extension, in bytes.
const EXTENSION_BYTES_MAX: usize = 16;

/// The longest word of theirs that is kept as a kind, in characters.
const KIND_CHARS_MAX: usize = 64;

/// Reads one event's JSON as [`wire::events`] cut it. `bot_user_id` is the account's own id, where known: besides LINE's
/// `isSelf` it tells that the bot is mentioned.
pub fn normalise(event_json: &str, bot_user_id: Option<&str>) -> Incoming {
    let raw = event_json.trim_ascii();
    let repaired = wire::repair_surrogates(raw);
    let event = Fields::of(&repaired);
    let source = event.object("source").unwrap_or_default();
    let standby = event.text("mode").as_deref() == Some("standby");
    Incoming {
        external_id: wire::external_id(event.text("webhookEventId").as_deref(), raw),
        at: Timestamp::from_millisecond(event.0.get("timestamp").map_or(0, |v| wire::at_ms(v))).unwrap_or(Timestamp::UNIX_EPOCH),
        chat: chat(&source),
        author: filled(source.text("userId")).map(LineUserId),
        act: act(&event, bot_user_id),
        reply_token: event.text("replyToken").filter(|token| !standby && wire::is_reply_token(token)),
        standby,
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.is_empty())
}

fn chat(source: &Fields) -> Option<IncomingChat> {
    let (kind, id) = match source.text("type")?.as_str() {
        "group" => (ChatKind::Group, "groupId"),
        "room" => (ChatKind::Room, "roomId"),
        "user" => (ChatKind::User, "userId"),
        _ => return None,
    };
    Some(IncomingChat { kind, id: LineChatId(filled(source.text(id))?) })
}

fn act(event: &Fields, bot_user_id: Option<&str>) -> Act {
    let kind = kind(event);
    let read = match kind.as_str() {
        "message" => event.object("message").and_then(|m| said(&m, bot_user_id)).map(Act::Say),
        // Only texts are edited; anything else would be a kind of event that we do not know.
        "messageEdited" => {
            event.object("message").and_then(|m| said(&m, bot_user_id)).filter(|s| s.kind == "text" && !s.unsupported).map(Act::Edit)
        }
        "unsend" => event.object("unsend").and_then(|u| u.id("messageId")).map(|id| Act::Unsend { message: LineMessageId(id) }),
        "join" => Some(Act::BotJoined),
        "leave" => Some(Act::BotLeft),
        "memberJoined" => Some(Act::MembersJoined(members(event, "joined"))),
        "memberLeft" => Some(Act::MembersLeft(members(event, "left"))),
        "follow" => Some(Act::Followed),
        "unfollow" => Some(Act::Unfollowed),
        "postback" => event.object("postback").and_then(|p| p.text("data")).map(|data| Act::Tapped { data }),
        other => signal(event, other).map(Act::Signal),
    };
    read.unwrap_or(Act::Unsupported { kind })
}

/// What is told beside what is said. Source: Messaging API reference, "Webhook event objects".
fn signal(event: &Fields, kind: &str) -> Option<Signal> {
    let of = |object: &str, name: &str| event.object(object).and_then(|o| o.id(name)).map(|w| shown(&w)).unwrap_or_default();
    Some(match kind {
        "accountLink" => Signal::AccountLink { ok: of("link", "result") == "ok" },
        "videoPlayComplete" => Signal::VideoSeen { tracking: of("videoPlayComplete", "trackingId") },
        "beacon" => Signal::Beacon { hardware: of("beacon", "hwid"), kind: of("beacon", "type") },
        "membership" => Signal::Membership { kind: of("membership", "type") },
        "delivery" => Signal::NotificationDelivered,
        "module" => Signal::Module { attached: of("module", "type") == "attached" },
        "activated" => Signal::Activated,
        "deactivated" => Signal::Deactivated,
        "botSuspended" => Signal::BotSuspended,
        "botResumed" => Signal::BotResumed,
        _ => return None,
    })
}

/// A word of theirs, fit to be shown.
fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(KIND_CHARS_MAX).collect()
}

/// An object's `type`, fit to be shown.
fn kind(of: &Fields) -> String {
    let kind = shown(&of.text("type").unwrap_or_default());
    if kind.is_empty() { "unknown".to_owned() } else { kind }
}

fn members(event: &Fields, change: &str) -> Vec<LineUserId> {
    let people = event.object(change).map(|c| c.objects("members")).unwrap_or_default();
    people.iter().filter_map(|p| filled(p.text("userId"))).map(LineUserId).collect()
}

fn said(message: &Fields, bot_user_id: Option<&str>) -> Option<Said> {
    let id = message.id("id")?;
    let kind = kind(message);
    let (text, attachment, supported) = match kind.as_str() {
        "text" => {
            let text = message.text("text");
            let supported = text.is_some();
            (text.unwrap_or_default(), None, supported)
        }
        "sticker" => (sticker_text(message), None, true),
        "location" => {
            let text = location_text(message);
            let supported = !text.is_empty();
            (text, None, supported)
        }
        "image" | "video" | "audio" | "file" => {
            let attachment = attachment(message, &kind, &id);
            let supported = attachment.is_some();
            (String::new(), attachment, supported)
        }
        _ => (String::new(), None, false),
    };
    Some(Said {
        message: LineMessageId(id),
        text,
        quotes: message.id("quotedMessageId").map(LineMessageId),
        mentions_bot: mentions_bot(message, bot_user_id),
        attachment,
        unsupported: !supported,
        details: details(message, &kind, bot_user_id),
        kind,
    })
}

fn mentions_bot(message: &Fields, bot_user_id: Option<&str>) -> bool {
    let mentionees = message.object("mention").map(|m| m.objects("mentionees")).unwrap_or_default();
    mentionees.iter().any(|m| details::is_bot(m, bot_user_id))
}

/// The text on a message sticker, else LINE's first keyword for it, else nothing.
fn sticker_text(message: &Fields) -> String {
    filled(message.text("text"))
        .or_else(|| message.plain::<Vec<String>>("keywords")?.into_iter().find(|k| !k.is_empty()))
        .map(|t| t.replace('\0', ""))
        .unwrap_or_default()
}

fn location_text(message: &Fields) -> String {
    let place = details::place(message);
    let mut lines: Vec<String> = [place.title.clone(), place.address.clone()].into_iter().flatten().collect();
    lines.dedup();
    lines.extend(place.degrees.map(|(latitude, longitude)| format!("{latitude},{longitude}")));
    lines.extend(place.map_url());
    lines.join("\n")
}

/// `None` where it lies elsewhere and LINE does not say where.
fn attachment(message: &Fields, kind: &str, id: &str) -> Option<LineAttachment> {
    let (extension, content_type) = match kind {
        "image" => (".jpg", "image/jpeg"),
        "video" => (".mp4", "video/mp4"),
        "audio" => (".m4a", "audio/mp4"),
        _ => ("", "application/octet-stream"),
    };
    let given = message.text("fileName").map(|name| plain_name(&name)).unwrap_or_default();
    let provider = message.object("contentProvider").unwrap_or_default();
    let at = if provider.text("type").as_deref() == Some("external") {
        LineContent::External { url: details::external_url(message)? }
    } else {
        LineContent::Line
    };
    Some(LineAttachment {
        name: if given.is_empty() { format!("{kind}-{}{extension}", plain_name(id)) } else { given },
        content_type: content_type.to_owned(),
        size: message.plain("fileSize"),
        at,
    })
}

/// A file name of one part: no folders, no control or direction-changing characters, at most [`NAME_BYTES_MAX`] with its
/// extension kept. Empty where nothing is left of it.
fn plain_name(given: &str) -> String {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let clean: String = name.chars().filter(|c| !c.is_control() && !turns(*c)).collect();
    let clean = clean.trim().trim_end_matches(['.', ' ']);
    if clean.len() <= NAME_BYTES_MAX {
        return clean.to_owned();
    }
    let extension = clean.rfind('.').map(|dot| &clean[dot..]).filter(|e| e.len() <= EXTENSION_BYTES_MAX).unwrap_or_default();
    let stem = &clean[..clean.floor_char_boundary(NAME_BYTES_MAX - extension.len())];
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests;
