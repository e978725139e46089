//! How the month stands: what LINE and we ourselves let each account spend, what is spent, and whom that keeps from being told by push.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::audience::staff_to_tell;
use super::patience::common_calendar;
use crate::App;
use crate::domain::{BUDGET_NEAR_PERCENT, BUDGET_SPENT_PERCENT, Forecast, Inbox, Month, NoticeKind, PersonId, ProjectId, Why, forecast};
use crate::store::bills::{self, Payer};
use crate::store::chats::Chat;
use crate::store::line_quotas::{self, LineQuota};
use crate::store::notices::{NewNotice, Target};
use crate::store::projects::Project;
use crate::store::{Result, Tx, chats, notices, persons, projects};

/// Chats that are let go at once; the others when LINE is next asked.
const LET_GO_MAX: i64 = 1000;

/// An account's month.
#[derive(Clone, Debug)]
pub struct AccountMonth {
    pub month: Month,
    /// What LINE last said.
    pub told: Option<LineQuota>,
    /// What we let ourselves spend: as admins said on the account's page, or else as the configuration does.
    pub budget: Option<i64>,
    /// The smaller of LINE's quota and our budget; `None` = no limit is known.
    pub limit: Option<i64>,
    /// Messages that are spent: what LINE last said with our own pushes since, or our own of the month where they are more.
    pub used: i64,
    /// Our own pushes' share, in heads.
    pub ours: i64,
}

impl AccountMonth {
    /// Messages that may still be billed.
    pub fn left(&self) -> Option<i64> {
        self.limit.map(|limit| (limit - self.used).max(0))
    }

    /// Messages that others sent in the account's name, as the Official Account Manager does.
    pub fn elsewhere(&self) -> i64 {
        (self.used - self.ours).max(0)
    }

    /// Why and until when no push of so many heads leaves.
    fn holds_back(&self, heads: i64, now: Timestamp) -> Option<Held> {
        if let Some((why, until)) = self.stopped(now) {
            return Some(Held { why, until });
        }
        let limit = self.limit.filter(|limit| self.used + heads > *limit)?;
        let why = if self.budget == Some(limit) { Why::BudgetSpent } else { Why::QuotaSpent };
        Some(Held { why, until: self.month.until })
    }

    /// Whether and until when LINE refuses pushes.
    pub fn stopped(&self, now: Timestamp) -> Option<(Why, Timestamp)> {
        self.told.as_ref().and_then(|t| t.stopped).filter(|(_, until)| *until > now)
    }
}

/// Why and until when a push is not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub why: Why,
    pub until: Timestamp,
}

/// How the account's month stands now.
pub async fn account_month(c: &mut AnyConnection, app: &App, inbox: &Inbox) -> Result<AccountMonth> {
    let month = this_month(app);
    let told = line_quotas::find(c, inbox).await?;
    let ours = bills::heads(c, Payer::Account(inbox), month.from).await?;
    // What LINE said of a month that is over says nothing of this one.
    let used_then = told.as_ref().and_then(|t| t.used.zip(t.asked_at)).filter(|(_, at)| *at >= month.from);
    let used = match used_then {
        Some((used, at)) => ours.max(used + bills::heads(c, Payer::Account(inbox), at).await?),
        None => ours,
    };
    let own = told.as_ref().and_then(|t| t.budget);
    let budget = own.or_else(|| app.config.notify.monthly_budget.and_then(|b| i64::try_from(b).ok()));
    let quota = told.as_ref().and_then(|t| t.quota);
    let limit = [budget, quota].into_iter().flatten().min();
    Ok(AccountMonth { month, told, budget, limit, used, ours })
}

/// The month that it is.
pub fn this_month(app: &App) -> Month {
    Month::of(app.clock.now(), &app.config.server.time_zone)
}

/// What the project has paid for this month, in heads.
pub async fn spent_by_project(c: &mut AnyConnection, app: &App, project: ProjectId) -> Result<i64> {
    bills::heads(c, Payer::Project(project), this_month(app).from).await
}

