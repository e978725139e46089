//! Taking an answer back before anything of it has left for clients.

use std::collections::BTreeSet;

use super::audience::chats_concerned;
use super::change::{change, change_quietly};
use super::unsend::withdraw;
use super::{Change, CorrectError, Viewer};
use crate::App;
use crate::domain::{ChatId, DiscussionId, Happening, HappeningKind, NoticeKind, PostId, Source, Status, Why};
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::{Tx, chats, deliveries, discussion_events, discussions, notices, posts};

/// An answer that is no more.
#[derive(Clone, Debug)]
pub struct TakenBack {
    pub discussion: Discussion,
    /// What its author may want to write anew: it is kept nowhere. Empty for others, and where it had been taken back before.
    pub words: String,
    /// The status that was set with it, and is taken back too.
    pub status: Option<Status>,
    /// Files that nothing refers to any more: they are deleted once the transaction is durable.
    pub unused: Vec<String>,
}

/// Whether somebody may take the answer back, as far as its author and its way are concerned: who wrote it on the page or through the API,
/// and admins. A mail's words stay in the mailbox that it came from, and what was said in LINE is taken back there.
pub fn may_take_back(viewer: &Viewer, post: &Post) -> bool {
    post.retracted_at.is_none() && is_theirs(viewer, post)
}

fn is_theirs(viewer: &Viewer, post: &Post) -> bool {
    matches!(post.source, Source::Web | Source::Api) && (viewer.is_admin || post.person == Some(viewer.person))
}

/// Takes a post that waits to be told in a chat back: its words go, a tombstone stays, and nobody is told of it any more. The status that
/// was set with it is what it was before. Done already, it is done.
///
/// # Errors
/// [`CorrectError::Refused`] where something has left for the chat or for a client already, or nothing waits.
pub async fn take_back(tx: &mut Tx, app: &App, viewer: &Viewer, id: PostId) -> Result<TakenBack, CorrectError> {
    let post = posts::find(tx, id).await?.ok_or(CorrectError::NotFound)?;
    let discussion = discussions::get(tx, post.discussion).await?;
    let role = viewer.role(tx, discussion.project).await?.ok_or(CorrectError::NotFound)?;
    if post.internal && !role.is_staff() {
        return Err(CorrectError::NotFound);
    }
    if !role.is_staff() || !is_theirs(viewer, &post) {
        return Err(CorrectError::Forbidden);
    }
    let concerned: BTreeSet<ChatId> = chats_concerned(tx, &discussion).await?.into_iter().collect();
    // Nothing is frozen for the chats while they are held. Of two at once the second finds it done.
    for chat in &concerned {
        chats::lock(tx, app.db.dialect, *chat).await?;
    }
    let chat = discussion.chat.or(concerned.first().copied()).ok_or(CorrectError::Refused("nothing of it waits to leave"))?;
    let chat = chats::get(tx, chat).await?;
    let post = posts::find(tx, id).await?.ok_or(CorrectError::NotFound)?;
    let mut taken = TakenBack { discussion, words: String::new(), status: None, unused: vec![] };
    if post.retracted_at.is_some() {
        return Ok(taken);
    }
    if !notices::answers_waiting(tx, taken.discussion.id).await?.iter().any(|w| w.post == id) {
        return Err(CorrectError::Refused("it has left already, or nothing of it waits to leave"));
    }
    taken.unused = withdraw(tx, app, &chat, &post, app.clock.now()).await?;
    taken.status = match answered_elsewhere(tx, &taken.discussion, &post).await? {
        Some(there) => {
            let mut there = discussions::get(tx, there).await?;
            take_status_back(tx, app, viewer, &mut there, &post).await?
        }
        None => take_status_back(tx, app, viewer, &mut taken.discussion, &post).await?,
    };
    if post.person == Some(viewer.person) {
        taken.words = post.body;
    }
    Ok(taken)
}

/// The discussion that it answered, where it was moved from there since: the status that was set with it is that one's.
async fn answered_elsewhere(tx: &mut Tx, now_in: &Discussion, post: &Post) -> Result<Option<DiscussionId>, CorrectError> {
    let by = By { person: post.person, via: post.source };
    let set_in = discussion_events::of_instant(tx, now_in.project, HappeningKind::Status, (by, post.created_at)).await?;
    for there in set_in.into_iter().filter(|id| *id != now_in.id) {
        if discussions::get(tx, there).await?.merged_into.is_none() {
            return Ok(Some(there));
        }
    }
    Ok(None)
}

/// The status that was set in the same instant as the post goes with it, unless somebody has set another since.
async fn take_status_back(
    tx: &mut Tx,
    app: &App,
    viewer: &Viewer,
    discussion: &mut Discussion,
    post: &Post,
) -> Result<Option<Status>, CorrectError> {
    let Some(event) = discussion_events::last(tx, discussion.id, HappeningKind::Status).await? else { return Ok(None) };
    let Happening::Status { from, to } = event.what else { return Ok(None) };
    let is_its_own = (event.at, event.person, event.via) == (post.created_at, post.person, post.source);
    if !is_its_own || discussion.status != to {
        return Ok(None);
    }
    let by = By { person: Some(viewer.person), via: post.source };
    if deliveries::left_since(tx, discussion.id, NoticeKind::StatusChanged, event.at).await? {
        change(tx, app, discussion, by, Change::Status(from)).await?;
    } else {
        // The group's own notice sees for itself that nothing has changed.
        let concerned = chats_concerned(tx, discussion).await?;
        notices::drop_kind(tx, discussion.id, NoticeKind::StatusChanged, &concerned, Why::Undone.as_str()).await?;
        change_quietly(tx, app, discussion, (by, app.clock.now()), Change::Status(from)).await?;
    }
    Ok(Some(to))
}
