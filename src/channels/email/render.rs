//! Our own mails: from posts to raw bytes.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart, SinglePart};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::DELIVERY_HEADER;
use crate::domain::{MailAddress, MessageId};
use crate::i18n::Locale;

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
    /// The delivery's UUID: tells our own mail when it comes back.
    pub delivery: String,
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
}

/// A post in a mail.
#[derive(Clone, Debug, PartialEq)]
pub struct MailPost {
    pub author: String,
    /// The time as it is shown.
    pub when: String,
    pub body: String,
    /// Name and address of each file.
    pub attachments: Vec<(String, String)>,
    /// Clients never see it.
    pub internal: bool,
}

/// The most ids of a thread that References carries: the first and the newest (RFC 5322 asks for all, servers for short lines).
const REFERENCES_MAX: usize = 20;

/// The raw mail (RFC 5322): CRLF line ends, ASCII in every header, lines of at most 998 octets, text and HTML.
pub fn mail(m: &OutgoingMail) -> Vec<u8> {
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
    let body = MultiPart::alternative()
        .singlepart(part(ContentType::TEXT_PLAIN, &text(m)))
        .singlepart(part(ContentType::TEXT_HTML, &page(m).into_string()));
    builder.multipart(body).expect("the mail has a sender and a recipient").formatted()
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
    let mut line = |s: &str| {
        out.push_str(s);
        out.push('\n');
    };
    if m.with_marker {
        line(texts.get("mail.marker"));
        line("");
    }
    if !m.intro.is_empty() {
        line(&m.intro);
        line("");
    }
    for post in &m.posts {
        let note = if post.internal { format!("〔{}〕", texts.get("mail.internal")) } else { String::new() };
        line(&format!("{note}{} · {}", one_line(&post.author), one_line(&post.when)));
        line(post.body.trim_end());
        for (name, url) in &post.attachments {
            line(&format!("[{}] {} {url}", texts.get("mail.attachments"), one_line(name)));
        }
        line("");
    }
    line(&m.link_label);
    line(&m.link);
    if !m.footer.is_empty() {
        line("");
        m.footer.iter().for_each(|f| line(f));
    }
    out
}

/// Fonts that every mail program has, Chinese and Japanese ones among them.
const FONT: &str =
    "font-family:'Segoe UI','PingFang TC','Microsoft JhengHei','Hiragino Sans','Noto Sans CJK TC',Helvetica,Arial,sans-serif;";

/// Tables and inline styles: Outlook lays mail out with Word, Gmail drops style sheets.
fn page(m: &OutgoingMail) -> Markup {
    let texts = m.locale.texts();
    html! {
        (DOCTYPE)
        html lang=(m.locale.tag()) {
            head {
                meta http-equiv="Content-Type" content="text/html; charset=utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (m.subject) }
            }
            body style={ "margin:0;padding:0;background-color:#ffffff;color:#1f2328;font-size:15px;line-height:1.6;" (FONT) } {
                @if m.with_marker {
                    div style="color:#8b949e;font-size:12px;padding:12px 16px 0 16px;" { (texts.get("mail.marker")) }
                }
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse;max-width:640px;" {
                    tr { td style={ "padding:16px;" (FONT) } {
                        @for line in m.intro.lines() { p style="margin:0 0 16px 0;color:#57606a;" { (line) } }
                        @for post in &m.posts { (post_block(m.locale, post)) }
                        (button(&m.link, &m.link_label))
                        @for line in &m.footer { p style="margin:8px 0 0 0;color:#8b949e;font-size:12px;" { (line) } }
                    } }
                }
            }
        }
    }
}

fn post_block(locale: Locale, post: &MailPost) -> Markup {
    let texts = locale.texts();
    let (edge, ground) = if post.internal { ("#d4a72c", "#fff8e1") } else { ("#06c755", "#f6f8fa") };
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse;margin:0 0 16px 0;" {
            tr { td bgcolor=(ground) style={ "padding:12px 16px;background-color:" (ground) ";border-left:4px solid " (edge) ";color:#1f2328;font-size:15px;line-height:1.6;" (FONT) } {
                p style="margin:0 0 6px 0;font-size:13px;color:#57606a;" {
                    @if post.internal { strong style="color:#9a6700;" { (texts.get("mail.internal")) } " · " }
                    strong style="color:#1f2328;" { (post.author) } " · " (post.when)
                }
                div style="word-break:break-word;overflow-wrap:anywhere;" { (lines(&post.body)) }
                @if !post.attachments.is_empty() {
                    p style="margin:8px 0 0 0;font-size:13px;" {
                        (texts.get("mail.attachments")) ": "
                        @for (n, (name, url)) in post.attachments.iter().enumerate() {
                            @if n > 0 { ", " }
                            a href=(url) style="color:#0969da;" { (name) }
                        }
                    }
                }
            } }
        }
    }
}

/// A button that is a table cell, since Outlook gives links no padding.
fn button(link: &str, label: &str) -> Markup {
    html! {
        table role="presentation" cellpadding="0" cellspacing="0" border="0" style="border-collapse:separate;margin:0 0 16px 0;" {
            tr { td bgcolor="#06883d" style="border-radius:6px;background-color:#06883d;" {
                a href=(link) style={ "display:inline-block;padding:10px 20px;color:#ffffff;font-size:15px;font-weight:bold;text-decoration:none;" (FONT) } { (label) }
            } }
        }
        p style="margin:0;font-size:12px;color:#57606a;word-break:break-all;" { a href=(link) style="color:#57606a;" { (link) } }
    }
}

/// Escaped, with the line ends as they were written.
fn lines(body: &str) -> Markup {
    let escaped: Vec<String> = body.trim_end().lines().map(|l| html! { (l) }.into_string()).collect();
    PreEscaped(escaped.join("<br>\r\n"))
}

#[cfg(test)]
mod tests {
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
            delivery: "0b6f1c1e-0000-4000-8000-000000000000".to_owned(),
            intro: "林小姐在 LINE 群組提出新的問題".to_owned(),
            posts: vec![
                MailPost {
                    author: "林小姐".to_owned(),
                    when: "11月21日 20:13".to_owned(),
                    body: format!("大門壞了 <b>&\n{}", "很長的一行".repeat(400)),
                    attachments: vec![("照片 1.jpg".to_owned(), "https://support.example.com/f/1".to_owned())],
                    internal: false,
                },
                MailPost {
                    author: "小陳".to_owned(),
                    when: "20:15".to_owned(),
                    body: "先別回".to_owned(),
                    attachments: vec![],
                    internal: true,
                },
            ],
            link: "https://support.example.com/d/12".to_owned(),
            link_label: "查看討論".to_owned(),
            with_marker: true,
            footer: vec!["您收到這封信，因為您是專案成員。".to_owned()],
        }
    }

    #[test]
    fn a_mail_is_what_strict_receivers_take() {
        let raw = mail(&sample());
        let head_end = raw.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&raw[..head_end]).expect("text");
        assert!(head.is_ascii());
        for name in ["From", "Date", "Message-ID", "To", "Subject", "Reply-To", "Auto-Submitted", "List-Id", DELIVERY_HEADER] {
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
    fn what_people_wrote_is_escaped_in_the_html() {
        let html = page(&sample()).into_string();
        assert!(html.contains("&lt;b&gt;&amp;<br>") && !html.contains("<b>&"));
    }
}
