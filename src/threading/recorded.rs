//! A recorded chat through the threader, line by line, with no look-ahead: for measuring (`threadline thread replay`) and for fitting.
//!
//! A line's place is said when it comes and never taken back: a greeting that waits is given an id of its own if it seems to introduce
//! something, which the discussion that it introduces then keeps, and otherwise that of the chat's other messages.

use std::collections::HashMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::decide::{Choice, Class, Placement, decide};
use super::explain::Reason;
use super::features::{candidates, mixed};
use super::fit::Example;
use super::model::{Table, To};
use super::stream::{Heard, Place, Stream};
use crate::domain::{DiscussionId, Role};

/// What our own recordings call what belongs to no matter.
const OTHER: &str = "other";

/// One recorded message. What else a line holds is not looked at, and `thread` only where a person is asked.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Recorded {
    pub chat: String,
    pub id: Value,
    /// Milliseconds since 1970.
    pub ts_ms: i64,
    #[serde(default, deserialize_with = "or_empty")]
    pub author: String,
    /// `client` or `staff`, where it is known.
    #[serde(default)]
    pub role: Option<String>,
    #[serde(default)]
    pub kind: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub text: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub mentions: Vec<String>,
    #[serde(default)]
    pub quotes: Option<Value>,
    /// The person's answer.
    #[serde(default)]
    pub thread: Option<String>,
}

/// `null` as what is empty.
fn or_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

impl Recorded {
    fn key(&self) -> String {
        plain(&self.id)
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.ts_ms).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn role(&self) -> Option<Role> {
        match self.role.as_deref() {
            Some("client") => Some(Role::Client),
            Some("staff" | "owner") => Some(Role::Staff),
            _ => None,
        }
    }

    /// Whether the platform itself says it: nobody's name has no letter.
    fn by_nobody(&self) -> bool {
        !self.author.is_empty() && !self.author.chars().any(char::is_alphanumeric)
    }

    fn heard(&self, quotes: Option<DiscussionId>) -> Heard<'_> {
        Heard {
            at: self.at(),
            speaker: &self.author,
            name: &self.author,
            role: self.role(),
            kind: self.kind.as_deref().unwrap_or("text"),
            text: &self.text,
            mentions: &self.mentions,
            quotes,
        }
    }
}

fn plain(v: &Value) -> String {
    v.as_str().map_or_else(|| v.to_string(), str::to_owned)
}

/// What was decided about one message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decided {
    pub chat: String,
    pub id: Value,
    pub thread: String,
    pub confidence: f32,
    /// As [`Class`], or `asked`.
    pub class: &'static str,
    /// The strongest reasons, in short English words.
    pub why: String,
}

/// One recorded chat, as far as it has been gone through.
#[derive(Debug)]
pub struct Walk {
    chat: String,
    stream: Stream,
    /// The ids that are said, by discussion.
    threads: Vec<String>,
    by_message: HashMap<String, Place>,
    /// With a person to ask: where each matter's latest message is.
    matters: HashMap<String, Place>,
    /// Ids said for what waits, by line.
    waiting: HashMap<u64, Option<String>>,
    asks: bool,
    /// The chances of the latest decision, the greatest first; empty where it was certain.
    chances: Vec<f32>,
}

impl Walk {
    /// `asks`: what is marked is answered from [`Recorded::thread`].
    pub fn new(chat: &str, asks: bool) -> Self {
        Self {
            chat: chat.to_owned(),
            stream: Stream::new(taipei()),
            threads: vec![],
            by_message: HashMap::new(),
            matters: HashMap::new(),
            waiting: HashMap::new(),
            asks,
            chances: vec![],
        }
    }

    /// How mixed the chat is so far.
    pub fn mixed(&self) -> f32 {
        mixed(&self.stream)
    }

    /// The chances of the latest decision, the greatest first; empty where it was certain.
    pub fn latest_chances(&self) -> &[f32] {
        &self.chances
    }

    /// The next message.
    pub fn step(&mut self, recorded: &Recorded, table: &Table) -> Decided {
        self.chances.clear();
        if recorded.by_nobody() {
            return self.said(recorded, format!("{}:{}", self.chat, recorded.key()), 1.0, Class::Other.as_str(), &[]);
        }
        let quotes = recorded.quotes.as_ref().filter(|q| !q.is_null()).and_then(|q| self.discussion_of(&plain(q)));
        let heard = recorded.heard(quotes);
        let placement = decide(&self.stream, &heard, "", table);
        self.chances = placement.chances.iter().map(|c| c.probability).collect();
        let (choice, class) = match self.answer(recorded, &placement) {
            Some(choice) => (choice, "asked"),
            None => (placement.choice.clone(), placement.class.as_str()),
        };
        let confidence = if class == "asked" { 1.0 } else { placement.confidence };
        let number = self.stream.heard;
        let (place, thread) = self.take(recorded, &heard, &choice, &placement);
        self.stream.record(&heard, place);
        if place == Place::Waiting {
            self.waiting.insert(number, (thread != self.other()).then(|| thread.clone()));
        }
        self.by_message.insert(recorded.key(), place);
        if let Some(matter) = recorded.thread.as_ref().filter(|_| self.asks) {
            self.matters.insert(matter.clone(), place);
        }
        self.said(recorded, thread, confidence, class, &placement.why)
    }

    fn said(&self, recorded: &Recorded, thread: String, confidence: f32, class: &'static str, why: &[Reason]) -> Decided {
        let why = why.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Decided { chat: self.chat.clone(), id: recorded.id.clone(), thread, confidence, class, why }
    }

    fn other(&self) -> String {
        format!("{}:{OTHER}", self.chat)
    }

