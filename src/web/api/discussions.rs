//! Discussions and posts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use super::shapes::{self, DiscussionShape, DiscussionWithPosts, Page, PostShape, staff_only};
use super::{Asked, Body, InPath, bad_cursor, page_size, word};
use crate::App;
use crate::discussions::{self as acts, CorrectError, Tell};
use crate::domain::{BODY_BYTES_MAX, Channel, Inbox, PostId, Role, Source, Status};
use crate::store::discussion_events::By;
use crate::store::discussions::{Filter, Opening};
use crate::store::posts::NewPost;
use crate::store::{Tx, discussions, persons, posts, projects};
use crate::threading::Evidence;
use crate::web::error::Problem;
use crate::web::viewer::ByToken;

#[derive(Deserialize, IntoParams)]
pub(super) struct Listing {
    /// A project's key.
    project: Option<String>,
    status: Option<String>,
    /// A mail address.
    assignee: Option<String>,
    /// `line`, `email`, `web`, `api`, or a LINE account's name.
    channel: Option<String>,
    /// Words in titles and posts.
    q: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

/// Discussions, the last activity first.
#[utoipa::path(get, path = "/api/v1/discussions", params(Listing), responses((status = 200, body = Page<DiscussionShape>), (status = 400, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Asked(asked): Asked<Listing>,
) -> Result<Json<Page<DiscussionShape>>, Problem> {
    let size = page_size(asked.limit)?;
    let nothing = || Ok(Json(Page { items: vec![], next_cursor: None }));
    let mut c = app.db.read().await?;
    let mut filter = Filter { member: viewer.limit(), text: asked.q.filter(|q| !q.trim().is_empty()), ..Filter::default() };
    filter.status = word("status", asked.status.as_deref(), Status::find, &Status::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>())?;
    if let Some(key) = asked.project.as_deref().filter(|k| !k.is_empty()) {
        match projects::find(&mut c, key).await? {
            Some(project) => filter.project = Some(project.id),
            None => return nothing(),
        }
    }
    if let Some(email) = asked.assignee.as_deref().filter(|e| !e.is_empty()) {
        match persons::find_by_identity(&mut c, Channel::Email, &email.to_lowercase()).await? {
            Some(person) => filter.assignee = Some(person.id),
            None => return nothing(),
        }
    }
    if let Some(channel) = asked.channel.as_deref().filter(|w| !w.is_empty()) {
        match Source::find(channel) {
            Some(source) => filter.source = Some(source),
            None if app.line.contains_key(channel) => filter.inbox = Some(Inbox::line(channel).as_str().to_owned()),
            None => {
                return Err(Problem::bad_request(format!(
                    "channel is {channel:?}; it must be line, email, web, api or a LINE account's name"
                )));
            }
        }
    }
    if let Some(cursor) = asked.cursor.as_deref().filter(|w| !w.is_empty()) {
        let (at, id) = cursor.split_once('.').ok_or_else(bad_cursor)?;
        filter.after = Some((at.parse().map_err(|_| bad_cursor())?, id.parse().map_err(|_| bad_cursor())?));
    }
    let mut found = discussions::page(&mut c, &filter, size + 1).await?;
    let full = usize::try_from(size).unwrap_or(usize::MAX);
    let more = found.len() > full;
    found.truncate(full);
    let next_cursor = found.last().filter(|_| more).map(|d| format!("{}.{}", d.last_post_at.as_microsecond(), d.id));
    let mut items = Vec::with_capacity(found.len());
    for d in &found {
        items.push(shapes::discussion(&mut c, &app, d).await?);
    }
    Ok(Json(Page { items, next_cursor }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMatter {
    /// The project's key.
    project: String,
    title: String,
    body: String,
}

/// Opens a discussion, as the token's user.
#[utoipa::path(post, path = "/api/v1/discussions", request_body = NewMatter, responses((status = 201, body = DiscussionWithPosts), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn open(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Body(new): Body<NewMatter>,
) -> Result<(StatusCode, Json<DiscussionWithPosts>), Problem> {
    let title = &acts::plain_title(&new.title)?;
    let body = plain_body(&new.body)?;
    let mut tx = app.db.begin().await?;
    let (project, role) = viewer.project(&mut tx, &new.project).await?.ok_or_else(|| Problem::not_found("project"))?;
    // What staff open concerns the client: it is told in the project's chat, if it has one.
    let chat = if role.is_staff() { crate::store::chats::of_project(&mut tx, project.id).await?.first().map(|c| c.id) } else { None };
    let evidence = Evidence::Directly {}.to_json();
    let now = app.clock.now();
    let matter = Opening { project: project.id, title, chat, source: Source::Api, at: now };
    let words = NewPost::words(viewer.person, role, Source::Api, body, &evidence, now);
    let written = acts::open(&mut tx, &app, &matter, &words, Tell::Everybody).await?;
    let shape = shapes::with_posts(&mut tx, &app, &written.discussion, role).await?;
    tx.commit().await?;
    told(&app, written.discussion.number);
    Ok((StatusCode::CREATED, Json(shape)))
}

fn told(app: &App, number: i64) {
    app.changed(number);
    app.wake.outbox.notify_one();
}

/// One discussion with its posts. The number of a merged one leads to its target.
#[utoipa::path(get, path = "/api/v1/discussions/{number}", params(("number" = i64, Path)), responses((status = 200, body = DiscussionWithPosts), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(number): InPath<i64>,
) -> Result<Json<DiscussionWithPosts>, Problem> {
    let mut c = app.db.snapshot().await?;
    let (discussion, role) = viewer.discussion(&mut c, number).await?.ok_or_else(|| Problem::not_found("discussion"))?;
    Ok(Json(shapes::with_posts(&mut c, &app, &discussion, role).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewReply {
    body: String,
    /// For staff alone.
    internal: Option<bool>,
}

/// Says something in the discussion, as the token's user.
#[utoipa::path(post, path = "/api/v1/discussions/{number}/posts", params(("number" = i64, Path)), request_body = NewReply, responses((status = 201, body = PostShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn reply(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(number): InPath<i64>,
    Body(new): Body<NewReply>,
) -> Result<(StatusCode, Json<PostShape>), Problem> {
    let body = plain_body(&new.body)?;
    let internal = new.internal.unwrap_or(false);
    let mut tx = app.db.begin().await?;
    let (discussion, role) = viewer.matter(&mut tx, number).await?.ok_or_else(|| Problem::not_found("discussion"))?;
    if internal {
        staff_only(role)?;
    }
    let evidence = Evidence::Directly {}.to_json();
    let words = NewPost { internal, ..NewPost::words(viewer.person, role, Source::Api, body, &evidence, app.clock.now()) };
    let written = acts::post(&mut tx, &app, discussion, &words, Tell::Everybody).await?;
    let id = written.post.ok_or_else(|| Problem::conflict("this was posted already"))?;
    let post = posts::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("post"))?;
    tx.commit().await?;
    told(&app, written.discussion.number);
    Ok((StatusCode::CREATED, Json(shapes::post(&app, &post, &[], &[], role))))
}

/// Takes an answer back of which nothing has left yet for the chat or for a client: its words go, a tombstone stays, and the status that was
/// set with it is what it was before. Done already, it is done. For who wrote it here or on the page, and admins.
#[utoipa::path(post, path = "/api/v1/posts/{id}/undo", params(("id" = String, Path)), responses((status = 200, body = PostShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn undo(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<String>,
) -> Result<Json<PostShape>, Problem> {
    let id = PostId(id.parse().map_err(|_| Problem::not_found("post"))?);
    let mut tx = app.db.begin().await?;
    let taken = match acts::take_back(&mut tx, &app, &viewer, id).await {
        Err(CorrectError::Refused(why)) => return Err(Problem::conflict(why)),
        other => other?,
    };
    let post = posts::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("post"))?;
    tx.commit().await?;
    told(&app, taken.discussion.number);
    for sha256 in taken.unused {
        app.files.delete(&sha256).await.map_err(|_| Problem::conflict("the file store does not answer"))?;
    }
    Ok(Json(shapes::post(&app, &post, &[], &[], Role::Staff)))
}

