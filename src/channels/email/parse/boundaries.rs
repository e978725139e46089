//! Parts that were never closed: a multipart inside another whose last line is missing swallows the parts that follow it, and the last part
//! of a mail that was cut off is taken for a file.

use mail_parser::{Message, MimeHeaders};

/// The most multiparts whose ends are looked after.
const MULTIPARTS_MAX: usize = 64;

/// `raw` with the missing ends of multiparts put in; `None` where none is missing.
pub(super) fn closed(mail: &Message<'_>, raw: &[u8]) -> Option<Vec<u8>> {
    let boundary = |p: &mail_parser::MessagePart<'_>| p.content_type()?.attribute("boundary").map(|b| b.trim_end().as_bytes().to_vec());
    let boundaries: Vec<Vec<u8>> = mail.parts.iter().take(MULTIPARTS_MAX).filter_map(boundary).filter(|b| !b.is_empty()).collect();
    if boundaries.is_empty() {
        return None;
    }
    let mut open: Vec<usize> = Vec::new();
    let mut missing: Vec<(usize, Vec<usize>)> = Vec::new();
    // Whether a part has begun since the last boundary.
    let mut begun = false;
    let mut at = 0;
    for line in raw.split_inclusive(|b| *b == b'\n') {
        let end = at + line.len();
        begun |= !line.trim_ascii().is_empty();
        if let Some(rest) = line.strip_prefix(b"--") {
            let rest = rest.trim_ascii_end();
            let is_end = |b: &[u8]| rest.strip_suffix(b"--").is_some_and(|r| r == b);
            if let Some(which) = boundaries.iter().position(|b| rest == b || is_end(b)) {
                begun = false;
                match open.iter().rposition(|o| *o == which) {
                    Some(depth) => {
                        if depth + 1 < open.len() {
                            missing.push((at, open.drain(depth + 1..).rev().collect()));
                        }
                        if is_end(&boundaries[which]) {
                            open.truncate(depth);
                        }
                    }
                    None if rest == boundaries[which] => open.push(which),
                    None => {}
                }
            }
        }
        at = end;
    }
    if begun && !open.is_empty() {
        missing.push((raw.len(), open.drain(..).rev().collect()));
    }
    if missing.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(raw.len() + 64 * missing.len());
    let mut from = 0;
    for (at, ends) in missing {
        out.extend_from_slice(&raw[from..at]);
        for which in ends {
            out.extend_from_slice(b"--");
            out.extend_from_slice(&boundaries[which]);
            out.extend_from_slice(b"--\r\n\r\n");
        }
        from = at;
    }
    out.extend_from_slice(&raw[from..]);
    Some(out)
}