    fn discussion_of(&self, message: &str) -> Option<DiscussionId> {
        match self.by_message.get(message)? {
            Place::In(id) => Some(*id),
            Place::Rest | Place::Waiting => None,
        }
    }

    /// What a person says who is asked about a message that is marked, and who knows where it belongs.
    fn answer(&self, recorded: &Recorded, placement: &Placement) -> Option<Choice> {
        let matter = recorded.thread.as_deref().filter(|_| self.asks && placement.class == Class::Likely)?;
        Some(match self.matters.get(matter) {
            _ if matter == OTHER => Choice::Rest,
            Some(Place::In(id)) => Choice::Join(*id),
            _ => Choice::Open { title: String::new() },
        })
    }

    /// The place, and the id that is said for it.
    fn take(&mut self, recorded: &Recorded, heard: &Heard<'_>, choice: &Choice, placement: &Placement) -> (Place, String) {
        let line = self.stream.read(heard);
        let waiting: Vec<u64> = self.stream.waiting(line.speaker, line.at).map(|l| l.number).collect();
        let place = match choice {
            Choice::Join(id) => Place::In(*id),
            Choice::Open { .. } => {
                // What introduced it has said its id already.
                let said = waiting.iter().rev().find_map(|w| self.waiting.get(w).cloned().flatten());
                self.threads.push(said.unwrap_or_else(|| format!("{}:{}", self.chat, recorded.key())));
                Place::In(DiscussionId(i64::try_from(self.threads.len() - 1).unwrap_or(i64::MAX)))
            }
            Choice::Rest => return (Place::Rest, self.other()),
            Choice::Wait { .. } => {
                let of = |to| placement.chances.iter().find(|c| c.to == to).map_or(0.0, |c| c.probability);
                let own = of(To::New) >= of(To::Rest);
                let earlier = waiting.iter().rev().find_map(|w| self.waiting.get(w).cloned().flatten());
                let said = earlier.unwrap_or_else(|| format!("{}:{}", self.chat, recorded.key()));
                return (Place::Waiting, if own { said } else { self.other() });
            }
        };
        for number in waiting {
            self.stream.settle(number, place);
        }
        let Place::In(id) = place else { return (place, self.other()) };
        let thread = usize::try_from(id.0).ok().and_then(|at| self.threads.get(at));
        (place, thread.cloned().unwrap_or_else(|| self.other()))
    }
}

fn taipei() -> TimeZone {
    TimeZone::get("Asia/Taipei").unwrap_or(TimeZone::UTC)
}

/// How the messages before each example were placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Each where it belongs.
    Right,
    /// Each where the weights put it, mistakes and all, as it will be in use.
    AsDecided,
}

/// The messages of one chat whose matter is marked, as examples to fit with: each with what could be seen when it came. Messages that are
/// not marked go where `table` puts them.
pub fn examples(chat: &[Recorded], table: &Table, before: Before, weight: f32) -> Vec<Example> {
    let mut stream = Stream::new(taipei());
    let mut matters: HashMap<&str, Place> = HashMap::new();
    // What the latest line of each discussion is about, where it is marked.
    let mut latest: HashMap<DiscussionId, &str> = HashMap::new();
    let mut by_message: HashMap<String, Place> = HashMap::new();
    let mut next = 0;
    let mut found = vec![];
    for recorded in chat.iter().filter(|r| !r.by_nobody()) {
        let place_of_quoted = recorded.quotes.as_ref().filter(|q| !q.is_null()).and_then(|q| by_message.get(&plain(q)));
        let quotes = place_of_quoted.and_then(|p| if let Place::In(id) = p { Some(*id) } else { None });
        let heard = recorded.heard(quotes);
        let line = stream.read(&heard);
        let right = recorded.thread.as_deref().map(|matter| match matters.get(matter) {
            _ if matter == OTHER => To::Rest,
            Some(Place::In(id)) if stream.topics.iter().any(|t| t.id == *id) => To::Discussion(*id),
            _ => To::New,
        });
        // Where two matters have been mixed no place is right.
        let mixed = matches!(right, Some(To::Discussion(id)) if latest.get(&id).copied() != recorded.thread.as_deref());
        if let Some(right) = right.filter(|_| quotes.is_none() && !mixed) {
            found.push(Example { candidates: candidates(&stream, &line), right, weight });
        }
        let decided = || match decide(&stream, &heard, "", table).choice {
            Choice::Join(id) => Ok(id),
            Choice::Open { .. } => Err(None),
            Choice::Rest => Err(Some(Place::Rest)),
            Choice::Wait { .. } => Err(Some(Place::Waiting)),
        };
        let to = match right.filter(|_| before == Before::Right) {
            Some(To::Discussion(id)) => Ok(id),
            Some(To::Rest) => Err(Some(Place::Rest)),
            Some(To::New) if line.small().is_some() => Err(Some(Place::Waiting)),
            Some(To::New) => Err(None),
            None => decided(),
        };
        let place = match to {
            Ok(id) => Place::In(id),
            Err(Some(place)) => place,
            Err(None) => {
                next += 1;
                Place::In(DiscussionId(next))
            }
        };
        if let Place::In(_) = place {
            let waiting: Vec<u64> = stream.waiting(line.speaker, line.at).map(|l| l.number).collect();
            for number in waiting {
                stream.settle(number, place);
            }
        }
        stream.record(&heard, place);
        by_message.insert(recorded.key(), place);
        if let Place::In(id) = place {
            latest.insert(id, recorded.thread.as_deref().unwrap_or_default());
        }
        if let Some(matter) = recorded.thread.as_deref() {
            matters.insert(matter, place);
        }
    }
    found
}
