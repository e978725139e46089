//! What holds for a line wherever it goes, and what holds for each discussion.

use std::collections::HashMap;

use super::super::stream::{ACTIVE_SECONDS, Kind, Line, Place, Stream, Topic};
use super::super::subjects::{self, Field, Subject};
use super::super::words::Small;
use crate::domain::DiscussionId;

/// So many lines tell how mixed a chat is.
const MIXED_LINES: usize = 40;
/// The share of what is said that goes by what the discussion is about; the rest is said anywhere.
const BY_THE_DISCUSSION: f32 = 0.7;
/// So many lines tell in what it is written.
const WIDE_LINES: usize = 10;
/// What "lately" means of a person's discussions, in seconds.
const LATELY_SECONDS: i64 = 1_800;

/// What holds for the line wherever it goes.
#[expect(clippy::struct_excessive_bools, reason = "each is a yes or no about one line, and they combine freely")]
pub(super) struct Scene<'a> {
    pub(super) stream: &'a Stream,
    pub(super) line: &'a Line,
    pub(super) previous: Option<&'a Line>,
    /// When its person spoke last, and in which place.
    pub(super) own: Option<(i64, Place, u64)>,
    /// How lively the chat is: 0 for slow, about 1 for a line every 20 seconds, by many.
    pub(super) busy: f32,
    /// How many people spoke in the last thirty lines: 0 for two or fewer, about 1 for eight.
    pub(super) crowd: f32,
    /// How often the chat has gone back from one discussion to another of late: 0 never, 1 with every line.
    pub(super) mixed: f32,
    /// How many discussions are talked about these days: 0 for none within the hour, about 1 for six.
    pub(super) lively: f32,
    /// The discussions of the last half hour in which its person spoke.
    pub(super) own_lately: Vec<DiscussionId>,
    pub(super) small: Option<Small>,
    pub(super) short: bool,
    pub(super) role_known: bool,
    /// Whether the chat writes Chinese or Japanese.
    pub(super) wide: bool,
    /// The fields of work that it speaks of.
    pub(super) fields: Vec<Field>,
    /// The line's subjects, each with how telling it is.
    pub(super) subjects: Vec<(Subject, f32)>,
    /// The name of its person says a job that one of the open discussions is about.
    pub(super) job_fits_one: bool,
    /// Whether it speaks of daily life and of no field of work.
    pub(super) daily: bool,
    /// Whom its person follows in the discussions, and how often.
    habit: HashMap<usize, u32>,
}

pub(super) fn scene<'a>(stream: &'a Stream, line: &'a Line) -> Scene<'a> {
    let previous = stream.lines.back();
    let lately = stream.lines.iter().rev().take_while(|l| line.at - l.at <= 1_800).count();
    let mut people: Vec<usize> = stream.lines.iter().rev().take(30).filter_map(|l| l.speaker).collect();
    people.sort_unstable();
    people.dedup();
    let mut own_lately: Vec<DiscussionId> = stream
        .lines
        .iter()
        .rev()
        .take_while(|l| line.at - l.at <= LATELY_SECONDS)
        .filter(|l| l.speaker.is_some() && l.speaker == line.speaker)
        .filter_map(|l| if let Place::In(id) = l.place { Some(id) } else { None })
        .collect();
    own_lately.sort_unstable();
    own_lately.dedup();
    let open = stream.topics.iter().rev().take_while(|t| line.at - t.last.at <= 3_600).count();
    let fields = subjects::fields(&line.words.subjects);
    Scene {
        stream,
        wide: !line.words.chars.is_empty() || stream.lines.iter().rev().take(WIDE_LINES).any(|l| !l.words.chars.is_empty()),
        subjects: line.words.subjects.iter().map(|s| (*s, stream.rarity_of_subject(*s).powi(2))).collect(),
        daily: fields.is_empty() && line.words.subjects.iter().any(|s| subjects::is_daily(*s)),
        job_fits_one: line.speaker.is_some_and(|s| {
            let job = &stream.speakers[s].job;
            let lately = stream.topics.iter().rev().take_while(|t| line.at - t.last.at <= ACTIVE_SECONDS);
            lately.flat_map(|t| &t.fields).any(|(f, _)| job.contains(f))
        }),
        fields,
        mixed: mixed(stream),
        lively: (1.0 + open as f32).ln() / 2.0,
        own_lately,
        line,
        previous,
        own: line.speaker.and_then(|s| stream.speakers[s].last),
        busy: (1.0 + lately as f32).ln() / 4.5,
        crowd: ((people.len() as f32).max(2.0) / 2.0).ln() / 1.4,
        small: line.small(),
        short: line.words.length <= 3.0 && line.kind == Kind::Text,
        role_known: line.role.is_some(),
        habit: habit(stream, line),
    }
}

