//! What a script says by `/api/notify`, and what staff announce: the details of their notices.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The longest message of a script, in characters, as LINE Notify had it.
pub const SCRIPT_CHARS_MAX: usize = 1_000;
/// What a script says again within this time, while the first still waits, is told once, with how often it was said.
pub const FOLDED_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// The longest that a script may let its message wait for a free ride, in seconds.
pub const SCRIPT_DEADLINE_SECONDS_MAX: i64 = 7 * 24 * 3600;
/// The longest announcement, in UTF-16 units: a text message of LINE's.
pub const ANNOUNCEMENT_UNITS_MAX: usize = 5_000;

/// A picture by its two addresses, both https.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptPicture {
    pub full: String,
    pub preview: String,
}

/// A sticker by LINE's numbers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptSticker {
    pub package: String,
    pub sticker: String,
}

/// What a script says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The token's name.
    pub by: String,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<ScriptPicture>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticker: Option<ScriptSticker>,
    /// Nobody's telephone is to ring for it.
    #[serde(default)]
    pub quiet: bool,
    /// It is to be pushed at once, quiet hours or not.
    #[serde(default)]
    pub now: bool,
}

impl Script {
    /// As a notice's detail.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("words and truth values are JSON")
    }

    /// As it was kept; `None` for what another version wrote.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// Its words alone; `None` where it has nothing else.
    #[must_use]
    pub fn without_extras(self) -> Option<Self> {
        (self.picture.is_some() || self.sticker.is_some()).then_some(Self { picture: None, sticker: None, ..self })
    }

    /// What is said, without how: two calls with the same are the same message.
    pub fn said(&self) -> String {
        serde_json::to_string(&(&self.text, &self.picture, &self.sticker)).expect("words are JSON")
    }
}

/// What staff announce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    pub text: String,
    /// It is to be pushed at once, quiet hours or not.
    #[serde(default)]
    pub urgent: bool,
}

impl Announced {
    /// As a notice's detail.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("words and truth values are JSON")
    }

    /// As it was kept; `None` for what another version wrote.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_the_same_message_however_they_are_to_be_told() {
        let script = Script { by: "備份".into(), text: "磁碟滿了".into(), picture: None, sticker: None, quiet: false, now: false };
        let loud = Script { quiet: true, now: true, ..script.clone() };
        assert_eq!(script.said(), loud.said());
        let sticker = Some(ScriptSticker { package: "1".into(), sticker: "2".into() });
        let with_sticker = Script { sticker, ..script.clone() };
        assert_ne!(script.said(), with_sticker.said());
        assert_eq!(with_sticker.without_extras(), Some(script.clone()));
        assert_eq!(script.without_extras(), None);
        assert_eq!(Script::from_json(&loud.to_json()), Some(loud));
        assert_eq!(Script::from_json("{}"), None);
    }
}
