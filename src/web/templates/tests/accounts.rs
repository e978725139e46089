//! Samples of the page of LINE accounts.

use jiff::tz::TimeZone;
use maud::Markup;

use super::{at, sample_chat};
use crate::discussions::{AccountMonth, AccountStanding};
use crate::domain::{Forecast, Month, ProjectId, ProjectKind, Why};
use crate::store::chats::{Chat, ChatCounts};
use crate::store::line_quotas::LineQuota;
use crate::store::projects::Project;
use crate::web::templates::Look;
use crate::web::templates::line_accounts::{AccountView, InProject, accounts};

fn month(limit: Option<i64>, used: i64, told: Option<LineQuota>) -> AccountMonth {
    AccountMonth { month: Month::of(at(0), &TimeZone::UTC), told, budget: limit, limit, used, ours: used / 2 }
}

fn project() -> Project {
    Project {
        id: ProjectId(1),
        key: "p1".into(),
        name: "<b>".into(),
        kind: ProjectKind::Client,
        status: "active".into(),
        created_at: at(0),
        excerpts: true,
        reopen_days: 30,
        monthly_budget: None,
    }
}

/// No account; then accounts that are well, silent, near their end, at their end, refused, and never heard of.
pub(super) fn pages(look: &Look<'_>) -> Vec<Markup> {
    let quota = LineQuota {
        quota: Some(3000),
        used: Some(1200),
        ours: 700,
        asked_at: Some(at(-40)),
        tried_at: Some(at(-40)),
        stopped: None,
        budget: Some(2000),
    };
    let day = |d: i8| jiff::civil::date(2026, 11, d);
    let forecast = Forecast { so_far: 1200, expected: 2100, low: 1800, high: 2400, path: vec![(day(18), 1200), (day(29), 2100)] };
    let gone = Chat { unreachable: Some((at(-90), "403: <b>".into())), ..sample_chat(3, true) };
    let well = AccountView {
        standing: AccountStanding {
            name: "main".into(),
            month: month(Some(2000), 1200, Some(quota.clone())),
            forecast: Some(forecast),
            heard_at: Some(at(-3)),
            silent_since: None,
            chats: ChatCounts { bound: 40, unbound: 1, left: 2, out_of_reach: 1 },
        },
        configured_budget: Some(500),
        webhook: "https://support.example.com/webhooks/line/main".into(),
        unbound: vec![sample_chat(1, false)],
        bound: vec![InProject { chat: sample_chat(2, true), project: Some(project()) }],
        out_of_reach: vec![InProject { chat: gone, project: Some(project()) }],
        more: true,
    };
    let with = |name: &str, month: AccountMonth| AccountView {
        standing: AccountStanding { name: name.into(), month, forecast: None, silent_since: Some(at(-200)), ..well.standing.clone() },
        configured_budget: None,
        unbound: vec![],
        bound: vec![],
        out_of_reach: vec![],
        ..well.clone()
    };
    let stopped = LineQuota { stopped: Some((Why::QuotaReserved, at(60))), quota: None, used: None, ..quota };
    let unheard = AccountView {
        standing: AccountStanding {
            heard_at: None,
            silent_since: None,
            chats: ChatCounts::default(),
            ..with("new", month(None, 0, None)).standing
        },
        ..with("new", month(None, 0, None))
    };
    vec![
        accounts(look, &[]),
        accounts(look, &[well.clone(), with("spent", month(Some(10), 12, None)), with("stopped", month(None, 5, Some(stopped))), unheard]),
    ]
}
