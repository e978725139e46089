//! `/announcements`: staff tell the groups of chosen projects something; a look at what it costs comes before it leaves.

use std::sync::Arc;

use axum::extract::rejection::RawFormRejection;
use axum::extract::{Path, Query, RawForm, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::me::is_staff;
use super::{Answer, QueryOf, Refusal, answer, html, staff_or_client, to};
use crate::App;
use crate::discussions::{AnnounceError, Announcing, Viewer, announce, choose, costs, withdraw as take_back};
use crate::domain::{ANNOUNCEMENT_UNITS_MAX, AnnouncementId, is_project_key};
use crate::store::announcements::{self, Announcement};
use crate::web::templates::Look;
use crate::web::templates::announcements::{
    Draft, Earlier, Form, Preview, Whole, form as draw_form, preview as draw_preview, whole as draw_whole,
};
use crate::web::viewer::fresh_secret;

const HERE: &str = "/announcements";
/// Earlier announcements on the page.
const SHOWN_MAX: i64 = 30;
/// Projects that are looked up for each of them.
const NAMES_MAX: i64 = 100;
/// The longest name of a form, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Who asks: staff of some project.
async fn as_staff(app: &App, headers: &HeaderMap, next: &str) -> Answer<Viewer> {
    let viewer = staff_or_client(app, headers, next).await?;
    if is_staff(&mut *app.db.read().await?, &viewer).await? { Ok(viewer) } else { Err(Refusal::NotFound) }
}

fn read(form: Result<RawForm, RawFormRejection>) -> Answer<Draft> {
    let RawForm(bytes) = form.map_err(|_| Refusal::Bad)?;
    let mut draft = Draft::default();
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        match &*name {
            "form" => draft.form = value.into_owned(),
            "text" => draft.text = value.into_owned(),
            "project" => draft.projects.push(value.into_owned()),
            "urgent" => draft.urgent = value == "1",
            "back" => draft.back = true,
            _ => {}
        }
    }
    let named = (1..=NAME_BYTES_MAX).contains(&draft.form.len()) && draft.form.bytes().all(|b| b.is_ascii_alphanumeric());
    if named { Ok(draft) } else { Err(Refusal::Bad) }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Params {
    /// The key of a project that is chosen already.
    #[serde(default)]
    project: String,
}

/// The form, and what was announced before.
pub(super) async fn list(State(app): State<Arc<App>>, params: QueryOf<Params>, headers: HeaderMap) -> Response {
    let params = params.map(|Query(p)| p).unwrap_or_default();
    let page = async {
        let known = is_project_key(&params.project);
        let next = if known { format!("{HERE}?project={}", params.project) } else { HERE.to_owned() };
        let viewer = as_staff(&app, &headers, &next).await?;
        let projects = if known { vec![params.project] } else { vec![] };
        let draft = Draft { form: fresh_secret(), projects, ..Draft::default() };
        with_form(&app, &viewer, StatusCode::OK, draft, None).await
    };
    answer(&app, page.await)
}

async fn with_form(app: &App, viewer: &Viewer, status: StatusCode, draft: Draft, trouble: Option<String>) -> Answer {
    let mut c = app.db.read().await?;
    let reach = choose(&mut c, viewer, None).await.map_err(refusal)?;
    let mut earlier = vec![];
    for announcement in announcements::page(&mut c, viewer.limit(), None, SHOWN_MAX).await? {
        let projects = announcements::projects_of(&mut c, announcement.id, NAMES_MAX).await?;
        earlier.push(Earlier { announcement, projects });
    }
    drop(c);
    Ok(html(status, draw_form(&Look::by(app, viewer), &Form { draft, reach, earlier, trouble })))
}

/// What a person can mend is told above the form; the rest is a page of its own.
fn mended(app: &App, error: AnnounceError) -> Answer<String> {
    let texts = app.texts();
    match error {
        AnnounceError::Empty => Ok(texts.get("announce.empty").to_owned()),
        AnnounceError::TooLong { units } => {
            let (units, max) = (units.to_string(), ANNOUNCEMENT_UNITS_MAX.to_string());
            Ok(texts.fill("announce.long", &[("count", &units), ("max", &max)]))
        }
        AnnounceError::NoChats => Ok(texts.get("announce.no_chats").to_owned()),
        other => Err(refusal(other)),
    }
}

fn refusal(error: AnnounceError) -> Refusal {
    match error {
        AnnounceError::Store(error) => Refusal::Broken(error),
        AnnounceError::NotFound(_) => Refusal::NotFound,
        AnnounceError::Empty | AnnounceError::TooLong { .. } | AnnounceError::NoChats => Refusal::Bad,
    }
}

/// What would leave, and what it would cost.
pub(super) async fn preview(State(app): State<Arc<App>>, headers: HeaderMap, form: Result<RawForm, RawFormRejection>) -> Response {
    answer(&app, previewed(&app, &headers, form).await)
}

async fn previewed(app: &App, headers: &HeaderMap, form: Result<RawForm, RawFormRejection>) -> Answer {
    let viewer = as_staff(app, headers, HERE).await?;
    let draft = read(form)?;
    // All that sending does, and then not.
    let mut tx = app.db.begin().await?;
    let to = choose(&mut tx, &viewer, draft.keys()).await.map_err(refusal)?;
    let costs = costs(&mut tx, app, &to).await?;
    let tried = announce(&mut tx, app, &viewer, announcing(&draft), &to).await;
    drop(tx);
    match tried {
        Ok(_) => Ok(html(StatusCode::OK, draw_preview(&Look::by(app, &viewer), &Preview { draft, reach: to, costs }))),
        Err(error) => {
            let trouble = mended(app, error)?;
            with_form(app, &viewer, StatusCode::UNPROCESSABLE_ENTITY, draft, Some(trouble)).await
        }
    }
}

fn announcing(draft: &Draft) -> Announcing<'_> {
    Announcing { form: &draft.form, text: &draft.text, urgent: draft.urgent }
}

