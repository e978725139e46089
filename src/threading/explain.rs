//! Why: the largest terms of a decision, in words that people know.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::features::Because;
use super::lexicon::is_function_char;
use super::model::{Candidate, Chance, Table, To, shares};
use super::stream::{Heard, Line, Stream};
use super::words::{codes_of, for_each_token, hash};
use crate::domain::DiscussionId;

/// So many reasons are given.
pub const REASONS_MAX: usize = 3;
/// A term weaker than this explains nothing, in units of score (0.1 changes a chance by a tenth).
const WEAKEST: f32 = 0.1;
/// How much more than any word a number of an order or a machine tells.
const CODE_TELLS: f32 = 10.0;
/// The longest shared words shown, in characters.
const SHARED_CHARS_MAX: usize = 16;

/// One reason. Texts for people are under `why.` and the name in `why`, in the language files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// It quotes a message of that discussion.
    Quote {},
    /// The same person, so many seconds later.
    Burst {
        seconds: i64,
    },
    /// The same person takes part.
    SamePerson {},
    /// Somebody of whom nothing was heard lately.
    OtherPerson {},
    /// The last post there was so long ago.
    Minutes {
        minutes: i64,
    },
    Hours {
        hours: i64,
    },
    Days {
        days: i64,
    },
    /// The last thing said in the chat.
    Latest {},
    /// It shares these words.
    Shares {
        words: String,
    },
    /// It shares no words with what is open.
    NoWordsShared {},
    /// It names somebody who takes part, or is named.
    Named {},
    /// It answers what was asked there.
    Answers {},
    /// The other side answers.
    OtherSide {},
    /// A picture and its text.
    Picture {},
    /// Thanks, an OK, a sticker: it belongs to what was said before.
    SmallTalk {},
    /// It brings something up.
    BringsUp {},
    /// It changes the subject.
    Turns {},
    /// Chatter.
    Chatter {},
    /// The discussion's state: still open, or done with thanks.
    State {},
}

impl fmt::Display for Reason {
    /// In short English words, for recordings and logs; pages have theirs under `why.` in the language files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Burst { seconds } => return write!(f, "same person, {seconds} s"),
            Self::Minutes { minutes } => return write!(f, "{minutes} min"),
            Self::Hours { hours } => return write!(f, "{hours} h"),
            Self::Days { days } => return write!(f, "{days} d"),
            Self::Shares { words } => return write!(f, "shares {words}"),
            Self::Quote {} => "quotes it",
            Self::SamePerson {} => "same person",
            Self::OtherPerson {} => "another person",
            Self::Latest {} => "said right before",
            Self::NoWordsShared {} => "shares nothing with what is open",
            Self::Named {} => "names a participant",
            Self::Answers {} => "answers",
            Self::OtherSide {} => "client and staff in turn",
            Self::Picture {} => "picture and text",
            Self::SmallTalk {} => "small talk",
            Self::BringsUp {} => "brings something up",
            Self::Turns {} => "changes the subject",
            Self::Chatter {} => "chatter",
            Self::State {} => "state of the discussion",
        };
        f.write_str(words)
    }
}

/// The strongest reasons why the first of `chances` is before the second.
pub fn reasons(
    stream: &Stream,
    heard: &Heard<'_>,
    line: &Line,
    candidates: &[Candidate],
    chances: &[Chance],
    table: &Table,
) -> Vec<Reason> {
    let Some(best) = chances.first() else { return vec![] };
    let mut of = by_because(candidates, best.to, table);
    if let Some(second) = chances.get(1) {
        for (sum, other) in of.iter_mut().zip(by_because(candidates, second.to, table)) {
            *sum -= other;
        }
    }
    let mut ranked: Vec<(f32, Because)> = of.into_iter().zip(BECAUSES).filter(|(sum, _)| *sum > WEAKEST).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ranked.into_iter().filter_map(|(_, because)| in_words(stream, heard, line, best.to, because)).take(REASONS_MAX).collect()
}

const BECAUSES: [Because; 15] = [
    Because::Person,
    Because::Time,
    Because::Last,
    Because::Words,
    Because::Names,
    Because::Answer,
    Because::Role,
    Because::Picture,
    Because::Burst,
    Because::Small,
    Because::Topic,
    Because::Opening,
    Because::Turn,
    Because::Chatter,
    Because::Status,
];

/// What each kind of reason adds to the score of a place; for a discussion the mean over its lines, each by its share.
fn by_because(candidates: &[Candidate], to: To, table: &Table) -> [f32; BECAUSES.len()] {
    let of: Vec<&Candidate> = candidates.iter().filter(|c| c.to == to).collect();
    let own: Vec<Candidate> = of.iter().map(|c| (*c).clone()).collect();
    let mut sums = [0.0; BECAUSES.len()];
    for (candidate, share) in of.iter().zip(shares(&own, table)) {
        for (feature, value) in &candidate.terms.0 {
            if let Some(at) = BECAUSES.iter().position(|b| *b == feature.because()) {
                sums[at] += share * value * table.of[*feature as usize];
            }
        }
    }
    sums
}

