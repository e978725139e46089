//! Whose LINE account is whose: linking it to a colleague, and parting it again.

use crate::App;
use crate::domain::{Channel, LineUserId, PersonId};
use crate::store::{Result, Tx, identities, persons};

/// What came of linking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linking {
    /// It is known as theirs; their name.
    Done(String),
    /// It belongs to somebody else's account.
    Elsewhere,
}

/// The LINE account is this colleague's from now on, and what it said was said by them.
pub async fn link(tx: &mut Tx, app: &App, user: &LineUserId, to: PersonId) -> Result<Linking> {
    let colleague = persons::find(tx, to).await?.ok_or(sqlx::Error::RowNotFound)?;
    let known = persons::find_or_add(tx, Channel::Line, user.as_str(), "", app.clock.now()).await?;
    if known.id == to {
        return Ok(Linking::Done(colleague.name));
    }
    if known.is_admin || !identities::of_person(tx, known.id, Channel::Email).await?.is_empty() {
        return Ok(Linking::Elsewhere);
    }
    let theirs = identities::of_person(tx, known.id, Channel::Line).await?;
    for identity in theirs.iter().filter(|i| i.external_id == user.as_str()) {
        identities::give(tx, identity.id, to).await?;
    }
    // Somebody with another LINE account (seen by another provider) keeps what cannot be told apart.
    if theirs.len() == 1 {
        identities::give_line_posts(tx, known.id, to).await?;
        identities::give_places(tx, known.id, to).await?;
        identities::give_the_rest(tx, known.id, to).await?;
    }
    Ok(Linking::Done(colleague.name))
}

/// Parts one of their LINE accounts from a colleague: whoever writes with it is a client as any other. What it said stays theirs. False
/// where it is none of theirs.
pub async fn unlink(tx: &mut Tx, app: &App, person: PersonId, identity: i64) -> Result<bool> {
    let theirs = identities::of_person(tx, person, Channel::Line).await?;
    let Some(found) = theirs.iter().find(|i| i.id == identity) else { return Ok(false) };
    let somebody = persons::add(tx, &found.name, app.clock.now()).await?;
    identities::give(tx, identity, somebody).await?;
    if theirs.len() == 1 {
        identities::give_places(tx, person, somebody).await?;
    }
    Ok(true)
}
