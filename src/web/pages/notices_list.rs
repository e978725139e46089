//! `GET /notices`: what is told to whom, what it costs, and why what is not told is not. For staff. `POST
//! /notices/{id}/{send-now|cancel|restore|retry}` does something about one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::SignedDuration;
use jiff::civil::Date;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::{Answer, FormOf, QueryOf, Refusal, answer, html, staff_or_client, to};
use crate::App;
use crate::discussions::{Telling, TellingError, Viewer, account_month, calendar_of, common_calendar, may_change, tell_otherwise};
use crate::domain::{Calendar, DeliveryStatus, Inbox, NoticeId, NoticeKind, ProjectId, Why, forecast, is_never_paid};
use crate::store::notice_lists::{Filter, Listed};
use crate::store::projects::Project;
use crate::store::{self, bills, members, notice_lists, projects};
use crate::web::templates::Look;
use crate::web::templates::bill::{Bill, Share};
use crate::web::templates::notices::{Asked, COUNTED_MAX, Notices, notices as draw};
use crate::web::templates::told::NoticeView;

/// Notices on one page.
const ROWS_MAX: usize = 100;
/// Projects to choose from.
const PROJECTS_MAX: i64 = 500;
/// Characters of a search that are looked at.
const SEARCH_CHARS_MAX: usize = 100;
/// What failed longer ago needs nobody any more: it is listed, and not counted.
const FAILED_IS_NEWS_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Projects in the bill; the others are summed.
const SHARES_MAX: usize = 100;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Params {
    #[serde(default)]
    status: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    number: String,
    #[serde(default)]
    cursor: String,
    /// What the reader cancelled just now.
    #[serde(default)]
    cancelled: String,
}

/// The page.
pub(super) async fn list(State(app): State<Arc<App>>, params: QueryOf<Params>, headers: HeaderMap) -> Response {
    let params = params.map(|Query(p)| p).unwrap_or_default();
    answer(&app, page(&app, &params, &headers).await)
}

async fn page(app: &App, params: &Params, headers: &HeaderMap) -> Answer {
    let asked = Asked {
        status: DeliveryStatus::find(&params.status).unwrap_or(DeliveryStatus::Pending),
        kind: NoticeKind::find(&params.kind),
        project: Some(params.project.clone()).filter(|p| !p.is_empty()),
        to: params.to.trim().chars().take(SEARCH_CHARS_MAX).collect(),
        number: params.number.trim().trim_start_matches('#').parse().ok(),
    };
    let viewer = staff_or_client(app, headers, &asked.address(None)).await?;
    if !viewer.is_staff {
        return Err(Refusal::NotFound);
    }
    let mut c = app.db.read().await?;
    let mut shown = gather(&mut c, app, &viewer, asked, &params.cursor).await?;
    if let Ok(id) = params.cancelled.parse()
        && let Some(notice) = notice_lists::find(&mut c, NoticeId(id)).await?
        && may_change(&mut c, &viewer, &notice).await?
        && notice.status == DeliveryStatus::Dropped
        && notice.reason.as_deref().and_then(Why::read).is_some_and(|(why, _)| why == Why::Cancelled)
    {
        shown.cancelled = Some(notice.id);
    }
    drop(c);
    Ok(html(StatusCode::OK, draw(&Look::by(app, &viewer), &shown)))
}

async fn gather(c: &mut AnyConnection, app: &App, viewer: &Viewer, asked: Asked, cursor: &str) -> Answer<Notices> {
    let project = match &asked.project {
        Some(key) => {
            let (project, role) = viewer.project(c, key).await?.ok_or(Refusal::NotFound)?;
            Some(project.id).filter(|_| role.is_staff()).ok_or(Refusal::NotFound).map(Some)?
        }
        None => None,
    };
    let projects = projects_of(c, viewer).await?;
    let theirs = Filter { member: viewer.limit(), project, ..Filter::default() };
    let filter = Filter {
        status: Some(asked.status),
        kind: asked.kind,
        to: Some(asked.to.clone()).filter(|t| !t.is_empty()),
        discussion_number: asked.number,
        ..theirs.clone()
    };
    let limit = i64::try_from(ROWS_MAX + 1).expect("a page is short");
    let (mut rows, continued) = if asked.status == DeliveryStatus::Pending {
        let after = read_cursor(cursor);
        (notice_lists::waiting(c, &filter, after, limit).await?, after.is_some())
    } else {
        let before = cursor.parse().ok().filter(|id: &i64| *id > 0);
        (notice_lists::page(c, &filter, before, limit).await?, before.is_some())
    };
    // One more than is shown tells whether there is another page.
    let more = rows.len() > ROWS_MAX;
    rows.truncate(ROWS_MAX);
    let next = rows.last().filter(|_| more).map(|n| match asked.status {
        DeliveryStatus::Pending => format!("{}-{}", n.deadline_at.as_microsecond(), n.id),
        _ => n.id.to_string(),
    });
    let counted = |status, since| Filter { status: Some(status), since, ..theirs.clone() };
    let waiting = notice_lists::count(c, &counted(DeliveryStatus::Pending, None), COUNTED_MAX + 1).await?;
    let since = app.clock.now() - FAILED_IS_NEWS_FOR;
    let failed = notice_lists::count(c, &counted(DeliveryStatus::Failed, Some(since)), COUNTED_MAX + 1).await?;
    let bill = if continued { None } else { Some(bill(c, app, viewer, &projects, project).await?) };
    let rows = views(c, app, rows).await?;
    Ok(Notices { asked, rows, waiting, failed, projects, next, continued, bill, cancelled: None })
}

