//! The LINE accounts: what the month costs, whether events come in, and the chats that each is in.

use maud::{Markup, html};

use super::bill::thousands;
use super::icons::{self, Icon};
use super::{Look, page, trouble};
use crate::discussions::AccountStanding;
use crate::domain::{ACCOUNT_BUDGET_MAX, ChatKind, Why};
use crate::store::chats::Chat;
use crate::store::projects::Project;

/// A bound chat, with the project that it belongs to.
#[derive(Clone, Debug)]
pub struct InProject {
    pub chat: Chat,
    /// `None`: nobody has bound it.
    pub project: Option<Project>,
}

/// What the page shows of one account.
#[derive(Clone, Debug)]
pub struct AccountView {
    pub standing: AccountStanding,
    /// What the configuration lets an account spend a month.
    pub configured_budget: Option<u64>,
    /// Where LINE is to send its events.
    pub webhook: String,
    pub unbound: Vec<Chat>,
    pub bound: Vec<InProject>,
    pub out_of_reach: Vec<InProject>,
    /// There are groups that are not named here.
    pub more: bool,
}

/// The page.
pub fn accounts(look: &Look<'_>, shown: &[AccountView]) -> Markup {
    let main = html! {
        div.sheet {
            div.sheet-head {
                h1 { (look.t("accounts.title")) }
                a.button.plain href="/groups" { (look.t("accounts.all_groups")) }
            }
            @if shown.is_empty() { p.muted { (look.t("accounts.none")) } }
            @for account in shown { (card(look, account)) }
        }
    };
    page(look, "page-line-accounts", look.t("accounts.title"), &main)
}

fn card(look: &Look<'_>, shown: &AccountView) -> Markup {
    let name = &shown.standing.name;
    html! {
        section.card.line-account id={ "account-" (name) } {
            div.line-account-head {
                h2 { (name) }
                (arriving(look, &shown.standing))
            }
            (money(look, &shown.standing))
            (budget(look, shown))
            (events(look, shown))
            (groups(look, shown))
        }
    }
}

/// Whether events come in, as a pill.
fn arriving(look: &Look<'_>, standing: &AccountStanding) -> Markup {
    html! {
        @if standing.silent_since.is_some() { span.pill.is-left { (icons::icon(Icon::Alert)) (look.t("accounts.silent")) } }
        @else if standing.heard_at.is_some() { span.pill.is-in { (look.t("accounts.arriving")) } }
        @else { span.pill { (look.t("accounts.unheard")) } }
    }
}

/// The month: what is spent, by whom, of what, and how it will end.
fn money(look: &Look<'_>, standing: &AccountStanding) -> Markup {
    let month = &standing.month;
    let first = month.month.first;
    let name = look.word("page", &format!("month_{}", first.month()));
    html! {
        h3 { (look.fill("told.bill", &[("month", &name)])) }
        dl.figures {
            div {
                dt { (look.t("accounts.used")) }
                dd { strong { (thousands(month.used)) } @if let Some(limit) = month.limit { span.faint { " / " (thousands(limit)) } } }
            }
            div { dt { (look.t("accounts.left")) } dd { @match month.left() { Some(left) => (thousands(left)), None => span.faint { (look.t("accounts.no_limit")) } } } }
            div {
                dt { (look.t("accounts.ours")) }
                dd { (thousands(month.ours)) }
            }
            div {
                dt { (look.t("accounts.elsewhere")) }
                dd { (thousands(month.elsewhere())) }
            }
            div {
                dt { (look.t("told.forecast")) }
                dd { @match &standing.forecast {
                    Some(f) => {
                        (thousands(f.expected))
                        @if f.low < f.high { span.faint { " (" (thousands(f.low)) "–" (thousands(f.high)) ")" } }
                    },
                    None => span.faint { (look.t("told.no_forecast")) },
                } }
            }
        }
        @if let Some(limit) = month.limit.filter(|limit| *limit > 0) {
            meter.spent min="0" max=(limit) value=(month.used.min(limit)) low=(limit * 8 / 10) high=(limit * 95 / 100) optimum="0" aria-label=(look.t("accounts.used")) {}
        }
        @if let Some((why, until)) = month.stopped(look.now) {
            (trouble(&look.fill("accounts.stopped", &[("why", &look.reason(why.as_str())), ("until", &look.when().absolute(until))])))
        } @else if month.left() == Some(0) {
            (trouble(look.t("told.spent")))
        } @else if let Some(over) = will_be_spent(look, standing) {
            (trouble(&over))
        }
        (said_by_line(look, standing))
    }
}

/// A sentence where the month is expected to come to more than it may.
fn will_be_spent(look: &Look<'_>, standing: &AccountStanding) -> Option<String> {
    let limit = standing.month.limit?;
    let day = standing.forecast.as_ref()?.path.iter().find(|(_, heads)| *heads > limit)?.0;
    let month = look.word("page", &format!("month_{}", day.month()));
    let day = look.fill("page.day_short", &[("month", &month), ("day", &day.day().to_string())]);
    Some(look.fill("told.will_be_spent", &[("day", &day)]))
}

