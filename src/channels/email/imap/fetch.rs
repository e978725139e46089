//! Fetching mails in batches.

use std::collections::{HashMap, VecDeque};

use async_imap::imap_proto::{AttributeValue, RequestId, Response};

use super::{COMMAND_MAX, Imap, MAIL_BYTES_MAX, MailError, Step, uid_set};

/// Mails asked for in one command.
pub(super) const FETCH_BATCH_MAX: usize = 50;
/// Header bytes that are loaded of a mail that is too large.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Servers do not count a mail's size exactly.
const ONE_MAIL_ANSWER_BYTES_MAX: u64 = MAIL_BYTES_MAX + MAIL_BYTES_MAX / 4;
const FETCH: &str = "UID FETCH BODY[]";

/// What became of one UID of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The whole mail, byte for byte.
    Mail { uid: u32, raw: Vec<u8> },
    /// It is over [`MAIL_BYTES_MAX`] and was not loaded. `bytes`: its size as the server counts it; `head`: its header, at
    /// most the first [`HEAD_BYTES_MAX`] bytes of it.
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
    /// Asked for by the command `tag`, and still to come.
    wanted: Vec<u32>,
    tag: Option<RequestId>,
    /// That command asks for one mail that a larger one did not bring.
    is_single: bool,
    /// To be asked for one by one.
    singles: VecDeque<u32>,
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
            } else if let Some(uid) = self.singles.pop_front() {
                // One mail that the server cannot read must not keep the others away.
                self.is_single = true;
                self.ask(vec![uid]).await?;
            } else if self.later.is_empty() {
                return Ok(None);
            } else {
                self.begin_batch().await?;
            }
        }
    }

    async fn begin_batch(&mut self) -> Result<(), MailError> {
        let (batch, later) = self.later.split_at(self.later.len().min(FETCH_BATCH_MAX));
        let sizes = self.imap.sizes(batch).await?;
        self.later = later;
        let mut wanted = Vec::with_capacity(batch.len());
        for uid in batch.iter().copied() {
            match sizes.get(&uid) {
                None => self.ready.push_back(Fetched::Gone { uid }),
                Some(&bytes) if bytes > MAIL_BYTES_MAX => {
                    let head = self.imap.head(uid).await?;
                    self.ready.push_back(Fetched::TooLarge { uid, bytes, head });
                }
                Some(_) => wanted.push(uid),
            }
        }
        self.is_single = false;
        self.ask(wanted).await
    }

    async fn ask(&mut self, wanted: Vec<u32>) -> Result<(), MailError> {
        if !wanted.is_empty() {
            self.tag = Some(self.imap.send(FETCH, &format!("UID FETCH {} (UID BODY.PEEK[])", uid_set(&wanted))).await?);
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
                let Some(i) = self.wanted.iter().position(|w| *w == uid) else { return Ok(None) };
                self.wanted.swap_remove(i);
                return Ok(Some(Fetched::Mail { uid, raw }));
            }
            Step::Told(None) => return Ok(None),
            Step::Done(Ok(())) => self.ready.extend(self.wanted.drain(..).map(|uid| Fetched::Gone { uid })),
            Step::Done(Err(MailError::SaidNo { said, .. })) if self.is_single => {
                self.ready.extend(self.wanted.drain(..).map(|uid| Fetched::Refused { uid, said: said.clone() }));
            }
            Step::Done(Err(MailError::SaidNo { .. })) => self.singles.extend(self.wanted.drain(..)),
            Step::Done(Err(e)) => return Err(e),
        }
        self.tag = None;
        Ok(None)
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
            ready: VecDeque::new(),
        }
    }

    async fn sizes(&mut self, uids: &[u32]) -> Result<HashMap<u32, u64>, MailError> {
        let mut sizes = HashMap::with_capacity(uids.len());
        self.command("UID FETCH RFC822.SIZE", &format!("UID FETCH {} (UID RFC822.SIZE)", uid_set(uids)), |response| {
            if let Response::Fetch(_, attributes) = response {
                let size = attributes.iter().find_map(|a| if let AttributeValue::Rfc822Size(n) = a { Some(u64::from(*n)) } else { None });
                if let (Some(uid), Some(size)) = (uid_of(attributes), size) {
                    sizes.insert(uid, size);
                }
            }
        })
        .await?;
        Ok(sizes)
    }

    async fn head(&mut self, uid: u32) -> Result<Vec<u8>, MailError> {
        let mut head = Vec::new();
        let fetch = format!("UID FETCH {uid} (UID BODY.PEEK[HEADER]<0.{HEAD_BYTES_MAX}>)");
        self.command("UID FETCH BODY[HEADER]", &fetch, |response| {
            if let Response::Fetch(_, attributes) = response
                && let Some(bytes) = body_of(attributes)
            {
                head = bytes.iter().copied().take(HEAD_BYTES_MAX).collect();
            }
        })
        .await?;
        Ok(head)
    }
}

fn uid_of(attributes: &[AttributeValue<'_>]) -> Option<u32> {
    attributes.iter().find_map(|a| if let AttributeValue::Uid(uid) = a { Some(*uid) } else { None })
}

/// The bytes of `BODY[…]`; a mail without any is `NIL`.
fn body_of<'a>(attributes: &'a [AttributeValue<'_>]) -> Option<&'a [u8]> {
    attributes.iter().find_map(|a| match a {
        AttributeValue::BodySection { data, .. } => Some(data.as_deref().unwrap_or_default()),
        _ => None,
    })
}