/// The notices, each with when a push for it leaves at the latest.
pub(super) async fn views(c: &mut AnyConnection, app: &App, rows: Vec<Listed>) -> store::Result<Vec<NoticeView>> {
    let mut calendars: BTreeMap<ProjectId, Calendar> = BTreeMap::new();
    let mut views = vec![];
    for row in rows {
        let mut pushed_at = Some(row.deadline_at).filter(|at| !is_never_paid(row.due_at, *at));
        if let Some(project) = row.project.filter(|_| row.status == DeliveryStatus::Pending && row.chat.is_some()) {
            let calendar = match calendars.entry(project) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(calendar_of(c, &app.config, project).await?),
            };
            pushed_at = pushed_at.map(|at| calendar.closed_until(at).map_or(at, |(open, _)| open));
        }
        views.push(NoticeView { row, pushed_at });
    }
    Ok(views)
}

/// Where the reader is staff.
async fn projects_of(c: &mut AnyConnection, viewer: &Viewer) -> store::Result<Vec<Project>> {
    let all = projects::page(c, viewer.limit(), 0, PROJECTS_MAX).await?;
    if viewer.is_admin {
        return Ok(all);
    }
    let staffed = members::staffed_by(c, viewer.person).await?;
    Ok(all.into_iter().filter(|p| staffed.contains(&p.id)).collect())
}

/// The month so far: of one project, or of all that the reader is staff of.
async fn bill(c: &mut AnyConnection, app: &App, viewer: &Viewer, theirs: &[Project], one: Option<ProjectId>) -> store::Result<Bill> {
    let now = app.clock.now();
    let zone = &app.config.server.time_zone;
    let today = now.to_zoned(zone.clone()).date();
    let first = today.first_of_month();
    let from = first.to_zoned(zone.clone()).map_or(now, |z| z.timestamp());
    let mine = |id: ProjectId| one.map_or_else(|| viewer.is_admin || theirs.iter().any(|p| p.id == id), |one| one == id);
    let rows: Vec<bills::Row> = bills::by_day(c, from, now).await?.into_iter().filter(|r| mine(r.project)).collect();
    let (mut ours, mut each) = (BTreeMap::<Date, i64>::new(), BTreeMap::<Date, i64>::new());
    for row in &rows {
        let date = first.checked_add(jiff::Span::new().days(row.day)).unwrap_or(today).min(today);
        *ours.entry(date).or_default() += row.heads;
        *each.entry(date).or_default() += row.heads_if_pushed;
    }
    let began = theirs.iter().filter(|p| one.is_none_or(|one| one == p.id)).map(|p| p.created_at).min().unwrap_or(now);
    let since = began.to_zoned(zone.clone()).date();
    // An account's limit says nothing of one project's part, which may have one of its own.
    let limit = match one {
        Some(id) => projects::get(c, id).await?.monthly_budget,
        None if viewer.is_admin => all_limits(c, app).await?,
        None => None,
    };
    let calendar = match one {
        Some(id) => calendar_of(c, &app.config, id).await?,
        None => common_calendar(c, &app.config).await?,
    };
    Ok(Bill {
        now,
        today,
        forecast: forecast(&ours, since, today, |day| calendar.kind_of(day)),
        ours: summed(&ours, first, today),
        each: summed(&each, first, today),
        ceiling: limit,
        shares: shares(c, &rows, theirs).await?,
    })
}

/// What may be billed to all accounts together this month, where each has a limit.
async fn all_limits(c: &mut AnyConnection, app: &App) -> store::Result<Option<i64>> {
    let mut all = None;
    for account in &app.config.line {
        let Some(limit) = account_month(c, app, &Inbox::line(&account.name)).await?.limit else { return Ok(None) };
        all = Some(all.unwrap_or(0) + limit);
    }
    Ok(all)
}

/// What had come together by the end of each day.
fn summed(by_day: &BTreeMap<Date, i64>, first: Date, today: Date) -> Vec<i64> {
    let days = std::iter::successors(Some(first), |d| d.tomorrow().ok()).take_while(|d| *d <= today);
    days.scan(0, |sum, date| {
        *sum += by_day.get(&date).copied().unwrap_or_default();
        Some(*sum)
    })
    .collect()
}

