//! Notices when events may be lost: while the program does not run, while what LINE sends cannot be kept, while LINE is told to send
//! nothing, and when an event cannot be placed. Each is kept as an outage and shown as a gap in the record.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::place::at;
use crate::App;
use crate::channels::line::client::{WebhookEndpoint, is_loopback};
use crate::config::LineAccount;
use crate::domain::{Gap, GapKind, Inbox, Incoming};
use crate::store::{self, Tx, chats, outages, settings};

/// How often the program writes down that it runs.
pub const BEAT_EVERY: Duration = Duration::from_secs(30);
/// A shorter pause is a restart, after which LINE's redelivery brings what was missed.
const STOPPED_MIN: SignedDuration = SignedDuration::from_mins(2);
/// How often LINE is asked where it sends its webhooks.
pub const WEBHOOK_LOOK_EVERY: Duration = Duration::from_hours(1);
/// Where the last beat is kept, in microseconds since 1970.
const BEAT: &str = "heartbeat";

/// Where the account's own LINE user id is kept.
pub(super) fn bot_key(inbox: &Inbox) -> String {
    format!("bot_user_id/{}", inbox.as_str())
}

fn fine_key(inbox: &Inbox) -> String {
    format!("webhook_fine_at/{}", inbox.as_str())
}

/// The program starts: if it has not run for a while, LINE's events of that time may be lost.
pub async fn started(app: &App) -> Result<(), store::Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(last) = time(&mut tx, BEAT).await?
        && now.duration_since(last) > STOPPED_MIN
        // Of several nodes that start together, one says so.
        && settings::replace(&mut tx, BEAT, &micros(last), &micros(now)).await?
    {
        let gap = Gap { kind: GapKind::Stopped, from: last, to: Some(now) };
        for account in &app.config.line {
            outages::add(&mut tx, &Inbox::line(&account.name), None, &gap).await?;
        }
        tracing::warn!(from = %last, to = %now, "the program did not run; LINE's events of that time may be lost");
    }
    settings::put(&mut tx, BEAT, &micros(now)).await?;
    tx.commit().await
}

/// The program runs, and the database answers: whatever was refused until now is written down.
pub async fn beat(app: &App) -> Result<(), store::Error> {
    let now = app.clock.now();
    let refusals = app.intake.take_refusals();
    let write = async {
        let mut tx = app.db.begin().await?;
        settings::put(&mut tx, BEAT, &micros(now)).await?;
        for (inbox, since) in refusals.iter().filter(|(inbox, _)| inbox.as_str().starts_with("line/")) {
            let gap = Gap { kind: GapKind::Refused, from: *since, to: Some(now) };
            outages::add(&mut tx, inbox, None, &gap).await?;
        }
        tx.commit().await
    };
    let written = write.await;
    if written.is_err() {
        app.intake.give_back(refusals);
    }
    written
}

/// An event was given up: its chat's record lacks it.
pub(super) async fn not_placed(tx: &mut Tx, inbox: &Inbox, incoming: &Incoming, received_at: Timestamp) -> Result<(), store::Error> {
    let Some(of) = &incoming.chat else { return Ok(()) };
    // A chat that was never made has no record to lack anything.
    let Some(chat) = chats::find(tx, inbox, &of.id).await? else { return Ok(()) };
    let happened = at(incoming.at, received_at);
    outages::add(tx, inbox, Some(chat.id), &Gap { kind: GapKind::Unplaced, from: happened, to: Some(happened) }).await
}

/// Where LINE sends an account's webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Webhook {
    /// To us, as far as can be told.
    Fine,
    /// Nowhere: "Use webhook" is off.
    Off,
    /// Nowhere, or to somebody else, who may hand them on.
    Elsewhere,
}

fn judge(told: Option<&WebhookEndpoint>, ours: Option<&str>) -> Webhook {
    match (told, ours) {
        (Some(set), _) if !set.active => Webhook::Off,
        (Some(set), Some(ours)) if set.endpoint != ours => Webhook::Elsewhere,
        (None, Some(_)) => Webhook::Elsewhere,
        _ => Webhook::Fine,
    }
}

/// Asks LINE of every account whether its webhooks come here, and who the account is.
pub async fn look_at_webhooks(app: &App) -> Result<(), store::Error> {
    for account in &app.config.line {
        look_at_webhook(app, account).await?;
    }
    Ok(())
}

async fn look_at_webhook(app: &App, account: &LineAccount) -> Result<(), store::Error> {
    let inbox = Inbox::line(&account.name);
    let Some(line) = app.line.get(&account.name) else { return Ok(()) };
    let knows_itself = settings::find(&mut *app.db.read().await?, &bot_key(&inbox)).await?.is_some();
    let bot = if knows_itself { None } else { line.bot_info().await.ok().flatten() };
    // LINE's own can only reach an https address; a stand-in on this machine is not told where it is.
    let can_compare = app.config.server.is_https() && !is_loopback(&account.api_url);
    let ours = can_compare.then(|| format!("{}/webhooks/line/{}", app.config.server.public_url, account.name));
    let webhook = match line.webhook_endpoint().await {
        Ok(told) => Some(judge(told.as_ref(), ours.as_deref())),
        Err(error) => {
            tracing::debug!(%error, account = account.name, "LINE could not be asked where its webhooks go");
            None
        }
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(bot) = bot {
        settings::put(&mut tx, &bot_key(&inbox), &bot.user_id).await?;
    }
    if let Some(webhook) = webhook {
        record_webhook(&mut tx, &inbox, webhook, now).await?;
    }
    tx.commit().await
}

async fn record_webhook(tx: &mut Tx, inbox: &Inbox, webhook: Webhook, now: Timestamp) -> Result<(), store::Error> {
    let heard = outages::last_heard(tx, inbox).await?;
    let lately = now - SignedDuration::try_from(WEBHOOK_LOOK_EVERY).unwrap_or(SignedDuration::ZERO);
    // Somebody in between hands them on: they do arrive.
    let relayed = webhook == Webhook::Elsewhere && heard.is_some_and(|at| at > lately);
    if webhook == Webhook::Fine || relayed {
        if outages::end(tx, inbox, GapKind::Inactive, now).await? > 0 {
            tracing::info!(inbox = inbox.as_str(), "LINE sends its webhooks here again");
        }
        return settings::put(tx, &fine_key(inbox), &micros(now)).await;
    }
    // It may have begun right after the last sign that all was well.
    let fine = time(tx, &fine_key(inbox)).await?;
    let since = fine.into_iter().chain(heard).max().unwrap_or(now).min(now);
    tracing::warn!(inbox = inbox.as_str(), ?webhook, "LINE does not send its webhooks here: set them in the LINE console");
    outages::begin(tx, inbox, GapKind::Inactive, since).await
}

async fn time(tx: &mut Tx, name: &str) -> Result<Option<Timestamp>, store::Error> {
    let kept = settings::find(tx, name).await?;
    Ok(kept.and_then(|us| us.parse().ok()).and_then(|us| Timestamp::from_microsecond(us).ok()))
}

fn micros(at: Timestamp) -> String {
    at.as_microsecond().to_string()
}

#[cfg(test)]
mod tests;
