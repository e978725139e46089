//! What is new in an answer: without quoted history, its header lines, and signatures.
//!
//! A mail's lines are cut into stretches of own text and of quotation; [`super::reply_rules`] says by what lines mail
//! programs announce a quotation. Where the signs are weak, less is cut: history shown twice is a blemish, an answer lost
//! is a fault. Every line is looked at a bounded number of times.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::html::{self, QUOTE_BEGINS, QUOTE_ENDS};
use super::reply_rules::{ATTRIBUTIONS, DEVICE_SIGNATURES, DEVICES, FORWARDED, LABELS, Label, ORIGINAL_MESSAGE, PROGRAM_SIGNATURES};
use crate::i18n::Locale;

/// The lines that our own mails begin with; what stands under one is ours.
pub static MARKERS: LazyLock<Vec<&'static str>> = LazyLock::new(|| Locale::ALL.map(|l| l.texts().get("mail.marker")).to_vec());

/// The words of [`LABELS`]; where two parts share one, the first has it.
static LABELS_BY_WORD: LazyLock<HashMap<&'static str, Label>> =
    LazyLock::new(|| LABELS.iter().rev().flat_map(|(label, words)| words.iter().map(|w| (*w, *label))).collect());

/// Lines that an attribution ("X wrote:") may be wrapped over.
const ATTRIBUTION_LINES_MAX: usize = 4;
/// The longest attribution, in bytes.
const ATTRIBUTION_BYTES_MAX: usize = 600;
/// Lines that are searched for the parts of a header block.
const HEADER_BLOCK_LINES_MAX: usize = 16;
/// The longest word before the colon in a header block, in bytes.
const LABEL_BYTES_MAX: usize = 48;
/// Lines of a signature under `-- `; a longer text under it is no signature.
const SIGNATURE_LINES_MAX: usize = 14;
/// The longest line that a phone adds, in characters.
const PROGRAM_SIGNATURE_CHARS_MAX: usize = 90;
/// Lines that are kept of a quotation which an answer refers to.
const KEPT_QUOTE_LINES_MAX: usize = 6;
/// A quoted line at least this long may have been wrapped into an unquoted one by a relay, in characters.
const WRAPPED_QUOTE_CHARS_MIN: usize = 65;

/// The new text of a mail that is plain text.
pub fn new_text(text: &str) -> String {
    Cutter::new(&normalised(text)).cut()
}

/// The new text of a mail: from its plain text, checked against its HTML body, which often says more clearly where the
/// history begins; from the HTML alone where the plain text is empty.
pub fn new_text_of(text: &str, html: Option<&str>) -> String {
    let Some(html) = html else { return new_text(text) };
    if text.trim().is_empty() {
        return Cutter::new(&normalised(&html::marked_text(html))).cut();
    }
    let new = new_text(text);
    html::new_letters(html).and_then(|letters| shortened(&new, &letters)).unwrap_or(new)
}

/// The text of a mail that passes something on: all of it but the line of the phone.
pub fn forwarded_text(text: &str) -> String {
    normalised(text).lines().filter(|l| !l.contains([QUOTE_BEGINS, QUOTE_ENDS])).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// CRLF and CR to LF, without NUL and the invisible marks that would hide a rule's words.
fn normalised(text: &str) -> Cow<'_, str> {
    if text.contains(['\r', '\0', '\u{feff}']) {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n").replace(['\0', '\u{feff}'], ""))
    } else {
        Cow::Borrowed(text)
    }
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

/// A line of the mail.
#[derive(Clone, Copy)]
struct Line<'a> {
    /// Without white space at its end.
    text: &'a str,
    /// Without white space and invisible marks around it.
    bare: &'a str,
    quoted: bool,
    /// Inside a quoted block of the HTML.
    marked: bool,
    /// The part of a header block that it begins as.
    label: Option<Label>,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.bare.is_empty()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Own,
    /// A quotation, and whether a line says whose it is.
    Quote {
        attributed: bool,
    },
    /// Something passed on, to the end of the mail.
    Forwarded,
}

struct Stretch {
    kind: Kind,
    lines: Range<usize>,
}

struct Cutter<'a> {
    lines: Vec<Line<'a>>,
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{1427}')
}

