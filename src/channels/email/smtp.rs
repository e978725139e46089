//! Mail out: to an SMTP server (RFC 5321), or into a folder.
//!
//! Built on `lettre`'s connection, with a pool of our own. Its pool takes a connection back whose mail was given up
//! half-way, so that the next mail reads the answers meant for the one before; and its errors do not tell whether the
//! mail's end was sent, which decides between "not sent" and "may have arrived".

mod login;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Severity;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use self::login::LoginFailure;
use super::connection::{CONNECT_SECONDS_MAX, MAIL_BYTES_MAX, MailError, bare_host, name_of, one_line, tcp};
use super::dkim::Signer;
use super::maildir;
use super::oauth::AccessTokens;
use crate::config::{self, MailServer, MailSink, Tls};

/// Time for one mail of no size, connecting included; see [`send_time_max`].
pub const SEND_SECONDS_MAX: u64 = 60;
/// A mail gets a second more for each of these.
const SLOWEST_BYTES_PER_SECOND: u64 = 32 * 1024;
/// Connections at once.
pub const CONNECTIONS_MAX: usize = 4;
/// A connection that was not used for longer is not used again; servers close theirs after a few minutes.
const IDLE_SECONDS_MAX: u64 = 20;
/// Mails over one connection; servers have a limit of their own, often 100.
const MAILS_PER_CONNECTION_MAX: u32 = 50;
const QUIT_SECONDS_MAX: u64 = 2;
/// What is written at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// `554 5.7.0 authentication required` and its like (RFC 4954, section 6): the operator's to mend, not the mail's fault.
const LOGIN_CODES: [u16; 4] = [530, 534, 535, 538];
/// The server closes the connection.
const CLOSING_CODE: u16 = 421;

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The server has taken it over.
    Sent,
    /// Its last byte was sent, but no answer came: it may have arrived.
    Unknown(String),
    /// It did not arrive, for a reason that has nothing to do with this mail; later it may.
    Retry(String),
    /// The server does not want this mail now (4xx); later it may.
    Deferred(String),
    /// It did not arrive and will not.
    Rejected(String),
}

/// The longest that [`Smtp::send`] takes for a mail of `bytes`: 60 s and a second for every 32 KiB.
pub fn send_time_max(bytes: usize) -> Duration {
    Duration::from_secs(SEND_SECONDS_MAX) + time_for(bytes)
}

fn time_for(bytes: usize) -> Duration {
    Duration::from_secs(u64::try_from(bytes).unwrap_or(u64::MAX) / SLOWEST_BYTES_PER_SECOND)
}

/// The way out for mail.
#[derive(Debug)]
pub struct Smtp {
    sink: Sink,
    signer: Option<Signer>,
}

#[derive(Debug)]
enum Sink {
    Server(Box<Relay>),
    Maildir(PathBuf),
}

struct Relay {
    server: MailServer,
    tls: TlsParameters,
    /// Instead of a password.
    tokens: Option<Arc<AccessTokens>>,
    hello: ClientId,
    /// [`SEND_SECONDS_MAX`], but for tests of it.
    patience: Duration,
    turns: Semaphore,
    parked: Mutex<Vec<Connection>>,
}

/// A connection that is ready for the next mail.
struct Connection {
    wire: AsyncSmtpConnection,
    mails: u32,
    used: Instant,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Why a mail did not go through: how far it came, and what is to be done.
struct Failure {
    outcome: SendOutcome,
    /// The connection is at fault, not the mail.
    is_connection: bool,
}

impl Smtp {
    /// Connects to nothing yet. `tokens` log in where the configuration says OAuth.
    ///
    /// # Errors
    /// `CannotConnect` where the host's name or the configured certificates cannot be such, `BadKey` likewise.
    pub fn new(config: &config::Smtp, tokens: Option<Arc<AccessTokens>>) -> Result<Self, MailError> {
        let signer = config.dkim.as_ref().map(Signer::new).transpose()?;
        let server = match &config.sink {
            MailSink::Maildir(dir) => return Ok(Self { sink: Sink::Maildir(dir.clone()), signer }),
            MailSink::Smtp(server) => server.clone(),
        };
        let mut tls = TlsParameters::builder(bare_host(&server).to_owned());
        if let Some(pem) = &server.ca_pem {
            tls = tls.add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(|e| cannot_connect(&server, &e))?);
        }
        let tls = tls.build().map_err(|e| cannot_connect(&server, &e))?;
        // Strict servers want a name with a dot; a container's host name has none.
        let hello = match ClientId::default() {
            ClientId::Domain(name) if !name.contains('.') => {
                ClientId::Domain(config.from_address.rsplit('@').next().unwrap_or_default().to_owned())
            }
            hello => hello,
        };
        let patience = Duration::from_secs(SEND_SECONDS_MAX);
        let (turns, parked) = (Semaphore::new(CONNECTIONS_MAX), Mutex::new(Vec::new()));
        Ok(Self { sink: Sink::Server(Box::new(Relay { server, tls, tokens, hello, patience, turns, parked })), signer })
    }