/// Who comes right before the line's person, or right after, within a discussion.
fn habit(stream: &Stream, line: &Line) -> HashMap<usize, u32> {
    let mut habit: HashMap<usize, u32> = HashMap::new();
    let mut latest: HashMap<DiscussionId, usize> = HashMap::new();
    for earlier in &stream.lines {
        let (Place::In(id), Some(who)) = (earlier.place, earlier.speaker) else { continue };
        if let Some(before) = latest.insert(id, who).filter(|before| *before != who) {
            if line.speaker == Some(who) {
                *habit.entry(before).or_default() += 1;
            } else if line.speaker == Some(before) {
                *habit.entry(who).or_default() += 1;
            }
        }
    }
    habit
}

impl Scene<'_> {
    /// The share of its person's exchanges that were with the one of `earlier`: towards 0 for few.
    pub(super) fn exchanges_with(&self, earlier: &Line) -> f32 {
        let with = earlier.speaker.and_then(|who| self.habit.get(&who)).copied().unwrap_or(0);
        with as f32 / (self.habit.values().sum::<u32>() as f32 + 3.0)
    }
}

/// How often one of the latest lines went back to another discussion than the line before it: 0 never, 1 always. Without lines a guess.
pub fn mixed(stream: &Stream) -> f32 {
    let places: Vec<DiscussionId> =
        stream.lines.iter().rev().filter_map(|l| if let Place::In(id) = l.place { Some(id) } else { None }).take(MIXED_LINES).collect();
    let returns = places.windows(2).enumerate().filter(|(at, pair)| pair[0] != pair[1] && places[at + 2..].contains(&pair[0])).count();
    (returns as f32 + 1.0) / (places.len() as f32 + 8.0)
}

/// A discussion, with what is worth computing once.
#[expect(clippy::struct_excessive_bools, reason = "each is a yes or no about one discussion, and they combine freely")]
pub(super) struct About<'a> {
    pub(super) topic: &'a Topic,
    pub(super) rank: usize,
    /// The share of the line's words, weighted by rarity, that were said in it.
    pub(super) words: f32,
    /// The same of single characters.
    pub(super) chars: f32,
    /// The same of both, each counted by how much of its use was in this discussion.
    pub(super) only_here: f32,
    pub(super) best_only_here: bool,
    /// How much of what its person said was said in it.
    pub(super) persons_share: f32,
    /// By how much more its words, its characters and its subjects are used here than in all that is talked about (logarithms, summed).
    pub(super) likely: [f32; 3],
    pub(super) rarest: f32,
    pub(super) shared: usize,
    /// A number of an order, a plate or a machine of the line's was named in it: 1 where in it alone, a half where in one other, …; less for
    /// what may be a price.
    pub(super) code: f32,
    pub(super) best: bool,
    pub(super) subjects: SubjectsShared,
    pub(super) took_part: bool,
    pub(super) names_one: bool,
    /// The latest line of its person there.
    pub(super) own: Option<&'a Line>,
    /// Who spoke there before the one who spoke last.
    pub(super) before_last: Option<usize>,
}

/// What a line and a discussion are both about.
#[derive(Clone, Copy, Default)]
pub(super) struct SubjectsShared {
    /// The share of the line's subjects, weighted by rarity, that were spoken of in the discussion; 0 for a line without.
    pub(super) share: f32,
    /// The same of those with which the discussion began.
    pub(super) opening: f32,
    /// The same, each counted by how much of its use was in this discussion.
    pub(super) only_here: f32,
    pub(super) best: bool,
    /// How much of the line's subjects was not spoken of: 0 for a line without.
    pub(super) missing: f32,
    /// The share of the line's fields of work that are the discussion's too.
    pub(super) fields: f32,
    /// Both have a field of work, and none in common.
    pub(super) other_field: bool,
    /// The name of the line's person says a job that the discussion is about.
    pub(super) job: bool,
    /// How much of what the discussion is about its person speaks of at all.
    pub(super) persons: f32,
}

