//! Fetching mails in batches.
//!
//! A batch asks for the first [`PIECE_BYTES`] of each mail, without asking for sizes before: most mails are whole with that. Of the
//! few longer ones the rest comes piece by piece, so that a mail of 50 MB is never in memory as a whole.

use std::collections::VecDeque;

use async_imap::imap_proto::{AttributeValue, RequestId, Response};

use super::{COMMAND_MAX, Imap, MAIL_BYTES_MAX, MailError, Step, uid_set};

/// Mails asked for in one command.
pub const FETCH_BATCH_MAX: usize = 200;
/// What comes of a mail at once, in bytes.
pub const PIECE_BYTES: usize = 1024 * 1024;
/// Header bytes that are told of a mail that is too large.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the beginnings of long mails that are kept until their turn comes; others are loaded once more.
const BEGINNINGS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Some servers give the whole mail whatever was asked for, and do not count a mail's size exactly.
const ONE_MAIL_ANSWER_BYTES_MAX: u64 = MAIL_BYTES_MAX + MAIL_BYTES_MAX / 4;
const FETCH: &str = "UID FETCH BODY[]";

/// What became of one UID of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The whole mail, byte for byte.
    Mail { uid: u32, raw: Vec<u8> },
    /// A mail of about `bytes` as the server counts it; `beginning` is its first [`PIECE_BYTES`], the others come by
    /// [`Fetching::piece`].
    Long { uid: u32, bytes: u64, beginning: Vec<u8> },
    /// It is over [`MAIL_BYTES_MAX`]. `bytes`: its size as the server counts it; `head`: its header, at most the first
    /// [`HEAD_BYTES_MAX`] bytes of it.
    TooLarge { uid: u32, bytes: u64, head: Vec<u8> },
    /// The server has it, but cannot give it: with its words.
    Refused { uid: u32, said: String },
    /// It is not in the folder (any more).
    Gone { uid: u32 },
}

/// A fetch on its way. Dropped before its end it spends the session, unless it stands between two batches.
#[derive(Debug)]
pub struct Fetching<'a> {
    imap: &'a mut Imap,
    /// Not asked for yet.
    later: &'a [u32],
    /// Asked for by the command `tag`, and still to come, in descending order.
    wanted: Vec<u32>,
    tag: Option<RequestId>,
    /// That command asks for one mail that a larger one did not bring.
    is_single: bool,
    /// To be asked for one by one.
    singles: VecDeque<u32>,
    /// Mails that do not end with their first piece, which is empty where there was no room for it.
    longs: VecDeque<(u32, Vec<u8>)>,
    ready: VecDeque<Fetched>,
}

