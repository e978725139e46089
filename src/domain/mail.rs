//! A mail in our words: made by `channels::email::parse`.

use std::borrow::Cow;

use jiff::Timestamp;

use super::MessageId;

/// A mail address with the name beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAddress {
    /// The display name, decoded; empty where there is none.
    pub name: String,
    /// `local@domain`, lower case.
    pub address: String,
}

/// A mail as it was read; every field as tolerant as mail in the wild demands.
#[derive(Clone, Debug, PartialEq)]
pub struct IncomingMail {
    /// Message-ID without brackets, where it has one.
    pub message_id: Option<MessageId>,
    /// In-Reply-To without brackets: the first id of it.
    pub in_reply_to: Option<MessageId>,
    /// References without brackets, oldest first.
    pub references: Vec<MessageId>,
    /// The first author.
    pub from: Option<MailAddress>,
    /// Every address of To, Cc, Delivered-To, X-Original-To, Envelope-To: where a reply token may stand.
    pub recipients: Vec<MailAddress>,
    /// Cc alone.
    pub cc: Vec<MailAddress>,
    /// The subject, decoded.
    pub subject: String,
    /// The Date header, where it can be read.
    pub date: Option<Timestamp>,
    /// The whole text body; an HTML body turned into text where there is no other.
    pub text: String,
    /// The new text alone: without quoted history, signature and what is passed on; a mail that only passes something on
    /// has that here.
    pub reply: String,
    /// What its author passes on under their own words, with its header lines; empty where nothing is.
    pub passed_on: String,
    /// Files that came with it.
    pub attachments: Vec<MailAttachment>,
    /// Whether a program wrote it.
    pub auto: AutoMail,
    /// What the trusted receiving server says of its author.
    pub authenticity: Authenticity,
}

impl IncomingMail {
    /// What the mail says, without history: its author's words, and under them what they pass on.
    pub fn said(&self) -> Cow<'_, str> {
        match (self.reply.is_empty(), self.passed_on.is_empty()) {
            (_, true) => Cow::Borrowed(&self.reply),
            (true, false) => Cow::Borrowed(&self.passed_on),
            (false, false) => Cow::Owned(format!("{}\n\n{}", self.reply, self.passed_on)),
        }
    }
}

/// A file in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAttachment {
    /// A plain file name: no folders, no control characters; never empty.
    pub name: String,
    /// The declared type, `application/octet-stream` where none is.
    pub content_type: String,
    /// The original bytes, transfer encoding removed and nothing else.
    pub bytes: Vec<u8>,
}

/// Mail that no person wrote, or that no person should be answered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoMail {
    /// A person wrote it.
    None,
    /// A vacation answer or another automatic one (RFC 3834).
    AutoReply,
    /// A delivery failure.
    Bounce(Bounce),
    /// A mailing list or bulk mail.
    List,
    /// Our own mail coming back.
    Loop,
}

impl AutoMail {
    /// The word that `threadline email parse` prints.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AutoReply => "auto-reply",
            Self::Bounce(_) => "bounce",
            Self::List => "list",
            Self::Loop => "loop",
        }
    }
}

/// What a bounce says (RFC 3464 where it follows it).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounce {
    /// Message-ID of the mail that came back.
    pub original: Option<MessageId>,
    /// Who could not be reached, lower case.
    pub recipient: Option<String>,
    /// RFC 3463 status, `5.1.1`.
    pub status: Option<String>,
    /// The remote server's words, one line, at most 300 characters.
    pub diagnostic: Option<String>,
}

/// What `Authentication-Results` of the configured `authserv_id` says (RFC 8601).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticity {
    /// DMARC passed, or DKIM or SPF passed for the From domain.
    Pass,
    /// It was checked and failed.
    Fail,
    /// Nobody trusted has looked.
    Unknown,
}
