//! What is looked at: the features of each place where a line could go.
#![expect(clippy::cast_precision_loss, reason = "counts and seconds become weights' values, where a millionth does not matter")]

use super::model::{Candidate, Terms, To};
use super::stream::{ACTIVE_SECONDS, Kind, Line, Place, Stream, Topic};
use super::words::Small;
use crate::domain::{DiscussionId, Role, Status};

/// So many of the chat's latest lines stand for their discussions; of the others only the latest line does.
pub const WINDOW: usize = 60;
/// A line that follows another of the same person within so many seconds is part of one burst.
pub const BURST_SECONDS: i64 = 60;
/// So many lines tell how mixed a chat is.
const MIXED_LINES: usize = 40;
/// A longer text rests only where it speaks of daily life or goes on with chatter.
const SHORT_WORDS: f32 = 6.0;
/// What "lately" means of a person's discussions, in seconds.
const LATELY_SECONDS: i64 = 1_800;
/// A stream of chatter is gone on with for so long, in seconds.
const CHATTER_SECONDS: i64 = 600;

/// What a feature's weight is explained by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    Nothing,
    Person,
    Time,
    Last,
    Words,
    Names,
    Answer,
    Role,
    Picture,
    Burst,
    Small,
    Topic,
    Opening,
    Turn,
    Chatter,
    Status,
}

macro_rules! features {
    ($($name:ident = $text:literal, $because:ident;)+) => {
        /// Something that is looked at. The names are those of the weights file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(usize)]
        pub enum Feature { $($name),+ }

        impl Feature {
            pub const ALL: &'static [Feature] = &[$(Self::$name),+];

            /// Its name in the weights file.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// What people are told when it decides.
            pub fn because(self) -> Because {
                match self { $(Self::$name => Because::$because),+ }
            }
        }
    };
}

