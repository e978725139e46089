//! A mail drop: what people write to us goes into one folder, what we write to them is found in another.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{HeaderValue, MessageParser};
use threadline::channels::email::maildir;
use uuid::Uuid;

use super::{AUTHSERV, SUPPORT, Staff};

/// Characters of one line of base64 (RFC 2045, 6.8).
const BASE64_LINE_CHARS: usize = 76;

/// The two folders.
#[derive(Clone)]
pub struct MailDrop {
    incoming: PathBuf,
    outgoing: PathBuf,
}

impl MailDrop {
    /// `mail-in` and `mail-out` in `folder`.
    pub fn new(folder: &Path) -> Self {
        let drop = Self { incoming: folder.join("mail-in"), outgoing: folder.join("mail-out") };
        for mailbox in [&drop.incoming, &drop.outgoing] {
            for part in ["new", "cur", "tmp"] {
                fs::create_dir_all(mailbox.join(part)).expect("the folder can be made");
            }
        }
        drop
    }

    /// Somebody's mail arrives. Its Message-ID, as it is known from then on.
    pub async fn arrives(&self, letter: &Letter) -> String {
        self.arrives_raw(&letter.raw()).await;
        letter.message_id.clone()
    }

    /// Any bytes arrive.
    pub async fn arrives_raw(&self, raw: &[u8]) {
        maildir::deliver(&self.incoming, raw).await.expect("the mail can be filed");
    }

    /// Every mail that left, oldest first.
    pub async fn sent(&self) -> Vec<Mail> {
        let mut found = vec![];
        for path in maildir::list_new(&self.outgoing).await.expect("the folder can be read") {
            found.push(Mail::read(fs::read(path).expect("the mail can be read")));
        }
        found.sort_by_key(|m| m.date);
        found
    }

    /// Those to one address.
    pub async fn sent_to(&self, address: &str) -> Vec<Mail> {
        self.sent().await.into_iter().filter(|m| m.to == address).collect()
    }

    /// How many mails wait to be taken.
    pub async fn waiting(&self) -> usize {
        maildir::list_new(&self.incoming).await.expect("the folder can be read").len()
    }
}

/// A mail of ours as its reader's program sees it.
#[derive(Clone, Debug)]
pub struct Mail {
    pub raw: Vec<u8>,
    pub message_id: String,
    pub in_reply_to: Option<String>,
    pub references: Vec<String>,
    pub from_name: String,
    pub reply_to: Option<String>,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub date: i64,
}

impl Mail {
    /// # Panics
    /// Where it cannot be read.
    pub fn read(raw: Vec<u8>) -> Self {
        let parsed = MessageParser::default().parse(&raw).expect("what we write can be read");
        let ids = |value: &HeaderValue| value.as_text_list().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>();
        let address = |a: Option<&mail_parser::Address>| a.and_then(|a| a.first()).and_then(|a| a.address()).map(str::to_owned);
        Self {
            message_id: parsed.message_id().expect("it has a Message-ID").to_owned(),
            in_reply_to: ids(parsed.in_reply_to()).pop(),
            references: ids(parsed.references()),
            from_name: parsed.from().and_then(|a| a.first()).and_then(|a| a.name()).unwrap_or_default().to_owned(),
            reply_to: address(parsed.reply_to()),
            to: address(parsed.to()).expect("it is to somebody"),
            subject: parsed.subject().unwrap_or_default().to_owned(),
            text: parsed.body_text(0).unwrap_or_default().replace("\r\n", "\n"),
            html: parsed.body_html(0).unwrap_or_default().into_owned(),
            date: parsed.date().map_or(0, mail_parser::DateTime::to_timestamp),
            raw,
        }
    }

    /// The value of a header that stands on one line; empty where there is none.
    pub fn header(&self, name: &str) -> String {
        let text = String::from_utf8_lossy(&self.raw);
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let found = head.lines().find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
        found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    }
}

/// A mail that somebody writes to us.
#[derive(Clone, Debug)]
pub struct Letter {
    pub message_id: String,
    from: String,
    from_name: String,
    to: String,
    subject: String,
    body: String,
    headers: Vec<(String, String)>,
    attachments: Vec<(String, String, Vec<u8>)>,
    proven: bool,
}