fn in_words(stream: &Stream, heard: &Heard<'_>, line: &Line, to: To, because: Because) -> Option<Reason> {
    let topic = match to {
        To::Discussion(id) => stream.topics.iter().find(|t| t.id == id),
        To::New | To::Rest => None,
    };
    let since = topic.map(|t| &t.last).or(stream.lines.back()).map(|l| (line.at - l.at).max(0) / 60);
    let took_part = topic.is_none_or(|t| line.speaker.is_some_and(|s| t.people.iter().any(|(p, _)| *p == s)));
    let spoke_right_before = line.speaker.is_some() && stream.lines.back().is_some_and(|l| l.speaker == line.speaker);
    let tone = line.words.tone;
    match because {
        Because::Nothing | Because::Topic => None,
        Because::Person if topic.is_none() => (!spoke_right_before).then_some(Reason::OtherPerson {}),
        // Where somebody new speaks up, that is no reason to join.
        Because::Person => took_part.then_some(Reason::SamePerson {}),
        Because::Time => since.map(long_ago),
        Because::Last => topic.map(|_| Reason::Latest {}),
        Because::Words => match to {
            To::Discussion(id) => shared_words(stream, heard.text, id).map(|words| Reason::Shares { words }),
            To::New | To::Rest => Some(Reason::NoWordsShared {}),
        },
        Because::Names => topic.map(|_| Reason::Named {}),
        Because::Answer => topic.map(|_| Reason::Answers {}),
        Because::Role => topic.filter(|t| t.last.role != line.role).map(|_| Reason::OtherSide {}),
        Because::Picture => Some(Reason::Picture {}),
        Because::Burst => Some(Reason::Burst { seconds: stream.lines.back().map_or(0, |l| (line.at - l.at).max(0)) }),
        Because::Small => line.small().map(|_| Reason::SmallTalk {}),
        Because::Status => Some(Reason::State {}),
        Because::Opening => topic.is_none().then_some(Reason::BringsUp {}),
        Because::Turn => Some(Reason::Turns {}),
        Because::Chatter => (to == To::Rest || tone.chats || tone.morning).then_some(Reason::Chatter {}),
    }
}

fn long_ago(minutes: i64) -> Reason {
    match minutes {
        ..120 => Reason::Minutes { minutes },
        120..2_880 => Reason::Hours { hours: minutes / 60 },
        _ => Reason::Days { days: minutes / 1_440 },
    }
}

/// What of the text the discussion has too, the most telling: a number of an order or a machine ("88213"), else the
/// rarest run of words ("報價單").
fn shared_words(stream: &Stream, text: &str, id: DiscussionId) -> Option<String> {
    let topic = stream.topics.iter().find(|t| t.id == id)?;
    let lower = text.to_lowercase();
    let mut best: Option<(f32, Range<usize>)> = None;
    let mut run: Option<(usize, usize, f32)> = None;
    for_each_token(&lower, |place, _| {
        let token = &lower[place.clone()];
        let said = !token.is_empty() && topic.bag.binary_search_by_key(&hash(token), |t| t.0).is_ok();
        if !said {
            run = None;
            return;
        }
        let is_code = codes_of(token).any(|(code, _)| topic.codes.binary_search_by_key(&hash(code), |c| c.0).is_ok());
        let rarity = stream.rarity(hash(token)) + if is_code { CODE_TELLS } else { 0.0 };
        let now = match run {
            Some((from, to, sum)) if place.start < to => (from, place.end, sum + rarity),
            _ => (place.start, place.end, rarity),
        };
        run = Some(now);
        let words = if token.is_ascii() { place } else { without_function_chars(&lower, now.0..now.1) };
        if lower[words.clone()].chars().nth(1).is_some() && best.as_ref().is_none_or(|(sum, _)| now.2 > *sum) {
            best = Some((now.2, words));
        }
    });
    let (_, words) = best?;
    // As its author wrote it, where small letters take as many octets.
    let written = if text.len() == lower.len() { text.get(words.clone()) } else { None };
    Some(written.unwrap_or(&lower[words]).chars().take(SHARED_CHARS_MAX).collect())
}

/// Without what only binds at both ends: of 以轉, 轉.
fn without_function_chars(text: &str, place: Range<usize>) -> Range<usize> {
    let words = &text[place.clone()];
    let start = place.end - words.trim_start_matches(is_function_char).len();
    let end = start + text[start..place.end].trim_end_matches(is_function_char).len();
    start..end
}
