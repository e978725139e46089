//! `POST /posts/{id}/undo`: an answer is taken back before anything of it has left for clients. Its words stand in the reply box again.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use uuid::Uuid;

use super::{Answer, Refusal, answer, discussion_show, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, CorrectError};
use crate::domain::PostId;
use crate::store::{discussions, posts};
use crate::web::templates::discussion::Draft;

/// Takes it back.
pub(super) async fn undo(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    answer(&app, taken_back(&app, &id, &headers).await)
}

async fn taken_back(app: &App, id: &str, headers: &HeaderMap) -> Answer {
    let id = PostId(id.parse().map_err(|_| Refusal::NotFound)?);
    let viewer = staff_or_client(app, headers, "/discussions").await?;
    let mut tx = app.db.begin().await?;
    let taken = match acts::take_back(&mut tx, app, &viewer, id).await {
        Err(CorrectError::Refused(_)) => {
            let post = posts::find(&mut tx, id).await?.ok_or(Refusal::NotFound)?;
            let number = discussions::get(&mut tx, post.discussion).await?.number;
            drop(tx);
            let trouble = app.texts().get("page.undo_too_late").to_owned();
            return discussion_show::again(app, &viewer, number, None, Some(trouble)).await;
        }
        other => other?,
    };
    tx.commit().await?;
    let number = taken.discussion.number;
    app.changed(number);
    for sha256 in taken.unused {
        app.files.delete(&sha256).await.map_err(|_| Refusal::Away)?;
    }
    if taken.words.is_empty() {
        return Ok(to(&format!("/d/{number}#post-{id}")));
    }
    let draft = Draft {
        form_id: Uuid::new_v4().to_string(),
        body: taken.words,
        status: taken.status,
        told: Some(app.texts().get("page.undone_answer").to_owned()),
        ..Draft::default()
    };
    discussion_show::with_draft(app, &viewer, number, draft).await
}
