//! Deciding about mails that wait for a person.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InPath;
use crate::App;
use crate::discussions as acts;
use crate::domain::{InboundId, PostId, Source};
use crate::intake::held_mail;
use crate::store::held_mails;
use crate::store::inbound::InboundStatus;
use crate::web::error::Problem;
use crate::web::viewer::ByToken;

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Accept {
    /// Makes the address that the mail came from the person's.
    #[serde(default)]
    link_address: bool,
}

/// Where a mail stands after a decision.
#[derive(Serialize, ToSchema)]
pub(super) struct Decided {
    id: String,
    status: InboundStatus,
    /// The number of the discussion that it belongs to.
    discussion: Option<i64>,
}

/// Takes a held mail as the post of the person that it says it is from.
#[utoipa::path(post, path = "/api/v1/inbound/{id}/accept", params(("id" = String, Path)), request_body = Accept, responses((status = 200, body = Decided), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn accept(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
    body: Bytes,
) -> Result<Json<Decided>, Problem> {
    // Without a body it is accepted and nothing else.
    let asked: Accept = if body.is_empty() { Accept::default() } else { Json::from_bytes(&body)?.0 };
    let number = held_mail::accept(&app, &viewer, InboundId(id), asked.link_address, Source::Api).await?;
    decided(&app, id, Some(number)).await
}

/// Decides that a held mail becomes nothing.
#[utoipa::path(post, path = "/api/v1/inbound/{id}/dismiss", params(("id" = String, Path)), responses((status = 200, body = Decided), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn dismiss(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<Decided>, Problem> {
    let number = held_mail::dismiss(&app, &viewer, InboundId(id), Source::Api).await?;
    decided(&app, id, number).await
}

/// Takes either decision back: the mail waits again.
#[utoipa::path(post, path = "/api/v1/inbound/{id}/undo", params(("id" = String, Path)), responses((status = 200, body = Decided), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn undo(State(app): State<Arc<App>>, ByToken(viewer): ByToken, InPath(id): InPath<i64>) -> Result<Json<Decided>, Problem> {
    let number = held_mail::undo(&app, &viewer, InboundId(id), Source::Api).await?;
    decided(&app, id, number).await
}

async fn decided(app: &App, id: i64, discussion: Option<i64>) -> Result<Json<Decided>, Problem> {
    let held = held_mails::find(&mut *app.db.read().await?, InboundId(id)).await?.ok_or_else(|| Problem::not_found("held mail"))?;
    Ok(Json(Decided { id: id.to_string(), status: held.status, discussion }))
}

/// What became of an address.
#[derive(Serialize, ToSchema)]
pub(super) struct Linked {
    /// The number of the discussion in which it was written from.
    discussion: i64,
    linked: bool,
}

/// The address that a post came from is its author's from now on.
#[utoipa::path(post, path = "/api/v1/posts/{id}/link-address", params(("id" = String, Path)), responses((status = 200, body = Linked), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn link_address(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<Linked>, Problem> {
    let mut tx = app.db.begin().await?;
    let discussion = acts::link_address(&mut tx, &app, &viewer, PostId(id), Source::Api).await?;
    tx.commit().await?;
    app.changed(discussion.number);
    Ok(Json(Linked { discussion: discussion.number, linked: true }))
}

/// It is not theirs after all.
#[utoipa::path(post, path = "/api/v1/posts/{id}/unlink-address", params(("id" = String, Path)), responses((status = 200, body = Linked), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn unlink_address(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<Linked>, Problem> {
    let mut tx = app.db.begin().await?;
    let discussion = acts::unlink_address(&mut tx, &app, &viewer, PostId(id), Source::Api).await?;
    tx.commit().await?;
    app.changed(discussion.number);
    Ok(Json(Linked { discussion: discussion.number, linked: false }))
}