impl Fetching<'_> {
    /// The next mail, or what hindered it; each UID once, in no certain order. None: that was all.
    pub async fn next(&mut self) -> Result<Option<Fetched>, MailError> {
        loop {
            if let Some(fetched) = self.ready.pop_front() {
                return Ok(Some(fetched));
            }
            if let Some(tag) = self.tag.clone() {
                if let Some(mail) = self.receive(&tag).await? {
                    return Ok(Some(mail));
                }
            } else if let Some((uid, beginning)) = self.longs.pop_front() {
                return self.long(uid, beginning).await.map(Some);
            } else if let Some(uid) = self.singles.pop_front() {
                // One mail that the server cannot read must not keep the others away.
                self.is_single = true;
                self.ask(vec![uid]).await?;
            } else if self.later.is_empty() {
                return Ok(None);
            } else {
                let (batch, later) = self.later.split_at(self.later.len().min(FETCH_BATCH_MAX));
                self.later = later;
                self.is_single = false;
                self.ask(batch.to_vec()).await?;
            }
        }
    }

    /// The bytes of a [`Fetched::Long`] from `offset` on: [`PIECE_BYTES`], or less at the mail's end. None: it is gone. To be asked
    /// for right after that mail was told of.
    pub async fn piece(&mut self, uid: u32, offset: u64) -> Result<Option<Vec<u8>>, MailError> {
        self.imap.piece(uid, offset).await
    }

    async fn ask(&mut self, mut wanted: Vec<u32>) -> Result<(), MailError> {
        wanted.sort_unstable_by(|a, b| b.cmp(a));
        wanted.dedup();
        if !wanted.is_empty() {
            self.tag = Some(self.imap.send(FETCH, &format!("UID FETCH {} (UID BODY.PEEK[]<0.{PIECE_BYTES}>)", uid_set(&wanted))).await?);
            self.wanted = wanted;
        }
        Ok(())
    }

    async fn receive(&mut self, tag: &RequestId) -> Result<Option<Fetched>, MailError> {
        self.imap.session.get_mut().expect(COMMAND_MAX, ONE_MAIL_ANSWER_BYTES_MAX);
        let step = self.imap.next(FETCH, tag, |response| match response {
            Response::Fetch(_, attributes) => Some((uid_of(attributes)?, body_of(attributes)?.to_vec())),
            _ => None,
        });
        match step.await? {
            Step::Told(Some((uid, raw))) => {
                // Servers answer in ascending order, so that it is the last one.
                let Some(i) = self.wanted.iter().rposition(|w| *w == uid) else { return Ok(None) };
                self.wanted.remove(i);
                if raw.len() == PIECE_BYTES {
                    let held: usize = self.longs.iter().map(|(_, beginning)| beginning.len()).sum();
                    self.longs.push_back((uid, if held < BEGINNINGS_BYTES_MAX { raw } else { Vec::new() }));
                    return Ok(None);
                }
                return Ok(Some(Fetched::Mail { uid, raw }));
            }
            Step::Told(None) => return Ok(None),
            Step::Done(Ok(())) => self.ready.extend(self.wanted.drain(..).map(|uid| Fetched::Gone { uid })),
            Step::Done(Err(MailError::SaidNo { said, .. })) if self.is_single => {
                self.ready.extend(self.wanted.drain(..).map(|uid| Fetched::Refused { uid, said: said.clone() }));
            }
            Step::Done(Err(MailError::SaidNo { .. })) => self.singles.extend(self.wanted.drain(..).rev()),
            Step::Done(Err(e)) => return Err(e),
        }
        self.tag = None;
        Ok(None)
    }

    async fn long(&mut self, uid: u32, beginning: Vec<u8>) -> Result<Fetched, MailError> {
        let told = async {
            let Some(bytes) = self.imap.size(uid).await? else { return Ok(Fetched::Gone { uid }) };
            let beginning = if beginning.is_empty() { self.imap.piece(uid, 0).await? } else { Some(beginning) };
            Ok(match beginning {
                None => Fetched::Gone { uid },
                Some(beginning) if bytes > MAIL_BYTES_MAX => Fetched::TooLarge { uid, bytes, head: head_of(&beginning) },
                Some(beginning) => Fetched::Long { uid, bytes, beginning },
            })
        };
        match told.await {
            Err(MailError::SaidNo { said, .. }) => Ok(Fetched::Refused { uid, said }),
            outcome => outcome,
        }
    }
}

impl Imap {
    /// Mails, one after the other as they arrive, by [`Fetching::next`]; `\Seen` stays as it is.
    pub fn fetch<'a>(&'a mut self, uids: &'a [u32]) -> Fetching<'a> {
        Fetching {
            imap: self,
            later: uids,
            wanted: Vec::new(),
            tag: None,
            is_single: false,
            singles: VecDeque::new(),
            longs: VecDeque::new(),
            ready: VecDeque::new(),
        }
    }

    async fn size(&mut self, uid: u32) -> Result<Option<u64>, MailError> {
        let mut size = None;
        self.command("UID FETCH RFC822.SIZE", &format!("UID FETCH {uid} (UID RFC822.SIZE)"), |response| {
            if let Response::Fetch(_, attributes) = response
                && uid_of(attributes) == Some(uid)
            {
                size = attributes.iter().find_map(|a| if let AttributeValue::Rfc822Size(n) = a { Some(u64::from(*n)) } else { None });
            }
        })
        .await?;
        Ok(size)
    }

    async fn piece(&mut self, uid: u32, offset: u64) -> Result<Option<Vec<u8>>, MailError> {
        let mut piece = None;
        self.command(FETCH, &format!("UID FETCH {uid} (UID BODY.PEEK[]<{offset}.{PIECE_BYTES}>)"), |response| {
            if let Response::Fetch(_, attributes) = response
                && uid_of(attributes) == Some(uid)
                && let Some(bytes) = body_of(attributes)
            {
                piece = Some(bytes.to_vec());
            }
        })
        .await?;
        Ok(piece)
    }
}

/// The header at the beginning of a mail, with the empty line at its end where it is there.
fn head_of(beginning: &[u8]) -> Vec<u8> {
    let end = beginning.windows(4).position(|w| w == b"\r\n\r\n").map_or(beginning.len(), |i| i + 4);
    beginning[..end.min(HEAD_BYTES_MAX)].to_vec()
}

pub(super) fn uid_of(attributes: &[AttributeValue<'_>]) -> Option<u32> {
    attributes.iter().find_map(|a| if let AttributeValue::Uid(uid) = a { Some(*uid) } else { None })
}

/// The bytes of `BODY[…]`; a mail without any is `NIL`.
fn body_of<'a>(attributes: &'a [AttributeValue<'_>]) -> Option<&'a [u8]> {
    attributes.iter().find_map(|a| match a {
        AttributeValue::BodySection { data, .. } => Some(data.as_deref().unwrap_or_default()),
        _ => None,
    })
}
