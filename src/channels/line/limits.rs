//! The documented limits of message objects and of the requests that carry them (Messaging API reference, "Message objects",
//! "Action objects", "Flex Message"; "Character counting in a text").
//!
//! LINE refuses a whole request for one bad object, so what we say is checked before it leaves, and the stand-in platform
//! refuses with the same rules. Properties are named as LINE names them: `messages[0].text`.

mod action;
mod flex;
mod template;

use serde::Serialize;
use serde_json::Value;

use action::Label;

/// Most objects in one request.
pub const MESSAGES_MAX: usize = 5;
/// Longest text of a text message, in UTF-16 units.
pub const TEXT_UNITS_MAX: usize = 5_000;
/// Longest `altText`, in UTF-16 units.
pub const ALT_TEXT_UNITS_MAX: usize = 1_500;
/// Longest `uri` of an action, in UTF-16 units.
pub const URI_UNITS_MAX: usize = 1_000;
/// Longest `data` and `displayText` of a postback action, in UTF-16 units.
pub const POSTBACK_DATA_UNITS_MAX: usize = 300;
/// Most bubbles in a Flex carousel.
pub const BUBBLES_MAX: usize = 12;
/// Largest bubble as JSON, in bytes ("30 KB", read in the stricter way).
pub const BUBBLE_BYTES_MAX: usize = 30_000;
/// Largest carousel as JSON, in bytes ("50 KB").
pub const CAROUSEL_BYTES_MAX: usize = 50_000;
/// Largest request, in bytes ("2 MB").
pub const REQUEST_BYTES_MAX: usize = 2_000_000;

const URL_UNITS_MAX: usize = 2_000;
const QUICK_REPLIES_MAX: usize = 13;
const EMOJIS_MAX: usize = 20;
const SUBSTITUTIONS_MAX: usize = 100;
const MENTIONS_MAX: usize = 20;
const MULTICAST_TO_MAX: usize = 500;

/// One thing that LINE would refuse, as an entry of its error's `details`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Where: `messages[0].contents.body.contents[1].text`.
    pub property: String,
    /// What is wrong with it.
    pub message: String,
}

/// A way to send messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// `POST /v2/bot/message/reply`
    Reply,
    /// `POST /v2/bot/message/push`
    Push,
    /// `POST /v2/bot/message/multicast`
    Multicast,
    /// `POST /v2/bot/message/broadcast`
    Broadcast,
}

/// What LINE would find wrong with these message objects; nothing where they can be sent.
pub fn check_messages(messages: &Value) -> Vec<Violation> {
    let mut check = Check::default();
    check.messages(messages);
    check.found
}

/// What LINE would find wrong with a request's JSON body, its messages included.
pub fn check_request(kind: Send, body: &Value) -> Vec<Violation> {
    let mut check = Check::default();
    if !body.is_object() {
        check.add("", "The request body must be a JSON object");
        return check.found;
    }
    if json_bytes(body) > REQUEST_BYTES_MAX {
        check.add("", "The request body is too large");
    }
    match kind {
        Send::Reply => check.string(body, "", "replyToken", Text::required(URL_UNITS_MAX)),
        Send::Push => check.string(body, "", "to", Text::required(URL_UNITS_MAX)),
        Send::Multicast => {
            let to = check.list(body, "", "to", 1..=MULTICAST_TO_MAX);
            for (i, user) in to.iter().enumerate().filter(|(_, user)| user.as_str().is_none_or(|u| !u.starts_with('U'))) {
                check.add(format!("to[{i}]"), format!("Must be a user ID, not {}", kind_of(user)));
            }
        }
        Send::Broadcast => {}
    }
    if body.get("notificationDisabled").is_some_and(|v| !v.is_boolean()) {
        check.add("notificationDisabled", "Must be a boolean");
    }
    if kind != Send::Reply && body.get("customAggregationUnits").is_some() {
        for (i, unit) in check.list(body, "", "customAggregationUnits", 0..=1).iter().enumerate() {
            let fits = unit.as_str().is_some_and(|u| (1..=30).contains(&u.len()) && u.bytes().all(is_key_byte));
            if !fits {
                check.add(format!("customAggregationUnits[{i}]"), "Must be 1 to 30 of 0-9, A-Z, a-z and _");
            }
        }
    }
    check.messages(body.get("messages").unwrap_or(&Value::Null));
    let to_one_person = match kind {
        Send::Reply => false,
        Send::Push => body.get("to").and_then(Value::as_str).is_some_and(|to| to.starts_with('U')),
        Send::Multicast | Send::Broadcast => true,
    };
    if to_one_person {
        check.no_mentions(body);
    }
    check.found
}

