//! Giving a chat to a project.

use crate::App;
use crate::domain::{ChatKind, Inbox, LineChatId, ProjectKind};
use crate::store::projects::Project;
use crate::store::{Result, Tx, chats, projects};

/// Binds the chat to the project, known or not yet; its discussions go along. The project that was made for it alone is put away.
pub async fn bind_chat(tx: &mut Tx, app: &App, project: &Project, inbox: &Inbox, kind: ChatKind, id: &LineChatId) -> Result<()> {
    if chats::find(tx, inbox, id).await?.is_none() {
        chats::add(tx, inbox, id, kind, project.id).await?;
    }
    let chat = chats::find(tx, inbox, id).await?.ok_or(crate::store::Error::RowNotFound)?;
    chats::lock(tx, app.db.dialect, chat.id).await?;
    chats::bind(tx, chat.id, project.id).await?;
    let before = projects::get(tx, chat.project).await?;
    if before.kind == ProjectKind::Chat && before.id != project.id && chats::of_project(tx, before.id).await?.is_empty() {
        projects::archive(tx, before.id).await?;
    }
    Ok(())
}
