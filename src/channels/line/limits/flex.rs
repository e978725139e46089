//! Flex containers and components.

use serde_json::Value;

use super::action::Label;
use super::{BUBBLE_BYTES_MAX, BUBBLES_MAX, CAROUSEL_BYTES_MAX, Check, Text, URL_UNITS_MAX, join, json_bytes, kind_of};

/// LINE documents no length for a Flex text; the bubble's size bounds it.
const FLEX_TEXT_UNITS_MAX: usize = BUBBLE_BYTES_MAX;

const STEPS: [&str; 7] = ["none", "xs", "sm", "md", "lg", "xl", "xxl"];
const SIZES: [&str; 10] = ["xxs", "xs", "sm", "md", "lg", "xl", "xxl", "3xl", "4xl", "5xl"];

/// Which components a place takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A bubble's header, body or footer.
    Block,
    /// A bubble's hero.
    Hero,
    /// A horizontal or vertical box.
    Box,
    /// A box with layout `baseline`.
    Baseline,
    /// The rich contents of a text.
    Span,
}

impl Place {
    fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Block => &["box"],
            Self::Hero => &["box", "image", "video"],
            Self::Box => &["box", "button", "image", "text", "separator", "filler"],
            Self::Baseline => &["icon", "text", "filler"],
            Self::Span => &["span"],
        }
    }
}

impl Check {
    pub(super) fn flex(&mut self, container: &Value, at: &str) {
        match container.get("type").and_then(Value::as_str) {
            Some("bubble") => self.bubble(container, at),
            Some("carousel") => {
                let bubbles = self.list(container, at, "contents", 1..=BUBBLES_MAX);
                if json_bytes(container) > CAROUSEL_BYTES_MAX {
                    self.add(at, format!("A carousel may have {CAROUSEL_BYTES_MAX} bytes"));
                }
                for (i, bubble) in bubbles.iter().enumerate() {
                    let at = format!("{at}.contents[{i}]");
                    if bubble.get("type").and_then(Value::as_str) == Some("bubble") {
                        self.bubble(bubble, &at);
                    } else {
                        self.add(join(&at, "type"), "Must be one of the following values: [bubble]");
                    }
                }
                let size = |bubble: &Value| bubble.get("size").and_then(Value::as_str).unwrap_or("mega").to_owned();
                if bubbles.windows(2).any(|pair| size(&pair[0]) != size(&pair[1])) {
                    self.add(join(at, "contents"), "All bubbles of a carousel must have the same size");
                }
            }
            _ => self.add(join(at, "type"), "Must be one of the following values: [bubble, carousel]"),
        }
    }

    fn bubble(&mut self, bubble: &Value, at: &str) {
        if json_bytes(bubble) > BUBBLE_BYTES_MAX {
            self.add(at, format!("A bubble may have {BUBBLE_BYTES_MAX} bytes"));
        }
        self.word(bubble, at, "size", &["nano", "micro", "deca", "hecto", "kilo", "mega", "giga"]);
        self.word(bubble, at, "direction", &["ltr", "rtl"]);
        if bubble.get("action").is_some() {
            self.action(bubble.get("action"), &join(at, "action"), Label::Unseen);
        }
        let blocks = ["header", "hero", "body", "footer"];
        if blocks.iter().all(|block| bubble.get(block).is_none()) {
            self.add(at, "At least one block must be specified");
        }
        for block in blocks {
            let place = if block == "hero" { Place::Hero } else { Place::Block };
            if let Some(component) = bubble.get(block) {
                self.component(component, &join(at, block), place);
            }
            if let Some(style) = bubble.get("styles").and_then(|s| s.get(block)) {
                let at = format!("{at}.styles.{block}");
                self.colours(style, &at, &["backgroundColor", "separatorColor"]);
            }
        }
    }

    fn component(&mut self, component: &Value, at: &str, place: Place) {
        let kind = component.get("type").and_then(Value::as_str).unwrap_or_default();
        if !place.takes().contains(&kind) {
            return self.add(join(at, "type"), format!("Must be one of the following values: [{}]", place.takes().join(", ")));
        }
        match kind {
            "box" => self.layout_box(component, at),
            "button" => self.button(component, at),
            "text" => self.flex_text(component, at),
            "span" => {
                self.string(component, at, "text", Text::required(FLEX_TEXT_UNITS_MAX));
                self.lettering(component, at);
            }
            "image" => self.image(component, at),
            "icon" => {
                self.https(component, at, "url");
                self.measure(component, at, "size", &SIZES);
            }
            "video" => {
                self.https(component, at, "url");
                self.https(component, at, "previewUrl");
                self.component(component.get("altContent").unwrap_or(&Value::Null), &join(at, "altContent"), Place::Hero);
            }
            "separator" => self.colours(component, at, &["color"]),
            _ => {}
        }
        self.measure(component, at, "margin", &STEPS);
        self.word(component, at, "position", &["relative", "absolute"]);
        for offset in ["offsetTop", "offsetBottom", "offsetStart", "offsetEnd"] {
            self.measure(component, at, offset, &STEPS);
        }
        self.count(component, at, "flex");
        if kind != "button" && component.get("action").is_some() {
            self.action(component.get("action"), &join(at, "action"), Label::Unseen);
        }
    }

