//! Taking an answer back before anything of it has left for clients.

use super::unsend::withdraw;
use super::{CorrectError, Viewer};
use crate::App;
use crate::domain::{PostId, Source};
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::{Tx, chats, discussions, notices, posts};

/// Whether somebody may take the answer back, as far as its author and its way are concerned: who wrote it on the page or through the API,
/// and admins. A mail's words stay in the mailbox that it came from, and what was said in LINE is taken back there.
pub fn may_take_back(viewer: &Viewer, post: &Post) -> bool {
    matches!(post.source, Source::Web | Source::Api)
        && post.retracted_at.is_none()
        && (viewer.is_admin || post.person == Some(viewer.person))
}

/// Takes a post that waits to be told in a chat back: its words go, a tombstone stays, and nobody is told of it any more. The discussion,
/// and files that nothing refers to any more, which are deleted once the transaction is durable.
///
/// # Errors
/// [`CorrectError::Refused`] where something has left for the chat or for a client already, or nothing waits.
pub async fn take_back(tx: &mut Tx, app: &App, viewer: &Viewer, id: PostId) -> Result<(Discussion, Vec<String>), CorrectError> {
    let post = posts::find(tx, id).await?.ok_or(CorrectError::NotFound)?;
    let discussion = discussions::get(tx, post.discussion).await?;
    let role = viewer.role(tx, discussion.project).await?.ok_or(CorrectError::NotFound)?;
    if post.internal && !role.is_staff() {
        return Err(CorrectError::NotFound);
    }
    if !role.is_staff() || !may_take_back(viewer, &post) {
        return Err(CorrectError::Forbidden);
    }
    let chat = discussion.chat.ok_or(CorrectError::Refused("nothing of it waits to leave"))?;
    // Nothing is frozen for the chat while it is held.
    chats::lock(tx, app.db.dialect, chat).await?;
    let chat = chats::get(tx, chat).await?;
    if !notices::answers_waiting(tx, discussion.id).await?.iter().any(|w| w.post == id) {
        return Err(CorrectError::Refused("it has left already, or nothing of it waits to leave"));
    }
    let unused = withdraw(tx, app, &chat, &post, app.clock.now()).await?;
    Ok((discussion, unused))
}
