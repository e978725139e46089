//! What a LINE message consists of beside its characters, read as leniently as the rest ([`super::normalise`]).
//!
//! LINE counts positions in UTF-16 units (Messaging API reference, "Text message": `index`, `length`); we keep bytes of the text as it is
//! stored, which has no NULs. A position that the text does not have is left out, whatever it says.

use super::wire::Fields;
use crate::domain::{Details, Emoji, ImageSet, KEYWORDS_MAX, Mention, Mentioned, Place, SPANS_MAX, Span, Sticker};

/// The longest id or word of theirs that is kept, in characters.
const WORD_CHARS_MAX: usize = 128;

/// The longest link that is kept, in bytes. LINE allows 2,000 characters.
const URL_BYTES_MAX: usize = 8 * 1024;

/// What belongs to a message of this kind. `bot_user_id` is the account's own id, where known.
pub(super) fn details(message: &Fields, kind: &str, bot_user_id: Option<&str>) -> Details {
    let mut details = Details::default();
    match kind {
        "text" => {
            // Before NULs are taken out: LINE counts them.
            let text: String = message.plain("text").unwrap_or_default();
            details.mentions = mentions(message, &text, bot_user_id);
            details.emoji = emoji(message, &text);
        }
        "sticker" => details.sticker = Some(sticker(message)),
        "location" => details.place = Some(place(message)),
        "image" => details.image_set = image_set(message),
        "video" | "audio" => details.duration_ms = message.plain("duration"),
        _ => {}
    }
    details.url = external_url(message);
    details
}

/// Whether somebody who is mentioned is the account itself.
pub(super) fn is_bot(mentionee: &Fields, bot_user_id: Option<&str>) -> bool {
    mentionee.plain("isSelf") == Some(true) || bot_user_id.is_some_and(|bot| mentionee.text("userId").as_deref() == Some(bot))
}

/// Where a file lies that is not at LINE, if that can be a link.
pub(super) fn external_url(message: &Fields) -> Option<String> {
    let provider = message.object("contentProvider").filter(|p| p.text("type").as_deref() == Some("external"))?;
    provider.text("originalContentUrl").filter(|u| u.len() <= URL_BYTES_MAX && (u.starts_with("https://") || u.starts_with("http://")))
}

fn mentions(message: &Fields, text: &str, bot_user_id: Option<&str>) -> Vec<Mention> {
    let mentionees = message.object("mention").map(|m| m.objects("mentionees")).unwrap_or_default();
    let read = |m: &Fields| {
        let whom = if m.text("type").as_deref() == Some("all") {
            Mentioned::All
        } else if is_bot(m, bot_user_id) {
            Mentioned::Bot
        } else {
            word(m, "userId").map_or(Mentioned::Somebody, Mentioned::User)
        };
        Some(Mention { at: span(m, text)?, whom })
    };
    mentionees.iter().filter_map(read).take(SPANS_MAX).collect()
}

fn emoji(message: &Fields, text: &str) -> Vec<Emoji> {
    let read = |e: &Fields| {
        let (product, emoji) = (word(e, "productId").unwrap_or_default(), word(e, "emojiId").unwrap_or_default());
        Some(Emoji { at: span(e, text)?, product, emoji })
    };
    message.objects("emojis").iter().filter_map(read).take(SPANS_MAX).collect()
}

fn span(of: &Fields, text: &str) -> Option<Span> {
    let (index, length) = (of.plain::<u32>("index")?, of.plain::<u32>("length")?);
    span_of_units(text, index, length)
}

/// The bytes, in `text` without its NULs, of `length` UTF-16 units from `index` on. `None` where the text has no such part, or where it
/// would begin or end within a character.
fn span_of_units(text: &str, index: u32, length: u32) -> Option<Span> {
    let (from, to) = (u64::from(index), u64::from(index) + u64::from(length));
    let (mut units, mut bytes) = (0_u64, 0_usize);
    let (mut start, mut end) = (None, None);
    for c in text.chars().map(Some).chain([None]) {
        if units == from {
            start = Some(bytes);
        }
        if units == to {
            end = Some(bytes);
            break;
        }
        let Some(c) = c else { break };
        units += c.len_utf16() as u64;
        bytes += if c == '\0' { 0 } else { c.len_utf8() };
    }
    let (start, end) = (start?, end?);
    (start < end).then_some(Span { start, end })
}

fn word(of: &Fields, name: &str) -> Option<String> {
    of.id(name).map(|w| w.chars().filter(|c| !c.is_control()).take(WORD_CHARS_MAX).collect::<String>()).filter(|w| !w.is_empty())
}

fn sticker(message: &Fields) -> Sticker {
    let keywords = message.plain::<Vec<String>>("keywords").unwrap_or_default();
    let tidy = |k: String| k.chars().filter(|c| !c.is_control()).take(WORD_CHARS_MAX).collect::<String>();
    Sticker {
        package: word(message, "packageId").unwrap_or_default(),
        sticker: word(message, "stickerId").unwrap_or_default(),
        resource: word(message, "stickerResourceType").unwrap_or_default(),
        keywords: keywords.into_iter().map(tidy).filter(|k| !k.is_empty()).take(KEYWORDS_MAX).collect(),
    }
}

/// A location's title, address and degrees, as far as they are there.
pub(super) fn place(message: &Fields) -> Place {
    let degrees = |name: &str, max: f64| message.plain::<f64>(name).filter(|d| d.abs() <= max);
    let filled = |name: &str| message.text(name).filter(|t| !t.is_empty());
    Place { title: filled("title"), address: filled("address"), degrees: degrees("latitude", 90.0).zip(degrees("longitude", 180.0)) }
}

fn image_set(message: &Fields) -> Option<ImageSet> {
    let set = message.object("imageSet")?;
    let counted = |name: &str| set.plain::<u32>(name).filter(|n| *n > 0);
    Some(ImageSet { id: word(&set, "id")?, index: counted("index"), total: counted("total") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of `text` that LINE's positions mean, as they stand in the stored text.
    fn part(text: &str, index: u32, length: u32) -> Option<String> {
        let stored = text.replace('\0', "");
        span_of_units(text, index, length).and_then(|s| s.of(&stored)).map(|r| stored[r].to_owned())
    }

    #[test]
    fn positions_are_utf16_units_of_what_line_sent() {
        assert_eq!(part("@All @Ben 早", 5, 4).as_deref(), Some("@Ben"));
        assert_eq!(part("🤨🏢 @小幫手 好", 5, 4).as_deref(), Some("@小幫手"));
        assert_eq!(part("甲\0乙@丙", 3, 2).as_deref(), Some("@丙"));
        assert_eq!(part("好", 0, 1).as_deref(), Some("好"));
    }

    #[test]
    fn a_position_that_the_text_does_not_have_is_left_out() {
        for (index, length) in [(0, 0), (1, 1), (0, 1), (2, 9), (4, 1), (u32::MAX, u32::MAX), (0, u32::MAX)] {
            assert_eq!(part("🤨好", index, length), None, "{index}+{length}");
        }
        assert_eq!(part("", 0, 1), None);
        assert_eq!(part("\0", 0, 1), None);
    }
}
