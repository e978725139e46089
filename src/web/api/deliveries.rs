//! Every notice and what became of it, and what staff do about one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shapes::Page;
use super::{Asked, InPath, id_cursor, page_size, word};
use crate::App;
use crate::discussions::{Telling, Viewer, tell_otherwise};
use crate::domain::{DeliveryStatus, NoticeId, NoticeKind, Via, Why};
use crate::i18n::Locale;
use crate::store::notice_lists::{self, Filter, Listed};
use crate::web::error::Problem;
use crate::web::viewer::ByToken;

#[derive(Deserialize, IntoParams)]
pub(super) struct DeliveryListing {
    status: Option<String>,
    /// A LINE id or a mail address.
    target: Option<String>,
    /// A number.
    discussion: Option<i64>,
    cursor: Option<String>,
    limit: Option<i64>,
}

/// A promise to tell, and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryShape {
    id: String,
    kind: NoticeKind,
    /// A LINE id or a mail address.
    target: String,
    discussion: Option<i64>,
    status: DeliveryStatus,
    attempts: i64,
    /// Why it waits, failed or was dropped: a sentence, with the other side's own words.
    last_error: Option<String>,
    /// The same as a word; absent where the sentence is all there is.
    reason: Option<Why>,
    sent_at: Option<String>,
    /// How it went, or is meant to go.
    via: Via,
    /// People that the delivery is billed for, with everything that travels in it: 0 for all but a push.
    heads: i64,
    /// Not before this.
    due_at: String,
    /// For LINE: a push may be paid for it from here on.
    deadline_at: String,
    /// It travels in the person's next digest, at `due_at`.
    digest: bool,
}

impl From<Listed> for DeliveryShape {
    fn from(n: Listed) -> Self {
        let meant = match (n.chat, n.kind) {
            (None, _) => Via::Email,
            (Some(_), NoticeKind::Opened | NoticeKind::Joined | NoticeKind::Replied) => Via::LineReply,
            (Some(_), _) => Via::LinePush,
        };
        let sentence = |written| {
            let (words, quoted) = Locale::En.texts().reason(written);
            quoted.map_or_else(|| words.clone(), |q| format!("{words}: {q}"))
        };
        Self {
            id: n.id.to_string(),
            kind: n.kind,
            discussion: n.discussion_number,
            status: n.status,
            attempts: n.ride.as_ref().map_or(0, |r| r.attempts),
            last_error: n.why().map(sentence),
            reason: n.why().and_then(Why::read).map(|(why, _)| why),
            sent_at: n.ride.as_ref().and_then(|r| r.sent_at).map(|t| t.to_string()),
            via: n.via().unwrap_or(meant),
            heads: n.ride.as_ref().map_or(0, |r| r.heads),
            due_at: n.due_at.to_string(),
            deadline_at: n.deadline_at.to_string(),
            digest: n.digest,
            target: n.chat_target.or(n.email).unwrap_or_default(),
        }
    }
}

/// Every notice, the newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", params(DeliveryListing), responses((status = 200, body = Page<DeliveryShape>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Asked(asked): Asked<DeliveryListing>,
) -> Result<Json<Page<DeliveryShape>>, Problem> {
    let size = page_size(asked.limit)?;
    let all: Vec<&str> = DeliveryStatus::ALL.iter().map(|s| s.as_str()).collect();
    let filter = Filter {
        member: viewer.limit(),
        status: word("status", asked.status.as_deref(), DeliveryStatus::find, &all)?,
        target: asked.target.filter(|t| !t.is_empty()),
        discussion_number: asked.discussion,
        ..Filter::default()
    };
    let before = id_cursor(asked.cursor.as_deref())?;
    let mut found = notice_lists::page(&mut *app.db.read().await?, &filter, before, size + 1).await?;
    let full = usize::try_from(size).unwrap_or(usize::MAX);
    let more = found.len() > full;
    found.truncate(full);
    let next_cursor = found.last().filter(|_| more).map(|n| n.id.to_string());
    Ok(Json(Page { items: found.into_iter().map(DeliveryShape::from).collect(), next_cursor }))
}

/// Has what failed tried once more, by a delivery of its own, with what failed in the same one.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retry", params(("id" = String, Path)), responses((status = 200, body = DeliveryShape), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<DeliveryShape>, Problem> {
    done(&app, &viewer, id, Telling::Retry).await
}

/// Lets what waits leave now, quiet hours or not: a push is paid for where no free ride is there.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/send-now", params(("id" = String, Path)), responses((status = 200, body = DeliveryShape), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn send_now(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<DeliveryShape>, Problem> {
    done(&app, &viewer, id, Telling::SendNow).await
}

/// Drops what waits.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/cancel", params(("id" = String, Path)), responses((status = 200, body = DeliveryShape), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<DeliveryShape>, Problem> {
    done(&app, &viewer, id, Telling::Cancel).await
}

/// Takes a cancellation back: it waits again.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/restore", params(("id" = String, Path)), responses((status = 200, body = DeliveryShape), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn restore(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(id): InPath<i64>,
) -> Result<Json<DeliveryShape>, Problem> {
    done(&app, &viewer, id, Telling::Restore).await
}

async fn done(app: &App, viewer: &Viewer, id: i64, what: Telling) -> Result<Json<DeliveryShape>, Problem> {
    let mut tx = app.db.begin().await?;
    let notice = tell_otherwise(&mut tx, app, viewer, NoticeId(id), what).await?;
    tx.commit().await?;
    app.wake.outbox.notify_one();
    if let Some(number) = notice.discussion_number {
        app.changed(number);
    }
    Ok(Json(notice.into()))
}
