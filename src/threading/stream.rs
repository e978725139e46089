//! What the threader remembers of one chat: its latest lines, its discussions, its people, and how often which word is used.
//!
//! A [`Stream`] is filled with [`Stream::record`], line by line in the order of time, from a recording or out of the database (the chat's
//! last [`LINES_MAX`] posts, and the latest post of each discussion that is older), and asked with [`super::decide`]. The same lines give
//! the same answers.

mod remembered;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use jiff::{Timestamp, tz::TimeZone};

use super::subjects::{self, Subject};
use super::title::CALLED_CHARS_MAX;
use super::words::{Names, Words};
use crate::domain::{DiscussionId, Role, Status};
pub use remembered::{Kind, Line, Place, Speaker, Topic};

/// So many latest lines of a chat are remembered.
pub const LINES_MAX: usize = 200;
/// So many discussions of a chat are remembered, those of the latest activity.
pub const TOPICS_MAX: usize = 200;
/// A discussion is a candidate for so long after its last post, in seconds (14 days).
pub const ACTIVE_SECONDS: i64 = 14 * 86_400;
/// A greeting waits so long for what it introduces, in seconds.
pub const WAIT_SECONDS: i64 = 120;
/// So many words of a chat are counted; beyond it those met once are forgotten.
const VOCABULARY_MAX: usize = 40_000;
/// So many words are kept of a discussion: those of its first lines and of its latest.
const BAG_MAX: usize = 400;
/// So many people who were named and have not answered are kept of a discussion.
const NAMED_MAX: usize = 20;
/// So many people called at the front of a text are passed over for its title.
const CALLS_MAX: usize = 4;
/// The first so many lines of a discussion say what it is about.
const OPENING_LINES: u32 = 2;
/// So many people of a chat are remembered.
const SPEAKERS_MAX: usize = 1_000;

/// One thing said in a chat, as it comes in.
#[derive(Clone, Debug)]
pub struct Heard<'a> {
    pub at: Timestamp,
    /// Who said it: a key that is the same for the same person; empty where it is not known.
    pub speaker: &'a str,
    /// What the chat calls them.
    pub name: &'a str,
    /// Their part in the project, where it is known.
    pub role: Option<Role>,
    /// `text`, `sticker`, `image`, … as in [`crate::domain::Said::kind`].
    pub kind: &'a str,
    pub text: &'a str,
    /// Names of the people mentioned with @.
    pub mentions: &'a [String],
    /// The discussion of the message that it quotes, whatever that one's age.
    pub quotes: Option<DiscussionId>,
}

/// One chat as the threader knows it.
#[derive(Clone, Debug)]
pub struct Stream {
    zone: TimeZone,
    pub(super) lines: VecDeque<Line>,
    /// By latest activity, the latest at the end.
    pub(super) topics: Vec<Topic>,
    pub(super) speakers: Vec<Speaker>,
    names: Names,
    used: HashMap<u64, u32>,
    used_chars: HashMap<char, u32>,
    used_subjects: HashMap<Subject, u32>,
    pub(super) heard: u64,
}

