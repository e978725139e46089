//! The demonstration's mail drop: what the product sent (a Maildir that is only read), and what its people write (raw mails put
//! into the Maildir that the product reads).

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use mail_parser::{Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _};
use serde::Serialize;
use tokio::fs;
use uuid::Uuid;

/// How many mails the demonstration shows; older ones stay where they are.
pub(super) const MAILS_SHOWN_MAX: usize = 200;
/// The largest mail that it reads.
const MAIL_BYTES_MAX: u64 = 20 * 1024 * 1024;
/// The most text of one mail that it shows.
const TEXT_CHARS_SHOWN_MAX: usize = 50_000;
/// Parts of one mail that are looked through for pictures.
const PICTURES_SHOWN_MAX: usize = 100;
/// RFC 2047, 2: an encoded word has at most 75 characters, so at most 45 octets in base64.
const ENCODED_WORD_BYTES_MAX: usize = 45;
/// RFC 2045, 6.8: the longest line of base64.
const BASE64_LINE_CHARS_MAX: usize = 76;

/// An address with its name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Party {
    pub name: String,
    pub address: String,
}

/// One mail as the page shows it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Mail {
    /// Its file's name in the Maildir, without flags.
    pub id: String,
    pub from: Party,
    /// Everybody that it names as a recipient, lower case.
    pub to: Vec<String>,
    pub subject: String,
    /// Milliseconds since 1970.
    pub at: i64,
    pub text: String,
    pub html: bool,
    pub attachments: Vec<String>,
    /// Where an answer goes.
    pub reply_to: String,
    /// Written here, by one of the demonstration's people.
    pub sent: bool,
    #[serde(skip)]
    pub html_body: Option<String>,
    #[serde(skip)]
    pub message_id: Option<String>,
    #[serde(skip)]
    pub references: Vec<String>,
}

fn parties<'x>(address: Option<&'x Address<'x>>) -> impl Iterator<Item = Party> + 'x {
    address.into_iter().flat_map(Address::iter).filter_map(|a| {
        let address = a.address()?.to_lowercase();
        Some(Party { name: a.name().unwrap_or_default().to_owned(), address })
    })
}

/// Reads one mail; `None` = nothing in it makes sense.
pub(super) fn read(id: &str, raw: &[u8], sent: bool) -> Option<Mail> {
    let message = MessageParser::default().parse(raw)?;
    let from = parties(message.from()).next()?;
    let reply_to = parties(message.reply_to()).next().map_or_else(|| from.address.clone(), |p| p.address);
    let references = match message.references() {
        HeaderValue::Text(one) => vec![one.to_string()],
        HeaderValue::TextList(many) => many.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    let has_html = message.parts.iter().any(MessagePart::is_text_html);
    let html_body = message.body_html(0).filter(|_| has_html).map(|html| with_pictures(html.into_owned(), &message));
    Some(Mail {
        id: id.to_owned(),
        to: parties(message.to()).chain(parties(message.cc())).map(|p| p.address).collect(),
        subject: message.subject().unwrap_or_default().to_owned(),
        at: message.date().map_or(0, |d| d.to_timestamp().saturating_mul(1_000)),
        text: message.body_text(0).unwrap_or_default().chars().take(TEXT_CHARS_SHOWN_MAX).collect(),
        html: html_body.is_some(),
        attachments: message.attachments().filter_map(|a| a.attachment_name()).map(str::to_owned).collect(),
        message_id: message.message_id().map(str::to_owned),
        html_body,
        from,
        reply_to,
        references,
        sent,
    })
}

/// The HTML with the pictures that travel in the mail (RFC 2392) put into it: a browser has no mail to take them from.
fn with_pictures(mut html: String, message: &Message<'_>) -> String {
    for part in message.parts.iter().take(PICTURES_SHOWN_MAX) {
        if let (Some(id), Some(kind)) = (part.content_id(), part.content_type().filter(|k| k.ctype() == "image")) {
            let data = format!("data:image/{};base64,{}", kind.subtype().unwrap_or("png"), STANDARD.encode(part.contents()));
            html = html.replace(&format!("\"cid:{id}\""), &format!("\"{data}\""));
        }
    }
    html
}

/// Reads what is new among the newest mails of a Maildir into `known`, and forgets what is no longer among them. A folder that does not exist yet is empty.
pub(super) async fn look(maildir: &Path, known: &mut BTreeMap<String, Mail>) -> io::Result<()> {
    let mut found = Vec::new();
    for folder in ["new", "cur"] {
        let mut entries = match fs::read_dir(maildir.join(folder)).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name().to_string_lossy().into_owned();
            found.push((name.split(':').next().unwrap_or_default().to_owned(), entry));
        }
    }
    // A Maildir name begins with the second of its delivery.
    found.sort_by(|(a, _), (b, _)| b.cmp(a));
    found.truncate(MAILS_SHOWN_MAX);
    known.retain(|id, mail| mail.sent || found.iter().any(|(there, _)| there == id));
    for (id, entry) in found {
        if known.contains_key(&id) {
            continue;
        }
        if entry.metadata().await?.len() > MAIL_BYTES_MAX {
            continue;
        }
        if let Some(mail) = read(&id, &fs::read(entry.path()).await?, false) {
            known.insert(id, mail);
        }
    }
    Ok(())
}

