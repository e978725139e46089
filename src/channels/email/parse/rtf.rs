//! The rich text inside `winmail.dat`: decompression (MS-OXRTFCP) and its plain text.

/// The most bytes that are unpacked.
const UNPACKED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The size of the dictionary, in bytes.
const DICTIONARY_BYTES: usize = 4096;
/// What the dictionary begins with (MS-OXRTFCP, 2.1.3.1.1).
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
/// Groups inside each other; deeper ones are read as the one they are in.
const GROUPS_MAX: usize = 200;

/// Unpacks compressed rich text; `None` if it is none. What is cut off ends it.
pub(super) fn decompressed(packed: &[u8]) -> Option<Vec<u8>> {
    let word = |at: usize| packed.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let size = usize::try_from(word(4)?).ok()?.min(UNPACKED_BYTES_MAX);
    let body = packed.get(16..)?;
    match word(8)? {
        // "MELA": not compressed.
        0x414c_454d => return Some(body[..size.min(body.len())].to_vec()),
        // "LZFu"
        0x7546_5a4c => {}
        _ => return None,
    }
    let mut dictionary = DICTIONARY.to_vec();
    let mut write = dictionary.len();
    dictionary.resize(DICTIONARY_BYTES, 0);
    let mut out = Vec::new();
    let mut bytes = body.iter().copied();
    while out.len() < size {
        let Some(flags) = bytes.next() else { break };
        for bit in 0..8 {
            let Some(first) = bytes.next() else { return Some(out) };
            if flags >> bit & 1 == 0 {
                put(first, &mut dictionary, &mut write, &mut out);
                continue;
            }
            let Some(second) = bytes.next() else { return Some(out) };
            let reference = usize::from(first) << 8 | usize::from(second);
            let from = reference >> 4;
            if from == write {
                return Some(out);
            }
            // Byte by byte: a copy may run into what it writes.
            for at in from..from + (reference & 15) + 2 {
                let b = dictionary[at % DICTIONARY_BYTES];
                put(b, &mut dictionary, &mut write, &mut out);
            }
        }
    }
    out.truncate(size);
    Some(out)
}

/// Writes a byte out and into the dictionary.
fn put(b: u8, dictionary: &mut [u8], write: &mut usize, out: &mut Vec<u8>) {
    dictionary[*write] = b;
    *write = (*write + 1) % DICTIONARY_BYTES;
    out.push(b);
}

/// What a group of rich text holds.
#[derive(Clone, Copy)]
struct Group {
    /// Fonts, colours, pictures: nothing to read.
    hidden: bool,
    /// How many characters stand in for one that `\u` writes.
    fallback: usize,
}

/// The text of rich text, or of the HTML that Outlook wraps in it (MS-OXRTFEX), without its markup.
pub(super) fn text(rtf: &[u8]) -> String {
    let mut reader = Rtf { rest: rtf, out: String::new(), bytes: Vec::new(), charset: encoding_rs::WINDOWS_1252, skip: 0 };
    let mut groups = vec![Group { hidden: false, fallback: 1 }];
    while let Some((&b, rest)) = reader.rest.split_first() {
        reader.rest = rest;
        let group = groups.last().copied().unwrap_or(Group { hidden: false, fallback: 1 });
        match b {
            b'{' if groups.len() < GROUPS_MAX => groups.push(group),
            b'}' if groups.len() > 1 => {
                groups.pop();
            }
            b'\\' => reader.control(groups.last_mut()),
            b'{' | b'}' | b'\r' | b'\n' => {}
            b if !group.hidden => reader.byte(b),
            _ => {}
        }
    }
    reader.flush();
    reader.out.trim().to_owned()
}

struct Rtf<'a> {
    rest: &'a [u8],
    out: String,
    /// Bytes in `charset` that wait to be read together.
    bytes: Vec<u8>,
    charset: &'static encoding_rs::Encoding,
    /// Characters to pass over after `\u`.
    skip: usize,
}

