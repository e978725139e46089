//! A recorded chat through the threader, line by line, with no look-ahead: for measuring (`threadline thread replay`) and for fitting.
//!
//! What one person sends in one go is told when it ends ([`Burst`]: at most a minute's pause, no line of anybody else between), as the
//! server has filed it by then: both ask [`file_together`] with each line. A place that was said is never taken back: a greeting that waits
//! is given an id of its own if it seems to introduce something, which the discussion that it introduces then keeps, and otherwise that of
//! the chat's other messages.
#![expect(clippy::cast_precision_loss, reason = "a burst has few lines")]

use std::collections::HashMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::burst::{Burst, files};
use super::decide::{Choice, Class, Placement, decide};
use super::explain::Reason;
use super::features::{candidates, mixed};
use super::filing::{Begun, Filed, file, file_together, together};
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
    /// The person's answer: what the matter is called, in whatever form.
    #[serde(default, deserialize_with = "called")]
    pub thread: Option<String>,
}

/// `null` as what is empty.
fn or_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// A name of any form, as text.
fn called<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Value>::deserialize(from)?.as_ref().map(plain))
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
    /// All chances of the decision, the greatest first; empty where it was certain.
    #[serde(skip)]
    pub chances: Vec<f32>,
    /// How mixed the chat was until then.
    #[serde(skip)]
    pub mixed: f32,
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
    /// What is being said in one go, and not told before it ends.
    going_on: Option<GoingOn>,
}

/// What one person says in one go, as far as it is said.
#[derive(Debug)]
struct GoingOn {
    burst: Burst,
    lines: Vec<Recorded>,
    /// Where it stands by now.
    placement: Placement,
    /// So many of the lines it is the judgement of; those after them only follow.
    judged: usize,
    /// So many of the first only introduce the others.
    introduce: usize,
}

impl GoingOn {
    /// Whether the message quotes a line of it that stands in a discussion: that is certain, and begins anew.
    fn is_quoted_by(&self, recorded: &Recorded) -> bool {
        let quotes = recorded.quotes.as_ref().filter(|q| !q.is_null()).map(plain);
        files(&self.placement) && quotes.is_some_and(|quoted| self.lines.iter().any(|l| l.key() == quoted))
    }

