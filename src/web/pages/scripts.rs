//! Tokens of `/api/notify` on a project's page: made (and shown once) and revoked by its staff.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::projects::{address, as_staff, gather};
use super::{Answer, FormOf, Refusal, answer, html, staff_or_client, to};
use crate::App;
use crate::domain::{ChatId, NotifyTokenId};
use crate::store::{chats, notify_tokens};
use crate::web::api::notify_tokens::{TOKEN_NAME_CHARS_MAX, fresh_token, plain_name};
use crate::web::templates::Look;
use crate::web::templates::projects::{ProjectView, project as draw};
use crate::web::templates::scripts::Scripts;
use crate::web::viewer::digest;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    chat: String,
    #[serde(default)]
    name: String,
}

/// Makes a token that speaks in one of the project's chats.
pub(super) async fn make(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap, form: FormOf<Asked>) -> Response {
    answer(&app, made(&app, &key, &headers, form).await)
}

async fn made(app: &App, key: &str, headers: &HeaderMap, form: FormOf<Asked>) -> Answer {
    let viewer = staff_or_client(app, headers, &address(key)?).await?;
    let Form(asked) = form?;
    let mut tx = app.db.begin().await?;
    let (project, role) = as_staff(&mut tx, &viewer, key).await?;
    let chat = match asked.chat.parse() {
        Ok(id) => chats::find_by_id(&mut tx, ChatId(id)).await?.filter(|c| c.project == project.id),
        Err(_) => None,
    };
    let mut view = gather(&mut tx, app, project, role).await?;
    let (status, scripts) = match (chat, plain_name(&asked.name)) {
        (Some(chat), Some(name)) => {
            let token = fresh_token();
            notify_tokens::add(&mut tx, chat.id, name, &digest(&token), viewer.person, app.clock.now()).await?;
            view = gather(&mut tx, app, view.project, role).await?;
            (StatusCode::OK, Scripts { made: Some(token), ..view.scripts })
        }
        (chat, _) => {
            let why = match chat {
                None => app.texts().get("page.scripts_bad_chat").to_owned(),
                Some(_) => app.texts().fill("page.scripts_bad_name", &[("count", &TOKEN_NAME_CHARS_MAX.to_string())]),
            };
            (StatusCode::UNPROCESSABLE_ENTITY, Scripts { name: asked.name, trouble: Some(why), ..view.scripts })
        }
    };
    tx.commit().await?;
    Ok(html(status, draw(&Look::by(app, &viewer), &ProjectView { scripts, ..view })))
}

/// Takes one back.
pub(super) async fn revoke(State(app): State<Arc<App>>, Path((key, id)): Path<(String, i64)>, headers: HeaderMap) -> Response {
    answer(&app, revoked(&app, &key, id, &headers).await)
}

async fn revoked(app: &App, key: &str, id: i64, headers: &HeaderMap) -> Answer {
    let here = address(key)?;
    let viewer = staff_or_client(app, headers, &here).await?;
    let mut tx = app.db.begin().await?;
    let (project, _) = as_staff(&mut tx, &viewer, key).await?;
    let token = notify_tokens::get(&mut tx, NotifyTokenId(id)).await?.filter(|t| t.project == project.id).ok_or(Refusal::NotFound)?;
    notify_tokens::revoke(&mut tx, token.id, app.clock.now()).await?;
    tx.commit().await?;
    Ok(to(&format!("{here}#scripts")))
}