    /// Hands one mail to the server, for one recipient; takes no longer than [`send_time_max`]. `envelope_from` may be
    /// empty. Lines must end with CRLF; those that do not are mended. It is signed first, where a key is configured. In a
    /// folder the mail's name is `unique`, and sending it twice leaves one.
    pub async fn send(&self, envelope_from: &str, to: &str, raw: &[u8], unique: &str) -> SendOutcome {
        let with_signature;
        let raw = match &self.signer {
            None => raw,
            Some(signer) => {
                let mended = with_crlf(raw);
                match signer.header(&mended) {
                    Ok(header) => with_signature = [header.as_bytes(), &mended].concat(),
                    Err(why) => return SendOutcome::Rejected(why),
                }
                &with_signature
            }
        };
        match &self.sink {
            Sink::Server(relay) => relay.send(envelope_from, to, raw).await,
            Sink::Maildir(dir) => match maildir::deliver_named(dir, raw, unique).await {
                Ok(_) => SendOutcome::Sent,
                Err(e) => SendOutcome::Retry(format!("cannot file the mail in {}: {e}", dir.display())),
            },
        }
    }

    /// Connects and logs in, or makes sure that the folder takes files; no mail is sent.
    pub async fn check(&self) -> Result<(), MailError> {
        match &self.sink {
            Sink::Server(relay) => relay.check().await,
            Sink::Maildir(dir) => {
                maildir::check(dir).await.map_err(|e| MailError::CannotConnect { server: dir.display().to_string(), why: e.to_string() })
            }
        }
    }
}

impl Relay {
    async fn send(&self, envelope_from: &str, to: &str, raw: &[u8]) -> SendOutcome {
        let from = match envelope_from {
            "" => None,
            address => match address.parse::<Address>() {
                Ok(from) => Some(from),
                Err(e) => return SendOutcome::Rejected(format!("{address} is no mail address: {e}")),
            },
        };
        let Ok(to) = to.parse::<Address>() else {
            return SendOutcome::Rejected(format!("{} is no mail address", one_line(to)));
        };
        if u64::try_from(raw.len()).unwrap_or(u64::MAX) > MAIL_BYTES_MAX {
            return SendOutcome::Rejected(format!("the mail is larger than {MAIL_BYTES_MAX} bytes"));
        }
        let raw = with_crlf(raw);
        let envelope = Envelope { from, to, raw: &raw, is_end_sent: false.into() };
        let limit = self.patience + time_for(raw.len());
        match timeout(limit, self.deliver(&envelope)).await {
            Ok(Ok(())) => SendOutcome::Sent,
            Ok(Err(outcome)) => outcome,
            Err(_) => {
                let text = format!("{} did not answer within {} s", name_of(&self.server), limit.as_secs());
                if envelope.is_end_sent() { SendOutcome::Unknown(text) } else { SendOutcome::Retry(text) }
            }
        }
    }

    async fn deliver(&self, envelope: &Envelope<'_>) -> Result<(), SendOutcome> {
        let _turn = self.turns.acquire().await.expect("nobody closes it");
        if let Some(mut connection) = self.take_parked() {
            match envelope.post(&mut connection.wire).await {
                Ok(()) => {
                    self.park(connection);
                    return Ok(());
                }
                // The server may have closed it meanwhile: the mail gets a fresh one.
                Err(Failure { outcome: SendOutcome::Retry(_), is_connection: true }) => {}
                Err(failure) => {
                    quit(connection.wire).await;
                    return Err(failure.outcome);
                }
            }
        }
        let wire = self.connect().await.map_err(|e| SendOutcome::Retry(e.to_string()))?;
        let mut connection = Connection { wire, mails: 0, used: Instant::now() };
        match envelope.post(&mut connection.wire).await {
            Ok(()) => {
                self.park(connection);
                Ok(())
            }
            Err(failure) => {
                if !failure.is_connection {
                    quit(connection.wire).await;
                }
                Err(failure.outcome)
            }
        }
    }

