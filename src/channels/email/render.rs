//! Our own mails: from posts to raw bytes.

mod digest;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, Message, MultiPart, SinglePart};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::DELIVERY_HEADER;
use super::picture::picture;
use crate::domain::{MailAddress, MessageId};
use crate::i18n::{Locale, Texts};
pub use digest::{Entry, Section, digest};

/// A mail to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct OutgoingMail {
    pub locale: Locale,
    pub from_name: String,
    pub from_address: String,
    pub to: MailAddress,
    /// Where answers go; carries the reply token.
    pub reply_to: Option<String>,
    /// With `[#N]` already in it.
    pub subject: String,
    pub message_id: MessageId,
    pub in_reply_to: Option<MessageId>,
    /// Oldest first.
    pub references: Vec<MessageId>,
    pub date: Timestamp,
    /// Content of `List-Id`, without angle brackets.
    pub list_id: Option<String>,
    /// The page that turns these mails off (RFC 2369, 3.2); one click does if it is served over TLS (RFC 8058).
    pub switch: Option<String>,
    /// The delivery's UUID: tells our own mail when it comes back.
    pub delivery: String,
    /// What must be seen before all else: that not everybody may read this.
    pub alert: Option<String>,
    /// What happened, a line each.
    pub intro: String,
    /// Oldest first.
    pub posts: Vec<MailPost>,
    /// The discussion's page.
    pub link: String,
    pub link_label: String,
    /// Whether the mail begins with the line above which answers are written.
    pub with_marker: bool,
    /// Small print, a line each.
    pub footer: Vec<String>,
    /// What the link to [`Self::switch`] is called.
    pub switch_label: String,
}

/// A post in a mail.
#[derive(Clone, Debug, PartialEq)]
pub struct MailPost {
    pub author: String,
    /// The time as it is shown.
    pub when: String,
    pub body: String,
    pub files: Vec<MailFile>,
    /// Clients never see it.
    pub internal: bool,
    /// Where a colleague says whether it belongs here, where the threader was not sure.
    pub unsure: Option<String>,
}

/// A file beside a post in a mail.
#[derive(Clone, Debug, PartialEq)]
pub struct MailFile {
    pub name: String,
    /// Where it is had by who may.
    pub url: String,
    /// A small picture of it that travels in the mail: the bytes of a PNG, GIF or JPEG, and its Content-ID. Others are left out.
    pub picture: Option<(String, Vec<u8>)>,
}

/// The most ids of a thread that References carries: the first and the newest (RFC 5322 asks for all, servers for short lines).
const REFERENCES_MAX: usize = 20;

/// The raw mail (RFC 5322): CRLF line ends, ASCII in every header, lines of at most 998 octets, text and HTML.
pub fn mail(m: &OutgoingMail) -> Vec<u8> {
    written(m, &text(m), page(m), true)
}

