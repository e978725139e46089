//! Giving a chat to a project.

use super::part::part;
use crate::App;
use crate::domain::{ChatKind, Inbox, LineChatId, ProjectKind, Why};
use crate::store::chats::Chat;
use crate::store::projects::Project;
use crate::store::{Result, Tx, chats, notify_tokens, projects};

/// Letters and digits of LINE's id in the key of a chat's own project.
const OWN_KEY_CHARS_MAX: usize = 48;

/// The key of the project that an unbound chat gets: from LINE's id, which is unique.
pub fn own_project_key(id: &LineChatId) -> String {
    let id: String = id.as_str().to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).take(OWN_KEY_CHARS_MAX).collect();
    format!("line-{id}")
}

/// Takes a binding back: the chat and its discussions return to a project of its own, which only admins see.
pub async fn unbind_chat(tx: &mut Tx, app: &App, chat: &Chat) -> Result<()> {
    chats::lock(tx, app.db.dialect, chat.id).await?;
    let name = if chat.name.is_empty() { chat.external_id.as_str() } else { &chat.name };
    let own = projects::find_or_add(tx, &own_project_key(&chat.external_id), name, ProjectKind::Chat, app.clock.now()).await?;
    projects::unarchive(tx, own).await?;
    part(tx, app, chat).await?;
    chats::unbind(tx, chat.id, own).await
}

/// Binds the chat to the project, known or not yet; its discussions go along. The project that was made for it alone is put away.
pub async fn bind_chat(tx: &mut Tx, app: &App, project: &Project, inbox: &Inbox, kind: ChatKind, id: &LineChatId) -> Result<()> {
    if chats::find(tx, inbox, id).await?.is_none() {
        chats::add(tx, inbox, id, kind, project.id).await?;
    }
    let chat = chats::find(tx, inbox, id).await?.ok_or(crate::store::Error::RowNotFound)?;
    chats::lock(tx, app.db.dialect, chat.id).await?;
    if chat.project != project.id {
        part(tx, app, &chat).await?;
    }
    chats::bind(tx, chat.id, project.id).await?;
    notify_tokens::drop_of_others(tx, chat.id, Why::NoLongerSo.as_str()).await?;
    let before = projects::get(tx, chat.project).await?;
    if before.kind == ProjectKind::Chat && before.id != project.id && chats::of_project(tx, before.id).await?.is_empty() {
        projects::archive(tx, before.id).await?;
    }
    Ok(())
}
