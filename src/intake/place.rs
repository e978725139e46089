//! From what arrived to posts: gather, decide, write, in one transaction with the inbound row's "done".

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::learn::{self, Names};
use super::{copies, place_line, place_mail, watch};
use crate::App;
use crate::channels::line::client::{BotInfo, Line};
use crate::channels::line::commands::{self, Typed};
use crate::channels::line::normalise::normalise;
use crate::domain::{Act, ChatKind, DiscussionId, InboundId, Inbox, Incoming, LineMessageId};
use crate::store::inbound::{self, Inbound, InboundStatus};
use crate::store::{self, Dialect, Tx, chats};

/// Rows of one transaction. A few, so that what waits at the door is never held up for long.
const ROWS_PER_BATCH: i64 = 16;
/// Rows of one transaction while requests crowd at the door: it holds the writer for a few milliseconds only.
const ROWS_WHILE_BUSY: i64 = 4;
/// After so many tries a row is given up and listed with its error.
const ATTEMPTS_MAX: i64 = 8;
/// How long the loop sleeps with nothing to do if no bell rings (another node may have left work).
const POLL: Duration = Duration::from_secs(2);
/// How long it sleeps after the database failed.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// How long it steps back between batches while requests crowd at the door.
const STEP_BACK: Duration = Duration::from_millis(10);

/// What placing made of a row.
pub(super) struct Placed {
    pub status: InboundStatus,
    /// Why it was ignored or held.
    pub note: Option<String>,
    pub discussion: Option<DiscussionId>,
    /// The LINE message that it was about.
    pub message: Option<LineMessageId>,
    /// Whose open pages are to be told.
    pub changed: Vec<i64>,
    /// Somebody may read now who could not, or no longer.
    pub access_changed: bool,
    /// Files that nothing refers to any more.
    pub unused_files: Vec<String>,
}

impl Placed {
    pub(super) fn done(discussion: Option<(DiscussionId, i64)>) -> Self {
        Self {
            status: InboundStatus::Done,
            note: None,
            discussion: discussion.map(|(id, _)| id),
            message: None,
            changed: discussion.into_iter().map(|(_, number)| number).collect(),
            access_changed: false,
            unused_files: vec![],
        }
    }

    pub(super) fn ignored(why: impl Into<String>) -> Self {
        Self { status: InboundStatus::Ignored, note: Some(why.into()), ..Self::done(None) }
    }

    pub(super) fn held(why: impl Into<String>, discussion: Option<DiscussionId>) -> Self {
        Self { status: InboundStatus::Held, note: Some(why.into()), discussion, ..Self::done(None) }
    }
}