impl<'a> Cutter<'a> {
    fn new(text: &'a str) -> Self {
        let mut marked = false;
        let mut lines = Vec::new();
        for text in text.lines() {
            if text.contains([QUOTE_BEGINS, QUOTE_ENDS]) {
                marked = text.contains(QUOTE_BEGINS);
                continue;
            }
            let bare = text.trim_matches(is_invisible);
            let quoted = marked || bare.starts_with(['>', '＞']);
            lines.push(Line { text: text.trim_end(), bare, quoted, marked, label: label(bare) });
        }
        Self { lines }
    }

    fn cut(mut self) -> String {
        if let Some(at) = self.lines.iter().position(|l| !l.quoted && is_marker(l.bare)) {
            self.lines.truncate(at);
        }
        let (stretches, was_cut) = self.stretches();
        let new = self.assembled(&stretches, was_cut);
        let says_whose =
            stretches.iter().any(|s| s.kind == Kind::Quote { attributed: true } && !self.lines[s.lines.clone()].iter().all(|l| l.marked));
        if new.is_empty() && !says_whose {
            // Nothing but what we took for a signature or history: better to show it.
            return self.joined(0..self.lines.len());
        }
        new
    }

    /// Cuts the lines into stretches; whether the rest of the mail was left out as history.
    fn stretches(&self) -> (Vec<Stretch>, bool) {
        let mut found: Vec<Stretch> = Vec::new();
        let mut own = 0;
        let mut at = 0;
        let end = self.lines.len();
        while at < end {
            let line = self.lines[at];
            if line.is_blank() {
                at += 1;
                continue;
            }
            let (kind, until) = if line.quoted {
                self.quotation(at)
            } else if is_forward_line(line.bare) {
                (Kind::Forwarded, end)
            } else if self.begins_history(at) {
                let has_text = self.lines[..at].iter().any(|l| !l.is_blank() && !l.quoted && !is_rule(l.bare));
                if has_text {
                    found.push(Stretch { kind: Kind::Own, lines: own..at });
                    return (found, true);
                }
                (Kind::Own, at + 1)
            } else if let Some((last, sign)) = self.attribution(at) {
                match self.after_attribution(at, last) {
                    Some(until) => (Kind::Quote { attributed: true }, until),
                    None if sign <= Sign::Certain && self.lines[..at].iter().any(|l| !l.is_blank() && !l.quoted) => {
                        found.push(Stretch { kind: Kind::Own, lines: own..at });
                        return (found, true);
                    }
                    None => (Kind::Own, last + 1),
                }
            } else {
                (Kind::Own, at + 1)
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

    /// The quotation that begins at the quoted line `at`, and the line after it.
    fn quotation(&self, at: usize) -> (Kind, usize) {
        let inner = |i: usize| self.lines[i].bare.trim_start_matches(['>', '＞', ' ', '\u{a0}']);
        let first = (at..self.lines.len().min(at + 3)).map(inner).find(|t| !t.is_empty()).unwrap_or("");
        if is_forward_line(first) {
            return (Kind::Forwarded, self.lines.len());
        }
        let until = self.quote_end(at);
        let marked = self.lines[at..until].iter().any(|l| l.marked);
        let head: Vec<&str> = (at..until.min(at + ATTRIBUTION_LINES_MAX)).map(inner).filter(|t| !t.is_empty()).collect();
        let attributed = marked
            || is_marker(first)
            || (1..=head.len())
                .any(|n| attribution_sign(&head[..n].join(" "), false).is_some() || n == 1 && attribution_sign(head[0], true).is_some())
            || head.iter().filter(|l| label(l).is_some()).count() >= 2;
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

    /// Whether the history begins at line `at` with a separator or a header block.
    fn begins_history(&self, at: usize) -> bool {
        is_original_message_line(self.lines[at].bare) || self.is_header_block(at)
    }

    /// Whether `From: … Date: … Subject: …` begins at line `at`, in any language, in any order that mail programs use.
    fn is_header_block(&self, at: usize) -> bool {
        let Some(first) = self.lines[at].label else { return false };
        if first == Label::Cc {
            return false;
        }
        let mut seen = vec![first];
        let (mut blanks, mut others) = (0, 0);
        for line in self.lines[at + 1..].iter().take(HEADER_BLOCK_LINES_MAX) {
            if line.is_blank() {
                blanks += 1;
                if blanks > 1 {
                    break;
                }
                continue;
            }
            match line.label {
                Some(l) => {
                    if !seen.contains(&l) {
                        seen.push(l);
                    }
                    others = 0;
                }
                None if blanks > 0 => break,
                None => {
                    // A long list of recipients is wrapped.
                    others += 1;
                    if others > 3 {
                        break;
                    }
                }
            }
            blanks = 0;
        }
        let has = |l| seen.contains(&l);
        let told = usize::from(has(Label::Date)) + usize::from(has(Label::To)) + usize::from(has(Label::Subject));
        has(Label::From) && told >= 2 || told == 3 && first != Label::To
    }

    /// The last line of the attribution that begins at line `at`, and what speaks for it.
    fn attribution(&self, at: usize) -> Option<(usize, Sign)> {
        let mut bytes = 0;
        for last in at..self.lines.len().min(at + ATTRIBUTION_LINES_MAX) {
            let line = self.lines[last];
            bytes += line.bare.len() + 1;
            if line.is_blank() || line.quoted || bytes > ATTRIBUTION_BYTES_MAX {
                return None;
            }
            if ends_like_attribution(line.bare) {
                let before_quote = self.next_shown(last + 1).is_none_or(|i| self.lines[i].quoted);
                let is_likely = before_quote || self.lines[at..=last].iter().any(|l| holds_date_or_address(l.bare));
                if is_likely && let Some((begin, sign)) = self.attribution_begin(at, last, before_quote) {
                    // An attribution that begins further down is met when we come to it.
                    return (begin == at).then_some((last, sign));
                }
            }
        }
        None
    }

    /// Where the attribution that ends at line `last` begins, not before `from`: at the nearest line with a word that opens
    /// attributions, else at the nearest that makes it hold a date or address.
    fn attribution_begin(&self, from: usize, last: usize, before_quote: bool) -> Option<(usize, Sign)> {
        let mut joined = String::new();
        let mut nearest: Option<(usize, Sign)> = None;
        for begin in (from..=last).rev() {
            joined.insert(0, ' ');
            joined.insert_str(0, self.lines[begin].bare);
            match attribution_sign(&joined, before_quote) {
                Some(Sign::Opened) => return Some((begin, Sign::Opened)),
                Some(sign) if nearest.is_none_or(|(_, n)| n == Sign::Verb && sign != Sign::Verb) => nearest = Some((begin, sign)),
                _ => {}
            }
        }
        let (mut begin, sign) = nearest?;
        while begin > from && is_continued(self.lines[begin - 1].bare, self.lines[begin].bare) {
            begin -= 1;
        }
        Some((begin, sign))
    }

    fn next_shown(&self, from: usize) -> Option<usize> {
        (from..self.lines.len().min(from + 6)).find(|i| !self.lines[*i].is_blank())
    }

    /// The end of the quotation that the attribution `at..=last` announces; none where unquoted text follows it.
    fn after_attribution(&self, at: usize, last: usize) -> Option<usize> {
        let Some(next) = self.next_shown(last + 1) else {
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
                Kind::Own => {
                    let before_history = if n + 1 == stretches.len() { was_cut } else { stretches[n + 1].kind != Kind::Forwarded };
                    self.without_signature(s.lines.clone(), before_history)
                }
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
                Kind::Forwarded => self.joined(stretch.lines.clone()),
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
        let quoted: Vec<&str> = self.lines[lines].iter().filter(|l| l.quoted && !l.is_blank()).map(|l| l.text.trim_start()).collect();
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

    /// The lines without the signature at their end, and without the rule of dashes that stands above cut history.
    fn without_signature(&self, lines: Range<usize>, before_history: bool) -> Range<usize> {
        let mut end = lines.end;
        if let Some(at) = lines.clone().find(|i| is_signature_line(self.lines[*i].text)) {
            let below = self.lines[at + 1..end].iter().filter(|l| !l.is_blank()).count();
            if below <= SIGNATURE_LINES_MAX {
                end = at;
            }
        }
        if let Some(at) = lines.clone().take_while(|i| *i < end).find(|i| self.is_list_footer(*i, end)) {
            end = at;
        }
        loop {
            while end > lines.start && self.lines[end - 1].is_blank() {
                end -= 1;
            }
            let Some(last) = end.checked_sub(1).filter(|last| *last >= lines.start) else { break };
            let bare = self.lines[last].bare;
            if is_program_signature(bare) || before_history && is_rule(bare) {
                end = last;
                continue;
            }
            // A line and its link below it.
            let is_link = bare.starts_with("http") || bare.starts_with('<');
            if is_link && last > lines.start && is_program_signature(self.lines[last - 1].bare) {
                end = last - 1;
                continue;
            }
            break;
        }
        lines.start..end
    }

    /// A line of underscores with a mailing list's name and addresses under it.
    fn is_list_footer(&self, at: usize, end: usize) -> bool {
        let bare = self.lines[at].bare;
        bare.len() >= 20
            && bare.bytes().all(|b| b == b'_')
            && self.lines[at + 1..end].iter().filter(|l| !l.is_blank()).count() <= 6
            && self.lines[at + 1..end].iter().any(|l| l.bare.contains("mailing list") || l.bare.contains("mailman"))
    }
}

/// Lower case, white space collapsed.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(is_invisible).filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    out
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '_' | '=' | '*' | '—' | '–' | '─' | '━' | '－' | '＿' | '~' | '+' | '#' | ' ' | '\u{a0}' | '\u{3000}' | '<' | '>')
}

/// A line of dashes alone.
fn is_rule(bare: &str) -> bool {
    bare.chars().filter(|c| *c != ' ').count() >= 3 && bare.chars().all(is_dash) && !bare.contains(['<', '>'])
}

/// Whether it is the line that our mails begin with, whatever a mail program put around it.
pub fn is_marker(bare: &str) -> bool {
    let is_ours = || bare.contains("##-") && MARKERS.iter().any(|m| bare.contains(m));
    // Other helpdesks write theirs between number signs too.
    let is_another_s = || bare.len() > 12 && bare.starts_with("##") && bare.ends_with("##") && bare.contains(' ');
    bare.len() <= ATTRIBUTION_BYTES_MAX && (is_ours() || is_another_s())
}

fn is_original_message_line(bare: &str) -> bool {
    let core = dashed_core(bare);
    core.is_some_and(|core| ORIGINAL_MESSAGE.iter().any(|m| core == *m))
}

/// The words between dashes, folded; none where no dashes stand before them or the line is long.
fn dashed_core(bare: &str) -> Option<String> {
    if bare.len() > 200 {
        return None;
    }
    let core = bare.trim_matches(is_dash).trim_matches([':', '：', '[', ']', '【', '】']);
    let dashes = bare.chars().take_while(|c| is_dash(*c)).filter(|c| *c != ' ').count();
    (dashes >= 2 && !core.is_empty()).then(|| folded(core))
}

fn is_forward_line(bare: &str) -> bool {
    let core = match dashed_core(bare) {
        Some(core) => core,
        // Apple Mail has no dashes but a colon.
        None if bare.len() <= 200 && bare.ends_with([':', '：']) => folded(bare.trim_end_matches([':', '：'])),
        None => return false,
    };
    FORWARDED.iter().any(|f| core == *f || core.starts_with(f) && core.len() <= f.len() + 60)
}

fn label(bare: &str) -> Option<Label> {
    let bare = bare.trim_start_matches(['*', '_', '>', ' ', '-', '|', '\u{2022}']);
    let head = &bare[..bare.floor_char_boundary(LABEL_BYTES_MAX)];
    let colon = head.find([':', '：', '﹕'])?;
    let key = folded(head[..colon].trim_matches(['*', '_', ' ', '\u{a0}']));
    if key.is_empty() {
        return None;
    }
    if let Some(label) = LABELS_BY_WORD.get(key.as_str()) {
        return Some(*label);
    }
    // Chinese, Japanese and Korean words are sometimes spaced to one width.
    let squeezed: String = key.chars().filter(|c| !c.is_whitespace()).collect();
    LABELS_BY_WORD.get(squeezed.as_str()).copied().filter(|_| !squeezed.is_ascii())
}

/// Whether a line may be the last of an attribution: a cheap test that most lines fail.
fn ends_like_attribution(bare: &str) -> bool {
    let tail = bare.trim_end_matches(is_dash).trim_end();
    tail.ends_with([':', '：', '﹕'])
        || bare.ends_with('>') && bare.contains('@')
        || ["wrote", "寫道", "写道", "schrieb", "scritto", "escribió"].iter().any(|v| tail.ends_with(v))
}

/// What speaks for an attribution, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Sign {
    /// It begins, goes on and ends as one, with a date or an address.
    Opened,
    /// It ends as one and holds an address or a time of day.
    Certain,
    /// It ends as one and holds a date.
    Dated,
    /// It ends as one before a quotation.
    Verb,
}

/// Whether `line` says whose words follow. Before a quotation a verb is enough; elsewhere it must also hold a date or address.
fn attribution_sign(line: &str, before_quote: bool) -> Option<Sign> {
    let line = folded(line);
    let line = line.trim_matches(|c: char| is_dash(c) && c != '<' && c != '>');
    let body = line.trim_end_matches(|c: char| matches!(c, ':' | '：' | '﹕' | '"' | '”') || is_dash(c) && c != '>').trim_end();
    let has_colon = body.len() < line.len();
    let strong = holds_date_or_address(body);
    if !strong && !before_quote {
        return None;
    }
    let sign = if strong && (body.contains('@') || holds_time(body)) {
        Sign::Certain
    } else if strong {
        Sign::Dated
    } else {
        Sign::Verb
    };
    // "2026年11月21日(土) 20:13 X <x@example.com>:"
    let dated_address = strong && body.contains('@') && body.ends_with(['>', ')']);
    if dated_address && (before_quote || has_colon && body.starts_with(|c: char| c.is_ascii_digit())) {
        return Some(Sign::Certain);
    }
    let mut found = None;
    for rule in ATTRIBUTIONS {
        let this = if rule.verb_ends {
            body.ends_with(rule.verb).then_some(sign)
        } else {
            let opens = rule.opens.iter().any(|o| body.starts_with(o));
            let ends = || has_colon || before_quote || body.ends_with(rule.verb.trim()) || body.ends_with('>');
            if strong && opens && body.contains(rule.verb) && ends() {
                return Some(Sign::Opened);
            }
            (strong && rule.opens.is_empty() && has_colon && body.contains(rule.verb)).then_some(sign)
        };
        found = found.or(this);
    }
    found
}

/// Whether an attribution goes on from one line to the next: an address or a date on a line of its own.
fn is_continued(above: &str, below: &str) -> bool {
    above.ends_with('<')
        || above.ends_with(',') && above.contains('@')
        || below.starts_with('<')
        || above.ends_with('>') && above.contains('@') && below.starts_with(['於', '于', '在'])
}

/// A time of day: digits around a colon.
fn holds_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(3).any(|w| w[0].is_ascii_digit() && w[1] == b':' && w[2].is_ascii_digit())
}

/// An address, a year, or three groups of digits.
fn holds_date_or_address(text: &str) -> bool {
    if text.contains('@') || text.contains("mailto:") {
        return true;
    }
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

/// `-- ` and what people make of it.
fn is_signature_line(text: &str) -> bool {
    let text = text.trim_matches(['\u{a0}', ' ']);
    matches!(text, "--" | "—" | "--=20" | "__")
}

fn is_program_signature(bare: &str) -> bool {
    let bare = bare.trim_matches(['_', '*', '[', ']', '(', ')', '.', '。', ' ', '\u{a0}']);
    let bare = bare.split(['<', '(']).next().unwrap_or(bare);
    if bare.is_empty() || bare.chars().count() > PROGRAM_SIGNATURE_CHARS_MAX {
        return false;
    }
    // A sentence goes on after a comma.
    if bare.contains([',', '，', '。', '？', '?', '!', '！']) && !bare.contains("!メール") {
        return false;
    }
    let line = folded(bare);
    PROGRAM_SIGNATURES.iter().any(|p| line.starts_with(p))
        || DEVICE_SIGNATURES.iter().any(|p| line.starts_with(p)) && DEVICES.iter().any(|d| line.contains(d)) && line.chars().count() <= 40
}

#[cfg(test)]
mod tests;
