//! Corrections by people: merge, split, move. Each can be undone.

use jiff::{SignedDuration, Timestamp};

use super::Viewer;
use super::audience::{chats_concerned, tell_moved};
use super::change::{ChangeError, plain_title};
use super::learning::teach;
use super::post::reopen;
use super::reply::for_free;
use super::titles::{entitle, entitle_anew};
use crate::App;
use crate::domain::{
    ChatId, CorrectionKind, DiscussionId, Ended, Happening, NoticeKind, PersonId, PostId, ProjectId, Reply, Role, Source, Way, Why,
};
use crate::store::corrections::NewCorrection;
use crate::store::discussion_events::By;
use crate::store::discussions::{Discussion, Opening};
use crate::store::posts::Post;
use crate::store::{
    Tx, chats, corrections, discussion_events, discussions, held_mails, listening, notices, persons, posts, projects, watchers,
};
use crate::threading::{Evidence, possible_titles};

/// A group is told for so long that something moved, if a free ride comes by.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Why a correction is refused.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    #[error("there is no such discussion or post")]
    NotFound,
    #[error("only staff of the project may do this")]
    Forbidden,
    #[error("{0}")]
    Refused(&'static str),
    #[error(transparent)]
    Title(#[from] ChangeError),
    #[error("writing the correction")]
    Store(#[from] sqlx::Error),
}

/// What a correction led to.
#[derive(Clone, Debug)]
pub struct Corrected {
    /// Where the posts are now.
    pub to: Discussion,
    /// The number of where they were.
    pub from: i64,
    /// By which it can be undone; `None` where nothing changed its place.
    pub id: Option<i64>,
}

/// Holds the project's chats until the transaction ends, so that nothing is placed in them, and nobody else corrects, meanwhile. All of
/// them, since a correction reaches wherever its discussions lead on to.
pub(super) async fn hold(tx: &mut Tx, app: &App, project: ProjectId) -> crate::store::Result<()> {
    projects::lock(tx, app.db.dialect, project).await?;
    chats::lock_all(tx, app.db.dialect, project).await
}

/// The discussion, for staff.
async fn as_staff(tx: &mut Tx, viewer: &Viewer, number: i64) -> Result<Discussion, CorrectError> {
    let (discussion, role) = viewer.discussion(tx, number).await?.ok_or(CorrectError::NotFound)?;
    staff_only(role)?;
    Ok(discussion)
}

/// The discussion, held, for staff.
async fn held_as_staff(tx: &mut Tx, app: &App, viewer: &Viewer, number: i64) -> Result<Discussion, CorrectError> {
    let discussion = as_staff(tx, viewer, number).await?;
    hold(tx, app, discussion.project).await?;
    as_staff(tx, viewer, number).await
}

/// Both discussions, held, for staff.
async fn both_as_staff(
    tx: &mut Tx,
    app: &App,
    viewer: &Viewer,
    (one, other): (i64, i64),
) -> Result<(Discussion, Discussion), CorrectError> {
    let one = held_as_staff(tx, app, viewer, one).await?;
    Ok((one, as_staff(tx, viewer, other).await?))
}

pub(super) fn staff_only(role: Role) -> Result<(), CorrectError> {
    if role.is_staff() { Ok(()) } else { Err(CorrectError::Forbidden) }
}

/// The post and its discussion, held, for staff.
pub(super) async fn post_as_staff(tx: &mut Tx, app: &App, viewer: &Viewer, post: PostId) -> Result<(Post, Discussion), CorrectError> {
    let found = posts::find(tx, post).await?.ok_or(CorrectError::NotFound)?;
    let discussion = discussions::get(tx, found.discussion).await?;
    staff_only(viewer.role(tx, discussion.project).await?.ok_or(CorrectError::NotFound)?)?;
    hold(tx, app, discussion.project).await?;
    // Somebody else may have moved it until then.
    let found = posts::find(tx, post).await?.ok_or(CorrectError::NotFound)?;
    let discussion = discussions::get(tx, found.discussion).await?;
    Ok((found, discussion))
}

/// Puts everything of `number` into `into`; links to the old number lead on. `via`: the door that it was asked at, as in what follows.
pub async fn merge(tx: &mut Tx, app: &App, viewer: &Viewer, number: i64, into: i64, via: Source) -> Result<Corrected, CorrectError> {
    let (from, to) = both_as_staff(tx, app, viewer, (number, into)).await?;
    if from.id == to.id {
        return Err(CorrectError::Refused("a discussion cannot be merged into itself"));
    }
    if from.project != to.project {
        return Err(CorrectError::Refused("the two discussions belong to different projects"));
    }
    if from.other || to.other {
        return Err(CorrectError::Refused("what is no matter of its own can only be moved or split off"));
    }
    told_of_merge(tx, app, (&from, &to), viewer.person).await?;
    merge_into(tx, app, (&from, &to), (by(viewer, via), app.clock.now())).await
}

/// The group is told what was merged, where it was told of it before.
async fn told_of_merge(tx: &mut Tx, app: &App, (from, to): (&Discussion, &Discussion), by: PersonId) -> crate::store::Result<()> {
    let all: Vec<PostId> = posts::of_discussion(tx, from.id, true).await?.iter().map(|p| p.id).collect();
    told_elsewhere(tx, app, &all, (from, to), Some(by)).await
}

/// Discussions of a chat that are looked at for the one before.
const BEFORE_MAX: i64 = 50;
/// How far back the one before may lie.
const BEFORE_WITHIN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Somebody in the group says that it is no matter of its own: it goes into the one before, the latest of those that were opened before
/// it. `None` where there is no such.
pub async fn join_before(
    tx: &mut Tx,
    app: &App,
    from: &Discussion,
    chat: ChatId,
    by: By,
    at: Timestamp,
) -> crate::store::Result<Option<Discussion>> {
    let recent = discussions::recent_in_chat(tx, chat, at - BEFORE_WITHIN, BEFORE_MAX).await?;
    let before =
        recent.into_iter().find(|d| d.id != from.id && d.project == from.project && (d.opened_at, d.id) < (from.opened_at, from.id));
    let Some(to) = before else { return Ok(None) };
    // The group hears of it by what the bot answers.
    let all: Vec<PostId> = posts::of_discussion(tx, from.id, true).await?.iter().map(|p| p.id).collect();
    tell_moved(tx, app, &all, (from, &to), by.person).await?;
    let mut corrected = match merge_into(tx, app, (from, &to), (by, at)).await {
        Ok(corrected) => corrected,
        Err(CorrectError::Store(error)) => return Err(error),
        Err(other) => return Err(crate::store::Error::Protocol(other.to_string())),
    };
    // What was said of an open matter is as if it had been said there.
    if let Some(id) = corrected.id.filter(|_| to.status.is_done() && !from.status.is_done()) {
        reopen(tx, &mut corrected.to, by, at).await?;
        corrections::set_reopened(tx, id, to.status).await?;
    }
    Ok(Some(corrected.to))
}

async fn merge_into(
    tx: &mut Tx,
    app: &App,
    (from, to): (&Discussion, &Discussion),
    (by, at): (By, Timestamp),
) -> Result<Corrected, CorrectError> {
    let all: Vec<PostId> = posts::of_discussion(tx, from.id, true).await?.iter().map(|p| p.id).collect();
    let new = NewCorrection { kind: CorrectionKind::Merge, from: from.id, to: to.id, by, at };
    let id = corrections::add(tx, &new).await?;
    for post in &all {
        corrections::add_post(tx, id, *post).await?;
    }
    // That its first post opened a discussion was the mistake.
    teach(tx, app, &all[..all.len().min(1)], Some(to), Some(id)).await?;
    if let Some(first) = all.first() {
        is_corrected(tx, *first, by, from).await?;
    }
    posts::set_discussion(tx, &all, to.id).await?;
    end(tx, id, from, to).await?;
    discussion_events::add(tx, to.id, by, new.at, &Happening::Merged { from: from.number }).await?;
    discussions::refresh_last_post(tx, to.id).await?;
    Ok(Corrected { to: discussions::get(tx, to.id).await?, from: from.number, id: Some(id) })
}

/// What the threader had decided of a post was wrong, as somebody says by merging its discussion: it is marked no longer.
async fn is_corrected(tx: &mut Tx, post: PostId, by: By, from: &Discussion) -> crate::store::Result<()> {
    if posts::find(tx, post).await?.is_none_or(|p| p.class.is_none()) {
        return Ok(());
    }
    let by = match by.person {
        Some(person) => persons::find(tx, person).await?.map(|p| p.name).unwrap_or_default(),
        None => String::new(),
    };
    posts::set_evidence(tx, post, &Evidence::Corrected { by, from: from.number }.to_json()).await?;
    posts::set_class(tx, post, Some("corrected")).await
}

/// Ends a discussion whose posts are gone in another; its way back is kept with the correction.
pub(super) async fn end(tx: &mut Tx, correction: i64, from: &Discussion, to: &Discussion) -> crate::store::Result<()> {
    let ended = Ended {
        status: Some(from.status),
        sent: posts::sent_messages_of(tx, from.id, to.id).await?,
        notices: notices::waiting_of(tx, from.id).await?,
        events: discussion_events::ids_of(tx, from.id).await?,
        watchers: watchers::said_of(tx, from.id, to.id).await?,
        held: held_mails::ids_of(tx, from.id).await?,
        reopened: None,
    };
    corrections::set_ended(tx, correction, &ended).await?;
    lead_on(tx, from.id, to).await
}

/// A discussion whose posts are gone in another leads on to it, with its cards, what waits to tell of it, its history, those who follow it,
/// and the mails that are held in it. Where its posts are no matter any more, all that stays for when it is one again, and nobody is told.
pub(super) async fn lead_on(tx: &mut Tx, ended: DiscussionId, to: &Discussion) -> crate::store::Result<()> {
    if to.other {
        notices::drop_of_discussion(tx, ended, Why::PutAside.as_str()).await?;
    } else {
        posts::redirect_sent_messages(tx, ended, to.id).await?;
        notices::redirect(tx, ended, to.id).await?;
        discussion_events::redirect(tx, ended, to.id).await?;
        watchers::redirect(tx, ended, to.id).await?;
        held_mails::redirect(tx, ended, to.id).await?;
    }
    discussions::set_merged(tx, ended, to.id).await
}

/// What is to become a discussion of its own.
pub struct Splitting<'a> {
    pub number: i64,
    pub posts: &'a [PostId],
    /// Drawn from the first post where absent.
    pub title: Option<&'a str>,
}

/// Puts some posts of a discussion into one of their own.
pub async fn split(tx: &mut Tx, app: &App, viewer: &Viewer, splitting: &Splitting<'_>, via: Source) -> Result<Corrected, CorrectError> {
    let Splitting { number, posts: chosen, title } = *splitting;
    let title = title.map(plain_title).transpose()?;
    let from = held_as_staff(tx, app, viewer, number).await?;
    let all = posts::of_discussion(tx, from.id, true).await?;
    let moving: Vec<_> = all.iter().filter(|p| chosen.contains(&p.id)).collect();
    let Some(first) = moving.first() else { return Err(CorrectError::Refused("none of these posts is in this discussion")) };
    if moving.len() != chosen.len() {
        return Err(CorrectError::Refused("some of these posts are not in this discussion"));
    }
    if moving.len() == all.len() && !from.other {
        return Err(CorrectError::Refused("at least one post must stay"));
    }
    let opening = Opening {
        project: from.project,
        title: title.as_deref().unwrap_or_default(),
        chat: chat_of(tx, &from, &moving).await?,
        source: first.source,
        at: first.created_at,
    };
    let to = discussions::open(tx, &opening).await?;
    let ids: Vec<PostId> = moving.iter().map(|p| p.id).collect();
    let now = app.clock.now();
    discussion_events::add(tx, from.id, by(viewer, via), now, &Happening::Split { to: to.number }).await?;
    discussion_events::add(tx, to.id, by(viewer, via), now, &Happening::SplitFrom { from: from.number }).await?;
    let putting = Putting { kind: CorrectionKind::Split, by: by(viewer, via), name: &viewer.name, at: now };
    told_elsewhere(tx, app, &ids, (&from, &to), Some(viewer.person)).await?;
    let mut done = put(tx, app, &putting, &ids, (&from, &to)).await?;
    if from.other {
        // A matter that was put aside, and is one again under another number, leads on to there.
        for ended in corrections::put_aside_with(tx, &ids, from.id).await? {
            lead_on(tx, ended, &done.to).await?;
        }
    }
    if title.is_none() {
        entitle(tx, app, to.id).await?;
        done.to = discussions::get(tx, to.id).await?;
    }
    Ok(done)
}

/// The chat that hears of what is split off: the one in which it was said. What clients wrote by mail alone is no group's to hear; what
/// staff or a page's readers wrote stays the group's.
async fn chat_of(tx: &mut Tx, from: &Discussion, moving: &[&Post]) -> Result<Option<ChatId>, CorrectError> {
    for said in moving.iter().filter_map(|p| p.chat) {
        if chats::get(tx, said).await?.project == from.project {
            return Ok(Some(said));
        }
    }
    let is_mailed = moving.iter().any(|p| !p.role.is_staff() && p.source == Source::Email);
    Ok(from.chat.filter(|_| !is_mailed))
}

/// Puts posts of one discussion into the discussion `to`; one that has nothing left leads on to there.
pub async fn move_posts(
    tx: &mut Tx,
    app: &App,
    viewer: &Viewer,
    moving: &[PostId],
    to: i64,
    via: Source,
) -> Result<Corrected, CorrectError> {
    let Some(first) = moving.first() else { return Err(CorrectError::NotFound) };
    let (_, from) = post_as_staff(tx, app, viewer, *first).await?;
    let named = to;
    let to = as_staff(tx, viewer, named).await?;
    if to.other && named != to.number {
        return Err(CorrectError::Refused("that discussion was put aside: undo that, or name another"));
    }
    if from.project != to.project {
        return Err(CorrectError::Refused("the two discussions belong to different projects"));
    }
    if from.id == to.id {
        return Ok(Corrected { from: from.number, to, id: None });
    }
    let here = posts::of_discussion(tx, from.id, true).await?;
    if moving.iter().any(|id| here.iter().all(|p| p.id != *id)) {
        return Err(CorrectError::Refused("some of these posts are not in this discussion"));
    }
    let now = app.clock.now();
    discussion_events::add(tx, from.id, by(viewer, via), now, &Happening::MovedAway { to: to.number }).await?;
    discussion_events::add(tx, to.id, by(viewer, via), now, &Happening::MovedHere { from: from.number }).await?;
    let putting = Putting { kind: CorrectionKind::Move, by: by(viewer, via), name: &viewer.name, at: now };
    told_elsewhere(tx, app, moving, (&from, &to), Some(viewer.person)).await?;
    Ok(put(tx, app, &putting, moving, (&from, &to)).await?)
}

fn by(viewer: &Viewer, via: Source) -> By {
    By { person: Some(viewer.person), via }
}

/// Who moves posts, and as what.
pub(super) struct Putting<'a> {
    pub kind: CorrectionKind,
    pub by: By,
    pub name: &'a str,
    pub at: Timestamp,
}

