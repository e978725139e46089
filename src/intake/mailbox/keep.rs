//! From a mail's bytes to the row that stands for it: the bytes in the file store, durable, and the row not yet.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;

use crate::App;
use crate::channels::email::connection::MAIL_BYTES_MAX;
use crate::channels::email::header;
use crate::domain::Inbox;
use crate::files::sha256;
use crate::store::inbound::NewInbound;

/// How the body of an inbound row begins whose mail was too large to take.
pub(in crate::intake) const TOO_LARGE: &str = "too-large:";
/// Servers do not count a mail's size exactly.
const STREAMED_BYTES_MAX: u64 = MAIL_BYTES_MAX + MAIL_BYTES_MAX / 4;

/// Keeps the mails of one inbox: cheap to clone.
#[derive(Clone)]
pub(super) struct Keep {
    pub(super) app: Arc<App>,
    pub(super) inbox: Inbox,
}

impl Keep {
    /// Keeps whole mails: several in one file, since what it costs is the waiting for the disk and not the bytes.
    pub(super) async fn mails(&self, mails: Vec<Bytes>) -> anyhow::Result<Vec<NewInbound>> {
        let references = match mails.as_slice() {
            [alone] => vec![self.app.files.put(alone.clone()).await?.sha256],
            together => self.app.files.put_together(together).await?,
        };
        let rows = mails.iter().zip(references).map(|(raw, reference)| {
            let name = header::message_id(raw).unwrap_or_else(|| format!("sha256:{}", sha256(raw)));
            self.row(name, reference)
        });
        Ok(rows.collect())
    }

    /// Keeps a mail that comes in pieces; `beginning` holds its header and is the first of them.
    pub(super) async fn stream(
        &self,
        beginning: &[u8],
        pieces: impl Stream<Item = anyhow::Result<Bytes>> + Unpin,
    ) -> anyhow::Result<NewInbound> {
        let message_id = header::message_id(beginning);
        let kept = self.app.files.put_stream(pieces, STREAMED_BYTES_MAX).await?;
        Ok(self.row(message_id.unwrap_or_else(|| format!("sha256:{}", kept.sha256)), kept.sha256))
    }

    /// It is listed, and stays in the mailbox unread. `name` tells it apart where it has no Message-ID.
    pub(super) fn too_large(&self, name: String, bytes: u64, head: &[u8]) -> NewInbound {
        self.row(header::message_id(head).unwrap_or(name), format!("{TOO_LARGE}{bytes}"))
    }

    fn row(&self, external_id: String, body: String) -> NewInbound {
        let now = self.app.clock.now();
        NewInbound { inbox: self.inbox.clone(), external_id, received_at: now, happened_at: now, body }
    }
}
