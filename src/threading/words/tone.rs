//! What kind of saying a text is, by the lists of [`lexicon`](super::super::lexicon).

use std::collections::HashMap;
use std::sync::OnceLock;

use super::super::lexicon::{List, SMALL, list};
use super::{Names, is_wide};

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
    /// It asks for a time: 幾點, 什麼時候, "when".
    pub asks_when: bool,
    /// It names a time: 明天, 10/5, 三點, "monday".
    pub has_date: bool,
    /// It asks whether: 嗎, 要不要, "is it".
    pub asks_whether: bool,
    /// It has a digit.
    pub has_number: bool,
    /// A link or a number of three digits or more: an order, a size, a price.
    pub has_code: bool,
    /// It begins by calling somebody: a name, 各位, 王經理.
    pub calls: bool,
    /// Something is wrong: 壞了, 沒收到, "error".
    pub trouble: bool,
    /// It tells everybody: 公告, 提醒大家, "fyi".
    pub announces: bool,
    /// Its person will see to it: 我看一下, 我問業務, "let me check".
    pub promises: bool,
    /// Something has been done: 改好了, 寄出了, "fixed".
    pub reports: bool,
    /// Somebody shall do something: 麻煩, 幫我, "please".
    pub requests: bool,
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

/// Reads a text (in small letters); `without_names` is the same without the names of the chat's people.
pub(super) fn of(text: &str, without_names: &str, names: &Names) -> Tone {
    let squeezed: String = without_names.chars().filter(|c| !c.is_whitespace()).collect();
    let trimmed = without_names.trim();
    let found = phrases().found_in(trimmed);
    let has = |which: List| found & (1 << which as u64) != 0;
    let starts = |which: List| list(which).iter().any(|w| starts_with_word(trimmed, w));
    let small = small(text, &squeezed, trimmed);
    Tone {
        small,
        asks: has(List::Asks) || text.contains('?') || starts(List::AsksFirst),
        greets: small.is_none() && starts(List::Greetings),
        brings_up: has(List::BringsUp),
        turns: has(List::Turns),
        points_back: has(List::PointsBack),
        answers: starts(List::Answers),
        thanks: has(List::Thanks),
        chats: has(List::Chatter),
        morning: starts(List::Morning) && !starts(List::NotMorning) || has(List::Wishes),
        asks_amount: has(List::AsksAmount),
        asks_when: has(List::AsksWhen),
        has_date: has(List::Times) || has_date(without_names),
        asks_whether: has(List::AsksWhether),
        has_number: text.contains(|c: char| c.is_ascii_digit())
            || text.contains(['一', '二', '兩', '三', '四', '五', '六', '七', '八', '九', '十', '百', '千', '萬']),
        has_code: text.contains("http") || longest_run_of_digits(text) >= 3,
        calls: calls(text, names),
        trouble: has(List::Trouble),
        announces: has(List::Announces),
        promises: has(List::Promises),
        reports: has(List::Reports),
        requests: has(List::Requests),
    }
}

/// Whether a text begins by calling somebody: by a name of the chat, or as people are called.
fn calls(text: &str, names: &Names) -> bool {
    let text = text.trim_start();
    let first = text.split(|c: char| c.is_whitespace() || "，,、:！!".contains(c)).next().unwrap_or(text);
    text.starts_with('@') || names.at_start(text).is_some() || is_call(first)
}

/// 王經理, 小范, 各位老師, 黃先生您好: a clause that only calls somebody.
pub fn is_call(clause: &str) -> bool {
    let called = list(List::CallGreetings).iter().find_map(|g| clause.strip_suffix(g.as_str())).unwrap_or(clause);
    let count = called.chars().count();
    let all = clause.starts_with("各位") && count <= 6;
    // 小陳啊; and 林律, who is a lawyer.
    let plain = called.trim_end_matches(['啊', '呀', '欸']);
    let nickname = is_nickname(plain) || is_lawyer(plain);
    // 好 and 早 end other words as well.
    let greeted = clause.len() - called.len() > '好'.len_utf8();
    (1..=6).contains(&count)
        && (greeted
            || nickname
            || all
            || list(List::CallsAfterNames).iter().any(|t| called.ends_with(t.as_str()) && called != t)
            || list(List::Calls).iter().any(|t| called.ends_with(t.as_str())))
}