    /// As the server has filed it by now.
    fn begun(&self) -> Option<(Begun, ())> {
        match self.placement.choice {
            _ if self.burst.heard().quotes.is_some() => Some((Begun::Fixed, ())),
            Choice::Join(_) => Some((Begun::Joined, ())),
            Choice::Open { .. } => Some((Begun::Opened, ())),
            Choice::Rest | Choice::Wait { .. } => None,
        }
    }
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
            going_on: None,
        }
    }

    /// The next message. What is decided by now: the lines before it, where it does not go on with them.
    pub fn step(&mut self, recorded: &Recorded, table: &Table) -> Vec<Decided> {
        let heard = recorded.heard(quoted(&self.by_message, recorded));
        if !recorded.by_nobody()
            && let Some(said) = self.going_on.as_mut().filter(|said| said.burst.takes_in(&heard) && !said.is_quoted_by(recorded))
        {
            let begun = said.begun();
            if matches!(said.placement.choice, Choice::Wait { .. }) {
                said.introduce = said.lines.len();
            }
            said.burst.add(&heard);
            said.lines.push(recorded.clone());
            match file_together(&self.stream, &said.burst, begun, "", table) {
                Filed::Stays((), placement) | Filed::Goes(placement) => (said.placement, said.judged) = (placement, said.lines.len()),
                Filed::Follows(()) => {}
            }
            return vec![];
        }
        let mut decided = self.finish();
        if recorded.by_nobody() {
            let thread = format!("{}:{}", self.chat, recorded.key());
            let class = Class::Other.as_str();
            decided.push(self.said(recorded, (&thread, 1.0, class), None));
        } else {
            let heard = recorded.heard(quoted(&self.by_message, recorded));
            let placement = file(&self.stream, &heard, "", table);
            self.going_on =
                Some(GoingOn { burst: Burst::begin(&heard), lines: vec![recorded.clone()], placement, judged: 1, introduce: 0 });
        }
        decided
    }

    /// What is left to decide, where nothing comes after it.
    pub fn finish(&mut self) -> Vec<Decided> {
        let Some(GoingOn { burst: whole, lines, placement, judged, introduce }) = self.going_on.take() else { return vec![] };
        let Some(first) = lines.first() else { return vec![] };
        let heard = whole.heard();
        let (choice, asked) = match self.answer(first, &placement) {
            Some(choice) => (choice, true),
            None => (placement.choice.clone(), false),
        };
        let mixed = mixed(&self.stream);
        let number = self.stream.heard;
        let (place, thread) = self.take(first, &heard, &choice, &placement);
        self.stream.record(&heard, place);
        if place == Place::Waiting {
            self.waiting.insert(number, (thread != self.other()).then(|| thread.clone()));
        }
        let introduce = if files(&placement) { introduce } else { 0 };
        let mut decided = vec![];
        for (at, recorded) in lines.iter().enumerate() {
            self.by_message.insert(recorded.key(), place);
            if let Some(matter) = recorded.thread.as_ref().filter(|_| self.asks) {
                self.matters.insert(matter.clone(), place);
            }
            // A person is asked once, and the answer holds for what was said in one go.
            let (confidence, class) = match (asked, at) {
                (true, 0) => (1.0, "asked"),
                (true, _) => (1.0, Class::Sure.as_str()),
                (false, at) if at >= judged || at < introduce => (1.0, Class::Sure.as_str()),
                (false, at) if at == introduce => (placement.confidence, placement.class.as_str()),
                (false, _) => (placement.confidence, together(placement.class, Reason::Burst { seconds: 0 }).0.as_str()),
            };
            decided.push(Decided { mixed, ..self.said(recorded, (&thread, confidence, class), Some(&placement)) });
        }
        decided
    }

    fn said(&self, recorded: &Recorded, (thread, confidence, class): (&str, f32, &'static str), placement: Option<&Placement>) -> Decided {
        let why = placement.map_or_else(String::new, |p| p.why.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        let chances = placement.map_or_else(Vec::new, |p| p.chances.iter().map(|c| c.probability).collect());
        let (chat, id, thread) = (self.chat.clone(), recorded.id.clone(), thread.to_owned());
        Decided { chat, id, thread, confidence, class, why, chances, mixed: 0.0 }
    }

    fn other(&self) -> String {
        format!("{}:{OTHER}", self.chat)
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

/// The discussion of the message that it quotes.
fn quoted(by_message: &HashMap<String, Place>, recorded: &Recorded) -> Option<DiscussionId> {
    let quotes = recorded.quotes.as_ref().filter(|q| !q.is_null())?;
    match by_message.get(&plain(quotes))? {
        Place::In(id) => Some(*id),
        Place::Rest | Place::Waiting => None,
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

/// What was said in one go, as one message; with how many lines.
fn in_bursts(chat: &[Recorded]) -> Vec<(Burst, Vec<&Recorded>)> {
    let mut all: Vec<(Burst, Vec<&Recorded>)> = vec![];
    let mut by_nobody = false;
    for recorded in chat {
        let quotes = recorded.quotes.as_ref().is_some_and(|q| !q.is_null());
        let heard = recorded.heard(quotes.then_some(DiscussionId(0)));
        match all.last_mut() {
            Some((burst, lines)) if !recorded.by_nobody() && !by_nobody && burst.takes_in(&heard) => {
                burst.add(&heard);
                lines.push(recorded);
            }
            _ if recorded.by_nobody() => {}
            _ => all.push((Burst::begin(&heard), vec![recorded])),
        }
        by_nobody = recorded.by_nobody();
    }
    all
}

/// The messages of one chat whose matter is marked, as examples to fit with: each with what could be seen when it came, and what was said
/// in one go as one that counts as many. Messages that are not marked go where `table` puts them.
pub fn examples(chat: &[Recorded], table: &Table, before: Before, weight: f32) -> Vec<Example> {
    let mut stream = Stream::new(taipei());
    let mut matters: HashMap<&str, Place> = HashMap::new();
    // What the latest line of each discussion is about, where it is marked.
    let mut latest: HashMap<DiscussionId, &str> = HashMap::new();
    let mut by_message: HashMap<String, Place> = HashMap::new();
    let mut next = 0;
    let mut found = vec![];
    for (burst, lines) in in_bursts(chat) {
        let recorded = lines[0];
        let quotes = quoted(&by_message, recorded);
        let heard = Heard { quotes, ..burst.heard() };
        let line = stream.read(&heard);
        let right = recorded.thread.as_deref().map(|matter| match matters.get(matter) {
            _ if matter == OTHER => To::Rest,
            Some(Place::In(id)) if stream.topics.iter().any(|t| t.id == *id) => To::Discussion(*id),
            _ => To::New,
        });
        // Where two matters have been mixed no place is right.
        let mixed = matches!(right, Some(To::Discussion(id)) if latest.get(&id).copied() != recorded.thread.as_deref());
        if let Some(right) = right.filter(|_| quotes.is_none() && !mixed) {
            let marked = lines.iter().filter(|l| l.thread.is_some()).count() as f32;
            found.push(Example { candidates: candidates(&stream, &line), right, weight: weight * marked });
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
        by_message.extend(lines.iter().map(|l| (l.key(), place)));
        if let Place::In(id) = place {
            latest.insert(id, recorded.thread.as_deref().unwrap_or_default());
        }
        if let Some(matter) = recorded.thread.as_deref() {
            matters.insert(matter, place);
        }
    }
    found
}
