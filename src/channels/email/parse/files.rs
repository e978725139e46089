//! The files of a mail and their names.

use std::borrow::Cow;

use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, Encoding, HeaderName, Message, MessagePart, MimeHeaders, PartType};

use super::head::{Head, text_of};
use super::{params, tnef, transfer, words};
use crate::channels::email::header;
use crate::channels::email::html::NamesById;
use crate::domain::MailAttachment;

/// The most attachments of a mail that are kept.
const ATTACHMENTS_MAX: usize = 200;
/// The longest attachment name, in characters; its ending is kept.
pub(super) const NAME_CHARS_MAX: usize = 200;

/// The files of a mail, and what else was found in them.
#[derive(Default)]
pub(super) struct Files {
    pub(super) list: Vec<MailAttachment>,
    /// Names of pictures by Content-ID, without brackets.
    pub(super) names_by_id: NamesById,
    /// The mail's text inside `winmail.dat`.
    pub(super) text: Option<String>,
    /// The mail's HTML inside `winmail.dat`.
    pub(super) html: Option<String>,
}

impl Files {
    /// The attachments of `mail`: every part that is no body, with those inside `winmail.dat` in its place.
    pub(super) fn of(mail: &Message<'_>, hint: Option<&'static encoding_rs::Encoding>) -> Self {
        let mut found = Self::default();
        let is_body = |p: &&MessagePart<'_>| mail.parts.len() == 1 && matches!(p.body, PartType::Text(_)) && !is_calendar(p);
        let parts = mail.attachments.iter().filter_map(|id| mail.parts.get(*id as usize)).filter(|p| !is_body(p));
        for part in parts.take(ATTACHMENTS_MAX) {
            let file = file(&Head { mail, part, hint }, found.list.len() + 1);
            if is_tnef(part, &file) && found.unpack(&file.bytes) {
                continue;
            }
            if let Some(id) = part.content_id() {
                found.names_by_id.insert(id.trim_matches(['<', '>']).to_owned(), file.name.clone());
            }
            found.list.push(file);
        }
        found
    }

    /// Adds files that came without a part of their own.
    pub(super) fn add(&mut self, files: impl IntoIterator<Item = (String, Vec<u8>)>) {
        for (name, bytes) in files.into_iter().take(ATTACHMENTS_MAX.saturating_sub(self.list.len())) {
            let name = file_name(&name).unwrap_or_else(|| format!("attachment-{}.bin", self.list.len() + 1));
            self.list.push(MailAttachment { name, content_type: "application/octet-stream".to_owned(), bytes });
        }
    }

    /// Takes out what a `winmail.dat` holds; false if it is none.
    fn unpack(&mut self, bytes: &[u8]) -> bool {
        let Some(contents) = tnef::read(bytes) else { return false };
        self.text = self.text.take().or(contents.text);
        self.html = self.html.take().or(contents.html);
        for file in contents.files.into_iter().take(ATTACHMENTS_MAX.saturating_sub(self.list.len())) {
            let name = file_name(&file.name).unwrap_or_else(|| format!("attachment-{}.bin", self.list.len() + 1));
            let content_type = file.content_type.filter(|t| t.contains('/')).unwrap_or_else(|| "application/octet-stream".to_owned());
            self.list.push(MailAttachment { name, content_type: content_type.to_lowercase(), bytes: file.bytes });
        }
        true
    }
}

/// Calendars are for programs; people read what [`super::bodies::invitation`] makes of them.
pub(super) fn is_calendar(part: &MessagePart<'_>) -> bool {
    part.is_content_type("text", "calendar")
}

fn is_tnef(part: &MessagePart<'_>, file: &MailAttachment) -> bool {
    part.is_content_type("application", "ms-tnef")
        || part.is_content_type("application", "vnd.ms-tnef")
        || file.name.eq_ignore_ascii_case("winmail.dat")
}

fn file(part: &Head<'_>, number: usize) -> MailAttachment {
    let content_type = part.part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |ct| ct.subtype().map_or_else(|| ct.ctype().to_owned(), |sub| format!("{}/{sub}", ct.ctype())).to_lowercase(),
    );
    let is_message = matches!(part.part.body, PartType::Message(_));
    let name = match attachment_name(part) {
        Some(name) if is_message && !name.to_ascii_lowercase().ends_with(".eml") => format!("{name}.eml"),
        Some(name) => name,
        None => unnamed(part.part, &content_type, number),
    };
    MailAttachment { name, content_type, bytes: part_bytes(part.mail, part.part).into_owned() }
}

