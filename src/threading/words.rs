//! What a text is made of: words and character pairs for comparing, and what kind of saying it is.

mod names;
mod tone;

use std::ops::Range;

use super::lexicon;
use super::subjects::{self, Subject};
pub use names::Names;
pub use tone::{Small, Tone, is_call};

/// Longer texts are read no further, in characters.
const READ_CHARS_MAX: usize = 2_000;
/// A number of fewer digits may be a price, a size or a time.
const CODE_DIGITS_MIN: usize = 4;
/// More letters in front of a number are a word: Office365.
const CODE_LETTERS_MAX: usize = 3;
/// How far a number of [`CODE_DIGITS_MIN`] digits names one thing, in hundredths.
const HALF_A_CODE: u8 = 60;
/// A word or pair counts no more often than this within one text.
const COUNT_MAX: u8 = 4;

/// A text as the threader sees it.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Words (Latin letters, digits) and pairs of neighbouring Chinese or Japanese characters: hash and count, sorted by hash.
    pub tokens: Vec<(u64, u8)>,
    /// Its Chinese and Japanese characters one by one, but those that say nothing; sorted, each once.
    pub chars: Vec<char>,
    /// What it is about, as far as the list of subjects knows; sorted, each once.
    pub subjects: Vec<Subject>,
    /// The numbers of orders, plates and machines that it names (`TW-88213`, `A107`): hashes, sorted, each once, with how far each names
    /// one thing, in hundredths.
    pub codes: Vec<(u64, u8)>,
    /// How much it says: a Latin word counts one, two Chinese characters count one.
    pub length: f32,
    pub tone: Tone,
}

impl Words {
    /// Reads `text`. `names` are the people of the chat, whose names say nothing of the matter.
    pub fn read(text: &str, names: &Names) -> Self {
        let text: String = text.chars().take(READ_CHARS_MAX).map(plain).collect::<String>().to_lowercase();
        let without_names = without_names(&text, names);
        let asked = without_asking(&without_names);
        let (mut hashes, mut codes) = (vec![], vec![]);
        let mut length = 0.0;
        for_each_token(&without_names, |_, weight| length += weight);
        for_each_token(&asked, |place, _| {
            let token = &asked[place];
            if !lexicon::says_nothing(token) {
                hashes.push(hash(token));
            }
            codes.extend(codes_of(token).map(|(code, strength)| (hash(code), strength)));
        });
        codes.sort_unstable();
        codes.dedup();
        hashes.sort_unstable();
        let mut tokens: Vec<(u64, u8)> = vec![];
        for token in hashes {
            match tokens.last_mut() {
                Some((last, count)) if *last == token => *count = (*count + 1).min(COUNT_MAX),
                _ => tokens.push((token, 1)),
            }
        }
        let mut chars: Vec<char> = asked.chars().filter(|c| is_wide(*c) && !lexicon::is_function_char(*c)).collect();
        chars.sort_unstable();
        chars.dedup();
        let tone = tone::of(&text, &without_names, names);
        let subjects = subjects::of(&without_names);
        Self { tokens, chars, subjects, codes, length, tone }
    }

    /// Whether the token occurs.
    pub fn has(&self, token: u64) -> bool {
        self.tokens.binary_search_by_key(&token, |t| t.0).is_ok()
    }
}

/// What a word names that hardly anything else is called, with how far it does, in hundredths: itself, where it is a few letters before a
/// number (PO4471), and its digits, where they are many. A year, a day written as eight digits and a round sum are none; four digits may be
/// a price or a time.
pub(super) fn codes_of(word: &str) -> impl Iterator<Item = (&str, u8)> {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = word.len() - digits.len();
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let is_named = is_number && (1..=CODE_LETTERS_MAX).contains(&letters) && digits.len() >= CODE_DIGITS_MIN - 1;
    let is_day = matches!(digits.len(), 4 | 8) && digits.starts_with("20");
    let is_usual = is_day || digits.ends_with("00");
    let strength = if digits.len() == CODE_DIGITS_MIN { HALF_A_CODE } else { 100 };
    let number = (is_number && digits.len() >= CODE_DIGITS_MIN && !is_usual).then_some((digits, strength));
    is_named.then_some((word, 100)).into_iter().chain(number)
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
pub(super) fn is_in_word(c: char) -> bool {
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

/// 「水塔什麼時候洗」 and 「發票什麼時候寄」 share nothing: neither a word nor a pair of characters of how they ask.
fn without_asking(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let asked = lexicon::asks(rest);
        out.push(if asked.is_some() { ' ' } else { c });
        rest = &rest[asked.unwrap_or(c.len_utf8())..];
    }
    out
}

fn without_names(text: &str, names: &Names) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_at = rest.strip_prefix('@');
        let fresh = is_wide(c) || out.chars().next_back().is_none_or(|c| !is_in_word(c));
        let called = names.at_start(after_at.unwrap_or(rest)).map(|(bytes, _)| bytes).filter(|_| fresh);
        let skip = match (called, after_at) {
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
