//! `winmail.dat`: what Outlook sends in its own format (MS-OXTNEF), with the text and files of a mail inside.

use encoding_rs::Encoding;

use super::rtf;

/// What stands at the beginning of every such file (MS-OXTNEF, 2.1.3.1).
const SIGNATURE: u32 = 0x223e_9f78;
/// The most files that are taken out.
const FILES_MAX: usize = 200;
/// The most attributes that are read.
const ATTRIBUTES_MAX: usize = 10_000;
/// The most properties of a message or file that are read.
const PROPERTIES_MAX: u32 = 2_000;

/// A file of the mail.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// As Outlook shows it; empty where it has none.
    pub(super) name: String,
    /// Its declared type, where it has one.
    pub(super) content_type: Option<String>,
    pub(super) bytes: Vec<u8>,
}

/// What is inside.
#[derive(Default, Debug)]
pub(super) struct Contents {
    /// The text of the mail, where it is in there.
    pub(super) text: Option<String>,
    /// Its HTML.
    pub(super) html: Option<String>,
    pub(super) files: Vec<File>,
}

/// Little-endian numbers and bytes, until there are no more.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    /// Bytes with their number before them, filled up to a multiple of four.
    fn counted(&mut self) -> Option<&'a [u8]> {
        let n = usize::try_from(self.u32()?).ok()?;
        let bytes = self.take(n)?;
        self.take(n.next_multiple_of(4).checked_sub(n)?.min(self.0.len()))?;
        Some(bytes)
    }
}

/// Reads `bytes`; `None` if they are no such file. What is damaged ends the reading, and what was read before it counts.
pub(super) fn read(bytes: &[u8]) -> Option<Contents> {
    let mut reader = Reader(bytes);
    if reader.u32()? != SIGNATURE {
        return None;
    }
    reader.u16()?;
    let mut contents = Contents::default();
    let mut charset = encoding_rs::WINDOWS_1252;
    let mut rtf = None;
    for _ in 0..ATTRIBUTES_MAX {
        let Some((id, value)) = attribute(&mut reader) else { break };
        match id {
            // attOemCodepage
            0x0006_9007 => charset = Reader(value).u32().map_or(charset, |page| code_page(page, charset)),
            // attBody
            0x0002_800c => contents.text = Some(ansi(value, charset)),
            // attMsgProps
            0x0006_9003 => {
                for property in properties(value) {
                    match property.id {
                        0x1000 => contents.text = Some(property.text(charset)),
                        0x1013 => contents.html = Some(property.text(charset)),
                        0x1009 => rtf = Some(property.value),
                        _ => {}
                    }
                }
            }
            // attAttachRenddata: a new file begins.
            0x0006_9002 if contents.files.len() < FILES_MAX => contents.files.push(File::default()),
            _ => {
                if let Some(file) = contents.files.last_mut() {
                    file_attribute(file, id, value, charset);
                }
            }
        }
    }
    if contents.text.as_deref().is_none_or(|t| t.trim().is_empty()) && contents.html.is_none() {
        contents.text = rtf.and_then(|r| rtf::decompressed(&r)).map(|r| rtf::text(&r));
    }
    contents.files.retain(|f| !f.bytes.is_empty() || !f.name.is_empty());
    Some(contents)
}

/// An attribute's id and value (level, id, length, value, checksum).
fn attribute<'a>(reader: &mut Reader<'a>) -> Option<(u32, &'a [u8])> {
    reader.take(1)?;
    let id = reader.u32()?;
    let length = usize::try_from(reader.u32()?).ok()?;
    let value = reader.take(length)?;
    // The last checksum may be cut off.
    reader.u16();
    Some((id, value))
}