/// What a string must be, its length in UTF-16 units.
#[derive(Clone, Copy)]
struct Text {
    required: bool,
    units_max: usize,
}

impl Text {
    fn required(units_max: usize) -> Self {
        Self { required: true, units_max }
    }

    fn optional(units_max: usize) -> Self {
        Self { required: false, units_max }
    }
}

#[derive(Default)]
struct Check {
    found: Vec<Violation>,
}

impl Check {
    fn add(&mut self, property: impl Into<String>, message: impl Into<String>) {
        self.found.push(Violation { property: property.into(), message: message.into() });
    }

    fn messages(&mut self, messages: &Value) {
        let Some(list) = messages.as_array() else {
            return self.add("messages", "Must be an array");
        };
        if !(1..=MESSAGES_MAX).contains(&list.len()) {
            self.add("messages", format!("Size must be between 1 and {MESSAGES_MAX}"));
        }
        for (i, message) in list.iter().enumerate() {
            self.message(message, &format!("messages[{i}]"));
        }
    }

    fn message(&mut self, message: &Value, at: &str) {
        if !message.is_object() {
            return self.add(at, "Must be an object");
        }
        match message.get("type").and_then(Value::as_str) {
            Some("text") => self.text(message, at),
            Some("textV2") => self.text_v2(message, at),
            Some("sticker") => {
                self.string(message, at, "packageId", Text::required(20));
                self.string(message, at, "stickerId", Text::required(20));
            }
            Some("image") => {
                self.https(message, at, "originalContentUrl");
                self.https(message, at, "previewImageUrl");
            }
            Some("video") => {
                self.https(message, at, "originalContentUrl");
                self.https(message, at, "previewImageUrl");
                self.string(message, at, "trackingId", Text::optional(100));
            }
            Some("audio") => {
                self.https(message, at, "originalContentUrl");
                if message.get("duration").and_then(Value::as_u64).is_none() {
                    self.add(join(at, "duration"), "Must be a number of milliseconds");
                }
            }
            Some("location") => self.location(message, at),
            Some("imagemap") => self.imagemap(message, at),
            Some("template") => {
                self.string(message, at, "altText", Text::required(ALT_TEXT_UNITS_MAX));
                self.template(message.get("template").unwrap_or(&Value::Null), &join(at, "template"));
            }
            Some("flex") => {
                self.string(message, at, "altText", Text::required(ALT_TEXT_UNITS_MAX));
                self.flex(message.get("contents").unwrap_or(&Value::Null), &join(at, "contents"));
            }
            Some("coupon") => self.string(message, at, "couponId", Text::required(URL_UNITS_MAX)),
            _ => self.add(
                join(at, "type"),
                "Must be one of the following values: [text, textV2, sticker, image, video, audio, location, imagemap, template, flex, coupon]",
            ),
        }
        self.common(message, at);
    }