fn subjects_shared(scene: &Scene<'_>, topic: &Topic) -> SubjectsShared {
    let all = scene.subjects.iter().map(|s| s.1).sum::<f32>();
    let (mut sum, mut opening, mut only) = (0.0, 0.0, 0.0);
    for (subject, rarity) in &scene.subjects {
        let here = times(&topic.subjects, subject);
        if here > 0 {
            sum += rarity;
            only += rarity * f32::from(here) / f32::from(here).max(scene.stream.times_spoken_of(*subject));
        }
        if topic.opening.contains(subject) {
            opening += rarity;
        }
    }
    let of_topic = &topic.fields;
    let common = scene.fields.iter().filter(|f| of_topic.iter().any(|(t, _)| t == *f)).count();
    let speaker = scene.line.speaker.map(|s| &scene.stream.speakers[s]);
    let spoken = |f: &Field| speaker.map_or(0, |s| times(&s.fields, f));
    let told: u32 = of_topic.iter().map(|(_, n)| u32::from(*n)).sum();
    let known: f32 = of_topic.iter().filter(|(f, _)| spoken(f) > 0).map(|(_, n)| f32::from(*n)).sum();
    SubjectsShared {
        share: sum / (all + 0.5),
        opening: opening / (all + 0.5),
        only_here: only / (all + 0.5),
        best: false,
        missing: (all - sum) / (all + 0.5),
        fields: common as f32 / (scene.fields.len() as f32 + 0.5),
        other_field: common == 0 && !scene.fields.is_empty() && !of_topic.is_empty(),
        job: speaker.is_some_and(|s| s.job.iter().any(|j| of_topic.iter().any(|(f, _)| f == j))),
        persons: known / (told as f32 + 1.0),
    }
}

pub(super) fn topics<'a>(scene: &Scene<'a>) -> Vec<About<'a>> {
    let line = scene.line;
    let rarities: Vec<(u64, f32)> = line.words.tokens.iter().map(|(t, _)| (*t, scene.stream.rarity(*t).powi(2))).collect();
    let char_rarities: Vec<(char, f32)> = line.words.chars.iter().map(|c| (*c, scene.stream.rarity_of_char(*c).powi(2))).collect();
    // A short line that shares its one word shares less than a long one that shares all.
    let all = rarities.iter().map(|r| r.1).sum::<f32>() + 0.5;
    let all_chars = char_rarities.iter().map(|r| r.1).sum::<f32>() + 0.5;
    let active: Vec<&'a Topic> = scene.stream.topics.iter().rev().take_while(|t| line.at - t.last.at <= ACTIVE_SECONDS).collect();
    let uses: Vec<u32> = rarities.iter().map(|(t, _)| active.iter().map(|a| u32::from(times(&a.bag, t))).sum()).collect();
    let char_uses: Vec<u32> = char_rarities.iter().map(|(c, _)| active.iter().map(|a| u32::from(times(&a.chars, c))).sum()).collect();
    let subject_uses: Vec<u32> =
        scene.subjects.iter().map(|(s, _)| active.iter().map(|a| u32::from(times(&a.subjects, s))).sum()).collect();
    let named_in = |code: &u64| active.iter().filter(|t| times(&t.codes, code) > 0).count();
    let strength = |named: u8, among: usize| f32::from(named) / 100.0 / among.max(1) as f32;
    let codes: Vec<(u64, f32)> = line.words.codes.iter().map(|(code, named)| (*code, strength(*named, named_in(code)))).collect();
    let said: [u32; 3] = std::array::from_fn(|n| active.iter().map(|t| t.said[n]).sum());
    let spoken = line.speaker.map_or(1, |s| active.iter().map(|t| said_by(t, s)).sum::<u32>().max(1));
    let mut found: Vec<About<'a>> = active
        .into_iter()
        .enumerate()
        .map(|(rank, topic)| {
            let (mut sum, mut only, mut rarest, mut shared) = (0.0, 0.0, 0.0_f32, 0);
            let mut likely = [0.0; 3];
            let odds = |n: usize, here: u16, uses: u32| more_than_elsewhere((here, topic.said[n]), (uses, said[n]));
            for ((token, rarity), uses) in rarities.iter().zip(&uses) {
                let here = times(&topic.bag, token);
                likely[0] += odds(0, here, *uses);
                if here > 0 {
                    sum += rarity;
                    only += rarity * f32::from(here) / *uses as f32;
                    rarest = rarest.max(rarity.sqrt());
                    shared += 1;
                }
            }
            let (mut char_sum, mut only_chars) = (0.0, 0.0);
            for ((c, rarity), uses) in char_rarities.iter().zip(&char_uses) {
                let here = times(&topic.chars, c);
                likely[1] += odds(1, here, *uses);
                if here > 0 {
                    char_sum += rarity;
                    only_chars += rarity * f32::from(here) / *uses as f32;
                }
            }
            for ((subject, _), uses) in scene.subjects.iter().zip(&subject_uses) {
                likely[2] += odds(2, times(&topic.subjects, subject), *uses);
            }
            let took_part = line.speaker.is_some_and(|s| said_by(topic, s) > 0);
            About {
                topic,
                rank,
                words: sum / all,
                chars: char_sum / all_chars,
                only_here: (only + only_chars) / (all + all_chars),
                best_only_here: false,
                persons_share: line.speaker.map_or(0.0, |s| said_by(topic, s) as f32 / spoken as f32),
                likely,
                rarest,
                shared,
                code: codes.iter().filter(|(code, _)| times(&topic.codes, code) > 0).map(|(_, strength)| *strength).fold(0.0, f32::max),
                best: false,
                subjects: subjects_shared(scene, topic),
                took_part,
                names_one: line.names.iter().any(|n| said_by(topic, *n) > 0),
                own: None,
                before_last: None,
            }
        })
        .collect();
    let best_only = found.iter().map(|t| t.only_here).fold(0.05, f32::max);
    let best = found.iter().map(|t| t.words).fold(0.1, f32::max);
    let best_subjects = found.iter().map(|t| t.subjects.only_here).fold(0.05, f32::max);
    for topic in &mut found {
        topic.subjects.best = topic.subjects.only_here >= best_subjects;
        topic.best = topic.words >= best;
        topic.best_only_here = topic.only_here >= best_only;
    }
    who_spoke(scene, &mut found);
    found
}

