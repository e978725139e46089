//! What we send to LINE, held against LINE's own description of its Messaging API: `messaging-api.yml` of
//! <https://github.com/line/line-openapi>.
//!
//! That file is not part of the project. Its folder is named by `THREADLINE_LINE_OPENAPI`, else it is sought beside the project;
//! where it is absent, every test here says that it was skipped, and passes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::http::{HeaderMap, Method, request::Parts};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value, json};
use threadline::channels::line::limits::{BUBBLES_MAX, MESSAGES_MAX};
use threadline::channels::line::render::{self, Card};
use threadline::channels::line::{Line, SendOutcome};
use threadline::config::{LineAccess, LineAccount, Secret};
use threadline::domain::Status;
use threadline::i18n::Locale;
use uuid::Uuid;

/// The longest chain of references, bases or choices from one schema to the next.
const CHAIN_STEPS_MAX: usize = 16;
const REPLY: &str = "/v2/bot/message/reply";
const PUSH: &str = "/v2/bot/message/push";
const GROUP: &str = "Ca56f94637c0000000000000000000001";
const URL: &str = "https://support.example.com/d/12";

// ---- the description ----

/// LINE's description, or nothing (said on standard output) where this machine does not have it.
fn description() -> Option<&'static Value> {
    static READ: OnceLock<Result<Value, PathBuf>> = OnceLock::new();
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/line-openapi");
    let read = || {
        let file = std::env::var_os("THREADLINE_LINE_OPENAPI").map_or_else(beside, PathBuf::from).join("messaging-api.yml");
        // Only its absence excuses: what is there and cannot be read is a failure.
        if !file.exists() {
            return Err(file);
        }
        Ok(from_yaml(&std::fs::read_to_string(file).expect("the description can be read")))
    };
    match READ.get_or_init(read) {
        Ok(description) => Some(description),
        Err(file) => {
            println!("skipped: there is no {}", file.display());
            None
        }
    }
}

fn from_yaml(text: &str) -> Value {
    let mut events = Parser::new_from_str(text).map(|event| event.expect("the description is YAML").0);
    loop {
        match events.next().expect("a document comes before the end") {
            Event::StreamStart | Event::DocumentStart(_) => {}
            first => return node(first, &mut events),
        }
    }
}

fn node<'a>(first: Event<'a>, events: &mut impl Iterator<Item = Event<'a>>) -> Value {
    match first {
        Event::Scalar(text, ScalarStyle::Plain, _, None) => plain(&text),
        Event::Scalar(text, _, _, None) => Value::String(text.into_owned()),
        Event::SequenceStart(_, None) => {
            let mut items = Vec::new();
            while let Some(item) = events.next().filter(|e| *e != Event::SequenceEnd) {
                items.push(node(item, events));
            }
            Value::Array(items)
        }
        Event::MappingStart(_, None) => {
            let mut fields = Map::new();
            while let Some(name) = events.next().filter(|e| *e != Event::MappingEnd) {
                let Event::Scalar(name, _, _, None) = name else { panic!("the description uses {name:?} as a name") };
                let first = events.next().expect("a name is followed by its value");
                let twice = fields.insert(name.into_owned(), node(first, events));
                assert_eq!(twice, None, "the description gives a name twice");
            }
            Value::Object(fields)
        }
        other => panic!("the description uses {other:?}, which is not read here"),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| text.into(), Value::Number),
    }
}

// ---- the checker: as much of JSON Schema as the description of a send uses ----

/// What `value` breaks of `schema` (a node of `description`), a line each; nothing where it is valid.
fn violations(description: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut check = Check { description, found: Vec::new() };
    check.value(value, schema, "");
    check.found
}

/// The same for a schema of the description's by its name.
fn violations_of(description: &Value, name: &str, value: &Value) -> Vec<String> {
    violations(description, &json!({"$ref": format!("#/components/schemas/{name}")}), value)
}

struct Check<'a> {
    description: &'a Value,
    found: Vec<String>,
}

