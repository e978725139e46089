//! Who has a part in a project, and by what mail address and LINE account they are known.

use super::Viewer;
use super::link::{Linking, link};
use crate::App;
use crate::domain::{Channel, LineUserId, Role};
use crate::store::persons::Person;
use crate::store::projects::Project;
use crate::store::{self, Tx, members, persons};

/// Somebody who gets a part.
#[derive(Clone, Copy, Debug)]
pub struct NewMember<'a> {
    /// Their mail address, in lower case.
    pub email: Option<&'a str>,
    pub line: Option<&'a LineUserId>,
    /// What they are called; kept as it is where it is not the viewer's to say.
    pub name: Option<&'a str>,
    pub role: Role,
}

/// Why nobody gets a part.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error("give email, line_user_id or both")]
    Nobody,
    #[error("the mail address and the LINE user id belong to two different people")]
    TwoPeople,
    #[error("only an admin may say that a mail address and a LINE account are one person's; give one of the two")]
    NotYours,
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Gives somebody a part in the project, or another one than they have. Whoever is known by one of the two is known by the other from now on:
/// logs in with it, and speaks by it. That two are one is for admins to say, of whomever: an address that nobody has used yet may be a
/// colleague's tomorrow.
pub async fn put_member(tx: &mut Tx, app: &App, viewer: &Viewer, project: &Project, new: &NewMember<'_>) -> Result<Person, MemberError> {
    let mut person = who(tx, app, viewer, new).await?;
    if let Some(name) = new.name
        && may_name(tx, viewer, &person).await?
    {
        persons::rename(tx, person.id, name).await?;
        name.clone_into(&mut person.name);
    }
    members::put(tx, project.id, person.id, new.role).await?;
    Ok(person)
}

async fn who(tx: &mut Tx, app: &App, viewer: &Viewer, new: &NewMember<'_>) -> Result<Person, MemberError> {
    let (channel, id) = match (new.email, new.line) {
        (Some(email), Some(user)) => return both(tx, app, viewer, (email, user), new.name).await,
        (Some(email), None) => (Channel::Email, email),
        (None, Some(user)) => (Channel::Line, user.as_str()),
        (None, None) => return Err(MemberError::Nobody),
    };
    let name = new.name.or(new.email).unwrap_or_default();
    Ok(persons::find_or_add(tx, channel, id, name, app.clock.now()).await?)
}

/// Somebody known by a mail address and a LINE account.
async fn both(
    tx: &mut Tx,
    app: &App,
    viewer: &Viewer,
    (email, user): (&str, &LineUserId),
    name: Option<&str>,
) -> Result<Person, MemberError> {
    let by_email = persons::find_by_identity(tx, Channel::Email, email).await?;
    let by_line = persons::find_by_identity(tx, Channel::Line, user.as_str()).await?;
    if let (Some(one), Some(other)) = (&by_email, &by_line)
        && one.id == other.id
    {
        return Ok(one.clone());
    }
    if !viewer.is_admin {
        return Err(MemberError::NotYours);
    }
    match (by_email, by_line) {
        (Some(person), Some(seen)) => join(tx, app, user, (person, &seen)).await,
        (Some(person), None) => match known_by(tx, person.clone(), Channel::Line, user.as_str()).await {
            // They were seen just now.
            Err(MemberError::TwoPeople) => {
                let seen = persons::find_by_identity(tx, Channel::Line, user.as_str()).await?.ok_or(MemberError::TwoPeople)?;
                join(tx, app, user, (person, &seen)).await
            }
            known => known,
        },
        (None, Some(person)) => known_by(tx, person, Channel::Email, email).await,
        (None, None) => {
            let person = persons::find_or_add(tx, Channel::Email, email, name.unwrap_or(email), app.clock.now()).await?;
            known_by(tx, person, Channel::Line, user.as_str()).await
        }
    }
}

/// Somebody with a mail address has been seen in LINE as well, of whom nothing else is known.
async fn join(tx: &mut Tx, app: &App, user: &LineUserId, (person, seen): (Person, &Person)) -> Result<Person, MemberError> {
    if !members::roles_of(tx, seen.id).await?.is_empty() {
        return Err(MemberError::TwoPeople);
    }
    match link(tx, app, user, person.id).await? {
        Linking::Done(_) => Ok(person),
        Linking::Elsewhere => Err(MemberError::TwoPeople),
    }
}

async fn known_by(tx: &mut Tx, person: Person, channel: Channel, id: &str) -> Result<Person, MemberError> {
    // Another node may have been faster.
    if persons::add_identity(tx, person.id, channel, id, "").await? { Ok(person) } else { Err(MemberError::TwoPeople) }
}

/// Whether the viewer may say what the person is called: admins of everybody, and a project's owner of clients who have no account and are
/// known in their projects alone.
async fn may_name(tx: &mut Tx, viewer: &Viewer, person: &Person) -> store::Result<bool> {
    if viewer.is_admin {
        return Ok(true);
    }
    if person.is_admin || members::is_staff_anywhere(tx, person.id).await? || persons::has_account(tx, person.id).await? {
        return Ok(false);
    }
    for project in members::known_in(tx, person.id).await? {
        if viewer.role(tx, project).await? != Some(Role::Owner) {
            return Ok(false);
        }
    }
    Ok(true)
}
