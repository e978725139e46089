//! Changing what a discussion is called, where it stands and who looks after it: one act for every door, kept in its history.

use jiff::Timestamp;
use sqlx::AnyConnection;
use unicode_segmentation::UnicodeSegmentation;

use super::audience::{tell_assigned, tell_status};
use super::urgent::set_urgent;
use crate::App;
use crate::domain::{CorrectionKind, GIVEN_TITLE_GRAPHEMES_MAX, Happening, PersonId, ProjectId, Role, Status};
use crate::store::corrections::{self, NewCorrection};
use crate::store::discussion_events::{self, By};
use crate::store::discussions::Discussion;
use crate::store::persons::Person;
use crate::store::{self, Tx, discussions, members, persons};
use crate::threading::one_line;

/// What is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Status(Status),
    Assignee(Option<PersonId>),
    Title(String),
    Urgent(bool),
}

/// Why a change is refused.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("a title must say something")]
    EmptyTitle,
    #[error("a title may have {GIVEN_TITLE_GRAPHEMES_MAX} characters")]
    LongTitle,
    #[error("only staff of the project may look after a discussion")]
    NotAssignable,
    #[error("writing the change")]
    Store(#[from] sqlx::Error),
}

/// A title as it is kept: one line that says something, of at most [`GIVEN_TITLE_GRAPHEMES_MAX`] graphemes.
pub fn plain_title(title: &str) -> Result<String, ChangeError> {
    let title = one_line(title);
    if title.is_empty() {
        return Err(ChangeError::EmptyTitle);
    }
    if title.graphemes(true).count() > GIVEN_TITLE_GRAPHEMES_MAX {
        return Err(ChangeError::LongTitle);
    }
    Ok(title)
}

/// Changes it, by somebody who may. What was so already stays so, and is not recorded. The caller rings the outbox's bell after the commit.
pub async fn change(tx: &mut Tx, app: &App, discussion: &mut Discussion, by: By, change: Change) -> Result<(), ChangeError> {
    let now = app.clock.now();
    change_at(tx, app, discussion, (by, now), change).await
}

/// Likewise, done at another time: LINE's of a tap, or the post's that it was done with.
pub async fn change_at(
    tx: &mut Tx,
    app: &App,
    discussion: &mut Discussion,
    (by, at): (By, Timestamp),
    change: Change,
) -> Result<(), ChangeError> {
    let before = (discussion.status, discussion.assignee);
    change_quietly(tx, app, discussion, (by, at), change).await?;
    if discussion.status != before.0 {
        tell_status(tx, app, discussion, by, discussion.status).await?;
    }
    if discussion.assignee != before.1 {
        let to = match discussion.assignee {
            Some(person) => persons::find(tx, person).await?,
            None => None,
        };
        tell_assigned(tx, app, discussion, by, to.as_ref().map(|p| (p.id, p.name.as_str()))).await?;
    }
    Ok(())
}

/// Likewise, and nobody is told: the caller tells it in other words.
pub(super) async fn change_quietly(
    tx: &mut Tx,
    app: &App,
    discussion: &mut Discussion,
    (by, at): (By, Timestamp),
    change: Change,
) -> Result<(), ChangeError> {
    let id = discussion.id;
    let what = match change {
        Change::Status(status) if status == discussion.status => return Ok(()),
        Change::Status(status) => {
            discussions::set_status(tx, id, status).await?;
            let from = std::mem::replace(&mut discussion.status, status);
            Happening::Status { from, to: status }
        }
        Change::Assignee(person) if person == discussion.assignee => return Ok(()),
        Change::Assignee(person) => {
            let to = match person {
                Some(person) => Some(assignable_person(tx, discussion, person).await?.name),
                None => None,
            };
            discussions::set_assignee(tx, id, person).await?;
            discussion.assignee = person;
            Happening::Assignee { to }
        }
        Change::Title(title) => {
            let title = plain_title(&title)?;
            if title == discussion.title {
                return Ok(());
            }
            let new = NewCorrection { kind: CorrectionKind::Title, from: id, to: id, by, at };
            let correction = corrections::add(tx, &new).await?;
            corrections::set_title(tx, correction, &discussion.title).await?;
            discussions::set_title(tx, id, &title).await?;
            discussion.title.clone_from(&title);
            Happening::Title { to: title }
        }
        Change::Urgent(urgent) if urgent == discussion.urgent => return Ok(()),
        Change::Urgent(urgent) => {
            set_urgent(tx, app, id, urgent).await?;
            discussion.urgent = urgent;
            Happening::Urgent { to: urgent }
        }
    };
    discussion_events::add(tx, id, by, at, &what).await?;
    Ok(())
}

async fn assignable_person(c: &mut AnyConnection, discussion: &Discussion, person: PersonId) -> Result<Person, ChangeError> {
    let found = persons::find(c, person).await?.ok_or(ChangeError::NotAssignable)?;
    if may_look_after(c, discussion.project, &found).await? { Ok(found) } else { Err(ChangeError::NotAssignable) }
}

/// Whether somebody may look after the project's discussions: its staff and every admin.
pub(super) async fn may_look_after(c: &mut AnyConnection, project: ProjectId, person: &Person) -> store::Result<bool> {
    Ok(person.is_admin || members::role(c, project, person.id).await?.is_some_and(Role::is_staff))
}

/// Whom a page offers to look after the discussion: the project's staff, `first` before all others if they may, and who does already.
pub async fn assignable(c: &mut AnyConnection, discussion: &Discussion, first: PersonId) -> store::Result<Vec<(PersonId, String)>> {
    let mut staff = vec![];
    if let Some(reader) = persons::find(c, first).await?
        && may_look_after(c, discussion.project, &reader).await?
    {
        staff.push((reader.id, reader.name));
    }
    let others = members::all(c, discussion.project).await?;
    staff.extend(others.into_iter().filter(|m| m.role.is_staff() && m.person != first).map(|m| (m.person, m.name)));
    if let Some(current) = discussion.assignee.filter(|a| staff.iter().all(|(p, _)| p != a)) {
        staff.extend(persons::find(c, current).await?.map(|p| (p.id, p.name)));
    }
    Ok(staff)
}
