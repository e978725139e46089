//! `POST /d/{number}/{status|assign|title|urgent}`: what staff change about a discussion.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use unicode_segmentation::UnicodeSegmentation;

use super::{Answer, FormOf, Refusal, answer, discussion_show, number_of, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, Viewer};
use crate::domain::{PersonId, Status, TITLE_GRAPHEMES_MAX};
use crate::store::{Tx, discussions};
use crate::threading::one_line;

#[derive(Deserialize)]
pub(super) struct Fields {
    #[serde(default)]
    status: String,
    #[serde(default)]
    assignee: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    urgent: String,
}

enum Change {
    Status(Status),
    Assignee(Option<PersonId>),
    Title(String),
    Urgent(bool),
}

/// Changes one thing about the discussion.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Path((number, what)): Path<(String, String)>,
    headers: HeaderMap,
    form: FormOf<Fields>,
) -> Response {
    answer(&app, changed(&app, &number, &what, &headers, form).await)
}

async fn changed(app: &App, number: &str, what: &str, headers: &HeaderMap, form: FormOf<Fields>) -> Answer {
    let number = number_of(number)?;
    let viewer = staff_or_client(app, headers, &format!("/d/{number}")).await?;
    let Form(fields) = form?;
    let change = match what {
        "status" => Change::Status(Status::find(&fields.status).ok_or(Refusal::Bad)?),
        "assign" if fields.assignee.is_empty() => Change::Assignee(None),
        "assign" => Change::Assignee(Some(PersonId(fields.assignee.parse().map_err(|_| Refusal::Bad)?))),
        "title" => Change::Title(one_line(&fields.title)),
        "urgent" => Change::Urgent(fields.urgent == "1"),
        _ => return Err(Refusal::NotFound),
    };
    if let Change::Title(title) = &change
        && let Some(trouble) = title_trouble(app, title)
    {
        return discussion_show::again(app, &viewer, number, None, Some(trouble)).await;
    }
    let mut tx = app.db.begin().await?;
    let number = make(&mut tx, app, &viewer, number, change).await?;
    tx.commit().await?;
    app.changed(number);
    app.wake.outbox.notify_one();
    Ok(to(&format!("/d/{number}")))
}

fn title_trouble(app: &App, title: &str) -> Option<String> {
    if title.is_empty() {
        return Some(app.texts().get("page.empty_title").to_owned());
    }
    let long = title.graphemes(true).count() > TITLE_GRAPHEMES_MAX;
    long.then(|| app.texts().fill("page.long_title", &[("count", &TITLE_GRAPHEMES_MAX.to_string())]))
}

/// The number of the discussion that was changed.
async fn make(tx: &mut Tx, app: &App, viewer: &Viewer, number: i64, change: Change) -> Answer<i64> {
    let (discussion, role) = viewer.discussion(tx, number).await?.ok_or(Refusal::NotFound)?;
    if !role.is_staff() {
        return Err(Refusal::Forbidden);
    }
    let id = discussion.id;
    match change {
        Change::Status(status) => discussions::set_status(tx, id, status).await?,
        Change::Assignee(None) => discussions::set_assignee(tx, id, None).await?,
        Change::Assignee(Some(person)) => {
            let able = discussion_show::assignable(tx, app, viewer, &discussion).await?;
            if able.iter().all(|(p, _)| *p != person) {
                return Err(Refusal::Bad);
            }
            discussions::set_assignee(tx, id, Some(person)).await?;
        }
        Change::Title(title) => discussions::set_title(tx, id, &title).await?,
        Change::Urgent(urgent) => acts::set_urgent(tx, app, id, urgent).await?,
    }
    Ok(discussion.number)
}
