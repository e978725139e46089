//! What is new in an answer: without quoted history, its header lines, and signatures.
//!
//! A mail's lines are cut into stretches of own text, of quotation, and of what is passed on; [`history`] and
//! [`attribution`] say by what lines mail programs announce a quotation, [`signature`] what stands under own text. Where the
//! signs are weak, less is cut: history shown twice is a blemish, an answer lost is a fault. Every line is looked at a
//! bounded number of times.

mod attribution;
mod forwarded;
mod history;
mod line;
mod signature;
mod words;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use self::attribution::Sign;
pub use self::forwarded::{Forwarded, forwarded};
use self::history::is_forward_line;
use self::line::{Line, is_rule};
use super::html;
use crate::i18n::Locale;

/// The lines that our own mails begin with; what stands under one is ours.
pub static MARKERS: LazyLock<Vec<&'static str>> = LazyLock::new(|| Locale::ALL.map(|l| l.texts().get("mail.marker")).to_vec());

/// Lines that are kept of a quotation which an answer refers to.
const KEPT_QUOTE_LINES_MAX: usize = 8;
/// A quoted line at least this long may have been wrapped into an unquoted one by a relay, in characters.
const WRAPPED_QUOTE_CHARS_MIN: usize = 65;

/// What a mail says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewText {
    /// What its author wrote; where they only pass something on, that.
    pub own: String,
    /// What they pass on under their own words, with its header lines; empty where nothing is.
    pub passed_on: String,
}

/// The new text of a mail that is plain text.
pub fn new_text(text: &str) -> String {
    read(text, None, false).own
}

/// The new text of a mail: from its plain text, checked against its HTML body, which often says more clearly where the
/// history begins; from the HTML alone where the plain text is empty. `passes_on` says that its subject does ("Fwd:"):
/// what would be history is then what was passed on.
pub fn read(text: &str, html: Option<&str>, passes_on: bool) -> NewText {
    let marked = html.filter(|_| text.trim().is_empty()).map(html::marked_text);
    let normalised = normalised(marked.as_deref().unwrap_or(text));
    let cutter = Cutter { lines: line::lines(&normalised), passes_on };
    let mut new = cutter.cut();
    if let Some(html) = html.filter(|_| marked.is_none() && !passes_on && new.passed_on.is_empty())
        && let Some(letters) = html::new_letters(html, &new.own)
        && let Some(short) = shortened(&new.own, &letters)
    {
        new.own = short;
    }
    new
}

/// CRLF and CR to LF, without NUL and the invisible marks that would hide a rule's words; links that a converter from
/// HTML broke over lines are joined.
fn normalised(text: &str) -> Cow<'_, str> {
    let mut text = if text.contains(['\r', '\0', '\u{feff}']) {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n").replace(['\0', '\u{feff}'], ""))
    } else {
        Cow::Borrowed(text)
    };
    if text.contains("<\nmailto:") {
        text =
            Cow::Owned(text.replace("\n\n<\nmailto:", " <mailto:").replace("<\nmailto:", "<mailto:").replace(">\n> wrote:", ">> wrote:"));
    }
    text
}

/// `text` up to where its letters and digits are all of `letters`, if it goes on after them.
fn shortened(text: &str, letters: &str) -> Option<String> {
    if letters.is_empty() {
        return None;
    }
    let mut wanted = letters.chars();
    let mut next = wanted.next();
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        let Some(want) = next else {
            let line_begins = text[..at].rfind('\n').map_or(0, |n| n + 1);
            let is_line_start = !text[line_begins..at].contains(char::is_alphanumeric);
            return is_line_start.then(|| without_rule_at_end(&text[..line_begins]).to_owned());
        };
        if c != want {
            return None;
        }
        next = wanted.next();
    }
    None
}

/// Without the lines of dashes and blanks at its end.
fn without_rule_at_end(text: &str) -> &str {
    let mut text = text.trim_end();
    while let Some(last) = text.lines().next_back().filter(|l| is_rule(l.trim())) {
        text = text[..text.len() - last.len()].trim_end();
    }
    text
}

/// Whether it is the line that our mails begin with, whatever a mail program put around it.
pub fn is_marker(bare: &str) -> bool {
    let is_ours = || bare.contains("##-") && MARKERS.iter().any(|m| bare.contains(m));
    // Other helpdesks write theirs between number signs too.
    let is_another_s = || bare.len() > 12 && bare.starts_with("##") && bare.ends_with("##") && bare.contains(' ');
    bare.len() <= attribution::BYTES_MAX && (is_ours() || is_another_s())
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Own,
    /// A quotation, and whether a line says whose it is.
    Quote {
        attributed: bool,
    },
    /// Something passed on.
    Forwarded,
}

