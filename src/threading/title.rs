//! A title drawn from what was said, and one-line excerpts.
//!
//! In a Taiwanese chat a blank is a comma: a text is cut into sentences at 。！？ and line breaks, a sentence into clauses at commas and
//! blanks. The title is the first sentence that says something, without the clauses before and after it that only greet, call somebody or
//! are polite.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::lexicon::{List, list};
use super::words::{self, Names, Words, is_wide};
use crate::domain::TITLE_GRAPHEMES_MAX;

/// A sentence longer than this is cut after a clause, if one ends late enough.
const COMFORTABLE_GRAPHEMES: usize = 30;
/// A clause that ends before this many graphemes is too short to be a title alone.
const CLAUSE_GRAPHEMES_MIN: usize = 6;
/// So many sentences are looked at for one that says something.
const SENTENCES_MAX: usize = 20;
/// The names called at a text's front are looked for within so many characters.
pub const CALLED_CHARS_MAX: usize = 100;
/// A longer clause says something, whatever it ends with.
const LEAD_IN_CHARS_MAX: usize = 8;
/// Longer thanks say what for.
const THANKS_CHARS_MAX: usize = 12;
/// Who says more of themselves says something.
const WHO_CHARS_MAX: usize = 10;
/// Longer sentences are whole, whatever they end with.
const HALF_CHARS_MAX: usize = 6;
/// Longer sentences that announce something say it, too.
const ANNOUNCES_CHARS_MAX: usize = 14;
/// So many openings are taken off one sentence: 您好, 請問, 另外 …
const OPENINGS_MAX: usize = 6;

/// A title of at most [`TITLE_GRAPHEMES_MAX`] graphemes: the first sentence that says what it is about, without greeting and politeness.
/// `untitled` where the text has no words at all.
pub fn title_of(text: &str, untitled: &str) -> String {
    if let Some(title) = said_in(text) {
        return title;
    }
    let whole = one_line(without_number(text));
    if whole.is_empty() { untitled.to_owned() } else { excerpt(&whole, TITLE_GRAPHEMES_MAX) }
}

/// The title, where a sentence of the text says what it is about: the first that does so by itself, or else the first that is not quoted.
pub fn said_in(text: &str) -> Option<String> {
    said_alone(text).or_else(|| unquoted(text).find_map(|(sentence, asks)| matter_of(sentence, asks)))
}

/// The title, where a sentence says by itself what it is about.
pub fn said_alone(text: &str) -> Option<String> {
    unquoted(text).find_map(|(sentence, asks)| (asks || !leads_on(sentence)).then(|| matter_of(sentence, asks)).flatten())
}

fn unquoted(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let text = without_english_call(without_number(text));
    sentences(text).take(SENTENCES_MAX).filter(|(sentence, _)| !sentence.trim_start().starts_with(['>', '＞']))
}

