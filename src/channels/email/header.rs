//! Header fields as text, in the order of the mail.

use std::borrow::Cow;

use mail_parser::Message;

use super::charset;

/// One field of a mail's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderField<'a> {
    /// As it was written, without the colon.
    pub name: Cow<'a, str>,
    /// Unfolded (line ends removed, the white space after them kept), trimmed, RFC 2047 words not decoded.
    pub value: String,
}

/// The most header fields of a mail that are looked at.
const FIELDS_MAX: usize = 1_000;

/// The longest header value that is looked at, in bytes.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// The fields of the outermost head, top to bottom.
pub(super) fn fields<'a>(mail: &'a Message<'_>) -> Vec<HeaderField<'a>> {
    let field = |h: &'a mail_parser::Header<'_>| {
        let raw = raw_value(mail, h);
        let text = charset::sniffed(&raw[..raw.len().min(VALUE_BYTES_MAX)], None);
        HeaderField { name: Cow::Borrowed(h.name.as_str()), value: text.trim().replace(['\r', '\n'], "") }
    };
    mail.parts.first().map_or_else(Vec::new, |p| p.headers.iter().take(FIELDS_MAX).map(field).collect())
}

/// The value of `header` as the mail has it, folded, with its line end.
pub(super) fn raw_value<'a>(mail: &'a Message<'_>, header: &mail_parser::Header<'_>) -> &'a [u8] {
    mail.raw_message.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default()
}

/// The first field called `name`, any case.
pub(super) fn find<'a>(fields: &'a [HeaderField<'_>], name: &str) -> Option<&'a str> {
    fields.iter().find(|f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value.as_str())
}

/// Every field called `name`, any case, top to bottom.
pub(super) fn all<'a>(fields: &'a [HeaderField<'_>], name: &str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value.as_str())
}

/// The Message-ID of a raw mail without its brackets, found without reading the mail: for recognising one that was taken before.
pub fn message_id(raw: &[u8]) -> Option<String> {
    /// A head longer than this is not searched to its end.
    const HEAD_BYTES_MAX: usize = 256 * 1024;
    const NAME: &str = "message-id:";
    let head = &raw[..raw.len().min(HEAD_BYTES_MAX)];
    let mut lines = head.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l)).skip_while(|l| l.is_empty()).peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            return None;
        }
        if line.len() < NAME.len() || !line[..NAME.len()].eq_ignore_ascii_case(NAME.as_bytes()) {
            continue;
        }
        let mut value = String::from_utf8_lossy(&line[NAME.len()..]).into_owned();
        while let Some(more) = lines.next_if(|l| l.first().is_some_and(|b| *b == b' ' || *b == b'\t')) {
            value.push_str(&String::from_utf8_lossy(more));
        }
        let inner = value.split_once('<').map_or(value.as_str(), |(_, rest)| rest.split('>').next().unwrap_or(rest));
        let id: String = inner.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
        return (!id.is_empty()).then_some(id);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::message_id;

    #[test]
    fn the_message_id_is_found_in_any_case_folded_and_only_in_the_head() {
        for (raw, id) in [
            ("Subject: x\r\nMESSAGE-ID: <a@b>\r\n\r\nbody", Some("a@b")),
            ("\r\nMessage-Id:\r\n <long\r\n @b>\r\n\r\n", Some("long@b")),
            ("Message-ID: bare@b\n\n", Some("bare@b")),
            ("Subject: x\n\nMessage-ID: <in@body>\n", None),
            ("Message-ID:\n\n", None),
            ("", None),
        ] {
            assert_eq!(message_id(raw.as_bytes()).as_deref(), id, "{raw:?}");
        }
    }
}