    /// The connection that was used last, where it is fresh enough; those that are not are closed.
    fn take_parked(&self) -> Option<Connection> {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        parked.retain(|c| c.used.elapsed() < Duration::from_secs(IDLE_SECONDS_MAX));
        parked.pop()
    }

    fn park(&self, mut connection: Connection) {
        connection.mails += 1;
        connection.used = Instant::now();
        if connection.mails < MAILS_PER_CONNECTION_MAX {
            self.parked.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    async fn check(&self) -> Result<(), MailError> {
        let mut wire = self.connect().await?;
        let noop = timeout(self.patience, wire.command(Noop)).await;
        noop.map_err(|_| self.timed_out("NOOP"))?.map_err(|e| self.said(&e, "NOOP"))?;
        quit(wire).await;
        Ok(())
    }

    /// Connects, encrypts and logs in. Plain text only to this machine, where a certificate that is not trusted is no
    /// obstacle either.
    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let limit = self.patience;
        let mut wire = timeout(limit, self.open()).await.map_err(|_| self.timed_out("its greeting"))??;
        match self.log_in(&mut wire).await {
            // A token may be taken back before its end; a fresh one needs a fresh connection.
            Err(LoginFailure { refused: Some(token), error: MailError::RefusedLogin { .. } }) => {
                quit(wire).await;
                let mut wire = timeout(limit, self.open()).await.map_err(|_| self.timed_out("its greeting"))??;
                self.log_in_instead_of(&mut wire, &token).await?;
                Ok(wire)
            }
            outcome => outcome.map(|()| wire).map_err(|failure| failure.error),
        }
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, MailError> {
        if self.server.tls == Tls::Wrapped {
            let limit = Some(Duration::from_secs(CONNECT_SECONDS_MAX));
            let address = (bare_host(&self.server), self.server.port);
            let wire = AsyncSmtpConnection::connect_tokio1(address, limit, &self.hello, Some(self.tls.clone()), None);
            return wire.await.map_err(|e| cannot_connect(&self.server, &e));
        }
        let (mut wire, is_loopback) = self.open_plain().await?;
        if !wire.can_starttls() {
            if is_loopback {
                return Ok(wire);
            }
            quit(wire).await;
            return Err(MailError::Insecure { server: name_of(&self.server), instead: "smtps://" });
        }
        match wire.starttls(self.tls.clone(), &self.hello).await {
            Ok(()) => Ok(wire),
            Err(e) if is_loopback => {
                tracing::warn!(server = name_of(&self.server), error = %e, "talking in plain text to a mail server on this machine");
                Ok(self.open_plain().await?.0)
            }
            Err(e) => Err(cannot_connect(&self.server, &e)),
        }
    }

    async fn open_plain(&self) -> Result<(AsyncSmtpConnection, bool), MailError> {
        let (stream, is_loopback) = tcp(&self.server).await?;
        let wire = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await;
        Ok((wire.map_err(|e| cannot_connect(&self.server, &e))?, is_loopback))
    }

    fn timed_out(&self, command: &'static str) -> MailError {
        MailError::TimedOut { server: name_of(&self.server), command }
    }

    fn said(&self, error: &lettre::transport::smtp::Error, command: &'static str) -> MailError {
        let server = name_of(&self.server);
        if error.status().is_some() {
            MailError::SaidNo { server, command, said: words(error) }
        } else {
            MailError::CutOff { server, command, why: words(error) }
        }
    }
}

fn cannot_connect(server: &MailServer, error: &lettre::transport::smtp::Error) -> MailError {
    MailError::CannotConnect { server: name_of(server), why: words(error) }
}

fn words(error: &lettre::transport::smtp::Error) -> String {
    one_line(&error.to_string())
}

/// Leaves politely, without waiting long for the answer.
async fn quit(mut wire: AsyncSmtpConnection) {
    if timeout(Duration::from_secs(QUIT_SECONDS_MAX), wire.abort()).await.is_err() {
        tracing::debug!("a mail server did not answer QUIT");
    }
}

/// One mail on its way.
struct Envelope<'a> {
    from: Option<Address>,
    to: Address,
    raw: &'a [u8],
    /// All of the mail was handed to the connection: from here on it may have arrived.
    is_end_sent: AtomicBool,
}

impl Envelope<'_> {
    fn is_end_sent(&self) -> bool {
        self.is_end_sent.load(Ordering::Relaxed)
    }

