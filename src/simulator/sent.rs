//! What can be looked at afterwards: sends, requests, violations, and a chat's lines.

use jiff::Timestamp;
use serde_json::Value;

use super::api::Endpoint;
use crate::domain::{LineChatId, LineMessageId, LineUserId, Via};

/// One reply or push that was accepted.
#[derive(Clone, Debug)]
pub struct Sent {
    /// User id of the account that sent it.
    pub bot: LineUserId,
    /// [`Via::LineReply`] or [`Via::LinePush`].
    pub via: Via,
    pub chat: LineChatId,
    /// The message objects as they were sent.
    pub messages: Vec<Value>,
    /// LINE's ids for them, in the same order.
    pub ids: Vec<LineMessageId>,
    /// Messages counted against the month's quota.
    pub billed: u64,
    /// LINE answered 200 and told nobody: they blocked the account, never were its friend, or are gone.
    pub dropped: bool,
    pub retry_key: Option<String>,
    /// Nobody's telephone rang.
    pub quiet: bool,
    pub at: Timestamp,
}

impl Sent {
    /// Every text, title, label, alternative text and link in it, in order.
    pub fn strings(&self) -> Vec<String> {
        let mut found = Vec::new();
        for message in &self.messages {
            collect_strings(message, "", &mut found);
        }
        found
    }

    /// The numbers of the discussions that its links name (`…/d/12`), in order, each once.
    pub fn discussions(&self) -> Vec<i64> {
        let mut numbers = Vec::new();
        for text in self.strings() {
            for (at, mark) in text.match_indices("/d/") {
                let digits: String = text[at + mark.len()..].chars().take_while(char::is_ascii_digit).collect();
                if let Ok(number) = digits.parse()
                    && !numbers.contains(&number)
                {
                    numbers.push(number);
                }
            }
        }
        numbers
    }
}

fn collect_strings(value: &Value, key: &str, into: &mut Vec<String>) {
    const SHOWN: [&str; 7] = ["text", "title", "label", "altText", "uri", "displayText", "address"];
    match value {
        Value::Object(fields) => fields.iter().for_each(|(k, v)| collect_strings(v, k, into)),
        Value::Array(items) => items.iter().for_each(|v| collect_strings(v, key, into)),
        Value::String(s) if SHOWN.contains(&key) => into.push(s.clone()),
        _ => {}
    }
}

/// Something that a well-behaved client never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub endpoint: Endpoint,
    /// In English, for the one who reads the test's output.
    pub what: String,
}

/// One request to the platform, as far as a test asks.
#[derive(Clone, Debug)]
pub struct RequestSeen {
    pub endpoint: Endpoint,
    pub path: String,
    /// What it was answered with; `None` = the connection was cut.
    pub status: Option<u16>,
    pub at: Timestamp,
}

/// Who said a line of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    Person(Option<LineUserId>),
    Bot,
    /// LINE itself: who came and went.
    Nobody,
}

/// One line of a chat as its members see it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Absent in LINE's own lines, and in what a tapped button says.
    pub id: Option<LineMessageId>,
    pub at: Timestamp,
    pub by: Speaker,
    /// A message object; `{"type": "note", "note": "join", "names": […]}` in LINE's own lines.
    pub content: Value,
    pub quotes: Option<LineMessageId>,
    /// Its author took it back: members see that there was something, and not what.
    pub retracted: bool,
    pub edited: bool,
}