/// A schema with the place where the description has it; empty for one that stands where it is used.
#[derive(Clone, Copy)]
struct Schema<'a> {
    place: &'a str,
    rules: &'a Value,
}

impl<'a> Check<'a> {
    fn add(&mut self, at: &str, what: impl std::fmt::Display) {
        self.found.push(format!("{}: {what}", at.trim_start_matches('.')));
    }

    fn value(&mut self, value: &Value, rules: &'a Value, at: &str) {
        let mut schema = self.resolve(rules);
        for _ in 0..CHAIN_STEPS_MAX {
            let Some(choice) = schema.rules.get("discriminator") else { break };
            match Self::chosen(value, choice) {
                Ok(chosen) if chosen == schema.place => break,
                Ok(chosen) => schema = self.at(chosen),
                Err(what) => return self.add(at, what),
            }
        }
        let mut parts = Vec::new();
        self.collect(schema, &mut parts);
        for part in &parts {
            self.keywords(value, part.rules, at);
            // A base's choice must be the schema that stands here: no carousel among a carousel's bubbles.
            let choice = part.rules.get("discriminator").filter(|_| part.place != schema.place);
            match choice.map(|choice| Self::chosen(value, choice)) {
                Some(Ok(chosen)) if chosen != schema.place => self.add(at, format!("is {chosen}, not {}", schema.place)),
                Some(Err(what)) => self.add(at, what),
                _ => {}
            }
        }
        if let Some(fields) = value.as_object() {
            self.fields(fields, &parts, at);
        }
    }

