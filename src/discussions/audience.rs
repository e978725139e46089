//! Who should hear of a post, by which way and how soon. The notices are part of the post's own transaction.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{patience, watch};
use crate::App;
use crate::domain::{NoticeKind, PersonId, PostId, ProjectId, Source};
use crate::store::discussions::Discussion;
use crate::store::notices::{NewNotice, Target};
use crate::store::posts::Post;
use crate::store::{Result, Tx, chats, members, notices, persons, posts};
use crate::threading::is_smalltalk;

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
    let (watching_staff, watching_clients) = watch::to_tell(tx, discussion).await?;
    tell_staff(tx, app, &promise, watching_staff).await?;
    if told.internal {
        return Ok(());
    }
    if !told.by_staff {
        // The acknowledgement of a new matter in the group; it leaves once the burst is quiet.
        if let Some(chat) = discussion.chat.filter(|_| told.source == Source::Line && !told.silent)
            && (told.opens || is_owed_an_acknowledgement(tx, discussion, told.post).await?)
        {
            let due_at = now + notify.settle;
            let deadline_at = patience::deadline(tx, app, discussion.project, NoticeKind::Opened, due_at).await?;
            notices::add(tx, &promise.notice(NoticeKind::Opened, Target::Chat(chat), due_at, deadline_at)).await?;
        }
        return Ok(());
    }
    // A colleague who writes in the group has been read there.
    if let Some(chat) = discussion.chat.filter(|_| told.source != Source::Line && !told.silent)
        && chats::get(tx, chat).await?.left_at.is_none()
    {
        let due_at = if discussion.urgent { now } else { now + notify.hold };
        let deadline_at =
            if discussion.urgent { now } else { patience::deadline(tx, app, discussion.project, NoticeKind::Answered, due_at).await? };
        notices::add(tx, &promise.notice(NoticeKind::Answered, Target::Chat(chat), due_at, deadline_at)).await?;
    }
    if app.smtp.is_none() {
        return Ok(());
    }
    let mut by_mail = posts::mail_clients(tx, discussion.id).await?;
    if by_mail.is_empty() && discussion.chat.is_none() && told.opens {
        by_mail = members::clients_with_email(tx, discussion.project).await?;
    }
    by_mail.extend(watching_clients);
    by_mail.sort_unstable();
    by_mail.dedup();
    // An answer on the page can be taken back until something has left for a client.
    let held = matches!(told.source, Source::Web | Source::Api) && !discussion.urgent && discussion.chat.is_some();
    let due_at = if held { now + notify.hold } else { now };
    for client in by_mail.into_iter().filter(|c| Some(*c) != told.by) {
        notices::add(tx, &promise.notice(NoticeKind::Answered, Target::Person(client), due_at, due_at)).await?;
    }
    Ok(())
}

/// Staff hear of everything in their projects by mail; where a project has none, the admins do.
async fn tell_staff(tx: &mut Tx, app: &App, promise: &Promise<'_>, watching: Vec<PersonId>) -> Result<()> {
    let Promise { discussion, told, now } = promise;
    if app.smtp.is_none() {
        return Ok(());
    }
    let mut staff = staff_to_tell(tx, discussion.project).await?;
    let unmentioned: Vec<PersonId> = watching.into_iter().filter(|w| !staff.contains(w)).collect();
    staff.extend(unmentioned);
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

pub(super) async fn staff_to_tell(c: &mut AnyConnection, project: ProjectId) -> Result<Vec<PersonId>> {
    let staff = members::staff_with_email(c, project).await?;
    if staff.is_empty() { persons::admins(c).await } else { Ok(staff) }
}

/// Staff are told that mail to `address`, which is `to`'s, comes back.
pub async fn tell_bounced(tx: &mut Tx, app: &App, discussion: &Discussion, to: Option<PersonId>, address: &str) -> Result<()> {
    tell_staff_that(tx, app, discussion, (NoticeKind::Bounced, address), to).await
}

/// Staff are told that an answer did not solve the matter, as `by` said; `name` is theirs, empty where LINE does not tell.
pub(super) async fn tell_not_solved(tx: &mut Tx, app: &App, discussion: &Discussion, by: Option<PersonId>, name: &str) -> Result<()> {
    tell_staff_that(tx, app, discussion, (NoticeKind::NotSolved, name), by).await
}

/// Staff are told of something that is no post; `but` is not.
async fn tell_staff_that(
    tx: &mut Tx,
    app: &App,
    discussion: &Discussion,
    (kind, detail): (NoticeKind, &str),
    but: Option<PersonId>,
) -> Result<()> {
    if app.smtp.is_none() {
        return Ok(());
    }
    let now = app.clock.now();
    for person in staff_to_tell(tx, discussion.project).await?.into_iter().filter(|p| Some(*p) != but) {
        let new = NewNotice {
            kind,
            discussion: Some(discussion.id),
            post: None,
            target: Target::Person(person),
            due_at: now,
            deadline_at: now,
            now,
            detail: Some(detail.to_owned()),
            expires_at: None,
        };
        notices::add(tx, &new).await?;
    }
    Ok(())
}

/// Posts that are looked at for whether a discussion has said anything yet; one of so many pleasantries is owed nothing.
const PLEASANTRIES_MAX: i64 = 50;

/// Whether the post is the first that says something in a discussion which was opened with a pleasantry, or with what was taken back.
async fn is_owed_an_acknowledgement(tx: &mut Tx, discussion: &Discussion, post: PostId) -> Result<bool> {
    if notices::is_acknowledged(tx, discussion.id).await? {
        return Ok(false);
    }
    let said = posts::first_of_discussion(tx, discussion.id, PLEASANTRIES_MAX).await?;
    Ok(said.iter().any(|p| p.id == post) && said.iter().filter(|p| p.id != post).all(says_nothing))
}

/// A client's pleasantry or sticker in LINE, or what is there no more.
fn says_nothing(post: &Post) -> bool {
    let taken_back = post.retracted_at.is_some();
    !post.role.is_staff() && post.source == Source::Line && (taken_back || is_smalltalk(&post.kind, &post.body))
}

/// The post was taken back: an acknowledgement that waits to leave tells of the discussion by the next thing that a client says in it,
/// if there is one.
pub(super) async fn hand_on_acknowledgement(tx: &mut Tx, post: &Post) -> Result<()> {
    let said = posts::of_discussion(tx, post.discussion, false).await?;
    let next = said.iter().find(|p| p.id != post.id && p.source == Source::Line && !p.role.is_staff() && !says_nothing(p));
    match next {
        Some(next) => notices::hand_on_acknowledgement(tx, post.id, next.id).await,
        None => Ok(()),
    }
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