/// A mail to be written.
pub(super) struct Draft<'a> {
    pub from: Party,
    pub to: &'a str,
    pub subject: String,
    pub text: &'a str,
    /// The mail that it answers.
    pub answers: Option<&'a Mail>,
    pub at: Timestamp,
    /// Whose `Authentication-Results` a receiving server would put on top (RFC 8601); absent: none.
    pub authserv_id: Option<&'a str>,
}

/// `text` for a header: as it is, or in encoded words (RFC 2047).
fn header_text(text: &str) -> String {
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) && !text.contains("=?") {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if word.len() + c.len_utf8() > ENCODED_WORD_BYTES_MAX {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let words: Vec<String> = words.iter().map(|w| format!("=?UTF-8?B?{}?=", STANDARD.encode(w))).collect();
    words.join("\r\n ")
}

fn base64_lines(text: &str) -> String {
    let encoded = STANDARD.encode(text.replace("\r\n", "\n").replace('\n', "\r\n"));
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / 32);
    for chunk in encoded.as_bytes().chunks(BASE64_LINE_CHARS_MAX) {
        lines.push_str(std::str::from_utf8(chunk).expect("base64 is ASCII"));
        lines.push_str("\r\n");
    }
    lines
}

/// `2026年11月21日 週六 下午8:46`, as Gmail writes it in Taiwan.
fn gmail_time(at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let zone = TimeZone::get("Asia/Taipei").expect("the time zone database is built in");
    let local = at.to_zoned(zone);
    let day = match local.weekday() {
        Weekday::Monday => '一',
        Weekday::Tuesday => '二',
        Weekday::Wednesday => '三',
        Weekday::Thursday => '四',
        Weekday::Friday => '五',
        Weekday::Saturday => '六',
        Weekday::Sunday => '日',
    };
    let half = if local.hour() < 12 { "上午" } else { "下午" };
    let hour = if local.hour() % 12 == 0 { 12 } else { local.hour() % 12 };
    format!("{}年{}月{}日 週{day} {half}{hour}:{:02}", local.year(), local.month(), local.day(), local.minute())
}

/// `text` for HTML, in an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn html_of(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("<br>")
}

/// The text and HTML bodies, with the answered mail quoted below.
fn bodies(draft: &Draft<'_>) -> (String, String) {
    let new = draft.text.trim_end();
    let Some(old) = draft.answers else {
        return (format!("{new}\n"), format!("<div dir=\"ltr\">{}</div>\n", html_of(new)));
    };
    let when = gmail_time(old.at);
    let (name, address) = (&old.from.name, &old.from.address);
    let quoted: Vec<String> = old.text.trim_end().lines().map(|l| format!("> {l}")).collect();
    let text = format!("{new}\n\n{name} <{address}> 於 {when}寫道：\n\n{}\n", quoted.join("\n"));
    let (new_html, old_html) = (html_of(new), html_of(&old.text));
    let (name, address) = (escape(name), escape(address));
    let html = format!(
        "<div dir=\"ltr\">{new_html}</div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=\"ltr\" class=\"gmail_attr\">\
         {name} &lt;<a href=\"mailto:{address}\">{address}</a>&gt; 於 {when}寫道：<br></div><blockquote class=\"gmail_quote\" \
         style=\"margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex\">{old_html}</blockquote></div>\n"
    );
    (text, html)
}

/// The raw mail, as a mail program would hand it over.
pub(super) fn compose(draft: &Draft<'_>) -> Vec<u8> {
    let domain = draft.from.address.rsplit('@').next().unwrap_or("example.com");
    let mut headers = Vec::new();
    if let Some(server) = draft.authserv_id {
        headers.push(format!("Authentication-Results: {server};\r\n dkim=pass header.d={domain};\r\n dmarc=pass header.from={domain}"));
    }
    headers.push("MIME-Version: 1.0".to_owned());
    headers.push(format!("Message-ID: <{}@{domain}>", Uuid::new_v4().simple()));
    if let Some(old) = draft.answers
        && let Some(id) = &old.message_id
    {
        headers.push(format!("In-Reply-To: <{id}>"));
        let references: Vec<String> = old.references.iter().chain([id]).map(|r| format!("<{r}>")).collect();
        headers.push(format!("References: {}", references.join("\r\n ")));
    }
    headers.push(format!("From: {} <{}>", header_text(&draft.from.name), draft.from.address));
    headers.push(format!("To: <{}>", draft.to));
    headers.push(format!("Date: {}", draft.at.strftime("%a, %d %b %Y %H:%M:%S +0000")));
    headers.push(format!("Subject: {}", header_text(&draft.subject)));
    let boundary = format!("=_{}", Uuid::new_v4().simple());
    headers.push(format!("Content-Type: multipart/alternative; boundary=\"{boundary}\""));
    let (text, html) = bodies(draft);
    let part = |kind: &str, body: &str| {
        let encoded = base64_lines(body);
        format!("--{boundary}\r\nContent-Type: text/{kind}; charset=\"UTF-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n")
    };
    let mail =
        [headers.join("\r\n"), "\r\n\r\n".to_owned(), part("plain", &text), part("html", &html), format!("--{boundary}--\r\n")].concat();
    mail.into_bytes()
}