    /// The schema that a `discriminator` names for `value`.
    fn chosen(value: &Value, choice: &'a Value) -> Result<&'a str, String> {
        let property = choice["propertyName"].as_str().expect("a discriminator names its property");
        match value.get(property) {
            None if !value.is_object() => Err("type is \"object\"".to_owned()),
            None => Err(format!("`{property}` is missing")),
            Some(kind) => {
                let place = kind.as_str().and_then(|kind| choice["mapping"].get(kind)).and_then(Value::as_str);
                place.ok_or_else(|| format!("`{property}` is {kind}, which is none of its kinds"))
            }
        }
    }

    fn at(&self, place: &'a str) -> Schema<'a> {
        let rules = place.strip_prefix('#').and_then(|pointer| self.description.pointer(pointer));
        Schema { place, rules: rules.unwrap_or_else(|| panic!("the description refers to {place}, which is not there")) }
    }

    fn resolve(&self, rules: &'a Value) -> Schema<'a> {
        let mut schema = Schema { place: "", rules };
        for _ in 0..CHAIN_STEPS_MAX {
            match schema.rules.get("$ref").and_then(Value::as_str) {
                Some(place) => schema = self.at(place),
                None => return schema,
            }
        }
        panic!("the description refers in a circle: {}", schema.place)
    }

    /// The schema and all that `allOf` puts together in it.
    fn collect(&self, schema: Schema<'a>, parts: &mut Vec<Schema<'a>>) {
        parts.push(schema);
        assert!(parts.len() <= CHAIN_STEPS_MAX, "the description builds {} of too many parts", schema.place);
        for part in schema.rules["allOf"].as_array().into_iter().flatten() {
            self.collect(self.resolve(part), parts);
        }
    }

    fn keywords(&mut self, value: &Value, rules: &'a Value, at: &str) {
        let units = value.as_str().map(|s| s.encode_utf16().count());
        let items = value.as_array().map(Vec::len);
        for (keyword, rule) in rules.as_object().expect("a schema is a mapping") {
            let fits = match keyword.as_str() {
                "type" => is_a(value, rule),
                "enum" => rule.as_array().expect("a list of values").contains(value),
                "maxLength" => units.is_none_or(|n| n <= count(rule)),
                "minLength" => units.is_none_or(|n| n >= count(rule)),
                "maxItems" => items.is_none_or(|n| n <= count(rule)),
                "minItems" => items.is_none_or(|n| n >= count(rule)),
                "items" => {
                    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.value(item, rule, &format!("{at}[{i}]"));
                    }
                    true
                }
                // The first five are looked at where all parts are at hand; the others ask nothing of a value.
                "properties"
                | "required"
                | "additionalProperties"
                | "allOf"
                | "discriminator"
                | "format"
                | "default"
                | "description"
                | "example"
                | "externalDocs"
                | "title" => true,
                // Better a failure than a rule that nobody looks at.
                unknown => panic!("the description uses `{unknown}` at {at}, which is not checked here"),
            };
            if !fits {
                self.add(at, format!("{keyword} is {rule}"));
            }
        }
    }

    fn fields(&mut self, fields: &Map<String, Value>, parts: &[Schema<'a>], at: &str) {
        let required: BTreeSet<&str> =
            parts.iter().filter_map(|p| p.rules["required"].as_array()).flatten().filter_map(Value::as_str).collect();
        for name in required.into_iter().filter(|name| !fields.contains_key(*name)) {
            self.add(at, format!("`{name}` is missing"));
        }
        for (name, value) in fields {
            let at = format!("{at}.{name}");
            let known: Vec<&Value> = parts.iter().filter_map(|p| p.rules["properties"].get(name)).collect();
            for rules in &known {
                self.value(value, rules, &at);
            }
            if known.is_empty() {
                match parts.iter().find_map(|p| p.rules.get("additionalProperties")) {
                    Some(Value::Bool(true)) => {}
                    Some(rules @ Value::Object(_)) => self.value(value, rules, &at),
                    _ => self.add(&at, "is unknown"),
                }
            }
        }
    }
}

fn is_a(value: &Value, kind: &Value) -> bool {
    match kind.as_str().expect("a type is a word") {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the description uses the type {other}, which is not checked here"),
    }
}

fn count(rule: &Value) -> usize {
    rule.as_u64().and_then(|n| n.try_into().ok()).expect("a limit is a whole number")
}

// ---- what leaves us ----

struct Request {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Value,
}

/// A client of ours, and what it said to the LINE that it was given.
struct Wire {
    line: Line,
    heard: Arc<Mutex<Vec<Request>>>,
}

impl Wire {
    async fn open() -> Self {
        let heard: Arc<Mutex<Vec<Request>>> = Arc::default();
        let noted = Arc::clone(&heard);
        let app = Router::new().fallback(async move |head: Parts, body: String| {
            let body = serde_json::from_str(&body).expect("what we send is JSON");
            let request = Request { method: head.method, path: head.uri.to_string(), headers: head.headers, body };
            noted.lock().expect("nobody panicked with it").push(request);
            r#"{"sentMessages":[{"id":"461230966842064897"}]}"#
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves until the test ends") });
        let account = LineAccount {
            name: "main".to_owned(),
            channel_secret: Secret::new("s"),
            channel_secret_next: None,
            access: LineAccess::Pasted(Secret::new("t")),
            api_url: url.clone(),
            data_api_url: url,
        };
        Self { line: Line::new(&account).expect("the account is usable"), heard }
    }

    /// Sends `messages` as a reply and as a push, and asserts that LINE describes both requests so.
    async fn send(&self, description: &Value, messages: &[Value]) {
        let outcomes =
            [self.line.reply("nHuyWiB7yP5Zw52FIkcQobQuGDXCTA", messages).await, self.line.push(GROUP, messages, Uuid::from_u128(1)).await];
        assert!(outcomes.iter().all(|o| matches!(o, SendOutcome::Sent { .. })), "{outcomes:?}");
        let heard = std::mem::take(&mut *self.heard.lock().expect("nobody panicked with it"));
        assert_eq!(heard.iter().map(|r| r.path.as_str()).collect::<Vec<_>>(), [REPLY, PUSH]);
        for request in heard {
            assert_eq!(violations_of_request(description, &request), [""; 0], "{} {:#}", request.path, request.body);
            assert_eq!(request.body["messages"], json!(messages));
        }
    }
}

fn violations_of_request(description: &Value, request: &Request) -> Vec<String> {
    let operation = &description["paths"][&request.path][request.method.as_str().to_ascii_lowercase()];
    let kind = request.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let Some(schema) = operation["requestBody"]["content"][kind].get("schema") else {
        return vec![format!("{} {} takes no {kind}", request.method, request.path)];
    };
    let mut found = violations(description, schema, &request.body);
    let parameters: Vec<&str> = operation["parameters"].as_array().into_iter().flatten().filter_map(|p| p["name"].as_str()).collect();
    for header in request.headers.keys().filter(|h| h.as_str().starts_with("x-")) {
        if !parameters.iter().any(|p| p.eq_ignore_ascii_case(header.as_str())) {
            found.push(format!("{header}: is unknown"));
        }
    }
    found
}

/// Titles, names and excerpts as people and programs write them.
fn strange_texts() -> Vec<String> {
    let fixed = [
        "報價單版本",
        "",
        " \t\r\n\u{3000}",
        "\u{200b}\u{2060}\u{feff}",
        "\u{202e}txt.exe\u{202c} \u{0}\u{7}\u{1b}[31m",
        "{name} %s \"quoted\" \\ </script> & <b>",
        "עברית, العربية, ไทย, 𠮷野家",
        "line one\nline two\r\nline three",
        "null",
    ];
    let long = ["很長的標題", "👩‍👩‍👧‍👦🇹🇼", "e\u{301}\u{302}\u{303}", "x", "\"\\"].map(|s| s.repeat(2_000));
    fixed.into_iter().map(str::to_owned).chain(long).collect()
}

/// So many cards that all say `text`, with every status, kind of link, author and excerpt among them.
fn cards<'a>(count: usize, text: &'a str, url_too_long: &'a str) -> Vec<Card<'a>> {
    let urls = [URL, "http://127.0.0.1:8080/d/1", "https://客服.example.com/討論/一 二?q=\"#<", "no link", "", url_too_long];
    let card = |i: usize| Card {
        number: if i == 1 { i64::MAX } else { 12 },
        title: text,
        status: Status::ALL[i % Status::ALL.len()],
        url: urls[i % urls.len()],
        said_by: [Some("小美"), None, Some(text)][i % 3],
        excerpt: [Some(text), Some("已經更新到第三版，\n請看附件"), None][i % 3],
    };
    (0..count).map(card).collect()
}

type Kind = fn(Locale, &[Card]) -> Value;
const KINDS: [Kind; 3] = [render::opened, render::answered, render::status_changed];

fn bubbles(message: &Value) -> usize {
    assert_eq!(message["type"], "flex", "{message:#}");
    match message["contents"]["type"].as_str() {
        Some("bubble") => 1,
        _ => message["contents"]["contents"].as_array().map_or(0, Vec::len),
    }
}

#[tokio::test]
async fn every_kind_of_notice_is_sent_as_line_describes_it() {
    let Some(description) = description() else { return };
    let wire = Wire::open().await;
    let url_too_long = format!("{URL}?{}", "q".repeat(2_000));
    let mut sent = 0;
    for locale in Locale::ALL {
        for text in strange_texts() {
            for count in [1, 3, 15] {
                for kind in KINDS {
                    let message = kind(locale, &cards(count, &text, &url_too_long));
                    assert!((1..=count.min(BUBBLES_MAX)).contains(&bubbles(&message)));
                    wire.send(description, &[message]).await;
                    sent += 1;
                }
            }
        }
    }
    assert_eq!(sent, 3 * 14 * 3 * 3);
}

#[tokio::test]
async fn a_single_card_with_any_status_and_link_is_sent_as_line_describes_it() {
    let Some(description) = description() else { return };
    let wire = Wire::open().await;
    let url_too_long = format!("{URL}?{}", "q".repeat(2_000));
    for card in cards(30, "報價單版本", &url_too_long) {
        for kind in KINDS {
            let message = kind(Locale::ZhTw, &[card]);
            assert_eq!(bubbles(&message), 1);
            wire.send(description, &[message]).await;
        }
    }
}

#[tokio::test]
async fn the_welcome_is_sent_as_line_describes_it() {
    let Some(description) = description() else { return };
    let wire = Wire::open().await;
    for locale in Locale::ALL {
        for url in [URL, "http://127.0.0.1:8080", "https://客服.example.com/", "no link", ""] {
            let message = render::joined(locale, url, [None, Some("晨光咖啡")][url.len() % 2]);
            assert_eq!(bubbles(&message), 1);
            wire.send(description, &[message]).await;
        }
    }
}

#[tokio::test]
async fn every_sample_is_sent_as_line_describes_it() {
    let Some(description) = description() else { return };
    let wire = Wire::open().await;
    for locale in Locale::ALL {
        for (_, message) in render::samples::all(locale, "https://support.example.com") {
            wire.send(description, &[message]).await;
        }
    }
}

#[tokio::test]
async fn what_travels_together_is_sent_as_line_describes_it() {
    let Some(description) = description() else { return };
    let wire = Wire::open().await;
    for locale in Locale::ALL {
        for text in strange_texts() {
            for count in [1, 3, 15] {
                let cards = cards(count, &text, "no link");
                let each = [KINDS.map(|kind| kind(locale, &cards)).to_vec(), vec![render::joined(locale, URL, None)]].concat();
                for parts in [&each[..], &[&each[..], &each, &each].concat()] {
                    let messages = render::combine(parts.to_vec());
                    assert_eq!(messages.len(), parts.len().min(MESSAGES_MAX));
                    assert!(messages.iter().all(|m| bubbles(m) >= 1));
                    wire.send(description, &messages).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn the_plain_text_in_place_of_a_broken_object_is_sent_as_line_describes_it() {
    let Some(description) = description() else { return };
    let wire = Wire::open().await;
    for alt_text in ["#12 報價單版本｜處理中", ""] {
        let messages = render::combine(vec![json!({"type": "flex", "altText": alt_text, "contents": {"type": "bubble", "size": "vast"}})]);
        assert_eq!(messages[0]["type"], "text");
        wire.send(description, &messages).await;
    }
}

// ---- the checker itself ----

/// A push of one card, with what `spoil` does to it.
fn spoilt(spoil: impl Fn(&mut Value)) -> Value {
    let mut body = json!({"to": GROUP, "messages": [render::opened(Locale::ZhTw, &cards(1, "報價單版本", ""))]});
    spoil(&mut body);
    body
}

#[test]
fn the_checker_refuses_what_line_does_not_describe() {
    let Some(description) = description() else { return };
    let broken = |spoil: fn(&mut Value)| violations_of(description, "PushMessageRequest", &spoilt(spoil));
    assert_eq!(broken(|_| {}), [""; 0]);
    // A wrong type.
    assert_eq!(broken(|b| b["to"] = json!(7)), ["to: type is \"string\""]);
    assert_eq!(broken(|b| b["messages"] = json!({})), ["messages: type is \"array\""]);
    assert_eq!(broken(|b| b["messages"][0]["altText"] = Value::Null), ["messages[0].altText: type is \"string\""]);
    let wrap = broken(|b| b["messages"][0]["contents"]["body"]["contents"][1]["wrap"] = json!("true"));
    assert_eq!(wrap, ["messages[0].contents.body.contents[1].wrap: type is \"boolean\""]);
    let lines = broken(|b| b["messages"][0]["contents"]["body"]["contents"][1]["maxLines"] = json!(2.5));
    assert_eq!(lines, ["messages[0].contents.body.contents[1].maxLines: type is \"integer\""]);
    // An unknown property.
    assert_eq!(broken(|b| b["retryKey"] = json!("k")), ["retryKey: is unknown"]);
    assert_eq!(broken(|b| b["messages"][0]["alttext"] = json!("a")), ["messages[0].alttext: is unknown"]);
    let footer = broken(|b| b["messages"][0]["contents"]["footer"]["contents"][0]["action"]["url"] = json!(URL));
    assert_eq!(footer, ["messages[0].contents.footer.contents[0].action.url: is unknown"]);
    // A missing required field.
    assert_eq!(broken(|b| drop(b.as_object_mut().unwrap().remove("to"))), [": `to` is missing"]);
    assert_eq!(broken(|b| drop(b["messages"][0].as_object_mut().unwrap().remove("altText"))), ["messages[0]: `altText` is missing"]);
    let layout = broken(|b| drop(b["messages"][0]["contents"]["body"].as_object_mut().unwrap().remove("layout")));
    assert_eq!(layout, ["messages[0].contents.body: `layout` is missing"]);
    // A kind that is none, or none that may stand there.
    assert_eq!(broken(|b| drop(b["messages"][0].as_object_mut().unwrap().remove("type"))), ["messages[0]: `type` is missing"]);
    assert_eq!(broken(|b| b["messages"][0]["type"] = json!("fax")), ["messages[0]: `type` is \"fax\", which is none of its kinds"]);
    assert_eq!(broken(|b| b["messages"][0] = json!("text")), ["messages[0]: type is \"object\""]);
    let inside = broken(|b| b["messages"][0]["contents"] = json!({"type": "carousel", "contents": [{"type": "carousel"}]}));
    let (is, not) = ("#/components/schemas/FlexCarousel", "#/components/schemas/FlexBubble");
    assert_eq!(inside, [format!("messages[0].contents.contents[0]: is {is}, not {not}")]);
}

#[test]
fn the_checker_keeps_to_values_and_sizes() {
    let Some(description) = description() else { return };
    let text = |n: usize| json!({"to": GROUP, "messages": vec![json!({"type": "text", "text": "好"}); n]});
    for (n, found) in [(0, vec!["messages: minItems is 1"]), (1, vec![]), (5, vec![]), (6, vec!["messages: maxItems is 5"])] {
        assert_eq!(violations_of(description, "PushMessageRequest", &text(n)), found);
    }
    let size = violations_of(description, "FlexContainer", &json!({"type": "bubble", "size": "vast"}));
    assert!(size.len() == 1 && size[0].starts_with("size: enum is ["), "{size:?}");
    assert_eq!(violations_of(description, "Sender", &json!({"name": "好".repeat(20)})), [""; 0]);
    assert_eq!(violations_of(description, "Sender", &json!({"name": "𠮷".repeat(11)})), ["name: maxLength is 20"]);
    let copy = |text: &str| violations_of(description, "Action", &json!({"type": "clipboard", "clipboardText": text}));
    assert_eq!(copy("碼"), [""; 0]);
    assert_eq!(copy(""), ["clipboardText: minLength is 1"]);
    let text = |substitution: Value| {
        violations_of(description, "Message", &json!({"type": "textV2", "text": "{a}", "substitution": substitution}))
    };
    assert_eq!(text(json!({"a": {"type": "mention", "mentionee": {"type": "all"}}})), [""; 0]);
    assert_eq!(text(json!({"a": {"type": "mention"}})), ["substitution.a: `mentionee` is missing"]);
}

#[test]
fn the_checker_refuses_paths_media_types_and_headers_that_line_does_not_describe() {
    let Some(description) = description() else { return };
    let found = |path: &str, kind: &str, header: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        headers.insert(header, "1".parse().unwrap());
        let request = Request { method: Method::POST, path: path.to_owned(), headers, body: spoilt(|_| {}) };
        violations_of_request(description, &request)
    };
    assert_eq!(found(PUSH, "application/json", "x-line-retry-key"), [""; 0]);
    assert_eq!(found(PUSH, "application/json", "x-line-retry"), ["x-line-retry: is unknown"]);
    assert_eq!(found(PUSH, "text/plain", "accept"), ["POST /v2/bot/message/push takes no text/plain"]);
    assert_eq!(found("/v2/bot/message/shove", "application/json", "accept"), ["POST /v2/bot/message/shove takes no application/json"]);
    assert_eq!(found(REPLY, "application/json", "accept"), [": `replyToken` is missing", "to: is unknown"]);
}
