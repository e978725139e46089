//! A mailbox on an IMAP server (RFC 3501, with IDLE, MOVE and UIDPLUS where they are offered).
//!
//! Commands are written out and their answers read here, over `async-imap`'s session: its own methods take a connection
//! that ends in the middle of an answer for the end of the answer, and do not look at a `NO`.

mod fetch;
mod login;
mod search;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_imap::Session;
use async_imap::imap_proto::{Capability, MailboxDatum, Outcome, RequestId, Response, ResponseCode, Status};
use tokio::time::{Instant, timeout, timeout_at};

pub use self::fetch::{FETCH_BATCH_MAX, Fetched, Fetching, HEAD_BYTES_MAX, PIECE_BYTES};
pub use super::connection::{MAIL_BYTES_MAX, MailError};
use super::connection::{Trust, Watched, name_of, one_line};
use super::oauth::AccessTokens;
use crate::config::{AfterTaking, MailServer, Secret};

/// Time for one command, and longest silence within a fetch: a connection that was dropped silently is noticed by it, and work goes on
/// elsewhere within a minute.
pub const COMMAND_SECONDS_MAX: u64 = 25;
/// Time for the search of a whole folder.
pub const LOOK_SECONDS_MAX: u64 = 120;
/// Time for the answer to a command that does nothing.
pub const PULSE_SECONDS_MAX: u64 = 15;
/// One IDLE; servers and firewalls forget connections that are quiet for longer.
pub const IDLE_SECONDS_MAX: u64 = 5 * 60;
/// How often a server without IDLE is asked.
pub const POLL_SECONDS: u64 = 5;
/// UIDs named in one command.
const SETTLE_BATCH_MAX: usize = 500;
/// Marking, moving or deleting may take so much longer for each mail.
const SETTLE_ONE: Duration = Duration::from_millis(200);
/// Answer to a command that is not a fetch: a search may name a million UIDs.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
const LOGOUT_SECONDS_MAX: u64 = 5;

const COMMAND_MAX: Duration = Duration::from_secs(COMMAND_SECONDS_MAX);
const PULSE_MAX: Duration = Duration::from_secs(PULSE_SECONDS_MAX);

/// One session with one folder selected.
///
/// Every call may be given up (dropped) at any time; after that, and after any error but [`MailError::SaidNo`], the
/// session is spent: all further calls fail, and a new one must be connected.
#[derive(Debug)]
pub struct Imap {
    session: Session<Watched>,
    server: Arc<str>,
    offers: Offers,
    /// Mails in the folder, as far as the server has told.
    exists: u32,
    /// The server told of mails since the last search.
    is_news: bool,
    /// A command was sent whose answer has not been read to its end.
    is_unfinished: bool,
    /// The server's last words.
    goodbye: Option<String>,
}

/// Extensions that the server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Offers {
    /// RFC 2177.
    idle: bool,
    /// RFC 6851.
    moving: bool,
    /// RFC 4315, for UID EXPUNGE.
    uid_plus: bool,
}

/// What the folder was like when it was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// UIDs mean something else once this differs.
    pub uid_validity: u32,
    /// Every mail to come has this UID or a higher one.
    pub uid_next: Option<u32>,
    /// Mails in the folder.
    pub exists: u32,
}

/// UIDs of mails to be settled, and how long that may take.
struct Settled {
    set: String,
    limit: Duration,
}

/// What one response brings.
enum Step<T> {
    Told(T),
    Done(Result<(), MailError>),
}

impl Imap {
    /// Logs in and selects `folder` (its name as people see it). With `tokens` it logs in by OAuth; a token that is refused is
    /// renewed, once. TLS from the first byte or by STARTTLS; plain text only to this machine, where a certificate that is not
    /// trusted is no obstacle either.
    pub async fn connect(server: &MailServer, folder: &str, tokens: Option<&AccessTokens>) -> Result<(Self, Selected), MailError> {
        let Some(tokens) = tokens else { return Self::connect_with(server, folder, None).await };
        let token = tokens.get().await?;
        match Self::connect_with(server, folder, Some(&token)).await {
            Err(MailError::RefusedLogin { .. }) => {
                let other = tokens.instead_of(&token).await?;
                Self::connect_with(server, folder, Some(&other)).await
            }
            outcome => outcome,
        }
    }