/// Moves posts, what waits to tell of them, and the times of the last post; each says who put it there. A title that was drawn from what
/// went is drawn anew, and a discussion without posts ends. What was is kept, so that it can be undone.
pub(super) async fn put(
    tx: &mut Tx,
    app: &App,
    putting: &Putting<'_>,
    moving: &[PostId],
    (from, to): (&Discussion, &Discussion),
) -> crate::store::Result<Corrected> {
    let new = NewCorrection { kind: putting.kind, from: from.id, to: to.id, by: putting.by, at: putting.at };
    let id = corrections::add(tx, &new).await?;
    teach(tx, app, moving, Some(to).filter(|_| putting.kind == CorrectionKind::Move), Some(id)).await?;
    let mut titles = vec![];
    for post in moving {
        corrections::add_post(tx, id, *post).await?;
        titles.extend(posts::find(tx, *post).await?.into_iter().flat_map(|p| possible_titles(&p.body)));
    }
    posts::set_discussion(tx, moving, to.id).await?;
    let evidence = Evidence::Corrected { by: putting.name.to_owned(), from: from.number }.to_json();
    for post in moving {
        posts::set_evidence(tx, *post, &evidence).await?;
        posts::set_class(tx, *post, Some("corrected")).await?;
        tell_there(tx, *post, to).await?;
    }
    if !from.other {
        if !posts::has_any(tx, from.id).await? {
            end(tx, id, from, to).await?;
        } else if entitle_anew(tx, app, from, &titles).await? {
            corrections::set_title(tx, id, &from.title).await?;
        }
    }
    if !to.other && to.title == app.texts().get("discussion.untitled") {
        entitle(tx, app, to.id).await?;
    }
    discussions::refresh_last_post(tx, from.id).await?;
    discussions::refresh_last_post(tx, to.id).await?;
    Ok(Corrected { to: discussions::get(tx, to.id).await?, from: from.number, id: Some(id) })
}