/// 阿凱, 小陳, 老吳.
fn is_nickname(called: &str) -> bool {
    called.chars().count() == 2 && called.starts_with(['阿', '小', '老']) && called.chars().all(is_wide)
}

/// 林律: a surname and the first half of 律師. 法律 and 音律 are words.
fn is_lawyer(called: &str) -> bool {
    const SURNAMES: &str = "王李張劉陳楊趙黃周吳徐孫胡朱高林何郭馬羅梁宋鄭謝韓唐馮于董蕭程曹袁鄧許傅沈曾彭呂蘇盧蔣蔡賈丁魏薛葉余潘杜戴夏鍾汪田任姜范石姚譚廖鄒熊陸郝孔崔康邱秦江顧侯邵孟賴龔莊簡游詹翁溫洪柯歐";
    called.chars().count() == 2 && called.ends_with('律') && called.starts_with(|c| SURNAMES.contains(c))
}

/// The lists that are looked for anywhere in a text.
const ANYWHERE: [List; 16] = [
    List::AsksWhen,
    List::Times,
    List::Asks,
    List::BringsUp,
    List::Turns,
    List::PointsBack,
    List::Thanks,
    List::Chatter,
    List::Wishes,
    List::AsksAmount,
    List::AsksWhether,
    List::Trouble,
    List::Announces,
    List::Promises,
    List::Reports,
    List::Requests,
];

/// All phrases of the lists by their first character, so that a text is gone through once.
struct Phrases(HashMap<char, Vec<(&'static str, List)>>);

fn phrases() -> &'static Phrases {
    static PHRASES: OnceLock<Phrases> = OnceLock::new();
    PHRASES.get_or_init(|| {
        let mut by_first: HashMap<char, Vec<(&'static str, List)>> = HashMap::new();
        for which in ANYWHERE {
            for phrase in list(which) {
                by_first.entry(phrase.chars().next().unwrap_or(' ')).or_default().push((phrase, which));
            }
        }
        Phrases(by_first)
    })
}

impl Phrases {
    /// One bit a list. A Latin phrase counts only as whole words.
    fn found_in(&self, text: &str) -> u64 {
        let mut found = 0;
        let mut before = ' ';
        for (at, c) in text.char_indices() {
            for (phrase, which) in self.0.get(&c).into_iter().flatten() {
                if starts_with_word(&text[at..], phrase) && !(phrase.is_ascii() && before.is_ascii_alphanumeric()) {
                    found |= 1 << *which as u64;
                }
            }
            before = c;
        }
        found
    }
}

/// 10/5, 3:30: two numbers with a stroke or a colon between.
fn has_date(text: &str) -> bool {
    text.char_indices().any(|(at, c)| {
        "/:".contains(c) && text[..at].ends_with(|b: char| b.is_ascii_digit()) && text[at + 1..].starts_with(|a: char| a.is_ascii_digit())
    })
}

fn longest_run_of_digits(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|after| !word.is_ascii() || !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// The phrases of small talk by their first character, each with its kind.
type SmallPhrases = HashMap<char, Vec<(Option<Small>, &'static str)>>;

fn small_phrases() -> &'static SmallPhrases {
    static PHRASES: OnceLock<SmallPhrases> = OnceLock::new();
    PHRASES.get_or_init(|| {
        let mut by_first = SmallPhrases::new();
        for (kind, which) in SMALL {
            for phrase in list(which) {
                by_first.entry(phrase.chars().next().unwrap_or(' ')).or_default().push((kind, phrase));
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
            // "在嗎？" greets; "可以？", "蛤?" and "anyone?" ask.
            let greets = kind == Some(Small::Greeting) && !text.contains(|c: char| c.is_ascii_alphabetic());
            if c == '?' && kind.is_some() && !greets {
                return None;
            }
            if !c.is_ascii() {
                kind = kind.or(Some(Small::Laugh));
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    // A question mark alone calls for somebody.
    kind.or(Some(if text.contains(['@', '?']) { Small::Mention } else { Small::Laugh }))
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
