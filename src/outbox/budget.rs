//! What LINE may cost: the month's budget, and the month's quota once LINE says that it is spent.

use jiff::Timestamp;

use crate::App;
use crate::domain::Inbox;
use crate::store::chats::Chat;
use crate::store::{Result, Tx, deliveries, settings};

/// Until when the chat's pushes cannot be paid, if they cannot: only free rides until then.
pub(super) async fn spent_until(tx: &mut Tx, app: &App, chat: &Chat) -> Result<Option<Timestamp>> {
    let now = app.clock.now();
    if let Some(until) = settings::find(tx, &spent_key(&chat.inbox))
        .await?
        .and_then(|us| us.parse().ok())
        .and_then(|us| Timestamp::from_microsecond(us).ok())
        && until > now
    {
        return Ok(Some(until));
    }
    if let Some(budget) = app.config.notify.monthly_budget {
        let (from, until) = month(app, now);
        let heads = chat.member_count.unwrap_or(1);
        let spent = deliveries::pushed_heads(tx, chat.inbox.as_str(), from).await?;
        if u64::try_from(spent + heads).unwrap_or(0) > budget {
            return Ok(Some(until));
        }
    }
    Ok(None)
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
