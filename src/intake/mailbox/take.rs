//! Taking mails from an IMAP folder, pipelined: while some are being made durable, the next are fetched already, and those that are
//! durable are settled with the server between two batches.
//!
//! In memory at once: [`AHEAD_BYTES_MAX`] of mails up to the length of a piece, and of a longer one, only ever one of them, a few
//! pieces and what the file store writes at a time (10 MiB).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::keep::Keep;
use super::progress::Progress;
use super::{may_read, pass};
use crate::App;
use crate::channels::email::imap::{FETCH_BATCH_MAX, Fetched, Fetching, Imap, MailError, PIECE_BYTES};
use crate::config::Mailbox;
use crate::domain::Inbox;
use crate::store::inbound::NewInbound;
use crate::store::mailboxes::Place;

/// Bytes of mails that were fetched and are not durable yet.
const AHEAD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What of it one mail takes at least: a mail costs more than its bytes.
const MAIL_BYTES_MIN: usize = 1024;
/// Files with mails that are written at once.
const WRITES_MAX: usize = 2;
/// Mails in one of them.
const MAILS_PER_FILE_MAX: usize = 512;
/// Rows of one commit.
const ROWS_PER_COMMIT_MAX: usize = 512;
/// Mails that wait for the writer.
const ITEMS_WAITING_MAX: usize = 1024;
/// Pieces of a long mail between the server and the file store.
const PIECES_AHEAD_MAX: usize = 2;
/// How often the place is recorded while many mails are taken.
const RECORD_EVERY: Duration = Duration::from_secs(2);
/// How often the lease is renewed meanwhile, and how soon at most a stop is noticed.
const RENEW_EVERY: Duration = Duration::from_secs(4);

/// How far taking came.
pub(super) enum Upto {
    /// All were taken.
    TheEnd,
    /// Those up to the place; it was to stop, or another node reads now.
    ThePlace,
}

/// What is durable, but was not settled with the server before the connection ended. It outlives connections: a server that cuts each of
/// them in the middle of a batch is still read to the end.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    uid_validity: u32,
    taken: BTreeSet<u32>,
    /// Those that are left as they are, durable already or not.
    left: BTreeSet<u32>,
}

/// Takes mails, batch after batch.
pub(super) struct Taking<'a> {
    app: &'a Arc<App>,
    mailbox: &'a Mailbox,
    keep: Keep,
    unsettled: &'a mut Unsettled,
    stop: &'a CancellationToken,
}

/// The mails of one search.
struct Run<'p> {
    /// Not known to be durable and settled.
    open: BTreeSet<u32>,
    progress: Progress<'p>,
}

impl Run<'_> {
    /// Nothing more is to be done about these.
    fn close(&mut self, uids: &[u32]) {
        for uid in uids {
            self.open.remove(uid);
        }
        self.progress.add(uids.len());
    }
}

/// A mail on its way to the disk.
struct Item {
    uid: u32,
    mail: Mail,
    /// Its share of what may be read ahead; given back when it is dropped.
    room: Option<OwnedSemaphorePermit>,
}

enum Mail {
    Raw(Vec<u8>),
    /// Its bytes are kept already, or will not be.
    Row(NewInbound),
}

/// Why a long mail did not come to its end.
enum Failure {
    /// It was taken away in the middle.
    Gone,
    Mail(MailError),
}

/// Where mails become durable, as a task of its own.
struct Writer {
    items: mpsc::Sender<Item>,
    durable: mpsc::UnboundedReceiver<Vec<u32>>,
    task: JoinHandle<anyhow::Result<()>>,
    room: Arc<Semaphore>,
}

impl<'a> Taking<'a> {
    pub(super) fn begin(
        app: &'a Arc<App>,
        mailbox: &'a Mailbox,
        uid_validity: u32,
        unsettled: &'a mut Unsettled,
        stop: &'a CancellationToken,
    ) -> Self {
        if unsettled.uid_validity != uid_validity {
            *unsettled = Unsettled { uid_validity, ..Unsettled::default() };
        }
        let keep = Keep { app: app.clone(), inbox: Inbox::mail(&mailbox.name) };
        Self { app, mailbox, keep, unsettled, stop }
    }