/// Without "Hi Mark," at the front.
fn without_english_call(text: &str) -> &str {
    let mut words = text.trim_start().splitn(3, ' ');
    let (Some(greets), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else { return text };
    let greets = ["hi", "hello", "hey", "dear"].iter().any(|g| greets.eq_ignore_ascii_case(g));
    let called = name
        .strip_suffix([',', '，'])
        .is_some_and(|n| n.starts_with(|c: char| c.is_ascii_uppercase()) && n.bytes().all(|b| b.is_ascii_alphabetic()));
    if greets && called { rest } else { text }
}

/// Without a discussion's number at the front, by which the text is addressed to it.
fn without_number(text: &str) -> &str {
    let trimmed = text.trim_start();
    let Some(after) = trimmed.strip_prefix(['#', '＃']) else { return text };
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    let ends = rest.len() < after.len() && !rest.starts_with(char::is_alphanumeric);
    if ends && !rest.trim().is_empty() { rest } else { text }
}

/// Thanks for what was, or half a sentence that the next line ends: what comes after it says more.
fn leads_on(sentence: &str) -> bool {
    let said = sentence.trim_matches(is_edge);
    let count = said.chars().count();
    let thanks = ["感謝", "謝謝", "多謝"].iter().any(|t| said.starts_with(t)) && count <= THANKS_CHARS_MAX;
    let half = ["的", "跟", "和", "把", "是"].iter().any(|end| said.ends_with(end)) && count <= HALF_CHARS_MAX;
    let announces = ["有件事", "有一件事", "有個問題", "有一個問題", "有事"].iter().any(|b| said.starts_with(b))
        && ["一下", "您說", "你說", "說", "問", "請教", "討論", "報告"].iter().any(|e| said.ends_with(e))
        && count <= ANNOUNCES_CHARS_MAX;
    thanks || half || announces
}

/// Every title that [`super::decide::title`] may have drawn from `text`, whoever was called at its front: for finding what titles to
/// draw anew when the text is taken back.
pub fn possible_titles(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let mut titles: Vec<String> = text.char_indices().take(CALLED_CHARS_MAX).map(|(at, _)| title_of(&text[at..], "")).collect();
    titles.retain(|title| !title.is_empty());
    titles.sort_unstable();
    titles.dedup();
    titles
}

/// White space, controls and line breaks folded into single blanks.
pub fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The text on one line, cut at a grapheme with an ellipsis where it is longer than `graphemes`.
pub fn excerpt(text: &str, graphemes: usize) -> String {
    let line = one_line(text);
    // A grapheme has at least one byte, so most texts need no counting.
    if line.len() <= graphemes || line.graphemes(true).count() <= graphemes {
        return line;
    }
    let mut cut: String = line.graphemes(true).take(graphemes.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// The text's sentences, each with whether it ends with a question mark.
fn sentences(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.char_indices().find(|(at, c)| ends_sentence(rest, *at, *c));
        let (sentence, mark) = match end {
            Some((at, mark)) => {
                let sentence = &rest[..at];
                rest = &rest[at + mark.len_utf8()..];
                (sentence, Some(mark))
            }
            None => (std::mem::take(&mut rest), None),
        };
        Some((sentence, matches!(mark, Some('？' | '?'))))
    })
}

fn ends_sentence(text: &str, at: usize, c: char) -> bool {
    let after = text[at + c.len_utf8()..].chars().next();
    match c {
        // The question mark of a web address ends nothing.
        '?' if text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
            && after.is_some_and(|c| c.is_ascii_alphanumeric()) =>
        {
            false
        }
        '。' | '！' | '!' | '？' | '?' | '；' | '\n' | '\r' => true,
        // "1. 廁所漏水 2. 廚房燈不亮": a number begins what comes.
        '.' if numbers(&text[..at]) => false,
        // "Mr. Lin", "No. 5"
        '.' if abbreviates(&text[..at]) => false,
        // A full stop in 3.5 or in a file's name ends nothing.
        '.' | ';' => after.is_none_or(char::is_whitespace),
        _ => false,
    }
}

/// Whether a text ends with a word that is written with a full stop.
fn abbreviates(text: &str) -> bool {
    let word = text.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["mr", "mrs", "ms", "dr", "no", "vs", "st", "inc", "ltd", "co", "approx"].iter().any(|w| word.eq_ignore_ascii_case(w))
}

/// Whether a text ends with a number of at most two digits that stands alone.
fn numbers(text: &str) -> bool {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    (1..=2).contains(&(text.len() - before.len())) && before.chars().next_back().is_none_or(char::is_whitespace)
}

/// What a sentence says once greeting and politeness are off; `None` where nothing is left.
fn matter_of(sentence: &str, asks: bool) -> Option<String> {
    let mut rest = sentence.trim_matches(is_edge);
    for _ in 0..OPENINGS_MAX {
        let Some(after) = without_subject_mark(rest).or_else(|| without_opening(rest)).or_else(|| without_plea(rest)) else { break };
        rest = after.trim_start_matches(is_edge);
    }
    while let Some((before, last)) = rest.rsplit_once(is_break)
        && is_polite(last.trim_matches(is_edge), rest[before.len()..].starts_with(char::is_whitespace))
    {
        rest = before.trim_end_matches(is_edge);
    }
    let says_nothing = is_small(rest) || is_lead_in(rest) || is_call(rest) || list(List::NoTitle).iter().any(|e| rest == e);
    if !rest.chars().any(char::is_alphanumeric) || says_nothing {
        return None;
    }
    let addresses = without_long_addresses(rest);
    let mut title = comfortable(&addresses);
    if asks && title.len() == addresses.len() {
        title.push(if rest.chars().any(is_wide) { '？' } else { '?' });
    }
    Some(excerpt(&title, TITLE_GRAPHEMES_MAX))
}

/// Of a web address only where it leads, where there are words beside it: the path says nothing to a reader.
fn without_long_addresses(sentence: &str) -> Cow<'_, str> {
    let is_address = |word: &str| word.starts_with("https://") || word.starts_with("http://");
    let words = sentence.split_whitespace().filter(|word| !is_address(word)).any(|word| word.chars().any(char::is_alphanumeric));
    if !words || !sentence.split_whitespace().any(is_address) {
        return Cow::Borrowed(sentence);
    }
    let host = |word: &str| word.split("//").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default().to_owned();
    let short: Vec<String> = sentence.split_whitespace().map(|word| if is_address(word) { host(word) } else { word.to_owned() }).collect();
    Cow::Owned(short.join(" "))
}