impl Letter {
    /// From somebody to the support address, with a Message-ID of its own.
    pub fn new(from: &str, subject: &str, body: &str) -> Self {
        Self {
            message_id: format!("{}@mail.example.org", Uuid::new_v4()),
            from: from.to_owned(),
            from_name: String::new(),
            to: SUPPORT.to_owned(),
            subject: subject.to_owned(),
            body: body.to_owned(),
            headers: vec![],
            attachments: vec![],
            proven: false,
        }
    }

    /// An answer as mail programs make it: to the reply address, below the thread, with the whole mail quoted.
    pub fn answering(mail: &Mail, from: &str, body: &str) -> Self {
        let quoted: String = mail.text.lines().fold(String::new(), |mut all, line| {
            writeln!(all, "> {line}").expect("writing into a String cannot fail");
            all
        });
        let body = format!("{body}\n\n客服 <{SUPPORT}> 於 2026年11月21日 週六 下午8:10寫道：\n\n{quoted}");
        let subject = mail.subject.strip_prefix("Re: ").unwrap_or(&mail.subject);
        let references = mail.references.iter().chain([&mail.message_id]).map(|id| format!("<{id}>")).collect::<Vec<_>>().join(" ");
        Self::new(from, &format!("Re: {subject}"), &body)
            .to(mail.reply_to.as_deref().unwrap_or(SUPPORT))
            .header("In-Reply-To", &format!("<{}>", mail.message_id))
            .header("References", &references)
    }

    /// A colleague's answer to a mail of ours.
    pub fn by_staff(staff: &Staff, mail: &Mail, body: &str) -> Self {
        Self::answering(mail, &staff.email, body).named(&staff.name)
    }

    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.from_name);
        self
    }

    pub fn to(mut self, address: &str) -> Self {
        address.clone_into(&mut self.to);
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn attach(mut self, name: &str, content_type: &str, bytes: &[u8]) -> Self {
        self.attachments.push((name.to_owned(), content_type.to_owned(), bytes.to_owned()));
        self
    }

    /// Our own server says that its author is who they say.
    pub fn proven(mut self) -> Self {
        self.proven = true;
        self
    }

    /// The bytes as they arrive.
    pub fn raw(&self) -> Vec<u8> {
        let mut out = String::new();
        let mut line = |text: String| {
            out.push_str(&text);
            out.push_str("\r\n");
        };
        let domain = self.from.rsplit('@').next().unwrap_or_default();
        if self.proven {
            line(format!("Authentication-Results: {AUTHSERV}; dmarc=pass header.from={domain}"));
        }
        line(format!("Received: from mail.{domain} by {AUTHSERV}; Sat, 21 Nov 2026 20:00:00 +0800"));
        line(format!("From: {} <{}>", encoded(&self.from_name), self.from));
        line(format!("To: {}", self.to));
        line(format!("Subject: {}", encoded(&self.subject)));
        line(format!("Message-ID: <{}>", self.message_id));
        for (name, value) in &self.headers {
            line(format!("{name}: {value}"));
        }
        line("MIME-Version: 1.0".to_owned());
        line("Content-Type: multipart/mixed; boundary=\"cut here\"".to_owned());
        line(String::new());
        line("--cut here".to_owned());
        line("Content-Type: text/plain; charset=utf-8".to_owned());
        line("Content-Transfer-Encoding: base64".to_owned());
        line(String::new());
        line(wrapped(self.body.as_bytes()));
        for (name, content_type, bytes) in &self.attachments {
            line("--cut here".to_owned());
            line(format!("Content-Type: {content_type}"));
            line(format!("Content-Disposition: attachment; filename=\"{}\"", encoded(name)));
            line("Content-Transfer-Encoding: base64".to_owned());
            line(String::new());
            line(wrapped(bytes));
        }
        line("--cut here--".to_owned());
        out.into_bytes()
    }
}

/// An encoded word (RFC 2047) where it is not plain.
fn encoded(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { format!("=?utf-8?B?{}?=", STANDARD.encode(text)) }
}

fn wrapped(bytes: &[u8]) -> String {
    let all = STANDARD.encode(bytes);
    all.as_bytes().chunks(BASE64_LINE_CHARS).map(|c| String::from_utf8_lossy(c).into_owned()).collect::<Vec<_>>().join("\r\n")
}
