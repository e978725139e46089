//! Who should hear of a post, by which way and how soon. The notices are part of the post's own transaction.

use jiff::Timestamp;

use crate::App;
use crate::domain::{NoticeKind, PersonId, PostId, Source};
use crate::store::discussions::Discussion;
use crate::store::notices::{NewNotice, Target};
use crate::store::{Result, Tx, chats, members, notices, persons, posts};

/// A fact that people are told of.
#[expect(clippy::struct_excessive_bools, reason = "five independent facts about one post; every mix of them occurs")]
pub struct Told {
    pub post: PostId,
    /// Nobody is told of what they did themselves.
    pub by: Option<PersonId>,
    pub by_staff: bool,
    pub source: Source,
    pub internal: bool,
    /// The post opened its discussion.
    pub opens: bool,
    /// Nothing may be sent to the chat.
    pub silent: bool,
}

/// Promises to tell everybody concerned.
pub async fn promise(tx: &mut Tx, app: &App, discussion: &Discussion, told: &Told) -> Result<()> {
    let now = app.clock.now();
    let notify = &app.config.notify;
    let promise = Promise { discussion, told, now };
    tell_staff(tx, app, &promise).await?;
    if told.internal {
        return Ok(());
    }
    if !told.by_staff {
        // The acknowledgement of a new matter in the group; it leaves once the burst is quiet.
        if let Some(chat) = discussion.chat.filter(|_| told.opens && told.source == Source::Line && !told.silent) {
            let due_at = now + notify.settle;
            notices::add(tx, &promise.notice(NoticeKind::Opened, Target::Chat(chat), due_at, due_at + notify.coalesce)).await?;
        }
        return Ok(());
    }
    // A colleague who writes in the group has been read there.
    if let Some(chat) = discussion.chat.filter(|_| told.source != Source::Line && !told.silent)
        && chats::get(tx, chat).await?.left_at.is_none()
    {
        let (due_at, deadline_at) = if discussion.urgent { (now, now) } else { (now + notify.hold, now + notify.hold + notify.coalesce) };
        notices::add(tx, &promise.notice(NoticeKind::Answered, Target::Chat(chat), due_at, deadline_at)).await?;
    }
    if app.smtp.is_none() {
        return Ok(());
    }
    let mut by_mail = posts::mail_clients(tx, discussion.id).await?;
    if by_mail.is_empty() && discussion.chat.is_none() && told.opens {
        by_mail = members::clients_with_email(tx, discussion.project).await?;
    }
    for client in by_mail.into_iter().filter(|c| Some(*c) != told.by) {
        notices::add(tx, &promise.notice(NoticeKind::Answered, Target::Person(client), now, now)).await?;
    }
    Ok(())
}

/// Staff hear of everything in their projects by mail; where a project has none, the admins do.
async fn tell_staff(tx: &mut Tx, app: &App, promise: &Promise<'_>) -> Result<()> {
    let Promise { discussion, told, now } = promise;
    if app.smtp.is_none() {
        return Ok(());
    }
    let mut staff = members::staff_with_email(tx, discussion.project).await?;
    if staff.is_empty() {
        staff = persons::admins(tx).await?;
    }
    let kind = match (told.by_staff, told.opens) {
        (true, _) => NoticeKind::Answered,
        (false, true) => NoticeKind::Opened,
        (false, false) => NoticeKind::ClientPosted,
    };
    // What is written in LINE comes in pieces: the mail waits until the burst is quiet, and takes all of it.
    let due_at = if told.source == Source::Line { *now + app.config.notify.settle } else { *now };
    for person in staff.into_iter().filter(|p| Some(*p) != told.by) {
        notices::add(tx, &promise.notice(kind, Target::Person(person), due_at, due_at)).await?;
    }
    Ok(())
}

/// Promises of one fact, made at one moment.
struct Promise<'a> {
    discussion: &'a Discussion,
    told: &'a Told,
    now: Timestamp,
}

impl Promise<'_> {
    fn notice(&self, kind: NoticeKind, target: Target, due_at: Timestamp, deadline_at: Timestamp) -> NewNotice {
        NewNotice {
            kind,
            discussion: Some(self.discussion.id),
            post: Some(self.told.post),
            target,
            due_at,
            deadline_at,
            now: self.now,
            detail: None,
            expires_at: None,
        }
    }
}
