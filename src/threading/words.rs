//! What a text is made of: words and character pairs for comparing, and what kind of saying it is. Pure; the word lists are below.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::lexicon;

/// Longer texts are read no further, in characters.
const READ_CHARS_MAX: usize = 2_000;
/// A word or pair counts no more often than this within one text.
const COUNT_MAX: u8 = 4;

/// A text as the threader sees it.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Words (Latin letters, digits) and pairs of neighbouring Chinese or Japanese characters: hash and count, sorted by hash.
    pub tokens: Vec<(u64, u8)>,
    /// Its Chinese and Japanese characters one by one, but those that say nothing; sorted, each once.
    pub chars: Vec<char>,
    /// How much it says: a Latin word counts one, two Chinese characters count one.
    pub length: f32,
    pub tone: Tone,
}

/// What kind of saying it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a yes or no about one text, and they combine freely")]
pub struct Tone {
    /// No matter of its own.
    pub small: Option<Small>,
    /// It asks something, with or without a question mark.
    pub asks: bool,
    /// It has a greeting in front of something else.
    pub greets: bool,
    /// Words with which people bring up something: 請問, 麻煩, 想問, "anyone", "I'm trying".
    pub brings_up: bool,
    /// Words that change the subject: 另外, 對了, 順便, "btw".
    pub turns: bool,
    /// Words that point back: 剛剛, 那個, 上次, "that", "it".
    pub points_back: bool,
    /// It begins as answers begin: 可以, 有, 不用, "yes", "you could".
    pub answers: bool,
    /// It thanks, whatever else it says.
    pub thanks: bool,
    /// Words of daily chatter: 午餐, 颱風, 下班.
    pub chats: bool,
    /// "早", "good morning": a greeting that rarely introduces anything.
    pub morning: bool,
    /// It asks for an amount or a time: 多少, 幾點, "how many".
    pub asks_amount: bool,
    /// It asks whether: 嗎, 要不要, "is it".
    pub asks_whether: bool,
    /// It has a digit.
    pub has_number: bool,
    /// A link or a number of three digits or more: an order, a size, a price.
    pub has_code: bool,
}

/// What a saying is that is no matter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Small {
    /// 早安, 您好, "hi".
    Greeting,
    /// 謝謝, 感恩, "thanks".
    Thanks,
    /// 收到, OK, 好的, +1.
    Ack,
    /// 哈哈, XD, emoji alone.
    Laugh,
    /// Only somebody's name.
    Mention,
    /// A sticker.
    Sticker,
}

/// The names of a chat's people, by their first character.
#[derive(Clone, Debug, Default)]
pub struct Names(HashMap<char, Vec<(String, usize)>>);

impl Names {
    /// `who` is called `name`. Each part of it is a name too ("小范" of "原料商 小范"), and the last two of three Chinese characters.
    pub fn add(&mut self, name: &str, who: usize) {
        let name = name.to_lowercase();
        let parts: Vec<&str> = name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').filter(|p| !p.is_empty()).collect();
        if parts.len() > 1 {
            for part in &parts {
                self.add_part(part, who);
            }
        }
        self.add_part(&name, who);
    }

    fn add_part(&mut self, name: &str, who: usize) {
        let count = name.chars().count();
        if count == 3 && name.chars().all(is_wide) {
            self.add_one(name.chars().skip(1).collect(), who);
        }
        if count > 2 || count == 2 && !name.is_ascii() {
            self.add_one(name.to_owned(), who);
        }
    }

    fn add_one(&mut self, name: String, who: usize) {
        if let Some(first) = name.chars().next() {
            self.0.entry(first).or_default().push((name, who));
        }
    }

    /// The longest name that `text` (in small letters) begins with as a word: its bytes, and whose it is.
    pub fn at_start(&self, text: &str) -> Option<(usize, usize)> {
        let whole = |name: &str| {
            text.strip_prefix(name).is_some_and(|after| name.chars().next_back().is_some_and(is_wide) || !after.starts_with(is_in_word))
        };
        self.0.get(&text.chars().next()?)?.iter().filter(|(n, _)| whole(n)).map(|(n, who)| (n.len(), *who)).max()
    }

