//! What LINE may cost: asking LINE for the month, holding back what does not fit, and letting it go again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::channels::line::client::Line;
use crate::discussions::{self as acts, Held};
use crate::domain::{Inbox, ProjectId, QUOTA_RESERVED_STOPS, Why};
use crate::store::bills::{self, Payer};
use crate::store::chats::Chat;
use crate::store::line_quotas::{self, LineQuota};
use crate::store::{Result, Tx};

/// How often LINE is asked.
const ASK_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How soon again where it did not answer.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// How long LINE may take over both answers; a refused push waits for them.
const ANSWERS_WITHIN: Duration = Duration::from_secs(12);

/// Why and until when `payer` cannot pay for pushes into the chat, if it cannot: only free rides until then. Staff are told once a month.
/// Where it can, nobody else spends the same money before the transaction ends.
pub(super) async fn held_back(tx: &mut Tx, app: &App, chat: &Chat, payer: ProjectId) -> Result<Option<Held>> {
    line_quotas::lock(tx, app.db.dialect, &chat.inbox).await?;
    let Some(held) = acts::held_back(tx, app, chat, payer).await? else { return Ok(None) };
    acts::watch_budget(tx, app, &chat.inbox, payer, Some(held.why)).await?;
    Ok(Some(held))
}

/// LINE refused a push into the chat for the quota, and `told` what it says of the month now, if it does: why and until when no other is
/// tried.
pub(super) async fn quota_refused(tx: &mut Tx, app: &App, (chat, payer): (&Chat, ProjectId), told: bool) -> Result<Held> {
    // The account's pushes on their way are counted as spent; the refused one is among them still, and is not.
    let mut held = acts::held_back(tx, app, chat, payer).await?;
    let now = app.clock.now();
    if held.is_none() {
        let (why, until) =
            if told { (Why::QuotaReserved, now + QUOTA_RESERVED_STOPS) } else { (Why::QuotaRefused, acts::this_month(app).until) };
        line_quotas::stop(tx, &chat.inbox, why, until).await?;
        held = Some(Held { why, until });
    }
    let held = held.unwrap_or(Held { why: Why::QuotaRefused, until: now });
    acts::watch_budget(tx, app, &chat.inbox, payer, Some(held.why)).await?;
    Ok(held)
}

/// Asks LINE about each account whose month was not asked for within the hour, or in this month.
///
/// # Errors
/// What the database says; that LINE does not answer is noted and asked again later.
pub async fn ask_due(app: &App) -> Result<()> {
    for name in app.line.keys() {
        let known = line_quotas::find(&mut *app.db.read().await?, &Inbox::line(name)).await?;
        if is_due(app, known.as_ref()) {
            ask(app, name).await?;
        }
    }
    Ok(())
}

fn is_due(app: &App, known: Option<&LineQuota>) -> bool {
    let now = app.clock.now();
    let Some((known, tried_at)) = known.and_then(|k| Some((k, k.tried_at?))) else { return true };
    let month = acts::this_month(app);
    match known.asked_at {
        Some(at) if at >= tried_at => tried_at <= now - ASK_EVERY || at < month.from,
        // The last question was not answered.
        _ => tried_at <= now - ASK_AGAIN_AFTER,
    }
}

/// Asks LINE how the account's month stands, keeps it, and lets go what it pays for. Whether LINE answered.
pub(super) async fn ask(app: &App, name: &str) -> Result<bool> {
    let Some(line) = app.line.get(name) else { return Ok(false) };
    let inbox = Inbox::line(name);
    // Before the question: what is pushed while LINE answers is counted twice rather than never.
    let asked_at = app.clock.now();
    let answer = tokio::time::timeout(ANSWERS_WITHIN, answers(line)).await;
    let mut tx = app.db.begin().await?;
    line_quotas::tried(&mut tx, &inbox, asked_at).await?;
    let answered = match answer {
        Ok(Ok((quota, used))) => {
            keep(&mut tx, app, &inbox, (quota, used), asked_at).await?;
            true
        }
        Ok(Err(why)) => {
            tracing::warn!(account = name, why, "LINE does not tell what is left of the month's messages");
            false
        }
        Err(_) => {
            tracing::warn!(account = name, "LINE does not tell in time what is left of the month's messages");
            false
        }
    };
    tx.commit().await?;
    if answered {
        measure(app, &inbox).await?;
        app.wake.outbox.notify_one();
    }
    Ok(answered)
}