/// Puts a mail into a Maildir, whole or not at all; the name of its file.
pub(super) async fn drop_into(maildir: &Path, raw: &[u8], at: Timestamp) -> io::Result<String> {
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(maildir.join(folder)).await?;
    }
    let name = format!("{}.{}.demo", at.as_second(), Uuid::new_v4().simple());
    let waiting = maildir.join("tmp").join(&name);
    fs::write(&waiting, raw).await?;
    fs::rename(&waiting, maildir.join("new").join(&name)).await?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Mail {
        let raw = "From: =?UTF-8?B?54m957ea?= <support@demo.example>\r\nTo: wang@demo.example\r\nReply-To: support+tok@demo.example\r\n\
                   Message-ID: <n1@demo.example>\r\nReferences: <n0@demo.example>\r\nDate: Sat, 21 Nov 2026 12:46:00 +0000\r\n\
                   Subject: [#12] invoice\r\n\r\nhttp://127.0.0.1:8080/d/12\r\nsecond line\r\n";
        read("1.n1", raw.as_bytes(), false).unwrap()
    }

    #[test]
    fn an_answer_is_what_gmail_would_send() {
        let notice = notice();
        let draft = Draft {
            from: Party { name: "王經理".to_owned(), address: "wang@demo.example".to_owned() },
            to: &notice.reply_to,
            subject: format!("Re: {}，還有一個很長很長很長很長很長很長的主旨", notice.subject),
            text: "發票昨天寄出了。\n<請查收>",
            answers: Some(&notice),
            at: Timestamp::constant(1_795_265_200, 0),
            authserv_id: Some("mx.demo.example"),
        };
        let raw = compose(&draft);
        let shown = String::from_utf8(raw.clone()).unwrap();
        assert!(shown.contains("In-Reply-To: <n1@demo.example>\r\nReferences: <n0@demo.example>\r\n <n1@demo.example>\r\n"), "{shown}");
        assert!(shown.starts_with("Authentication-Results: mx.demo.example;"));
        assert!(shown.lines().all(|l| l.len() <= 110));
        let mail = read("2", &raw, true).unwrap();
        assert_eq!((mail.from.name.as_str(), mail.subject.as_str()), ("王經理", draft.subject.as_str()));
        assert_eq!(mail.to, ["support+tok@demo.example"]);
        let quote = "牽線 <support@demo.example> 於 2026年11月21日 週六 下午8:46寫道：\n\n> http://127.0.0.1:8080/d/12\n> second line";
        assert_eq!(mail.text.replace("\r\n", "\n").trim_end(), format!("{}\n\n{quote}", draft.text));
        let html = mail.html_body.unwrap();
        assert!(html.contains("&lt;請查收&gt;</div><br><div class=\"gmail_quote gmail_quote_container\">"), "{html}");
    }

    #[test]
    fn a_picture_in_the_mail_is_shown() {
        let raw = "From: a@demo.example\r\nTo: b@demo.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n\
                   --b\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:p1@x\"><img src=\"cid:p2@x\">\r\n--b\r\nContent-ID: <p1@x>\r\nContent-Type: \
                   image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n";
        let html = read("3", raw.as_bytes(), false).unwrap().html_body.unwrap();
        assert!(html.contains("src=\"data:image/png;base64,AAEC\"><img src=\"cid:p2@x\">"), "{html}");
    }

    #[tokio::test]
    async fn a_maildir_is_read_once_a_mail_and_may_not_exist_yet() {
        let folder = tempfile::tempdir().unwrap();
        let mut known = BTreeMap::new();
        look(&folder.path().join("absent"), &mut known).await.unwrap();
        assert!(known.is_empty());
        let raw = b"From: a@demo.example\r\nTo: B@demo.example\r\nSubject: x\r\n\r\nbody\r\n";
        let id = drop_into(folder.path(), raw, Timestamp::constant(1_795_265_200, 0)).await.unwrap();
        look(folder.path(), &mut known).await.unwrap();
        fs::rename(folder.path().join("new").join(&id), folder.path().join("cur").join(format!("{id}:2,S"))).await.unwrap();
        look(folder.path(), &mut known).await.unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!(known[&id].to, ["b@demo.example"]);
        assert_eq!(known[&id].reply_to, "a@demo.example");
    }
}
