//! The decision: what is certain first, then the model, then what may not open a discussion.

use jiff::{SignedDuration, Timestamp};

use super::explain::{Reason, reasons};
use super::features::{BURST_SECONDS, candidates, mixed};
use super::model::{Candidate, Chance, Table, To, chances};
use super::stream::{Heard, Line, Place, Stream, WAIT_SECONDS};
use super::title::title_of;
use super::words::Small;
use crate::domain::{DiscussionId, words};

/// From this confidence on nothing is marked.
pub const SURE: f32 = 0.74;
/// From this confidence on a new discussion is opened without a mark: an error there costs as much as one the other way.
pub const SURELY_NEW: f32 = SURE;
/// So many other places are offered beside the chosen one.
pub const ALTERNATIVES_MAX: usize = 2;

words! {
    /// How sure a decision is.
    Class {
        /// Filed silently.
        Sure = "sure",
        /// Filed, and marked for a person to look at.
        Likely = "likely",
        /// Opened a discussion, surely.
        New = "new",
        /// No matter of its own: it rests in the stream of other messages.
        Other = "other",
        /// It waits for what it introduces.
        Waits = "waits",
    }
}

/// Where it goes, how sure that is, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    pub choice: Choice,
    pub class: Class,
    /// Between 0 and 1: of ten with 0.9, nine are right.
    pub confidence: f32,
    /// What speaks most for it, the strongest first.
    pub why: Vec<Reason>,
    /// The next best discussions, the better first.
    pub alternatives: Vec<DiscussionId>,
    /// Every place that was thought of, the most probable first; empty for what is certain.
    pub chances: Vec<Chance>,
}

impl Placement {
    /// Of a hundred as sure as this, so many are right.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 100")]
    pub fn percent(&self) -> u8 {
        (self.confidence * 100.0).round().clamp(0.0, 100.0) as u8
    }
}

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Into this discussion, with what of the same person waits.
    Join(DiscussionId),
    /// Into a new one, with what of the same person waits.
    Open { title: String },
    /// Into the project's stream of other messages.
    Rest,
    /// Nowhere yet; if nothing of the same person has come by then, it rests.
    Wait { until: Timestamp },
}

/// Where `heard` goes. `untitled` is what to call a discussion that its text gives no title ("圖片").
pub fn decide(stream: &Stream, heard: &Heard<'_>, untitled: &str, table: &Table) -> Placement {
    if let Some(id) = heard.quotes {
        return surely(id, Reason::Quote {});
    }
    let line = stream.read(heard);
    if let Some(placement) = burst(stream, &line) {
        return placement;
    }
    let candidates = candidates(stream, &line);
    let chances = chances(&candidates, table, mixed(stream));
    let best = chances[0];
    let choice = match best.to {
        To::Discussion(id) => Choice::Join(id),
        To::New | To::Rest if waits(&line) => Choice::Wait { until: heard.at + SignedDuration::from_secs(WAIT_SECONDS) },
        To::New if line.small().is_some() => Choice::Rest,
        To::New => Choice::Open { title: title(stream, heard, untitled) },
        To::Rest => Choice::Rest,
    };
    let class = match choice {
        Choice::Join(_) if best.probability >= SURE => Class::Sure,
        Choice::Open { .. } if best.probability >= SURELY_NEW => Class::New,
        Choice::Join(_) | Choice::Open { .. } => Class::Likely,
        Choice::Rest => Class::Other,
        Choice::Wait { .. } => Class::Waits,
    };
    let alternatives = chances[1..]
        .iter()
        .filter_map(|c| match c.to {
            To::Discussion(id) => Some(id),
            To::New | To::Rest => None,
        })
        .take(ALTERNATIVES_MAX)
        .collect();
    let why = reasons(stream, heard, &line, &candidates, &chances, table);
    Placement { choice, class, confidence: best.probability, why, alternatives, chances }
}

/// What a discussion that `heard` opens is called: its text without the people it calls, as [`title_of`] makes it a title.
pub fn title(stream: &Stream, heard: &Heard<'_>, untitled: &str) -> String {
    let uncalled = stream.uncalled(heard);
    title_of(if uncalled.is_empty() { heard.text } else { uncalled }, untitled)
}

/// What one person sends within a minute is judged as one: a picture, a sticker or small talk right after a line of one's own goes where
/// that went, be it to a discussion, to rest or to wait.
fn burst(stream: &Stream, line: &Line) -> Option<Placement> {
    let previous = stream.lines.back()?;
    let same = line.speaker.is_some() && line.speaker == previous.speaker;
    // "順便問" leads on to something else.
    let leads_on = line.words.tone.turns;
    if !same || leads_on || line.at - previous.at > BURST_SECONDS || line.small().is_none() {
        return None;
    }
    match previous.place {
        Place::In(id) => Some(surely(id, Reason::Burst { seconds: (line.at - previous.at).max(0) })),
        Place::Rest | Place::Waiting => None,
    }
}

fn surely(id: DiscussionId, reason: Reason) -> Placement {
    Placement { choice: Choice::Join(id), class: Class::Sure, confidence: 1.0, why: vec![reason], alternatives: vec![], chances: vec![] }
}

/// A greeting or a lone name waits for what it introduces.
fn waits(line: &Line) -> bool {
    matches!(line.small(), Some(Small::Greeting | Small::Mention))
}

/// Numbers typed as `#123`, at most three of them.
pub fn typed_numbers(text: &str) -> impl Iterator<Item = i64> {
    text.split(['#', '＃'])
        .skip(1)
        .filter_map(|after| {
            let digits: &str = &after[..after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len())];
            let ends = !after[digits.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
            (ends && digits.len() <= 9).then(|| digits.parse().ok()).flatten()
        })
        .take(3)
}

/// The places with what speaks for each: what is kept as an example when a person corrects the decision.
pub fn seen(stream: &Stream, heard: &Heard<'_>) -> Vec<Candidate> {
    candidates(stream, &stream.read(heard))
}