    async fn connect_with(server: &MailServer, folder: &str, token: Option<&Secret>) -> Result<(Self, Selected), MailError> {
        let client = login::open(server, &Trust::of(server)?).await?;
        let session = login::log_in(client, server, token).await?;
        let mut imap = Self {
            session,
            server: name_of(server).into(),
            offers: Offers::default(),
            exists: 0,
            is_news: false,
            is_unfinished: false,
            goodbye: None,
        };
        imap.ask_capabilities().await?;
        let selected = imap.select(folder).await?;
        Ok((imap, selected))
    }

    async fn ask_capabilities(&mut self) -> Result<(), MailError> {
        let mut offers = Offers::default();
        self.command("CAPABILITY", "CAPABILITY", |response| {
            if let Response::Capabilities(all) = response {
                let has = |name: &str| all.iter().any(|c| matches!(c, Capability::Atom(a) if a.eq_ignore_ascii_case(name)));
                offers.idle |= has("IDLE");
                offers.moving |= has("MOVE");
                offers.uid_plus |= has("UIDPLUS");
            }
        })
        .await?;
        self.offers = offers;
        Ok(())
    }

    async fn select(&mut self, folder: &str) -> Result<Selected, MailError> {
        let (mut uid_validity, mut uid_next) = (None, None);
        self.command("SELECT", &format!("SELECT {}", quoted(folder)), |response| {
            if let Response::Data { outcome: Outcome { code: Some(code), .. }, .. } = response {
                match code {
                    ResponseCode::UidValidity(n) => uid_validity = Some(*n),
                    ResponseCode::UidNext(n) => uid_next = Some(*n),
                    _ => {}
                }
            }
        })
        .await?;
        self.is_news = false;
        let uid_validity = uid_validity.ok_or_else(|| self.nonsense("SELECT", "there is no UIDVALIDITY"))?;
        Ok(Selected { uid_validity, uid_next, exists: self.exists })
    }

    /// Does with mails that are durable what the operator asked for. Doing it again does no harm; UIDs that are gone are
    /// passed over. A folder to move to is created where it is not there.
    pub async fn settle(&mut self, uids: &[u32], after: &AfterTaking) -> Result<(), MailError> {
        for batch in uids.chunks(SETTLE_BATCH_MAX) {
            let set = Settled { set: uid_set(batch), limit: COMMAND_MAX + SETTLE_ONE * u32::try_from(batch.len()).unwrap_or(u32::MAX) };
            match after {
                AfterTaking::Seen => self.flag(&set, "\\Seen").await?,
                AfterTaking::Move(folder) if self.offers.moving => self.put_in_folder("UID MOVE", &set, folder).await?,
                AfterTaking::Move(folder) => {
                    self.put_in_folder("UID COPY", &set, folder).await?;
                    self.delete(&set).await?;
                }
                AfterTaking::Delete => self.delete(&set).await?,
            }
        }
        Ok(())
    }

    async fn flag(&mut self, Settled { set, limit }: &Settled, flag: &str) -> Result<(), MailError> {
        self.command_within(*limit, "UID STORE", &format!("UID STORE {set} +FLAGS.SILENT ({flag})"), |_| ()).await
    }

    async fn delete(&mut self, settled: &Settled) -> Result<(), MailError> {
        self.flag(settled, "\\Deleted").await?;
        if self.offers.uid_plus {
            self.command_within(settled.limit, "UID EXPUNGE", &format!("UID EXPUNGE {}", settled.set), |_| ()).await
        } else {
            self.command_within(settled.limit, "EXPUNGE", "EXPUNGE", |_| ()).await
        }
    }

    async fn put_in_folder(&mut self, command: &'static str, Settled { set, limit }: &Settled, folder: &str) -> Result<(), MailError> {
        let text = format!("{command} {set} {}", quoted(folder));
        let Err(refused) = self.command_within(*limit, command, &text, |_| ()).await else { return Ok(()) };
        if !matches!(refused, MailError::SaidNo { .. }) {
            return Err(refused);
        }
        // TRYCREATE is what a server should say (RFC 3501, section 6.4.7), but not all do.
        match self.command("CREATE", &format!("CREATE {}", quoted(folder)), |_| ()).await {
            Ok(()) => self.command_within(*limit, command, &text, |_| ()).await,
            Err(MailError::SaidNo { .. }) => Err(refused),
            Err(e) => Err(e),
        }
    }

