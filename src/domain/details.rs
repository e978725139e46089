//! What a LINE message consists of beside its characters. Kept with the post as JSON, and read back whatever is written there.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Spans that one text may carry; LINE allows 20 mentions and 20 emoji. More are not kept.
pub const SPANS_MAX: usize = 40;

/// Keywords of a sticker that are kept; LINE sends up to 15. Source: Messaging API reference, "Sticker".
pub const KEYWORDS_MAX: usize = 15;

/// Mentions, LINE emoji, the sticker, the place, and what else a kind of message tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Where the text has `(name)` for a picture of LINE's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emoji: Vec<Emoji>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticker: Option<Sticker>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_set: Option<ImageSet>,
    /// Where the file lies, if not at LINE: shown, never fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of a video or a voice message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// A part of the text, in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// The part of `text`; `None` where the text has no such part.
    pub fn of(self, text: &str) -> Option<Range<usize>> {
        (self.start < self.end && text.get(self.start..self.end).is_some()).then_some(self.start..self.end)
    }
}

/// Somebody is spoken to: the text has their name there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    #[serde(flatten)]
    pub at: Span,
    pub whom: Mentioned,
}

/// Who is spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mentioned {
    /// Everybody in the chat.
    All,
    /// The account itself.
    Bot,
    /// A user, by LINE's id.
    User(String),
    /// A user whom LINE does not name (no profile consent).
    Somebody,
}

/// A LINE emoji.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emoji {
    #[serde(flatten)]
    pub at: Span,
    /// LINE's `productId`.
    pub product: String,
    /// LINE's `emojiId`.
    pub emoji: String,
}

/// A sticker, by LINE's ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sticker {
    pub package: String,
    pub sticker: String,
    /// LINE's `stickerResourceType`: an open set of words.
    pub resource: String,
    /// What LINE thinks it means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
}

/// A place on the map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Degrees: latitude from -90 to 90, longitude from -180 to 180.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degrees: Option<(f64, f64)>,
}

impl Place {
    /// A link to it on a map.
    pub fn map_url(&self) -> Option<String> {
        let (latitude, longitude) = self.degrees?;
        Some(format!("https://www.google.com/maps?q={latitude},{longitude}"))
    }
}

/// Pictures that were sent together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageSet {
    pub id: String,
    /// This picture's place, from 1; old programs do not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// How many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

impl Details {
    /// Names of the people whom `text`, the text that these belong to, speaks to with @.
    pub fn mentioned_in(&self, text: &str) -> Vec<String> {
        let people = self.mentions.iter().filter(|m| matches!(m.whom, Mentioned::User(_) | Mentioned::Somebody));
        people
            .filter_map(|m| Some(text[m.at.of(text)?].trim_start_matches(['@', '＠']).trim().to_owned()))
            .filter(|n| !n.is_empty())
            .collect()
    }

    /// As it is kept; `None` where there is nothing to keep.
    pub fn to_json(&self) -> Option<String> {
        (*self != Self::default()).then(|| serde_json::to_string(self).expect("details are texts and finite numbers"))
    }

    /// From what was kept. What cannot be read counts as absent.
    pub fn read(json: Option<&str>) -> Self {
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// The users who are spoken to.
    pub fn mentioned_users(&self) -> impl Iterator<Item = &str> {
        self.mentions.iter().filter_map(|m| if let Mentioned::User(id) = &m.whom { Some(id.as_str()) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_what_they_were_after_being_kept() {
        let details = Details {
            mentions: vec![
                Mention { at: Span { start: 0, end: 4 }, whom: Mentioned::All },
                Mention { at: Span { start: 5, end: 9 }, whom: Mentioned::User("U1".into()) },
                Mention { at: Span { start: 9, end: 12 }, whom: Mentioned::Somebody },
            ],
            emoji: vec![Emoji { at: Span { start: 20, end: 26 }, product: "p".into(), emoji: "001".into() }],
            sticker: Some(Sticker { package: "1".into(), keywords: vec!["hi".into()], ..Sticker::default() }),
            place: Some(Place { title: None, address: Some("台北".into()), degrees: Some((25.03, -121.5)) }),
            image_set: Some(ImageSet { id: "S".into(), index: Some(1), total: None }),
            url: Some("https://example.com".into()),
            duration_ms: Some(60_000),
        };
        let kept = details.to_json().unwrap();
        assert_eq!(Details::read(Some(&kept)), details);
        assert_eq!(details.mentioned_users().collect::<Vec<_>>(), ["U1"]);
    }

    #[test]
    fn nothing_is_kept_of_nothing_and_anything_can_be_read() {
        assert_eq!(Details::default().to_json(), None);
        for odd in ["", "null", "[]", "{\"mentions\":7}", "{\"mentions\":[{\"start\":-1}]}", "{\"future\":{}}"] {
            assert_eq!(Details::read(Some(odd)), Details::default(), "{odd}");
        }
    }

    #[test]
    fn a_span_that_the_text_does_not_have_is_none() {
        let text = "@班 早";
        assert_eq!(Span { start: 0, end: 4 }.of(text), Some(0..4));
        for (start, end) in [(0, 2), (2, 4), (0, 99), (4, 4), (5, 4), (usize::MAX, usize::MAX)] {
            assert_eq!(Span { start, end }.of(text), None, "{start}..{end}");
        }
    }
}