impl Stream {
    /// An empty one. `zone` is where the chat's people live: it tells working hours.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            lines: VecDeque::new(),
            topics: vec![],
            speakers: vec![],
            names: Names::default(),
            used: HashMap::new(),
            used_chars: HashMap::new(),
            used_subjects: HashMap::new(),
            heard: 0,
        }
    }

    /// The line as it would be remembered; nothing is changed.
    pub fn read(&self, heard: &Heard<'_>) -> Line {
        let words = Words::read(&joined_mentions(heard), &self.names);
        let local = self.zone.to_datetime(heard.at);
        let day = heard.at.as_second().saturating_add(i64::from(self.zone.to_offset(heard.at).seconds())).div_euclid(86_400);
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        let norm = self.norm(&words);
        Line {
            number: self.heard,
            at: heard.at.as_second(),
            day,
            worked: worked(day, minute),
            speaker: self.speakers.iter().position(|s| s.key == heard.speaker && !heard.speaker.is_empty()),
            role: heard.role,
            kind: Kind::of(heard.kind),
            norm,
            names: self.named(heard),
            words,
            place: Place::Rest,
        }
    }

    /// Remembers that it was said and where it went.
    pub fn record(&mut self, heard: &Heard<'_>, place: Place) {
        let mut line = self.read(heard);
        line.place = place;
        if line.speaker.is_none() {
            line.speaker = self.meet(heard);
        }
        if let Some(who) = line.speaker {
            let speaker = &mut self.speakers[who];
            speaker.last = Some((line.at, place, line.number));
            speaker.lines += 1;
            for field in subjects::fields(&line.words.subjects) {
                put_in_bag(&mut speaker.fields, field, 1);
            }
        }
        self.count(&line.words);
        if let Place::In(id) = place {
            self.add_to_topic(id, &line);
        }
        self.heard += 1;
        self.lines.push_back(line);
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
    }

    /// Whether anything is remembered of this discussion.
    pub fn knows(&self, id: DiscussionId) -> bool {
        self.topics.iter().any(|t| t.id == id)
    }

    /// Tells a discussion's status.
    pub fn describe(&mut self, id: DiscussionId, status: Status) {
        if let Some(topic) = self.topics.iter_mut().find(|t| t.id == id) {
            topic.status = status;
        }
    }

    /// The lines of this person that wait for what they introduce, at the time `at`, and that this one may take along: nothing of theirs
    /// came after them.
    pub fn waiting(&self, speaker: Option<usize>, at: i64) -> impl Iterator<Item = &Line> {
        self.lines
            .iter()
            .rev()
            .take_while(move |l| at - l.at <= WAIT_SECONDS)
            .filter(move |l| l.speaker == speaker && speaker.is_some())
            .take_while(|l| l.place == Place::Waiting)
    }

    /// Puts what waited somewhere: with the discussion that it introduced, or to rest.
    pub fn settle(&mut self, number: u64, place: Place) {
        let Some(at) = self.lines.iter().position(|l| l.number == number) else { return };
        self.lines[at].place = place;
        let line = self.lines[at].clone();
        if let Some(speaker) = line.speaker.map(|s| &mut self.speakers[s])
            && speaker.last.is_some_and(|(_, _, n)| n == number)
        {
            speaker.last = Some((line.at, place, number));
        }
        if let Place::In(id) = place {
            self.add_to_topic(id, &line);
        }
    }

    /// The text from where it stops calling people: without mentions and names of the chat's people in front.
    pub fn uncalled<'a>(&self, heard: &Heard<'a>) -> &'a str {
        let mut rest = heard.text.trim_start();
        for _ in 0..CALLS_MAX {
            let after_at = rest.strip_prefix(['@', '＠']);
            let mentioned =
                heard.mentions.iter().filter_map(|name| after_at.unwrap_or(rest).strip_prefix(name.as_str())).min_by_key(|a| a.len());
            let Some(after) = mentioned.or_else(|| self.names.without_call(after_at.unwrap_or(rest))) else { break };
            let after = after.trim_start_matches(|c: char| c.is_whitespace() || "，,、:：~～!！".contains(c));
            // What goes further is not found again by `possible_titles`.
            if heard.text.trim_start().chars().count() - after.chars().count() >= CALLED_CHARS_MAX {
                break;
            }
            rest = after;
        }
        rest
    }

    /// How telling a word is in this chat: 1 for one never heard, towards 0 for one in every line.
    pub fn rarity(&self, token: u64) -> f32 {
        self.rarity_of(self.used.get(&token).copied())
    }

    /// The same of a single character.
    pub fn rarity_of_char(&self, c: char) -> f32 {
        self.rarity_of(self.used_chars.get(&c).copied())
    }

    /// The same of a subject.
    pub fn rarity_of_subject(&self, subject: Subject) -> f32 {
        self.rarity_of(self.used_subjects.get(&subject).copied())
    }

    /// How many lines of the chat spoke of it.
    #[expect(clippy::cast_precision_loss, reason = "a count of lines")]
    pub(super) fn times_spoken_of(&self, subject: Subject) -> f32 {
        self.used_subjects.get(&subject).copied().unwrap_or(0) as f32
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of lines, where a millionth does not matter")]
    fn rarity_of(&self, used: Option<u32>) -> f32 {
        // Thirty unseen lines are added, so that a young chat does not take everything for common.
        let lines = self.heard as f32 + 30.0;
        (lines / (used.unwrap_or(0) as f32 + 1.0)).ln() / lines.ln()
    }

    fn norm(&self, words: &Words) -> f32 {
        words.tokens.iter().map(|(t, n)| (self.rarity(*t) * f32::from(*n)).powi(2)).sum::<f32>().sqrt()
    }

    fn meet(&mut self, heard: &Heard<'_>) -> Option<usize> {
        if heard.speaker.is_empty() || self.speakers.len() >= SPEAKERS_MAX {
            return None;
        }
        let job = subjects::fields(&subjects::of(&heard.name.to_lowercase()));
        let (key, name) = (heard.speaker.to_owned(), heard.name.to_owned());
        self.speakers.push(Speaker { key, name, last: None, lines: 0, job, fields: vec![] });
        self.names.add(heard.name, self.speakers.len() - 1);
        Some(self.speakers.len() - 1)
    }

    /// Who is named, by @ or by name.
    fn named(&self, heard: &Heard<'_>) -> Vec<usize> {
        let mut found = self.names.all_in(&heard.text.to_lowercase());
        for mentioned in heard.mentions {
            found.extend(self.speakers.iter().position(|s| s.name == *mentioned));
        }
        found.sort_unstable();
        found.dedup();
        found.retain(|who| self.speakers[*who].key != heard.speaker);
        found
    }

    fn count(&mut self, words: &Words) {
        for (token, _) in &words.tokens {
            *self.used.entry(*token).or_default() += 1;
        }
        for c in &words.chars {
            *self.used_chars.entry(*c).or_default() += 1;
        }
        for subject in &words.subjects {
            *self.used_subjects.entry(*subject).or_default() += 1;
        }
        if self.used.len() > VOCABULARY_MAX {
            self.used.retain(|_, n| *n > 1);
        }
    }

    fn add_to_topic(&mut self, id: DiscussionId, line: &Line) {
        let mut topic = match self.topics.iter().position(|t| t.id == id) {
            Some(at) => self.topics.remove(at),
            None => Topic {
                id,
                status: Status::Open,
                opened_by: line.speaker,
                people: vec![],
                size: 0,
                answered: false,
                last: line.clone(),
                named: vec![],
                bag: vec![],
                chars: vec![],
                subjects: vec![],
                fields: vec![],
                codes: vec![],
                said: [0; 3],
                opening: vec![],
            },
        };
        topic.size += 1;
        topic.answered |= line.speaker != topic.opened_by;
        topic.named.extend(line.names.iter().take(NAMED_MAX.saturating_sub(topic.named.len())));
        if let Some(who) = line.speaker {
            topic.named.retain(|n| *n != who);
            match topic.people.iter_mut().find(|(p, _)| *p == who) {
                Some((_, n)) => *n += 1,
                None => topic.people.push((who, 1)),
            }
        }
        for (token, n) in &line.words.tokens {
            put_in_bag(&mut topic.bag, *token, u16::from(*n));
        }
        for c in &line.words.chars {
            put_in_bag(&mut topic.chars, *c, 1);
        }
        for (code, _) in &line.words.codes {
            put_in_bag(&mut topic.codes, *code, 1);
        }
        for subject in &line.words.subjects {
            put_in_bag(&mut topic.subjects, *subject, 1);
            if let Some(field) = subjects::field(*subject) {
                put_in_bag(&mut topic.fields, field, 1);
            }
        }
        for (said, more) in topic.said.iter_mut().zip([line.words.tokens.len(), line.words.chars.len(), line.words.subjects.len()]) {
            *said = said.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        }
        if topic.size <= OPENING_LINES {
            topic.opening.extend(&line.words.subjects);
        }
        // What waited and was settled later is not the latest.
        if line.number >= topic.last.number {
            topic.last = line.clone();
        }
        self.topics.push(topic);
        if self.topics.len() > TOPICS_MAX {
            self.topics.remove(0);
        }
    }
}

