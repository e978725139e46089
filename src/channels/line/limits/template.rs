//! Template messages and imagemaps.

use serde_json::Value;

use super::action::Label;
use super::{ALT_TEXT_UNITS_MAX, Check, Text, join};

impl Check {
    pub(super) fn imagemap(&mut self, message: &Value, at: &str) {
        self.https(message, at, "baseUrl");
        self.string(message, at, "altText", Text::required(ALT_TEXT_UNITS_MAX));
        let size = message.get("baseSize").unwrap_or(&Value::Null);
        for side in ["width", "height"] {
            if size.get(side).and_then(Value::as_u64).is_none_or(|n| n == 0) {
                self.add(format!("{at}.baseSize.{side}"), "Must be a number above 0");
            }
        }
        for (i, action) in self.list(message, at, "actions", 0..=50).iter().enumerate() {
            let at = format!("{at}.actions[{i}]");
            match action.get("type").and_then(Value::as_str) {
                Some("message") => self.string(action, &at, "text", Text::required(400)),
                Some("uri") => self.uri(action, &at, "linkUri"),
                Some("clipboard") => self.string(action, &at, "clipboardText", Text::required(1_000)),
                _ => self.add(join(&at, "type"), "Must be one of the following values: [uri, message, clipboard]"),
            }
            if !action.get("area").is_some_and(Value::is_object) {
                self.add(join(&at, "area"), "May not be empty");
            }
        }
    }

    pub(super) fn template(&mut self, template: &Value, at: &str) {
        match template.get("type").and_then(Value::as_str) {
            Some("buttons") => self.panel(template, at, (160, 60), 4),
            Some("confirm") => {
                self.string(template, at, "text", Text::required(240));
                self.actions(template, at, 2..=2);
            }
            Some("carousel") => {
                let columns = self.list(template, at, "columns", 1..=10);
                for (i, column) in columns.iter().enumerate() {
                    self.panel(column, &format!("{at}.columns[{i}]"), (120, 60), 3);
                }
                let number = |c: &Value| c.get("actions").and_then(Value::as_array).map(Vec::len);
                if columns.windows(2).any(|pair| number(&pair[0]) != number(&pair[1])) {
                    self.add(join(at, "columns"), "All columns must have the same number of actions");
                }
            }
            Some("image_carousel") => {
                for (i, column) in self.list(template, at, "columns", 1..=10).iter().enumerate() {
                    let at = format!("{at}.columns[{i}]");
                    self.https(column, &at, "imageUrl");
                    self.action(column.get("action"), &join(&at, "action"), Label::ImageCarousel);
                }
            }
            _ => self.add(join(at, "type"), "Must be one of the following values: [buttons, confirm, carousel, image_carousel]"),
        }
    }

    /// A buttons template or a carousel's column; its text is shorter beside a title or picture.
    fn panel(&mut self, panel: &Value, at: &str, (alone, beside): (usize, usize), actions_max: usize) {
        let has = |field| panel.get(field).is_some();
        if has("thumbnailImageUrl") {
            self.https(panel, at, "thumbnailImageUrl");
        }
        self.string(panel, at, "title", Text::optional(40));
        let units_max = if has("title") || has("thumbnailImageUrl") { beside } else { alone };
        self.string(panel, at, "text", Text::required(units_max));
        if has("defaultAction") {
            self.action(panel.get("defaultAction"), &join(at, "defaultAction"), Label::Unseen);
        }
        self.actions(panel, at, 1..=actions_max);
    }

    fn actions(&mut self, of: &Value, at: &str, size: std::ops::RangeInclusive<usize>) {
        for (i, action) in self.list(of, at, "actions", size).iter().enumerate() {
            self.action(Some(action), &format!("{at}.actions[{i}]"), Label::Template);
        }
    }
}
