//! What is looked at: the features of each place where a line could go.
#![expect(clippy::cast_precision_loss, reason = "counts and seconds become weights' values, where a millionth does not matter")]

mod joining;
mod opening;
mod scene;

use super::model::{Candidate, To};
use super::stream::{Line, Place, Stream};
use joining::joining;
use opening::{opening, resting};
pub use scene::mixed;
use scene::{scene, topics};

/// So many of the chat's latest lines stand for their discussions; of the others only the latest line does.
pub const WINDOW: usize = 60;
/// A line that follows another of the same person within so many seconds is part of one burst.
pub const BURST_SECONDS: i64 = 60;

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
    GapPastTwo = "gap_past_2_min", Time;
    GapPastMinutes = "gap_past_15_min", Time;
    GapPastHour = "gap_past_1_h", Time;
    GapPastHours = "gap_past_4_h", Time;
    GapPastDay = "gap_past_1_day", Time;
    OtherDay = "other_day", Time;
    Worked = "working_hours_between", Time;
    GapWhenBusy = "gap_when_busy", Time;
    // Where in the order of lines.
    Previous = "previous", Last;
    LastButOne = "last_but_one", Last;
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
    // The same again for chats in Chinese or Japanese, whose lines are shorter.
    GapWhenWide = "gap_in_chinese", Time;
    PreviousWhenWide = "previous_in_chinese", Last;
    TopTopicWhenWide = "latest_discussion_in_chinese", Last;
    RankWhenWide = "lines_between_in_chinese", Last;
    LatestInTopicWhenWide = "last_of_discussion_in_chinese", Last;
    SamePersonWhenWide = "same_person_in_chinese", Person;
    InTopicWhenWide = "took_part_in_chinese", Person;
    UnsharedWhenWide = "length_not_shared_in_chinese", Words;
    UnsharedGapWhenWide = "length_not_shared_gap_in_chinese", Words;
    NewWhenWide = "new_in_chinese", Nothing;
    NewGapWhenWide = "new_gap_in_chinese", Time;
    NewUnsharedWhenWide = "new_length_not_shared_in_chinese", Opening;
    NewLengthWhenWide = "new_length_in_chinese", Opening;
    NewAsksWhenWide = "new_asks_in_chinese", Opening;
    LatestInTopic = "last_of_discussion", Last;
    // Who.
    SamePerson = "same_person", Person;
    SamePersonWhenBusy = "same_person_when_busy", Person;
    SamePersonGap = "same_person_gap", Person;
    OwnLast = "own_last", Person;
    OwnLastGap = "own_last_gap", Person;
    Burst = "burst", Burst;
    PreviousSamePerson = "previous_same_person", Person;
    PreviousSamePersonGap = "previous_same_person_gap", Person;
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
    Habit = "answers_this_person", Person;
    InTurn = "in_turn", Person;
    InTurnGap = "in_turn_gap", Person;
    InTurnShort = "in_turn_short", Person;
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
    WhenAsked = "date_for_when", Answer;
    DoesIt = "does_what_was_wanted", Answer;
    DoesItGap = "does_what_was_wanted_gap", Answer;
    Promised = "promised_here", Answer;
    PromisedGap = "promised_here_gap", Answer;
    PromisedReports = "promised_here_and_reports", Answer;
    ReportsTookPart = "reports_took_part", Answer;
    ReportsTop = "reports_latest", Answer;
    ShortAsked = "short_for_asked", Answer;
    OtherSideWants = "other_side_wants", Role;
    OtherSideWantsGap = "other_side_wants_gap", Role;
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
    CodeHere = "code_named_here", Words;
    Unshared = "length_not_shared", Words;
    UnsharedGap = "length_not_shared_gap", Words;
    // What it is about.
    LikelyWords = "words_used_more_here", Words;
    LikelyChars = "characters_used_more_here", Words;
    LikelySubjects = "subjects_used_more_here", Words;
    LikelyWordsGap = "words_used_more_here_gap", Words;
    TopicSubjects = "subjects_of_discussion", Words;
    TopicSubjectsGap = "subjects_of_discussion_gap", Words;
    SubjectsOnlyHere = "subjects_spoken_of_only_here", Words;
    BestSubjects = "best_subjects", Words;
    OpeningSubjects = "subjects_of_its_opening", Words;
    LineSubjects = "subjects_of_line", Words;
    TopicFields = "fields_of_discussion", Words;
    FieldsUnshared = "field_not_shared", Words;
    FieldsUnsharedGap = "field_not_shared_gap", Words;
    SubjectsUnshared = "subjects_not_shared", Words;
    SubjectsUnsharedGap = "subjects_not_shared_gap", Words;
    JobFits = "job_fits", Person;
    JobElsewhere = "job_fits_another", Person;
    PersonsFields = "persons_fields", Person;
    // Tone.
    PointsBackGap = "points_back_gap", Words;
    PointsBackTop = "points_back_latest", Words;
    TurnsSamePerson = "turns_same_person", Turn;
    TurnsGap = "turns_gap", Turn;
    BringsUpSamePerson = "brings_up_same_person", Opening;
    BringsUpOther = "brings_up_other_person", Opening;
    TroubleSame = "trouble_same_person", Opening;
    TroubleOther = "trouble_other_person", Opening;
    AnnouncesOther = "announces_other_person", Opening;
    RequestsOther = "requests_other_person", Opening;
    ShortPrevious = "short_previous", Last;
    ShortTop = "short_latest_discussion", Last;
    ShortOwn = "short_own_last", Person;
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
    PictureWanted = "picture_after_request", Picture;
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
    NewGapPastTwo = "new_gap_past_2_min", Time;
    NewGapPastMinutes = "new_gap_past_15_min", Time;
    NewGapPastHour = "new_gap_past_1_h", Time;
    NewGapPastHours = "new_gap_past_4_h", Time;
    NewGapPastDay = "new_gap_past_1_day", Time;
    NewOtherDay = "new_other_day", Time;
    NewOwnGap = "new_own_gap", Person;
    NewNeverSpoke = "new_person", Person;
    NewPersonLeft = "new_own_last_done", Person;
    NewSamePrevious = "new_same_previous", Person;
    NewSamePreviousGap = "new_same_previous_gap", Person;
    NewAsks = "new_asks", Opening;
    NewAsksGap = "new_asks_gap", Opening;
    NewBringsUp = "new_brings_up", Opening;
    NewBringsUpGap = "new_brings_up_gap", Opening;
    NewTrouble = "new_trouble", Opening;
    NewTroubleGap = "new_trouble_gap", Opening;
    NewAnnounces = "new_announces", Opening;
    NewCalls = "new_calls", Names;
    NewReports = "new_reports", Answer;
    NewPromises = "new_promises", Answer;
    NewRequests = "new_requests", Opening;
    NewUnshared = "new_length_not_shared", Opening;
    NewWanted = "new_client_wants", Role;
    NewWordless = "new_without_words", Opening;
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
    NewLikelyWords = "new_words_used_more_somewhere", Words;
    NewSubjects = "new_subjects", Opening;
    NewSubjectsShared = "new_subjects_shared", Words;
    NewSubjectsUnheard = "new_subjects_unheard", Words;
    NewFieldsUnshared = "new_field_not_shared", Words;
    NewDaily = "new_daily_life", Chatter;
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
    RestDaily = "rest_daily_life", Chatter;
    RestSubjects = "rest_subjects", Chatter;
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

const MINUTES_2: f32 = 0.161;
const MINUTES_15: f32 = 0.343;
const HOUR_1: f32 = 0.480;
const HOURS_4: f32 = 0.618;
const DAY_1: f32 = 0.797;

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
    all.push(Candidate { to: To::New, terms: opening(&scene, &about) });
    if let Some(terms) = resting(&scene) {
        all.push(Candidate { to: To::Rest, terms });
    }
    all
}