    /// The whole transaction (RFC 5321, section 3.3).
    async fn post(&self, wire: &mut AsyncSmtpConnection) -> Result<(), Failure> {
        let mut parameters = Vec::new();
        let is_utf8 = !AsRef::<str>::as_ref(&self.to).is_ascii() || self.from.as_ref().is_some_and(|a| !AsRef::<str>::as_ref(a).is_ascii());
        for (is_needed, extension, parameter, what) in [
            (is_utf8, Extension::SmtpUtfEight, MailParameter::SmtpUtfEight, "an address with other than ASCII letters"),
            (!self.raw.is_ascii(), Extension::EightBitMime, MailParameter::Body(MailBodyParameter::EightBitMime), "an 8-bit mail"),
        ] {
            if is_needed && !wire.server_info().supports_feature(extension) {
                let outcome = SendOutcome::Rejected(format!("the mail server does not take {what}"));
                return Err(Failure { outcome, is_connection: false });
            }
            if is_needed {
                parameters.push(parameter);
            }
        }
        wire.command(Mail::new(self.from.clone(), parameters)).await.map_err(|e| self.failure(&e))?;
        wire.command(Rcpt::new(self.to.clone(), Vec::new())).await.map_err(|e| self.failure(&e))?;
        let go_ahead = wire.command(Data).await.map_err(|e| self.failure(&e))?;
        if go_ahead.code().severity != Severity::PositiveIntermediate {
            let outcome = SendOutcome::Retry("the mail server did not answer DATA with 354".to_owned());
            return Err(Failure { outcome, is_connection: true });
        }
        // What ends the mail begins with a line break: the mail's own last one would be doubled by it.
        let raw = self.raw.strip_suffix(b"\r\n").unwrap_or(self.raw);
        let mut chunks = raw.chunks(CHUNK_BYTES);
        let chunks = std::iter::from_fn(|| {
            let chunk = chunks.next();
            if chunk.is_none() {
                self.is_end_sent.store(true, Ordering::Relaxed);
            }
            chunk
        });
        wire.message_iter(chunks).await.map_err(|e| self.failure(&e))?;
        Ok(())
    }

    fn failure(&self, error: &lettre::transport::smtp::Error) -> Failure {
        let text = words(error);
        let (outcome, is_connection) = match error.status().map(u16::from) {
            Some(CLOSING_CODE) => (SendOutcome::Retry(text), true),
            Some(code) if LOGIN_CODES.contains(&code) => (SendOutcome::Retry(text), false),
            Some(_) if error.is_permanent() => (SendOutcome::Rejected(text), false),
            Some(_) => (SendOutcome::Deferred(text), false),
            None if self.is_end_sent() => (SendOutcome::Unknown(text), true),
            None => (SendOutcome::Retry(text), true),
        };
        Failure { outcome, is_connection }
    }
}

/// Lines that end with CRLF throughout: a lone CR or LF may not be sent (RFC 5321, section 2.3.8), and some servers take
/// one for a line's end, so that a dot behind it would end the mail.
fn with_crlf(raw: &[u8]) -> Cow<'_, [u8]> {
    let is_lone = |i: usize| match raw[i] {
        b'\n' => i == 0 || raw[i - 1] != b'\r',
        b'\r' => raw.get(i + 1) != Some(&b'\n'),
        _ => false,
    };
    if !(0..raw.len()).any(is_lone) {
        return Cow::Borrowed(raw);
    }
    let mut mended = Vec::with_capacity(raw.len() + raw.len() / 32);
    for (i, b) in raw.iter().enumerate() {
        if is_lone(i) {
            mended.extend_from_slice(b"\r\n");
        } else {
            mended.push(*b);
        }
    }
    Cow::Owned(mended)
}

#[cfg(test)]
mod tests;