/// The quota (`None` = no limit) and what was used of it (`None` = LINE knows no such number).
async fn answers(line: &Line) -> std::result::Result<(Option<i64>, Option<i64>), String> {
    let (quota, used) = tokio::join!(line.quota(), line.consumption());
    let quota = quota.map_err(|e| e.to_string())?.ok_or("there is no quota")?;
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Ok((quota.limited.map(whole), used.map_err(|e| e.to_string())?.map(whole)))
}

async fn keep(tx: &mut Tx, app: &App, inbox: &Inbox, (quota, used): (Option<i64>, Option<i64>), asked_at: Timestamp) -> Result<()> {
    let before = line_quotas::find(tx, inbox).await?;
    let month = acts::this_month(app).from;
    let ours = bills::heads(tx, Payer::Account(inbox), month).await?;
    let used = used.filter(|used| !before.as_ref().is_some_and(|b| is_last_months(b, *used, month, asked_at)));
    line_quotas::told(tx, inbox, (quota, used), ours, asked_at).await?;
    let grew = |before: &LineQuota| before.quota.is_some_and(|old| quota.is_none_or(|new| new > old));
    // A stop that LINE's silence led to ends with its answer, and one for what is reserved where there is more now.
    let stopped = before.as_ref().and_then(|b| b.stopped);
    if stopped.is_some_and(|(why, until)| why == Why::QuotaRefused || until <= asked_at) || before.as_ref().is_some_and(grew) {
        line_quotas::go_on(tx, inbox).await?;
    }
    acts::let_go(tx, app, inbox).await?;
    acts::watch_account(tx, app, inbox, None).await
}

/// Whether LINE, asked as the month begins, still tells what was used in the last one: the very number that it told then. Until it is asked
/// again our own count stands.
fn is_last_months(before: &LineQuota, used: i64, month: Timestamp, asked_at: Timestamp) -> bool {
    let of_last_month = before.asked_at.is_some_and(|at| at < month) && before.used == Some(used);
    of_last_month && used > 0 && asked_at.duration_since(month) < ASK_EVERY
}

/// Writes the account's month down for `/metrics`.
pub(super) async fn measure(app: &App, inbox: &Inbox) -> Result<()> {
    let mut c = app.db.read().await?;
    let month = acts::account_month(&mut c, app, inbox).await?;
    let forecast = acts::account_forecast(&mut c, app, inbox, &month).await?.map(|f| f.expected);
    let name = inbox.name().to_owned();
    let set = |gauge: &'static str, heads: i64| {
        // Gauges are floating; a month's messages are far below 2^32.
        metrics::gauge!(gauge, "inbox" => name.clone()).set(f64::from(u32::try_from(heads).unwrap_or(u32::MAX)));
    };
    if let Some(limit) = month.limit {
        set("threadline_line_limit", limit);
        set("threadline_line_left", (limit - month.used).max(0));
    }
    if let Some(quota) = month.told.as_ref().and_then(|t| t.quota) {
        set("threadline_line_quota", quota);
    }
    set("threadline_line_used", month.used);
    set("threadline_line_ours", month.ours);
    if let Some(forecast) = forecast {
        set("threadline_line_forecast", forecast);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_line_still_tells_of_the_last_month_is_none_of_this_ones() {
        let month: Timestamp = "2026-12-01T00:00:00+08:00".parse().unwrap();
        let before =
            |used, at| LineQuota { quota: Some(200), used, ours: 0, asked_at: Some(at), tried_at: None, stopped: None, budget: None };
        let minutes = SignedDuration::from_mins;
        let last = before(Some(16), month - minutes(20));
        assert!(is_last_months(&last, 16, month, month));
        assert!(!is_last_months(&last, 3, month, month), "somebody else has pushed");
        assert!(!is_last_months(&last, 16, month, month + minutes(60)), "by now it is this one's");
        assert!(!is_last_months(&before(Some(16), month + minutes(1)), 16, month, month + minutes(20)));
        assert!(!is_last_months(&before(Some(0), month - minutes(20)), 0, month, month));
    }
}
