//! `POST /d/{number}/watch`: following a discussion by mail, oneself or, for staff, taking somebody off the list.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::{Answer, FormOf, Refusal, answer, number_of, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, Viewer};
use crate::domain::PersonId;
use crate::store::Tx;

#[derive(Deserialize)]
pub(super) struct Fields {
    /// `1` = with mails from now on, anything else = without.
    #[serde(default)]
    watch: String,
    /// Who is taken off the list; empty = the reader's own wish.
    #[serde(default)]
    person: String,
}

/// Changes who hears of the discussion by mail.
pub(super) async fn watch(State(app): State<Arc<App>>, Path(number): Path<String>, headers: HeaderMap, form: FormOf<Fields>) -> Response {
    answer(&app, watched(&app, &number, &headers, form).await)
}

async fn watched(app: &App, number: &str, headers: &HeaderMap, form: FormOf<Fields>) -> Answer {
    let number = number_of(number)?;
    let viewer = staff_or_client(app, headers, &format!("/d/{number}")).await?;
    let Form(fields) = form?;
    let mut tx = app.db.begin().await?;
    let number = make(&mut tx, app, &viewer, number, &fields).await?;
    tx.commit().await?;
    app.changed(number);
    Ok(to(&format!("/d/{number}")))
}

async fn make(tx: &mut Tx, app: &App, viewer: &Viewer, number: i64, fields: &Fields) -> Answer<i64> {
    let (discussion, role) = viewer.discussion(tx, number).await?.ok_or(Refusal::NotFound)?;
    let now = app.clock.now();
    if fields.person.is_empty() {
        acts::watch(tx, &discussion, viewer.person, fields.watch == "1", now).await?;
        return Ok(discussion.number);
    }
    if !role.is_staff() {
        return Err(Refusal::Forbidden);
    }
    let person = PersonId(fields.person.parse().map_err(|_| Refusal::Bad)?);
    acts::take_off(tx, &discussion, person, viewer.person, now).await?;
    Ok(discussion.number)
}