    /// Takes these mails, ascending, and moves `place` on.
    pub(super) async fn take(&mut self, imap: &mut Imap, uids: &[u32], place: &mut Place) -> anyhow::Result<Upto> {
        if uids.is_empty() {
            return Ok(Upto::TheEnd);
        }
        let mut run = Run { open: uids.iter().copied().collect(), progress: Progress::begin(&self.mailbox.name, uids.len()) };
        self.settle(imap, &mut run).await?;
        let mut writer = Writer::start(self.keep.clone());
        let fetched = self.fetch(imap, &mut writer, &mut run, place).await;
        // However fetching ended, what was handed over becomes durable.
        let (durable, written) = writer.finish().await;
        self.unsettled.add(durable);
        written?;
        if !fetched? {
            return Ok(Upto::ThePlace);
        }
        self.settle(imap, &mut run).await?;
        place.last_uid = uids.last().copied().unwrap_or(place.last_uid);
        pass(self.app, &self.keep.inbox, place).await?;
        Ok(Upto::TheEnd)
    }

    /// False where it was stopped before the end.
    async fn fetch(&mut self, imap: &mut Imap, writer: &mut Writer, run: &mut Run<'_>, place: &mut Place) -> anyhow::Result<bool> {
        let (mut recorded, mut renewed) = (Instant::now(), Instant::now());
        let uids: Vec<u32> = run.open.iter().copied().collect();
        for batch in uids.chunks(FETCH_BATCH_MAX) {
            let mut fetching = imap.fetch(batch);
            while let Some(fetched) = fetching.next().await? {
                if let Some(uid) = self.hand_over(fetched, &mut fetching, writer).await? {
                    run.close(&[uid]);
                }
                if renewed.elapsed() >= RENEW_EVERY {
                    renewed = Instant::now();
                    // What is on its way is left behind with the connection.
                    if self.stop.is_cancelled() || !may_read(self.app, self.mailbox).await? {
                        return Ok(false);
                    }
                }
            }
            drop(fetching);
            self.unsettled.add(writer.durable_so_far());
            self.settle(imap, run).await?;
            if recorded.elapsed() >= RECORD_EVERY {
                recorded = Instant::now();
                place.last_uid = run.open.first().map_or(place.last_uid, |uid| uid - 1);
                pass(self.app, &self.keep.inbox, place).await?;
            }
            if self.stop.is_cancelled() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives the writer what was fetched. The UID, where there is nothing to be made durable.
    async fn hand_over(&mut self, fetched: Fetched, fetching: &mut Fetching<'_>, writer: &Writer) -> anyhow::Result<Option<u32>> {
        match fetched {
            Fetched::Mail { uid, raw } => writer.write(uid, Mail::Raw(raw)).await?,
            Fetched::Long { uid, beginning, .. } => match self.stream(uid, beginning, fetching).await? {
                Some(row) => writer.write(uid, Mail::Row(row)).await?,
                None => return Ok(Some(uid)),
            },
            Fetched::TooLarge { uid, bytes, head } => {
                self.unsettled.left.insert(uid);
                writer.write(uid, Mail::Row(self.keep.too_large(format!("uid:{uid}"), bytes, &head))).await?;
            }
            Fetched::Refused { uid, said } => {
                self.refused(uid, &said);
                return Ok(Some(uid));
            }
            Fetched::Gone { uid } => return Ok(Some(uid)),
        }
        Ok(None)
    }

    fn refused(&self, uid: u32, said: &str) {
        tracing::error!(mailbox = self.mailbox.name, uid, said, "the server cannot give this mail; it stays in the mailbox");
    }

    /// Lets a long mail flow into the file store. None where the server does not give all of it.
    async fn stream(&self, uid: u32, beginning: Vec<u8>, fetching: &mut Fetching<'_>) -> anyhow::Result<Option<NewInbound>> {
        let beginning = Bytes::from(beginning);
        let mut piece = beginning.clone();
        let (pieces, arriving) = mpsc::channel::<anyhow::Result<Bytes>>(PIECES_AHEAD_MAX);
        let feeding = async move {
            let mut offset = 0;
            loop {
                let is_last = piece.len() < PIECE_BYTES;
                offset += piece.len() as u64;
                // The file store's own error is told by the other side.
                if pieces.send(Ok(piece)).await.is_err() || is_last {
                    return None;
                }
                let failure = match fetching.piece(uid, offset).await {
                    Ok(Some(next)) => {
                        piece = next.into();
                        continue;
                    }
                    Ok(None) => Failure::Gone,
                    Err(error) => Failure::Mail(error),
                };
                drop(pieces.send(Err(anyhow::anyhow!("the mail did not come to its end"))).await);
                return Some(failure);
            }
        };
        match tokio::join!(self.keep.stream(&beginning, ReceiverStream::new(arriving)), feeding) {
            (row, None) => row.map(Some),
            (_, Some(Failure::Gone)) => Ok(None),
            (_, Some(Failure::Mail(MailError::SaidNo { said, .. }))) => {
                self.refused(uid, &said);
                Ok(None)
            }
            (_, Some(Failure::Mail(error))) => Err(error.into()),
        }
    }

    /// Does with durable mails what the operator asked for.
    async fn settle(&mut self, imap: &mut Imap, run: &mut Run<'_>) -> anyhow::Result<()> {
        let durable: Vec<u32> = self.unsettled.taken.iter().copied().collect();
        if durable.is_empty() {
            return Ok(());
        }
        let taken: Vec<u32> = durable.iter().copied().filter(|uid| !self.unsettled.left.contains(uid)).collect();
        imap.settle(&taken, &self.mailbox.after).await?;
        self.unsettled.taken.clear();
        for uid in &durable {
            self.unsettled.left.remove(uid);
        }
        run.close(&durable);
        metrics::counter!("threadline_mails_taken_total").increment(taken.len() as u64);
        Ok(())
    }
}

impl Unsettled {
    fn add(&mut self, durable: Vec<u32>) {
        self.taken.extend(durable);
    }
}

impl Writer {
    fn start(keep: Keep) -> Self {
        // The bytes are bounded by `room`; this bounds the rows without any.
        let (items, waiting) = mpsc::channel(ITEMS_WAITING_MAX);
        let (done, durable) = mpsc::unbounded_channel();
        let task = tokio::spawn(write(keep, waiting, done));
        Self { items, durable, task, room: Arc::new(Semaphore::new(AHEAD_BYTES_MAX)) }
    }

    /// Waits until there is room.
    async fn write(&self, uid: u32, mail: Mail) -> anyhow::Result<()> {
        let room = match &mail {
            Mail::Row(_) => None,
            Mail::Raw(raw) => {
                let bytes = u32::try_from(raw.len().clamp(MAIL_BYTES_MIN, AHEAD_BYTES_MAX))?;
                Some(Arc::clone(&self.room).acquire_many_owned(bytes).await?)
            }
        };
        self.items.send(Item { uid, mail, room }).await.map_err(|_| anyhow::anyhow!("writing mails ended"))
    }

    /// UIDs that are durable and were not told of yet.
    fn durable_so_far(&mut self) -> Vec<u32> {
        let mut all = vec![];
        while let Ok(uids) = self.durable.try_recv() {
            all.extend(uids);
        }
        all
    }

    /// Waits until everything is durable. The UIDs that were not told of yet, and why there are not more.
    async fn finish(mut self) -> (Vec<u32>, anyhow::Result<()>) {
        drop(self.items);
        let mut all = vec![];
        while let Some(uids) = self.durable.recv().await {
            all.extend(uids);
        }
        (all, self.task.await.unwrap_or_else(|e| Err(e.into())))
    }
}

/// Makes durable what comes, until nothing comes any more: bytes first, then the rows, as many at once as have come meanwhile.
async fn write(keep: Keep, waiting: mpsc::Receiver<Item>, done: mpsc::UnboundedSender<Vec<u32>>) -> anyhow::Result<()> {
    let (written, mut rows) = mpsc::channel::<(u32, NewInbound)>(ROWS_PER_COMMIT_MAX);
    let storing = {
        let keep = keep.clone();
        async move {
            let batches = ReceiverStream::new(waiting).ready_chunks(MAILS_PER_FILE_MAX);
            let mut kept = batches.map(|items| tokio::spawn(keep_bytes(keep.clone(), items))).buffer_unordered(WRITES_MAX);
            while let Some(batch) = kept.next().await {
                for row in batch?? {
                    // The other side's own error is told by it.
                    if written.send(row).await.is_err() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        }
    };
    let committing = async move {
        let mut chunk = Vec::with_capacity(ROWS_PER_COMMIT_MAX);
        while rows.recv_many(&mut chunk, ROWS_PER_COMMIT_MAX).await > 0 {
            let (uids, rows) = chunk.drain(..).unzip();
            keep.app.intake.accept(rows).await?;
            keep.app.wake.place.notify_one();
            // Whoever fetches may have been cut off meanwhile; the mails are durable all the same.
            drop(done.send(uids));
        }
        Ok(())
    };
    tokio::try_join!(storing, committing).map(drop)
}

async fn keep_bytes(keep: Keep, items: Vec<Item>) -> anyhow::Result<Vec<(u32, NewInbound)>> {
    let (mut ready, mut uids, mut mails, mut rooms) = (vec![], vec![], vec![], vec![]);
    for item in items {
        match item.mail {
            Mail::Row(row) => ready.push((item.uid, row)),
            Mail::Raw(raw) => {
                uids.push(item.uid);
                mails.push(Bytes::from(raw));
                rooms.push(item.room);
            }
        }
    }
    if !mails.is_empty() {
        ready.extend(uids.into_iter().zip(keep.mails(mails).await?));
    }
    drop(rooms);
    Ok(ready)
}
