//! One try of one delivery.

use serde_json::from_str;

use super::line_bundle::Frozen;
use super::settle::{self, Outcome};
use super::{LEASE, RENEW_EVERY, budget, targets};
use crate::App;
use crate::channels::email::smtp::SendOutcome as Mailed;
use crate::channels::line::client::SendOutcome as Told;
use crate::domain::{Via, Why};
use crate::store::chats;
use crate::store::deliveries::{self, Delivery};

/// Sends it and records what became of it. If that fails, the lease runs out and the try counts as one without an answer.
pub(super) async fn one(app: &App, delivery: Delivery) {
    let outcome = tokio::select! {
        outcome = try_once(app, &delivery) => outcome,
        () = keep_lease(app, &delivery) => unreachable!("it is kept for as long as the try takes"),
    };
    metrics::counter!("threadline_deliveries_total", "via" => delivery.via.as_str(), "outcome" => outcome.word()).increment(1);
    if let Err(error) = settle::settle(app, &delivery, outcome).await {
        tracing::error!(delivery = %delivery.uuid, %error, "a delivery's outcome could not be recorded");
    }
    if delivery.via == Via::LinePush {
        measure(app, &delivery).await;
    }
    app.wake.outbox.notify_one();
}

/// The account's month has changed: `/metrics` says so.
async fn measure(app: &App, delivery: &Delivery) {
    let measured = async {
        let Some(id) = delivery.chat else { return Ok(()) };
        let inbox = chats::get(&mut *app.db.read().await?, id).await?.inbox;
        budget::measure(app, &inbox).await
    };
    if let Err(error) = measured.await {
        tracing::debug!(%error, "the month's messages could not be counted");
    }
}

async fn try_once(app: &App, delivery: &Delivery) -> Outcome {
    if delivery.body.is_empty() {
        return Outcome::TakenBack;
    }
    match delivery.via {
        Via::Email => mail(app, delivery).await,
        Via::LineReply | Via::LinePush => line(app, delivery).await,
    }
}

/// Renews the lease for ever.
async fn keep_lease(app: &App, delivery: &Delivery) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let renewed = async {
            let mut tx = app.db.begin().await?;
            deliveries::renew(&mut tx, delivery.id, app.clock.now() + LEASE).await?;
            tx.commit().await
        };
        if let Err(error) = renewed.await {
            tracing::warn!(delivery = %delivery.uuid, %error, "the lease of a delivery under way was not renewed");
        }
    }
}

async fn mail(app: &App, delivery: &Delivery) -> Outcome {
    let (Some(smtp), Some(config)) = (&app.smtp, &app.config.smtp) else {
        return Outcome::Failed(Why::NoSmtp.to_string());
    };
    let unique = delivery.uuid.to_string();
    match smtp.send(&config.from_address, &delivery.target, delivery.body.as_bytes(), &unique).await {
        Mailed::Sent => Outcome::Sent { message_ids: vec![] },
        // A mail's Message-ID makes a repeat recognisable, so it is better sent twice than never.
        Mailed::Unknown(why) => Outcome::NoAnswer(why),
        Mailed::Retry(why) => Outcome::NotNow(why),
        Mailed::Deferred(why) => Outcome::Deferred(why),
        Mailed::Rejected(why) => Outcome::Failed(Why::Refused.quoting(&why)),
    }
}

async fn line(app: &App, delivery: &Delivery) -> Outcome {
    let frozen: Frozen = match from_str(&delivery.body) {
        Ok(frozen) => frozen,
        Err(error) => return Outcome::Failed(Why::Unreadable.quoting(&error.to_string())),
    };
    let chat = match (delivery.chat, app.db.read().await) {
        (Some(id), Ok(mut c)) => chats::get(&mut c, id).await,
        (_, Err(error)) => Err(error),
        (None, _) => return Outcome::Failed(Why::Unreadable.to_string()),
    };
    let chat = match chat {
        Ok(chat) => chat,
        Err(error) => return Outcome::NotNow(error.to_string()),
    };
    let account = chat.inbox.name();
    let Some(line) = app.line.get(account) else {
        return Outcome::Failed(Why::NoAccount.quoting(account));
    };
    let told = match &delivery.reply_token {
        Some(token) => line.reply_as(token, &frozen.messages, frozen.quiet).await,
        None => line.push_as(&delivery.target, &frozen.messages, frozen.quiet, delivery.uuid).await,
    };
    match told {
        Told::Sent { message_ids } => Outcome::Sent { message_ids },
        Told::InvalidToken => Outcome::TokenRefused,
        Told::Unknown(why) => Outcome::NoAnswer(why),
        Told::ServerError(why) | Told::NotSent(why) | Told::RateLimited(why) => Outcome::NotNow(why),
        // "You have reached your monthly limit" is said of what is reserved, too: LINE is asked what there is.
        Told::QuotaUsedUp(_) => match budget::ask(app, account).await {
            Ok(told) => Outcome::QuotaUsedUp { told },
            Err(error) => Outcome::NotNow(error.to_string()),
        },
        Told::Unreachable(why) if targets::is_gone(app, &chat, &why).await => Outcome::Unreachable(why),
        Told::Unreachable(why) | Told::Rejected(why) => Outcome::Failed(Why::Refused.quoting(&why)),
    }
}
