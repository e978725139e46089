//! The word lists that [`super::words`] and [`super::title`] read with, one file a language: Taiwanese Chinese (`zh.toml`), English
//! (`en.toml`), a little Japanese (`ja.toml`). All in small letters.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use super::words::Small;
use crate::domain::words;

/// The languages' files; of words of the same length that stand in two lists, the later list counts.
const FILES: [&str; 3] = [include_str!("lexicon/zh.toml"), include_str!("lexicon/en.toml"), include_str!("lexicon/ja.toml")];

/// A number of fewer digits says nothing: a day, an hour, a few.
const NUMBER_DIGITS_MIN: usize = 3;

words! {
    /// A list of words or phrases, by its name in the files.
    List {
        /// What people say before they say something.
        Greetings = "greetings",
        /// Greetings that rarely introduce anything.
        Morning = "morning",
        /// What begins like one of those and is none.
        NotMorning = "not_morning",
        /// Good wishes that are a message of their own.
        Festive = "festive",
        /// Good wishes, wherever they stand.
        Wishes = "wishes",
        /// Thanks.
        Thanks = "thanks",
        /// What says that something was heard, or agrees.
        Acknowledgements = "acknowledgements",
        /// Laughter and sighs.
        Laughs = "laughs",
        /// What decides nothing beside small talk.
        Padding = "padding",
        /// What a title does without in front, whether or not a comma follows.
        Openings = "openings",
        /// What the call of somebody ends with.
        Calls = "calls",
        /// What the call of somebody ends with, where a name stands before it: 陳顧問. 房東 alone may be whom it is about.
        CallsAfterNames = "calls_after_names",
        /// What is cried out before something is said, and what only points at what stands beside it: it is no title.
        NoTitle = "no_title",
        /// With which a call greets.
        CallGreetings = "call_greetings",
        /// What follows a name with which somebody is called, and no break between.
        AfterCalls = "after_calls",
        /// Clauses that only say that something will be said.
        LeadIns = "lead_ins",
        /// Lead-ins that are not put aside even alone.
        Urgent = "urgent",
        /// Clauses that are polite at the end.
        Closings = "closings",
        /// Words that make a question wherever they stand.
        Asks = "asks",
        /// Words that ask for an amount or a time.
        AsksAmount = "asks_amount",
        /// Words that ask for a time.
        AsksWhen = "asks_when",
        /// Words that name a time.
        Times = "times",
        /// Words that ask whether something is so.
        AsksWhether = "asks_whether",
        /// Words that make a question in front.
        AsksFirst = "asks_first",
        /// With which something is brought up.
        BringsUp = "brings_up",
        /// With which the subject is changed.
        Turns = "turns",
        /// With which something said before is meant.
        PointsBack = "points_back",
        /// With which answers begin.
        Answers = "answers",
        /// Something is wrong.
        Trouble = "trouble",
        /// With which everybody is told something.
        Announces = "announces",
        /// With which somebody takes something on.
        Promises = "promises",
        /// With which something is reported done or come.
        Reports = "reports",
        /// With which somebody is asked to do something.
        Requests = "requests",
        /// Daily chatter.
        Chatter = "chatter",
        /// Function words and pairs: shared by any two texts.
        FunctionWords = "function_words",
        /// How things are asked: what stands in such words, or reaches into one, says nothing of the matter.
        Asking = "asking",
        /// Characters that only bind others together.
        FunctionCharacters = "function_characters",
    }
}

/// Small talk by kind; a text that is made of these alone is no matter of its own. `None`: padding that decides nothing.
pub const SMALL: [(Option<Small>, List); 8] = [
    (Some(Small::Greeting), List::Greetings),
    (Some(Small::Greeting), List::Morning),
    (Some(Small::Greeting), List::Festive),
    (Some(Small::Greeting), List::LeadIns),
    (Some(Small::Thanks), List::Thanks),
    (Some(Small::Ack), List::Acknowledgements),
    (Some(Small::Laugh), List::Laughs),
    (None, List::Padding),
];

/// The words of a list, of all languages.
pub fn list(which: List) -> &'static [String] {
    static LISTS: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    let lists = LISTS.get_or_init(|| {
        let mut lists = vec![vec![]; List::ALL.len()];
        for file in FILES {
            let found: BTreeMap<String, Vec<String>> = toml::from_str(file).expect("the word lists are checked by a test");
            for (name, words) in found {
                let which = List::find(&name).expect("the word lists are checked by a test");
                lists[which as usize].extend(words);
            }
        }
        lists
    });
    &lists[which as usize]
}

/// Whether a token says nothing of any matter.
pub fn says_nothing(token: &str) -> bool {
    static WORDS: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let mut chars = token.chars();
    // A single letter, digit or character is no word.
    let (Some(a), Some(b)) = (chars.next(), chars.next()) else { return true };
    // Nor is the day of a date.
    if token.len() < NUMBER_DIGITS_MIN && token.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    let words = WORDS.get_or_init(|| list(List::FunctionWords).iter().map(String::as_str).collect());
    (is_function_char(a) && is_function_char(b)) || words.contains(token)
}

/// How many octets of `text` are words with which things are asked, from its beginning.
pub fn asks(text: &str) -> Option<usize> {
    static BY_FIRST: OnceLock<HashMap<char, Vec<&'static str>>> = OnceLock::new();
    let by_first = BY_FIRST.get_or_init(|| {
        let mut words: HashMap<char, Vec<&'static str>> = HashMap::new();
        for word in list(List::Asking) {
            words.entry(word.chars().next().unwrap_or(' ')).or_default().push(word);
        }
        for longest_first in words.values_mut() {
            longest_first.sort_by_key(|word| std::cmp::Reverse(word.len()));
        }
        words
    });
    by_first.get(&text.chars().next()?)?.iter().find(|word| text.starts_with(**word)).map(|word| word.len())
}

/// Whether a character only binds others together; two of them side by side say nothing.
pub fn is_function_char(c: char) -> bool {
    static CHARS: OnceLock<HashSet<char>> = OnceLock::new();
    CHARS.get_or_init(|| list(List::FunctionCharacters).iter().flat_map(|w| w.chars()).collect()).contains(&c)
}
