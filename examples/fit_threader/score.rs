//! How well a chat was taken apart, and simple rules to compare with.

use std::collections::{HashMap, HashSet};
use std::fmt;

use threadline::threading::Table;

use super::Marked;

/// What the columns are.
pub(super) const HEAD: &str = "\
right: in its place when it came. new P/R/F: opens a thread. exact: whole threads. silent: share that is not marked or asked, and how much\n\
of it is right. sure: the same of class sure. asked: share that a person was asked about.";

/// Sums over messages of people that are scored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Score {
    messages: f64,
    right: f64,
    begins: f64,
    begun: f64,
    begins_right: f64,
    threads: f64,
    made: f64,
    exact: f64,
    silent: f64,
    silent_right: f64,
    sure: f64,
    sure_right: f64,
    asked: f64,
}

impl Score {
    pub(super) fn add(&mut self, o: &Self) {
        self.messages += o.messages;
        self.right += o.right;
        self.begins += o.begins;
        self.begun += o.begun;
        self.begins_right += o.begins_right;
        self.threads += o.threads;
        self.made += o.made;
        self.exact += o.exact;
        self.silent += o.silent;
        self.silent_right += o.silent_right;
        self.sure += o.sure;
        self.sure_right += o.sure_right;
        self.asked += o.asked;
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

/// The harmonic mean of the shares of what was made and of what was to be made.
fn f1(right: f64, made: f64, wanted: f64) -> f64 {
    percent(2.0 * right, made + wanted)
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "n {:5}  right {:4.1}  new {:4.1}/{:4.1}/{:4.1}  exact {:4.1}  silent {:4.1} at {:4.1}  sure {:4.1} at {:4.1}  asked {:4.1}",
            self.messages,
            percent(self.right, self.messages),
            percent(self.begins_right, self.begun),
            percent(self.begins_right, self.begins),
            f1(self.begins_right, self.begun, self.begins),
            f1(self.exact, self.made, self.threads),
            percent(self.silent, self.messages),
            percent(self.silent_right, self.silent),
            percent(self.sure, self.messages),
            percent(self.sure_right, self.sure),
            percent(self.asked, self.messages),
        )
    }
}

