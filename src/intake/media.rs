//! Fetching the files of LINE messages, at once and again: LINE keeps them for a while only.

use std::time::Duration;

use anyhow::anyhow;
use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::channels::line::client::{ContentOutcome, Download};
use crate::config::MB_OCTETS;
use crate::files::FilesError;
use crate::store::attachments::{self, Attachment, AttachmentStatus};
use crate::store::{self, discussions, posts};

/// Files fetched side by side.
const FETCHES_MAX: usize = 4;
/// How long a fetch is ours alone; a long one renews it.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How often.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// Tries before a file is given up; with [`backoff`] about two and a half days. LINE has answered 400 to good requests for hours.
const ATTEMPTS_MAX: i64 = 80;
/// So long after the message was sent a 404 may only be too early; later it is final.
const MISSING_IS_EARLY: SignedDuration = SignedDuration::from_mins(10);
/// How long the loop sleeps if no bell rings.
const POLL: Duration = Duration::from_secs(1);

/// Fetches what waits until `stop` rings; what is under way is finished by its lease if the program ends first.
pub async fn run(app: &std::sync::Arc<App>, stop: &CancellationToken) {
    let mut fetching = JoinSet::new();
    while !stop.is_cancelled() {
        let free = FETCHES_MAX - fetching.len();
        let claimed = if free == 0 { Ok(vec![]) } else { claim(app, free).await };
        let idle = match claimed {
            Ok(attachments) => {
                let none = attachments.is_empty();
                for attachment in attachments {
                    let app = app.clone();
                    fetching.spawn(async move { fetch(&app, &attachment).await });
                }
                none
            }
            Err(error) => {
                tracing::error!(%error, "looking for files to fetch");
                true
            }
        };
        if idle || fetching.len() == FETCHES_MAX {
            tokio::select! {
                Some(_) = fetching.join_next(), if !fetching.is_empty() => {}
                () = app.wake.media.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
    }
    fetching.abort_all();
}

async fn claim(app: &App, limit: usize) -> Result<Vec<Attachment>, store::Error> {
    let now = app.clock.now();
    // A look costs no write: most of the time nothing waits.
    let waiting = attachments::next_due(&mut *app.db.read().await?).await?;
    if waiting.is_none_or(|at| at > now) {
        return Ok(vec![]);
    }
    let mut tx = app.db.begin().await?;
    let claimed = attachments::claim(&mut tx, app.db.dialect, now, now + LEASE, i64::try_from(limit).unwrap_or(1)).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Fetches one file and records what became of it.
async fn fetch(app: &App, attachment: &Attachment) {
    let outcome = tokio::select! {
        outcome = content(app, attachment) => outcome,
        () = keep_lease(app, attachment) => unreachable!("it is kept for as long as the fetch takes"),
    };
    if let Err(error) = record(app, attachment, outcome).await {
        // The lease runs out and it is tried again.
        tracing::error!(attachment = %attachment.id, %error, "a file was fetched but not recorded");
    }
}

/// Renews the lease for ever.
async fn keep_lease(app: &App, attachment: &Attachment) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let renewed = async {
            let mut tx = app.db.begin().await?;
            attachments::renew(&mut tx, attachment.id, app.clock.now() + LEASE).await?;
            tx.commit().await
        };
        if let Err(error) = renewed.await {
            tracing::warn!(attachment = %attachment.id, %error, "the lease of a fetch under way was not renewed");
        }
    }
}

enum Fetched {
    Kept {
        content_type: String,
        size: i64,
        sha256: String,
    },
    Later(String),
    Ended(AttachmentStatus, String),
    /// Its size, where LINE or the message told.
    TooLarge(Option<u64>),
}

async fn content(app: &App, attachment: &Attachment) -> Fetched {
    let account = attachment.inbox.as_deref().and_then(|i| i.strip_prefix("line/")).and_then(|name| app.line.get(name));
    let (Some(line), Some(message)) = (account, attachment.message_id.as_deref()) else {
        return Fetched::Ended(AttachmentStatus::Failed, "its LINE account is no longer configured".into());
    };
    match line.content(message).await {
        ContentOutcome::Ready(download) => keep(app, attachment, download).await,
        ContentOutcome::NotYet => Fetched::Later("LINE is still preparing it".into()),
        ContentOutcome::Gone => Fetched::Ended(AttachmentStatus::Withdrawn, "it was taken back".into()),
        ContentOutcome::Missing => match sent_at(app, attachment).await {
            Ok(sent) if app.clock.now().duration_since(sent) > MISSING_IS_EARLY => {
                Fetched::Ended(AttachmentStatus::Failed, "LINE does not have it (404)".into())
            }
            Ok(_) => Fetched::Later("LINE does not know it (yet)".into()),
            Err(error) => Fetched::Later(error.to_string()),
        },
        ContentOutcome::Retry(why) => Fetched::Later(why),
    }
}

/// When its message was sent.
async fn sent_at(app: &App, attachment: &Attachment) -> Result<Timestamp, store::Error> {
    let post = posts::find(&mut *app.db.read().await?, attachment.post).await?;
    // Without its post nobody waits for it.
    Ok(post.map_or(Timestamp::UNIX_EPOCH, |p| p.created_at))
}

async fn keep(app: &App, attachment: &Attachment, download: Download) -> Fetched {
    let max = app.config.file_bytes_max;
    if download.size.is_some_and(|size| size > max) {
        return Fetched::TooLarge(download.size);
    }
    // What LINE's header says is more exact than what the message's kind told; a generic answer is not.
    let told = download.content_type.clone();
    let content_type = match told.as_str() {
        "" | "application/octet-stream" => attachment.content_type.clone(),
        _ => told,
    };
    let bytes = Box::pin(download.bytes.map_err(|e| anyhow!("{e}")));
    match app.files.put_stream(bytes, max).await {
        Ok(kept) => Fetched::Kept { content_type, size: i64::try_from(kept.size).unwrap_or(i64::MAX), sha256: kept.sha256 },
        // What the message said of its size is told only where it agrees that this is too much.
        Err(FilesError::TooLarge { .. }) => {
            Fetched::TooLarge(attachment.size.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > max))
        }
        Err(error) => Fetched::Later(error.to_string()),
    }
}

