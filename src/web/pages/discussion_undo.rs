//! `POST /posts/{id}/undo`: an answer is taken back before anything of it has left for clients.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::{Answer, Refusal, answer, discussion_show, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, CorrectError};
use crate::domain::PostId;
use crate::store::{discussions, posts};

/// Takes it back.
pub(super) async fn undo(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    answer(&app, taken_back(&app, &id, &headers).await)
}

async fn taken_back(app: &App, id: &str, headers: &HeaderMap) -> Answer {
    let id = PostId(id.parse().map_err(|_| Refusal::NotFound)?);
    let viewer = staff_or_client(app, headers, "/discussions").await?;
    let mut tx = app.db.begin().await?;
    let (discussion, unused) = match acts::take_back(&mut tx, app, &viewer, id).await {
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
    app.changed(discussion.number);
    for sha256 in unused {
        app.files.delete(&sha256).await.map_err(|_| Refusal::Away)?;
    }
    Ok(to(&format!("/d/{}#post-{id}", discussion.number)))
}