async fn shares(c: &mut AnyConnection, rows: &[bills::Row], known: &[Project]) -> store::Result<Vec<Share>> {
    let mut sums: BTreeMap<(&str, ProjectId), Share> = BTreeMap::new();
    for row in rows {
        let share = sums.entry((row.inbox.name(), row.project)).or_default();
        row.inbox.name().clone_into(&mut share.account);
        share.notices += row.notices;
        share.free += row.free;
        share.pushes += row.pushes;
        share.heads += row.heads;
        share.heads_if_pushed += row.heads_if_pushed;
    }
    let mut sorted: Vec<(ProjectId, Share)> = sums.into_iter().map(|((_, project), share)| (project, share)).collect();
    sorted.sort_by_key(|(project, s)| (-s.heads, -s.heads_if_pushed, *project));
    let mut shares = vec![];
    for (project, share) in sorted.into_iter().take(SHARES_MAX) {
        let name = match known.iter().find(|p| p.id == project) {
            Some(project) => project.name.clone(),
            None => projects::get(c, project).await?.name,
        };
        shares.push(Share { project: name, ..share });
    }
    Ok(shares)
}

/// `MICROSECONDS-ID` of the last row before; anything else begins at the front.
fn read_cursor(written: &str) -> Option<(i64, i64)> {
    let (at, id) = written.split_once('-')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}

#[derive(Deserialize)]
pub(super) struct Next {
    /// The page to come back to.
    #[serde(default)]
    next: String,
}

/// Does something about one notice.
pub(super) async fn act(
    State(app): State<Arc<App>>,
    Path((id, what)): Path<(String, String)>,
    headers: HeaderMap,
    form: FormOf<Next>,
) -> Response {
    answer(&app, acted(&app, (&id, &what), &headers, form).await)
}

async fn acted(app: &App, (id, what): (&str, &str), headers: &HeaderMap, form: FormOf<Next>) -> Answer {
    let id = NoticeId(id.parse().map_err(|_| Refusal::NotFound)?);
    let what = match what {
        "send-now" => Telling::SendNow,
        "cancel" => Telling::Cancel,
        "restore" => Telling::Restore,
        "retry" => Telling::Retry,
        _ => return Err(Refusal::NotFound),
    };
    let viewer = staff_or_client(app, headers, "/notices").await?;
    let Form(form) = form?;
    let mut back = way_back(&form.next).to_owned();
    let mut tx = app.db.begin().await?;
    match tell_otherwise(&mut tx, app, &viewer, id, what).await {
        Ok(notice) => {
            tx.commit().await?;
            app.wake.outbox.notify_one();
            if let Some(number) = notice.discussion_number {
                app.changed(number);
            }
            // A discussion's page shows it with its own way back.
            if what == Telling::Cancel && back.starts_with("/notices") {
                back = format!("{back}{}cancelled={id}", if back.contains('?') { '&' } else { '?' });
            }
        }
        Err(TellingError::NotFound) => return Err(Refusal::NotFound),
        Err(TellingError::Store(error)) => return Err(Refusal::Broken(error)),
        // Somebody else was faster, or it left in the meantime: the page shows how it stands.
        Err(TellingError::Refused(_)) => {}
    }
    Ok(to(&back))
}

/// Back to where the button was.
fn way_back(next: &str) -> &str {
    let plain = next.chars().all(|c| c.is_ascii_alphanumeric() || "/-_=&?#%+".contains(c));
    let known = next == "/notices" || next.starts_with("/notices?") || next.starts_with("/d/");
    if plain && known { next } else { "/notices" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_on_this_server() {
        assert_eq!(way_back("/notices?status=failed&to=%E6%9E%97"), "/notices?status=failed&to=%E6%9E%97");
        assert_eq!(way_back("/d/7#post-12"), "/d/7#post-12");
        for elsewhere in ["", "//evil.example", "https://evil.example", "/d/7/../../x", "/d/7\r\nX: y", "/noticesx", "/me"] {
            assert_eq!(way_back(elsewhere), "/notices", "{elsewhere:?}");
        }
    }

    #[test]
    fn days_without_pushes_keep_the_sum() {
        let day = |d: i8| jiff::civil::date(2026, 11, d);
        let by_day = BTreeMap::from([(day(2), 5), (day(4), 3)]);
        assert_eq!(summed(&by_day, day(1), day(5)), [0, 5, 5, 8, 8]);
    }

    #[test]
    fn a_cursor_is_a_moment_and_an_id() {
        assert_eq!(read_cursor("12-3"), Some((12, 3)));
        assert_eq!(read_cursor("12.3"), None);
    }
}
