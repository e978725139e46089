//! What staff tell the groups of chosen projects.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shapes::Page;
use super::{Asked, Body, InPath, id_cursor, page_size};
use crate::App;
use crate::discussions::{AnnouncementCost, Announcing, Viewer, announce, choose, costs, withdraw as take_back};
use crate::domain::{AnnouncementId, DeliveryStatus, Via};
use crate::store::announcements::{self, Announcement, Became};
use crate::web::error::Problem;
use crate::web::viewer::{ByToken, fresh_secret};

/// The longest name that a caller gives an announcement, in bytes.
const ONCE_BYTES_MAX: usize = 200;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAnnouncement {
    /// 1 to 5,000 UTF-16 units.
    text: String,
    /// Keys of projects; their LINE chats are told. Instead: `all`.
    projects: Option<Vec<String>>,
    /// Every project that the token's user is staff of.
    #[serde(default)]
    all: bool,
    /// Pushed at once, quiet hours or not, instead of waiting for a free ride until the projects' next digest.
    #[serde(default)]
    urgent: bool,
    /// A name of the caller's: the same name again is the same announcement.
    once: Option<String>,
    /// Says what it would cost and announces nothing.
    #[serde(default)]
    preview: bool,
}

/// What an announcement would cost on one LINE account.
#[derive(Serialize, ToSchema)]
pub(super) struct CostShape {
    channel: String,
    groups: usize,
    /// People in them: messages billed if all of them were pushed.
    heads: i64,
    /// Groups of which LINE has not told how many are in them; counted as one person each.
    uncounted: usize,
    /// Messages that may still be billed this month; null where nobody set a bound.
    left: Option<i64>,
}

impl From<AnnouncementCost> for CostShape {
    fn from(c: AnnouncementCost) -> Self {
        Self { channel: c.account, groups: c.groups, heads: c.heads, uncounted: c.uncounted, left: c.left }
    }
}

/// An announcement and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct AnnouncementShape {
    id: String,
    text: String,
    by: String,
    urgent: bool,
    created_at: String,
    withdrawn_at: Option<String>,
    /// Groups where it waits, left for free, was pushed, failed, was dropped.
    waiting: i64,
    free: i64,
    pushed: i64,
    failed: i64,
    dropped: i64,
    /// People that its pushes were billed for.
    heads: i64,
    /// Clients who are told by mail, since a group of theirs could not be.
    mailed: i64,
}

impl From<Announcement> for AnnouncementShape {
    fn from(a: Announcement) -> Self {
        Self {
            id: a.id.to_string(),
            text: a.body,
            by: a.by_name,
            urgent: a.urgent,
            created_at: a.created_at.to_string(),
            withdrawn_at: a.withdrawn_at.map(|at| at.to_string()),
            waiting: a.waiting,
            free: a.free,
            pushed: a.pushed,
            failed: a.failed,
            dropped: a.dropped,
            heads: a.heads,
            mailed: a.mailed,
        }
    }
}

/// What became of it in one group.
#[derive(Serialize, ToSchema)]
pub(super) struct InGroupShape {
    project: String,
    group_id: String,
    group_name: String,
    status: DeliveryStatus,
    /// Null until it is decided.
    via: Option<Via>,
    heads: i64,
    sent_at: Option<String>,
    /// For what waits: a push may be paid for it from here on.
    deadline_at: String,
    reason: Option<String>,
}

impl From<Became> for InGroupShape {
    fn from(i: Became) -> Self {
        Self {
            project: i.project_key,
            group_id: i.chat,
            group_name: i.chat_name,
            status: i.status,
            via: i.via,
            heads: i.heads,
            sent_at: i.sent_at.map(|at| at.to_string()),
            deadline_at: i.deadline_at.to_string(),
            reason: i.reason,
        }
    }
}

/// An announcement with its groups; a preview has only `cost`.
#[derive(Serialize, ToSchema)]
pub(super) struct WholeAnnouncement {
    #[serde(flatten)]
    announcement: Option<AnnouncementShape>,
    groups: Vec<InGroupShape>,
    cost: Vec<CostShape>,
}