/// A part's bytes with the transfer encoding removed and nothing else.
pub(super) fn part_bytes<'a>(mail: &'a Message<'_>, part: &'a MessagePart<'_>) -> Cow<'a, [u8]> {
    let raw = mail.raw_message.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    if part.encoding == Encoding::Base64 && transfer::is_cut_base64(raw) {
        return Cow::Owned(transfer::lenient_base64(raw));
    }
    if let PartType::Binary(bytes) | PartType::InlineBinary(bytes) = &part.body {
        return Cow::Borrowed(bytes);
    }
    let decoded = match part.encoding {
        Encoding::Base64 => mail_parser::decoders::base64::base64_decode(raw),
        Encoding::QuotedPrintable => mail_parser::decoders::quoted_printable::quoted_printable_decode(raw),
        Encoding::None if part.is_encoding_problem => match part.content_transfer_encoding().map(str::to_ascii_lowercase).as_deref() {
            Some("quoted-printable") => Some(transfer::lenient_quoted_printable(raw)),
            Some("base64") => Some(transfer::lenient_base64(raw)),
            _ => None,
        },
        Encoding::None => None,
    };
    decoded.map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// The name that the part declares, as a plain file name.
fn attachment_name(part: &Head<'_>) -> Option<String> {
    for (field, attribute) in [(HeaderName::ContentDisposition, "filename"), (HeaderName::ContentType, "name")] {
        let Some(header) = part.last(&field) else { continue };
        let repaired = part.repaired(header, false);
        let raw = repaired.clone().unwrap_or_else(|| String::from_utf8_lossy(header::raw_value(part.mail, header)).into_owned());
        if params::needs_own(&raw, repaired.is_some())
            && let Some(name) = params::find(&raw, attribute).as_deref().and_then(file_name)
        {
            return Some(name);
        }
        let reparsed = repaired.as_ref().map(|raw| MessageStream::new(raw.as_bytes()).parse_content_type());
        let content: Option<&ContentType<'_>> = reparsed.as_ref().unwrap_or(&header.value).as_content_type();
        if let Some(name) = content.and_then(|c| c.attribute(attribute)).and_then(file_name) {
            return Some(name);
        }
    }
    part.part.content_location().filter(|l| !l.contains("://")).and_then(file_name)
}

/// `name` without folders, control characters and what could reorder it on a screen; none if nothing is left.
pub fn file_name(name: &str) -> Option<String> {
    // Some programs put RFC 2047 words where only RFC 2231 is allowed.
    let name = if name.contains("=?") { words::decoded(name, false) } else { name.to_owned() };
    let name: String = name
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    let last = name.rsplit(['/', '\\']).next().unwrap_or("").trim();
    if last.is_empty() || last.chars().all(|c| c == '.') {
        return None;
    }
    let chars: Vec<char> = last.chars().collect();
    if chars.len() <= NAME_CHARS_MAX {
        return Some(last.to_owned());
    }
    let (stem, ending) = last.rsplit_once('.').filter(|(_, e)| e.len() <= 12).unwrap_or((last, ""));
    let stem: String = stem.chars().take(NAME_CHARS_MAX - ending.chars().count() - 1).collect();
    Some(if ending.is_empty() { stem } else { format!("{stem}.{ending}") })
}

/// Endings of unnamed attachments by type.
const ENDINGS: &[(&str, &str)] = &[
    ("text/plain", "txt"),
    ("text/html", "html"),
    ("text/calendar", "ics"),
    ("text/csv", "csv"),
    ("text/x-vcard", "vcf"),
    ("text/vcard", "vcf"),
    ("text/rfc822-headers", "txt"),
    ("message/delivery-status", "txt"),
    ("message/rfc822", "eml"),
    ("image/jpeg", "jpg"),
    ("image/jpg", "jpg"),
    ("image/png", "png"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/heic", "heic"),
    ("image/svg+xml", "svg"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("application/msword", "doc"),
    ("application/pgp-signature", "asc"),
    ("application/pkcs7-signature", "p7s"),
    ("application/x-pkcs7-signature", "p7s"),
    ("audio/mpeg", "mp3"),
    ("audio/mp4", "m4a"),
    ("video/mp4", "mp4"),
];

fn unnamed(part: &MessagePart<'_>, content_type: &str, number: usize) -> String {
    // Exchange writes the name of a picture into its Content-ID (`image001.png@01DC…`).
    let by_id = part.content_id().and_then(|id| id.split_once('@')).map(|(local, _)| local).filter(|l| l.contains('.'));
    if let Some(name) = by_id.and_then(file_name) {
        return name;
    }
    if let PartType::Message(inner) = &part.body {
        let subject = inner.header(HeaderName::Subject).map(text_of).unwrap_or_default();
        let plain: String = subject.chars().map(|c| if matches!(c, '/' | '\\') { '_' } else { c }).collect();
        return file_name(&plain).map_or_else(|| format!("message-{number}.eml"), |name| format!("{name}.eml"));
    }
    let ending = ENDINGS.iter().find(|(t, _)| *t == content_type).map_or("bin", |(_, e)| e);
    let kind = if content_type.starts_with("image/") { "image" } else { "attachment" };
    format!("{kind}-{number}.{ending}")
}
