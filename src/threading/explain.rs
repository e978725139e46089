//! Why: the largest terms of a decision, in words that people know.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::features::Because;
use super::model::{Candidate, Chance, Table, To, shares};
use super::stream::{Heard, Line, Stream};
use super::words::{for_each_token, hash};
use crate::domain::DiscussionId;

/// So many reasons are given.
pub const REASONS_MAX: usize = 3;
/// A term weaker than this explains nothing, in units of score (0.1 changes a chance by a tenth).
const WEAKEST: f32 = 0.1;
/// The longest shared words shown, in characters.
const SHARED_CHARS_MAX: usize = 12;

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
    match because {
        Because::Nothing | Because::Topic => None,
        Because::Person if topic.is_some() && took_part => Some(Reason::SamePerson {}),
        Because::Person => Some(Reason::OtherPerson {}),
        Because::Time => since.map(long_ago),
        Because::Last => topic.map(|_| Reason::Latest {}),
        Because::Words => match to {
            To::Discussion(id) => shared_words(stream, heard.text, id).map(|words| Reason::Shares { words }),
            To::New | To::Rest => Some(Reason::NoWordsShared {}),
        },
        Because::Names => Some(Reason::Named {}),
        Because::Answer => topic.map(|_| Reason::Answers {}),
        Because::Role => topic.filter(|t| t.last.role != line.role).map(|_| Reason::OtherSide {}),
        Because::Picture => Some(Reason::Picture {}),
        Because::Burst => Some(Reason::Burst { seconds: stream.lines.back().map_or(0, |l| (line.at - l.at).max(0)) }),
        Because::Small => Some(Reason::SmallTalk {}),
        Because::Status => Some(Reason::State {}),
        Because::Opening => Some(Reason::BringsUp {}),
        Because::Turn => Some(Reason::Turns {}),
        Because::Chatter => Some(Reason::Chatter {}),
    }
}

fn long_ago(minutes: i64) -> Reason {
    match minutes {
        ..120 => Reason::Minutes { minutes },
        120..2_880 => Reason::Hours { hours: minutes / 60 },
        _ => Reason::Days { days: minutes / 1_440 },
    }
}

/// The rarest run of words that the text shares with the discussion: "報價單", "X320".
fn shared_words(stream: &Stream, text: &str, id: DiscussionId) -> Option<String> {
    let topic = stream.topics.iter().find(|t| t.id == id)?;
    let lower = text.to_lowercase();
    let mut best: Option<(f32, String)> = None;
    let mut run: Option<(usize, usize, f32)> = None;
    for_each_token(&lower, |place, _| {
        let token = &lower[place.clone()];
        let said = !token.is_empty() && topic.bag.binary_search_by_key(&hash(token), |t| t.0).is_ok();
        if !said {
            run = None;
            return;
        }
        let rarity = stream.rarity(hash(token));
        let now = match run {
            Some((from, to, sum)) if place.start < to => (from, place.end, sum + rarity),
            _ => (place.start, place.end, rarity),
        };
        run = Some(now);
        if best.as_ref().is_none_or(|(sum, _)| now.2 > *sum) {
            best = lower.get(now.0..now.1).map(|words| (now.2, words.to_owned()));
        }
    });
    best.map(|(_, words)| words.chars().take(SHARED_CHARS_MAX).collect())
}