/// Likewise, of these words. `one_click`: the page that turns such mails off does so without a session.
fn written(m: &OutgoingMail, text: &str, page: Markup, one_click: bool) -> Vec<u8> {
    let to = mailbox(&m.to.name, &m.to.address);
    let from = mailbox(&m.from_name, &m.from_address);
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()]).expect("it has one recipient");
    let seconds = u64::try_from(m.date.as_second()).unwrap_or(0);
    let mut builder = Message::builder()
        .envelope(envelope)
        .from(from)
        .to(to)
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(bracketed(&m.message_id)))
        .subject(one_line(&m.subject));
    if let Some(reply_to) = &m.reply_to {
        builder = builder.reply_to(mailbox(&m.from_name, reply_to));
    }
    if let Some(id) = &m.in_reply_to {
        builder = builder.in_reply_to(bracketed(id));
    }
    if !m.references.is_empty() {
        builder = builder.references(references(&m.references));
    }
    builder = builder
        .raw_header(raw_header("Auto-Submitted", "auto-generated"))
        .raw_header(raw_header("X-Auto-Response-Suppress", "All"))
        .raw_header(raw_header(DELIVERY_HEADER, &m.delivery));
    if let Some(list_id) = &m.list_id {
        builder = builder.raw_header(raw_header("List-Id", &format!("<{list_id}>")));
    }
    if let Some(switch) = &m.switch {
        builder = builder.raw_header(raw_header("List-Unsubscribe", &format!("<{switch}>")));
        if one_click && switch.starts_with("https://") {
            builder = builder.raw_header(raw_header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
    }
    let html = part(ContentType::TEXT_HTML, &page.into_string());
    let body = MultiPart::alternative().singlepart(part(ContentType::TEXT_PLAIN, text));
    let pictures: Vec<SinglePart> = m.posts.iter().flat_map(|p| &p.files).filter_map(picture_part).collect();
    let body = if pictures.is_empty() {
        body.singlepart(html)
    } else {
        body.multipart(pictures.into_iter().fold(MultiPart::related().singlepart(html), MultiPart::singlepart))
    };
    builder.multipart(body).expect("the mail has a sender and a recipient").formatted()
}

fn picture_part(file: &MailFile) -> Option<SinglePart> {
    let (id, bytes) = file.picture.as_ref()?;
    let content_type = ContentType::parse(picture(bytes)?.content_type).expect("it is one of three that are right");
    let body = Body::new_with_encoding(bytes.clone(), ContentTransferEncoding::Base64).expect("base64 takes any bytes");
    Some(Attachment::new_inline(id.clone()).body(body, content_type))
}

fn part(content_type: ContentType, body: &str) -> SinglePart {
    // CRLF before encoding: quoted-printable keeps line ends as they are.
    let body = body.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    let encoding = if body.is_ascii() { ContentTransferEncoding::QuotedPrintable } else { ContentTransferEncoding::Base64 };
    let body = Body::new_with_encoding(body, encoding).expect("quoted-printable and base64 take any text");
    SinglePart::builder().header(content_type).body(body)
}

/// A mailbox of whatever stands in our records; a server refuses what is no address, and the delivery then tells so.
fn mailbox(name: &str, address: &str) -> Mailbox {
    let ascii: String = one_line(address).chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ',' | ';')).collect();
    let address = ascii.parse().unwrap_or_else(|_| {
        let (local, domain) = ascii.rsplit_once('@').unwrap_or((ascii.as_str(), "invalid"));
        Address::new_dangerous(local, domain)
    });
    let name = one_line(name);
    Mailbox::new((!name.is_empty()).then_some(name), address)
}

/// Without line ends and other control characters, which would end a header.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

fn raw_header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), one_line(value))
}

fn bracketed(id: &MessageId) -> String {
    let clean: String = id.as_str().chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>')).collect();
    format!("<{clean}>")
}

fn references(ids: &[MessageId]) -> String {
    let newest = ids.len().saturating_sub(REFERENCES_MAX - 1).max(1);
    ids[..1].iter().chain(&ids[newest.min(ids.len())..]).map(bracketed).collect::<Vec<_>>().join(" ")
}

fn text(m: &OutgoingMail) -> String {
    let texts = m.locale.texts();
    let mut out = String::new();
    for post in &m.posts {
        post_text(texts, post, &mut out);
    }
    framed_text(m, &out)
}

fn post_text(texts: &Texts, post: &MailPost, out: &mut String) {
    let note = if post.internal { format!("〔{}〕", texts.get("mail.internal")) } else { String::new() };
    let mut lines = vec![format!("{note}{} · {}", one_line(&post.author), one_line(&post.when)), post.body.trim_end().to_owned()];
    for MailFile { name, url, .. } in &post.files {
        lines.push(format!("[{}] {} {url}", texts.get("mail.attachments"), one_line(name)));
    }
    lines.extend(post.unsure.iter().map(|url| format!("{} {url}", texts.get("mail.unsure"))));
    out.push_str(&lines.join("\n"));
    out.push_str("\n\n");
}

/// What stands above and below the `middle` of a mail.
fn framed_text(m: &OutgoingMail, middle: &str) -> String {
    let texts = m.locale.texts();
    let mut out = String::new();
    let mut line = |s: &str| {
        out.push_str(s);
        out.push('\n');
    };
    if m.with_marker {
        line(texts.get("mail.marker"));
        line("");
    }
    if let Some(alert) = &m.alert {
        line(&format!("〔{}〕", one_line(alert)));
        line("");
    }
    if !m.intro.is_empty() {
        line(&m.intro);
        line("");
    }
    if !middle.is_empty() {
        line(middle.trim_end());
        line("");
    }
    line(&m.link_label);
    line(&m.link);
    if !m.footer.is_empty() {
        line("");
        m.footer.iter().for_each(|f| line(f));
    }
    if let Some(switch) = &m.switch {
        line(&format!("{} {switch}", m.switch_label));
    }
    out
}

