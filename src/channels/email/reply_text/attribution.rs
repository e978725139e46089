//! Lines that say whose words follow: "X wrote at Y:".

use std::collections::HashMap;
use std::sync::LazyLock;

use super::line::{Line, folded, holds_date, holds_date_or_address, holds_time, is_dash};
use super::words::{ATTRIBUTIONS, Attribution};

/// Lines that an attribution ("X wrote:") may be wrapped over.
pub(super) const LINES_MAX: usize = 4;
/// The longest attribution, in bytes.
pub(super) const BYTES_MAX: usize = 600;
/// Lines after an attribution that are searched for the quotation.
const NEXT_LINES_MAX: usize = 6;
/// How soon the date comes after the word that opens an attribution, in characters.
const DATE_CHARS_MAX: usize = 14;
/// The longest name after the verb where no colon ends the attribution, in characters.
const NAME_CHARS_MAX: usize = 60;

/// A line that may be a verb alone, in bytes.
const SHORT_BYTES_MAX: usize = 24;

/// The verbs by their last character, which most lines do not end with.
static VERBS_BY_END: LazyLock<HashMap<char, Vec<&'static str>>> = LazyLock::new(|| {
    let mut verbs: HashMap<char, Vec<&'static str>> = HashMap::new();
    for verb in ATTRIBUTIONS.iter().map(|a| a.verb.trim()) {
        let last = verb.chars().next_back().into_iter().flat_map(|c| c.to_lowercase().chain(c.to_uppercase()));
        for c in last {
            verbs.entry(c).or_default().push(verb);
        }
    }
    verbs
});

/// What speaks for an attribution, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Sign {
    /// It begins, goes on and ends as one, with a date or an address.
    Opened,
    /// It ends as one and holds an address or a time of day.
    Certain,
    /// It ends as one and holds a date.
    Dated,
    /// It ends as one before a quotation.
    Verb,
}

