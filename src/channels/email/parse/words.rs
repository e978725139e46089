//! RFC 2047 encoded words that the parser cannot read: a character set it does not know (UTF-7), characters cut in two
//! between words (Taiwanese and Japanese programs count bytes), or bytes that are not in the set that the word names.

use std::borrow::Cow;

use super::transfer;
use crate::channels::email::charset;

/// The most encoded words of a field that are decoded.
const WORDS_MAX: usize = 2_000;

/// The longest field that is decoded, in bytes.
const FIELD_BYTES_MAX: usize = 64 * 1024;
/// The longest encoded word, in bytes; RFC 2047 allows 75, programs write whole subjects into one.
const WORD_BYTES_MAX: usize = 8 * 1024;

/// An encoded word, decoded from base64 or quoted-printable only.
struct Word<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
}

/// Whether the parser is known to fail on a field.
pub(super) fn needs_own(raw: &str, parsed_badly: impl FnOnce() -> bool) -> bool {
    raw.contains("=?") && (names_utf7(raw) || parsed_badly())
}

fn names_utf7(raw: &str) -> bool {
    raw.match_indices("=?").take(WORDS_MAX).any(|(at, _)| {
        let name = raw[at + 2..].split('?').next().unwrap_or("");
        name.len() < 24 && name.to_ascii_lowercase().ends_with("utf-7")
    })
}

/// `raw` with its encoded words read; as quoted strings if `quoting`, so that what they say is no syntax.
pub(super) fn decoded(raw: &str, quoting: bool) -> String {
    let raw = &raw[..raw.floor_char_boundary(FIELD_BYTES_MAX)];
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut open: Option<Word<'_>> = None;
    for _ in 0..WORDS_MAX {
        let Some((before, word, after)) = next_word(rest) else { break };
        // Words with nothing but white space between them are one text (RFC 2047, 6.2).
        let joins = before.trim().is_empty() && open.as_ref().is_some_and(|o| o.charset.eq_ignore_ascii_case(word.charset));
        match &mut open {
            Some(o) if joins => o.bytes.extend_from_slice(&word.bytes),
            _ => {
                let is_between = open.is_some() && before.trim().is_empty();
                close(&mut out, open.take(), quoting);
                if !is_between {
                    out.push_str(before);
                }
                open = Some(word);
            }
        }
        rest = after;
    }
    close(&mut out, open, quoting);
    out.push_str(rest);
    out
}

fn close(out: &mut String, word: Option<Word<'_>>, quoting: bool) {
    let Some(word) = word else { return };
    let text = text_of(&word);
    let is_inside = out.matches('"').count() % 2 == 1;
    if quoting && !is_inside {
        out.push('"');
    }
    if quoting {
        out.extend(
            text.chars().filter(|c| !matches!(c, '\r' | '\n')).flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])),
        );
    } else {
        out.push_str(&text);
    }
    if quoting && !is_inside {
        out.push('"');
    }
}

fn text_of(word: &Word<'_>) -> Cow<'static, str> {
    // RFC 2231, 5: a language may follow the name.
    let label = word.charset.split('*').next().unwrap_or("");
    Cow::Owned(charset::decoded(&word.bytes, Some(label)))
}

/// What stands before the next encoded word, the word, and what follows it.
fn next_word(text: &str) -> Option<(&str, Word<'_>, &str)> {
    let mut from = 0;
    while let Some(at) = text[from..].find("=?").map(|n| n + from) {
        let inner = &text[at + 2..text.floor_char_boundary(at + WORD_BYTES_MAX)];
        if let Some((charset, rest)) = inner.split_once('?')
            && charset.len() < 48
            && !charset.contains(char::is_whitespace)
            && let Some((kind, rest)) = rest.split_once('?')
            && let Some((body, _)) = rest.split_once("?=")
        {
            let after = &text[at + 2 + charset.len() + 1 + kind.len() + 1 + body.len() + 2..];
            let bytes = match kind {
                "B" | "b" => Some(transfer::lenient_base64(body.as_bytes())),
                "Q" | "q" => Some(transfer::lenient_quoted_printable(body.replace('_', " ").as_bytes())),
                _ => None,
            };
            if let Some(bytes) = bytes {
                return Some((&text[..at], Word { charset, bytes }, after));
            }
        }
        from = at + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        let words: Vec<String> = bytes.iter().map(|b| format!("={b:02X}")).collect();
        words.concat()
    }

    #[test]
    fn words_are_joined_before_they_are_read() {
        // "水" is cut in two between the words.
        let (bytes, ..) = encoding_rs::BIG5.encode("水管");
        let word = |b: &[u8]| format!("=?big5?Q?{}?=", hex(b));
        let raw = format!("Re: {}\r\n {}", word(&bytes[..1]), word(&bytes[1..]));
        assert_eq!(decoded(&raw, false), "Re: 水管");
    }

    #[test]
    fn utf7_and_misnamed_words_are_read() {
        assert_eq!(decoded("=?utf-7?Q?Fr+APY-sche?=", false), "Frösche");
        let (bytes, ..) = encoding_rs::SHIFT_JIS.encode("ツール");
        let raw = format!("=?ISO-2022-JP?Q?{}?= <a@b.c>", hex(&bytes));
        assert_eq!(decoded(&raw, true), "\"ツール\" <a@b.c>");
        assert!(needs_own("=?UTF-7?Q?x?=", || false) && !needs_own("=?UTF-8?Q?x?=", || false) && !needs_own("x", || true));
    }

    #[test]
    fn what_is_no_word_stays() {
        for text in ["=?", "=?a?b?c", "=?x y?Q?z?=", "1 =? 2 ?= 3", ""] {
            assert_eq!(decoded(text, false), text);
        }
        assert_eq!(decoded("\"=?utf-8?Q?a=22b?=\" <x@y.z>", true), "\"a\\\"b\" <x@y.z>");
    }
}