    /// What every message object may carry.
    fn common(&mut self, message: &Value, at: &str) {
        if let Some(quick) = message.get("quickReply") {
            let at = join(at, "quickReply");
            for (i, item) in self.list(quick, &at, "items", 1..=QUICK_REPLIES_MAX).iter().enumerate() {
                let at = format!("{at}.items[{i}]");
                if item.get("imageUrl").is_some() {
                    self.https(item, &at, "imageUrl");
                }
                self.action(item.get("action"), &join(&at, "action"), Label::QuickReply);
            }
        }
        if let Some(sender) = message.get("sender") {
            let at = join(at, "sender");
            self.string(sender, &at, "name", Text::optional(20));
            if sender.get("name").and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case("line")) {
                self.add(join(&at, "name"), "May not be LINE");
            }
            if sender.get("iconUrl").is_some() {
                self.https(sender, &at, "iconUrl");
            }
        }
        if message.get("quoteToken").is_some() {
            self.string(message, at, "quoteToken", Text::required(URL_UNITS_MAX));
        }
    }

    fn text(&mut self, message: &Value, at: &str) {
        self.string(message, at, "text", Text::required(TEXT_UNITS_MAX));
        if message.get("emojis").is_none() {
            return;
        }
        for (i, emoji) in self.list(message, at, "emojis", 0..=EMOJIS_MAX).iter().enumerate() {
            let at = format!("{at}.emojis[{i}]");
            if emoji.get("index").and_then(Value::as_u64).is_none() {
                self.add(join(&at, "index"), "Must be a number");
            }
            self.string(emoji, &at, "productId", Text::required(100));
            self.string(emoji, &at, "emojiId", Text::required(100));
        }
    }

    fn text_v2(&mut self, message: &Value, at: &str) {
        self.string(message, at, "text", Text::required(TEXT_UNITS_MAX));
        let none = serde_json::Map::new();
        let substitution = match message.get("substitution") {
            None => &none,
            Some(Value::Object(given)) => given,
            Some(_) => return self.add(join(at, "substitution"), "Must be an object"),
        };
        if substitution.len() > SUBSTITUTIONS_MAX {
            self.add(join(at, "substitution"), format!("Size must be between 0 and {SUBSTITUTIONS_MAX}"));
        }
        match placeholders(message.get("text").and_then(Value::as_str).unwrap_or_default()) {
            Err(wrong) => self.add(join(at, "text"), wrong),
            Ok(keys) => {
                for key in keys.into_iter().filter(|key| !substitution.contains_key(*key)) {
                    self.add(join(at, "text"), format!("No substitution for {{{key}}}"));
                }
            }
        }
        let is_mention = |s: &&Value| s.get("type").and_then(Value::as_str) == Some("mention");
        if substitution.values().filter(is_mention).count() > MENTIONS_MAX {
            self.add(join(at, "substitution"), format!("At most {MENTIONS_MAX} mentions"));
        }
        for (key, value) in substitution {
            self.substitute(value, &format!("{at}.substitution.{key}"), key);
        }
    }

    fn substitute(&mut self, value: &Value, at: &str, key: &str) {
        if !is_key(key) {
            self.add(at, "A key must be 1 to 20 of 0-9, A-Z, a-z and _");
        }
        match value.get("type").and_then(Value::as_str) {
            Some("mention") => {
                let mentionee = value.get("mentionee").unwrap_or(&Value::Null);
                let at = join(at, "mentionee");
                match mentionee.get("type").and_then(Value::as_str) {
                    Some("all") => {}
                    Some("user") => self.string(mentionee, &at, "userId", Text::required(100)),
                    _ => self.add(join(&at, "type"), "Must be one of the following values: [user, all]"),
                }
            }
            Some("emoji") => {
                self.string(value, at, "productId", Text::required(100));
                self.string(value, at, "emojiId", Text::required(100));
            }
            _ => self.add(join(at, "type"), "Must be one of the following values: [mention, emoji]"),
        }
    }

    /// Mentions work only in chats of several people.
    fn no_mentions(&mut self, body: &Value) {
        for (i, message) in body.get("messages").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let substitution = message.get("substitution").and_then(Value::as_object);
            for (key, value) in substitution.into_iter().flatten() {
                if value.get("type").and_then(Value::as_str) == Some("mention") {
                    self.add(format!("messages[{i}].substitution.{key}"), "Mentions can only be sent to groups and rooms");
                }
            }
        }
    }

    fn location(&mut self, message: &Value, at: &str) {
        self.string(message, at, "title", Text::required(100));
        self.string(message, at, "address", Text::required(100));
        for (field, max) in [("latitude", 90.0), ("longitude", 180.0)] {
            if message.get(field).and_then(Value::as_f64).is_none_or(|d| d.abs() > max) {
                self.add(join(at, field), "Must be a number of degrees");
            }
        }
    }

    /// A picture or film that clients fetch: always over TLS.
    fn https(&mut self, of: &Value, at: &str, field: &str) {
        let found = self.found.len();
        self.string(of, at, field, Text::required(URL_UNITS_MAX));
        let url = of.get(field).and_then(Value::as_str).unwrap_or_default();
        if found == self.found.len() && !(url.starts_with("https://") && url::Url::parse(url).is_ok()) {
            self.add(join(at, field), "Must be an https URL");
        }
    }

    fn string(&mut self, of: &Value, at: &str, field: &str, must: Text) {
        match of.get(field) {
            None | Some(Value::Null) if !must.required => {}
            Some(Value::String(s)) if s.is_empty() => {
                if must.required {
                    self.add(join(at, field), "May not be empty");
                }
            }
            Some(Value::String(s)) => {
                if s.encode_utf16().count() > must.units_max {
                    let least = usize::from(must.required);
                    self.add(join(at, field), format!("Length must be between {least} and {}", must.units_max));
                }
            }
            None | Some(Value::Null) => self.add(join(at, field), "May not be empty"),
            Some(other) => self.add(join(at, field), format!("Must be a string, not {}", kind_of(other))),
        }
    }

    /// A word out of a few, where it is given at all.
    fn word(&mut self, of: &Value, at: &str, field: &str, words: &[&str]) {
        if of.get(field).is_some_and(|given| given.as_str().is_none_or(|g| !words.contains(&g))) {
            self.add(join(at, field), format!("Must be one of the following values: [{}]", words.join(", ")));
        }
    }

    /// An array of so many items; an empty one where it is none.
    fn list<'v>(&mut self, of: &'v Value, at: &str, field: &str, size: std::ops::RangeInclusive<usize>) -> &'v [Value] {
        let Some(list) = of.get(field).and_then(Value::as_array) else {
            self.add(join(at, field), "Must be an array");
            return &[];
        };
        if !size.contains(&list.len()) {
            self.add(join(at, field), format!("Size must be between {} and {}", size.start(), size.end()));
        }
        list
    }
}

/// The keys of a textV2's `{key}` places; doubled braces stand for themselves.
fn placeholders(text: &str) -> Result<Vec<&str>, String> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(brace) = rest.find(['{', '}']) {
        let (found, after) = (&rest[brace..=brace], &rest[brace + 1..]);
        if let Some(literal) = after.strip_prefix(found) {
            rest = literal;
        } else if found == "}" {
            return Err("A closing brace without an opening one; write }} for a brace".to_owned());
        } else {
            let Some((key, tail)) = after.split_once('}').filter(|(key, _)| is_key(key)) else {
                return Err("An opening brace without a key; write {{ for a brace".to_owned());
            };
            keys.push(key);
            rest = tail;
        }
    }
    Ok(keys)
}

fn is_key(key: &str) -> bool {
    (1..=20).contains(&key.len()) && key.bytes().all(is_key_byte)
}

fn is_key_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

fn join(at: &str, field: &str) -> String {
    if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The size of `value` as compact JSON, in bytes.
fn json_bytes(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("a Value is always JSON, and counting cannot fail");
    count.0
}

#[cfg(test)]
mod tests;
