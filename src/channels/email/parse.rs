//! Raw bytes to [`IncomingMail`].

use std::borrow::Cow;

use jiff::Timestamp;
use mail_parser::parsers::MessageStream;
use mail_parser::{
    Addr, Address, ContentType, Encoding, Header, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MessagePartId, MimeHeaders,
    PartType,
};

use super::{address, authenticity, auto_mail, charset, header, html, reply_text};
use crate::domain::{IncomingMail, MailAddress, MailAttachment, MessageId};

/// What is ours, to tell loops and to know whose verdict on the sender counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Own<'a> {
    /// The addresses of our mailboxes and of our outgoing mail, any case.
    pub addresses: &'a [String],
    /// The server whose `Authentication-Results` are believed; nobody's where absent.
    pub authserv_id: Option<&'a str>,
}

/// The longest text body that is kept, in bytes; what is beyond is cut off.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// The most attachments of a mail that are kept.
const ATTACHMENTS_MAX: usize = 200;
/// The most addresses that are read from a mail's head.
const ADDRESSES_MAX: usize = 500;
/// The most ids that are read from a References field, the newest of them.
const REFERENCES_MAX: usize = 200;
/// The longest attachment name, in characters; its ending is kept.
const NAME_CHARS_MAX: usize = 150;

/// Reads a mail, however damaged; `None` only when nothing at all can be read.
pub fn parse(raw: &[u8], own: &Own<'_>) -> Option<IncomingMail> {
    let raw = from_first_header(raw);
    // The parser drops a line without its end.
    let ended = if raw.ends_with(b"\n") { Cow::Borrowed(raw) } else { Cow::Owned([raw, b"\n"].concat()) };
    let raw = ended.as_ref();
    if raw.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let Some(mail) = MessageParser::default().parse(raw).filter(has_head) else {
        return Some(headless(raw));
    };
    let root = &mail.parts[0];
    let fields = header::fields(&mail);
    let hint = body_charset(&mail);
    let head = Head { mail: &mail, part: root, hint };
    let from = head.addresses(&HeaderName::From).into_iter().next();
    let subject = head.text(&HeaderName::Subject);
    let bodies = Bodies::of(&mail);
    let reply = if address::is_forward(&subject) && !bodies.text.is_empty() {
        reply_text::forwarded_text(&bodies.text)
    } else {
        reply_text::new_text_of(&bodies.plain, bodies.html.as_deref())
    };
    let from_domain = from.as_ref().and_then(|f| f.address.rsplit_once('@')).map_or("", |(_, d)| d);
    let authenticity = authenticity::judge(&fields, from_domain, own.authserv_id);
    let auto = auto_mail::classify(&auto_mail::Facts {
        fields: &fields,
        mail: &mail,
        from: from.as_ref(),
        subject: &subject,
        text: &bodies.text,
        own: own.addresses,
    });
    let mut recipients = Vec::new();
    for name in [HeaderName::To, HeaderName::Cc, HeaderName::DeliveredTo] {
        recipients.extend(head.addresses(&name));
    }
    for name in ["X-Original-To", "Envelope-To", "X-Envelope-To"] {
        recipients.extend(header::all(&fields, name).flat_map(|v| parsed_addresses(v.as_bytes())));
    }
    recipients.truncate(ADDRESSES_MAX);
    let mut references = head.ids(&HeaderName::References);
    references.drain(..references.len().saturating_sub(REFERENCES_MAX));
    Some(IncomingMail {
        message_id: head.ids(&HeaderName::MessageId).into_iter().next(),
        in_reply_to: head.ids(&HeaderName::InReplyTo).into_iter().next(),
        references,
        from,
        recipients,
        cc: head.addresses(&HeaderName::Cc),
        subject,
        date: mail.date().filter(|d| d.is_valid()).and_then(|d| Timestamp::from_second(d.to_timestamp()).ok()),
        text: bodies.text,
        reply,
        attachments: attachments(&mail, hint),
        auto,
        authenticity,
    })
}

/// Without blank lines and an mbox separator before the head.
fn from_first_header(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let mut raw = &raw[raw.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(raw.len())..];
    if raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        raw = &raw[raw.iter().position(|b| *b == b'\n').map_or(raw.len(), |n| n + 1)..];
    }
    raw
}