/// The text with each mention written without blanks, so that it reads as one word.
fn joined_mentions<'a>(heard: &Heard<'a>) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(heard.text);
    for name in heard.mentions.iter().filter(|n| n.contains(char::is_whitespace)) {
        let joined: String = name.split_whitespace().collect();
        text = Cow::Owned(text.replace(&format!("@{name}"), &format!("@{joined}")));
    }
    text
}

fn put_in_bag<T: Ord>(bag: &mut Vec<(T, u16)>, what: T, times: u16) {
    match bag.binary_search_by(|(t, _)| t.cmp(&what)) {
        Ok(at) => bag[at].1 = bag[at].1.saturating_add(times),
        Err(at) if bag.len() < BAG_MAX => bag.insert(at, (what, times)),
        Err(_) => {}
    }
}

/// Working minutes since 1970 (Monday to Friday, 9 to 18, no holidays) up to `minute` of `day`.
fn worked(day: i64, minute: i64) -> i64 {
    const A_DAY: i64 = 9 * 60;
    // 1970-01-01 was a Thursday: counted from the Monday before.
    let since_monday = day + 3;
    let (week, weekday) = (since_monday.div_euclid(7), since_monday.rem_euclid(7));
    let today = if weekday < 5 { (minute - 9 * 60).clamp(0, A_DAY) } else { 0 };
    (week * 5 + weekday.min(5)) * A_DAY + today
}