/// What LINE itself last said, and a button to ask it anew.
fn said_by_line(look: &Look<'_>, standing: &AccountStanding) -> Markup {
    let told = standing.month.told.as_ref();
    let asked_at = told.and_then(|t| t.asked_at);
    html! {
        div.line-said {
            p.faint {
                @if let (Some(told), Some(at)) = (told, asked_at) {
                    @let used = told.used.map_or_else(|| "—".to_owned(), thousands);
                    @match told.quota {
                        Some(quota) => (look.fill("accounts.line_said", &[("quota", &thousands(quota)), ("used", &used)])),
                        None => (look.fill("accounts.line_said_no_limit", &[("used", &used)])),
                    }
                    " · " (look.ago(at))
                } @else { (look.t("accounts.line_silent")) }
            }
            form method="post" action={ "/line-accounts/" (standing.name) "/ask" } {
                button.quiet type="submit" { (look.t("accounts.ask")) }
            }
        }
    }
}

fn budget(look: &Look<'_>, shown: &AccountView) -> Markup {
    let name = &shown.standing.name;
    let own = shown.standing.month.told.as_ref().and_then(|t| t.budget);
    let by_default = match shown.configured_budget {
        Some(heads) => look.fill("accounts.budget_configured", &[("count", &heads.to_string())]),
        None => look.t("accounts.budget_none").to_owned(),
    };
    html! {
        form.inline-form method="post" action={ "/line-accounts/" (name) "/budget" } {
            label for={ "budget-" (name) } { (look.t("accounts.budget")) }
            div.inline-row {
                input id={ "budget-" (name) } type="number" name="heads" min="0" max=(ACCOUNT_BUDGET_MAX) value=[own] placeholder=[shown.configured_budget];
                button.button.plain type="submit" { (look.t("page.save")) }
            }
            p.hint { (look.t("accounts.budget_hint")) " " (by_default) }
        }
    }
}

/// Whether LINE's events arrive here.
fn events(look: &Look<'_>, shown: &AccountView) -> Markup {
    let standing = &shown.standing;
    html! {
        h3 { (look.t("accounts.events")) }
        @if let Some(since) = standing.silent_since {
            (trouble(&look.fill("accounts.silent_since", &[("since", &look.when().absolute(since))])))
        }
        p {
            @match standing.heard_at {
                Some(at) => { (look.t("accounts.heard")) " " (look.ago(at)) },
                None => (look.t("accounts.never_heard")),
            }
        }
        p.faint.webhook-address { (look.t("accounts.webhook")) " " code { (shown.webhook) } }
    }
}

fn groups(look: &Look<'_>, shown: &AccountView) -> Markup {
    let counts = shown.standing.chats;
    let (bound, unbound) = (counts.bound.to_string(), counts.unbound.to_string());
    html! {
        h3 { (look.t("groups.heading")) }
        p {
            (look.fill("accounts.counts", &[("bound", &bound), ("unbound", &unbound)]))
            @if counts.left > 0 { (look.t("announce.joint")) (look.fill("accounts.left_groups", &[("count", &counts.left.to_string())])) }
        }
        @if !shown.out_of_reach.is_empty() {
            div.line-groups {
                h4.bad { (icons::icon(Icon::Alert)) (look.t("accounts.out_of_reach")) }
                p.hint { (look.t("accounts.out_of_reach_hint")) }
                ul.lines { @for row in &shown.out_of_reach { (chat(look, &row.chat, row.project.as_ref())) } }
            }
        }
        @if !shown.unbound.is_empty() {
            div.line-groups {
                h4 { (look.t("groups.unbound")) }
                ul.lines { @for row in &shown.unbound { (chat(look, row, None)) } }
            }
        }
        @if !shown.bound.is_empty() {
            details.line-groups open[shown.bound.len() <= OPEN_MAX] {
                summary { (look.t("groups.bound")) }
                ul.lines { @for row in &shown.bound { (chat(look, &row.chat, row.project.as_ref())) } }
            }
        }
        @if shown.more { a href="/groups" { (look.t("groups.more")) } }
    }
}

/// Bound groups that are shown without being asked for.
const OPEN_MAX: usize = 8;

fn chat(look: &Look<'_>, chat: &Chat, project: Option<&Project>) -> Markup {
    html! {
        li {
            (icons::icon(Icon::Chat))
            span.grow {
                a href={ "/groups/" (chat.id) } { (super::groups::name(look, chat)) }
                @if let Some(project) = project { " " a.faint href={ "/projects/" (project.key) } { (project.name) } }
                @if let Some((since, why)) = &chat.unreachable {
                    br;
                    span.faint { (look.fill("accounts.since", &[("since", &look.when().absolute(*since))])) " "
                    @if Why::read(why).is_some() { span.faint { (look.reason(why)) } } @else { q { (why) } } }
                }
            }
            @if let Some(heads) = chat.member_count.filter(|_| chat.kind != ChatKind::User) {
                span.faint { (look.fill("page.heads", &[("count", &heads.to_string())])) }
            }
            @if chat.unreachable.is_none() && !chat.bound { a.quiet href={ "/groups/" (chat.id) } { (look.t("accounts.bind")) } }
        }
    }
}
