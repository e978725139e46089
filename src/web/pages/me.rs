//! `/me`: one's own account.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sqlx::AnyConnection;
use unicode_segmentation::UnicodeSegmentation;

use super::projects::PROJECTS_MAX;
use super::session::session_digest;
use super::{Answer, FormOf, QueryOf, Refusal, answer, html, listening, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, Viewer};
use crate::domain::{Channel, CodePurpose};
use crate::store::{self, identities, members, persons, projects, sessions};
use crate::threading::one_line;
use crate::web::templates::Look;
use crate::web::templates::me::{Me, NAME_GRAPHEMES_MAX, me as draw};

const HERE: &str = "/me";

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    /// The key of the project whose notices are to be set; empty = all.
    #[serde(default)]
    listening: String,
    #[serde(default)]
    saved: String,
}

/// The page.
pub(super) async fn show(State(app): State<Arc<App>>, headers: HeaderMap, asked: QueryOf<Asked>) -> Response {
    let page = async {
        let viewer = staff_or_client(&app, &headers, HERE).await?;
        let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
        let mut c = app.db.read().await?;
        let listening = listening::gather(&mut c, &app, &viewer, &asked.listening, asked.saved == "1").await?;
        let shown = Me { listening, ..gather(&mut c, &app, &viewer).await? };
        Ok(html(StatusCode::OK, draw(&Look::by(&app, &viewer), &shown)))
    };
    answer(&app, page.await)
}

async fn gather(c: &mut AnyConnection, app: &App, viewer: &Viewer) -> store::Result<Me> {
    let emails = identities::of_person(c, viewer.person, Channel::Email).await?;
    Ok(Me {
        name: viewer.name.clone(),
        emails: emails.into_iter().map(|i| i.external_id).collect(),
        line: identities::of_person(c, viewer.person, Channel::Line).await?,
        is_staff: is_staff(c, viewer).await?,
        projects: projects::page(c, viewer.limit(), 0, PROJECTS_MAX).await?,
        listening: listening::gather(c, app, viewer, "", false).await?,
        code: None,
        trouble: None,
    })
}

pub(super) async fn is_staff(c: &mut AnyConnection, viewer: &Viewer) -> store::Result<bool> {
    Ok(viewer.is_admin || members::is_staff_anywhere(c, viewer.person).await?)
}

#[derive(Deserialize)]
pub(super) struct NewName {
    #[serde(default)]
    name: String,
}

/// Says what one is called.
pub(super) async fn rename(State(app): State<Arc<App>>, headers: HeaderMap, form: FormOf<NewName>) -> Response {
    answer(&app, renamed(&app, &headers, form).await)
}

async fn renamed(app: &App, headers: &HeaderMap, form: FormOf<NewName>) -> Answer {
    let viewer = staff_or_client(app, headers, HERE).await?;
    let Form(form) = form?;
    let name = one_line(&form.name);
    if name.is_empty() || name.graphemes(true).count() > NAME_GRAPHEMES_MAX {
        let trouble = Some(app.texts().fill("page.bad_name", &[("count", &NAME_GRAPHEMES_MAX.to_string())]));
        let shown = Me { name: form.name, trouble, ..gather(&mut *app.db.read().await?, app, &viewer).await? };
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, draw(&Look::by(app, &viewer), &shown)));
    }
    let mut tx = app.db.begin().await?;
    persons::rename(&mut tx, viewer.person, &name).await?;
    tx.commit().await?;
    Ok(to(HERE))
}

/// Makes a code to link one's LINE account with, and shows it this once.
pub(super) async fn code(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(&app, with_code(&app, &headers).await)
}

async fn with_code(app: &App, headers: &HeaderMap) -> Answer {
    let viewer = staff_or_client(app, headers, HERE).await?;
    let mut tx = app.db.begin().await?;
    if !is_staff(&mut tx, &viewer).await? {
        return Err(Refusal::Forbidden);
    }
    let code = acts::make_code(&mut tx, app, CodePurpose::Link, viewer.person, None).await?;
    let shown = Me { code: Some(code), ..gather(&mut tx, app, &viewer).await? };
    tx.commit().await?;
    Ok(html(StatusCode::OK, draw(&Look::by(app, &viewer), &shown)))
}

#[derive(Deserialize)]
pub(super) struct Unlinking {
    #[serde(default)]
    identity: String,
}

/// Parts a LINE account from one's own account.
pub(super) async fn unlink(State(app): State<Arc<App>>, headers: HeaderMap, form: FormOf<Unlinking>) -> Response {
    answer(&app, unlinked(&app, &headers, form).await)
}

async fn unlinked(app: &App, headers: &HeaderMap, form: FormOf<Unlinking>) -> Answer {
    let viewer = staff_or_client(app, headers, HERE).await?;
    let Form(form) = form?;
    let identity = form.identity.parse().map_err(|_| Refusal::Bad)?;
    let mut tx = app.db.begin().await?;
    // Somebody who logs in with LINE would part from themselves.
    if !is_staff(&mut tx, &viewer).await? || identities::of_person(&mut tx, viewer.person, Channel::Email).await?.is_empty() {
        return Err(Refusal::Forbidden);
    }
    if !acts::unlink(&mut tx, app, viewer.person, identity).await? {
        return Err(Refusal::NotFound);
    }
    // Whoever had logged in with it is out.
    let this = session_digest(app, headers);
    sessions::end_others(&mut tx, viewer.person, this.as_deref()).await?;
    tx.commit().await?;
    app.access_changed();
    Ok(to(HERE))
}