async fn record(app: &App, attachment: &Attachment, outcome: Fetched) -> Result<(), store::Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut unused = None;
    match outcome {
        Fetched::Kept { content_type, size, sha256 } => {
            let kept = attachments::ready(&mut tx, attachment.id, &content_type, size, &sha256).await?;
            // It was taken back while it was fetched: nothing of it stays.
            if !kept && !attachments::is_used(&mut tx, &sha256).await? {
                unused = Some(sha256);
            }
            metrics::counter!("threadline_media_fetched_total").increment(1);
        }
        Fetched::Later(why) if attachment.attempts < ATTEMPTS_MAX => {
            attachments::retry(&mut tx, attachment.id, now + backoff(attachment.attempts), &why).await?;
        }
        Fetched::Later(why) => attachments::end(&mut tx, attachment.id, AttachmentStatus::Failed, &why).await?,
        Fetched::Ended(status, why) => attachments::end(&mut tx, attachment.id, status, &why).await?,
        Fetched::TooLarge(size) => {
            let size = size.and_then(|size| i64::try_from(size).ok());
            attachments::too_large(&mut tx, attachment.id, size, app.config.file_bytes_max / MB_OCTETS).await?;
        }
    }
    let number = match posts::find(&mut tx, attachment.post).await? {
        Some(post) => Some(discussions::get(&mut tx, post.discussion).await?.number),
        None => None,
    };
    tx.commit().await?;
    if let Some(sha256) = unused
        && let Err(error) = app.files.delete(&sha256).await
    {
        tracing::error!(%error, "a file that was taken back could not be deleted");
    }
    app.wake.thumbnails.notify_one();
    if let Some(number) = number {
        app.changed(number);
    }
    Ok(())
}

/// 1 s, 2 s, 4 s … a minute for the first quarter of an hour, then an hour.
fn backoff(attempts: i64) -> SignedDuration {
    if attempts > 20 {
        return SignedDuration::from_hours(1);
    }
    SignedDuration::from_secs((1_i64 << (attempts - 1).clamp(0, 6)).min(60))
}