/// Whether anything in the head can be a field's name (RFC 5322, 2.2).
fn has_head(mail: &Message<'_>) -> bool {
    mail.parts.first().is_some_and(|p| p.headers.iter().any(|h| h.name.as_str().bytes().all(|b| b.is_ascii_graphic())))
}

/// A mail without any header field: all of it is text.
fn headless(raw: &[u8]) -> IncomingMail {
    let text = tidy(&charset::sniffed(raw, None));
    IncomingMail {
        message_id: None,
        in_reply_to: None,
        references: Vec::new(),
        from: None,
        recipients: Vec::new(),
        cc: Vec::new(),
        subject: String::new(),
        date: None,
        reply: reply_text::new_text(&text),
        text,
        attachments: Vec::new(),
        auto: crate::domain::AutoMail::None,
        authenticity: crate::domain::Authenticity::Unknown,
    }
}

/// The head of a part, with undeclared 8-bit text read as what it looks like.
struct Head<'a> {
    mail: &'a Message<'a>,
    part: &'a MessagePart<'a>,
    hint: Option<&'static encoding_rs::Encoding>,
}

impl<'a> Head<'a> {
    fn last(&self, name: &HeaderName<'_>) -> Option<&'a Header<'a>> {
        self.part.headers.iter().rev().find(|h| h.name == *name)
    }

    /// The field's bytes as UTF-8 if they are undeclared 8-bit or ISO-2022-JP text, which the parser could not read.
    fn repaired(&self, field: &Header<'_>) -> Option<String> {
        let raw = header::raw_value(self.mail, field);
        let plain = !raw.contains(&0x1b) && std::str::from_utf8(raw).is_ok();
        (!plain).then(|| charset::sniffed(raw, self.hint).into_owned())
    }

    fn text(&self, name: &HeaderName<'_>) -> String {
        let Some(field) = self.last(name) else { return String::new() };
        let text = match self.repaired(field) {
            Some(raw) => text_of(&MessageStream::new(raw.as_bytes()).parse_unstructured()),
            None => text_of(&field.value),
        };
        charset::unmistaken(&text).split_whitespace().collect::<Vec<_>>().join(" ").replace('\0', "")
    }

    fn addresses(&self, name: &HeaderName<'_>) -> Vec<MailAddress> {
        let mut found = Vec::new();
        for field in self.part.headers.iter().filter(|h| h.name == *name) {
            match (self.repaired(field), field.value.as_address()) {
                (None, Some(addresses)) => found.extend(mail_addresses(addresses)),
                (Some(raw), _) => found.extend(parsed_addresses(raw.as_bytes())),
                (None, None) => found.extend(parsed_addresses(header::raw_value(self.mail, field))),
            }
        }
        found.truncate(ADDRESSES_MAX);
        found
    }

    fn ids(&self, name: &HeaderName<'_>) -> Vec<MessageId> {
        let Some(field) = self.last(name) else { return Vec::new() };
        let ids: Vec<&str> = match &field.value {
            HeaderValue::Text(id) => vec![id.as_ref()],
            HeaderValue::TextList(ids) => ids.iter().map(AsRef::as_ref).collect(),
            _ => Vec::new(),
        };
        // Ids without brackets are read too, but not prose ("Your message of Monday").
        let clean = |id: &str| id.trim_matches(['<', '>']).split_whitespace().collect::<String>();
        ids.into_iter().filter(|id| id.contains('@') || !id.contains(' ')).map(clean).filter(|id| !id.is_empty()).map(MessageId).collect()
    }
}

fn text_of(value: &HeaderValue<'_>) -> String {
    match value {
        HeaderValue::Text(t) => t.clone().into_owned(),
        HeaderValue::TextList(l) => l.join(", "),
        _ => String::new(),
    }
}

fn parsed_addresses(raw: &[u8]) -> Vec<MailAddress> {
    // The parser takes a value to its line end.
    let line = [raw.trim_ascii_end(), b"\n"].concat();
    MessageStream::new(&line).parse_address().as_address().map(|a| mail_addresses(a).collect()).unwrap_or_default()
}

fn mail_addresses<'a>(addresses: &'a Address<'_>) -> impl Iterator<Item = MailAddress> + use<'a> {
    addresses.iter().filter_map(mail_address).take(ADDRESSES_MAX)
}