/// Scores places with their classes, one a message.
pub(super) fn score(chat: &[Marked], placed: &[(String, &'static str)]) -> Score {
    let mut s = Score::default();
    let mut gold: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut made: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, right) in rights(chat, placed) {
        let thread = chat[at].recorded.thread.as_deref().unwrap_or_default();
        let (place, class) = (placed[at].0.as_str(), placed[at].1);
        let (begins, begun) = (!gold.contains_key(thread), !made.contains_key(place));
        gold.entry(thread).or_default().push(at);
        made.entry(place).or_default().push(at);
        if chat[at].sys {
            continue;
        }
        let one = |is_so: bool| f64::from(u8::from(is_so));
        s.messages += 1.0;
        s.right += one(right);
        s.begins += one(begins);
        s.begun += one(begun);
        s.begins_right += one(begins && begun);
        let silent = class != "likely" && class != "asked";
        s.silent += one(silent);
        s.silent_right += one(silent && right);
        s.sure += one(class == "sure");
        s.sure_right += one(class == "sure" && right);
        s.asked += one(class == "asked");
    }
    let gold: HashSet<&Vec<usize>> = gold.values().filter(|t| t.len() > 1).collect();
    let made: Vec<&Vec<usize>> = made.values().filter(|t| t.len() > 1).collect();
    s.threads = gold.len() as f64;
    s.made = made.len() as f64;
    s.exact = made.iter().filter(|t| gold.contains(*t)).count() as f64;
    s
}

/// The scored messages, each with whether it was put right: a beginning begins, and what goes on stands after one of its own thread.
fn rights(chat: &[Marked], placed: &[(String, &'static str)]) -> Vec<(usize, bool)> {
    let mut gold: HashSet<&str> = HashSet::new();
    let mut latest: HashMap<&str, &str> = HashMap::new();
    let mut found = vec![];
    for (at, (marked, (place, _))) in chat.iter().zip(placed).enumerate().filter(|(_, (m, _))| m.eval) {
        let thread = marked.recorded.thread.as_deref().unwrap_or_default();
        let before = latest.insert(place, thread);
        let begins = gold.insert(thread);
        found.push((at, if begins { before.is_none() } else { before == Some(thread) }));
    }
    found
}

/// A decision of the model with all its chances, whether it was right, and how mixed the chat was.
pub(super) struct Outcome {
    confidence: f32,
    others: Vec<f32>,
    right: bool,
    mixed: f32,
}

/// What came of each decision that the model took.
pub(super) fn outcomes(chat: &[Marked], table: &Table) -> Vec<Outcome> {
    let plain = Table { sharpness: 1.0, sharpness_when_mixed: 0.0, ..table.clone() };
    let (mut placed, mut chances) = (vec![], vec![]);
    for decided in super::decided(chat, &plain, false) {
        chances.push((decided.chances, decided.mixed));
        placed.push((decided.thread, decided.class));
    }
    rights(chat, &placed)
        .into_iter()
        .filter(|(at, _)| !chat[*at].sys && chances[*at].0.len() > 1)
        .map(|(at, right)| {
            let (chances, mixed) = &chances[at];
            Outcome { confidence: chances[0], others: chances[1..].to_vec(), right, mixed: *mixed }
        })
        .collect()
}

/// The sharpness, and what is added to it in mixed chats, that make confidences most honest.
pub(super) fn sharpness(outcomes: &[Outcome]) -> (f32, f32) {
    let cost = |base: f32, when_mixed: f32| -> f64 {
        outcomes
            .iter()
            .map(|o| {
                let power = (base + when_mixed * o.mixed).clamp(0.5, 3.0);
                let best = o.confidence.max(1e-9).powf(power);
                let all: f32 = best + o.others.iter().map(|p| p.max(1e-9).powf(power)).sum::<f32>();
                let said = (best / all).clamp(0.001, 0.999);
                -f64::from(if o.right { said.ln() } else { (1.0 - said).ln() })
            })
            .sum()
    };
    let steps = |low: i16, high: i16| (low..=high).map(|n| f32::from(n) / 20.0);
    steps(4, 40)
        .flat_map(|base| steps(-60, 20).map(move |mixed| (base, mixed)))
        .min_by(|a, b| cost(a.0, a.1).total_cmp(&cost(b.0, b.1)))
        .unwrap_or((1.0, 0.0))
}

/// A rule to compare with.
type Rule = fn(&[Marked]) -> Vec<(String, &'static str)>;

/// Rules to compare with.
pub(super) const RULES: [(&str, Rule); 4] = [
    ("a new thread after 15 min", |chat| after_gap(chat, 15)),
    ("a new thread after 60 min", |chat| after_gap(chat, 60)),
    ("a new thread after 240 min", |chat| after_gap(chat, 240)),
    ("author + mention, 15 min", by_author),
];

fn after_gap(chat: &[Marked], minutes: i64) -> Vec<(String, &'static str)> {
    let (mut count, mut last) = (0, None);
    chat.iter()
        .enumerate()
        .map(|(at, m)| {
            if m.sys {
                return (format!("platform {at}"), "sure");
            }
            if last.is_none_or(|l| m.recorded.ts_ms - l > minutes * 60_000) {
                count += 1;
            }
            last = Some(m.recorded.ts_ms);
            (count.to_string(), "sure")
        })
        .collect()
}

/// Where somebody is named who spoke within 15 minutes: with them; else where its author spoke within 15 minutes; else new.
fn by_author(chat: &[Marked]) -> Vec<(String, &'static str)> {
    const MS: i64 = 15 * 60_000;
    let mut spoke: HashMap<String, (i64, usize)> = HashMap::new();
    let mut count = 0;
    chat.iter()
        .enumerate()
        .map(|(at, m)| {
            if m.sys {
                return (format!("platform {at}"), "sure");
            }
            let (now, text, author) = (m.recorded.ts_ms, m.recorded.text.to_lowercase(), m.recorded.author.to_lowercase());
            let words: HashSet<&str> = text.split(|c: char| c.is_whitespace() || ",:;.!?@()".contains(c)).collect();
            let named = spoke
                .iter()
                .filter(|(name, (then, _))| **name != author && now - then <= MS && name.chars().count() > 1)
                .filter(|(name, _)| words.contains(name.as_str()) || text.contains(&format!("@{name}")))
                .map(|(_, place)| *place)
                .max();
            let own = spoke.get(&author).copied().filter(|(then, _)| now - then <= MS);
            let place = named.or(own).map_or_else(
                || {
                    count += 1;
                    count
                },
                |(_, place)| place,
            );
            spoke.insert(author, (now, place));
            (place.to_string(), "sure")
        })
        .collect()
}
