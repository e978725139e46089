//! What people tell the bot itself, read from what they typed or from the button that they tapped. Pure: what comes of it is decided
//! elsewhere.

use crate::domain::{Said, plain_code};

/// The longest text that may be a command, in characters; a longer one is something said.
const COMMAND_CHARS_MAX: usize = 80;

/// Words that ask how matters stand, in lower case.
const PROGRESS_WORDS: [&str; 11] =
    ["進度", "查進度", "查詢進度", "進度查詢", "目前進度", "狀態", "progress", "status", "進捗", "状況", "進捗状況"];

/// What somebody typed to the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// `@bot 進度`
    Progress,
    /// `/bind CODE`; the code in its one spelling, `None` where what follows is none.
    Bind { code: Option<String> },
    /// `/link CODE`
    Link { code: Option<String> },
    /// A code alone, written to the bot alone: it may be one to link with, and it may be anything else.
    Code { code: String },
}

impl Typed {
    /// For the record of what became of it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Bind { .. } => "bind",
            Self::Link { .. } | Self::Code { .. } => "link",
        }
    }
}

/// What the text tells the bot; `None` for what is said to the others. `bot`: the account's display name where known, since LINE may
/// leave the mention out of what is typed on a computer. `alone`: nobody but its author and the bot reads the chat.
pub fn typed(said: &Said, bot: Option<&str>, alone: bool) -> Option<Typed> {
    let text = said.text.trim();
    if said.kind != "text" || text.is_empty() || text.chars().nth(COMMAND_CHARS_MAX).is_some() {
        return None;
    }
    if let Some(after) = after_word(text, "/bind") {
        return Some(Typed::Bind { code: plain_code(after) });
    }
    if let Some(after) = after_word(text, "/link") {
        return Some(Typed::Link { code: plain_code(after) });
    }
    if alone {
        if is_progress(text) {
            return Some(Typed::Progress);
        }
        if let Some(code) = plain_code(text) {
            return Some(Typed::Code { code });
        }
    }
    asks_progress(text, said.mentions_bot, bot).then_some(Typed::Progress)
}

/// What follows a word that the text begins with.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.strip_prefix('／').map_or_else(|| text.strip_prefix('/'), Some)?;
    let word = &word[1..];
    let head = text.get(..word.len())?;
    let after = &text[word.len()..];
    (head.eq_ignore_ascii_case(word) && (after.is_empty() || after.starts_with(char::is_whitespace))).then(|| after.trim())
}

fn is_progress(text: &str) -> bool {
    let word = text.trim().trim_end_matches(['?', '？', '!', '！', '。', '.']).trim_end().to_lowercase();
    PROGRESS_WORDS.contains(&word.as_str())
}

/// Whether the text is the bot's name and a word for progress, in either order.
fn asks_progress(text: &str, mentions_bot: bool, bot: Option<&str>) -> bool {
    let plain = text.replace('＠', "@");
    if let Some(bot) = bot.map(str::trim).filter(|b| !b.is_empty()) {
        let name = format!("@{bot}");
        let rest = plain.strip_prefix(name.as_str()).or_else(|| plain.strip_suffix(name.as_str()));
        if let Some(rest) = rest {
            return is_progress(rest);
        }
    }
    // LINE says that the bot is mentioned, but its name is not known, or has changed meanwhile. It may hold blanks.
    if !mentions_bot {
        return false;
    }
    let after = plain.strip_prefix('@').and_then(|_| plain.rsplit_once(char::is_whitespace)).map(|(_, last)| last);
    let before = plain.split_once('@').map(|(first, _)| first).filter(|first| !first.is_empty());
    after.is_some_and(is_progress) || before.is_some_and(is_progress)
}

/// The number of the discussion that the text is addressed to: `#12`, at the beginning, with something that ends the number.
pub fn addressed_to(text: &str) -> Option<i64> {
    /// A number with more digits is none of ours.
    const DIGITS_MAX: usize = 12;
    let text = text.trim_start();
    let rest = text.strip_prefix('#').or_else(|| text.strip_prefix('＃'))?;
    let digits: String = rest.chars().map(plain_digit).take_while(char::is_ascii_digit).take(DIGITS_MAX + 1).collect();
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    // "#3樓" and "#12a" name something else.
    let next = rest.chars().nth(digits.len());
    if next.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_') {
        return None;
    }
    digits.parse().ok().filter(|n| *n > 0)
}

fn plain_digit(c: char) -> char {
    if ('０'..='９').contains(&c) { char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c) } else { c }
}

/// A button of the bot's that somebody tapped. Numbers are discussions'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tap {
    /// 查進度
    Progress,
    /// 已解決
    Solved(i64),
    /// 還沒
    NotSolved(i64),
    /// 回覆這件
    Reply(i64),
    /// 這是另一件事
    Apart(i64),
    /// 併入上一件
    Join(i64),
}

impl Tap {
    /// What is put on the button: at most [`super::limits::POSTBACK_DATA_UNITS_MAX`] units.
    pub fn data(self) -> String {
        match self {
            Self::Progress => "v=1&do=progress".to_owned(),
            Self::Solved(number) => format!("v=1&do=solved&d={number}"),
            Self::NotSolved(number) => format!("v=1&do=not_solved&d={number}"),
            Self::Reply(number) => format!("v=1&do=reply&d={number}"),
            Self::Apart(number) => format!("v=1&do=apart&d={number}"),
            Self::Join(number) => format!("v=1&do=join&d={number}"),
        }
    }

