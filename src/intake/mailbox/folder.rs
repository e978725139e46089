//! Reading a Maildir.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use super::WAIT;
use super::keep::Keep;
use super::progress::Progress;
use crate::App;
use crate::channels::email::connection::MAIL_BYTES_MAX;
use crate::channels::email::maildir;
use crate::config::Mailbox;
use crate::domain::Inbox;
use crate::store::inbound::NewInbound;

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(700);
/// Mails made durable in one go: with [`WHOLE_BYTES_MAX`] they bound what is in memory.
const BATCH_MAX: usize = 32;
/// Mails that are read at once.
const READS_MAX: usize = 8;
/// A longer mail is not read as a whole.
const WHOLE_BYTES_MAX: u64 = 512 * 1024;
/// Mails that are too large and stay where they are; further ones are listed again and again.
const PASSED_MAX: usize = 10_000;

/// Reads a Maildir again and again.
#[derive(Default)]
pub(super) struct Reader {
    /// Too large, listed, and left as they are.
    passed: BTreeSet<PathBuf>,
}

/// What a file became.
enum Taken {
    /// Its bytes are not kept yet.
    Whole(PathBuf, Bytes),
    Kept(PathBuf, NewInbound),
    TooLarge(PathBuf, NewInbound),
}

impl Reader {
    /// Takes what is new, for a while.
    pub(super) async fn read(&mut self, app: &Arc<App>, mailbox: &Mailbox, folder: &Path, stop: &CancellationToken) -> anyhow::Result<()> {
        let keep = Keep { app: app.clone(), inbox: Inbox::mail(&mailbox.name) };
        let until = tokio::time::Instant::now() + WAIT;
        while !stop.is_cancelled() && tokio::time::Instant::now() < until {
            let mut waiting = maildir::list_new(folder).await?;
            super::up(mailbox, true);
            waiting.retain(|path| !self.passed.contains(path));
            if !waiting.is_empty() {
                let mut progress = Progress::begin(&mailbox.name, waiting.len());
                for batch in waiting.chunks(BATCH_MAX) {
                    self.take(&keep, mailbox, batch).await?;
                    progress.add(batch.len());
                    if stop.is_cancelled() {
                        return Ok(());
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn take(&mut self, keep: &Keep, mailbox: &Mailbox, batch: &[PathBuf]) -> anyhow::Result<()> {
        let reading = stream::iter(batch.to_vec()).map(|path| one(keep, path)).buffered(READS_MAX);
        let taken: Vec<Option<Taken>> = reading.try_collect().await?;
        let (mut rows, mut whole, mut settled) = (vec![], vec![], vec![]);
        for taken in taken.into_iter().flatten() {
            match taken {
                Taken::Whole(path, raw) => {
                    settled.push(path);
                    whole.push(raw);
                }
                Taken::Kept(path, row) => {
                    settled.push(path);
                    rows.push(row);
                }
                Taken::TooLarge(path, row) => {
                    tracing::warn!(mailbox = mailbox.name, "a mail is too large to be taken; it stays in the mailbox");
                    rows.push(row);
                    if self.passed.len() < PASSED_MAX {
                        self.passed.insert(path);
                    }
                }
            }
        }
        if !whole.is_empty() {
            rows.extend(keep.mails(whole).await?);
        }
        keep.app.intake.accept(rows).await?;
        keep.app.wake.place.notify_one();
        for path in &settled {
            maildir::settle(path, &mailbox.after).await?;
        }
        metrics::counter!("threadline_mails_taken_total").increment(settled.len() as u64);
        Ok(())
    }
}

/// Reads one file, and keeps the bytes of a long one; None where another program was faster.
async fn one(keep: &Keep, path: PathBuf) -> anyhow::Result<Option<Taken>> {
    let read = async {
        let mut file = tokio::fs::File::open(&path).await?;
        let bytes = file.metadata().await?.len();
        let mut beginning = Vec::new();
        (&mut file).take(WHOLE_BYTES_MAX).read_to_end(&mut beginning).await?;
        Ok((file, bytes, beginning))
    };
    let (file, bytes, beginning) = match read.await {
        Err(e) if io::Error::kind(&e) == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    if bytes > MAIL_BYTES_MAX {
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let name = name.split(':').next().unwrap_or_default();
        let row = keep.too_large(format!("file:{name}"), bytes, &beginning);
        return Ok(Some(Taken::TooLarge(path, row)));
    }
    if bytes <= WHOLE_BYTES_MAX {
        return Ok(Some(Taken::Whole(path, beginning.into())));
    }
    let first = stream::iter([Ok(beginning.clone().into())]);
    let pieces = first.chain(ReaderStream::new(file).map_err(anyhow::Error::from));
    let row = keep.stream(&beginning, Box::pin(pieces)).await?;
    Ok(Some(Taken::Kept(path, row)))
}