features! {
    // How long ago, on the scale of `stretch`; "past" counts only what is beyond.
    Gap = "gap", Time;
    GapPastMinutes = "gap_past_15_min", Time;
    GapPastHours = "gap_past_4_h", Time;
    GapPastDay = "gap_past_1_day", Time;
    OtherDay = "other_day", Time;
    Worked = "working_hours_between", Time;
    GapWhenBusy = "gap_when_busy", Time;
    // Where in the order of lines.
    Previous = "previous", Last;
    PreviousWhenBusy = "previous_when_busy", Last;
    Rank = "lines_between", Last;
    RankWhenBusy = "lines_between_when_busy", Last;
    TopTopic = "latest_discussion", Last;
    PreviousWhenMixed = "previous_when_mixed", Last;
    TopTopicWhenMixed = "latest_discussion_when_mixed", Last;
    GapWhenMixed = "gap_when_mixed", Time;
    PreviousWhenLively = "previous_when_many_open", Last;
    TopTopicWhenLively = "latest_discussion_when_many_open", Last;
    GapWhenLively = "gap_when_many_open", Time;
    TopicRank = "discussions_between", Last;
    LatestInTopic = "last_of_discussion", Last;
    // Who.
    SamePerson = "same_person", Person;
    SamePersonWhenBusy = "same_person_when_busy", Person;
    SamePersonGap = "same_person_gap", Person;
    OwnLast = "own_last", Person;
    OwnLastGap = "own_last_gap", Person;
    Burst = "burst", Burst;
    InTopic = "took_part", Person;
    InTopicWhenBusy = "took_part_when_busy", Person;
    OpenedTopic = "opened_it", Person;
    LastWasHere = "spoke_here_last", Person;
    LastWasHereGap = "spoke_here_last_gap", Person;
    StrangerGap = "stranger_gap", Person;
    StrangerToCrowd = "stranger_to_crowd", Person;
    OpenerReturns = "opener_answers_other", Answer;
    SpokenSince = "others_since_own", Answer;
    SpokenSinceGap = "others_since_own_gap", Answer;
    OwnTurn = "own_was_last", Person;
    OwnTurnGap = "own_was_last_gap", Person;
    OnlyOwn = "only_one_lately", Person;
    OwnElsewhere = "own_elsewhere_lately", Person;
    Pair = "the_two_of_it", Person;
    PairWhenBusy = "the_two_of_it_when_busy", Person;
    ThirdOfPair = "third_to_two", Person;
    ThirdOfPairWhenBusy = "third_to_two_when_busy", Person;
    NamedSince = "named_there_since", Names;
    // Names.
    NamesAuthor = "names_its_author", Names;
    NamedByIt = "named_by_it", Names;
    NamesSomeoneInTopic = "names_one_in_it", Names;
    NamesSomeoneElse = "names_none_in_it", Names;
    // Question and answer.
    AnswersQuestion = "other_asked", Answer;
    AnswersQuestionGap = "other_asked_gap", Answer;
    AnswersOpen = "it_awaits_answer", Answer;
    AnswersOpenGap = "it_awaits_answer_gap", Answer;
    SelfAsked = "self_asked", Answer;
    AsksAfterOther = "asks_after_other", Answer;
    AnswerWordsAfterOther = "answer_words_after_other", Answer;
    NeverAnswered = "never_answered", Answer;
    NeverAnsweredWhenBusy = "never_answered_when_busy", Answer;
    HowMuch = "number_for_how_much", Answer;
    WhetherSo = "yes_or_no_for_whether", Answer;
    ClientThenStaff = "client_then_staff", Role;
    StaffThenClient = "staff_then_client", Role;
    SameSideOther = "same_side_other_person", Role;
    // Words shared.
    LineWords = "words_of_line", Words;
    TopicWords = "words_of_discussion", Words;
    TopicWordsGap = "words_of_discussion_gap", Words;
    LineChars = "characters_of_line", Words;
    TopicChars = "characters_of_discussion", Words;
    TopicCharsGap = "characters_of_discussion_gap", Words;
    OnlyHere = "words_said_only_here", Words;
    OnlyHereGap = "words_said_only_here_gap", Words;
    BestOnlyHere = "best_words_said_only_here", Words;
    PersonsShare = "share_of_persons_lines", Person;
    RarestShared = "rarest_shared", Words;
    RarestSharedGap = "rarest_shared_gap", Words;
    BestWords = "best_words", Words;
    LongestRun = "shared_beyond_one", Words;
    // Tone.
    PointsBackGap = "points_back_gap", Words;
    PointsBackTop = "points_back_latest", Words;
    TurnsSamePerson = "turns_same_person", Turn;
    TurnsGap = "turns_gap", Turn;
    BringsUpSamePerson = "brings_up_same_person", Opening;
    BringsUpOther = "brings_up_other_person", Opening;
    ShortPrevious = "short_previous", Last;
    ShortTop = "short_latest_discussion", Last;
    // Small talk, pictures.
    ThanksToOther = "thanks_other", Small;
    ThanksWhereTookPart = "thanks_took_part", Small;
    AckToOther = "acknowledges_other", Small;
    AckAsked = "acknowledges_asked", Small;
    GreetingPrevious = "greeting_previous", Small;
    StickerPrevious = "sticker_previous", Small;
    SmallGap = "small_gap", Small;
    PictureAfterOwnText = "picture_after_own_text", Picture;
    TextAfterOwnPicture = "text_after_own_picture", Picture;
    PictureAfterAsked = "picture_after_asked", Picture;
    PictureGap = "picture_gap", Picture;
    AboutPicture = "about_picture", Picture;
    // The discussion.
    ItClosed = "it_ended_with_thanks", Status;
    ItClosedGap = "it_ended_with_thanks_gap", Status;
    ItSmall = "it_is_small_talk", Small;
    TopicSize = "size", Topic;
    TopicPeople = "people", Topic;
    Done = "done", Status;
    WaitsForClient = "waits_for_client", Status;
    // One of its own.
    New = "new", Nothing;
    NewWhenBusy = "new_when_busy", Nothing;
    NewInCrowd = "new_in_crowd", Nothing;
    NewWhenMixed = "new_when_mixed", Nothing;
    NewGapWhenMixed = "new_gap_when_mixed", Time;
    NewFirst = "new_first", Nothing;
    NewGap = "new_gap", Time;
    NewGapPastMinutes = "new_gap_past_15_min", Time;
    NewGapPastHours = "new_gap_past_4_h", Time;
    NewGapPastDay = "new_gap_past_1_day", Time;
    NewOtherDay = "new_other_day", Time;
    NewOwnGap = "new_own_gap", Person;
    NewNeverSpoke = "new_person", Person;
    NewPersonLeft = "new_own_last_done", Person;
    NewSamePrevious = "new_same_previous", Person;
    NewAsks = "new_asks", Opening;
    NewAsksGap = "new_asks_gap", Opening;
    NewBringsUp = "new_brings_up", Opening;
    NewBringsUpGap = "new_brings_up_gap", Opening;
    NewGreets = "new_greets", Opening;
    NewAfterGreeting = "new_after_greeting", Opening;
    NewTurns = "new_turns", Turn;
    NewPointsBack = "new_points_back", Words;
    NewAnswers = "new_answers", Answer;
    NewLength = "new_length", Opening;
    NewShort = "new_short", Opening;
    NewUnheard = "new_words_unheard", Words;
    NewShared = "new_words_shared", Words;
    NewSharedChars = "new_characters_shared", Words;
    NewNames = "new_names", Names;
    NewCode = "new_code", Opening;
    NewPicture = "new_picture", Picture;
    NewPictureGap = "new_picture_gap", Picture;
    NewSmall = "new_small", Small;
    NewGreeting = "new_greeting", Small;
    NewSticker = "new_sticker", Small;
    NewByStaff = "new_by_staff", Role;
    NewByClient = "new_by_client", Role;
    NewAfterAsked = "new_after_asked", Answer;
    NewAfterClosed = "new_after_thanks", Status;
    NewLively = "new_lively", Nothing;
    NewChats = "new_chats", Chatter;
    // The stream of other messages.
    Rest = "rest", Chatter;
    RestGap = "rest_gap", Time;
    RestGreeting = "rest_greeting", Small;
    RestMorning = "rest_morning", Small;
    RestThanks = "rest_thanks", Small;
    RestAck = "rest_ack", Small;
    RestLaugh = "rest_laugh", Small;
    RestMention = "rest_mention", Small;
    RestSticker = "rest_sticker", Small;
    RestPicture = "rest_picture", Picture;
    RestChats = "rest_chats", Chatter;
    RestAfterRest = "rest_after_rest", Chatter;
    RestAfterRestGap = "rest_after_rest_gap", Chatter;
    RestShort = "rest_short", Chatter;
    RestLength = "rest_length", Chatter;
    RestUnheard = "rest_words_unheard", Chatter;
    RestBringsUp = "rest_brings_up", Chatter;
    RestPointsBack = "rest_points_back", Chatter;
    RestWhenMixed = "rest_when_mixed", Chatter;
    RestWithRoles = "rest_with_roles", Chatter;
    RestAsks = "rest_asks", Chatter;
    RestStaff = "rest_staff", Role;
    RestSamePrevious = "rest_same_previous", Person;
}

