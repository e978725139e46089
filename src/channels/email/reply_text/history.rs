//! Where history begins: separators (`-----Original Message-----`), header blocks, what helpdesks put above old posts.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::attribution;
use super::line::{Line, PHRASE_BYTES_MAX, folded, holds_date, holds_time, is_dash, is_rule};
use super::words::{EARLIER_POSTS, FORWARDED, LABELS, Label, ORIGINAL_MESSAGE};

/// The words of [`LABELS`]; where two parts share one, the first has it.
static LABELS_BY_WORD: LazyLock<HashMap<&'static str, Label>> =
    LazyLock::new(|| LABELS.iter().rev().flat_map(|(label, words)| words.iter().map(|w| (*w, *label))).collect());

/// Lines that are searched for the parts of a header block.
const HEADER_BLOCK_LINES_MAX: usize = 16;
/// The longest word before the colon in a header block, in bytes.
const LABEL_BYTES_MAX: usize = 48;
/// Characters of a label that are looked for before a colon within a line.
const LABEL_CHARS_MAX: usize = 16;
/// The longest line that is searched for history that begins within it, in bytes.
const SHARED_LINE_BYTES_MAX: usize = 2_000;
/// Colons of a line that are looked at for labels.
const COLONS_MAX: usize = 24;
/// Characters of a list's word that may follow the words of a forward line (`by X on DATE`), in bytes.
const FORWARD_TAIL_BYTES_MAX: usize = 60;

