//! Action objects: what a tap does.

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{Check, POSTBACK_DATA_UNITS_MAX, Text, URI_UNITS_MAX, join};

/// How a label is used, which decides its length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    QuickReply,
    Template,
    ImageCarousel,
    FlexButton,
    /// An action on a box, an image, a bubble: its label is never shown.
    Unseen,
}

impl Label {
    fn graphemes_max(self) -> usize {
        match self {
            Self::QuickReply | Self::Template | Self::Unseen => 20,
            Self::ImageCarousel => 12,
            Self::FlexButton => 40,
        }
    }
}

impl Check {
    pub(super) fn action(&mut self, action: Option<&Value>, at: &str, label: Label) {
        let Some(action) = action.filter(|a| a.is_object()) else {
            return self.add(at, "May not be empty");
        };
        let shown = action.get("label").and_then(Value::as_str).unwrap_or_default();
        let needed = matches!(label, Label::QuickReply | Label::Template | Label::FlexButton);
        if needed && shown.is_empty() {
            self.add(join(at, "label"), "May not be empty");
        }
        if shown.graphemes(true).count() > label.graphemes_max() {
            self.add(join(at, "label"), format!("Length must be between 1 and {}", label.graphemes_max()));
        }
        match action.get("type").and_then(Value::as_str) {
            Some("uri") => {
                self.uri(action, at, "uri");
                if let Some(alt) = action.get("altUri") {
                    self.uri(alt, &join(at, "altUri"), "desktop");
                }
            }
            Some("postback") => {
                self.string(action, at, "data", Text::required(POSTBACK_DATA_UNITS_MAX));
                for field in ["displayText", "text", "fillInText"] {
                    self.string(action, at, field, Text::optional(300));
                }
                self.word(action, at, "inputOption", &["closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"]);
            }
            Some("message") => self.string(action, at, "text", Text::required(300)),
            Some("datetimepicker") => {
                self.string(action, at, "data", Text::required(300));
                if action.get("mode").is_none() {
                    self.add(join(at, "mode"), "May not be empty");
                }
                self.word(action, at, "mode", &["date", "time", "datetime"]);
            }
            Some("clipboard") => self.string(action, at, "clipboardText", Text::required(1_000)),
            Some("camera" | "cameraRoll" | "location") if label == Label::QuickReply => {}
            _ => self.add(join(at, "type"), "Must be one of the following values: [uri, postback, message, datetimepicker, clipboard]"),
        }
    }

    /// A link that a tap opens: ASCII (the rest percent-encoded), of a scheme that LINE takes.
    pub(super) fn uri(&mut self, of: &Value, at: &str, field: &str) {
        let uri = of.get(field).and_then(Value::as_str).unwrap_or_default();
        let property = join(at, field);
        if uri.is_empty() {
            self.add(property, "May not be empty");
        } else if uri.encode_utf16().count() > URI_UNITS_MAX {
            self.add(property, format!("Length must be between 1 and {URI_UNITS_MAX}"));
        } else if !["http", "https", "line", "tel"].iter().any(|s| uri.split_once(':').is_some_and(|(given, _)| given == *s)) {
            self.add(property, "invalid uri scheme");
        } else if uri.bytes().any(|b| !b.is_ascii_graphic()) || url::Url::parse(uri).is_err() {
            self.add(property, "invalid uri");
        }
    }
}