/// What a change says of a field: nothing, or its new value.
#[derive(Default)]
pub(super) enum Said<T> {
    #[default]
    Nothing,
    Is(T),
}

/// Tells `null` (nobody) from an absent field (unchanged).
fn given<'de, D: Deserializer<'de>>(d: D) -> Result<Said<Option<String>>, D::Error> {
    Option::<String>::deserialize(d).map(Said::Is)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    title: Option<String>,
    status: Option<String>,
    /// The mail address of one of the project's staff; `null` for nobody.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    assignee: Said<Option<String>>,
    /// Its notices pass quiet hours and do not wait.
    urgent: Option<bool>,
}

/// Changes title, status, assignee or urgency.
#[utoipa::path(patch, path = "/api/v1/discussions/{number}", params(("number" = i64, Path)), request_body = Change, responses((status = 200, body = DiscussionWithPosts), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(number): InPath<i64>,
    Body(change): Body<Change>,
) -> Result<Json<DiscussionWithPosts>, Problem> {
    let mut tx = app.db.begin().await?;
    let (mut discussion, role) = viewer.matter(&mut tx, number).await?.ok_or_else(|| Problem::not_found("discussion"))?;
    staff_only(role)?;
    let by = By { person: Some(viewer.person), via: Source::Api };
    for change in changes(&mut tx, change).await? {
        acts::change(&mut tx, &app, &mut discussion, by, change).await?;
    }
    let shape = shapes::with_posts(&mut tx, &app, &discussion, role).await?;
    tx.commit().await?;
    told(&app, discussion.number);
    Ok(Json(shape))
}

async fn changes(tx: &mut Tx, asked: Change) -> Result<Vec<acts::Change>, Problem> {
    let mut changes = vec![];
    changes.extend(asked.title.map(acts::Change::Title));
    if let Some(status) = &asked.status {
        let all: Vec<&str> = Status::ALL.iter().map(|s| s.as_str()).collect();
        let status = Status::find(status)
            .ok_or_else(|| Problem::unprocessable(format!("status is {status:?}; it must be one of {}", all.join(", "))))?;
        changes.push(acts::Change::Status(status));
    }
    if let Said::Is(assignee) = &asked.assignee {
        let person = match assignee.as_deref().map(str::to_lowercase) {
            None => None,
            Some(email) => {
                let person = persons::find_by_identity(tx, Channel::Email, &email).await?;
                Some(person.ok_or_else(|| Problem::unprocessable(format!("nobody has the mail address {email:?}")))?.id)
            }
        };
        changes.push(acts::Change::Assignee(person));
    }
    changes.extend(asked.urgent.map(acts::Change::Urgent));
    Ok(changes)
}

fn plain_body(body: &str) -> Result<&str, Problem> {
    if body.trim().is_empty() || body.len() > BODY_BYTES_MAX {
        return Err(Problem::unprocessable(format!("body must have 1 to {BODY_BYTES_MAX} bytes")));
    }
    Ok(body)
}