/// Why a row was not placed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    /// It needs something that has not arrived yet; tried again soon, and ignored in the end.
    #[error("{0}")]
    NotYet(&'static str),
    #[error("the database: {0}")]
    Store(#[from] store::Error),
}

/// A row with everything that had to be read or asked for.
enum Ready {
    Line(Inbox, Box<Incoming>, Option<Typed>),
    /// With the rows of other mailboxes that hold the same mail.
    Mail(Box<place_mail::ReadMail>, Vec<InboundId>),
    /// It cannot be read; the text says why.
    Unreadable(String),
}

/// Places what waits until `stop` rings.
pub async fn run(app: &App, stop: &tokio_util::sync::CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match place_some(app).await {
            Ok(0) => next_pause(app).await,
            Ok(_) if app.intake.is_busy() => STEP_BACK,
            Ok(_) => continue,
            Err(error) => {
                tracing::error!(%error, "placing stopped; it goes on when the database answers");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = app.wake.place.notified(), if pause > STEP_BACK => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn next_pause(app: &App) -> Duration {
    let next = async {
        let mut c = app.db.read().await?;
        inbound::next_due(&mut c).await
    };
    match next.await {
        Ok(Some(at)) => {
            Duration::try_from(at.duration_since(app.clock.now())).unwrap_or(Duration::ZERO).clamp(Duration::from_millis(20), POLL)
        }
        Ok(None) => POLL,
        Err(_) => AFTER_FAILURE,
    }
}

/// Places one batch. How many rows it looked at.
pub async fn place_some(app: &App) -> Result<usize, store::Error> {
    let rows = {
        let mut c = app.db.read().await?;
        let limit = if app.intake.is_busy() { ROWS_WHILE_BUSY } else { ROWS_PER_BATCH };
        inbound::waiting(&mut c, app.clock.now(), limit).await?
    };
    if rows.is_empty() {
        return Ok(0);
    }
    let looked_at = rows.len();
    let (ready, names) = gather(app, rows).await?;
    if place_together(app, &ready, &names).await.is_err() {
        // One of them failed and took the others along: each by itself then, and the culprit is marked.
        for row in &ready {
            place_alone(app, row, &names).await?;
        }
    }
    Ok(looked_at)
}

async fn gather(app: &App, rows: Vec<Inbound>) -> Result<(Vec<(Inbound, Ready)>, Names), store::Error> {
    let mut ready = Vec::with_capacity(rows.len());
    let mut lines = vec![];
    for row in rows {
        let what = if row.inbox.as_str().starts_with("line/") {
            let line = app.line.get(row.inbox.name());
            let incoming = normalise(&row.body, line.and_then(Line::known_user_id).as_deref());
            let typed = typed_to_the_bot(&incoming, line.and_then(Line::known_itself).as_ref());
            lines.push((row.inbox.clone(), incoming.clone()));
            Ready::Line(row.inbox.clone(), Box::new(incoming), typed)
        } else {
            match place_mail::read(app, &row).await {
                Ok(mail) => {
                    let copies = copies::of(app, &row, &mail).await?;
                    Ready::Mail(Box::new(mail), copies)
                }
                Err(error) => Ready::Unreadable(error),
            }
        };
        ready.push((row, what));
    }
    let names = learn::names_for(app, &lines).await?;
    Ok((ready, names))
}

/// What the event tells the bot itself. While another program is in charge, everything is something said.
fn typed_to_the_bot(incoming: &Incoming, bot: Option<&BotInfo>) -> Option<Typed> {
    let Act::Say(said) = &incoming.act else { return None };
    let alone = incoming.chat.as_ref().is_some_and(|c| c.kind == ChatKind::User);
    if incoming.standby { None } else { commands::typed(said, bot.map(|b| b.display_name.as_str()), alone) }
}

async fn place_together(app: &App, rows: &[(Inbound, Ready)], names: &Names) -> Result<(), PlaceError> {
    let mut tx = app.db.begin().await?;
    hold(&mut tx, app, rows).await?;
    let mut placed = vec![];
    for row in rows {
        if let Some(outcome) = place_one(&mut tx, app, row, names).await? {
            placed.push(outcome);
        }
    }
    tx.commit().await?;
    after_commit(app, placed).await;
    Ok(())
}

/// Holds the chats that are known already, in the order in which everybody holds several. SQLite has one writer and needs nothing.
async fn hold(tx: &mut Tx, app: &App, rows: &[(Inbound, Ready)]) -> Result<(), store::Error> {
    if app.db.dialect == Dialect::Sqlite {
        return Ok(());
    }
    let mut held = BTreeSet::new();
    for (_, ready) in rows {
        if let Ready::Line(inbox, incoming, _) = ready
            && let Some(of) = &incoming.chat
            && let Some(chat) = chats::find(tx, inbox, &of.id).await?
        {
            held.insert(chat.id);
        }
    }
    for chat in held {
        chats::lock(tx, app.db.dialect, chat).await?;
    }
    Ok(())
}

async fn place_alone(app: &App, row: &(Inbound, Ready), names: &Names) -> Result<(), store::Error> {
    let mut tx = app.db.begin().await?;
    match place_one(&mut tx, app, row, names).await {
        Ok(Some(outcome)) => {
            tx.commit().await?;
            after_commit(app, vec![outcome]).await;
        }
        Ok(None) => tx.commit().await?,
        Err(error) => {
            drop(tx);
            went_wrong(app, row, &error).await?;
        }
    }
    Ok(())
}

/// Marks the row with its error: tried again later and later, given up in the end.
async fn went_wrong(app: &App, (row, ready): &(Inbound, Ready), error: &PlaceError) -> Result<(), store::Error> {
    let now = app.clock.now();
    let message = if let Ready::Line(_, incoming, _) = ready { incoming.message() } else { None };
    let given_up = row.attempts + 1 >= ATTEMPTS_MAX;
    let mut tx = app.db.begin().await?;
    if given_up && matches!(error, PlaceError::NotYet(_)) {
        inbound::settle(&mut tx, row.id, InboundStatus::Ignored, Some(&error.to_string()), None, message.map(LineMessageId::as_str))
            .await?;
    } else {
        inbound::went_wrong(&mut tx, row.id, &error.to_string(), (!given_up).then(|| now + backoff(row.attempts))).await?;
        if let Some(message) = message {
            inbound::set_message(&mut tx, row.id, message.as_str()).await?;
        }
        if given_up && let Ready::Line(inbox, incoming, _) = ready {
            watch::not_placed(&mut tx, inbox, incoming, row.received_at).await?;
        }
    }
    tx.commit().await?;
    match error {
        PlaceError::NotYet(_) => tracing::debug!(inbound = %row.id, %error, "not yet placed"),
        PlaceError::Store(_) => tracing::error!(inbound = %row.id, %error, given_up, "could not be placed"),
    }
    Ok(())
}

/// 1 s, 2 s, 4 s … 64 s.
fn backoff(attempts: i64) -> SignedDuration {
    SignedDuration::from_secs(1 << attempts.clamp(0, 6))
}

async fn place_one(tx: &mut Tx, app: &App, (row, ready): &(Inbound, Ready), names: &Names) -> Result<Option<Placed>, PlaceError> {
    if !inbound::claim(tx, app.db.dialect, row.id).await? {
        return Ok(None);
    }
    let placed = match ready {
        Ready::Line(inbox, incoming, typed) => {
            place_line::place(tx, app, &place_line::Arrived { row, inbox, incoming, typed: typed.as_ref(), names }).await?
        }
        Ready::Mail(mail, copies) => match copies::dealt_with(tx, app, (row, mail), copies).await? {
            Some(placed) => placed,
            None => place_mail::place(tx, app, row, mail).await?,
        },
        Ready::Unreadable(error) => {
            inbound::went_wrong(tx, row.id, error, None).await?;
            tracing::warn!(inbound = %row.id, error, "a mail cannot be read; its raw bytes are kept");
            return Ok(None);
        }
    };
    let message = placed.message.as_ref().map(LineMessageId::as_str);
    inbound::settle(tx, row.id, placed.status, placed.note.as_deref(), placed.discussion, message).await?;
    metrics::counter!("threadline_inbound_placed_total", "status" => placed.status.as_str()).increment(1);
    Ok(Some(placed))
}

async fn after_commit(app: &App, placed: Vec<Placed>) {
    if !placed.is_empty() {
        // A notice, a file to fetch, or a reply token that carries what waits.
        app.wake.outbox.notify_one();
        app.wake.media.notify_one();
        app.wake.thumbnails.notify_one();
    }
    for outcome in placed {
        for number in outcome.changed {
            app.changed(number);
        }
        if outcome.access_changed {
            app.access_changed();
        }
        for file in outcome.unused_files {
            if let Err(error) = app.files.delete(&file).await {
                tracing::error!(%error, "a file that was taken back could not be deleted");
            }
        }
    }
}

/// When something happened, never after we heard of it: a LINE clock that runs ahead must not put posts into the future. An event without
/// a time happened when it came.
pub(super) fn at(happened: Timestamp, received: Timestamp) -> Timestamp {
    if happened == Timestamp::UNIX_EPOCH { received } else { happened.min(received) }
}