    /// Waits until the server tells of new mail, at most `at_most`; one IDLE ends after five minutes in any case. True:
    /// it did, or did so between the last search and this call.
    pub async fn wait(&mut self, at_most: Duration) -> Result<bool, MailError> {
        if !self.is_news {
            let until = Instant::now() + at_most.min(Duration::from_secs(IDLE_SECONDS_MAX));
            if self.offers.idle {
                self.idle(until).await?;
            } else {
                self.poll(until).await?;
            }
        }
        Ok(std::mem::take(&mut self.is_news))
    }

    async fn poll(&mut self, until: Instant) -> Result<(), MailError> {
        loop {
            let next = Instant::now() + Duration::from_secs(POLL_SECONDS);
            tokio::time::sleep_until(next.min(until)).await;
            self.command_within(PULSE_MAX, "NOOP", "NOOP", |_| ()).await?;
            if self.is_news || Instant::now() >= until {
                return Ok(());
            }
        }
    }

    async fn idle(&mut self, until: Instant) -> Result<(), MailError> {
        let tag = self.send("IDLE", "IDLE").await?;
        let server = Arc::clone(&self.server);
        let is_idling = within(&server, "IDLE", async {
            loop {
                match self.next("IDLE", &tag, |response| matches!(response, Response::Continue(_))).await? {
                    Step::Told(is_idling) if is_idling => return Ok(true),
                    Step::Told(_) => {}
                    Step::Done(_) => return Ok(false),
                }
            }
        })
        .await?;
        if !is_idling {
            // Offered, yet refused: from now on it is asked now and then.
            self.offers.idle = false;
            return self.poll(until).await;
        }
        self.session.get_mut().expect(Duration::from_secs(IDLE_SECONDS_MAX * 2), ANSWER_BYTES_MAX);
        while !self.is_news {
            match timeout_at(until, self.next("IDLE", &tag, |_| ())).await {
                Ok(Ok(Step::Told(()))) => {}
                Ok(Ok(Step::Done(end))) => return end,
                Ok(Err(e)) => return Err(e),
                Err(_) => break,
            }
        }
        self.session.get_mut().expect(PULSE_MAX, ANSWER_BYTES_MAX);
        let done = async {
            self.session.run_command_untagged("DONE").await.map_err(|e| self.lost("DONE", &e))?;
            loop {
                if let Step::Done(end) = self.next("DONE", &tag, |_| ()).await? {
                    return end;
                }
            }
        };
        timeout(PULSE_MAX, done).await.unwrap_or_else(|_| Err(self.timed_out("DONE")))
    }

    /// Says goodbye; does not wait long for the answer.
    pub async fn logout(mut self) {
        let goodbye = timeout(Duration::from_secs(LOGOUT_SECONDS_MAX), self.command("LOGOUT", "LOGOUT", |_| ()));
        if let Ok(Err(e)) | Err(e) = goodbye.await.map_err(|_| self.timed_out("LOGOUT")) {
            tracing::debug!(error = %e, "left without a goodbye");
        }
    }