/// Promises it, or shows the form again.
pub(super) async fn send(State(app): State<Arc<App>>, headers: HeaderMap, form: Result<RawForm, RawFormRejection>) -> Response {
    answer(&app, sent(&app, &headers, form).await)
}

async fn sent(app: &App, headers: &HeaderMap, form: Result<RawForm, RawFormRejection>) -> Answer {
    let viewer = as_staff(app, headers, HERE).await?;
    let draft = read(form)?;
    if draft.back {
        return with_form(app, &viewer, StatusCode::OK, draft, None).await;
    }
    let mut tx = app.db.begin().await?;
    let to_chats = choose(&mut tx, &viewer, draft.keys()).await.map_err(refusal)?;
    match announce(&mut tx, app, &viewer, announcing(&draft), &to_chats).await {
        Ok(made) => {
            tx.commit().await?;
            app.wake.outbox.notify_one();
            Ok(to(&format!("{HERE}/{}", made.id)))
        }
        Err(error) => {
            drop(tx);
            let trouble = mended(app, error)?;
            with_form(app, &viewer, StatusCode::UNPROCESSABLE_ENTITY, draft, Some(trouble)).await
        }
    }
}

async fn find(c: &mut AnyConnection, viewer: &Viewer, id: &str) -> Answer<Announcement> {
    let id = AnnouncementId(id.parse().map_err(|_| Refusal::NotFound)?);
    let found = announcements::find(c, id).await?;
    found.filter(|a| viewer.is_admin || a.by == viewer.person).ok_or(Refusal::NotFound)
}

/// One announcement: what became of it in each group.
pub(super) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let page = async {
        let viewer = as_staff(&app, &headers, HERE).await?;
        let mut c = app.db.read().await?;
        let announcement = find(&mut c, &viewer, &id).await?;
        let groups = announcements::in_chats(&mut c, announcement.id).await?;
        drop(c);
        Ok(html(StatusCode::OK, draw_whole(&Look::by(&app, &viewer), &Whole { announcement, groups })))
    };
    answer(&app, page.await)
}

/// Takes back what has not left yet.
pub(super) async fn withdraw(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let withdrawn = async {
        let viewer = as_staff(&app, &headers, HERE).await?;
        let mut tx = app.db.begin().await?;
        let announcement = find(&mut tx, &viewer, &id).await?;
        take_back(&mut tx, &app, &viewer, &announcement).await?;
        tx.commit().await?;
        Ok(to(&format!("{HERE}/{}", announcement.id)))
    };
    answer(&app, withdrawn.await)
}