/// Seconds on a scale that tells a minute from an hour as well as an hour from two days: 1 minute 0.11, 15 minutes 0.34, 1 hour 0.48,
/// 4 hours 0.62, a day 0.8, a week 0.99.
pub fn stretch(seconds: i64) -> f32 {
    (1.0 + seconds.max(0) as f32 / 30.0).ln() / 10.0
}

const MINUTES_15: f32 = 0.343;
const HOURS_4: f32 = 0.618;
const DAY_1: f32 = 0.797;

/// What holds for the line wherever it goes.
struct Scene<'a> {
    stream: &'a Stream,
    line: &'a Line,
    previous: Option<&'a Line>,
    /// When its person spoke last, and in which place.
    own: Option<(i64, Place, u64)>,
    /// How lively the chat is: 0 for slow, about 1 for a line every 20 seconds, by many.
    busy: f32,
    /// How many people spoke in the last thirty lines: 0 for two or fewer, about 1 for eight.
    crowd: f32,
    /// How often the chat has gone back from one discussion to another of late: 0 never, 1 with every line.
    mixed: f32,
    /// How many discussions are talked about these days: 0 for none within the hour, about 1 for six.
    lively: f32,
    /// The discussions of the last half hour in which its person spoke.
    own_lately: Vec<DiscussionId>,
    small: Option<Small>,
    short: bool,
    role_known: bool,
}

/// Every place where the line could go.
pub fn candidates(stream: &Stream, line: &Line) -> Vec<Candidate> {
    let scene = scene(stream, line);
    let about = topics(&scene);
    let mut all = vec![];
    let mut seen = vec![];
    for (rank, earlier) in stream.lines.iter().rev().enumerate().take(WINDOW) {
        let Place::In(id) = earlier.place else { continue };
        if let Some(topic) = about.iter().find(|t| t.topic.id == id) {
            all.push(Candidate { to: To::Discussion(id), terms: joining(&scene, topic, earlier, rank) });
            seen.push(id);
        }
    }
    for topic in about.iter().filter(|t| !seen.contains(&t.topic.id)) {
        let rank = usize::try_from(line.number.saturating_sub(topic.topic.last.number + 1)).unwrap_or(usize::MAX);
        all.push(Candidate { to: To::Discussion(topic.topic.id), terms: joining(&scene, topic, &topic.topic.last, rank) });
    }
    let most_shared = about.iter().map(|t| t.words).fold(0.0, f32::max);
    let most_chars = about.iter().map(|t| t.chars).fold(0.0, f32::max);
    all.push(Candidate { to: To::New, terms: opening(&scene, (most_shared, most_chars)) });
    if let Some(terms) = resting(&scene) {
        all.push(Candidate { to: To::Rest, terms });
    }
    all
}

