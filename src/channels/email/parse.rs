//! Raw bytes to [`IncomingMail`].

mod bodies;
mod boundaries;
mod calendar;
mod files;
mod head;
mod params;
mod rtf;
mod tnef;
mod transfer;
mod words;

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use mail_parser::{HeaderName, Message, MessageParser, MimeHeaders as _, PartType};

use self::bodies::{Bodies, push_paragraph, tidy};
use self::files::Files;
pub use self::files::file_name;
use self::head::{Head, body_charset, parsed_addresses};
use super::reply_text::NewText;
use super::{address, authenticity, auto_mail, charset, header, reply_text};
use crate::domain::{AutoMail, IncomingMail, MailAddress};

/// What is ours, to tell loops and to know whose verdict on the sender counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Own<'a> {
    /// The addresses of our mailboxes and of our outgoing mail, any case.
    pub addresses: &'a [String],
    /// The server whose `Authentication-Results` are believed; nobody's where absent.
    pub authserv_id: Option<&'a str>,
    /// The host in the Message-IDs that we make, where nobody else writes mail from it.
    pub host: Option<&'a str>,
}

/// The longest text body that is kept, in bytes; what is beyond is cut off.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// The most addresses that are read from a mail's head.
const ADDRESSES_MAX: usize = 500;
/// The most ids that are read from a References field, the newest of them.
const REFERENCES_MAX: usize = 200;
/// The most bytes of pictures that are shown in a mail's own page.
pub const PICTURES_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What a browser shows in place and cannot run: no SVG.
const PICTURE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// Mails inside a mail that are read as passed on.
const MAILS_INSIDE_MAX: usize = 5;

/// Reads a mail, however damaged; `None` only when nothing at all can be read.
pub fn parse(raw: &[u8], own: &Own<'_>) -> Option<IncomingMail> {
    let raw = from_first_header(raw);
    // The parser drops a line without its end.
    let ended = if raw.ends_with(b"\n") { Cow::Borrowed(raw) } else { Cow::Owned([raw, b"\n"].concat()) };
    let raw = ended.as_ref();
    if raw.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let Some(mail) = Parsed::of(raw) else {
        return Some(headless(raw));
    };
    let closed = boundaries::closed(&mail.0, raw);
    let again = closed.as_deref().and_then(Parsed::of);
    Some(read(&again.as_ref().unwrap_or(&mail).0, own))
}

/// A parsed mail that has a head. Mails inside mails are taken apart one after the other when it goes: dropped as they stand,
/// thousands of them inside each other would use up the stack.
struct Parsed<'x>(Message<'x>);

impl<'x> Parsed<'x> {
    fn of(raw: &'x [u8]) -> Option<Self> {
        let parsed = Self(MessageParser::default().parse(raw)?);
        has_head(&parsed.0).then_some(parsed)
    }
}

impl Drop for Parsed<'_> {
    fn drop(&mut self) {
        let mut parts = std::mem::take(&mut self.0.parts);
        while let Some(part) = parts.pop() {
            if let PartType::Message(inner) = part.body {
                parts.extend(inner.parts);
            }
        }
    }
}

fn read(mail: &Message<'_>, own: &Own<'_>) -> IncomingMail {
    let fields = header::fields(mail);
    let hint = body_charset(mail);
    let head = Head { mail, part: &mail.parts[0], hint };
    let from = head.addresses(&HeaderName::From).into_iter().next();
    let subject = head.text(&HeaderName::Subject);
    let mut files = Files::of(mail, hint);
    let mut bodies = Bodies::of(mail, &files);
    files.add(std::mem::take(&mut bodies.files));
    let from_domain = from.as_ref().and_then(|f| f.address.rsplit_once('@')).map_or("", |(_, d)| d);
    let authenticity = authenticity::judge(&fields, from_domain, own.authserv_id);
    let auto = auto_mail::classify(&auto_mail::Facts {
        fields: &fields,
        mail,
        from: from.as_ref(),
        subject: &subject,
        text: &bodies.text,
        own: own.addresses,
        own_host: own.host,
    });
    let new = new_text(mail, &bodies, &subject, &auto);
    let mut references = head.ids(&HeaderName::References);
    references.drain(..references.len().saturating_sub(REFERENCES_MAX));
    IncomingMail {
        message_id: head.ids(&HeaderName::MessageId).into_iter().next(),
        in_reply_to: head.ids(&HeaderName::InReplyTo).into_iter().next(),
        references,
        from,
        recipients: recipients(&head, &fields),
        cc: head.addresses(&HeaderName::Cc),
        subject,
        date: mail.date().filter(|d| d.is_valid()).and_then(|d| Timestamp::from_second(d.to_timestamp()).ok()),
        // A calendar alone has no text of its own.
        text: if bodies.text.is_empty() { new.own.clone() } else { bodies.text },
        reply: new.own,
        passed_on: new.passed_on,
        attachments: files.list,
        auto,
        authenticity,
    }
}