    /// Everybody whose name stands in `text` (in small letters), in order.
    pub fn all_in(&self, text: &str) -> Vec<usize> {
        let mut found = vec![];
        let mut before = ' ';
        for (at, c) in text.char_indices() {
            if (is_wide(c) || !is_in_word(before))
                && let Some((_, who)) = self.at_start(&text[at..])
            {
                found.push(who);
            }
            before = c;
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Words {
    /// Reads `text`. `names` are the people of the chat, whose names say nothing of the matter.
    pub fn read(text: &str, names: &Names) -> Self {
        let text: String = text.chars().take(READ_CHARS_MAX).map(plain).collect::<String>().to_lowercase();
        let without_names = without_names(&text, names);
        let mut hashes = vec![];
        let mut length = 0.0;
        for_each_token(&without_names, |place, weight| {
            let token = &without_names[place];
            length += weight;
            if !lexicon::says_nothing(token) {
                hashes.push(hash(token));
            }
        });
        hashes.sort_unstable();
        let mut tokens: Vec<(u64, u8)> = vec![];
        for token in hashes {
            match tokens.last_mut() {
                Some((last, count)) if *last == token => *count = (*count + 1).min(COUNT_MAX),
                _ => tokens.push((token, 1)),
            }
        }
        let mut chars: Vec<char> = without_names.chars().filter(|c| is_wide(*c) && !lexicon::is_function_char(*c)).collect();
        chars.sort_unstable();
        chars.dedup();
        let tone = tone(&text, &without_names);
        Self { tokens, chars, length, tone }
    }

    /// Whether the token occurs.
    pub fn has(&self, token: u64) -> bool {
        self.tokens.binary_search_by_key(&token, |t| t.0).is_ok()
    }
}

/// Full-width letters, digits and signs as plain ones.
fn plain(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '　' => ' ',
        _ => c,
    }
}

/// FNV-1a: the same on every machine and in every run.
pub fn hash(token: &str) -> u64 {
    token.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// Chinese characters and Japanese letters: written without blanks, compared by pairs.
pub fn is_wide(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{3105}'..='\u{312f}' | '\u{20000}'..='\u{2fa1f}')
}

/// A letter or digit of a word that is written between blanks.
fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() && !is_wide(c)
}

/// Calls `found` with each token's place in the text and how much it counts towards the length. The last of several characters has a
/// length and no pair: its place is empty.
pub fn for_each_token(text: &str, mut found: impl FnMut(Range<usize>, f32)) {
    let mut wide: Option<usize> = None;
    let mut word: Option<usize> = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if is_wide(c) {
            if let Some(before) = wide {
                found(before..at + c.len_utf8(), 0.5);
            }
            wide = Some(at);
        } else if wide.take().is_some() {
            found(at..at, 0.5);
        }
        match (word, is_in_word(c)) {
            (None, true) => word = Some(at),
            (Some(start), false) => {
                found(start..at, 1.0);
                word = None;
            }
            _ => {}
        }
    }
}

fn without_names(text: &str, names: &Names) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_at = rest.strip_prefix('@');
        let fresh = is_wide(c) || out.chars().next_back().is_none_or(|c| !is_in_word(c));
        let bytes = names.at_start(after_at.unwrap_or(rest)).map(|(bytes, _)| bytes).filter(|_| fresh);
        let skip = match (bytes, after_at) {
            (Some(n), Some(_)) => n + 1,
            (Some(n), None) => n,
            // Somebody who has not spoken yet: up to the blank.
            (None, Some(after)) => 1 + after.find(char::is_whitespace).unwrap_or(after.len()),
            (None, None) => 0,
        };
        if skip > 0 {
            out.push(' ');
            rest = &rest[skip..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn tone(text: &str, without_names: &str) -> Tone {
    let squeezed: String = without_names.chars().filter(|c| !c.is_whitespace()).collect();
    let trimmed = without_names.trim();
    let found = phrases().found_in(trimmed);
    let has = |list: List| found & (1 << list as u32) != 0;
    let starts = |list: &[&str]| list.iter().any(|w| starts_with_word(trimmed, w));
    let small = small(text, &squeezed, trimmed);
    Tone {
        small,
        asks: has(List::Asks) || text.contains('?') || starts(lexicon::ASKS_FIRST),
        greets: small.is_none() && starts(lexicon::GREETINGS),
        brings_up: has(List::BringsUp),
        turns: has(List::Turns),
        points_back: has(List::PointsBack),
        answers: starts(lexicon::ANSWERS),
        thanks: has(List::Thanks),
        chats: has(List::Chatter),
        morning: starts(lexicon::MORNING) && !starts(lexicon::NOT_MORNING) || has(List::Wishes),
        asks_amount: has(List::AsksAmount),
        asks_whether: has(List::AsksWhether),
        has_number: text.contains(|c: char| c.is_ascii_digit())
            || text.contains(['一', '二', '兩', '三', '四', '五', '六', '七', '八', '九', '十', '百', '千', '萬']),
        has_code: text.contains("http") || longest_run_of_digits(text) >= 3,
    }
}

/// The lists that are looked for anywhere in a text.
#[derive(Clone, Copy)]
enum List {
    Asks,
    BringsUp,
    Turns,
    PointsBack,
    Thanks,
    Chatter,
    Wishes,
    AsksAmount,
    AsksWhether,
}

/// All phrases of the lists by their first character, so that a text is gone through once.
struct Phrases(HashMap<char, Vec<(&'static str, List)>>);

fn phrases() -> &'static Phrases {
    static PHRASES: OnceLock<Phrases> = OnceLock::new();
    PHRASES.get_or_init(|| {
        let lists = [
            (List::Asks, lexicon::ASKS),
            (List::BringsUp, lexicon::BRINGS_UP),
            (List::Turns, lexicon::TURNS),
            (List::PointsBack, lexicon::POINTS_BACK),
            (List::Thanks, lexicon::THANKS),
            (List::Chatter, lexicon::CHATTER),
            (List::Wishes, lexicon::WISHES),
            (List::AsksAmount, lexicon::ASKS_AMOUNT),
            (List::AsksWhether, lexicon::ASKS_WHETHER),
        ];
        let mut by_first: HashMap<char, Vec<(&'static str, List)>> = HashMap::new();
        for (list, phrases) in lists {
            for phrase in phrases {
                by_first.entry(phrase.chars().next().unwrap_or(' ')).or_default().push((phrase, list));
            }
        }
        Phrases(by_first)
    })
}

impl Phrases {
    /// One bit a list. A Latin phrase counts only as whole words.
    fn found_in(&self, text: &str) -> u32 {
        let mut found = 0;
        let mut before = ' ';
        for (at, c) in text.char_indices() {
            for (phrase, list) in self.0.get(&c).into_iter().flatten() {
                if starts_with_word(&text[at..], phrase) && !(phrase.is_ascii() && before.is_ascii_alphanumeric()) {
                    found |= 1 << *list as u32;
                }
            }
            before = c;
        }
        found
    }
}

fn longest_run_of_digits(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|after| !word.is_ascii() || !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

type SmallPhrases = HashMap<char, Vec<(Option<Small>, &'static str)>>;

/// The phrases of small talk by their first character.
fn small_phrases() -> &'static SmallPhrases {
    static PHRASES: OnceLock<SmallPhrases> = OnceLock::new();
    PHRASES.get_or_init(|| {
        let mut by_first = SmallPhrases::new();
        for (kind, list) in lexicon::SMALL {
            for phrase in *list {
                by_first.entry(phrase.chars().next().unwrap_or(' ')).or_default().push((*kind, phrase));
            }
        }
        by_first
    })
}

/// Whether a text is made of nothing but small talk, and of which kind the first is that counts.
fn small(text: &str, squeezed: &str, trimmed: &str) -> Option<Small> {
    if squeezed.is_empty() {
        return (!text.trim().is_empty()).then_some(Small::Mention);
    }
    let mut rest = trimmed;
    let mut kind = None;
    while let Some(c) = rest.chars().next() {
        let phrase = small_phrases().get(&c).into_iter().flatten().filter(|(_, w)| starts_with_word(rest, w)).max_by_key(|(_, w)| w.len());
        if let Some((found, word)) = phrase {
            kind = rank(kind, *found);
            rest = &rest[word.len()..];
        } else if c.is_alphanumeric() || is_wide(c) {
            return None;
        } else {
            // A question mark alone ("?", "蛤?") asks, and waits for no greeting's rule.
            if c == '?' {
                return None;
            }
            if !c.is_ascii() {
                kind = kind.or(Some(Small::Laugh));
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    kind.or(Some(if text.contains('@') { Small::Mention } else { Small::Laugh }))
}

/// "好的謝謝" thanks, "早安 收到" acknowledges: what answers somebody counts before what greets.
fn rank(kind: Option<Small>, found: Option<Small>) -> Option<Small> {
    let order = |k: Option<Small>| match k {
        Some(Small::Thanks) => 4,
        Some(Small::Ack) => 3,
        Some(Small::Greeting) => 2,
        Some(Small::Laugh) => 1,
        _ => 0,
    };
    if order(found) > order(kind) { found } else { kind }
}