fn scene<'a>(stream: &'a Stream, line: &'a Line) -> Scene<'a> {
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
    Scene {
        stream,
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
struct About<'a> {
    topic: &'a Topic,
    rank: usize,
    /// The share of the line's words, weighted by rarity, that were said in it.
    words: f32,
    /// The same of single characters.
    chars: f32,
    /// The same of both, each counted by how much of its use was in this discussion.
    only_here: f32,
    best_only_here: bool,
    /// How much of what its person said was said in it.
    persons_share: f32,
    rarest: f32,
    shared: usize,
    best: bool,
    took_part: bool,
    names_one: bool,
}

fn topics<'a>(scene: &Scene<'a>) -> Vec<About<'a>> {
    let line = scene.line;
    let rarities: Vec<(u64, f32)> = line.words.tokens.iter().map(|(t, _)| (*t, scene.stream.rarity(*t).powi(2))).collect();
    let char_rarities: Vec<(char, f32)> = line.words.chars.iter().map(|c| (*c, scene.stream.rarity_of_char(*c).powi(2))).collect();
    // A short line that shares its one word shares less than a long one that shares all.
    let all = rarities.iter().map(|r| r.1).sum::<f32>() + 0.5;
    let all_chars = char_rarities.iter().map(|r| r.1).sum::<f32>() + 0.5;
    let active: Vec<&'a Topic> = scene.stream.topics.iter().rev().take_while(|t| line.at - t.last.at <= ACTIVE_SECONDS).collect();
    let uses: Vec<u32> = rarities.iter().map(|(t, _)| active.iter().map(|a| u32::from(times(&a.bag, t))).sum()).collect();
    let char_uses: Vec<u32> = char_rarities.iter().map(|(c, _)| active.iter().map(|a| u32::from(times(&a.chars, c))).sum()).collect();
    let spoken = line.speaker.map_or(1, |s| active.iter().map(|t| said_by(t, s)).sum::<u32>().max(1));
    let mut found: Vec<About<'a>> = active
        .into_iter()
        .enumerate()
        .map(|(rank, topic)| {
            let (mut sum, mut only, mut rarest, mut shared) = (0.0, 0.0, 0.0_f32, 0);
            for ((token, rarity), uses) in rarities.iter().zip(&uses) {
                let here = times(&topic.bag, token);
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
                if here > 0 {
                    char_sum += rarity;
                    only_chars += rarity * f32::from(here) / *uses as f32;
                }
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
                rarest,
                shared,
                best: false,
                took_part,
                names_one: line.names.iter().any(|n| said_by(topic, *n) > 0),
            }
        })
        .collect();
    let best_only = found.iter().map(|t| t.only_here).fold(0.05, f32::max);
    let best = found.iter().map(|t| t.words).fold(0.1, f32::max);
    for topic in &mut found {
        topic.best = topic.words >= best;
        topic.best_only_here = topic.only_here >= best_only;
    }
    found
}

fn times<T: Ord>(bag: &[(T, u16)], what: &T) -> u16 {
    bag.binary_search_by(|(t, _)| t.cmp(what)).map_or(0, |at| bag[at].1)
}

fn said_by(topic: &Topic, who: usize) -> u32 {
    topic.people.iter().find(|(p, _)| *p == who).map_or(0, |(_, n)| *n)
}

fn shared_chars(line: &Line, earlier: &Line) -> f32 {
    let shared = line.words.chars.iter().filter(|c| earlier.words.chars.binary_search(c).is_ok()).count();
    shared as f32 / (1.0 + line.words.chars.len() as f32)
}

