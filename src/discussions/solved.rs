//! What clients say with the buttons under an answer: it is solved, or not yet.

use jiff::Timestamp;

use super::audience::tell_not_solved;
use super::change::{Change, ChangeError, change_at, change_quietly};
use crate::App;
use crate::domain::{Happening, HappeningKind, Status};
use crate::store::discussion_events::{self, By};
use crate::store::discussions::Discussion;
use crate::store::{Tx, persons};

/// Somebody says that the matter is solved. What is done already stays as it is.
pub async fn solved(tx: &mut Tx, app: &App, discussion: &mut Discussion, by: By, at: Timestamp) -> Result<(), ChangeError> {
    if discussion.status.is_done() {
        return Ok(());
    }
    change_at(tx, app, discussion, (by, at), Change::Status(Status::Resolved)).await
}

/// Somebody says that it is not solved: what was done or waited for the client is in work again, and staff are told. Said twice with
/// nothing in between, it counts once.
pub async fn not_solved(tx: &mut Tx, app: &App, discussion: &mut Discussion, by: By, at: Timestamp) -> Result<(), ChangeError> {
    let again = match discussion.status {
        Status::Open | Status::InProgress => discussion.status,
        _ if discussion.assignee.is_some() => Status::InProgress,
        _ => Status::Open,
    };
    let said_before = discussion_events::last_by(tx, discussion.id, HappeningKind::NotSolved, by.person).await?;
    if again == discussion.status && said_before.is_some_and(|e| e.at >= discussion.last_post_at) {
        return Ok(());
    }
    change_quietly(tx, app, discussion, (by, at), Change::Status(again)).await?;
    discussion_events::add(tx, discussion.id, by, at, &Happening::NotSolved {}).await?;
    let name = match by.person {
        Some(person) => persons::find(tx, person).await?.map(|p| p.name).unwrap_or_default(),
        None => String::new(),
    };
    tell_not_solved(tx, app, discussion, by.person, &name).await?;
    Ok(())
}
