//! Small pictures of the pictures and films that people sent.
//!
//! A picture is a program for whoever reads it: it is read by a process of its own (`threadline thumbnail`), which has a bounded memory,
//! bounded time and no secrets. The original is never changed.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::channels::line::client::ContentOutcome;
use crate::store::attachments::{self, Attachment};
use crate::store::{self, discussions, posts};

/// The name of the command that makes one.
const COMMAND: &str = "thumbnail";
/// With this the command says that there will never be a small picture of what it read.
pub const EXIT_NO_PICTURE: u8 = 3;

/// A picture of more octets is not read.
pub const PICTURE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A film's preview of more octets is not read.
const PREVIEW_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most that the command says: the largest picture that LINE takes (Messaging API reference, "Image message").
const ANSWER_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// How long one may take, its bytes' way to the process included.
const MADE_WITHIN: Duration = Duration::from_secs(45);
/// How long LINE may take to hand over a preview.
const PREVIEW_WITHIN: Duration = Duration::from_mins(1);
/// How long a picture is ours alone: longer than the two together.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// Tries of one picture.
const ATTEMPTS_MAX: i64 = 5;
/// Files that are looked at in one go.
const LOOK_AT: i64 = 64;
/// How long the loop sleeps if no bell rings.
const POLL: Duration = Duration::from_secs(2);
/// How long it sleeps after the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Names that tell of a picture where the type tells nothing.
const PICTURE_EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "gif", "webp"];

/// A small picture and the size of the one that it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Small {
    /// Of the whole picture, as people see it, in pixels.
    pub size: (u32, u32),
    /// JPEG, or WebP where something shines through.
    pub bytes: Bytes,
}

impl Small {
    /// As the command says it: `WIDTH HEIGHT`, a line break, the bytes.
    pub fn write(&self) -> Vec<u8> {
        [format!("{} {}\n", self.size.0, self.size.1).as_bytes(), &self.bytes].concat()
    }

    fn read(answer: &[u8]) -> Option<Self> {
        let end = answer.iter().position(|b| *b == b'\n')?;
        let (width, height) = std::str::from_utf8(&answer[..end]).ok()?.split_once(' ')?;
        let size = (width.parse().ok().filter(|w| *w > 0)?, height.parse().ok().filter(|h| *h > 0)?);
        let bytes = Bytes::copy_from_slice(&answer[end + 1..]);
        (!bytes.is_empty()).then_some(Self { size, bytes })
    }
}

/// Makes what is not made until `stop` rings, one at a time; one under way is begun again at the next start.
pub async fn run(app: &App, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let made = tokio::select! {
            made = next(app) => made,
            () = stop.cancelled() => return,
        };
        let pause = match made {
            Ok(true) => continue,
            Ok(false) => POLL,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "making small pictures stopped; it goes on when the database answers");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = app.wake.thumbnails.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Where the picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The file is one.
    File,
    /// LINE has one of the film.
    Preview,
}

fn source_of(attachment: &Attachment) -> Option<Source> {
    let kind = attachment.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let extension = Path::new(&attachment.name).extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let named = kind == "application/octet-stream" && PICTURE_EXTENSIONS.contains(&extension.as_str());
    let fits = attachment.size.and_then(|s| u64::try_from(s).ok()).is_some_and(|s| (1..=PICTURE_BYTES_MAX).contains(&s));
    if kind.starts_with("image/") || named {
        return fits.then_some(Source::File);
    }
    (kind.starts_with("video/") && attachment.message_id.is_some()).then_some(Source::Preview)
}

