//! The fields of a part's head as text, addresses and ids.

use std::borrow::Cow;

use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address, Header, HeaderName, HeaderValue, Message, MessagePart, MessagePartId, MimeHeaders};

use super::{ADDRESSES_MAX, words};
use crate::channels::email::{charset, header};
use crate::domain::{MailAddress, MessageId};

/// The head of a part, with undeclared 8-bit text read as what it looks like.
pub(super) struct Head<'a> {
    pub(super) mail: &'a Message<'a>,
    pub(super) part: &'a MessagePart<'a>,
    pub(super) hint: Option<&'static encoding_rs::Encoding>,
}

impl<'a> Head<'a> {
    pub(super) fn last(&self, name: &HeaderName<'_>) -> Option<&'a Header<'a>> {
        self.part.headers.iter().rev().find(|h| h.name == *name)
    }

    /// The field's value as UTF-8 text that the parser can read, where the mail's own is beyond it: undeclared 8-bit text,
    /// ISO-2022-JP, and encoded words of the kinds that [`words`] knows. These become quoted strings if `quoting`.
    pub(super) fn repaired(&self, field: &Header<'_>, quoting: bool) -> Option<String> {
        let raw = header::raw_value(self.mail, field);
        let plain = std::str::from_utf8(raw).ok().filter(|_| !raw.contains(&0x1b));
        let text = plain.map_or_else(|| charset::sniffed(raw, self.hint), Cow::Borrowed);
        if words::needs_own(&text, || plain.is_none() || holds_unread(&field.value)) {
            return Some(words::decoded(&text, quoting));
        }
        plain.is_none().then(|| text.into_owned())
    }

    pub(super) fn text(&self, name: &HeaderName<'_>) -> String {
        let Some(field) = self.last(name) else { return String::new() };
        let text = match self.repaired(field, false) {
            Some(raw) => text_of(&MessageStream::new(raw.as_bytes()).parse_unstructured()),
            None => text_of(&field.value),
        };
        charset::unmistaken(&text).split_whitespace().collect::<Vec<_>>().join(" ").replace('\0', "")
    }

    pub(super) fn addresses(&self, name: &HeaderName<'_>) -> Vec<MailAddress> {
        let mut found = Vec::new();
        for field in self.part.headers.iter().filter(|h| h.name == *name) {
            match (self.repaired(field, true), field.value.as_address()) {
                (None, Some(addresses)) => found.extend(mail_addresses(addresses)),
                (Some(raw), _) => found.extend(parsed_addresses(raw.as_bytes())),
                (None, None) => found.extend(parsed_addresses(header::raw_value(self.mail, field))),
            }
        }
        found.truncate(ADDRESSES_MAX);
        found
    }

    pub(super) fn ids(&self, name: &HeaderName<'_>) -> Vec<MessageId> {
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

pub(super) fn text_of(value: &HeaderValue<'_>) -> String {
    match value {
        HeaderValue::Text(t) => t.clone().into_owned(),
        HeaderValue::TextList(l) => l.join(", "),
        _ => String::new(),
    }
}

pub(super) fn parsed_addresses(raw: &[u8]) -> Vec<MailAddress> {
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
pub(super) fn body_charset(mail: &Message<'_>) -> Option<&'static encoding_rs::Encoding> {
    let declared = |id: &MessagePartId| mail.parts.get(*id as usize)?.content_type()?.attribute("charset");
    let label = mail.text_body.iter().chain(&mail.html_body).find_map(declared)?;
    charset::encoding(label).filter(|e| !e.name().starts_with("windows-") && !e.name().starts_with("UTF"))
}

/// Whether the parser left a sign that it could not read something.
fn holds_unread(value: &HeaderValue<'_>) -> bool {
    let unread = |text: &str| text.contains('\u{fffd}');
    match value {
        HeaderValue::Text(t) => unread(t),
        HeaderValue::TextList(l) => l.iter().any(|t| unread(t)),
        HeaderValue::Address(a) => a.iter().any(|a| a.name.as_deref().is_some_and(unread)),
        HeaderValue::ContentType(c) => c.attributes.iter().flatten().any(|a| unread(&a.value)),
        _ => false,
    }
}
