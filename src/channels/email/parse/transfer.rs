//! Transfer encodings as mail programs really write them: base64 without its end, quoted-printable with stray signs,
//! uuencoded files in the text.

/// RFC 2045, 6.7, with what is no `=XX` kept as it is.
pub(super) fn lenient_quoted_printable(raw: &[u8]) -> Vec<u8> {
    let hex = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(raw.len());
    let mut i = 0;
    while i < raw.len() {
        let rest = &raw[i..];
        if rest.starts_with(b"=\r\n") {
            i += 3;
        } else if rest.starts_with(b"=\n") {
            i += 2;
        } else if let (b'=', Some(high), Some(low)) = (rest[0], hex(rest.get(1)), hex(rest.get(2))) {
            out.extend(u8::try_from(high * 16 + low));
            i += 3;
        } else {
            out.push(rest[0]);
            i += 1;
        }
    }
    out
}

fn base64_value(b: u8) -> Option<u8> {
    Some(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// RFC 2045, 6.8, with everything outside the alphabet passed over.
pub(super) fn lenient_base64(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for value in raw.iter().filter_map(|b| base64_value(*b)) {
        buffer = buffer << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits & 0xff) as u8);
        }
    }
    out
}

/// Whether base64 ends without the signs that fill its last group up: strict decoders lose that group.
pub(super) fn is_cut_base64(raw: &[u8]) -> bool {
    !raw.trim_ascii_end().ends_with(b"=") && raw.iter().filter(|b| base64_value(**b).is_some()).count() % 4 != 0
}

/// The most files that are taken out of a text.
const UU_FILES_MAX: usize = 100;
/// The longest encoded line, in bytes (45 bytes become 60 signs, with a length before them).
const UU_LINE_BYTES_MAX: usize = 90;

/// A file in a text: its name and bytes.
pub(super) type NamedBytes = (String, Vec<u8>);

/// Takes uuencoded files (POSIX `uuencode`) out of `text`: what is left, and their names and bytes. `None` without one.
pub(super) fn uudecoded(text: &str) -> Option<(String, Vec<NamedBytes>)> {
    if !text.starts_with("begin ") && !text.contains("\nbegin ") {
        return None;
    }
    let lines: Vec<&str> = text.lines().collect();
    // Where the file that would end at each line ends, so that no line is searched twice.
    let mut next_end = vec![None; lines.len() + 1];
    for (i, line) in lines.iter().enumerate().rev() {
        next_end[i] = if line.trim_end() == "end" { Some(i) } else { next_end[i + 1] };
    }
    let (mut left, mut files) = (String::with_capacity(text.len()), Vec::new());
    let mut i = 0;
    while i < lines.len() {
        let found = uu_name(lines[i]).filter(|_| files.len() < UU_FILES_MAX).zip(next_end[i]);
        if let Some((name, end)) = found
            && let Some(bytes) = uu_bytes(&lines[i + 1..end])
        {
            files.push((name.to_owned(), bytes));
            i = end + 1;
            continue;
        }
        left.push_str(lines[i]);
        left.push('\n');
        i += 1;
    }
    (!files.is_empty()).then_some((left, files))
}

/// The name in `begin 644 name`.
fn uu_name(line: &str) -> Option<&str> {
    let (mode, name) = line.strip_prefix("begin ")?.split_once(' ')?;
    let is_mode = (3..=4).contains(&mode.len()) && mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
    (is_mode && !name.trim().is_empty()).then(|| name.trim())
}

/// The bytes of uuencoded lines; `None` where one is none.
fn uu_bytes(lines: &[&str]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for line in lines.iter().map(|l| l.trim_end_matches('\r').as_bytes()) {
        let Some((length, signs)) = line.split_first() else { continue };
        let value = |b: u8| (32..=96).contains(&b).then(|| u32::from(b - 32) & 63);
        let length = usize::try_from(value(*length)?).ok()?;
        if signs.len() > UU_LINE_BYTES_MAX || signs.len() + 1 < length * 4 / 3 {
            return None;
        }
        let before = out.len();
        for group in signs.chunks(4) {
            let mut bits = 0;
            for k in 0..4 {
                bits = bits << 6 | value(group.get(k).copied().unwrap_or(b' '))?;
            }
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
        }
        out.resize(before + length, 0);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_without_its_end_keeps_every_byte() {
        assert_eq!(lenient_base64(b"aGVsbG8"), b"hello");
        assert_eq!(lenient_base64(b"aGVs\r\nbG8="), b"hello");
        assert!(is_cut_base64(b"aGVsbG8\r\n") && !is_cut_base64(b"aGVsbG8=\r\n") && !is_cut_base64(b"aGVs\r\n"));
    }

    #[test]
    fn uuencoded_files_are_taken_out_of_the_text() {
        let text = "before\nbegin 644 a b.txt\n%:&5L;&\\\n`\nend\nafter";
        let (left, files) = uudecoded(text).expect("a file");
        assert_eq!(left, "before\nafter\n");
        assert_eq!(files, [("a b.txt".to_owned(), b"hello".to_vec())]);
        for text in ["begin 644 x\nthis is prose, not a file, and it goes on and on\nend", "begin with me\nend", "begin 644 x\nno end", "x"]
        {
            assert_eq!(uudecoded(text), None, "{text}");
        }
    }
}
