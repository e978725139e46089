//! `bot-config.toml` as the program sees it: checked, with paths made absolute and secrets read.
//!
//! [`load`] refuses what is wrong with one line that names the file and the key.

mod load;
mod secret;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use url::Url;

pub use load::{ConfigError, load, parse};
pub use secret::Secret;

use crate::i18n::Locale;

/// Octets of a MB, as limits count.
pub const MB_OCTETS: u64 = 1024 * 1024;

/// Everything that the operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub storage: Storage,
    /// A file of a LINE message that is larger is not kept; octets.
    pub file_bytes_max: u64,
    /// One per LINE Official Account; names differ.
    pub line: Vec<LineAccount>,
    pub line_login: Option<LineLogin>,
    /// One per mailbox; names differ.
    pub mailbox: Vec<Mailbox>,
    /// Absent: no mail leaves.
    pub smtp: Option<Smtp>,
    pub notify: Notify,
}

#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    /// What links in notices begin with; no slash at its end.
    pub public_url: String,
    pub locale: Locale,
    pub time_zone: TimeZone,
}

#[derive(Clone, Debug)]
pub struct Database {
    /// `sqlite://PATH` (absolute after loading) or `postgres://…`; holds a password, so it is a secret.
    pub url: Secret,
}

#[derive(Clone, Debug)]
pub enum Storage {
    /// A folder, absolute.
    Folder(PathBuf),
    /// An S3-compatible bucket.
    S3 {
        bucket: String,
        /// Goes before every key; may be empty.
        prefix: String,
        /// Absent: AWS's own.
        endpoint: Option<String>,
        region: String,
        access_key_id: Option<String>,
        secret_access_key: Option<Secret>,
    },
}

#[derive(Clone, Debug)]
pub struct LineAccount {
    /// Its webhook is `POST /webhooks/line/{name}`.
    pub name: String,
    /// Signs webhooks.
    pub channel_secret: Secret,
    /// Accepted beside `channel_secret` while the secret is being reissued.
    pub channel_secret_next: Option<Secret>,
    pub access: LineAccess,
    /// No slash at its end.
    pub api_url: String,
    /// No slash at its end.
    pub data_api_url: String,
}

/// How an account shows LINE that it may send.
#[derive(Clone, Debug)]
pub enum LineAccess {
    /// A long-lived channel access token, pasted from the console.
    Pasted(Secret),
    /// Stateless tokens of 15 minutes, had for the channel's id and secret.
    Stateless { channel_id: String },
}

impl LineAccount {
    /// The secrets that may sign its webhooks.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.channel_secret).chain(&self.channel_secret_next)
    }
}

#[derive(Clone, Debug)]
pub struct LineLogin {
    pub channel_id: String,
    pub channel_secret: Secret,
    pub authorize_url: String,
    pub api_url: String,
}

#[derive(Clone, Debug)]
pub struct Mailbox {
    pub name: String,
    /// `support@example.com`, lower case; sub-addresses arrive in it too.
    pub address: String,
    pub source: MailSource,
    pub after: AfterTaking,
    pub since: Since,
    /// Key of the project for senders nobody knows; `None` = the triage project.
    pub project: Option<String>,
    /// Whose `Authentication-Results` header is trusted; `None` = nobody's.
    pub authserv_id: Option<String>,
}

#[derive(Clone, Debug)]
pub enum MailSource {
    Imap {
        server: MailServer,
        folder: String,
    },
    /// A folder with `new`, `cur` and `tmp`, absolute.
    Maildir(PathBuf),
}

/// What is done with a mail once it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterTaking {
    Seen,
    Move(String),
    Delete,
}

/// What is taken of the mails that lie in an IMAP folder when it is read for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// All of them.
    Everything,
    /// None: only what comes from then on.
    Nothing,
    /// What is unread, and what came within so long before.
    Within(Duration),
    /// What is unread, and what came on this day (of the server's time zone) or later.
    Day(Date),
}

/// A mail server to log in to.
#[derive(Clone, Debug)]
pub struct MailServer {
    pub tls: Tls,
    pub host: String,
    pub port: u16,
    /// Percent-decoded.
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// Instead of a password.
    pub oauth: Option<Box<OAuth>>,
    /// Certificates (PEM) of authorities that are believed beside those that browsers trust.
    pub ca_pem: Option<String>,
}

/// How an access token is asked for (RFC 6749, section 6).
#[derive(Clone, Debug)]
pub struct OAuth {
    /// What it is for: `mailbox/support`, `smtp`.
    pub name: String,
    pub token_url: String,
    pub client_id: String,
    /// Absent for a public client.
    pub client_secret: Option<Secret>,
    pub refresh_token: Secret,
    pub scope: Option<String>,
}

/// How a mail connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (`imaps://`, `smtps://`).
    Wrapped,
    /// `STARTTLS` where it is offered; plain text only to a loopback address, and refused elsewhere.
    StartTls,
}

#[derive(Clone, Debug)]
pub struct Smtp {
    pub sink: MailSink,
    /// The name and address that mails come from.
    pub from_name: String,
    pub from_address: String,
    /// Absent: mails leave unsigned.
    pub dkim: Option<Dkim>,
}

/// What mails are signed with (RFC 6376).
#[derive(Clone, Debug)]
pub struct Dkim {
    pub domain: String,
    pub selector: String,
    /// RSA or Ed25519, PKCS#8 PEM.
    pub key: Secret,
}

#[derive(Clone, Debug)]
pub enum MailSink {
    Smtp(MailServer),
    /// A folder with `new`, `cur` and `tmp`, absolute.
    Maildir(PathBuf),
}

#[derive(Clone, Debug)]
pub struct Notify {
    /// How long a burst of LINE messages must be quiet before the bot answers it.
    pub settle: Duration,
    /// How long a staff answer can be taken back before anything leaves for LINE.
    pub hold: Duration,
    /// How long a notice waits for a free ride or company before a push.
    pub coalesce: Duration,
    /// How long after a mail about a discussion the next one to the same person waits for others to travel with.
    pub mail_together: Duration,
    /// From and until, in the server's time zone; may span midnight.
    pub quiet_hours: Option<(Time, Time)>,
    /// LINE messages that may be billed a month; `None` = ask LINE for the quota.
    pub monthly_budget: Option<u64>,
}

impl Config {
    /// Every account that logs in by OAuth.
    pub fn oauth(&self) -> impl Iterator<Item = &OAuth> {
        let mailboxes = self.mailbox.iter().filter_map(|m| match &m.source {
            MailSource::Imap { server, .. } => server.oauth.as_deref(),
            MailSource::Maildir(_) => None,
        });
        let smtp = self.smtp.iter().filter_map(|s| match &s.sink {
            MailSink::Smtp(server) => server.oauth.as_deref(),
            MailSink::Maildir(_) => None,
        });
        mailboxes.chain(smtp)
    }
}

impl Server {
    /// `https://support.example.com/d/12`.
    pub fn discussion_url(&self, number: i64) -> String {
        format!("{}/d/{number}", self.public_url)
    }

    /// Whether people reach us over TLS.
    pub fn is_https(&self) -> bool {
        Url::parse(&self.public_url).is_ok_and(|u| u.scheme() == "https")
    }
}