/// Tells the groups of the chosen projects something.
#[utoipa::path(post, path = "/api/v1/announcements", request_body = NewAnnouncement, responses((status = 201, body = WholeAnnouncement), (status = 200, body = WholeAnnouncement, description = "a preview, or what was announced under this name before"), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Body(new): Body<NewAnnouncement>,
) -> Result<(StatusCode, Json<WholeAnnouncement>), Problem> {
    let keys = match (&new.projects, new.all) {
        (Some(keys), false) => Some(keys.as_slice()),
        (None, true) => None,
        _ => return Err(Problem::unprocessable("give either projects, a list of keys, or all: true")),
    };
    if new.once.as_ref().is_some_and(|o| o.is_empty() || o.len() > ONCE_BYTES_MAX) {
        return Err(Problem::unprocessable(format!("once must be 1 to {ONCE_BYTES_MAX} bytes")));
    }
    let mut tx = app.db.begin().await?;
    let to = choose(&mut tx, &viewer, keys).await?;
    let cost: Vec<CostShape> = costs(&mut tx, &app, &to).await?.into_iter().map(Into::into).collect();
    if new.preview {
        return Ok((StatusCode::OK, Json(WholeAnnouncement { announcement: None, groups: vec![], cost })));
    }
    // A name of the caller's never meets a form's.
    let form = new.once.map_or_else(fresh_secret, |once| format!("once:{once}"));
    let made = announce(&mut tx, &app, &viewer, Announcing { form: &form, text: &new.text, urgent: new.urgent }, &to).await?;
    tx.commit().await?;
    app.wake.outbox.notify_one();
    let whole = whole(&app, &viewer, made.id).await?;
    let status = if made.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(WholeAnnouncement { cost, ..whole })))
}

async fn whole(app: &App, viewer: &Viewer, id: AnnouncementId) -> Result<WholeAnnouncement, Problem> {
    let mut c = app.db.read().await?;
    let found = seen(announcements::find(&mut c, id).await?, viewer)?;
    let groups = announcements::in_chats(&mut c, id).await?.into_iter().map(Into::into).collect();
    Ok(WholeAnnouncement { announcement: Some(found.into()), groups, cost: vec![] })
}

/// Its author and admins see an announcement.
fn seen(found: Option<Announcement>, viewer: &Viewer) -> Result<Announcement, Problem> {
    found.filter(|a| viewer.is_admin || a.by == viewer.person).ok_or_else(|| Problem::not_found("announcement"))
}

#[derive(Deserialize, IntoParams)]
pub(super) struct AnnouncementListing {
    cursor: Option<String>,
    limit: Option<i64>,
}

/// What was announced, the newest first: everything for admins, their own for others.
#[utoipa::path(get, path = "/api/v1/announcements", params(AnnouncementListing), responses((status = 200, body = Page<AnnouncementShape>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Asked(asked): Asked<AnnouncementListing>,
) -> Result<Json<Page<AnnouncementShape>>, Problem> {
    let size = page_size(asked.limit)?;
    let before = id_cursor(asked.cursor.as_deref())?;
    let mut found = announcements::page(&mut *app.db.read().await?, viewer.limit(), before, size + 1).await?;
    let full = usize::try_from(size).unwrap_or(usize::MAX);
    let more = found.len() > full;
    found.truncate(full);
    let next_cursor = found.last().filter(|_| more).map(|a| a.id.to_string());
    Ok(Json(Page { items: found.into_iter().map(Into::into).collect(), next_cursor }))
}

/// One announcement, with what became of it in each group.
#[utoipa::path(get, path = "/api/v1/announcements/{id}", params(("id" = String, Path)), responses((status = 200, body = WholeAnnouncement), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<WholeAnnouncement>, Problem> {
    whole(&app, &viewer, AnnouncementId(id)).await.map(Json)
}

/// Takes back what has not left yet.
#[utoipa::path(post, path = "/api/v1/announcements/{id}/withdraw", params(("id" = String, Path)), responses((status = 200, body = WholeAnnouncement), (status = 404, body = Problem)))]
pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<WholeAnnouncement>, Problem> {
    let id = AnnouncementId(id);
    let mut tx = app.db.begin().await?;
    let found = seen(announcements::find(&mut tx, id).await?, &viewer)?;
    take_back(&mut tx, &app, &viewer, &found).await?;
    tx.commit().await?;
    whole(&app, &viewer, id).await.map(Json)
}