struct Stretch {
    kind: Kind,
    lines: Range<usize>,
}

struct Cutter<'a> {
    lines: Vec<Line<'a>>,
    /// The subject says that something is passed on.
    passes_on: bool,
}

impl Cutter<'_> {
    fn cut(mut self) -> NewText {
        if let Some(at) = self.lines.iter().position(|l| !l.quoted && is_marker(l.bare)) {
            self.lines.truncate(at);
        }
        let (stretches, was_cut) = self.stretches();
        let own = self.assembled(&stretches, was_cut);
        let passed_on: Vec<String> = stretches.iter().filter(|s| s.kind == Kind::Forwarded).map(|s| self.joined(s.lines.clone())).collect();
        let passed_on = passed_on.join("\n\n");
        if own.is_empty() && !passed_on.is_empty() {
            return NewText { own: passed_on, passed_on: String::new() };
        }
        let says_whose =
            stretches.iter().any(|s| s.kind == Kind::Quote { attributed: true } && !self.lines[s.lines.clone()].iter().all(|l| l.marked));
        if own.is_empty() && !says_whose {
            // Nothing but what we took for a signature or history: better to show it.
            return NewText { own: self.joined(0..self.lines.len()), passed_on };
        }
        NewText { own, passed_on }
    }

    /// Cuts the lines into stretches; whether the rest of the mail was left out as history.
    fn stretches(&self) -> (Vec<Stretch>, bool) {
        let mut found: Vec<Stretch> = Vec::new();
        let (mut own, mut at) = (0, 0);
        let end = self.lines.len();
        while at < end {
            if self.lines[at].is_blank() {
                at += 1;
                continue;
            }
            let (kind, until) = match self.at(at) {
                Found::History => {
                    found.push(Stretch { kind: Kind::Own, lines: own..at });
                    return (found, true);
                }
                Found::Stretch(kind, until) => (kind, until),
            };
            if kind != Kind::Own {
                found.push(Stretch { kind: Kind::Own, lines: own..at });
                found.push(Stretch { kind, lines: at..until });
                own = until;
            }
            at = until;
        }
        found.push(Stretch { kind: Kind::Own, lines: own..end });
        (found, false)
    }

    /// What begins at line `at`, which is not blank.
    fn at(&self, at: usize) -> Found {
        let line = self.lines[at];
        let end = self.lines.len();
        if line.quoted {
            let (kind, until) = self.quotation(at);
            return Found::Stretch(kind, until);
        }
        if is_forward_line(line.bare) {
            return Found::Stretch(Kind::Forwarded, self.forward_end(at));
        }
        if history::begins(&self.lines, at) {
            if self.passes_on {
                return Found::Stretch(Kind::Forwarded, end);
            }
            let has_text = self.lines[..at].iter().any(|l| !l.is_blank() && !l.quoted && !is_rule(l.bare));
            return if has_text { Found::History } else { Found::Stretch(Kind::Own, at + 1) };
        }
        let Some((last, sign)) = attribution::at(&self.lines, at) else { return Found::Stretch(Kind::Own, at + 1) };
        if let Some(until) = self.after_attribution(at, last) {
            let kind = if self.passes_on { Kind::Forwarded } else { Kind::Quote { attributed: true } };
            return Found::Stretch(kind, until);
        }
        if sign > Sign::Certain || self.passes_on {
            return Found::Stretch(Kind::Own, last + 1);
        }
        if self.lines[..at].iter().any(|l| !l.is_blank() && !l.quoted) {
            return Found::History;
        }
        // It stands above everything: whatever follows is all that there is.
        Found::Stretch(Kind::Quote { attributed: true }, last + 1)
    }

    /// The quotation that begins at the quoted line `at`, and the line after it.
    fn quotation(&self, at: usize) -> (Kind, usize) {
        let inner = |i: usize| self.lines[i].bare.trim_start_matches(['>', '＞', ' ', '\u{a0}']);
        let first = (at..self.lines.len().min(at + 3)).map(inner).find(|t| !t.is_empty()).unwrap_or("");
        let until = self.quote_end(at);
        if is_forward_line(first) {
            return (Kind::Forwarded, until);
        }
        let marked = self.lines[at..until].iter().any(|l| l.marked);
        let head: Vec<&str> = (at..until.min(at + attribution::LINES_MAX)).map(inner).filter(|t| !t.is_empty()).collect();
        let attributed = marked
            || is_marker(first)
            || (1..=head.len())
                .any(|n| attribution::sign(&head[..n].join(" "), false).is_some() || n == 1 && attribution::sign(head[0], true).is_some())
            || head.iter().filter(|l| history::label(l).is_some()).count() >= 2;
        (Kind::Quote { attributed }, until)
    }

    /// The line after the quoted lines that begin at `at`: blank ones between quoted ones belong to them, and so does the
    /// tail of a long quoted line that a relay wrapped.
    fn quote_end(&self, at: usize) -> usize {
        let mut until = at + 1;
        let mut i = until;
        while i < self.lines.len() {
            let line = self.lines[i];
            if line.quoted {
                until = i + 1;
            } else if !line.is_blank() {
                let is_tail = until == i
                    && self.lines[i - 1].text.chars().count() >= WRAPPED_QUOTE_CHARS_MIN
                    && line.text.chars().count() * 2 < WRAPPED_QUOTE_CHARS_MIN
                    && self.lines.get(i + 1).is_some_and(|l| l.quoted);
                if !is_tail {
                    break;
                }
            }
            i += 1;
        }
        until
    }

    /// The end of what the forward line `at` announces: the quotation under it, else the end of the mail.
    fn forward_end(&self, at: usize) -> usize {
        match attribution::next_shown(&self.lines, at + 1) {
            Some(next) if self.lines[next].quoted => self.quote_end(next),
            _ => self.lines.len(),
        }
    }

    /// The end of the quotation that the attribution `at..=last` announces; none where unquoted text follows it.
    fn after_attribution(&self, at: usize, last: usize) -> Option<usize> {
        let Some(next) = attribution::next_shown(&self.lines, last + 1) else {
            let is_end = self.lines[last + 1..].iter().all(Line::is_blank);
            return is_end.then_some(self.lines.len().max(at + 1));
        };
        self.lines[next].quoted.then(|| self.quote_end(next))
    }

    /// Own text, and the quotations that an answer refers to.
    fn assembled(&self, stretches: &[Stretch], was_cut: bool) -> String {
        let own: Vec<Range<usize>> = stretches
            .iter()
            .enumerate()
            .map(|(n, s)| match s.kind {
                Kind::Own => signature::without(&self.lines, s.lines.clone(), was_cut || n + 1 < stretches.len()),
                _ => s.lines.clone(),
            })
            .collect();
        let says = |n: usize| stretches[n].kind == Kind::Own && self.lines[own[n].clone()].iter().any(|l| !l.is_blank());
        let last_said = (0..stretches.len()).rev().find(|n| says(*n));
        let answered =
            (0..stretches.len()).filter(|n| matches!(stretches[*n].kind, Kind::Quote { .. }) && last_said.is_some_and(|l| *n < l)).count();
        let mut out = String::new();
        for (n, stretch) in stretches.iter().enumerate() {
            let piece = match stretch.kind {
                Kind::Own => self.joined(own[n].clone()),
                Kind::Forwarded => String::new(),
                Kind::Quote { attributed } => {
                    let is_answered = last_said.is_some_and(|l| n < l);
                    if is_answered && (answered > 1 || !attributed) { self.short_quote(stretch.lines.clone()) } else { String::new() }
                }
            };
            if piece.is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            out.push_str(&piece);
        }
        out
    }

    fn joined(&self, lines: Range<usize>) -> String {
        let lines: Vec<&str> = self.lines[lines].iter().map(|l| l.text).collect();
        lines.join("\n").trim_matches('\n').trim_end().trim_start_matches([' ', '\u{a0}', '\n']).to_owned()
    }

    /// The quoted lines of a stretch, the last few of a long one.
    fn short_quote(&self, lines: Range<usize>) -> String {
        let is_empty = |text: &str| text.trim_matches(['>', '＞', ' ', '\u{a0}']).is_empty();
        let quoted: Vec<&str> = self.lines[lines].iter().filter(|l| l.quoted && !l.is_blank()).map(|l| l.text.trim_start()).collect();
        let shown = |l: &&str| !is_empty(l);
        let (Some(first), Some(last)) = (quoted.iter().position(shown), quoted.iter().rposition(shown)) else {
            return String::new();
        };
        let quoted = &quoted[first..=last];
        let skipped = quoted.len().saturating_sub(KEPT_QUOTE_LINES_MAX);
        let mut kept: Vec<Cow<'_, str>> = Vec::new();
        if skipped > 0 {
            kept.push(Cow::Borrowed("> …"));
        }
        for line in &quoted[skipped..] {
            kept.push(if line.starts_with(['>', '＞']) { Cow::Borrowed(*line) } else { Cow::Owned(format!("> {line}")) });
        }
        kept.join("\n")
    }
}

/// What begins at a line.
enum Found {
    /// The rest of the mail is history.
    History,
    /// A stretch up to this line.
    Stretch(Kind, usize),
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod zh_tw;