/// Signs that a title neither begins nor ends with. Brackets and quotation marks belong to words.
fn is_edge(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "，,。.！!～~、:：;；…-—=^><*#•·".contains(c)
}

/// Without what a mail program writes before a subject, or what only says that somebody asks.
fn without_subject_mark(text: &str) -> Option<&str> {
    if let Some(after) = ["想再請問", "想再請教", "想再問", "再請問"].iter().find_map(|asks| text.strip_prefix(asks)) {
        return (!after.trim().is_empty()).then_some(after);
    }
    ["re", "fw", "fwd", "回覆", "轉寄"].iter().find_map(|mark| {
        let head = text.get(..mark.len())?;
        let after = text[mark.len()..].strip_prefix([':', '：'])?;
        (head.eq_ignore_ascii_case(mark) && !after.trim().is_empty()).then_some(after)
    })
}

/// Without pleas and signs between blanks: 拜託🙏 拜託🙏. Of a plea that stands with words, they are the matter.
fn without_plea(text: &str) -> Option<&str> {
    let (word, after) = text.split_once(char::is_whitespace)?;
    let letters: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
    (matches!(letters.as_str(), "" | "拜託" | "拜託拜託" | "救命" | "急") && !after.trim().is_empty()).then_some(after)
}

/// Without one greeting, call or polite opening at the front.
fn without_opening(text: &str) -> Option<&str> {
    let clause_end = text.char_indices().find(|(_, c)| is_break(*c)).map_or(text.len(), |(at, _)| at);
    let clause = &text[..clause_end];
    let after_blank = text[clause_end..].starts_with(char::is_whitespace);
    let leads_in =
        || is_call(clause) || is_lead_in(clause) || is_small_clause(clause, after_blank) || introduces(clause) || thanks_for(clause);
    if clause_end < text.len() && (leads_in() || calls_by_english_name(clause, &text[clause_end..])) {
        return Some(&text[clause_end..]);
    }
    let opening = list(List::Openings).iter().filter_map(|o| strip_prefix_ignoring_case(text, o)).min_by_key(|after| after.len())?;
    // "請問" alone, or with a remark like "一下" that goes with it, must leave something.
    (!opening.trim_matches(is_edge).is_empty()).then_some(opening)
}

/// 我是行政部小陳, 各位夥伴辛苦了: a clause that only says who speaks, or that somebody works hard.
fn introduces(clause: &str) -> bool {
    let (count, tells) = (clause.chars().count(), |words: &[&str]| words.iter().any(|w| clause.contains(w)));
    let who = ["我是", "我這邊是", "這裡是", "這邊是", "敝姓"].iter().any(|w| clause.starts_with(w)) && count <= WHO_CHARS_MAX;
    who && !tells(&["想", "說", "要", "覺得", "因為", "從", "不", "有", "沒"]) || clause.ends_with("辛苦了") && count <= WHO_CHARS_MAX
}

