//! `GET /groups`: the LINE chats that the accounts are, or were, in.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::{Answer, QueryOf, Refusal, answer, html, staff_or_client};
use crate::App;
use crate::discussions::Viewer;
use crate::store::chats::Chat;
use crate::store::projects::Project;
use crate::store::{self, chats, members, presence, projects};
use crate::web::templates::Look;
use crate::web::templates::groups::{Groups, Row, groups as draw};

/// Chats on one page.
const ROWS_MAX: usize = 100;
/// Pages that are turned to.
const PAGES_MAX: usize = 1000;
/// Projects to choose from.
const PROJECTS_MAX: i64 = 500;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Params {
    /// From 0.
    #[serde(default)]
    page: usize,
}

/// The list: what nobody bound first, for admins; for others the chats of the projects that they are staff of.
pub(super) async fn list(State(app): State<Arc<App>>, params: QueryOf<Params>, headers: HeaderMap) -> Response {
    let params = params.map(|Query(p)| p).unwrap_or_default();
    answer(&app, page(&app, params.page.min(PAGES_MAX), &headers).await)
}

async fn page(app: &App, number: usize, headers: &HeaderMap) -> Answer {
    let viewer = staff_or_client(app, headers, "/groups").await?;
    let mut c = app.db.snapshot().await?;
    if !viewer.is_admin && !members::is_staff_anywhere(&mut c, viewer.person).await? {
        return Err(Refusal::NotFound);
    }
    let shown = gather(&mut c, &viewer, number).await?;
    drop(c);
    Ok(html(StatusCode::OK, draw(&Look::by(app, &viewer), &shown)))
}

async fn gather(c: &mut AnyConnection, viewer: &Viewer, number: usize) -> store::Result<Groups> {
    let size = i64::try_from(ROWS_MAX).expect("a page is short");
    let offset = i64::try_from(number * ROWS_MAX).unwrap_or(i64::MAX);
    // One more than is shown tells whether there is another page.
    let mut found = chats::page(c, viewer.limit(), offset, size + 1).await?;
    let next = (found.len() > ROWS_MAX).then_some(number + 1);
    found.truncate(ROWS_MAX);
    let mut rows = vec![];
    for chat in found {
        rows.push(row(c, chat).await?);
    }
    Ok(Groups { rows, to_choose: to_choose(c, viewer).await?, is_admin: viewer.is_admin, next, continued: number > 0 })
}

/// A chat with what the list and its own page show of it.
pub(super) async fn row(c: &mut AnyConnection, chat: Chat) -> store::Result<Row> {
    let project = projects::get(c, chat.project).await?;
    let gaps = presence::gaps_of(c, &chat).await?;
    Ok(Row { chat, project, gaps })
}

/// Where an admin may bind a chat to.
pub(super) async fn to_choose(c: &mut AnyConnection, viewer: &Viewer) -> store::Result<Vec<Project>> {
    if viewer.is_admin { projects::for_clients(c, PROJECTS_MAX).await } else { Ok(vec![]) }
}