/// Messages that a push into the chat may still cost: of the account's, and of the project's where it has a budget.
pub async fn left_for(c: &mut AnyConnection, app: &App, chat: &Chat, project: &Project) -> Result<Option<i64>> {
    let of_account = account_month(c, app, &chat.inbox).await?.left();
    let of_project = match project.monthly_budget {
        Some(budget) => Some((budget - spent_by_project(c, app, project.id).await?).max(0)),
        None => None,
    };
    Ok([of_account, of_project].into_iter().flatten().min())
}

/// Why and until when `payer` cannot pay for a push into the chat, if it cannot.
pub async fn held_back(c: &mut AnyConnection, app: &App, chat: &Chat, payer: ProjectId) -> Result<Option<Held>> {
    let month = account_month(c, app, &chat.inbox).await?;
    if let Some(held) = month.holds_back(chat.heads(), app.clock.now()) {
        return Ok(Some(held));
    }
    let over = project_holds_back(c, app, chat, payer).await?;
    Ok(over.then_some(Held { why: Why::ProjectBudgetSpent, until: month.month.until }))
}

/// Whether the project's budget does not cover a push into the chat.
async fn project_holds_back(c: &mut AnyConnection, app: &App, chat: &Chat, payer: ProjectId) -> Result<bool> {
    let Some(budget) = projects::get(c, payer).await?.monthly_budget else { return Ok(false) };
    Ok(spent_by_project(c, app, payer).await? + chat.heads() > budget)
}