/// 感謝昨天的幫忙: thanks for what was. 感謝狀 is a thing.
fn thanks_for(clause: &str) -> bool {
    let of_it = ["的", "您", "你", "幫", "協助", "上次", "昨天", "大家"].iter().any(|w| clause.contains(w));
    ["感謝", "謝謝", "多謝"].iter().any(|t| clause.starts_with(t)) && of_it && clause.chars().count() <= THANKS_CHARS_MAX
}

/// "Sam 你好 …": a name alone, and a greeting after it.
fn calls_by_english_name(clause: &str, after: &str) -> bool {
    let name = clause.starts_with(|c: char| c.is_ascii_uppercase()) && clause.bytes().all(|b| b.is_ascii_alphabetic());
    let after = after.trim_start_matches(is_break);
    let next = after.split(is_break).next().unwrap_or_default().trim_end_matches(is_edge);
    name && ["你好", "妳好", "您好", "早安", "午安", "晚安", "哈囉", "嗨"].contains(&next)
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    let after = &text[prefix.len()..];
    // "hi" is no greeting in "history", and 早 none in 早上.
    let whole_word = if prefix.is_ascii() {
        !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '\'')
    } else {
        !list(List::NotMorning).iter().any(|w| text.starts_with(w.as_str()))
    };
    (head.eq_ignore_ascii_case(prefix) && whole_word).then_some(after)
}

fn is_break(c: char) -> bool {
    c.is_whitespace() || "，,、:：～~".contains(c)
}

/// A clause that only calls somebody: @陳怡君, or as in [`words::is_call`].
fn is_call(clause: &str) -> bool {
    clause.starts_with('@') || words::is_call(clause)
}

/// 問一下, 跟Rita說一下, 領隊小馬報告: a clause that only says that something will be said.
fn is_lead_in(clause: &str) -> bool {
    let lower = clause.to_lowercase();
    let short = clause.chars().count() <= LEAD_IN_CHARS_MAX;
    let tells = ["說一下", "講一下", "說", "說一聲", "講一聲"].iter().any(|e| lower.ends_with(e)) && lower.starts_with(['跟', '和', '向']);
    list(List::LeadIns).contains(&lower) || list(List::Urgent).contains(&lower) || short && (tells || is_report_of(&lower))
}

/// 領隊小馬報告: somebody reports, who is called as people are.
fn is_report_of(clause: &str) -> bool {
    let Some(who) = clause.strip_suffix("報告一下").or(clause.strip_suffix("報告")) else { return false };
    let from = who.char_indices().rev().nth(1).map_or(0, |(at, _)| at);
    words::is_call(&who[from..])
}

fn is_polite(clause: &str, after_blank: bool) -> bool {
    let announces = clause.starts_with('先') && is_lead_in(&clause['先'.len_utf8()..]);
    announces || is_small_clause(clause, after_blank) || list(List::Closings).iter().any(|c| clause.eq_ignore_ascii_case(c))
}

/// A Latin word between blanks is no clause: "right" in "right side".
fn is_small_clause(clause: &str, between_blanks: bool) -> bool {
    !(clause.is_ascii() && between_blanks) && is_small(clause)
}

fn is_small(text: &str) -> bool {
    Words::read(text, &Names::default()).tone.small.is_some()
}

/// The sentence, or its first clauses where it is long.
fn comfortable(sentence: &str) -> String {
    let graphemes = sentence.graphemes(true).count();
    if graphemes <= COMFORTABLE_GRAPHEMES {
        return one_line(sentence);
    }
    let mut best = None;
    for (at, c) in sentence.char_indices().filter(|(_, c)| is_break(*c)) {
        let head = sentence[..at].trim_end_matches(is_edge);
        let count = head.graphemes(true).count();
        let between_words = c == ' ' && sentence[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        if count > COMFORTABLE_GRAPHEMES {
            break;
        }
        if count >= CLAUSE_GRAPHEMES_MIN && !between_words {
            best = Some((head, count));
        }
    }
    // Rather a long title than the half of what was said.
    let best = best.filter(|(_, count)| graphemes > TITLE_GRAPHEMES_MAX || 2 * count >= COMFORTABLE_GRAPHEMES);
    one_line(best.map_or(sentence, |(head, _)| head))
}
