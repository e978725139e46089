//! `/projects` and `/projects/{key}`: what a project consists of, for its staff.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::listening;
use super::me::is_staff;
use super::{Answer, FormOf, Refusal, answer, html, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, Viewer};
use crate::domain::{CodePurpose, PROJECT_BUDGET_MAX, REOPEN_DAYS_MAX, Role, is_project_key};
use crate::store::projects::Project;
use crate::store::{self, chats, discussions, held_mails, members, notify_tokens, projects};
use crate::web::templates::Look;
use crate::web::templates::projects::{ProjectView, list as draw_list, project as draw};
use crate::web::templates::scripts::Scripts;

/// Projects on one list.
pub(super) const PROJECTS_MAX: i64 = 500;

/// The reader's projects.
pub(super) async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let page = async {
        let viewer = staff_or_client(&app, &headers, "/projects").await?;
        let mut c = app.db.read().await?;
        let found = projects::page(&mut c, viewer.limit(), 0, PROJECTS_MAX).await?;
        let staff = is_staff(&mut c, &viewer).await?;
        Ok(html(StatusCode::OK, draw_list(&Look::by(&app, &viewer), &found, staff)))
    };
    answer(&app, page.await)
}

/// The project and the reader's part in it: staff alone see its page.
pub(super) async fn as_staff(c: &mut AnyConnection, viewer: &Viewer, key: &str) -> Answer<(Project, Role)> {
    let (project, role) = viewer.project(c, key).await?.ok_or(Refusal::NotFound)?;
    if role.is_staff() { Ok((project, role)) } else { Err(Refusal::Forbidden) }
}

/// Held mails that a project's page shows.
const HELD_MAX: i64 = 50;
/// Chats of a project that its page lists.
const CHATS_MAX: i64 = 200;
/// Tokens of scripts that it lists.
const TOKENS_MAX: i64 = 200;

pub(super) async fn gather(c: &mut AnyConnection, app: &App, project: Project, role: Role) -> store::Result<ProjectView> {
    Ok(ProjectView {
        members: members::all(c, project.id).await?,
        chats: chats::all_of_project(c, project.id, CHATS_MAX).await?,
        others: discussions::others_of_project(c, project.id, CHATS_MAX).await?,
        senders: projects::senders(c, project.id).await?,
        held: held_mails::of_project(c, project.id, HELD_MAX).await?,
        spent: acts::spent_by_project(c, app, project.id).await?,
        listening: listening::gather_project(c, project.id).await?,
        is_owner: role == Role::Owner,
        code: None,
        scripts: Scripts { tokens: notify_tokens::of_project(c, project.id, TOKENS_MAX).await?, ..Scripts::default() },
        project,
    })
}

/// Where somebody without a session goes after the login. What is no key leads nowhere.
pub(super) fn address(key: &str) -> Answer<String> {
    if is_project_key(key) { Ok(format!("/projects/{key}")) } else { Err(Refusal::NotFound) }
}

/// One project.
pub(super) async fn show(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    let page = async {
        let viewer = staff_or_client(&app, &headers, &address(&key)?).await?;
        let mut c = app.db.read().await?;
        let (project, role) = as_staff(&mut c, &viewer, &key).await?;
        let view = gather(&mut c, &app, project, role).await?;
        Ok(html(StatusCode::OK, draw(&Look::by(&app, &viewer), &view)))
    };
    answer(&app, page.await)
}

/// Makes a code that binds the LINE chat which it is typed into, and shows it this once.
pub(super) async fn code(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    answer(&app, with_code(&app, &key, &headers).await)
}

async fn with_code(app: &App, key: &str, headers: &HeaderMap) -> Answer {
    let viewer = staff_or_client(app, headers, &address(key)?).await?;
    let mut tx = app.db.begin().await?;
    let (project, role) = as_staff(&mut tx, &viewer, key).await?;
    let code = acts::make_code(&mut tx, app, CodePurpose::Bind, viewer.person, Some(project.id)).await?;
    let view = ProjectView { code: Some(code), ..gather(&mut tx, app, project, role).await? };
    tx.commit().await?;
    Ok(html(StatusCode::OK, draw(&Look::by(app, &viewer), &view)))
}

#[derive(Deserialize)]
pub(super) struct Excerpts {
    #[serde(default)]
    excerpts: String,
}

/// Says whether notices into the project's LINE groups show the beginning of an answer.
pub(super) async fn excerpts(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap, form: FormOf<Excerpts>) -> Response {
    answer(&app, set_excerpts(&app, &key, &headers, form).await)
}

async fn set_excerpts(app: &App, key: &str, headers: &HeaderMap, form: FormOf<Excerpts>) -> Answer {
    let here = address(key)?;
    let viewer = staff_or_client(app, headers, &here).await?;
    let Form(form) = form?;
    let mut tx = app.db.begin().await?;
    let (project, role) = as_staff(&mut tx, &viewer, key).await?;
    if role != Role::Owner {
        return Err(Refusal::Forbidden);
    }
    projects::set_excerpts(&mut tx, project.id, form.excerpts == "1").await?;
    tx.commit().await?;
    Ok(to(&here))
}

#[derive(Deserialize)]
pub(super) struct Budget {
    /// Messages a month; empty = as many as the account has.
    #[serde(default)]
    heads: String,
}

/// Says how many LINE messages the project's chats may cost a month.
pub(super) async fn budget(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap, form: FormOf<Budget>) -> Response {
    answer(&app, set_budget(&app, &key, &headers, form).await)
}

async fn set_budget(app: &App, key: &str, headers: &HeaderMap, form: FormOf<Budget>) -> Answer {
    let here = address(key)?;
    let viewer = staff_or_client(app, headers, &here).await?;
    let Form(form) = form?;
    let heads = match form.heads.trim() {
        "" => None,
        written => Some(written.parse().ok().filter(|h| (0..=PROJECT_BUDGET_MAX).contains(h)).ok_or(Refusal::Bad)?),
    };
    let mut tx = app.db.begin().await?;
    let (project, role) = as_staff(&mut tx, &viewer, key).await?;
    if role != Role::Owner {
        return Err(Refusal::Forbidden);
    }
    acts::set_monthly_budget(&mut tx, app, project.id, heads).await?;
    tx.commit().await?;
    app.wake.outbox.notify_one();
    Ok(to(&format!("{here}#budget")))
}

#[derive(Deserialize)]
pub(super) struct Reopening {
    #[serde(default)]
    days: String,
}

/// Says for how many days after its end a client's mail reopens a discussion.
pub(super) async fn reopen(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap, form: FormOf<Reopening>) -> Response {
    answer(&app, set_reopen_days(&app, &key, &headers, form).await)
}

async fn set_reopen_days(app: &App, key: &str, headers: &HeaderMap, form: FormOf<Reopening>) -> Answer {
    let here = address(key)?;
    let viewer = staff_or_client(app, headers, &here).await?;
    let Form(form) = form?;
    let days = form.days.trim().parse().ok().filter(|d| (0..=REOPEN_DAYS_MAX).contains(d)).ok_or(Refusal::Bad)?;
    let mut tx = app.db.begin().await?;
    let (project, role) = as_staff(&mut tx, &viewer, key).await?;
    if role != Role::Owner {
        return Err(Refusal::Forbidden);
    }
    projects::set_reopen_days(&mut tx, project.id, days).await?;
    tx.commit().await?;
    Ok(to(&here))
}