/// The logarithm of how much more often something is said in a discussion than in all of them; 0 for what was said in none.
fn more_than_elsewhere((here, of_here): (u16, u32), (uses, of_all): (u32, u32)) -> f32 {
    if uses == 0 || of_here == 0 {
        return 0.0;
    }
    if here == 0 {
        return (1.0 - BY_THE_DISCUSSION).ln();
    }
    let ratio = (f32::from(here) / of_here as f32) / (uses as f32 / of_all.max(1) as f32);
    (1.0 - BY_THE_DISCUSSION + BY_THE_DISCUSSION * ratio).ln()
}

/// Finds the latest line of the person, and who spoke before the last, in each discussion.
fn who_spoke<'a>(scene: &Scene<'a>, found: &mut [About<'a>]) {
    let at: HashMap<DiscussionId, usize> = found.iter().enumerate().map(|(at, about)| (about.topic.id, at)).collect();
    for earlier in scene.stream.lines.iter().rev() {
        let Place::In(id) = earlier.place else { continue };
        let Some(about) = at.get(&id).map(|at| &mut found[*at]) else { continue };
        if about.before_last.is_none() && earlier.speaker != about.topic.last.speaker {
            about.before_last = earlier.speaker;
        }
        if about.own.is_none() && earlier.speaker.is_some() && earlier.speaker == scene.line.speaker {
            about.own = Some(earlier);
        }
    }
}

fn times<T: Ord>(bag: &[(T, u16)], what: &T) -> u16 {
    bag.binary_search_by(|(t, _)| t.cmp(what)).map_or(0, |at| bag[at].1)
}

fn said_by(topic: &Topic, who: usize) -> u32 {
    topic.people.iter().find(|(p, _)| *p == who).map_or(0, |(_, n)| *n)
}

pub(super) fn shared_chars(line: &Line, earlier: &Line) -> f32 {
    let shared = line.words.chars.iter().filter(|c| earlier.words.chars.binary_search(c).is_ok()).count();
    shared as f32 / (1.0 + line.words.chars.len() as f32)
}

pub(super) fn similarity(scene: &Scene<'_>, earlier: &Line) -> f32 {
    let line = scene.line;
    if line.norm == 0.0 || earlier.norm == 0.0 {
        return 0.0;
    }
    let dot: f32 = line
        .words
        .tokens
        .iter()
        .filter_map(|(t, n)| {
            let at = earlier.words.tokens.binary_search_by_key(t, |x| x.0).ok()?;
            Some(scene.stream.rarity(*t).powi(2) * f32::from(*n) * f32::from(earlier.words.tokens[at].1))
        })
        .sum();
    (dot / (line.norm * earlier.norm)).min(1.0)
}

/// The share of its words that the chat has never heard.
pub(super) fn unheard(scene: &Scene<'_>) -> f32 {
    let tokens = &scene.line.words.tokens;
    if tokens.is_empty() {
        return 0.0;
    }
    tokens.iter().filter(|(t, _)| scene.stream.rarity(*t) >= 1.0).count() as f32 / tokens.len() as f32
}

/// The share of its subjects that are also those of an earlier line.
pub(super) fn shared_subjects(scene: &Scene<'_>, earlier: &Line) -> f32 {
    let all = scene.subjects.iter().map(|s| s.1).sum::<f32>();
    let sum: f32 = scene.subjects.iter().filter(|(s, _)| earlier.words.subjects.binary_search(s).is_ok()).map(|s| s.1).sum();
    sum / (all + 0.5)
}
