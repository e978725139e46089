//! The parameters of Content-Type and Content-Disposition where the parser is known to fail: names in pieces that cut a
//! character in two (RFC 2231, 3), and Windows paths whose backslashes are no escapes.

use super::transfer;
use crate::channels::email::charset;

/// The most pieces that a parameter is read from.
const PIECES_MAX: usize = 200;

/// Whether the parser is known to fail on a field.
pub(super) fn needs_own(raw: &str, parsed_badly: bool) -> bool {
    parsed_badly || raw.contains(":\\") || raw.contains("*0") || raw.contains("*1")
}

/// The value of parameter `name` (lower case) in the unfolded or folded value of a field.
pub(super) fn find(raw: &str, name: &str) -> Option<String> {
    let mut plain = None;
    let mut pieces: Vec<(u32, bool, String)> = Vec::new();
    for (key, value) in pairs(raw).into_iter().take(PIECES_MAX) {
        let mut parts = key.splitn(2, '*');
        if parts.next() != Some(name) {
            continue;
        }
        match parts.next() {
            None => plain = plain.or(Some(value)),
            Some("") => pieces.push((0, true, value)),
            Some(rest) => {
                let number = rest.trim_end_matches('*');
                if let Ok(number) = number.parse() {
                    pieces.push((number, rest.ends_with('*'), value));
                }
            }
        }
    }
    if pieces.is_empty() {
        return plain;
    }
    pieces.sort_by_key(|p| p.0);
    let mut label = String::new();
    let mut bytes = Vec::new();
    for (n, (_, is_encoded, value)) in pieces.iter().enumerate() {
        let mut value = value.as_str();
        if n == 0
            && *is_encoded
            && let Some((charset, rest)) = value.split_once('\'')
            && let Some((_, rest)) = rest.split_once('\'')
        {
            charset.clone_into(&mut label);
            value = rest;
        }
        if *is_encoded {
            bytes.extend(transfer::lenient_quoted_printable(value.replace('=', "=3D").replace('%', "=").as_bytes()));
        } else {
            bytes.extend_from_slice(value.as_bytes());
        }
    }
    Some(charset::decoded(&bytes, Some(label.as_str()).filter(|l| !l.is_empty())))
}

/// `key=value` pairs after the first semicolon, keys in lower case, quotes removed.
fn pairs(raw: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = raw.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.rsplit(';').next().unwrap_or(key);
        let (value, after) = value(after.trim_start());
        found.push((key.trim().to_ascii_lowercase(), value));
        rest = after;
        if found.len() >= PIECES_MAX {
            break;
        }
    }
    found
}

/// A token or quoted string, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut out = String::new();
    let mut chars = inner.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (out, &inner[at + 1..]),
            // Only these are escapes; elsewhere it is a path.
            '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, next)) => out.push(next),
                None => out.push('\\'),
            },
            '\r' | '\n' => {}
            c => out.push(c),
        }
    }
    (out, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_before_they_are_read() {
        let raw = "attachment;\r\n filename*1*=%B1%E5%83%B9.pdf;\r\n filename*0*=UTF-8''%E5%A0";
        assert_eq!(find(raw, "filename").as_deref(), Some("報價.pdf"));
        let raw = "attachment; filename*0=\"long \"; filename*1=\"name.pdf\"; filename=short.pdf";
        assert_eq!(find(raw, "filename").as_deref(), Some("long name.pdf"));
    }

    #[test]
    fn paths_keep_their_backslashes() {
        assert_eq!(find("image/png; name=\"C:\\TEMP\\n.png\"", "name").as_deref(), Some("C:\\TEMP\\n.png"));
        assert_eq!(find("x/y; name=\"a \\\"b\\\".txt\"", "name").as_deref(), Some("a \"b\".txt"));
        assert_eq!(find("x/y; name=plain.txt ; a=b", "name").as_deref(), Some("plain.txt"));
        assert_eq!(find("x/y", "name"), None);
    }
}
