//! `POST /d/{number}/{status|assign|title|urgent}`: what staff change about a discussion.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::{Answer, FormOf, Refusal, answer, discussion_show, number_of, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, Change, ChangeError, Viewer};
use crate::domain::{GIVEN_TITLE_GRAPHEMES_MAX, PersonId, Source, Status};
use crate::store::Tx;
use crate::store::discussion_events::By;

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
        "title" => Change::Title(fields.title),
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
    match acts::plain_title(title) {
        Err(ChangeError::EmptyTitle) => Some(app.texts().get("page.empty_title").to_owned()),
        Err(_) => Some(app.texts().fill("page.long_title", &[("count", &GIVEN_TITLE_GRAPHEMES_MAX.to_string())])),
        Ok(_) => None,
    }
}

/// The number of the discussion that was changed.
async fn make(tx: &mut Tx, app: &App, viewer: &Viewer, number: i64, change: Change) -> Answer<i64> {
    let (mut discussion, role) = viewer.matter(tx, number).await?.ok_or(Refusal::NotFound)?;
    if !role.is_staff() {
        return Err(Refusal::Forbidden);
    }
    let by = By { person: Some(viewer.person), via: Source::Web };
    acts::change(tx, app, &mut discussion, by, change).await?;
    Ok(discussion.number)
}