/// Fonts that every mail program has, Chinese and Japanese ones among them.
const FONT: &str =
    "font-family:'Segoe UI','PingFang TC','Microsoft JhengHei','Hiragino Sans','Noto Sans CJK TC',Helvetica,Arial,sans-serif;";

/// What a table needs so that every program lays it out alike.
const TABLE: &str = "border-collapse:collapse;mso-table-lspace:0;mso-table-rspace:0;";
/// Outlook on Windows lays mail out with Word, which knows no widest width: it gets a table of its own around ours.
const FOR_WORD_BEGINS: &str = "<!--[if mso]><table role=\"presentation\" width=\"640\" align=\"left\" cellpadding=\"0\" cellspacing=\"0\" \
                               border=\"0\"><tr><td><![endif]-->";
const FOR_WORD_ENDS: &str = "<!--[if mso]></td></tr></table><![endif]-->";

fn page(m: &OutgoingMail) -> Markup {
    framed_page(m, &html! { @for post in &m.posts { (post_block(m.locale, post)) } })
}

/// Tables and inline styles: Outlook lays mail out with Word, Gmail drops style sheets.
fn framed_page(m: &OutgoingMail, middle: &Markup) -> Markup {
    let texts = m.locale.texts();
    html! {
        (DOCTYPE)
        html lang=(m.locale.tag()) {
            head {
                meta http-equiv="Content-Type" content="text/html; charset=utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light";
                meta name="supported-color-schemes" content="light";
                // Phones would make links of numbers and dates.
                meta name="format-detection" content="telephone=no, date=no, address=no";
                title { (m.subject) }
            }
            body style={ "margin:0;padding:0;width:100%;background-color:#ffffff;color:#1f2328;font-size:15px;line-height:1.6;-webkit-text-size-adjust:100%;" (FONT) } {
                @if m.with_marker {
                    div style="color:#6e7781;font-size:12px;line-height:1.5;padding:12px 16px 0 16px;" { (texts.get("mail.marker")) }
                }
                (PreEscaped(FOR_WORD_BEGINS))
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style={ (TABLE) "width:100%;max-width:640px;" } {
                    tr { td style={ "padding:16px;" (FONT) } {
                        @if let Some(alert) = &m.alert { (alert_block(alert)) }
                        @for (n, line) in m.intro.lines().enumerate() {
                            @if n == 0 { p style="margin:0 0 10px 0;color:#1f2328;font-size:16px;line-height:1.5;font-weight:bold;" { (line) } }
                            @else { p style="margin:0 0 4px 0;color:#424a53;font-size:14px;line-height:1.6;" { (lines(line)) } }
                        }
                        @if m.intro.lines().nth(1).is_some() { p style="margin:0;font-size:8px;line-height:12px;" { (PreEscaped("&nbsp;")) } }
                        (middle)
                        (button(&m.link, &m.link_label))
                        @for line in &m.footer { p style=(SMALL) { (line) } }
                        @if let Some(switch) = &m.switch { p style=(SMALL) { a href=(switch) style="color:#6e7781;text-decoration:underline;" { (m.switch_label) } } }
                    } }
                }
                (PreEscaped(FOR_WORD_ENDS))
            }
        }
    }
}

const SMALL: &str = "margin:8px 0 0 0;color:#6e7781;font-size:12px;line-height:1.5;";

fn alert_block(alert: &str) -> Markup {
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style={ (TABLE) "width:100%;margin:0 0 16px 0;" } {
            tr { td bgcolor="#fff1c2" style={ "padding:10px 16px;background-color:#fff1c2;border:1px solid #d4a72c;color:#6b4900;font-size:14px;line-height:1.5;font-weight:bold;" (FONT) } { (alert) } }
        }
    }
}