/// Whether the history begins at line `at` with a separator, a header block or a heading above old posts.
pub(super) fn begins(lines: &[Line<'_>], at: usize) -> bool {
    let bare = lines[at].bare;
    is_original_message_line(bare)
        || lines[at].label.is_some()
            && (is_header_block(lines, at) || flat_header(bare).is_some_and(|begin| !bare[..begin].contains(char::is_alphanumeric)))
        || heads_earlier_posts(lines, at)
}

/// Whether the own words of `text` end within it: the byte at which `-----Original Message-----`, a header block on one
/// line, or an attribution begins. Mail programs that turn HTML into text without line breaks leave such lines.
pub(super) fn begins_within(text: &str) -> Option<usize> {
    if text.len() > SHARED_LINE_BYTES_MAX || !(text.contains(':') || text.contains('：') || text.contains("----")) {
        return None;
    }
    separator_within(text)
        .or_else(|| flat_header(text).filter(|at| text[..*at].contains(char::is_alphanumeric)))
        .or_else(|| attribution::begins_within(text))
        .filter(|at| text.is_char_boundary(*at))
}

/// `… -----Original Message----- …`: the separator shares its line with what is above or below it.
fn separator_within(text: &str) -> Option<usize> {
    let begin = text.find("----")?;
    let dashed = &text[begin..];
    let words = dashed.trim_start_matches('-');
    let inner_at = text.len() - words.len();
    let inner = &words[..words.floor_char_boundary(PHRASE_BYTES_MAX)];
    let close = inner.find("----")?;
    let core = folded(inner[..close].trim());
    if !ORIGINAL_MESSAGE.contains(&core.as_str()) {
        return None;
    }
    let end = inner_at + close + words[close..].bytes().take_while(|b| *b == b'-').count();
    if text[..begin].contains(char::is_alphanumeric) { Some(begin) } else { text[end..].contains(char::is_alphanumeric).then_some(end) }
}

/// Where a header block on one line begins in `text`: `From: … Sent: … To: … Subject: …`.
fn flat_header(text: &str) -> Option<usize> {
    let colons = text.matches(':').take(3).count() + text.matches('：').take(3).count();
    let is_likely = text.contains('@') || holds_time(text) && holds_date(text);
    if colons < 3 || text.len() > SHARED_LINE_BYTES_MAX || !is_likely {
        return None;
    }
    let (mut first, mut seen) = (None, Vec::new());
    for (at, _) in text.match_indices([':', '：']).take(COLONS_MAX) {
        let Some((begin, label)) = label_before(text, at) else { continue };
        if label == Label::Cc {
            continue;
        }
        if !seen.contains(&label) {
            seen.push(label);
            first = first.or(Some(begin));
        }
    }
    (seen.contains(&Label::From) && seen.len() >= 3).then_some(first).flatten()
}

/// The label that ends at byte `colon`, and where it begins; the longest where several do.
fn label_before(text: &str, colon: usize) -> Option<(usize, Label)> {
    let head = text[..colon].trim_end();
    let mut found = None;
    for (begin, _) in head.char_indices().rev().take(LABEL_CHARS_MAX) {
        let word = &head[begin..];
        // A short word must stand alone; a longer one may be glued to what was on the line above it.
        let is_alone = || head[..begin].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        if word.chars().next().is_some_and(char::is_alphabetic)
            && (word.chars().count() >= 4 || is_alone())
            && let Some(label) = LABELS_BY_WORD.get(folded(word).as_str())
        {
            found = Some((begin, *label));
        }
    }
    found
}

/// Whether `From: … Date: … Subject: …` begins at line `at`, in any language, in any order that mail programs use.
fn is_header_block(lines: &[Line<'_>], at: usize) -> bool {
    let Some(first) = lines[at].label else { return false };
    if first == Label::Cc {
        return false;
    }
    let mut seen = vec![first];
    let mut typed = usize::from(is_typed(&lines[at]));
    let (mut blanks, mut others) = (0, 0);
    for line in lines[at + 1..].iter().take(HEADER_BLOCK_LINES_MAX) {
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
                    typed += usize::from(is_typed(line));
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
    let is_mail_s = typed > 0 || told == 3 || !lines[at..].iter().take(HEADER_BLOCK_LINES_MAX).any(|l| is_vague(l));
    has(Label::From) && told >= 2 && is_mail_s || told == 3 && first != Label::To || typed >= 2 && first != Label::To
}

/// Words before a colon by which people write journeys and deliveries too: "從：台北 至：高雄".
const VAGUE: &[&str] = &["從", "从", "自", "由"];

fn is_vague(line: &Line<'_>) -> bool {
    line.label == Some(Label::From) && line.bare.split_once([':', '：']).is_some_and(|(key, _)| VAGUE.contains(&key.trim()))
}

/// Whether a header line's value is what only mail programs write there: a date with its time, or a mail address.
fn is_typed(line: &Line<'_>) -> bool {
    let value = || line.bare.split_once([':', '：']).map_or("", |(_, v)| v);
    match line.label {
        Some(Label::Date) => holds_date(value()) && holds_time(value()),
        Some(Label::From | Label::To) => value().contains('@'),
        _ => false,
    }
}

/// A rule with "Previous Replies" or the like under it.
fn heads_earlier_posts(lines: &[Line<'_>], at: usize) -> bool {
    let is_heading = |bare: &str| bare.len() <= PHRASE_BYTES_MAX && EARLIER_POSTS.contains(&folded(bare.trim_matches(is_dash)).as_str());
    is_rule(lines[at].bare) && lines[at + 1..].iter().take(3).find(|l| !l.is_blank()).is_some_and(|l| is_heading(l.bare))
}

pub(super) fn is_original_message_line(bare: &str) -> bool {
    dashed_core(bare).is_some_and(|core| ORIGINAL_MESSAGE.contains(&core.as_str()))
}

/// The words between dashes, folded; none where no dashes stand before them or the line is long.
fn dashed_core(bare: &str) -> Option<String> {
    if bare.len() > PHRASE_BYTES_MAX {
        return None;
    }
    let dashes = bare.chars().take_while(|c| is_dash(*c)).filter(|c| *c != ' ').count();
    if dashes < 2 {
        return None;
    }
    let core = bare.trim_matches(is_dash).trim_matches([':', '：', '[', ']', '【', '】']);
    (!core.is_empty()).then(|| folded(core))
}

/// The line that stands before something passed on.
pub(super) fn is_forward_line(bare: &str) -> bool {
    let core = match dashed_core(bare) {
        Some(core) => core,
        // Apple Mail has no dashes but a colon.
        None if bare.len() <= PHRASE_BYTES_MAX && bare.ends_with([':', '：']) => folded(bare.trim_end_matches([':', '：'])),
        None => return false,
    };
    FORWARDED.iter().any(|f| core == *f || core.starts_with(f) && core.len() <= f.len() + FORWARD_TAIL_BYTES_MAX)
}

/// The part of a header block that a line begins as.
pub(super) fn label(bare: &str) -> Option<Label> {
    let bare = bare.trim_start_matches(['*', '_', '>', ' ', '-', '|', '\u{2022}']);
    let head = &bare[..bare.floor_char_boundary(LABEL_BYTES_MAX)];
    let colon = [head.find(':'), head.find('：'), head.find('﹕')].into_iter().flatten().min()?;
    let key = folded(head[..colon].trim_matches(['*', '_', ' ', '\u{a0}']));
    if key.is_empty() {
        return None;
    }
    if let Some(label) = LABELS_BY_WORD.get(key.as_str()) {
        return Some(*label);
    }
    if key.is_ascii() || !key.contains(' ') {
        return None;
    }
    // Chinese, Japanese and Korean words are sometimes spaced to one width.
    let squeezed: String = key.chars().filter(|c| !c.is_whitespace()).collect();
    LABELS_BY_WORD.get(squeezed.as_str()).copied()
}
