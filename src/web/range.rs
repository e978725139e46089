//! Which part of a file is asked for (RFC 9110, section 14). One range; who asks for several gets the whole, as the RFC allows.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// The longest `Range` or `If-Range` that is looked at.
const HEADER_BYTES_MAX: usize = 256;

/// What is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// 200: all of it.
    Whole,
    /// 206: these octets; never empty.
    Part(Range<u64>),
    /// 416: it has no such octets.
    Beyond,
    /// 304: the asker has it.
    Known,
}

/// What `headers` ask of a file of `size` octets whose entity tag is `tag` (with its quotes).
pub(super) fn asked(headers: &HeaderMap, size: u64, tag: &str) -> Asked {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok()).filter(|v| v.len() <= HEADER_BYTES_MAX).map(str::trim);
    // Section 13.1.2: compared weakly.
    if text(header::IF_NONE_MATCH).is_some_and(|tags| tags == "*" || tags.split(',').any(|t| t.trim().trim_start_matches("W/") == tag)) {
        return Asked::Known;
    }
    // Section 13.1.5: another version, or a date, which we never tell.
    if text(header::IF_RANGE).is_some_and(|t| t != tag) {
        return Asked::Whole;
    }
    text(header::RANGE).and_then(|range| part(range, size)).unwrap_or(Asked::Whole)
}

/// `None` for what is no range of octets, or several: as if nothing had been said.
fn part(range: &str, size: u64) -> Option<Asked> {
    let (unit, range) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    // A number that is too long for us is far beyond every file.
    let number = |digits: &str| -> Option<u64> {
        let digits = digits.trim();
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    let found = if first.trim().is_empty() {
        let count = number(last)?;
        size.saturating_sub(count)..size
    } else {
        let first = number(first)?;
        let end = if last.trim().is_empty() { size } else { number(last)?.saturating_add(1).min(size) };
        if !last.trim().is_empty() && number(last)? < first {
            return None;
        }
        first..end
    };
    Some(if found.start < found.end { Asked::Part(found) } else { Asked::Beyond })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn of(said: &[(HeaderName, &str)], size: u64) -> Asked {
        let headers = said.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
        asked(&headers, size, "\"abc\"")
    }

    #[test]
    fn one_range_is_a_part() {
        let cases = [
            ("bytes=0-0", 0..1),
            ("bytes=0-99", 0..100),
            ("bytes=10-", 10..100),
            ("Bytes = 10 - 19", 10..20),
            ("bytes=90-500", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-500", 0..100),
            ("bytes=0-99999999999999999999999", 0..100),
        ];
        for (range, part) in cases {
            assert_eq!(of(&[(header::RANGE, range)], 100), Asked::Part(part), "{range}");
        }
    }

    #[test]
    fn what_no_octet_answers_is_beyond() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(of(&[(header::RANGE, range)], 100), Asked::Beyond, "{range}");
        }
        assert_eq!(of(&[(header::RANGE, "bytes=0-")], 0), Asked::Beyond);
    }

    #[test]
    fn what_is_no_range_is_not_heard() {
        for range in ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-1", "items=0-1", "bytes=0-1,5-6", "bytes=+1-2", "bytes=0x1-"]
        {
            assert_eq!(of(&[(header::RANGE, range)], 100), Asked::Whole, "{range}");
        }
        let long = format!("bytes=0-{}", "0".repeat(HEADER_BYTES_MAX));
        assert_eq!(of(&[(header::RANGE, &long)], 100), Asked::Whole);
    }

    #[test]
    fn a_part_is_given_of_the_version_that_the_asker_has() {
        let range = (header::RANGE, "bytes=1-2");
        assert_eq!(of(&[range.clone(), (header::IF_RANGE, "\"abc\"")], 9), Asked::Part(1..3));
        for other in ["\"abd\"", "W/\"abc\"", "Sat, 21 Nov 2026 10:00:00 GMT"] {
            assert_eq!(of(&[range.clone(), (header::IF_RANGE, other)], 9), Asked::Whole, "{other}");
        }
    }

    #[test]
    fn what_the_asker_has_is_not_sent_again() {
        for tags in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert_eq!(of(&[(header::IF_NONE_MATCH, tags), (header::RANGE, "bytes=0-1")], 9), Asked::Known, "{tags}");
        }
        assert_eq!(of(&[(header::IF_NONE_MATCH, "\"x\"")], 9), Asked::Whole);
    }
}