    fn layout_box(&mut self, component: &Value, at: &str) {
        if component.get("layout").is_none() {
            self.add(join(at, "layout"), "May not be empty");
        }
        self.word(component, at, "layout", &["horizontal", "vertical", "baseline"]);
        let inside = if component.get("layout").and_then(Value::as_str) == Some("baseline") { Place::Baseline } else { Place::Box };
        for (i, child) in self.list(component, at, "contents", 0..=usize::MAX).iter().enumerate() {
            self.component(child, &format!("{at}.contents[{i}]"), inside);
        }
        for field in ["spacing", "cornerRadius", "paddingAll", "paddingTop", "paddingBottom", "paddingStart", "paddingEnd"] {
            self.measure(component, at, field, &STEPS);
        }
        for field in ["width", "maxWidth", "height", "maxHeight"] {
            self.measure(component, at, field, &[]);
        }
        self.measure(component, at, "borderWidth", &["none", "light", "normal", "medium", "semi-bold", "bold"]);
        self.colours(component, at, &["backgroundColor", "borderColor"]);
        let around = ["center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"];
        self.word(component, at, "justifyContent", &around);
        self.word(component, at, "alignItems", &around[..3]);
    }

    fn button(&mut self, component: &Value, at: &str) {
        self.action(component.get("action"), &join(at, "action"), Label::FlexButton);
        self.word(component, at, "style", &["primary", "secondary", "link"]);
        self.word(component, at, "height", &["sm", "md"]);
        self.word(component, at, "gravity", &["top", "bottom", "center"]);
        self.word(component, at, "adjustMode", &["shrink-to-fit"]);
        self.colours(component, at, &["color"]);
    }

    fn flex_text(&mut self, component: &Value, at: &str) {
        if component.get("contents").is_some() {
            let spans = self.list(component, at, "contents", 0..=usize::MAX);
            for (i, span) in spans.iter().enumerate() {
                self.component(span, &format!("{at}.contents[{i}]"), Place::Span);
            }
            let must = if spans.is_empty() { Text::required } else { Text::optional };
            self.string(component, at, "text", must(FLEX_TEXT_UNITS_MAX));
        } else {
            self.string(component, at, "text", Text::required(FLEX_TEXT_UNITS_MAX));
        }
        self.lettering(component, at);
        self.word(component, at, "align", &["start", "end", "center"]);
        self.word(component, at, "gravity", &["top", "bottom", "center"]);
        self.word(component, at, "adjustMode", &["shrink-to-fit"]);
        self.measure(component, at, "lineSpacing", &[]);
        self.count(component, at, "maxLines");
        if component.get("wrap").is_some_and(|w| !w.is_boolean()) {
            self.add(join(at, "wrap"), "Must be a boolean");
        }
    }

    fn lettering(&mut self, component: &Value, at: &str) {
        self.measure(component, at, "size", &SIZES);
        self.word(component, at, "weight", &["regular", "bold"]);
        self.word(component, at, "style", &["normal", "italic"]);
        self.word(component, at, "decoration", &["none", "underline", "line-through"]);
        self.colours(component, at, &["color"]);
    }

    fn image(&mut self, component: &Value, at: &str) {
        self.https(component, at, "url");
        let mut sizes = SIZES.to_vec();
        sizes.push("full");
        self.measure(component, at, "size", &sizes);
        self.word(component, at, "aspectMode", &["cover", "fit"]);
        self.colours(component, at, &["backgroundColor"]);
        self.string(component, at, "aspectRatio", Text::optional(URL_UNITS_MAX));
        if let Some(ratio) = component.get("aspectRatio").and_then(Value::as_str) {
            let parts: Vec<u32> = ratio.split(':').filter_map(|n| n.parse().ok()).collect();
            if !matches!(parts[..], [w, h] if (1..=100_000).contains(&w) && (1..=100_000).contains(&h) && h <= 3 * w) {
                self.add(join(at, "aspectRatio"), "Must be {width}:{height}, at most three times as high as wide");
            }
        }
    }

    /// A keyword, or a length in pixels or percent.
    fn measure(&mut self, of: &Value, at: &str, field: &str, words: &[&str]) {
        let Some(given) = of.get(field) else { return };
        let length = |s: &str| {
            let number = s.strip_suffix("px").or_else(|| s.strip_suffix('%'));
            number.is_some_and(|n| n.parse::<f32>().is_ok_and(f32::is_finite))
        };
        if given.as_str().is_none_or(|s| !words.contains(&s) && !length(s)) {
            self.add(join(at, field), "Must be a keyword or a length such as 8px");
        }
    }

    fn colours(&mut self, of: &Value, at: &str, fields: &[&str]) {
        for field in fields {
            let Some(given) = of.get(field) else { continue };
            let hex = given.as_str().and_then(|s| s.strip_prefix('#')).unwrap_or_default();
            if !matches!(hex.len(), 6 | 8) || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                self.add(join(at, field), "Must be #RRGGBB or #RRGGBBAA");
            }
        }
    }

    fn count(&mut self, of: &Value, at: &str, field: &str) {
        if let Some(given) = of.get(field).filter(|v| v.as_u64().is_none()) {
            self.add(join(at, field), format!("Must be a number from 0, not {}", kind_of(given)));
        }
    }
}
