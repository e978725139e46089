//! Freezing what staff are told by mail of a month's budget: that it is nearly spent, and that it is. A mail each.

use jiff::Timestamp;

use super::news_bundle::{self, Letter};
use crate::App;
use crate::discussions::BudgetNews;
use crate::domain::{BUDGET_SPENT_PERCENT, PersonId, ProjectId, Role, Why};
use crate::store::notices::Notice;
use crate::store::persons::Person;
use crate::store::{self, Tx, members, notices, projects};
use crate::web::templates::When;

/// Freezes them. How many deliveries were made.
pub(super) async fn freeze(tx: &mut Tx, app: &App, person: PersonId, told: Vec<Notice>) -> Result<usize, store::Error> {
    let mut made = 0;
    for notice in told.into_iter().filter(|n| n.due_at <= app.clock.now()) {
        let all = [notice.id];
        let Some(news) = BudgetNews::read(notice.detail.as_deref()) else {
            notices::fail_all(tx, &all, Why::Unreadable.as_str()).await?;
            continue;
        };
        let Some((reader, address)) = news_bundle::reader_of(tx, app, person, &all).await? else { continue };
        if !concerns(tx, &reader, &news).await? {
            notices::drop_all(tx, &all, Why::NotTheirs.as_str()).await?;
            continue;
        }
        let letter = letter(tx, app, &news).await?;
        news_bundle::send(tx, app, &letter, (&reader, &address), &all).await?;
        made += 1;
    }
    Ok(made)
}

async fn concerns(tx: &mut Tx, reader: &Person, news: &BudgetNews) -> Result<bool, store::Error> {
    if reader.is_admin {
        return Ok(true);
    }
    let Some(project) = news.project else { return Ok(false) };
    Ok(members::role(tx, ProjectId(project), reader.id).await?.is_some_and(Role::is_staff))
}

async fn letter(tx: &mut Tx, app: &App, news: &BudgetNews) -> Result<Letter, store::Error> {
    let texts = app.texts();
    let server = &app.config.server;
    let project = match news.project {
        Some(id) => Some(projects::get(tx, ProjectId(id)).await?),
        None => None,
    };
    let whose = match (&project, &news.account) {
        (Some(project), _) => texts.fill("mail.budget_of_project", &[("name", &project.name)]),
        (None, account) => texts.fill("mail.budget_of_account", &[("name", account.as_deref().unwrap_or_default())]),
    };
    let when = When { texts, zone: &server.time_zone, now: app.clock.now() };
    let until = when.absolute(Timestamp::from_microsecond(news.until_us).unwrap_or(app.clock.now()));
    let (used, limit) = (news.used.to_string(), news.limit.to_string());
    let percent = (news.used * 100 / news.limit.max(1)).to_string();
    let forecast = news.forecast.map(|f| f.to_string()).unwrap_or_default();
    let values =
        [("whose", whose.as_str()), ("used", &used), ("limit", &limit), ("percent", &percent), ("until", &until), ("forecast", &forecast)];
    let spent = news.percent >= BUDGET_SPENT_PERCENT;
    let mut intro = texts.fill(if spent { "mail.budget_spent_intro" } else { "mail.budget_near_intro" }, &values);
    if news.forecast.is_some() && !spent {
        intro.push('\n');
        intro.push_str(&texts.fill("mail.budget_forecast", &values));
    }
    if spent {
        intro.push('\n');
        intro.push_str(texts.get(if project.is_some() { "mail.budget_spent_project" } else { "mail.budget_spent_account" }));
    }
    let link = match &project {
        Some(project) => (format!("/projects/{}", project.key), "mail.project_link"),
        None => ("/discussions".to_owned(), "mail.discussions_link"),
    };
    Ok(Letter { subject: texts.fill(if spent { "mail.budget_spent_subject" } else { "mail.budget_near_subject" }, &values), intro, link })
}