/// Whether none of the projects that pay for what waits for the chat can.
async fn no_payer_has_enough(c: &mut AnyConnection, app: &App, chat: &Chat) -> Result<bool> {
    for payer in line_quotas::payers(c, chat.id).await? {
        if !project_holds_back(c, app, chat, payer).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What was held back for the money's sake, and can be paid now, may leave: the oldest first, and no more than there is money for. What cannot
/// says whose money is missing now. The caller rings the outbox's bell after the commit.
pub async fn let_go(tx: &mut Tx, app: &App, inbox: &Inbox) -> Result<()> {
    let now = app.clock.now();
    let month = account_month(tx, app, inbox).await?;
    let mut promised = 0;
    for id in line_quotas::chats_held_back(tx, inbox, now, LET_GO_MAX).await? {
        let chat = chats::get(tx, id).await?;
        if let Some(held) = month.holds_back(promised + chat.heads(), now) {
            line_quotas::hold_back(tx, id, held.why, held.until).await?;
        } else if no_payer_has_enough(tx, app, &chat).await? {
            line_quotas::hold_back(tx, id, Why::ProjectBudgetSpent, month.month.until).await?;
        } else {
            promised += chat.heads();
            line_quotas::let_go(tx, id, now).await?;
        }
    }
    Ok(())
}

/// Sets how many LINE messages the project's chats may cost a month (`None` = as many as the account has), and lets go what that pays for.
/// The caller rings the outbox's bell after the commit.
pub async fn set_monthly_budget(tx: &mut Tx, app: &App, project: ProjectId, heads: Option<i64>) -> Result<()> {
    projects::set_monthly_budget(tx, project, heads).await?;
    for name in app.line.keys() {
        let_go(tx, app, &Inbox::line(name)).await?;
    }
    Ok(())
}

/// Sets how many messages the account may be billed for a month (`None` = as the configuration says), and lets go what that pays for. The
/// caller rings the outbox's bell after the commit.
pub async fn set_account_budget(tx: &mut Tx, app: &App, inbox: &Inbox, heads: Option<i64>) -> Result<()> {
    line_quotas::set_budget(tx, inbox, heads).await?;
    let_go(tx, app, inbox).await
}

/// How many messages the account will probably have spent when the month ends, by the installation's calendar; what others spend in its
/// name is taken to be over. `None` where it is too early to tell.
pub async fn account_forecast(c: &mut AnyConnection, app: &App, inbox: &Inbox, month: &AccountMonth) -> Result<Option<Forecast>> {
    let first = month.month.first;
    let mut heads: BTreeMap<Date, i64> = BTreeMap::new();
    for row in bills::by_day(c, month.month.from, month.month.until).await?.into_iter().filter(|r| r.inbox == *inbox) {
        *heads.entry(first.checked_add(Span::new().days(row.day)).unwrap_or(first)).or_default() += row.heads;
    }
    let now = app.clock.now();
    let on = |at: Timestamp| at.to_zoned(app.config.server.time_zone.clone()).date();
    let since = on(projects::first_made(c).await?.unwrap_or(now));
    let calendar = common_calendar(c, &app.config).await?;
    let told = forecast(&heads, since, on(now), |day| calendar.kind_of(day));
    Ok(told.map(|f| {
        let more = month.used - f.so_far;
        let path = f.path.into_iter().map(|(day, sum)| (day, sum + more)).collect();
        Forecast { so_far: month.used, expected: f.expected + more, low: f.low + more, high: f.high + more, path }
    }))
}

/// What a notice of the kind `budget_near` tells: its `detail`, as JSON. Either an account's budget or a project's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetNews {
    /// The account's name in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// A row of `projects`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<i64>,
    /// How much was spent of it, in per cent, so that it had to be told.
    pub percent: i64,
    pub used: i64,
    pub limit: i64,
    /// How many there will probably be at the month's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<i64>,
    /// When the month ends, in microseconds since 1970.
    pub until_us: i64,
}

impl BudgetNews {
    /// Reads a notice's `detail`; `None` where it is something else.
    pub fn read(detail: Option<&str>) -> Option<Self> {
        serde_json::from_str(detail?).ok()
    }
}

/// Promises to tell staff, once a month each, that the account's budget or the payer's is nearly spent, or wholly: where a push just left, or
/// (`refused`) could not.
pub async fn watch_budget(tx: &mut Tx, app: &App, inbox: &Inbox, payer: ProjectId, refused: Option<Why>) -> Result<()> {
    watch_account(tx, app, inbox, refused.filter(|why| *why != Why::ProjectBudgetSpent)).await?;
    let project = projects::get(tx, payer).await?;
    let Some(limit) = project.monthly_budget else { return Ok(()) };
    let used = spent_by_project(tx, app, project.id).await?;
    let Some(percent) = level(used, limit, refused.filter(|why| *why == Why::ProjectBudgetSpent)) else { return Ok(()) };
    let month = this_month(app);
    if line_quotas::tell_once(tx, &format!("project/{}", project.id), month.from, percent, app.clock.now()).await? {
        let until_us = month.until.as_microsecond();
        let news = BudgetNews { account: None, project: Some(project.id.0), percent, used, limit, forecast: None, until_us };
        let staff = staff_to_tell(tx, project.id).await?;
        tell(tx, app, staff, &news).await?;
    }
    Ok(())
}

/// Likewise of the account's budget alone.
pub async fn watch_account(tx: &mut Tx, app: &App, inbox: &Inbox, refused: Option<Why>) -> Result<()> {
    let month = account_month(tx, app, inbox).await?;
    let Some(limit) = month.limit.or_else(|| refused.map(|_| month.used)) else { return Ok(()) };
    let Some(percent) = level(month.used, limit, refused) else { return Ok(()) };
    if line_quotas::tell_once(tx, inbox.as_str(), month.month.from, percent, app.clock.now()).await? {
        let forecast = account_forecast(tx, app, inbox, &month).await?.map(|f| f.expected);
        let news = BudgetNews {
            account: Some(inbox.name().to_owned()),
            project: None,
            percent,
            // Pushes on their way, which LINE may yet refuse, are counted too.
            used: month.used.min(limit),
            limit,
            forecast,
            until_us: month.month.until.as_microsecond(),
        };
        let admins = persons::admins(tx).await?;
        tell(tx, app, admins, &news).await?;
    }
    Ok(())
}

/// What is to be told of so much spent, in per cent.
fn level(used: i64, limit: i64, refused: Option<Why>) -> Option<i64> {
    let near = used * 100 >= limit * BUDGET_NEAR_PERCENT;
    match refused {
        _ if used >= limit => Some(BUDGET_SPENT_PERCENT),
        // LINE says that it is spent, and not how much there was.
        Some(Why::QuotaRefused) => Some(BUDGET_SPENT_PERCENT),
        // What is reserved for others is not spent, and comes back.
        Some(Why::QuotaReserved) | None => near.then_some(BUDGET_NEAR_PERCENT),
        // It does not pay for this chat. Where it pays for smaller ones for long, its end is still to come, and to be told.
        Some(_) if near => Some(BUDGET_SPENT_PERCENT),
        Some(_) => Some(BUDGET_NEAR_PERCENT),
    }
}

async fn tell(tx: &mut Tx, app: &App, staff: Vec<PersonId>, news: &BudgetNews) -> Result<()> {
    if app.smtp.is_none() {
        return Ok(());
    }
    let now = app.clock.now();
    let detail = serde_json::to_string(news).expect("numbers and a name are JSON");
    for person in staff {
        let new = NewNotice {
            kind: NoticeKind::BudgetNear,
            discussion: None,
            post: None,
            target: Target::Person(person),
            due_at: now,
            deadline_at: now,
            now,
            detail: Some(detail.clone()),
            expires_at: None,
        };
        notices::add(tx, &new).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staff_hear_at_eighty_per_cent_and_when_it_is_spent() {
        assert_eq!(level(79, 100, None), None);
        assert_eq!(level(80, 100, None), Some(80));
        assert_eq!(level(99, 100, None), Some(80));
        assert_eq!(level(100, 100, None), Some(100));
        assert_eq!(level(0, 0, None), Some(100));
    }

    #[test]
    fn what_is_told_of_a_refusal_leaves_the_end_to_be_told() {
        assert_eq!(level(97, 100, Some(Why::QuotaSpent)), Some(100), "what is left is too little for the chat");
        assert_eq!(level(50, 100, Some(Why::QuotaSpent)), Some(80), "a large group alone cannot be paid");
        assert_eq!(level(5, 100, Some(Why::QuotaReserved)), None, "it comes back");
        assert_eq!(level(5, 100, Some(Why::QuotaRefused)), Some(100));
    }

    fn month(limit: Option<i64>, used: i64, stopped: Option<(Why, Timestamp)>) -> AccountMonth {
        let now: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        let told = LineQuota { quota: limit, used: Some(used), ours: 0, asked_at: None, tried_at: None, stopped, budget: None };
        let zone = jiff::tz::TimeZone::UTC;
        AccountMonth { month: Month::of(now, &zone), told: Some(told), budget: None, limit, used, ours: 0 }
    }

    #[test]
    fn a_push_that_does_not_fit_is_held_back_and_a_smaller_one_is_not() {
        let now = "2026-11-20T00:00:00Z".parse().unwrap();
        let m = month(Some(200), 195, None);
        assert_eq!(m.holds_back(5, now), None);
        assert_eq!(m.holds_back(6, now), Some(Held { why: Why::QuotaSpent, until: m.month.until }));
        assert_eq!(month(None, 195, None).holds_back(600, now), None);
    }

    #[test]
    fn nothing_leaves_while_line_refuses_and_everything_after() {
        let (now, until) = ("2026-11-20T00:00:00Z".parse().unwrap(), "2026-11-20T01:00:00Z".parse().unwrap());
        let m = month(Some(200), 0, Some((Why::QuotaReserved, until)));
        assert_eq!(m.holds_back(1, now), Some(Held { why: Why::QuotaReserved, until }));
        assert_eq!(m.holds_back(1, until), None);
    }
}
