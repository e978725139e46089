//! The text bodies of a mail.

use std::borrow::Cow;

use mail_parser::{Message, MessagePart, MessagePartId, MimeHeaders, PartType};

use super::files::{Files, is_calendar, part_bytes};
use super::{TEXT_BYTES_MAX, calendar, transfer};
use crate::channels::email::{charset, html};

/// The most calendars that are looked at for an event.
const CALENDARS_MAX: usize = 4;

/// The text of a mail.
#[derive(Default)]
pub(super) struct Bodies {
    /// Plain text parts alone.
    pub(super) plain: String,
    /// The HTML part, where one stands beside the plain text or instead of it.
    pub(super) html: Option<String>,
    /// What a person reads: the plain text, or the HTML as text.
    pub(super) text: String,
    /// Files that were uuencoded in the text: their names and bytes.
    pub(super) files: Vec<transfer::NamedBytes>,
}

impl Bodies {
    /// The bodies of `mail`; pictures in them are named as in `files`.
    pub(super) fn of(mail: &Message<'_>, files: &Files) -> Self {
        let mut found = Self::default();
        let mut whole_html: Option<String> = None;
        if let [PartType::Text(_)] = mail.parts.iter().map(|p| &p.body).collect::<Vec<_>>().as_slice()
            && mail.text_body.is_empty()
            && !is_calendar(&mail.parts[0])
        {
            // A multipart mail whose boundary never comes.
            found.plain = tidy(&part_text(mail, &mail.parts[0]));
            found.text.clone_from(&found.plain);
        }
        for part in parts(mail, &mail.text_body) {
            let text = match &part.body {
                PartType::Text(_) => {
                    let text = found.plain_text(mail, part, files);
                    push_paragraph(&mut found.plain, &text);
                    text
                }
                PartType::Html(_) => {
                    let html = html::with_named_pictures(&part_text(mail, part), &files.names_by_id).into_owned();
                    let text = tidy(&html::text(&html));
                    whole_html.get_or_insert_default().push_str(&html);
                    text
                }
                _ => continue,
            };
            push_paragraph(&mut found.text, &text);
        }
        found.with_html(mail, whole_html, files)
    }

    fn plain_text(&mut self, mail: &Message<'_>, part: &MessagePart<'_>, files: &Files) -> String {
        let text = flowed(part, part_text(mail, part));
        let text = match transfer::uudecoded(&text) {
            Some((left, found)) => {
                self.files.extend(found);
                Cow::Owned(left)
            }
            None => text,
        };
        tidy(&html::with_named_marks(&text, &files.names_by_id))
    }

    fn with_html(mut self, mail: &Message<'_>, whole_html: Option<String>, files: &Files) -> Self {
        if whole_html.is_some() {
            self.html = whole_html;
            if !self.plain.is_empty() {
                // Text and HTML parts that follow each other: neither tells about the other.
                self.plain.clone_from(&self.text);
                self.html = None;
            }
            return self;
        }
        let part = parts(mail, &mail.html_body).find(|p| matches!(p.body, PartType::Html(_)));
        self.html = part.map(|p| html::with_named_pictures(&part_text(mail, p), &files.names_by_id).into_owned());
        if self.text.is_empty() && self.html.is_none() {
            self.text = tidy(files.text.as_deref().unwrap_or(""));
            self.plain.clone_from(&self.text);
            self.html.clone_from(&files.html);
        }
        if self.text.is_empty()
            && let Some(html) = &self.html
        {
            self.text = tidy(&html::text(html));
        }
        self
    }
}

/// The first event of the mail's calendars, as lines that a person reads.
pub(super) fn invitation(mail: &Message<'_>) -> Option<String> {
    let calendars = mail.parts.iter().filter(|p| is_calendar(p));
    calendars.take(CALENDARS_MAX).find_map(|p| calendar::readable(&part_text(mail, p)))
}

fn parts<'a, 'b>(mail: &'a Message<'b>, ids: &'a [MessagePartId]) -> impl Iterator<Item = &'a MessagePart<'b>> {
    ids.iter().filter_map(|id| mail.parts.get(*id as usize))
}

pub(super) fn push_paragraph(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

/// LF line ends, no NUL, no white space at the end; at most [`TEXT_BYTES_MAX`].
pub(super) fn tidy(text: &str) -> String {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let mut out = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
    if out.contains('\0') {
        out = out.replace('\0', "");
    }
    out.truncate(out.trim_end().len());
    out
}

/// A part's text from its own bytes and declared character set.
pub(super) fn part_text<'a>(mail: &'a Message<'_>, part: &'a MessagePart<'_>) -> Cow<'a, str> {
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