/// What waits to tell of the post tells of it in the discussion where it is now. Of what is no matter nobody is told, until it is one again.
pub(super) async fn tell_there(tx: &mut Tx, post: PostId, now_in: &Discussion) -> crate::store::Result<()> {
    if now_in.other {
        return notices::drop_of_post(tx, post, Why::PutAside.as_str()).await.map(drop);
    }
    notices::redirect_post(tx, post, now_in.id, Why::PutAside.as_str()).await?;
    // An answer that waits for a group is for those who hear of it there.
    for chat in chats_concerned(tx, now_in).await? {
        notices::promise_there(tx, post, chat, now_in.id, Why::NoLongerSo.as_str()).await?;
    }
    Ok(())
}

/// The group was told of these posts as of `from`: it is told once that they are in `to`, when that is free; so are, by their own ways, the
/// people who were mailed about them, but for `by`. What waits to tell of the way back is dropped instead, where there is such.
pub(super) async fn told_elsewhere(
    tx: &mut Tx,
    app: &App,
    moved: &[PostId],
    (from, to): (&Discussion, &Discussion),
    by: Option<PersonId>,
) -> crate::store::Result<()> {
    if from.other || to.other {
        return Ok(());
    }
    tell_moved(tx, app, moved, (from, to), by).await?;
    let Some(chat) = from.chat else { return Ok(()) };
    if listening::of_group(tx, from.project, NoticeKind::Moved).await? == Some(Way::Web) || !notices::was_told_of(tx, chat, moved).await? {
        return Ok(());
    }
    let back = Reply::Moved { from: to.number, number: from.number }.to_json();
    if notices::drop_reply(tx, chat, &back, Why::Undone.as_str()).await? {
        return Ok(());
    }
    let moved = Reply::Moved { from: from.number, number: to.number };
    for_free(tx, app, chat, &moved, app.clock.now() + TOLD_WITHIN).await
}
