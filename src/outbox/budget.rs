//! What LINE may cost: quiet hours, the month's budget, and the month's quota once LINE says that it is spent.

use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::domain::Inbox;
use crate::store::chats::Chat;
use crate::store::{Result, Tx, deliveries, settings};

/// Whether a push may leave now, and if not, when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Push {
    Allowed,
    /// Quiet hours: it waits for their end.
    Quiet {
        until: Timestamp,
    },
    /// The month's money is spent: only free rides until then.
    Spent {
        until: Timestamp,
    },
}

/// Whether a push into the chat may leave now.
pub(super) async fn may_push(tx: &mut Tx, app: &App, chat: &Chat, urgent: bool) -> Result<Push> {
    let now = app.clock.now();
    if !urgent && let Some(until) = quiet_until(app, now) {
        return Ok(Push::Quiet { until });
    }
    if let Some(until) = settings::find(tx, &spent_key(&chat.inbox))
        .await?
        .and_then(|us| us.parse().ok())
        .and_then(|us| Timestamp::from_microsecond(us).ok())
        && until > now
    {
        return Ok(Push::Spent { until });
    }
    if let Some(budget) = app.config.notify.monthly_budget {
        let (from, until) = month(app, now);
        let heads = chat.member_count.unwrap_or(1);
        let spent = deliveries::pushed_heads(tx, chat.inbox.as_str(), from).await?;
        if u64::try_from(spent + heads).unwrap_or(0) > budget {
            return Ok(Push::Spent { until });
        }
    }
    Ok(Push::Allowed)
}

/// LINE said that the month's quota is used up: no more pushes until the month turns.
pub(super) async fn quota_spent(tx: &mut Tx, app: &App, inbox: &Inbox) -> Result<Timestamp> {
    let (_, until) = month(app, app.clock.now());
    settings::put(tx, &spent_key(inbox), &until.as_microsecond().to_string()).await?;
    Ok(until)
}

fn spent_key(inbox: &Inbox) -> String {
    format!("quota_spent_until/{}", inbox.as_str())
}

/// The month's beginning and end in the server's time zone.
fn month(app: &App, now: Timestamp) -> (Timestamp, Timestamp) {
    let zone = &app.config.server.time_zone;
    let first = now.to_zoned(zone.clone()).date().first_of_month();
    let at = |date: jiff::civil::Date| date.to_zoned(zone.clone()).map_or(now, |z| z.timestamp());
    let next = first.checked_add(jiff::Span::new().months(1)).unwrap_or(first);
    (at(first), at(next))
}

/// When the quiet hours end, if it is quiet now. They may span midnight.
fn quiet_until(app: &App, now: Timestamp) -> Option<Timestamp> {
    let (from, until) = app.config.notify.quiet_hours?;
    let zoned = now.to_zoned(app.config.server.time_zone.clone());
    let time = zoned.time();
    let is_quiet = if from <= until { from <= time && time < until } else { time >= from || time < until };
    if !is_quiet {
        return None;
    }
    let day = if time < until { zoned.date() } else { zoned.date().tomorrow().ok()? };
    let end = day.to_datetime(until).to_zoned(app.config.server.time_zone.clone()).ok()?.timestamp();
    Some(end.max(now + SignedDuration::from_secs(1)))
}
