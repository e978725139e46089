//! Mail takes over where a LINE chat cannot be told, for the money's sake or because LINE does not reach it: the project's clients who have
//! an address are told by mail, each once. What may still leave for free goes on waiting for that.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::own_chat;
use crate::App;
use crate::discussions::tell_instead;
use crate::domain::{DiscussionId, HappeningKind, NoticeKind, PersonId, Reply};
use crate::store::discussions::Discussion;
use crate::store::notices::{NewNotice, Notice, Target};
use crate::store::{self, Tx, announcements, chats, discussion_events, discussions, members, notices};

/// Who was mailed about what moved is promised it this much before the group, at most.
const PROMISED_TOGETHER: SignedDuration = SignedDuration::from_secs(60);

/// The notice's chat cannot be told it now, or never. Who would have heard it in their own chat is told by mail alone.
pub(super) async fn mail_instead(tx: &mut Tx, app: &App, notice: &Notice) -> Result<(), store::Error> {
    if app.smtp.is_none() {
        return Ok(());
    }
    if let Some(reader) = own_chat::reader(tx, notice).await? {
        return own_chat::mail_instead(tx, app, notice, reader).await;
    }
    match (notice.kind, notice.discussion) {
        (NoticeKind::Answered, Some(discussion)) => answered(tx, app, notice, discussion).await,
        (NoticeKind::StatusChanged, Some(discussion)) => status_changed(tx, app, notice, discussion).await,
        (NoticeKind::Replied, _) => moved(tx, app, notice).await,
        (NoticeKind::Announced, _) => announced(tx, app, notice).await,
        _ => Ok(()),
    }
}

async fn answered(tx: &mut Tx, app: &App, notice: &Notice, discussion: DiscussionId) -> Result<(), store::Error> {
    let Some(post) = notice.post else { return Ok(()) };
    let discussion = discussions::get(tx, discussion).await?;
    for client in members::clients_with_email(tx, discussion.project).await? {
        if !notices::is_promised(tx, client, post).await? {
            tell(tx, app, client, &discussion, notice).await?;
        }
    }
    Ok(())
}

/// Where it stands is told as it is when the mail leaves, so that one mail tells of every change until then.
async fn status_changed(tx: &mut Tx, app: &App, notice: &Notice, discussion: DiscussionId) -> Result<(), store::Error> {
    let found = discussions::get(tx, discussion).await?;
    let discussion = discussions::follow(tx, found).await?;
    let change = discussion_events::last_until(tx, discussion.id, HappeningKind::Status, notice.created_at).await?;
    let by = change.and_then(|event| event.person);
    for client in members::clients_with_email(tx, discussion.project).await? {
        if Some(client) != by && !notices::was_promised(tx, client, discussion.id, (notice.kind, None), notice.created_at).await? {
            tell(tx, app, client, &discussion, notice).await?;
        }
    }
    Ok(())
}

/// Colleagues moved what the group was told of. That is told for free or not at all; by mail only where LINE does not reach the group.
async fn moved(tx: &mut Tx, app: &App, notice: &Notice) -> Result<(), store::Error> {
    let reply = notice.detail.as_deref().and_then(Reply::from_json);
    let (Some(Reply::Moved { from, number }), Some(chat)) = (reply, notice.chat) else { return Ok(()) };
    let chat = chats::get(tx, chat).await?;
    if chat.left_at.is_none() && chat.unreachable.is_none() {
        return Ok(());
    }
    let Some(found) = discussions::find(tx, number).await? else { return Ok(()) };
    let discussion = discussions::follow(tx, found).await?;
    let detail = json!({ "from": from, "to": number }).to_string();
    let notice = Notice { kind: NoticeKind::Moved, detail: Some(detail.clone()), ..notice.clone() };
    for client in members::clients_with_email(tx, discussion.project).await? {
        let what = (notice.kind, Some(detail.as_str()));
        if !notices::was_promised(tx, client, discussion.id, what, notice.created_at - PROMISED_TOGETHER).await? {
            tell(tx, app, client, &discussion, &notice).await?;
        }
    }
    Ok(())
}

/// Promises a client to tell them about the discussion what the notice tells.
async fn tell(tx: &mut Tx, app: &App, client: PersonId, discussion: &Discussion, notice: &Notice) -> Result<(), store::Error> {
    let new = by_mail(notice, client, app.clock.now());
    tell_instead(tx, app, discussion, client, &NewNotice { discussion: Some(discussion.id), ..new }).await
}

/// An announcement is for every client of its chat's project, and told them once, in however many of their groups it cannot be.
async fn announced(tx: &mut Tx, app: &App, notice: &Notice) -> Result<(), store::Error> {
    let (Some(chat), Some(announcement)) = (notice.chat, announcements::of_notice(tx, notice.id).await?) else { return Ok(()) };
    let project = chats::get(tx, chat).await?.project;
    for client in members::clients_with_email(tx, project).await? {
        if announcements::is_for(tx, announcement, client).await? {
            continue;
        }
        let new = notices::add(tx, &by_mail(notice, client, app.clock.now())).await?;
        announcements::add_notice(tx, announcement, new).await?;
    }
    Ok(())
}

fn by_mail(notice: &Notice, client: PersonId, now: Timestamp) -> NewNotice {
    NewNotice {
        kind: notice.kind,
        discussion: notice.discussion,
        post: notice.post,
        target: Target::Person(client),
        due_at: now,
        deadline_at: now,
        now,
        detail: notice.detail.clone(),
        expires_at: None,
    }
}
