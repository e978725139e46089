//! Whose mail address is whose: giving somebody a second one, and taking it away.

use super::Viewer;
use super::correct::CorrectError;
use crate::App;
use crate::domain::{Channel, Happening, PersonId, PostId, Source};
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::mail_posts::{self, FromElsewhere};
use crate::store::{Result, Tx, discussion_events, discussions, identities, members, persons, posts, projects};

/// What came of giving somebody an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressLinking {
    Done,
    /// It was theirs already.
    Known,
    /// It is somebody else's.
    Elsewhere,
    /// Who has an address of a colleague's speaks as that colleague: only they and admins decide that.
    NotYours,
}

/// The address is the person's from now on.
pub async fn give_address(tx: &mut Tx, viewer: &Viewer, person: PersonId, address: &str) -> Result<AddressLinking> {
    match persons::find_by_identity(tx, Channel::Email, address).await? {
        Some(owner) if owner.id == person => return Ok(AddressLinking::Known),
        Some(_) => return Ok(AddressLinking::Elsewhere),
        None => {}
    }
    if !may_decide(tx, viewer, person).await? || belongs_to_others(tx, viewer, address).await? {
        return Ok(AddressLinking::NotYours);
    }
    Ok(if persons::add_identity(tx, person, Channel::Email, address, "").await? { AddressLinking::Done } else { AddressLinking::Elsewhere })
}

/// Whether mail from there is a project's where the viewer is not staff: whoever has the address would be known there.
async fn belongs_to_others(tx: &mut Tx, viewer: &Viewer, address: &str) -> Result<bool> {
    match projects::of_sender(tx, address).await? {
        Some(project) => Ok(viewer.role(tx, project).await?.is_none_or(|role| !role.is_staff())),
        None => Ok(false),
    }
}

async fn may_decide(tx: &mut Tx, viewer: &Viewer, person: PersonId) -> Result<bool> {
    let is_admin = persons::find(tx, person).await?.is_some_and(|p| p.is_admin);
    let colleague = is_admin || members::is_staff_anywhere(tx, person).await?;
    Ok(!colleague || viewer.is_admin || viewer.person == person)
}

/// The post, if it came from an address that was not known as its author's, for staff of its project.
async fn from_elsewhere(
    tx: &mut Tx,
    viewer: &Viewer,
    post: PostId,
) -> std::result::Result<(FromElsewhere, PersonId, Discussion), CorrectError> {
    let found = posts::find(tx, post).await?.ok_or(CorrectError::NotFound)?;
    let discussion = discussions::get(tx, found.discussion).await?;
    let role = viewer.role(tx, discussion.project).await?.ok_or(CorrectError::NotFound)?;
    if !role.is_staff() {
        return Err(CorrectError::Forbidden);
    }
    let elsewhere = mail_posts::find_from_elsewhere(tx, post).await?;
    match (elsewhere, found.person) {
        (Some(elsewhere), Some(person)) => Ok((elsewhere, person, discussion)),
        _ => Err(CorrectError::Refused("this post did not come from a second address")),
    }
}

/// The address that the post came from is its author's from now on.
pub async fn link_address(
    tx: &mut Tx,
    app: &App,
    viewer: &Viewer,
    post: PostId,
    via: Source,
) -> std::result::Result<Discussion, CorrectError> {
    let (elsewhere, person, discussion) = from_elsewhere(tx, viewer, post).await?;
    match give_address(tx, viewer, person, &elsewhere.address).await? {
        AddressLinking::Known => Ok(discussion),
        AddressLinking::Elsewhere => Err(CorrectError::Refused("the address belongs to somebody else")),
        AddressLinking::NotYours => Err(CorrectError::Forbidden),
        AddressLinking::Done => {
            let by = By { person: Some(viewer.person), via };
            let what = Happening::AddressLinked { address: elsewhere.address };
            discussion_events::add(tx, discussion.id, by, app.clock.now(), &what).await?;
            Ok(discussion)
        }
    }
}

/// It is not theirs after all.
pub async fn unlink_address(
    tx: &mut Tx,
    app: &App,
    viewer: &Viewer,
    post: PostId,
    via: Source,
) -> std::result::Result<Discussion, CorrectError> {
    let (elsewhere, person, discussion) = from_elsewhere(tx, viewer, post).await?;
    if !elsewhere.linked {
        return Ok(discussion);
    }
    if !may_decide(tx, viewer, person).await? {
        return Err(CorrectError::Forbidden);
    }
    if !identities::take_address(tx, person, &elsewhere.address).await? {
        return Err(CorrectError::Refused("it is their only address"));
    }
    let by = By { person: Some(viewer.person), via };
    let what = Happening::AddressUnlinked { address: elsewhere.address };
    discussion_events::add(tx, discussion.id, by, app.clock.now(), &what).await?;
    Ok(discussion)
}
