//! Reading mailboxes: each mail is made durable first, then settled with the server, then passed for good.

mod folder;
mod keep;
mod progress;
mod take;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

pub(super) use self::keep::TOO_LARGE;
use self::take::{Taking, Unsettled, Upto};
use crate::App;
use crate::channels::email::imap::{Imap, Selected};
use crate::config::{MailServer, MailSource, Mailbox, Since};
use crate::domain::Inbox;
use crate::store::mailboxes::{Look, Place};
use crate::store::{Dialect, leases, mailboxes};

/// How long one wait for news lasts; then the lease is renewed.
const WAIT: Duration = Duration::from_secs(10);
/// What a first look reaches back at least where the folder was read before, under UIDs that mean something else now.
const LOOK_AGAIN: Duration = Duration::from_hours(24);
/// How long a node that died may keep the others from its mailbox.
const LEASE: SignedDuration = SignedDuration::from_secs(25);
/// Pauses after a failure, the last one for ever: an outage ends within it.
const AFTER_FAILURE: [Duration; 5] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(20)];

/// What is known of a mailbox from one connection, or look, to the next.
#[derive(Default)]
struct Memory {
    unsettled: Unsettled,
    folder: folder::Reader,
}

/// Reads the mailbox until `stop` rings, through every outage.
pub async fn run(app: &Arc<App>, mailbox: &Mailbox, stop: &CancellationToken) {
    let mut failures = 0;
    let mut memory = Memory::default();
    while !stop.is_cancelled() {
        let pause = match read_for_a_while(app, mailbox, &mut memory, stop).await {
            Ok(()) => {
                failures = 0;
                Duration::ZERO
            }
            Err(error) => {
                up(mailbox, false);
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

async fn read_for_a_while(app: &Arc<App>, mailbox: &Mailbox, memory: &mut Memory, stop: &CancellationToken) -> anyhow::Result<()> {
    if !may_read(app, mailbox).await? {
        tokio::time::sleep(WAIT.min(Duration::from_secs(5))).await;
        return Ok(());
    }
    match &mailbox.source {
        MailSource::Imap { server, folder } => read_imap(app, mailbox, (server, folder), &mut memory.unsettled, stop).await,
        MailSource::Maildir(folder) => memory.folder.read(app, mailbox, folder, stop).await,
    }
}

async fn read_imap(
    app: &Arc<App>,
    mailbox: &Mailbox,
    (server, folder): (&MailServer, &str),
    unsettled: &mut Unsettled,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let tokens = app.mail_tokens.find(server);
    let (mut imap, selected) = Imap::connect(server, folder, tokens.as_deref()).await?;
    tracing::info!(mailbox = mailbox.name, mails = selected.exists, "reading the mailbox");
    let inbox = Inbox::mail(&mailbox.name);
    let mut place = begin(app, mailbox, &inbox, &mut imap, &selected).await?;
    up(mailbox, true);
    let mut taking = Taking::begin(app, mailbox, selected.uid_validity, unsettled, stop);
    while !stop.is_cancelled() {
        let uids = match place.look {
            Some(look) => imap.between(place.last_uid.saturating_add(1), look.to_uid, look.since).await?,
            None => imap.after(place.last_uid).await?,
        };
        match taking.take(&mut imap, &uids, &mut place).await? {
            Upto::TheEnd => {}
            // Another node reads it now, or we are to stop.
            Upto::ThePlace => break,
        }
        if let Some(look) = place.look.take() {
            place.last_uid = look.to_uid;
            pass(app, &inbox, &place).await?;
            // What came meanwhile waits for no news.
            continue;
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

/// Where reading goes on. A folder that was never read, or whose UIDs mean something else now, is looked at first: what was taken
/// before is recognised by its Message-ID.
async fn begin(app: &App, mailbox: &Mailbox, inbox: &Inbox, imap: &mut Imap, selected: &Selected) -> anyhow::Result<Place> {
    let uid_validity = selected.uid_validity;
    let before = mailboxes::find(&mut *app.db.read().await?, inbox).await?;
    if let Some(place) = before
        && place.uid_validity == uid_validity
    {
        return Ok(place);
    }
    let last_uid = match selected.uid_next {
        Some(next) => next.saturating_sub(1),
        None => imap.after(0).await?.last().copied().unwrap_or(0),
    };
    let since = match (mailbox.since, before) {
        (Since::Nothing, Some(_)) => Since::Within(LOOK_AGAIN),
        (Since::Within(span), Some(_)) => Since::Within(span.max(LOOK_AGAIN)),
        (since, _) => since,
    };
    let look = |since| Place { uid_validity, last_uid: 0, look: Some(Look { to_uid: last_uid, since }) };
    let place = match since {
        Since::Nothing => Place { uid_validity, last_uid, look: None },
        Since::Everything => look(None),
        Since::Within(span) => look(Some(app.clock.now().saturating_sub(SignedDuration::try_from(span)?)?)),
        Since::Day(day) => look(Some(app.config.server.time_zone.to_timestamp(day.at(0, 0, 0, 0))?)),
    };
    if before.is_some() {
        tracing::warn!(mailbox = mailbox.name, "the server has numbered the mails anew (UIDVALIDITY); looking for those that are new");
    }
    pass(app, inbox, &place).await?;
    Ok(place)
}

/// Whether it can be read, for the gauge.
fn up(mailbox: &Mailbox, is_up: bool) {
    metrics::gauge!("threadline_mailbox_up", "mailbox" => mailbox.name.clone()).set(f64::from(u8::from(is_up)));
}

async fn pass(app: &App, inbox: &Inbox, place: &Place) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    mailboxes::record(&mut tx, inbox, place).await?;
    tx.commit().await?;
    Ok(())
}
