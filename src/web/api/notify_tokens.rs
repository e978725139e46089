//! Tokens of `/api/notify`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shapes::Page;
use super::{Asked, Body, InPath, id_cursor, page_size};
use crate::App;
use crate::domain::{Inbox, LineChatId, NotifyTokenId, Role};
use crate::store::chats;
use crate::store::notify_tokens::{self, Listed};
use crate::web::error::Problem;
use crate::web::viewer::{ByToken, digest, fresh_secret};

/// What a token begins with, so that people and scanners know what they have found.
const TOKEN_PREFIX: &str = "tn_";
/// The longest name of a token, in characters.
pub(in crate::web) const TOKEN_NAME_CHARS_MAX: usize = 100;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewNotifyToken {
    /// The LINE account's name in the configuration.
    channel: String,
    /// A group's, room's or user's id (`C…`, `R…`, `U…`).
    group_id: String,
    /// Key of the project that the chat belongs to.
    project: String,
    /// What people call it; shown above what it says.
    name: String,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeToken {
    id: String,
    /// Shown this once.
    token: String,
}

/// A token in use; its text is kept nowhere.
#[derive(Serialize, ToSchema)]
pub(super) struct NotifyTokenShape {
    id: String,
    name: String,
    project: String,
    channel: String,
    group_id: String,
    group_name: String,
    made_by: String,
    created_at: String,
    last_used_at: Option<String>,
    /// Calls that were accepted since it was made.
    calls: i64,
}

impl From<Listed> for NotifyTokenShape {
    fn from(t: Listed) -> Self {
        Self {
            id: t.id.to_string(),
            name: t.name,
            project: t.project_key,
            channel: Inbox::stored(t.inbox).name().to_owned(),
            group_id: t.chat,
            group_name: t.chat_name,
            made_by: t.made_by,
            created_at: t.created_at.to_string(),
            last_used_at: t.last_used_at.map(|at| at.to_string()),
            calls: t.calls,
        }
    }
}

/// A new token's text.
pub(in crate::web) fn fresh_token() -> String {
    format!("{TOKEN_PREFIX}{}", fresh_secret())
}

/// The name as it is kept; `None` where it cannot be one.
pub(in crate::web) fn plain_name(name: &str) -> Option<&str> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= TOKEN_NAME_CHARS_MAX && !name.contains(char::is_control);
    fits.then_some(name)
}

/// Makes a token by which a script speaks in one of the project's chats.
#[utoipa::path(post, path = "/api/v1/notify-tokens", request_body = NewNotifyToken, responses((status = 201, body = MadeToken), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Body(new): Body<NewNotifyToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    if !app.line.contains_key(&new.channel) {
        let names: Vec<&str> = app.line.keys().map(String::as_str).collect();
        let detail = format!("channel is {:?}; the configured LINE accounts are: {}", new.channel, names.join(", "));
        return Err(Problem::unprocessable(detail));
    }
    let name = plain_name(&new.name)
        .ok_or_else(|| Problem::unprocessable(format!("name must be 1 to {TOKEN_NAME_CHARS_MAX} characters of plain text")))?;
    let mut tx = app.db.begin().await?;
    let (project, role) = viewer.project(&mut tx, &new.project).await?.ok_or_else(|| Problem::not_found("project"))?;
    if !role.is_staff() {
        return Err(Problem::forbidden("only the project's staff and admins may make tokens"));
    }
    let chat = chats::find(&mut tx, &Inbox::line(&new.channel), &LineChatId(new.group_id.clone())).await?;
    let Some(chat) = chat.filter(|c| c.project == project.id) else {
        let detail = format!(
            "the chat {:?} does not belong to the project {:?}; bind it first: PUT /api/v1/projects/{}/line-groups",
            new.group_id, project.key, project.key
        );
        return Err(Problem::unprocessable(detail));
    };
    let token = fresh_token();
    let id = notify_tokens::add(&mut tx, chat.id, name, &digest(&token), viewer.person, app.clock.now()).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(MadeToken { id: id.to_string(), token })))
}

#[derive(Deserialize, IntoParams)]
pub(super) struct TokenListing {
    /// A project's key.
    project: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

/// The tokens in use that speak in the chats of the projects that the token's user is staff of.
#[utoipa::path(get, path = "/api/v1/notify-tokens", params(TokenListing), responses((status = 200, body = Page<NotifyTokenShape>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Asked(asked): Asked<TokenListing>,
) -> Result<Json<Page<NotifyTokenShape>>, Problem> {
    let size = page_size(asked.limit)?;
    let after = id_cursor(asked.cursor.as_deref())?.unwrap_or(0);
    let mut c = app.db.read().await?;
    let project = match asked.project.filter(|p| !p.is_empty()) {
        Some(key) => match viewer.project(&mut c, &key).await? {
            Some((project, role)) if role.is_staff() => Some(project.id),
            _ => return Err(Problem::not_found("project")),
        },
        None => None,
    };
    let mut found = notify_tokens::page(&mut c, viewer.limit(), project, after, size + 1).await?;
    let full = usize::try_from(size).unwrap_or(usize::MAX);
    let more = found.len() > full;
    found.truncate(full);
    let next_cursor = found.last().filter(|_| more).map(|t| t.id.to_string());
    Ok(Json(Page { items: found.into_iter().map(Into::into).collect(), next_cursor }))
}

/// Takes a token back: it speaks no more. What it said before still leaves.
#[utoipa::path(delete, path = "/api/v1/notify-tokens/{id}", params(("id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn revoke(State(app): State<Arc<App>>, ByToken(viewer): ByToken, InPath(id): InPath<i64>) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin().await?;
    let missing = || Problem::not_found("token");
    let token = notify_tokens::get(&mut tx, NotifyTokenId(id)).await?.ok_or_else(missing)?;
    if !viewer.role(&mut tx, token.project).await?.is_some_and(Role::is_staff) {
        return Err(missing());
    }
    notify_tokens::revoke(&mut tx, token.id, app.clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