fn mail_address(addr: &Addr<'_>) -> Option<MailAddress> {
    let mut address = addr.address.as_deref().unwrap_or("").trim();
    let mut name = addr.name.as_deref().unwrap_or("").trim();
    if !address.contains('@') && name.contains('@') && !name.contains(' ') {
        (address, name) = (name, address);
    }
    let address = address.trim_matches(['<', '>', '\'', '"', ' ']).to_lowercase();
    let name = charset::unmistaken(name);
    let name = name.trim_matches(['"', '\'']).split_whitespace().collect::<Vec<_>>().join(" ");
    (!address.is_empty()).then_some(MailAddress { name, address })
}

/// The character set that the mail's own text declares, for what declares none.
fn body_charset(mail: &Message<'_>) -> Option<&'static encoding_rs::Encoding> {
    let declared = |id: &MessagePartId| mail.parts.get(*id as usize)?.content_type()?.attribute("charset");
    let label = mail.text_body.iter().chain(&mail.html_body).find_map(declared)?;
    charset::encoding(label).filter(|e| !e.name().starts_with("windows-") && !e.name().starts_with("UTF"))
}

/// The text of a mail.
struct Bodies {
    /// Plain text parts alone.
    plain: String,
    /// The HTML part, where one stands beside the plain text or instead of it.
    html: Option<String>,
    /// What a person reads: the plain text, or the HTML as text.
    text: String,
}

impl Bodies {
    fn of(mail: &Message<'_>) -> Self {
        let mut plain = String::new();
        let mut shown = String::new();
        let mut whole_html: Option<String> = None;
        if let [PartType::Text(_)] = mail.parts.iter().map(|p| &p.body).collect::<Vec<_>>().as_slice()
            && mail.text_body.is_empty()
        {
            // A multipart mail whose boundary never comes.
            plain = tidy(&part_text(mail, &mail.parts[0]));
            shown.clone_from(&plain);
        }
        for part in parts(mail, &mail.text_body) {
            let text = match &part.body {
                PartType::Text(_) => {
                    let text = tidy(&flowed(part, part_text(mail, part)));
                    push_paragraph(&mut plain, &text);
                    text
                }
                PartType::Html(_) => {
                    let html = part_text(mail, part);
                    let text = tidy(&html::text(&html));
                    whole_html.get_or_insert_default().push_str(&html);
                    text
                }
                _ => continue,
            };
            push_paragraph(&mut shown, &text);
        }
        if whole_html.is_none() {
            whole_html =
                parts(mail, &mail.html_body).find(|p| matches!(p.body, PartType::Html(_))).map(|p| part_text(mail, p).into_owned());
            if shown.is_empty()
                && let Some(html) = &whole_html
            {
                shown = tidy(&html::text(html));
            }
        } else if !plain.is_empty() {
            // Text and HTML parts that follow each other: neither tells about the other.
            plain.clone_from(&shown);
            whole_html = None;
        }
        Self { plain, html: whole_html, text: shown }
    }
}

fn parts<'a, 'b>(mail: &'a Message<'b>, ids: &'a [MessagePartId]) -> impl Iterator<Item = &'a MessagePart<'b>> {
    ids.iter().filter_map(|id| mail.parts.get(*id as usize))
}

fn push_paragraph(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

/// LF line ends, no NUL, no white space at the end; at most [`TEXT_BYTES_MAX`].
fn tidy(text: &str) -> String {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let mut out = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
    out.retain(|c| c != '\0');
    out.truncate(out.trim_end().len());
    out
}

/// A part's text from its own bytes and declared character set.
fn part_text<'a>(mail: &'a Message<'_>, part: &'a MessagePart<'_>) -> Cow<'a, str> {
    let declared = part.content_type().and_then(|ct| ct.attribute("charset"));
    if let PartType::Text(text) | PartType::Html(text) = &part.body {
        let read_well = !part.is_encoding_problem && !text.contains('\u{fffd}');
        let is_utf8 = declared.is_some_and(|c| c.eq_ignore_ascii_case("utf-8"));
        if read_well && (is_utf8 || text.is_ascii() && !text.contains('\u{1b}')) {
            return Cow::Borrowed(text);
        }
    }
    Cow::Owned(charset::decoded(&part_bytes(mail, part), declared))
}

/// A part's bytes with the transfer encoding removed and nothing else.
fn part_bytes<'a>(mail: &'a Message<'_>, part: &'a MessagePart<'_>) -> Cow<'a, [u8]> {
    if let PartType::Binary(bytes) | PartType::InlineBinary(bytes) = &part.body {
        return Cow::Borrowed(bytes);
    }
    let raw = mail.raw_message.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    let decoded = match part.encoding {
        Encoding::Base64 => mail_parser::decoders::base64::base64_decode(raw),
        Encoding::QuotedPrintable => mail_parser::decoders::quoted_printable::quoted_printable_decode(raw),
        Encoding::None if part.is_encoding_problem => match part.content_transfer_encoding().map(str::to_ascii_lowercase).as_deref() {
            Some("quoted-printable") => Some(lenient_quoted_printable(raw)),
            Some("base64") => Some(lenient_base64(raw)),
            _ => None,
        },
        Encoding::None => None,
    };
    decoded.map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// RFC 2045, 6.7, with what is no `=XX` kept as it is.
fn lenient_quoted_printable(raw: &[u8]) -> Vec<u8> {
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

/// RFC 2045, 6.8, with everything outside the alphabet passed over.
fn lenient_base64(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for b in raw {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        buffer = buffer << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits & 0xff) as u8);
        }
    }
    out
}

/// RFC 3676: lines that were broken only to travel are joined again.
fn flowed<'a>(part: &MessagePart<'_>, text: Cow<'a, str>) -> Cow<'a, str> {
    let Some(ct) = part.content_type() else { return text };
    if !ct.attribute("format").is_some_and(|f| f.eq_ignore_ascii_case("flowed")) {
        return text;
    }
    let delete_space = ct.attribute("delsp").is_some_and(|d| d.eq_ignore_ascii_case("yes"));
    let mut out = String::with_capacity(text.len());
    let mut soft: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|b| *b == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_signature = content.trim_end_matches('\r') == "-- ";
        if soft == Some(depth) && !is_signature {
            out.push_str(content);
        } else {
            if !out.is_empty() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            if depth > 0 {
                out.push(' ');
            }
            out.push_str(content);
        }
        soft = (content.ends_with(' ') && !is_signature).then_some(depth);
        if soft.is_some() && delete_space {
            out.pop();
        }
    }
    Cow::Owned(out)
}