fn similarity(scene: &Scene<'_>, earlier: &Line) -> f32 {
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

fn joining(scene: &Scene<'_>, about: &About<'_>, earlier: &Line, rank: usize) -> Terms {
    let mut terms = Terms::default();
    let gap = stretch(scene.line.at - earlier.at);
    // The line's own age and its discussion's differ; what is said of the discussion goes by the discussion's.
    let topic_gap = stretch(scene.line.at - about.topic.last.at);
    put_time(&mut terms, scene, earlier, gap);
    put_order(&mut terms, scene, about, earlier, rank);
    put_person(&mut terms, scene, about, earlier, (gap, topic_gap));
    put_answer(&mut terms, scene, about, earlier, (gap, topic_gap));
    put_words(&mut terms, scene, about, earlier, topic_gap);
    put_tone(&mut terms, scene, about, earlier, (gap, topic_gap));
    terms
}

fn put_time(terms: &mut Terms, scene: &Scene<'_>, earlier: &Line, gap: f32) {
    terms.put(Feature::Gap, gap);
    terms.put(Feature::GapPastMinutes, (gap - MINUTES_15).max(0.0));
    terms.put(Feature::GapPastHours, (gap - HOURS_4).max(0.0));
    terms.put(Feature::GapPastDay, (gap - DAY_1).max(0.0));
    terms.mark(Feature::OtherDay, scene.line.day != earlier.day);
    terms.put(Feature::Worked, (1.0 + (scene.line.worked - earlier.worked).max(0) as f32 / 60.0).ln() / 4.0);
    terms.put(Feature::GapWhenBusy, gap * scene.busy);
    terms.put(Feature::GapWhenMixed, gap * scene.mixed);
    terms.put(Feature::GapWhenLively, gap * scene.lively);
}

fn put_order(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, rank: usize) {
    let between = (1.0 + rank.min(1_000) as f32).ln() / 4.0;
    terms.mark(Feature::Previous, rank == 0);
    terms.put(Feature::PreviousWhenBusy, if rank == 0 { scene.busy } else { 0.0 });
    terms.put(Feature::Rank, between);
    terms.put(Feature::RankWhenBusy, between * scene.busy);
    terms.mark(Feature::TopTopic, about.rank == 0);
    terms.put(Feature::PreviousWhenMixed, if rank == 0 { scene.mixed } else { 0.0 });
    terms.put(Feature::TopTopicWhenMixed, if about.rank == 0 { scene.mixed } else { 0.0 });
    terms.put(Feature::PreviousWhenLively, if rank == 0 { scene.lively } else { 0.0 });
    terms.put(Feature::TopTopicWhenLively, if about.rank == 0 { scene.lively } else { 0.0 });
    terms.put(Feature::TopicRank, (1.0 + about.rank as f32).ln() / 3.0);
    terms.mark(Feature::LatestInTopic, earlier.number == about.topic.last.number);
    terms.mark(Feature::ShortPrevious, rank == 0 && scene.short);
    terms.mark(Feature::ShortTop, about.rank == 0 && scene.short);
}

fn put_person(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, (gap, topic_gap): (f32, f32)) {
    let line = scene.line;
    let known = line.speaker.is_some();
    let same = known && line.speaker == earlier.speaker;
    let own_last = scene.own.is_some_and(|(_, _, n)| n == earlier.number);
    let previous = scene.previous.is_some_and(|p| p.number == earlier.number);
    terms.mark(Feature::SamePerson, same);
    if same {
        terms.put(Feature::SamePersonWhenBusy, scene.busy);
        terms.put(Feature::SamePersonGap, gap);
        terms.mark(Feature::Burst, previous && line.at - earlier.at <= BURST_SECONDS);
    }
    if own_last {
        terms.put(Feature::OwnLast, 1.0);
        terms.put(Feature::OwnLastGap, gap);
    }
    if about.took_part {
        terms.put(Feature::InTopic, 1.0);
        terms.put(Feature::InTopicWhenBusy, scene.busy);
        terms.mark(Feature::OpenedTopic, known && about.topic.opened_by == line.speaker);
        terms.mark(Feature::OpenerReturns, known && about.topic.opened_by == line.speaker && !same);
        if known && about.topic.last.speaker == line.speaker {
            terms.put(Feature::OwnTurn, 1.0);
            terms.put(Feature::OwnTurnGap, topic_gap);
        } else {
            terms.put(Feature::SpokenSince, 1.0);
            terms.put(Feature::SpokenSinceGap, topic_gap);
        }
    } else {
        terms.put(Feature::StrangerGap, topic_gap);
        terms.put(Feature::StrangerToCrowd, scene.crowd);
    }
    if scene.own.is_some_and(|(_, place, _)| place == Place::In(about.topic.id)) {
        terms.put(Feature::LastWasHere, 1.0);
        terms.put(Feature::LastWasHereGap, topic_gap);
    }
    let here_lately = scene.own_lately.contains(&about.topic.id);
    terms.mark(Feature::OnlyOwn, here_lately && scene.own_lately.len() == 1);
    terms.mark(Feature::OwnElsewhere, !here_lately && !scene.own_lately.is_empty());
    if about.topic.people.len() == 2 {
        let (is_one, busy) = (about.took_part, scene.busy);
        terms.mark(Feature::Pair, is_one);
        terms.put(Feature::PairWhenBusy, if is_one { busy } else { 0.0 });
        terms.mark(Feature::ThirdOfPair, !is_one);
        terms.put(Feature::ThirdOfPairWhenBusy, if is_one { 0.0 } else { busy });
    }
    let named = known && about.topic.named.iter().any(|n| Some(*n) == line.speaker);
    terms.mark(Feature::NamedSince, named);
    terms.mark(Feature::NamesAuthor, earlier.speaker.is_some_and(|s| line.names.contains(&s)));
    terms.mark(Feature::NamedByIt, line.speaker.is_some_and(|s| earlier.names.contains(&s)));
    terms.mark(Feature::NamesSomeoneInTopic, about.names_one);
    terms.mark(Feature::NamesSomeoneElse, !line.names.is_empty() && !about.names_one);
}

fn put_answer(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, (gap, topic_gap): (f32, f32)) {
    let line = scene.line;
    let same = line.speaker.is_some() && line.speaker == earlier.speaker;
    let last = &about.topic.last;
    let last_by_other = line.speaker.is_none() || last.speaker != line.speaker;
    if earlier.words.tone.asks && !same {
        terms.put(Feature::AnswersQuestion, 1.0);
        terms.put(Feature::AnswersQuestionGap, gap);
    }
    if last.words.tone.asks && last_by_other {
        terms.put(Feature::AnswersOpen, 1.0);
        terms.put(Feature::AnswersOpenGap, topic_gap);
    }
    terms.mark(Feature::SelfAsked, same && earlier.words.tone.asks);
    terms.mark(Feature::AsksAfterOther, !same && line.words.tone.asks);
    terms.mark(Feature::AnswerWordsAfterOther, !same && line.words.tone.answers);
    let never = last_by_other && !about.topic.answered;
    terms.mark(Feature::NeverAnswered, never);
    terms.put(Feature::NeverAnsweredWhenBusy, if never { scene.busy } else { 0.0 });
    let (asked, tone) = (earlier.words.tone, line.words.tone);
    terms.mark(Feature::HowMuch, !same && asked.asks_amount && tone.has_number);
    terms.mark(Feature::WhetherSo, !same && asked.asks_whether && tone.answers);
    if scene.role_known && earlier.role.is_some() && !same {
        let staff = |l: &Line| l.role.is_some_and(Role::is_staff);
        terms.mark(Feature::ClientThenStaff, !staff(earlier) && staff(line));
        terms.mark(Feature::StaffThenClient, staff(earlier) && !staff(line));
        terms.mark(Feature::SameSideOther, staff(earlier) == staff(line));
    }
}

fn put_words(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, topic_gap: f32) {
    terms.put(Feature::LineWords, similarity(scene, earlier));
    terms.put(Feature::TopicWords, about.words);
    terms.put(Feature::TopicWordsGap, about.words * topic_gap);
    terms.put(Feature::LineChars, shared_chars(scene.line, earlier));
    terms.put(Feature::TopicChars, about.chars);
    terms.put(Feature::TopicCharsGap, about.chars * topic_gap);
    terms.put(Feature::OnlyHere, about.only_here);
    terms.put(Feature::OnlyHereGap, about.only_here * topic_gap);
    terms.mark(Feature::BestOnlyHere, about.best_only_here);
    terms.put(Feature::PersonsShare, about.persons_share);
    terms.put(Feature::RarestShared, about.rarest);
    terms.put(Feature::RarestSharedGap, about.rarest * topic_gap);
    terms.mark(Feature::BestWords, about.best);
    terms.put(Feature::LongestRun, (about.shared.saturating_sub(1) as f32).min(4.0) / 4.0);
    if scene.line.words.tone.points_back {
        terms.put(Feature::PointsBackGap, topic_gap);
        terms.mark(Feature::PointsBackTop, about.rank == 0);
    }
}

fn put_tone(terms: &mut Terms, scene: &Scene<'_>, about: &About<'_>, earlier: &Line, (gap, topic_gap): (f32, f32)) {
    let line = scene.line;
    let tone = line.words.tone;
    let same = line.speaker.is_some() && line.speaker == earlier.speaker;
    let previous = scene.previous.is_some_and(|p| p.number == earlier.number);
    if tone.turns {
        terms.mark(Feature::TurnsSamePerson, same);
        terms.put(Feature::TurnsGap, topic_gap);
    }
    if tone.brings_up {
        terms.mark(Feature::BringsUpSamePerson, same);
        terms.mark(Feature::BringsUpOther, !same);
    }
    match scene.small {
        Some(Small::Thanks) => {
            terms.mark(Feature::ThanksToOther, !same);
            terms.mark(Feature::ThanksWhereTookPart, about.took_part);
        }
        Some(Small::Ack) => {
            terms.mark(Feature::AckToOther, !same);
            terms.mark(Feature::AckAsked, !same && earlier.words.tone.asks);
        }
        Some(Small::Greeting) => terms.mark(Feature::GreetingPrevious, previous),
        Some(Small::Sticker) => terms.mark(Feature::StickerPrevious, previous),
        _ => {}
    }
    if scene.small.is_some() {
        terms.put(Feature::SmallGap, topic_gap);
    }
    let just_before = same && line.at - earlier.at <= 120;
    terms.mark(Feature::TextAfterOwnPicture, line.kind == Kind::Text && earlier.kind == Kind::Picture && just_before);
    if line.kind == Kind::Picture {
        terms.mark(Feature::PictureAfterOwnText, earlier.kind == Kind::Text && just_before);
        terms.mark(Feature::PictureAfterAsked, !same && earlier.words.tone.asks);
        terms.put(Feature::PictureGap, gap);
    }
    terms.mark(Feature::AboutPicture, !same && previous && earlier.kind == Kind::Picture);
    let last = &about.topic.last;
    if last.words.tone.thanks || last.small() == Some(Small::Ack) {
        terms.put(Feature::ItClosed, 1.0);
        terms.put(Feature::ItClosedGap, topic_gap);
    }
    terms.mark(Feature::ItSmall, earlier.small().is_some());
    terms.put(Feature::TopicSize, (about.topic.size as f32).ln() / 3.0);
    terms.put(Feature::TopicPeople, (about.topic.people.len() as f32).max(1.0).ln() / 1.5);
    terms.mark(Feature::Done, about.topic.status.is_done());
    terms.mark(Feature::WaitsForClient, about.topic.status == Status::Waiting && line.role == Some(Role::Client));
}

fn opening(scene: &Scene<'_>, (most_shared, most_chars): (f32, f32)) -> Terms {
    let line = scene.line;
    let tone = line.words.tone;
    let mut terms = Terms::default();
    let gap = scene.previous.map_or(1.0, |p| stretch(line.at - p.at));
    terms.put(Feature::New, 1.0);
    terms.put(Feature::NewWhenBusy, scene.busy);
    terms.put(Feature::NewInCrowd, scene.crowd);
    terms.put(Feature::NewWhenMixed, scene.mixed);
    terms.put(Feature::NewGapWhenMixed, gap * scene.mixed);
    terms.mark(Feature::NewFirst, scene.previous.is_none());
    terms.put(Feature::NewGap, gap);
    terms.put(Feature::NewGapPastMinutes, (gap - MINUTES_15).max(0.0));
    terms.put(Feature::NewGapPastHours, (gap - HOURS_4).max(0.0));
    terms.put(Feature::NewGapPastDay, (gap - DAY_1).max(0.0));
    terms.mark(Feature::NewOtherDay, scene.previous.is_some_and(|p| p.day != line.day));
    match scene.own {
        Some((at, place, _)) => {
            terms.put(Feature::NewOwnGap, stretch(line.at - at));
            terms.mark(Feature::NewPersonLeft, place == Place::Rest);
        }
        None => terms.put(Feature::NewNeverSpoke, 1.0),
    }
    terms.mark(Feature::NewSamePrevious, line.speaker.is_some() && scene.previous.is_some_and(|p| p.speaker == line.speaker));
    terms.mark(Feature::NewAfterGreeting, scene.stream.waiting(line.speaker, line.at).next().is_some());
    let bare = scene.small.is_none();
    if tone.asks && bare {
        terms.put(Feature::NewAsks, 1.0);
        terms.put(Feature::NewAsksGap, gap);
    }
    if tone.brings_up && bare {
        terms.put(Feature::NewBringsUp, 1.0);
        terms.put(Feature::NewBringsUpGap, gap);
    }
    terms.mark(Feature::NewGreets, tone.greets);
    terms.mark(Feature::NewTurns, tone.turns);
    terms.mark(Feature::NewPointsBack, tone.points_back);
    terms.mark(Feature::NewAnswers, tone.answers);
    terms.put(Feature::NewLength, (1.0 + line.words.length).ln() / 4.0);
    terms.mark(Feature::NewShort, scene.short);
    terms.put(Feature::NewUnheard, unheard(scene));
    terms.put(Feature::NewShared, most_shared);
    terms.put(Feature::NewSharedChars, most_chars);
    terms.mark(Feature::NewNames, !line.names.is_empty());
    terms.mark(Feature::NewCode, tone.has_code);
    if line.kind == Kind::Picture {
        terms.put(Feature::NewPicture, 1.0);
        terms.put(Feature::NewPictureGap, gap);
    }
    match scene.small {
        Some(Small::Greeting) => terms.put(Feature::NewGreeting, 1.0),
        Some(Small::Sticker) => terms.put(Feature::NewSticker, 1.0),
        Some(_) => terms.put(Feature::NewSmall, 1.0),
        None => {}
    }
    if let Some(role) = line.role {
        terms.mark(Feature::NewByStaff, role.is_staff());
        terms.mark(Feature::NewByClient, !role.is_staff());
    }
    if let Some(previous) = scene.previous {
        terms.mark(Feature::NewAfterAsked, previous.words.tone.asks && previous.speaker != line.speaker);
        terms.mark(Feature::NewAfterClosed, previous.words.tone.thanks || previous.small().is_some());
    }
    terms.put(Feature::NewLively, scene.lively);
    terms.mark(Feature::NewChats, tone.chats);
    terms
}

/// The share of its words that the chat has never heard.
fn unheard(scene: &Scene<'_>) -> f32 {
    let tokens = &scene.line.words.tokens;
    if tokens.is_empty() {
        return 0.0;
    }
    tokens.iter().filter(|(t, _)| scene.stream.rarity(*t) >= 1.0).count() as f32 / tokens.len() as f32
}

/// What is no matter of its own may rest: small talk, stickers, pictures, chatter and what goes on with it.
fn resting(scene: &Scene<'_>) -> Option<Terms> {
    let line = scene.line;
    let tone = line.words.tone;
    let after_rest = scene.previous.filter(|p| p.place != Place::Waiting && p.place == Place::Rest && line.at - p.at <= CHATTER_SECONDS);
    if scene.small.is_none()
        && line.kind == Kind::Text
        && !tone.chats
        && !tone.morning
        && after_rest.is_none()
        && line.words.length > SHORT_WORDS
    {
        return None;
    }
    let gap = scene.previous.map_or(1.0, |p| stretch(line.at - p.at));
    let mut terms = Terms::default();
    terms.put(Feature::Rest, 1.0);
    terms.put(Feature::RestGap, gap);
    match scene.small {
        Some(Small::Greeting) => terms.put(Feature::RestGreeting, 1.0),
        Some(Small::Thanks) => terms.put(Feature::RestThanks, 1.0),
        Some(Small::Ack) => terms.put(Feature::RestAck, 1.0),
        Some(Small::Laugh) => terms.put(Feature::RestLaugh, 1.0),
        Some(Small::Mention) => terms.put(Feature::RestMention, 1.0),
        Some(Small::Sticker) => terms.put(Feature::RestSticker, 1.0),
        None => {}
    }
    terms.mark(Feature::RestMorning, tone.morning);
    terms.mark(Feature::RestPicture, line.kind == Kind::Picture);
    terms.mark(Feature::RestChats, tone.chats);
    if let Some(previous) = after_rest {
        terms.put(Feature::RestAfterRest, 1.0);
        terms.put(Feature::RestAfterRestGap, gap);
        terms.mark(Feature::RestSamePrevious, line.speaker.is_some() && previous.speaker == line.speaker);
    }
    terms.mark(Feature::RestShort, scene.short);
    if scene.small.is_none() {
        terms.put(Feature::RestLength, (1.0 + line.words.length).ln() / 4.0);
        terms.put(Feature::RestUnheard, unheard(scene));
        terms.mark(Feature::RestBringsUp, tone.brings_up);
        terms.mark(Feature::RestPointsBack, tone.points_back);
    }
    terms.put(Feature::RestWhenMixed, scene.mixed);
    terms.mark(Feature::RestWithRoles, scene.role_known);
    terms.mark(Feature::RestAsks, tone.asks);
    terms.mark(Feature::RestStaff, line.role.is_some_and(Role::is_staff));
    Some(terms)
}