/// Makes the next one. False where there is none to make.
async fn next(app: &App) -> anyhow::Result<bool> {
    let now = app.clock.now();
    let found = attachments::without_thumbnail(&mut *app.db.read().await?, now, LOOK_AT).await?;
    if found.is_empty() {
        return Ok(false);
    }
    let mut claimed = None;
    let mut tx = app.db.begin().await?;
    for attachment in found {
        match source_of(&attachment).filter(|_| attachment.thumbnail.attempts < ATTEMPTS_MAX) {
            None => attachments::no_thumbnail(&mut tx, attachment.id, now).await?,
            Some(source) if claimed.is_none() && attachments::claim_thumbnail(&mut tx, attachment.id, now, now + LEASE).await? => {
                claimed = Some((attachment, source));
            }
            Some(_) => {}
        }
    }
    tx.commit().await?;
    if let Some((attachment, source)) = claimed {
        let made = match source {
            Source::File => of_file(app, &attachment).await,
            Source::Preview => of_preview(app, &attachment).await,
        };
        record(app, &attachment, made).await?;
    }
    Ok(true)
}

/// What became of one.
#[derive(Debug, PartialEq, Eq)]
enum Made {
    Small(Small),
    /// It will never be.
    Never(String),
    /// This time it did not work.
    Later(String),
}

async fn of_file(app: &App, attachment: &Attachment) -> Made {
    let Some(sha256) = &attachment.sha256 else { return Made::Never("it has no bytes".into()) };
    match app.files.get(sha256).await {
        Ok((_, bytes)) => shrink(&app.program, bytes.map_err(anyhow::Error::from).boxed(), MADE_WITHIN).await,
        Err(error) => Made::Later(error.to_string()),
    }
}

async fn of_preview(app: &App, attachment: &Attachment) -> Made {
    let account = attachment.inbox.as_deref().and_then(|i| i.strip_prefix("line/")).and_then(|name| app.line.get(name));
    let (Some(line), Some(message)) = (account, attachment.message_id.as_deref()) else {
        return Made::Never("its LINE account is no longer configured".into());
    };
    let preview = async {
        let mut download = match line.preview(message).await {
            ContentOutcome::Ready(download) => download,
            ContentOutcome::NotYet | ContentOutcome::Missing => return Err(Made::Later("LINE has no preview (yet)".into())),
            ContentOutcome::Gone => return Err(Made::Never("it was taken back".into())),
            ContentOutcome::Retry(why) => return Err(Made::Later(why)),
        };
        let mut bytes = BytesMut::new();
        while let Some(chunk) = download.bytes.next().await {
            bytes.extend_from_slice(&chunk.map_err(|e| Made::Later(e.to_string()))?);
            if bytes.len() > PREVIEW_BYTES_MAX {
                return Err(Made::Never("its preview is too large".into()));
            }
        }
        Ok(bytes.freeze())
    };
    match tokio::time::timeout(PREVIEW_WITHIN, preview).await {
        Ok(Ok(bytes)) => shrink(&app.program, stream::iter([Ok(bytes)]).boxed(), MADE_WITHIN).await,
        Ok(Err(made)) => made,
        Err(_) => Made::Later("LINE takes too long over the preview".into()),
    }
}

/// Why there is no JPEG of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoJpeg {
    /// It is no picture that we read.
    Never(String),
    /// It may be made another time: it took too long, or its process could not be run.
    NotNow(String),
}

/// A picture as LINE takes it: a JPEG with no edge longer than `edge` pixels.
///
/// # Errors
/// [`NoJpeg`].
pub async fn as_jpeg(program: &Path, picture: Bytes, edge: u32, within: Duration) -> Result<Bytes, NoJpeg> {
    let edge = edge.to_string();
    match shrink_as(program, &["--opaque", "--edge", &edge], stream::iter([Ok(picture)]).boxed(), within).await {
        Made::Small(small) => Ok(small.bytes),
        Made::Never(why) => Err(NoJpeg::Never(why)),
        Made::Later(why) => Err(NoJpeg::NotNow(why)),
    }
}

/// Lets a process of its own read these bytes.
async fn shrink(program: &Path, bytes: BoxStream<'_, anyhow::Result<Bytes>>, within: Duration) -> Made {
    shrink_as(program, &[], bytes, within).await
}

