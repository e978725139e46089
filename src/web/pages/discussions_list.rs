//! `GET /discussions`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::{Answer, QueryOf, Refusal, answer, html, staff_or_client};
use crate::App;
use crate::discussions::Viewer;
use crate::domain::{PersonId, ProjectId, Status};
use crate::store::discussions::{Discussion, Filter};
use crate::store::{self, discussions, members, persons, posts, projects};
use crate::web::templates::Look;
use crate::web::templates::discussions::{Asked, List, Row, list as draw};

/// Discussions on one page.
const ROWS_MAX: usize = 50;
/// Projects to choose from.
const PROJECTS_MAX: i64 = 500;
/// Characters of a search that are looked at.
const SEARCH_CHARS_MAX: usize = 200;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Params {
    #[serde(default)]
    status: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    mine: String,
    #[serde(default)]
    cursor: String,
}

/// The list: last activity first.
pub(super) async fn list(State(app): State<Arc<App>>, params: QueryOf<Params>, headers: HeaderMap) -> Response {
    let params = params.map(|Query(p)| p).unwrap_or_default();
    answer(&app, page(&app, &params, &headers).await)
}

async fn page(app: &App, params: &Params, headers: &HeaderMap) -> Answer {
    let asked = Asked {
        status: Status::find(&params.status),
        project: Some(params.project.clone()).filter(|p| !p.is_empty()),
        q: params.q.trim().chars().take(SEARCH_CHARS_MAX).collect(),
        mine: !params.mine.is_empty(),
    };
    let viewer = staff_or_client(app, headers, &asked.address(None)).await?;
    let mut c = app.db.read().await?;
    let shown = gather(&mut c, &viewer, asked, &params.cursor).await?;
    drop(c);
    Ok(html(StatusCode::OK, draw(&Look::by(app, &viewer), &shown)))
}

async fn gather(c: &mut AnyConnection, viewer: &Viewer, asked: Asked, cursor: &str) -> Answer<List> {
    let project = match &asked.project {
        Some(key) => Some(viewer.project(c, key).await?.ok_or(Refusal::NotFound)?.0.id),
        None => None,
    };
    let after = read_cursor(cursor);
    let filter = Filter {
        member: viewer.limit(),
        project,
        status: asked.status,
        assignee: asked.mine.then_some(viewer.person),
        text: Some(asked.q.clone()).filter(|q| !q.is_empty()),
        after,
        ..Filter::default()
    };
    // One more than is shown tells whether there is another page.
    let mut found = discussions::page(c, &filter, i64::try_from(ROWS_MAX + 1).expect("a page is short")).await?;
    let more = found.len() > ROWS_MAX;
    found.truncate(ROWS_MAX);
    let next = found.last().filter(|_| more).map(|d| format!("{}.{}", d.last_post_at.as_microsecond(), d.id));
    let counts = discussions::counts(c, viewer.limit(), project).await?;
    let projects = projects::page(c, viewer.limit(), 0, PROJECTS_MAX).await?;
    let is_staff = viewer.is_admin || members::is_staff_anywhere(c, viewer.person).await?;
    let unsure = if is_staff { posts::count_unsure(c, viewer.limit()).await? } else { 0 };
    let rows = rows(c, found, &projects).await?;
    Ok(List {
        asked,
        rows,
        counts: counts.iter().filter_map(|(word, n)| Some((Status::find(word)?, *n))).collect(),
        projects,
        next,
        continued: after.is_some(),
        is_staff,
        unsure,
    })
}

async fn rows(c: &mut AnyConnection, found: Vec<Discussion>, known: &[projects::Project]) -> store::Result<Vec<Row>> {
    let mut names: BTreeMap<ProjectId, String> = known.iter().map(|p| (p.id, p.name.clone())).collect();
    let mut people: BTreeMap<PersonId, String> = BTreeMap::new();
    let mut rows = vec![];
    for discussion in found {
        let project = match names.get(&discussion.project) {
            Some(name) => name.clone(),
            None => projects::get(c, discussion.project).await?.name,
        };
        names.entry(discussion.project).or_insert_with(|| project.clone());
        if let Some(person) = discussion.assignee.filter(|p| !people.contains_key(p)) {
            people.insert(person, persons::find(c, person).await?.map(|p| p.name).unwrap_or_default());
        }
        let assignee = discussion.assignee.and_then(|p| people.get(&p).cloned());
        rows.push(Row { discussion, project, assignee });
    }
    Ok(rows)
}

/// `MICROSECONDS.ID` of the last row before; anything else begins at the front.
fn read_cursor(written: &str) -> Option<(i64, i64)> {
    let (at, id) = written.split_once('.')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}