fn attachments(mail: &Message<'_>, hint: Option<&'static encoding_rs::Encoding>) -> Vec<MailAttachment> {
    let mut found: Vec<MailAttachment> = Vec::new();
    let is_body = |p: &&MessagePart<'_>| mail.parts.len() == 1 && matches!(p.body, PartType::Text(_));
    for part in parts(mail, &mail.attachments).filter(|p| !is_body(p)).take(ATTACHMENTS_MAX) {
        let declared = Head { mail, part, hint };
        let content_type = part.content_type().map_or_else(
            || "application/octet-stream".to_owned(),
            |ct| ct.subtype().map_or_else(|| ct.ctype().to_owned(), |sub| format!("{}/{sub}", ct.ctype())).to_lowercase(),
        );
        let given = attachment_name(&declared);
        let is_message = matches!(part.body, PartType::Message(_));
        let name = match given {
            Some(name) if is_message && !name.to_ascii_lowercase().ends_with(".eml") => format!("{name}.eml"),
            Some(name) => name,
            None => unnamed(part, &content_type, found.len() + 1),
        };
        found.push(MailAttachment { name, content_type, bytes: part_bytes(mail, part).into_owned() });
    }
    found
}

/// The name that the part declares, as a plain file name.
fn attachment_name(part: &Head<'_>) -> Option<String> {
    for (field, attribute) in [(HeaderName::ContentDisposition, "filename"), (HeaderName::ContentType, "name")] {
        let Some(header) = part.last(&field) else { continue };
        let repaired = part.repaired(header);
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
    let name = if name.contains("=?") {
        text_of(&MessageStream::new(format!("{name}\n").as_bytes()).parse_unstructured())
    } else {
        name.to_owned()
    };
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
    if let PartType::Message(inner) = &part.body {
        let subject = inner.header(HeaderName::Subject).map(text_of).unwrap_or_default();
        let plain: String = subject.chars().map(|c| if matches!(c, '/' | '\\') { '_' } else { c }).collect();
        return file_name(&plain).map_or_else(|| format!("message-{number}.eml"), |name| format!("{name}.eml"));
    }
    let ending = ENDINGS.iter().find(|(t, _)| *t == content_type).map_or("bin", |(_, e)| e);
    let kind = if content_type.starts_with("image/") { "image" } else { "attachment" };
    format!("{kind}-{number}.{ending}")
}

#[cfg(test)]
mod tests;