fn post_block(locale: Locale, post: &MailPost) -> Markup {
    let texts = locale.texts();
    let (edge, ground) = if post.internal { ("#d4a72c", "#fff8e1") } else { ("#06c755", "#f6f8fa") };
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style={ (TABLE) "width:100%;margin:0 0 16px 0;" } {
            tr { td bgcolor=(ground) style={ "padding:12px 16px;background-color:" (ground) ";border-left:4px solid " (edge) ";color:#1f2328;font-size:15px;line-height:1.6;" (FONT) } {
                p style="margin:0 0 6px 0;font-size:13px;line-height:1.5;color:#57606a;" {
                    @if post.internal { strong style="color:#9a6700;" { (texts.get("mail.internal")) } " · " }
                    strong style="color:#1f2328;" { (post.author) } " · " (post.when)
                }
                div style="word-break:break-word;overflow-wrap:anywhere;" { (lines(&post.body)) }
                @if let Some(url) = &post.unsure {
                    p style="margin:8px 0 0 0;font-size:13px;line-height:1.5;color:#57606a;" { a href=(url) style="color:#9a6700;" { (texts.get("mail.unsure")) } }
                }
                @for file in &post.files { (inline_picture(file)) }
                @if !post.files.is_empty() {
                    p style="margin:8px 0 0 0;font-size:13px;line-height:1.5;color:#57606a;word-break:break-word;" {
                        (texts.get("mail.attachments")) ": "
                        @for (n, file) in post.files.iter().enumerate() {
                            @if n > 0 { ", " }
                            a href=(file.url) style="color:#0969da;" { (file.name) }
                        }
                    }
                }
            } }
        }
    }
}

/// The widest that a picture is shown, in CSS pixels.
const PICTURE_WIDTH_MAX: u32 = 480;

/// A small picture, with the file behind it. Word needs its width as an attribute.
fn inline_picture(file: &MailFile) -> Markup {
    let shown = file.picture.as_ref().and_then(|(id, bytes)| Some((id, picture(bytes)?)));
    html! {
        @if let Some((id, picture)) = shown {
            div style="margin:10px 0 0 0;" {
                a href=(file.url) style="text-decoration:none;" {
                    img src={ "cid:" (id) } alt=(file.name) width=(picture.width.min(PICTURE_WIDTH_MAX)) border="0"
                        style="display:block;max-width:100%;height:auto;border:0;border-radius:6px;";
                }
            }
        }
    }
}

/// A button that is a table cell, since Outlook gives links no padding.
fn button(link: &str, label: &str) -> Markup {
    html! {
        table role="presentation" cellpadding="0" cellspacing="0" border="0" style="border-collapse:separate;margin:4px 0 12px 0;" {
            tr { td bgcolor="#06883d" style="border-radius:6px;background-color:#06883d;" {
                a href=(link) style={ "display:inline-block;padding:10px 20px;color:#ffffff;font-size:15px;font-weight:bold;text-decoration:none;" (FONT) } { (label) }
            } }
        }
        p style="margin:0 0 16px 0;font-size:12px;line-height:1.5;color:#57606a;word-break:break-all;" { a href=(link) style="color:#57606a;" { (link) } }
    }
}

/// Escaped, with the line ends as they were written and addresses as links: Outlook makes none of what it is sent.
fn lines(body: &str) -> Markup {
    let escaped: Vec<String> = body.trim_end().lines().map(|l| linked(l).into_string()).collect();
    PreEscaped(escaped.join("<br>\r\n"))
}