    /// Sends a command and reads its whole answer, showing each untagged response to `each`.
    async fn command(&mut self, name: &'static str, text: &str, each: impl FnMut(&Response<'_>)) -> Result<(), MailError> {
        self.command_within(COMMAND_MAX, name, text, each).await
    }

    async fn command_within(
        &mut self,
        limit: Duration,
        name: &'static str,
        text: &str,
        mut each: impl FnMut(&Response<'_>),
    ) -> Result<(), MailError> {
        let answered = async {
            let tag = self.send(name, text).await?;
            self.session.get_mut().expect(limit, ANSWER_BYTES_MAX);
            loop {
                if let Step::Done(end) = self.next(name, &tag, &mut each).await? {
                    return end;
                }
            }
        };
        timeout(limit, answered).await.unwrap_or_else(|_| Err(self.timed_out(name)))
    }

    async fn send(&mut self, name: &'static str, text: &str) -> Result<RequestId, MailError> {
        if std::mem::replace(&mut self.is_unfinished, true) {
            let why = self.goodbye.clone().unwrap_or_else(|| "an earlier command on it was not finished".to_owned());
            return Err(MailError::CutOff { server: self.server.to_string(), command: name, why });
        }
        self.session.get_mut().expect(COMMAND_MAX, ANSWER_BYTES_MAX);
        let server = Arc::clone(&self.server);
        within(&server, name, async { self.session.run_command(text).await.map_err(|e| self.lost(name, &e)) }).await
    }

    /// The next response: what `look` makes of it, or how the command `tag` ended. What it tells of the folder is noted.
    async fn next<T>(
        &mut self,
        command: &'static str,
        tag: &RequestId,
        look: impl FnOnce(&Response<'_>) -> T,
    ) -> Result<Step<T>, MailError> {
        let response = match self.session.read_response().await {
            Ok(Some(response)) => response,
            Ok(None) => {
                let why = self.goodbye.clone().unwrap_or_else(|| "the server closed it".to_owned());
                return Err(MailError::CutOff { server: self.server.to_string(), command, why });
            }
            Err(e) => return Err(unread(&self.server, command, &e)),
        };
        match response.parsed() {
            Response::Done { tag: done, status, outcome } if done == tag => {
                self.is_unfinished = false;
                return Ok(Step::Done(match status {
                    Status::Ok => Ok(()),
                    _ => Err(MailError::SaidNo { server: self.server.to_string(), command, said: words(outcome) }),
                }));
            }
            Response::MailboxData(MailboxDatum::Exists(n)) => {
                self.is_news |= *n > self.exists;
                self.exists = *n;
            }
            Response::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            Response::Data { status: Status::Bye, outcome } => self.goodbye = Some(words(outcome)),
            _ => {}
        }
        Ok(Step::Told(look(response.parsed())))
    }

    fn nonsense(&self, command: &'static str, why: &str) -> MailError {
        MailError::Nonsense { server: self.server.to_string(), command, why: why.to_owned() }
    }

    fn timed_out(&self, command: &'static str) -> MailError {
        MailError::TimedOut { server: self.server.to_string(), command }
    }

    fn lost(&self, command: &'static str, error: &async_imap::error::Error) -> MailError {
        lost(&self.server, command, error)
    }
}

async fn within<T>(server: &str, command: &'static str, work: impl Future<Output = Result<T, MailError>>) -> Result<T, MailError> {
    match timeout(COMMAND_MAX, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(MailError::TimedOut { server: server.to_owned(), command }),
    }
}

/// An error of reading, without its text: the parser's quotes the mail.
fn unread(server: &str, command: &'static str, error: &io::Error) -> MailError {
    let server = server.to_owned();
    match error.kind() {
        io::ErrorKind::TimedOut => MailError::TimedOut { server, command },
        io::ErrorKind::FileTooLarge => MailError::Nonsense { server, command, why: "it is larger than allowed".to_owned() },
        io::ErrorKind::Other => MailError::Nonsense { server, command, why: "it is not IMAP".to_owned() },
        kind => MailError::CutOff { server, command, why: kind.to_string() },
    }
}

fn lost(server: &str, command: &'static str, error: &async_imap::error::Error) -> MailError {
    match error {
        async_imap::error::Error::Io(e) => unread(server, command, e),
        async_imap::error::Error::ConnectionLost => {
            MailError::CutOff { server: server.to_owned(), command, why: "the server closed it".to_owned() }
        }
        _ => MailError::Nonsense { server: server.to_owned(), command, why: "it is not what the protocol has here".to_owned() },
    }
}

fn words(outcome: &Outcome<'_>) -> String {
    one_line(outcome.information.as_deref().unwrap_or("nothing more"))
}

/// `1:3,7`: a sequence set (RFC 3501, section 9) of exactly these.
fn uid_set(uids: &[u32]) -> String {
    let mut sorted = uids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let runs = sorted.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [first, .., last] => format!("{first}:{last}"),
        _ => run[0].to_string(),
    });
    runs.collect::<Vec<_>>().join(",")
}

/// A folder's name as an IMAP quoted string, in modified UTF-7.
fn quoted(folder: &str) -> String {
    let escaped = utf7(folder).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// A folder's name in modified UTF-7 (RFC 3501, section 5.1.3), as IMAP and Maildir++ write it. Control characters, line
/// breaks among them, are encoded like any other.
pub(super) fn utf7(folder: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

    let mut out = String::new();
    let mut rest = folder;
    while let Some(c) = rest.chars().next() {
        let is_plain = |c: char| (' '..='~').contains(&c);
        if is_plain(c) {
            out.push(c);
            if c == '&' {
                out.push('-');
            }
            rest = &rest[1..];
            continue;
        }
        let end = rest.find(is_plain).unwrap_or(rest.len());
        let utf16: Vec<u8> = rest[..end].encode_utf16().flat_map(u16::to_be_bytes).collect();
        out.push('&');
        out.push_str(&STANDARD_NO_PAD.encode(utf16).replace('/', ","));
        out.push('-');
        rest = &rest[end..];
    }
    out
}

#[cfg(test)]
mod tests;
