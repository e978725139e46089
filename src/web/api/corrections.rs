//! Corrections by people: merge, split, move.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shapes::{self, DiscussionWithPosts, Page, PostShape};
use super::{Asked, Body, InPath, page_size};
use crate::App;
use crate::discussions::{self as acts, Corrected, Place, Splitting, With};
use crate::domain::{PostId, Role, Source};
use crate::store::{Tx, discussions, posts, projects};
use crate::web::error::Problem;
use crate::web::viewer::ByToken;

/// Posts of one split.
const POSTS_MAX: usize = 1000;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Merge {
    /// The number of the discussion that takes everything.
    into: i64,
}

/// Puts everything of a discussion into another. Answers with that one; the old number leads there.
#[utoipa::path(post, path = "/api/v1/discussions/{number}/merge", params(("number" = i64, Path)), request_body = Merge, responses((status = 200, body = DiscussionWithPosts), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn merge(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(number): InPath<i64>,
    Body(asked): Body<Merge>,
) -> Result<Json<DiscussionWithPosts>, Problem> {
    let mut tx = app.db.begin().await?;
    let corrected = acts::merge(&mut tx, &app, &viewer, number, asked.into, Source::Api).await?;
    finish(tx, &app, &corrected).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Split {
    post_ids: Vec<String>,
    /// Drawn from the first post where absent.
    title: Option<String>,
}

/// Puts some of a discussion's posts into a new one. Answers with that one.
#[utoipa::path(post, path = "/api/v1/discussions/{number}/split", params(("number" = i64, Path)), request_body = Split, responses((status = 200, body = DiscussionWithPosts), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn split(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(number): InPath<i64>,
    Body(asked): Body<Split>,
) -> Result<Json<DiscussionWithPosts>, Problem> {
    if asked.post_ids.len() > POSTS_MAX {
        return Err(Problem::unprocessable(format!("post_ids may name up to {POSTS_MAX} posts")));
    }
    let chosen = asked.post_ids.iter().map(|id| id.parse().map(PostId)).collect::<Result<Vec<_>, _>>();
    let chosen = chosen.map_err(|_| Problem::unprocessable("post_ids holds something that is no post's id"))?;
    let title = asked.title.as_deref().map(str::trim).filter(|t| !t.is_empty());
    let mut tx = app.db.begin().await?;
    let corrected = acts::split(&mut tx, &app, &viewer, &Splitting { number, posts: &chosen, title }, Source::Api).await?;
    finish(tx, &app, &corrected).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    /// The number of the discussion that it goes to.
    to: i64,
    /// What goes along: `burst` (what its author said with no longer a pause than a minute) or `rest` (everything that follows).
    with: Option<String>,
}

/// Puts one post into another discussion. Answers with that one.
#[utoipa::path(post, path = "/api/v1/posts/{id}/move", params(("id" = String, Path)), request_body = Move, responses((status = 200, body = DiscussionWithPosts), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn move_post(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
    Body(asked): Body<Move>,
) -> Result<Json<DiscussionWithPosts>, Problem> {
    let mut tx = app.db.begin().await?;
    let with = with(asked.with.as_deref())?;
    let place = (PostId(id), with);
    let corrected = acts::place(&mut tx, &app, &viewer, place, Place::Number(asked.to), Source::Api).await?;
    finish(tx, &app, &corrected).await
}

fn with(asked: Option<&str>) -> Result<With, Problem> {
    match asked {
        None | Some("") => Ok(With::Alone),
        Some("burst") => Ok(With::Burst),
        Some("rest") => Ok(With::Rest),
        Some(other) => Err(Problem::unprocessable(format!("with is {other:?}; it must be burst or rest"))),
    }
}

/// Says that a post is where it belongs: it is marked no longer. Answers with its discussion.
#[utoipa::path(post, path = "/api/v1/posts/{id}/confirm", params(("id" = String, Path)), responses((status = 200, body = DiscussionWithPosts), (status = 404, body = Problem)))]
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<DiscussionWithPosts>, Problem> {
    let mut tx = app.db.begin().await?;
    let corrected = acts::place(&mut tx, &app, &viewer, (PostId(id), With::Alone), Place::Here, Source::Api).await?;
    finish(tx, &app, &corrected).await
}

/// A post that a person should look at. Its `why` names the next best discussions.
#[derive(Serialize, ToSchema)]
pub(super) struct UnsureShape {
    /// The number of where it is.
    discussion: i64,
    title: String,
    /// The project's key.
    project: String,
    post: PostShape,
}

#[derive(Deserialize, IntoParams)]
pub(super) struct UnsureListing {
    limit: Option<i64>,
}

/// What the threader was not sure of, the newest first. Confirmed, moved or split off, a post is on it no longer.
#[utoipa::path(get, path = "/api/v1/unsure", params(UnsureListing), responses((status = 200, body = Page<UnsureShape>)))]
pub(super) async fn unsure(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Asked(asked): Asked<UnsureListing>,
) -> Result<Json<Page<UnsureShape>>, Problem> {
    let size = page_size(asked.limit)?;
    let mut c = app.db.read().await?;
    let mut items = vec![];
    for post in posts::unsure(&mut c, viewer.limit(), size).await? {
        let discussion = discussions::get(&mut c, post.discussion).await?;
        let project = projects::get(&mut c, discussion.project).await?.key;
        let post = shapes::post(&app, &post, &[], &[], Role::Staff);
        items.push(UnsureShape { discussion: discussion.number, title: discussion.title, project, post });
    }
    Ok(Json(Page { items, next_cursor: None }))
}

/// Takes a correction back, within 30 days. Answers with the discussion that it was made in.
#[utoipa::path(post, path = "/api/v1/corrections/{id}/undo", params(("id" = i64, Path)), responses((status = 200, body = DiscussionWithPosts), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn undo(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<DiscussionWithPosts>, Problem> {
    let mut tx = app.db.begin().await?;
    let (from, to) = acts::undo(&mut tx, &app, &viewer, id, Source::Api).await?;
    finish(tx, &app, &Corrected { from: to.number, to: from, id: None }).await
}

async fn finish(mut tx: Tx, app: &App, corrected: &Corrected) -> Result<Json<DiscussionWithPosts>, Problem> {
    let Corrected { to, from, id } = corrected;
    let shape = shapes::with_posts(&mut tx, app, to, Role::Staff).await?;
    let shape = DiscussionWithPosts { correction: *id, ..shape };
    tx.commit().await?;
    app.changed(*from);
    app.changed(to.number);
    app.wake.outbox.notify_one();
    Ok(Json(shape))
}