fn linked(line: &str) -> Markup {
    let mut done = 0;
    let mut pieces = vec![];
    for (at, _) in line.match_indices("http") {
        let from = &line[at..];
        if at < done || !(from.starts_with("https://") || from.starts_with("http://")) {
            continue;
        }
        // What is not ASCII, as the words around it in Chinese, ends it.
        let end = from.find(|c: char| !c.is_ascii_graphic() || matches!(c, '<' | '>' | '"')).unwrap_or(from.len());
        let url = from[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        pieces.push((&line[done..at], url));
        done = at + url.len();
    }
    html! {
        @for (before, url) in pieces {
            (before)
            @if url.ends_with("://") { (url) } @else { a href=(url) style="color:#0969da;" { (url) } }
        }
        (&line[done..])
    }
}

#[cfg(test)]
mod tests {
    use mail_parser::MimeHeaders;

    use super::*;
    use crate::channels::email::{parse, reply_text};
    use crate::domain::AutoMail;

    fn sample() -> OutgoingMail {
        OutgoingMail {
            locale: Locale::ZhTw,
            from_name: "客服中心".to_owned(),
            from_address: "support@example.com".to_owned(),
            to: MailAddress { name: "王大明, 經理".to_owned(), address: "wang@client.test".to_owned() },
            reply_to: Some("support+abcdefgh@example.com".to_owned()),
            subject: "[#12] 社區大門的感應器壞了，請問該怎麼辦？我們已經等了三天還沒有人來處理".to_owned(),
            message_id: MessageId::from("d.1@example.com"),
            in_reply_to: Some(MessageId::from("root@example.com")),
            references: (0..50).map(|n| MessageId(format!("{n}.some-long-identifier@mail.example.com"))).collect(),
            date: "2026-11-21T12:13:00Z".parse().expect("a time"),
            list_id: Some("project-alpha.example.com".to_owned()),
            switch: Some(format!("https://support.example.com/mail/{}", "a2".repeat(20))),
            delivery: "0b6f1c1e-0000-4000-8000-000000000000".to_owned(),
            alert: Some("這封信含有內部備註".to_owned()),
            intro: "林小姐在 LINE 群組提出新的問題".to_owned(),
            posts: vec![
                MailPost {
                    author: "林小姐".to_owned(),
                    when: "11月21日 20:13".to_owned(),
                    body: format!("大門壞了 <b>&\n{}", "很長的一行".repeat(400)),
                    files: vec![file("照片 1.png", Some(tiny_png())), file("損壞.png", Some(b"\x89PNG".to_vec())), file("報價.pdf", None)],
                    internal: false,
                    unsure: Some("https://support.example.com/posts/7".to_owned()),
                },
                MailPost {
                    author: "小陳".to_owned(),
                    when: "20:15".to_owned(),
                    body: "先別回".to_owned(),
                    files: vec![],
                    internal: true,
                    unsure: None,
                },
            ],
            link: "https://support.example.com/d/12".to_owned(),
            link_label: "查看討論".to_owned(),
            with_marker: true,
            footer: vec!["您收到這封信，因為您是專案成員。".to_owned()],
            switch_label: "停止接收".to_owned(),
        }
    }

    fn file(name: &str, bytes: Option<Vec<u8>>) -> MailFile {
        let url = "https://support.example.com/files/1/x".to_owned();
        MailFile { name: name.to_owned(), url, picture: bytes.map(|b| ("picture-1.x@example.com".to_owned(), b)) }
    }

    fn tiny_png() -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(vec![]);
        image::DynamicImage::new_rgb8(900, 20).write_to(&mut bytes, image::ImageFormat::Png).expect("it can be written");
        bytes.into_inner()
    }

    #[test]
    fn a_mail_is_what_strict_receivers_take() {
        let raw = mail(&sample());
        let head_end = raw.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&raw[..head_end]).expect("text");
        assert!(head.is_ascii());
        for name in
            ["From", "Date", "Message-ID", "To", "Subject", "Reply-To", "Auto-Submitted", "List-Id", "List-Unsubscribe", DELIVERY_HEADER]
        {
            let count = head.lines().filter(|l| l.to_ascii_lowercase().starts_with(&format!("{}:", name.to_ascii_lowercase()))).count();
            assert_eq!(count, 1, "{name} in\n{head}");
        }
        for line in raw.split(|b| *b == b'\n') {
            assert!(line.len() <= 999);
            assert!(
                line.is_empty() || line.ends_with(b"\r") || std::ptr::eq(line.last().expect("not empty"), raw.last().expect("not empty")),
                "a bare LF"
            );
        }
    }

    #[test]
    fn a_mail_reads_back_as_it_was_meant() {
        let m = sample();
        let back = parse::parse(&mail(&m), &parse::Own::default()).expect("it is a mail");
        assert_eq!(back.subject, m.subject);
        assert_eq!(back.message_id, Some(m.message_id.clone()));
        assert_eq!(back.in_reply_to, m.in_reply_to);
        assert_eq!(back.references.len(), REFERENCES_MAX);
        assert_eq!((back.references.first(), back.references.last()), (m.references.first(), m.references.last()));
        assert_eq!(back.date, Some(m.date));
        assert_eq!(back.from.expect("a sender"), MailAddress { name: m.from_name.clone(), address: m.from_address.clone() });
        assert_eq!(back.recipients, std::slice::from_ref(&m.to));
        assert_eq!(back.auto, AutoMail::Loop);
        assert!(back.text.starts_with("##- 請在這行上方回覆 -##\n"), "{}", back.text);
        assert!(back.text.contains(&m.posts[0].body) && back.text.contains(&m.link) && back.text.contains("內部備註"));
        assert_eq!(reply_text::new_text(&format!("好\n\n{}", back.text)), "好");
    }

    #[test]
    fn one_click_turns_the_mails_off() {
        let mut m = sample();
        let head = |m: &OutgoingMail| {
            let raw = String::from_utf8(mail(m)).expect("it is ASCII");
            raw.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ")
        };
        let url = m.switch.clone().expect("it has one");
        assert!(head(&m).contains(&format!("List-Unsubscribe: <{url}>\r\n")), "{}", head(&m));
        assert!(head(&m).contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
        assert!(text(&m).contains(&url) && page(&m).into_string().contains(&url));
        m.switch = Some("http://localhost:8080/mail/aa".to_owned());
        assert!(head(&m).contains("List-Unsubscribe:") && !head(&m).contains("List-Unsubscribe-Post"), "one click needs TLS");
        m.switch = None;
        assert!(!head(&m).contains("List-Unsubscribe"));
    }

    #[test]
    fn a_small_picture_travels_in_the_mail_and_is_shown_where_it_was_sent() {
        let raw = mail(&sample());
        let parsed = mail_parser::MessageParser::default().parse(&raw).expect("it is a mail");
        let pictures: Vec<_> = parsed.parts.iter().filter(|p| p.content_id().is_some()).collect();
        assert_eq!(pictures.len(), 1, "what is no picture stays out");
        assert_eq!((pictures[0].content_id(), pictures[0].contents()), (Some("picture-1.x@example.com"), tiny_png().as_slice()));
        let html = page(&sample()).into_string();
        assert_eq!(html.matches("src=\"cid:picture-1.x@example.com\"").count(), 1);
        assert!(html.contains("width=\"480\""), "Word is told how wide: {html}");
        assert!(text(&sample()).contains("報價.pdf https://support.example.com/files/1/x"));
    }

    #[test]
    fn who_may_read_it_is_said_before_all_else() {
        let m = sample();
        let alert = m.alert.clone().expect("it has one");
        let text = text(&m);
        assert!(text.find(&alert) < text.find(&m.intro) && text.contains(&alert));
        let html = page(&m).into_string();
        assert!(html.find(&alert) < html.find("林小姐在 LINE") && html.contains(&alert));
    }

    #[test]
    fn names_cannot_add_headers() {
        let mut m = sample();
        m.from_name = "x\r\nBcc: victim@example.com".to_owned();
        m.subject = "y\r\nBcc: victim@example.com".to_owned();
        m.to.address = "a@b.test>\r\nBcc: victim@example.com".to_owned();
        m.delivery = "z\nBcc: victim@example.com".to_owned();
        let raw = mail(&m);
        assert!(!String::from_utf8_lossy(&raw).lines().any(|l| l.to_ascii_lowercase().starts_with("bcc:")));
    }

    #[test]
    fn addresses_in_the_text_are_links() {
        let shown = |line: &str| linked(line).into_string();
        let link = |url: &str| format!("<a href=\"{url}\" style=\"color:#0969da;\">{url}</a>");
        assert_eq!(shown("請看https://a.example/b。謝謝"), format!("請看{}。謝謝", link("https://a.example/b")));
        assert_eq!(
            shown("(http://a.example/x), https://b.example."),
            format!("({}), {}.", link("http://a.example/x"), link("https://b.example"))
        );
        assert_eq!(shown("https:// \"https://a.example\"><b>"), format!("https:// &quot;{}&quot;&gt;&lt;b&gt;", link("https://a.example")));
        assert_eq!(shown("javascript:alert(1)"), "javascript:alert(1)");
    }

    #[test]
    fn what_people_wrote_is_escaped_in_the_html() {
        let html = page(&sample()).into_string();
        assert!(html.contains("&lt;b&gt;&amp;<br>") && !html.contains("<b>&"));
    }
}