/// A picture that came with a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// One that a browser shows in place.
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// The pictures of a mail by Content-ID without brackets.
pub type Pictures = HashMap<String, Picture>;

/// A mail for a page of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsSent {
    /// The writer's name, else the address.
    pub from: String,
    pub subject: String,
    pub date: Option<Timestamp>,
    /// Its HTML body as it came, where it has one. It is anybody's: it goes through [`super::as_sent::harmless`] first.
    pub html: Option<String>,
    /// The same as text.
    pub text: String,
    /// What its HTML shows: at most [`PICTURES_BYTES_MAX`] together.
    pub pictures: Pictures,
}

/// Reads a mail for a page of its own; `None` where nothing at all can be read.
pub fn as_sent(raw: &[u8]) -> Option<AsSent> {
    let mail = parse(raw, &Own::default())?;
    let from = mail.from.map_or_else(String::new, |f| if f.name.trim().is_empty() { f.address } else { f.name });
    let sent = AsSent { from, subject: mail.subject, date: mail.date, text: mail.text, ..AsSent::default() };
    let Some(Parsed(parsed)) = &Parsed::of(from_first_header(raw)) else { return Some(sent) };
    let parts = || parsed.html_body.iter().filter_map(|id| parsed.parts.get(*id as usize));
    let html: Vec<_> = parts().filter(|p| matches!(p.body, PartType::Html(_))).map(|p| bodies::part_text(parsed, p)).collect();
    Some(AsSent { html: (!html.is_empty()).then(|| html.concat()), pictures: pictures(parsed), ..sent })
}

fn pictures(mail: &Message<'_>) -> Pictures {
    let mut left = PICTURES_BYTES_MAX;
    let mut found = Pictures::new();
    for part in &mail.parts {
        let Some(id) = part.content_id() else { continue };
        let shown = PICTURE_TYPES.iter().find(|t| t.split_once('/').is_some_and(|(a, b)| part.is_content_type(a, b)));
        let Some(content_type) = shown else { continue };
        let bytes = files::part_bytes(mail, part);
        if bytes.len() <= left {
            left -= bytes.len();
            found.insert(id.trim_matches(['<', '>']).to_owned(), Picture { content_type, bytes: bytes.into_owned() });
        }
    }
    found
}

fn recipients(head: &Head<'_>, fields: &[header::HeaderField<'_>]) -> Vec<MailAddress> {
    let mut found = Vec::new();
    for name in [HeaderName::To, HeaderName::Cc, HeaderName::DeliveredTo] {
        found.extend(head.addresses(&name));
    }
    for name in ["X-Original-To", "Envelope-To", "X-Envelope-To"] {
        found.extend(header::all(fields, name).flat_map(|v| parsed_addresses(v.as_bytes())));
    }
    found.truncate(ADDRESSES_MAX);
    found
}

/// The new text, with an invitation as readable lines, and mails inside as what is passed on.
fn new_text(mail: &Message<'_>, bodies: &Bodies, subject: &str, auto: &AutoMail) -> NewText {
    let mut new = reply_text::read(&bodies.plain, bodies.html.as_deref(), address::is_forward(subject));
    if let Some(invitation) = bodies::invitation(mail) {
        push_paragraph(&mut new.own, &invitation);
    }
    if *auto == AutoMail::None && new.passed_on.is_empty() {
        let inside = mail.parts.iter().filter_map(|p| if let PartType::Message(inner) = &p.body { Some(inner) } else { None });
        for inner in inside.filter(|m| !m.parts.is_empty()).take(MAILS_INSIDE_MAX) {
            push_paragraph(&mut new.passed_on, &mail_inside(inner));
        }
        if new.own.is_empty() {
            new.own = std::mem::take(&mut new.passed_on);
        }
    }
    new
}

/// A mail that was attached to another, as a person reads it: who wrote it when about what, and its text.
fn mail_inside(mail: &Message<'_>) -> String {
    let hint = body_charset(mail);
    let head = Head { mail, part: &mail.parts[0], hint };
    let from = head.addresses(&HeaderName::From).into_iter().next().map_or(String::new(), |f| format!("{} <{}>", f.name, f.address));
    let date = mail.date().filter(|d| d.is_valid()).map_or(String::new(), ToString::to_string);
    let fields = [("From", from), ("Date", date), ("Subject", head.text(&HeaderName::Subject))];
    let shown = fields.iter().filter(|(_, v)| !v.trim().is_empty()).map(|(n, v)| format!("{n}: {}", v.trim()));
    let mut text = shown.collect::<Vec<_>>().join("\n");
    push_paragraph(&mut text, &Bodies::of(mail, &Files::of(mail, hint)).text);
    text
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
        passed_on: String::new(),
        attachments: Vec::new(),
        auto: AutoMail::None,
        authenticity: crate::domain::Authenticity::Unknown,
    }
}

#[cfg(test)]
mod tests;
