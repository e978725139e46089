//! Corrections by people: merge, split, move.

use super::Viewer;
use super::change::{ChangeError, plain_title};
use crate::App;
use crate::domain::{Happening, PostId, Role, Source};
use crate::store::discussion_events::By;
use crate::store::discussions::{Discussion, Opening};
use crate::store::{Tx, discussion_events, discussions, notices, posts};
use crate::threading::{Evidence, title_of};

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

async fn as_staff(tx: &mut Tx, viewer: &Viewer, number: i64) -> Result<Discussion, CorrectError> {
    let (discussion, role) = viewer.discussion(tx, number).await?.ok_or(CorrectError::NotFound)?;
    staff_only(role)?;
    Ok(discussion)
}

fn staff_only(role: Role) -> Result<(), CorrectError> {
    if role.is_staff() { Ok(()) } else { Err(CorrectError::Forbidden) }
}

/// Puts everything of `number` into `into`; links to the old number lead on. `via`: the door that it was asked at, as in what follows.
pub async fn merge(tx: &mut Tx, app: &App, viewer: &Viewer, number: i64, into: i64, via: Source) -> Result<Discussion, CorrectError> {
    let from = as_staff(tx, viewer, number).await?;
    let to = as_staff(tx, viewer, into).await?;
    if from.id == to.id {
        return Err(CorrectError::Refused("a discussion cannot be merged into itself"));
    }
    if from.project != to.project {
        return Err(CorrectError::Refused("the two discussions belong to different projects"));
    }
    let all: Vec<PostId> = posts::of_discussion(tx, from.id, true).await?.iter().map(|p| p.id).collect();
    posts::set_discussion(tx, &all, to.id).await?;
    posts::redirect_sent_messages(tx, from.id, to.id).await?;
    notices::redirect(tx, from.id, to.id).await?;
    discussion_events::redirect(tx, from.id, to.id).await?;
    discussion_events::add(tx, to.id, by(viewer, via), app.clock.now(), &Happening::Merged { from: from.number }).await?;
    discussions::set_merged(tx, from.id, to.id).await?;
    discussions::refresh_last_post(tx, to.id).await?;
    Ok(discussions::get(tx, to.id).await?)
}

/// What is to become a discussion of its own.
pub struct Splitting<'a> {
    pub number: i64,
    pub posts: &'a [PostId],
    /// Drawn from the first post where absent.
    pub title: Option<&'a str>,
}

/// Puts some posts of a discussion into one of their own.
pub async fn split(tx: &mut Tx, app: &App, viewer: &Viewer, splitting: &Splitting<'_>, via: Source) -> Result<Discussion, CorrectError> {
    let Splitting { number, posts: chosen, title } = *splitting;
    let title = title.map(plain_title).transpose()?;
    let from = as_staff(tx, viewer, number).await?;
    let all = posts::of_discussion(tx, from.id, true).await?;
    let moving: Vec<_> = all.iter().filter(|p| chosen.contains(&p.id)).collect();
    let Some(first) = moving.first() else { return Err(CorrectError::Refused("none of these posts is in this discussion")) };
    if moving.len() != chosen.len() {
        return Err(CorrectError::Refused("some of these posts are not in this discussion"));
    }
    if moving.len() == all.len() {
        return Err(CorrectError::Refused("at least one post must stay"));
    }
    let drawn = title_of(&first.body, app.texts().get("discussion.untitled"));
    let opening = Opening {
        project: from.project,
        title: title.as_deref().unwrap_or(&drawn),
        chat: from.chat,
        source: first.source,
        at: first.created_at,
    };
    let to = discussions::open(tx, &opening).await?;
    let ids: Vec<PostId> = moving.iter().map(|p| p.id).collect();
    let now = app.clock.now();
    discussion_events::add(tx, from.id, by(viewer, via), now, &Happening::Split { to: to.number }).await?;
    discussion_events::add(tx, to.id, by(viewer, via), now, &Happening::SplitFrom { from: from.number }).await?;
    Ok(put(tx, &ids, &from, &to, &viewer.name).await?)
}

/// Puts one post into the discussion `to`.
pub async fn move_post(tx: &mut Tx, app: &App, viewer: &Viewer, post: PostId, to: i64, via: Source) -> Result<Discussion, CorrectError> {
    let found = posts::find(tx, post).await?.ok_or(CorrectError::NotFound)?;
    let from = discussions::get(tx, found.discussion).await?;
    let role = viewer.role(tx, from.project).await?.ok_or(CorrectError::NotFound)?;
    staff_only(role)?;
    let to = as_staff(tx, viewer, to).await?;
    if from.project != to.project {
        return Err(CorrectError::Refused("the two discussions belong to different projects"));
    }
    if from.id != to.id {
        let now = app.clock.now();
        discussion_events::add(tx, from.id, by(viewer, via), now, &Happening::MovedAway { to: to.number }).await?;
        discussion_events::add(tx, to.id, by(viewer, via), now, &Happening::MovedHere { from: from.number }).await?;
    }
    Ok(put(tx, &[post], &from, &to, &viewer.name).await?)
}

fn by(viewer: &Viewer, via: Source) -> By {
    By { person: Some(viewer.person), via }
}

/// Moves posts, what waits to tell of them, and the times of the last post; each says who put it there.
pub(super) async fn put(tx: &mut Tx, moving: &[PostId], from: &Discussion, to: &Discussion, by: &str) -> crate::store::Result<Discussion> {
    posts::set_discussion(tx, moving, to.id).await?;
    let evidence = Evidence::Corrected { by: by.to_owned(), from: from.number }.to_json();
    for post in moving {
        posts::set_evidence(tx, *post, &evidence).await?;
        notices::redirect_post(tx, *post, to.id).await?;
    }
    discussions::refresh_last_post(tx, from.id).await?;
    discussions::refresh_last_post(tx, to.id).await?;
    discussions::get(tx, to.id).await
}
