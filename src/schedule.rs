//! What the clock starts.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::intake::learn;
use crate::store::{reply_tokens, sessions};

/// How often there is a look at what is missing or old.
const ROUND: Duration = Duration::from_secs(30);
/// A reply token is of no use long before this; kept a while so that a redelivered event's is recognised.
const REPLY_TOKENS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A stream to the file store that was begun longer ago has been left behind by a process that died.
const UNFINISHED_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Does its rounds until `stop` rings.
pub async fn run(app: &App, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = round(app).await {
            tracing::warn!(error = format!("{error:#}"), "a round of housekeeping failed; the next one tries again");
        }
        tokio::select! {
            () = tokio::time::sleep(ROUND) => {}
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

async fn round(app: &App) -> anyhow::Result<()> {
    learn_accounts(app).await;
    learn::refresh(app).await?;
    let now = app.clock.now();
    app.files.sweep(now - UNFINISHED_KEPT).await?;
    let mut tx = app.db.begin().await?;
    sessions::prune(&mut tx, now).await?;
    reply_tokens::prune(&mut tx, now - REPLY_TOKENS_KEPT).await?;
    tx.commit().await?;
    Ok(())
}
