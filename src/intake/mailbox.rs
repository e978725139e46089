//! Reading mailboxes: each mail is made durable first, then settled with the server, then passed for good.

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::channels::email::connection::MailError;
use crate::channels::email::imap::{Fetched, Imap, Selected};
use crate::channels::email::{header, maildir};
use crate::config::{MailServer, MailSource, Mailbox};
use crate::domain::Inbox;
use crate::store::inbound::NewInbound;
use crate::store::{Dialect, leases, mailboxes};

/// Mails made durable in one go.
const MAILS_PER_BATCH: usize = 32;
/// Their bytes: what is read ahead is held in memory.
const BYTES_PER_BATCH: usize = 16 * 1024 * 1024;
/// How long one wait for news lasts; then the lease is renewed.
const WAIT: Duration = Duration::from_secs(10);
/// How often a Maildir is looked at.
const MAILDIR_EVERY: Duration = Duration::from_millis(700);
/// How long a node that died may keep the others from its mailbox.
const LEASE: SignedDuration = SignedDuration::from_secs(25);
/// Pauses after a failure, the last one for ever: an outage ends within it.
const AFTER_FAILURE: [Duration; 5] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(20)];

/// Reads the mailbox until `stop` rings, through every outage.
pub async fn run(app: &App, mailbox: &Mailbox, stop: &CancellationToken) {
    let mut failures = 0;
    while !stop.is_cancelled() {
        let pause = match read_for_a_while(app, mailbox, stop).await {
            Ok(()) => {
                failures = 0;
                Duration::ZERO
            }
            Err(error) => {
                metrics::counter!("threadline_mailbox_failures_total").increment(1);
                tracing::warn!(mailbox = mailbox.name, error = format!("{error:#}"), "the mailbox cannot be read now; trying again");
                failures += 1;
                AFTER_FAILURE[(failures - 1).min(AFTER_FAILURE.len() - 1)]
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
    if app.db.dialect == Dialect::Postgres
        && let Ok(mut tx) = app.db.begin().await
        && leases::release(&mut tx, &lease_name(mailbox), &app.node).await.is_ok()
        && let Err(error) = tx.commit().await
    {
        tracing::debug!(%error, "the mailbox's lease was not given back; it runs out");
    }
}

fn lease_name(mailbox: &Mailbox) -> String {
    format!("mailbox/{}", mailbox.name)
}

/// Several nodes on one database: one of them reads the mailbox. SQLite has one node.
async fn may_read(app: &App, mailbox: &Mailbox) -> anyhow::Result<bool> {
    if app.db.dialect == Dialect::Sqlite {
        return Ok(true);
    }
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let taken = leases::take(&mut tx, &lease_name(mailbox), &app.node, now, now + LEASE).await?;
    tx.commit().await?;
    Ok(taken)
}

async fn read_for_a_while(app: &App, mailbox: &Mailbox, stop: &CancellationToken) -> anyhow::Result<()> {
    if !may_read(app, mailbox).await? {
        tokio::time::sleep(WAIT.min(Duration::from_secs(5))).await;
        return Ok(());
    }
    match &mailbox.source {
        MailSource::Imap { server, folder } => read_imap(app, mailbox, server, folder, stop).await,
        MailSource::Maildir(folder) => read_maildir(app, mailbox, folder, stop).await,
    }
}

async fn read_imap(app: &App, mailbox: &Mailbox, server: &MailServer, folder: &str, stop: &CancellationToken) -> anyhow::Result<()> {
    let (mut imap, selected) = Imap::connect(server, folder).await?;
    tracing::info!(mailbox = mailbox.name, mails = selected.exists, "reading the mailbox");
    let inbox = Inbox::mail(&mailbox.name);
    let mut place =
        mailboxes::find(&mut *app.db.read().await?, &inbox).await?.filter(|(validity, _)| *validity == i64::from(selected.uid_validity));
    while !stop.is_cancelled() {
        let uids = match place {
            Some((_, last)) => imap.after(u32::try_from(last).unwrap_or(u32::MAX)).await?,
            None => first_look(app, &mut imap).await?,
        };
        if place.is_none() && uids.is_empty() {
            // From here on every mail is new, read in another program or not.
            place = Some(pass(app, &inbox, &selected, selected.uid_next.unwrap_or(1).saturating_sub(1)).await?);
        }
        if let Some(last) = take(app, mailbox, &inbox, &mut imap, &uids).await? {
            let last = last.max(selected.uid_next.unwrap_or(1).saturating_sub(1));
            place = Some(pass(app, &inbox, &selected, last).await?);
        }
        if !may_read(app, mailbox).await? {
            break;
        }
        tokio::select! {
            news = imap.wait(WAIT) => { news?; }
            () = stop.cancelled() => {}
        }
    }
    // A wait that was given up has spent the session; the server notices the closed connection.
    Ok(())
}

/// A mailbox that was never read, or whose UIDs mean something else now: what is unread, or of the last day. What was taken before is
/// recognised by its Message-ID.
async fn first_look(app: &App, imap: &mut Imap) -> Result<Vec<u32>, MailError> {
    let mut uids = imap.unseen().await?;
    uids.extend(imap.since_yesterday(app.clock.now()).await?);
    uids.sort_unstable();
    uids.dedup();
    Ok(uids)
}

async fn pass(app: &App, inbox: &Inbox, selected: &Selected, last_uid: u32) -> anyhow::Result<(i64, i64)> {
    let mut tx = app.db.begin().await?;
    mailboxes::record(&mut tx, inbox, selected.uid_validity, last_uid).await?;
    tx.commit().await?;
    Ok((i64::from(selected.uid_validity), i64::from(last_uid)))
}

/// Takes these mails, batch by batch. The highest UID, if there was one.
async fn take(app: &App, mailbox: &Mailbox, inbox: &Inbox, imap: &mut Imap, uids: &[u32]) -> anyhow::Result<Option<u32>> {
    if uids.len() > MAILS_PER_BATCH {
        tracing::info!(mailbox = mailbox.name, mails = uids.len(), "taking mails");
    }
    for batch in uids.chunks(MAILS_PER_BATCH) {
        let mut durable = vec![];
        let mut waiting: Vec<(u32, Vec<u8>)> = vec![];
        let mut bytes = 0;
        let mut fetching = imap.fetch(batch);
        while let Some(fetched) = fetching.next().await? {
            match fetched {
                Fetched::Mail { uid, raw } => {
                    bytes += raw.len();
                    waiting.push((uid, raw));
                    if bytes > BYTES_PER_BATCH {
                        durable.extend(accept(app, inbox, std::mem::take(&mut waiting)).await?);
                        bytes = 0;
                    }
                }
                Fetched::TooLarge { uid, bytes, head } => too_large(app, inbox, uid, bytes, &head).await?,
                Fetched::Refused { uid, said } => {
                    tracing::error!(mailbox = mailbox.name, uid, said, "the server cannot give this mail; it stays in the mailbox");
                }
                Fetched::Gone { .. } => {}
            }
        }
        durable.extend(accept(app, inbox, waiting).await?);
        imap.settle(&durable, &mailbox.after).await?;
        metrics::counter!("threadline_mails_taken_total").increment(durable.len() as u64);
    }
    Ok(uids.last().copied())
}

/// Makes the mails durable. Their UIDs.
async fn accept(app: &App, inbox: &Inbox, mails: Vec<(u32, Vec<u8>)>) -> anyhow::Result<Vec<u32>> {
    if mails.is_empty() {
        return Ok(vec![]);
    }
    let uids = mails.iter().map(|(uid, _)| *uid).collect();
    let mut rows = Vec::with_capacity(mails.len());
    for (_, raw) in mails {
        rows.push(durable_row(app, inbox, raw).await?);
    }
    app.intake.accept(rows).await?;
    app.wake.place.notify_one();
    Ok(uids)
}

/// Keeps the raw mail and gives the row that refers to it.
async fn durable_row(app: &App, inbox: &Inbox, raw: Vec<u8>) -> anyhow::Result<NewInbound> {
    let message_id = header::message_id(&raw);
    let kept = app.files.put(raw.into()).await?;
    let now = app.clock.now();
    Ok(NewInbound {
        inbox: inbox.clone(),
        external_id: message_id.unwrap_or_else(|| format!("sha256:{}", kept.sha256)),
        received_at: now,
        happened_at: now,
        body: kept.sha256,
    })
}

/// How the body of an inbound row begins whose mail was too large to take.
pub(super) const TOO_LARGE: &str = "too-large:";

/// It is listed, and stays in the mailbox unread.
async fn too_large(app: &App, inbox: &Inbox, uid: u32, bytes: u64, head: &[u8]) -> anyhow::Result<()> {
    let now = app.clock.now();
    let row = NewInbound {
        inbox: inbox.clone(),
        external_id: header::message_id(head).unwrap_or_else(|| format!("uid:{uid}")),
        received_at: now,
        happened_at: now,
        body: format!("{TOO_LARGE}{bytes}"),
    };
    app.intake.accept(vec![row]).await?;
    app.wake.place.notify_one();
    Ok(())
}

async fn read_maildir(app: &App, mailbox: &Mailbox, folder: &Path, stop: &CancellationToken) -> anyhow::Result<()> {
    let inbox = Inbox::mail(&mailbox.name);
    let until = tokio::time::Instant::now() + WAIT;
    while !stop.is_cancelled() && tokio::time::Instant::now() < until {
        let waiting = maildir::list_new(folder).await?;
        for batch in waiting.chunks(MAILS_PER_BATCH) {
            let mut rows = Vec::with_capacity(batch.len());
            for path in batch {
                rows.push(durable_row(app, &inbox, maildir::read(path).await?).await?);
            }
            app.intake.accept(rows).await?;
            app.wake.place.notify_one();
            for path in batch {
                maildir::settle(path, &mailbox.after).await?;
            }
            metrics::counter!("threadline_mails_taken_total").increment(batch.len() as u64);
        }
        tokio::select! {
            () = tokio::time::sleep(MAILDIR_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}