async fn shrink_as(program: &Path, how: &[&str], bytes: BoxStream<'_, anyhow::Result<Bytes>>, within: Duration) -> Made {
    let child = Command::new(program)
        .arg(COMMAND)
        .args(how)
        // Nothing of ours is in there but the bytes.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return Made::Later(format!("the program could not be run: {error}")),
    };
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Made::Later("the program was run without its pipes".into());
    };
    let spoken = async {
        let (fed, answer) = tokio::join!(feed(input, bytes), hear(output));
        fed?;
        anyhow::Ok((answer?, child.wait().await?))
    };
    match tokio::time::timeout(within, spoken).await {
        Ok(Ok((answer, status))) => judged(&answer, status),
        Ok(Err(error)) => Made::Later(format!("{error:#}")),
        Err(_) => {
            if let Err(error) = child.kill().await {
                tracing::debug!(%error, "a process that took too long had ended by itself");
            }
            Made::Later(format!("it took longer than {} s", within.as_secs()))
        }
    }
}

async fn feed(mut input: tokio::process::ChildStdin, mut bytes: BoxStream<'_, anyhow::Result<Bytes>>) -> anyhow::Result<()> {
    while let Some(chunk) = bytes.next().await {
        // Whoever has read enough closes the pipe; its exit status says what it thinks.
        if input.write_all(&chunk.context("reading the picture")?).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn hear(output: tokio::process::ChildStdout) -> anyhow::Result<Vec<u8>> {
    let mut answer = vec![];
    output.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut answer).await.context("hearing the process")?;
    Ok(answer)
}

fn judged(answer: &[u8], status: ExitStatus) -> Made {
    use std::os::unix::process::ExitStatusExt;
    /// What a machine that runs out of memory ends processes with, and we.
    const SIGKILL: i32 = 9;
    if status.success() && answer.len() as u64 <= ANSWER_BYTES_MAX {
        return Small::read(answer).map_or_else(|| Made::Never("the process made nothing of it".into()), Made::Small);
    }
    if status.signal() == Some(SIGKILL) {
        return Made::Later("the process was killed".into());
    }
    Made::Never(format!("no picture that we can read ({status})"))
}

async fn record(app: &App, attachment: &Attachment, made: Made) -> anyhow::Result<()> {
    let kept = match &made {
        Made::Small(small) => Some((app.files.put(small.bytes.clone()).await?.sha256, small.size)),
        Made::Never(_) | Made::Later(_) => None,
    };
    let now = app.clock.now();
    let mut unused = None;
    let mut tx = app.db.begin().await?;
    match (&made, kept) {
        (Made::Later(why), _) if attachment.thumbnail.attempts + 1 < ATTEMPTS_MAX => {
            tracing::info!(attachment = %attachment.id, why, "no small picture yet");
            attachments::thumbnail_later(&mut tx, attachment.id, now + backoff(attachment.thumbnail.attempts)).await?;
        }
        (_, Some((sha256, size))) => {
            let made = attachments::thumbnail_made(&mut tx, attachment.id, &sha256, size, now).await?;
            // It was taken back while it was made: nothing of it stays.
            if !made && !attachments::is_used(&mut tx, &sha256).await? {
                unused = Some(sha256);
            }
        }
        (Made::Later(why) | Made::Never(why), None) => {
            tracing::info!(attachment = %attachment.id, why, "there will be no small picture");
            attachments::no_thumbnail(&mut tx, attachment.id, now).await?;
        }
        (Made::Small(_), None) => unreachable!("a small picture was just kept"),
    }
    let number = number_of(&mut tx, attachment).await?;
    tx.commit().await?;
    if let Some(sha256) = unused {
        app.files.delete(&sha256).await?;
    }
    if let Some(number) = number {
        app.changed(number);
    }
    Ok(())
}

async fn number_of(tx: &mut store::Tx, attachment: &Attachment) -> store::Result<Option<i64>> {
    let Some(post) = posts::find(tx, attachment.post).await? else { return Ok(None) };
    Ok(Some(discussions::get(tx, post.discussion).await?.number))
}

/// 5 s, 30 s, 3 min, 18 min.
fn backoff(attempts: i64) -> SignedDuration {
    SignedDuration::from_secs(5 * 6_i64.pow(u32::try_from(attempts.clamp(0, 3)).unwrap_or(0)))
}

#[cfg(test)]
mod tests;
