//! Lines of a mail, and the small questions that every rule asks of them.

use super::history;
use super::words::Label;
use crate::channels::email::html::{QUOTE_BEGINS, QUOTE_ENDS};

/// The longest text that is compared with a list of words as a whole, in bytes.
pub(super) const PHRASE_BYTES_MAX: usize = 200;

/// How often a line is cut where history begins within it.
const SPLITS_MAX: usize = 3;

/// A line of the mail.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Without white space at its end.
    pub(super) text: &'a str,
    /// Without white space and invisible marks around it.
    pub(super) bare: &'a str,
    pub(super) quoted: bool,
    /// Inside a quoted block of the HTML.
    pub(super) marked: bool,
    /// The part of a header block that it begins as.
    pub(super) label: Option<Label>,
}

impl<'a> Line<'a> {
    fn new(text: &'a str, marked: bool) -> Self {
        let is_plain = |b: Option<&u8>| b.is_some_and(u8::is_ascii_graphic);
        let bytes = text.as_bytes();
        let bare = if is_plain(bytes.first()) && is_plain(bytes.last()) { text } else { text.trim_matches(is_invisible) };
        let quoted = marked || bare.starts_with(['>', '＞']);
        Self { text: text.trim_end(), bare, quoted, marked, label: history::label(bare) }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.bare.is_empty()
    }
}

/// The lines of a text; one in which history begins after own words becomes two.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut marked = false;
    let mut lines = Vec::new();
    let has_marks = text.contains(QUOTE_BEGINS) || text.contains(QUOTE_ENDS);
    for text in text.lines() {
        if has_marks && text.contains([QUOTE_BEGINS, QUOTE_ENDS]) {
            marked = text.contains(QUOTE_BEGINS);
            continue;
        }
        let mut line = Line::new(text, marked);
        let mut rest = text;
        for _ in 0..SPLITS_MAX {
            let Some(at) = history::begins_within(rest).filter(|_| !line.quoted) else { break };
            lines.push(Line::new(&rest[..at], false));
            rest = &rest[at..];
            line = Line::new(rest, false);
        }
        lines.push(line);
    }
    lines
}

pub(super) fn is_invisible(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{1427}')
}

/// Lower case, white space collapsed.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(is_invisible).filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        for c in word.chars() {
            match c {
                c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
                // Chinese, Japanese and Korean have no case.
                '\u{2e80}'..='\u{d7ff}' => out.push(c),
                c => out.extend(c.to_lowercase()),
            }
        }
    }
    out
}

pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '_' | '=' | '*' | '—' | '–' | '─' | '━' | '－' | '＿' | '~' | '+' | '#' | ' ' | '\u{a0}' | '\u{3000}' | '<' | '>')
}

/// A line of dashes alone.
pub(super) fn is_rule(bare: &str) -> bool {
    bare.chars().filter(|c| *c != ' ').count() >= 3 && bare.chars().all(is_dash) && !bare.contains(['<', '>'])
}

/// A time of day: digits around a colon.
pub(super) fn holds_time(text: &str) -> bool {
    text.as_bytes().windows(3).any(|w| w[0].is_ascii_digit() && w[1] == b':' && w[2].is_ascii_digit())
}

/// A year, or three groups of digits.
pub(super) fn holds_date(text: &str) -> bool {
    let (mut groups, mut run) = (0, 0);
    for c in text.chars() {
        if c.is_ascii_digit() {
            run += 1;
            if run == 1 {
                groups += 1;
            }
            if run >= 4 {
                return true;
            }
        } else {
            run = 0;
        }
    }
    groups >= 3
}

/// An address, a year, or three groups of digits.
pub(super) fn holds_date_or_address(text: &str) -> bool {
    text.contains('@') || text.contains("mailto:") || holds_date(text)
}