fn file_attribute(file: &mut File, id: u32, value: &[u8], charset: &'static Encoding) {
    match id {
        // attAttachTitle: a short name.
        0x0001_8010 if file.name.is_empty() => file.name = ansi(value, charset),
        // attAttachData
        0x0006_800f => file.bytes = value.to_vec(),
        // attAttachment
        0x0006_9005 => {
            for property in properties(value) {
                match property.id {
                    // PidTagAttachLongFilename
                    0x3707 => file.name = property.text(charset),
                    0x370e => file.content_type = Some(property.text(charset)),
                    // PidTagAttachDataBinary; an object (a mail in a mail) has an interface's id before its bytes.
                    0x3701 if file.bytes.is_empty() => {
                        let skipped = if property.kind == 0x000d { 16 } else { 0 };
                        file.bytes = property.value.get(skipped..).unwrap_or_default().to_vec();
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// A property of a message or file (MS-OXTNEF, 2.1.3.4).
struct Property {
    id: u16,
    kind: u16,
    value: Vec<u8>,
}

impl Property {
    fn text(&self, charset: &'static Encoding) -> String {
        if self.kind == 0x001f {
            return encoding_rs::UTF_16LE.decode(&self.value).0.trim_end_matches('\0').to_owned();
        }
        ansi(&self.value, charset)
    }
}

/// The properties in `value` up to the first that cannot be read.
fn properties(value: &[u8]) -> Vec<Property> {
    let mut reader = Reader(value);
    let count = reader.u32().unwrap_or(0).min(PROPERTIES_MAX);
    let mut found = Vec::new();
    for _ in 0..count {
        let Some(property) = property(&mut reader) else { break };
        found.push(property);
    }
    found
}

fn property(reader: &mut Reader<'_>) -> Option<Property> {
    let kind = reader.u16()?;
    let id = reader.u16()?;
    if id >= 0x8000 {
        // A named one: its set, then a number or a name.
        reader.take(16)?;
        if reader.u32()? == 0 {
            reader.u32()?;
        } else {
            reader.counted()?;
        }
    }
    let is_many = kind & 0x1000 != 0;
    let base = kind & 0x0fff;
    let is_counted = matches!(base, 0x000d | 0x001e | 0x001f | 0x0102);
    let count = if is_many || is_counted { reader.u32()? } else { 1 };
    let mut value = Vec::new();
    for _ in 0..count.min(PROPERTIES_MAX) {
        let bytes = match base {
            0x000d | 0x001e | 0x001f | 0x0102 => reader.counted()?,
            // 16-bit numbers and truth values fill four bytes.
            0x0002 | 0x000b | 0x0003 | 0x0004 | 0x000a | 0x0001 => reader.take(4)?,
            0x0005..=0x0007 | 0x0014 | 0x0040 => reader.take(8)?,
            0x0048 => reader.take(16)?,
            _ => return None,
        };
        if value.is_empty() {
            value.extend_from_slice(bytes);
        }
    }
    Some(Property { id, kind: base, value })
}

fn ansi(value: &[u8], charset: &'static Encoding) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => charset.decode(value).0.into_owned(),
    };
    text.trim_end_matches('\0').to_owned()
}

fn code_page(page: u32, otherwise: &'static Encoding) -> &'static Encoding {
    match page {
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GB18030,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        65001 => encoding_rs::UTF_8,
        874 | 1250..=1258 => Encoding::for_label(format!("windows-{page}").as_bytes()).unwrap_or(otherwise),
        _ => otherwise,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn attribute(id: u32, value: &[u8]) -> Vec<u8> {
        let sum = value.iter().fold(0_u16, |s, b| s.wrapping_add(u16::from(*b)));
        let length = u32::try_from(value.len()).expect("short");
        [&[1][..], &id.to_le_bytes(), &length.to_le_bytes(), value, &sum.to_le_bytes()].concat()
    }

    fn counted(value: &[u8]) -> Vec<u8> {
        let mut out = u32::try_from(value.len()).expect("short").to_le_bytes().to_vec();
        out.extend_from_slice(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    fn string(id: u16, text: &str) -> Vec<u8> {
        let utf16: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        [&0x001f_u16.to_le_bytes()[..], &id.to_le_bytes(), &1_u32.to_le_bytes(), &counted(&utf16)].concat()
    }

    pub(in super::super) fn sample() -> Vec<u8> {
        let message =
            [&2_u32.to_le_bytes()[..], &[0x03, 0, 0x01, 0x80], &[7; 16], &[0; 4], &[9, 0, 0, 0], &[1, 0, 0, 0], &string(0x1000, "內文")]
                .concat();
        let file = [&1_u32.to_le_bytes()[..], &string(0x3707, "報價單.pdf")].concat();
        [
            &SIGNATURE.to_le_bytes()[..],
            &[1, 0],
            &attribute(0x0006_9007, &[0xb6, 3, 0, 0, 0, 0, 0, 0]),
            &attribute(0x0006_9003, &message),
            &attribute(0x0006_9002, &[0; 14]),
            &attribute(0x0001_8010, b"QUOTE~1.PDF\0"),
            &attribute(0x0006_800f, b"%PDF"),
            &attribute(0x0006_9005, &file),
        ]
        .concat()
    }

    #[test]
    fn text_and_files_are_taken_out() {
        let contents = read(&sample()).expect("it is one");
        assert_eq!(contents.text.as_deref(), Some("內文"));
        assert_eq!(contents.files, [File { name: "報價單.pdf".to_owned(), content_type: None, bytes: b"%PDF".to_vec() }]);
    }

    #[test]
    fn no_cut_or_damaged_file_breaks_the_reader() {
        let whole = sample();
        for end in 0..whole.len() {
            read(&whole[..end]);
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                read(&damaged);
            }
        }
        assert!(read(b"no").is_none() && read(b"%PDF-1.7 ....").is_none());
    }
}
