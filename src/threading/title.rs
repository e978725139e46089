//! A title drawn from what was said, and one-line excerpts.
//!
//! In a Taiwanese chat a blank is a comma: a text is cut into sentences at 。！？ and line breaks, a sentence into clauses at commas and
//! blanks. The title is the first sentence that says something, without the clauses before and after it that only greet, call somebody or
//! are polite.

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
/// So many openings are taken off one sentence: 您好, 請問, 另外 …
const OPENINGS_MAX: usize = 6;

/// A title of at most [`TITLE_GRAPHEMES_MAX`] graphemes: the first sentence that says what it is about, without greeting and politeness.
/// `untitled` where the text has no words at all.
pub fn title_of(text: &str, untitled: &str) -> String {
    let said = sentences(text).take(SENTENCES_MAX).find_map(|(sentence, asks)| matter_of(sentence, asks));
    if let Some(title) = said {
        return title;
    }
    let whole = one_line(text);
    if whole.is_empty() { untitled.to_owned() } else { excerpt(&whole, TITLE_GRAPHEMES_MAX) }
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
        '。' | '！' | '!' | '？' | '?' | '；' | '\n' | '\r' => true,
        // A full stop in 3.5 or in a file's name ends nothing.
        '.' | ';' => after.is_none_or(char::is_whitespace),
        _ => false,
    }
}

/// What a sentence says once greeting and politeness are off; `None` where nothing is left.
fn matter_of(sentence: &str, asks: bool) -> Option<String> {
    let mut rest = sentence.trim_matches(is_edge);
    for _ in 0..OPENINGS_MAX {
        let Some(after) = without_opening(rest) else { break };
        rest = after.trim_start_matches(is_edge);
    }
    while let Some((before, last)) = rest.rsplit_once(is_break)
        && is_polite(last.trim_matches(is_edge), rest[before.len()..].starts_with(char::is_whitespace))
    {
        rest = before.trim_end_matches(is_edge);
    }
    if !rest.chars().any(char::is_alphanumeric) || is_small(rest) || is_lead_in(rest) || is_call(rest) {
        return None;
    }
    let mut title = comfortable(rest);
    if asks && title.len() == rest.len() {
        title.push(if rest.chars().any(is_wide) { '？' } else { '?' });
    }
    Some(excerpt(&title, TITLE_GRAPHEMES_MAX))
}

/// Signs that a title neither begins nor ends with. Brackets and quotation marks belong to words.
fn is_edge(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "，,。.！!～~、:：;；…-—=^><*#•·".contains(c)
}

/// Without one greeting, call or polite opening at the front.
fn without_opening(text: &str) -> Option<&str> {
    let clause_end = text.char_indices().find(|(_, c)| is_break(*c)).map_or(text.len(), |(at, _)| at);
    let clause = &text[..clause_end];
    let after_blank = text[clause_end..].starts_with(char::is_whitespace);
    if clause_end < text.len() && (is_call(clause) || is_lead_in(clause) || is_small_clause(clause, after_blank)) {
        return Some(&text[clause_end..]);
    }
    let opening = list(List::Openings).iter().filter_map(|o| strip_prefix_ignoring_case(text, o)).min_by_key(|after| after.len())?;
    // "請問" alone, or with a remark like "一下" that goes with it, must leave something.
    (!opening.trim_matches(is_edge).is_empty()).then_some(opening)
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
    if sentence.graphemes(true).count() <= COMFORTABLE_GRAPHEMES {
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
            best = Some(head);
        }
    }
    one_line(best.unwrap_or(sentence))
}