    /// For the record of what became of it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Solved(_) => "solved",
            Self::NotSolved(_) => "not_solved",
            Self::Reply(_) => "reply",
            Self::Apart(_) => "apart",
            Self::Join(_) => "join",
        }
    }
}

/// Reads what stood on a button; `None` where it is none of ours.
pub fn tap(data: &str) -> Option<Tap> {
    if data.len() > super::limits::POSTBACK_DATA_UNITS_MAX {
        return None;
    }
    let field = |name: &str| data.split('&').find_map(|pair| pair.split_once('=').filter(|(n, _)| *n == name)).map(|(_, value)| value);
    if field("v")? != "1" {
        return None;
    }
    let number = || field("d")?.parse().ok().filter(|n: &i64| *n > 0);
    match field("do")? {
        "progress" => Some(Tap::Progress),
        "solved" => number().map(Tap::Solved),
        "not_solved" => number().map(Tap::NotSolved),
        "reply" => number().map(Tap::Reply),
        "apart" => number().map(Tap::Apart),
        "join" => number().map(Tap::Join),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOT: Option<&str> = Some("Threadline 小幫手");

    fn said(text: &str, mentions_bot: bool) -> Said {
        Said {
            message: "1".into(),
            kind: "text".into(),
            text: text.into(),
            quotes: None,
            mentions_bot,
            attachment: None,
            unsupported: false,
            details: crate::domain::Details::default(),
        }
    }

    #[test]
    fn progress_is_asked_by_the_bots_name_and_a_word() {
        for text in [
            "@Threadline 小幫手 進度",
            "@Threadline 小幫手進度？",
            "＠Threadline 小幫手　Status",
            "進度 @Threadline 小幫手",
            "@Threadline 小幫手 查進度",
        ] {
            assert_eq!(typed(&said(text, false), BOT, false), Some(Typed::Progress), "{text}");
        }
        // Its name is not known, but LINE says that it is the one mentioned.
        for text in ["@我們的 小幫手 進度", "進度 @我們的 小幫手", "@bot progress"] {
            assert_eq!(typed(&said(text, true), None, false), Some(Typed::Progress), "{text}");
            assert_eq!(typed(&said(text, false), None, false), None, "{text}");
        }
        for text in
            ["進度", "@王小明 進度", "@Threadline 小幫手 林宅的進度如何", "@Threadline 小幫手", "@Threadline 小幫手 頂樓漏水", "請問進度"]
        {
            assert_eq!(typed(&said(text, false), BOT, false), None, "{text}");
        }
        assert_eq!(typed(&said("進度", false), None, true), Some(Typed::Progress), "to the bot alone its name is not needed");
    }

    #[test]
    fn codes_are_typed_after_a_word_or_alone_to_the_bot() {
        let spelt = "K7QF3M9T".to_owned();
        let code = Some(spelt.clone());
        for text in ["/bind K7QF-3M9T", " /BIND  k7qf3m9t ", "／bind K7QF 3M9T"] {
            assert_eq!(typed(&said(text, false), None, false), Some(Typed::Bind { code: code.clone() }), "{text}");
        }
        assert_eq!(typed(&said("/bind", false), None, false), Some(Typed::Bind { code: None }));
        assert_eq!(typed(&said("/bind 今天", false), None, false), Some(Typed::Bind { code: None }));
        assert_eq!(typed(&said("/link k7qf-3m9t", false), None, false), Some(Typed::Link { code: code.clone() }));
        assert_eq!(typed(&said("K7QF-3M9T", false), None, true), Some(Typed::Code { code: spelt }));
        for (text, alone) in
            [("K7QF-3M9T", false), ("/binding K7QF3M9T", false), ("請打 /bind K7QF-3M9T", false), ("/bind\u{0}x", false), ("hello", true)]
        {
            assert_eq!(typed(&said(text, false), None, alone), None, "{text}");
        }
        let mut picture = said("/bind K7QF-3M9T", false);
        picture.kind = "image".into();
        assert_eq!(typed(&picture, None, false), None);
    }

    #[test]
    fn a_number_at_the_beginning_names_a_discussion() {
        for (text, number) in
            [("#12 好的", 12), ("＃１２　好的", 12), (" #7", 7), ("#12：請看附件", 12), ("#12，謝謝", 12), ("#3\n另外", 3)]
        {
            assert_eq!(addressed_to(text), Some(number), "{text}");
        }
        for text in ["12 好的", "#", "#零", "#3樓漏水", "#12a", "#0 x", "#-1", "請看 #12", "#1234567890123", "#2026-11-21"] {
            assert_eq!(addressed_to(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_put_on_a_button_is_read_from_it() {
        for one in [Tap::Progress, Tap::Solved(1), Tap::NotSolved(i64::MAX), Tap::Apart(123), Tap::Join(9)] {
            assert_eq!(tap(&one.data()), Some(one));
        }
        for other in
            ["", "v=2&do=progress", "do=progress", "v=1&do=solved", "v=1&do=solved&d=-1", "v=1&do=solved&d=1x", "v=1&do=dance&d=1", "hello"]
        {
            assert_eq!(tap(other), None, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_any_button_can_be_read(text in ".{0,100}", mentions_bot: bool, alone: bool) {
            typed(&said(&text, mentions_bot), BOT, alone);
            addressed_to(&text);
            tap(&text);
        }
    }
}
