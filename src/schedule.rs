//! What the clock starts.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::intake::{learn, pictures, watch};
use crate::store::{codes, reply_tokens, sessions};
use crate::{App, discussions, outbox};

/// How often there is a look at what is missing or old.
const ROUND: Duration = Duration::from_secs(30);
/// How long the first beat waits for a database that does not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// A reply token is of no use long before this; kept a while so that a redelivered event's is recognised.
const REPLY_TOKENS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A code is of no use ten minutes after it was made.
const CODES_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// A stream to the file store that was begun longer ago has been left behind by a process that died.
const UNFINISHED_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Does its rounds until `stop` rings. Asking LINE may take long; that the program runs is written down beside it.
pub async fn run(app: &App, stop: &CancellationToken) {
    tokio::join!(rounds(app, stop), beats(app, stop));
}

async fn rounds(app: &App, stop: &CancellationToken) {
    let mut webhook_look_at = Instant::now();
    while !stop.is_cancelled() {
        let looks = Instant::now() >= webhook_look_at;
        if looks {
            webhook_look_at = Instant::now() + watch::WEBHOOK_LOOK_EVERY;
        }
        tokio::select! {
            done = round(app, looks) => if let Err(error) = done {
                tracing::warn!(error = format!("{error:#}"), "a round of housekeeping failed; the next one tries again");
            },
            // It only asks and keeps: what is not done is done after the next start.
            () = stop.cancelled() => {}
        }
        tokio::select! {
            () = tokio::time::sleep(ROUND) => {}
            () = app.wake.schedule.notified() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Asks LINE who each account is, until it has told. What it does not answer now is asked for in the next round.
async fn learn_accounts(app: &App) {
    let unknown = app.line.iter().filter(|(_, line)| line.known_itself().is_none());
    let asked = unknown.map(async |(name, line)| {
        if let Err(error) = line.learn_itself().await {
            tracing::warn!(account = name, %error, "LINE does not tell who this account is");
        }
    });
    futures_util::future::join_all(asked).await;
}

async fn round(app: &App, looks_at_webhooks: bool) -> anyhow::Result<()> {
    learn_accounts(app).await;
    if looks_at_webhooks {
        watch::look_at_webhooks(app).await?;
    }
    outbox::ask_due(app).await?;
    learn::refresh(app).await?;
    pictures::fetch_due(app).await?;
    discussions::refit_nightly(app).await?;
    discussions::promise_weeklies(app).await?;
    let now = app.clock.now();
    app.files.sweep(now - UNFINISHED_KEPT).await?;
    let mut tx = app.db.begin().await?;
    sessions::prune(&mut tx, now).await?;
    reply_tokens::prune(&mut tx, now - REPLY_TOKENS_KEPT).await?;
    codes::prune(&mut tx, now - CODES_KEPT).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes down that the program runs, so that the next one knows since when it did not.
async fn beats(app: &App, stop: &CancellationToken) {
    while let Err(error) = watch::started(app).await {
        tracing::warn!(%error, "the first sign of life could not be written");
        tokio::select! {
            () = tokio::time::sleep(AFTER_FAILURE) => {}
            () = stop.cancelled() => return,
        }
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(watch::BEAT_EVERY) => {}
            () = app.intake.refusals_are_over() => {}
            () = stop.cancelled() => {}
        }
        if let Err(error) = watch::beat(app).await {
            tracing::warn!(%error, "a sign of life could not be written");
        }
        if stop.is_cancelled() {
            return;
        }
    }
}