impl Rtf<'_> {
    fn byte(&mut self, b: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.bytes.push(b);
        }
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            self.out.push_str(&self.charset.decode_without_bom_handling(&self.bytes).0);
            self.bytes.clear();
        }
    }

    /// What follows a backslash.
    fn control(&mut self, group: Option<&mut Group>) {
        let mut spare = Group { hidden: false, fallback: 1 };
        let group = group.unwrap_or(&mut spare);
        let Some(&first) = self.rest.first() else { return };
        if !first.is_ascii_alphabetic() {
            self.rest = &self.rest[1..];
            match first {
                b'*' => group.hidden = true,
                b'\'' => {
                    let hex = self.rest.get(..2).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
                    self.rest = self.rest.get(2..).unwrap_or_default();
                    if let Some(b) = hex.filter(|_| !group.hidden) {
                        self.byte(b);
                    }
                }
                b'~' if !group.hidden => self.byte(b' '),
                b'\\' | b'{' | b'}' if !group.hidden => self.byte(first),
                _ => {}
            }
            return;
        }
        let letters = self.rest.iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
        let (word, rest) = self.rest.split_at(letters);
        let digits = rest.iter().take(10).enumerate().take_while(|(i, b)| b.is_ascii_digit() || *i == 0 && **b == b'-').count();
        let number: Option<i32> = std::str::from_utf8(&rest[..digits]).ok().and_then(|d| d.parse().ok());
        let rest = &rest[digits..];
        self.rest = rest.strip_prefix(b" ").unwrap_or(rest);
        self.word(word, number, group);
    }

    fn word(&mut self, word: &[u8], number: Option<i32>, group: &mut Group) {
        match word {
            b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object" | b"header" | b"footer" => group.hidden = true,
            // What only the rich text needs, beside the HTML that it wraps.
            b"htmlrtf" => group.hidden = number != Some(0),
            b"ansicpg" => {
                let label = number.map_or(String::new(), |n| match n {
                    950 => "big5".to_owned(),
                    936 => "gb18030".to_owned(),
                    932 => "shift_jis".to_owned(),
                    949 => "euc-kr".to_owned(),
                    n => format!("windows-{n}"),
                });
                self.charset = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap_or(self.charset);
            }
            b"uc" => group.fallback = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).min(8),
            _ if group.hidden => {}
            b"par" | b"line" | b"row" => {
                self.flush();
                self.out.push('\n');
            }
            b"tab" | b"cell" => self.byte(b'\t'),
            b"u" => {
                self.flush();
                let unit = number.map(|n| n.rem_euclid(0x1_0000)).and_then(|n| u32::try_from(n).ok());
                self.out.extend(unit.and_then(char::from_u32));
                self.skip = group.fallback;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_text_reads_as_plain_text() {
        let rtf = b"{\\rtf1\\ansi\\ansicpg950{\\fonttbl{\\f0 Arial;}}{\\*\\generator x;}\\pard \\'a4\\'f4\\'ba\\'de\\par \\u28431?\\u27700?\\{x\\}\\tab y}";
        assert_eq!(text(rtf), "水管\n漏水{x}\ty");
        assert_eq!(text(b"{\\rtf1 {\\*\\htmltag64 <p>}\\htmlrtf \\par \\htmlrtf0 hi}"), "hi");
        for cut in 0..rtf.len() {
            text(&rtf[..cut]);
        }
    }

    #[test]
    fn compressed_rich_text_is_unpacked() {
        // The example of MS-OXRTFCP, 4.1.1.
        let packed = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0, 0x0a, 0, 0x72, 0x63, 0x70, 0x67, 0x31,
            0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a,
            0x80, 0x0f, 0xa0,
        ];
        assert_eq!(decompressed(&packed).as_deref(), Some(&b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"[..]));
        for cut in 0..packed.len() {
            decompressed(&packed[..cut]);
        }
        assert_eq!(decompressed(b"nothing of the kind, really"), None);
    }
}