/// The last line of the attribution that begins at line `at`, and what speaks for it.
pub(super) fn at(lines: &[Line<'_>], at: usize) -> Option<(usize, Sign)> {
    let mut bytes = 0;
    for last in at..lines.len().min(at + LINES_MAX) {
        let line = lines[last];
        bytes += line.bare.len() + 1;
        if line.is_blank() || line.quoted || bytes > BYTES_MAX {
            return None;
        }
        if ends_like_one(line.bare) {
            let before_quote = next_shown(lines, last + 1).is_none_or(|i| lines[i].quoted);
            let is_likely = before_quote || lines[at..=last].iter().any(|l| holds_date_or_address(l.bare));
            if is_likely && let Some((begin, sign)) = begin(lines, at, last, before_quote) {
                // An attribution that begins further down is met when we come to it.
                return (begin == at).then_some((last, sign));
            }
        }
    }
    None
}

/// Where the attribution that ends at line `last` begins, not before `from`: at the nearest line with a word that opens
/// attributions, else at the nearest that makes it hold a date or address.
fn begin(lines: &[Line<'_>], from: usize, last: usize, before_quote: bool) -> Option<(usize, Sign)> {
    let mut joined = String::new();
    let mut nearest: Option<(usize, Sign)> = None;
    for begin in (from..=last).rev() {
        joined.insert(0, ' ');
        joined.insert_str(0, lines[begin].bare);
        match sign(&joined, before_quote) {
            Some(Sign::Opened) => return Some((begin, Sign::Opened)),
            Some(sign) if nearest.is_none_or(|(_, n)| n == Sign::Verb && sign != Sign::Verb) => nearest = Some((begin, sign)),
            _ => {}
        }
    }
    let (mut begin, sign) = nearest?;
    while begin > from && is_continued(lines[begin - 1].bare, lines[begin].bare) {
        begin -= 1;
    }
    Some((begin, sign))
}

/// The next line that is not blank, within a few lines.
pub(super) fn next_shown(lines: &[Line<'_>], from: usize) -> Option<usize> {
    (from..lines.len().min(from + NEXT_LINES_MAX)).find(|i| !lines[*i].is_blank())
}

/// Whether a line may be the last of an attribution: a cheap test that most lines fail.
fn ends_like_one(bare: &str) -> bool {
    let tail = bare.trim_end_matches(is_dash).trim_end();
    if tail.ends_with([':', '：', '﹕']) || bare.ends_with('>') && bare.contains('@') {
        return true;
    }
    // Without a colon it must have a date to be worth a closer look, or be cut short after the verb.
    if bare.len() > BYTES_MAX {
        return false;
    }
    let is_dated = holds_date(bare);
    if (is_dated || bare.len() <= SHORT_BYTES_MAX)
        && let Some(verbs) = tail.chars().next_back().and_then(|c| VERBS_BY_END.get(&c))
    {
        let line = folded(tail);
        if verbs.iter().any(|v| line.ends_with(v)) {
            return true;
        }
    }
    if !is_dated || !holds_time(bare) {
        return false;
    }
    let line = folded(tail);
    stamped(&line) || ATTRIBUTIONS.iter().any(|a| is_cut_short(a, &line))
}

/// Whether `line` says whose words follow. Before a quotation a verb is enough; elsewhere it must also hold a date or address.
pub(super) fn sign(line: &str, before_quote: bool) -> Option<Sign> {
    let line = folded(line);
    let line = line.trim_matches(|c: char| is_dash(c) && c != '<' && c != '>');
    let body = line.trim_end_matches(|c: char| matches!(c, ':' | '：' | '﹕' | '"' | '”') || is_dash(c) && c != '>').trim_end();
    let has_colon = body.len() < line.len();
    let strong = holds_date_or_address(body);
    if !strong && !before_quote {
        return None;
    }
    let sign = if strong && (body.contains('@') || holds_time(body) && (has_colon || before_quote)) {
        Sign::Certain
    } else if strong {
        Sign::Dated
    } else {
        Sign::Verb
    };
    // "2026年11月21日(土) 20:13 X <x@example.com>:"
    let dated_address = strong && body.contains('@') && body.ends_with(['>', ')']);
    let begins_with_date = || body.starts_with(|c: char| c.is_ascii_digit());
    if dated_address && (before_quote || has_colon && begins_with_date()) || has_colon && names_and_dates(body) || stamped(body) {
        return Some(Sign::Certain);
    }
    let mut found = None;
    for rule in ATTRIBUTIONS {
        let this = if rule.verb_ends {
            body.ends_with(rule.verb).then_some(sign)
        } else {
            let opens = rule.opens.iter().any(|o| body.starts_with(o));
            let ends = || has_colon || before_quote || body.ends_with(rule.verb.trim()) || body.ends_with('>') || is_cut_short(rule, body);
            let holds = || body.contains(rule.verb) || body.ends_with(rule.verb.trim_end());
            if strong && opens && holds() && ends() {
                return Some(Sign::Opened);
            }
            (strong && rule.opens.is_empty() && has_colon && body.contains(rule.verb)).then_some(sign)
        };
        found = found.or(this);
    }
    found
}

/// "Am 20.06.24 um 16:20 schrieb X - Y": an opening word, the date at once, the time, the verb, a name without a sentence.
fn is_cut_short(rule: &Attribution, line: &str) -> bool {
    let opened = rule.opens.iter().find_map(|o| line.strip_prefix(o));
    let Some(rest) = opened.filter(|_| !rule.verb_ends && holds_time(line)) else { return false };
    let Some((dated, name)) = rest.split_once(rule.verb) else { return false };
    dated.chars().take(DATE_CHARS_MAX).any(|c| c.is_ascii_digit())
        && holds_date(dated)
        && name.chars().count() <= NAME_CHARS_MAX
        && !name.contains(['.', '!', '?', ','])
}

/// A bracketed mail address, a date and a time of day: what Gmail and Apple Mail write in every language before a colon.
fn names_and_dates(line: &str) -> bool {
    let bracketed = line.match_indices('@').any(|(at, _)| {
        let before = line[..at].rfind(['<', '(', '（', '[']);
        let after = line[at..].find(['>', ')', '）', ']']);
        before.is_some_and(|b| !line[b..at].contains(' ')) && after.is_some_and(|a| !line[at..at + a].contains(' '))
    });
    bracketed && holds_date(line) && (holds_time(line) || holds_dotted_time(line)) && !line.contains(['?', '!', '？', '！', '。'])
}

/// "kl. 10.30", "10h30": hours and minutes that are no part of a date.
fn holds_dotted_time(line: &str) -> bool {
    let bytes = line.as_bytes();
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    (1..bytes.len()).any(|i| {
        matches!(bytes[i], b'.' | b'h')
            && digit(i - 1)
            && digit(i + 1)
            && digit(i + 2)
            && !digit(i + 3)
            && bytes.get(i + 3) != Some(&b'.')
            && (i < 2 || bytes[i - 2] == b' ' || digit(i - 2) && (i < 3 || bytes[i - 3] == b' '))
    })
}

/// "2026-11-21 20:13 GMT+08:00 X": what older Gmail wrote in every language.
fn stamped(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() >= 16
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b' '
        && (line.contains(" gmt+") || line.contains(" gmt-"))
        && holds_time(line)
}

/// Words that open an attribution in the middle of a line, as they are written there, and the verb it ends with.
const SHARED: &[(&str, &[&str])] = &[
    (" On ", &["wrote:", "sent:"]),
    (" Am ", &["schrieb:"]),
    (" Le ", &["a écrit :", "a écrit:"]),
    (" El ", &["escribió:"]),
    (" Il ", &["ha scritto:"]),
    (" Op ", &["schreef:"]),
    (" Em ", &["escreveu:"]),
    (" Den ", &["skrev:"]),
    (" W dniu ", &["napisał:", "napisał(a):"]),
];

/// The byte at which an attribution begins after own words on the same line.
pub(super) fn begins_within(text: &str) -> Option<usize> {
    let tail = text.trim_end();
    if tail.len() > BYTES_MAX || !tail.ends_with([':', '：']) {
        return None;
    }
    let (opens, _) = SHARED.iter().find(|(opens, verbs)| verbs.iter().any(|v| tail.ends_with(v)) && tail.contains(opens))?;
    let at = tail.match_indices(opens).map(|(at, _)| at).find(|at| {
        let rest = &tail[at + opens.len()..];
        let near: String = rest.chars().take(DATE_CHARS_MAX).collect();
        near.contains(|c: char| c.is_ascii_digit()) && holds_date(rest) && (holds_time(rest) || rest.contains('@'))
    })?;
    tail[..at].contains(char::is_alphanumeric).then_some(at + 1)
}

/// Whether an attribution goes on from one line to the next: an address or a date on a line of its own.
fn is_continued(above: &str, below: &str) -> bool {
    above.ends_with('<')
        || above.ends_with(',') && above.contains('@')
        || below.starts_with('<')
        || above.ends_with('>') && above.contains('@') && below.starts_with(['於', '于', '在'])
}
