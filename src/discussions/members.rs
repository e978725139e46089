//! Who has a part in a project, and by what mail address and LINE account they are known.

use super::Viewer;
use super::link::{Linking, link};
use crate::App;
use crate::domain::{Channel, LineUserId, Role};
use crate::store::persons::Person;
use crate::store::projects::Project;
use crate::store::{self, Tx, identities, members, persons};

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
    #[error("they are known beyond your projects: only an admin may say that this mail address and this LINE account are one person's")]
    NotYours,
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Gives somebody a part in the project, or another one than they have. Whoever is known by one of the two is known by the other from now on:
/// logs in with it, and speaks by it. So that is not said of everybody by everybody.
pub async fn put_member(tx: &mut Tx, app: &App, viewer: &Viewer, project: &Project, new: &NewMember<'_>) -> Result<Person, MemberError> {
    let mut person = who(tx, app, viewer, new).await?;
    if let Some(name) = new.name
        && may_say_who_it_is(tx, viewer, &person).await?
    {
        persons::rename(tx, person.id, name).await?;
        name.clone_into(&mut person.name);
    }
    members::put(tx, project.id, person.id, new.role).await?;
    Ok(person)
}

async fn who(tx: &mut Tx, app: &App, viewer: &Viewer, new: &NewMember<'_>) -> Result<Person, MemberError> {
    let by_email = match new.email {
        Some(email) => persons::find_by_identity(tx, Channel::Email, email).await?,
        None => None,
    };
    let by_line = match new.line {
        Some(user) => persons::find_by_identity(tx, Channel::Line, user.as_str()).await?,
        None => None,
    };
    match (by_email, by_line) {
        (Some(one), Some(other)) if one.id == other.id => Ok(one),
        (Some(one), Some(other)) => join(tx, app, viewer, new.line, (one, &other)).await,
        (Some(known), None) => also(tx, viewer, known, Channel::Line, new.line.map(LineUserId::as_str)).await,
        (None, Some(known)) => also(tx, viewer, known, Channel::Email, new.email).await,
        (None, None) => {
            let (channel, id) = match (new.email, new.line) {
                (Some(email), _) => (Channel::Email, email),
                (None, Some(user)) => (Channel::Line, user.as_str()),
                (None, None) => return Err(MemberError::Nobody),
            };
            let name = new.name.or(new.email).unwrap_or_default();
            let person = persons::find_or_add(tx, channel, id, name, app.clock.now()).await?;
            match new.line.filter(|_| channel == Channel::Email) {
                Some(user) => known_by(tx, person, Channel::Line, user.as_str()).await,
                None => Ok(person),
            }
        }
    }
}

/// Somebody known by one of the two has been seen with the other as well, of whom nothing else is known.
async fn join(
    tx: &mut Tx,
    app: &App,
    viewer: &Viewer,
    line: Option<&LineUserId>,
    (person, seen): (Person, &Person),
) -> Result<Person, MemberError> {
    let Some(user) = line.filter(|_| !seen.is_admin) else { return Err(MemberError::TwoPeople) };
    if !members::roles_of(tx, seen.id).await?.is_empty() || !identities::of_person(tx, seen.id, Channel::Email).await?.is_empty() {
        return Err(MemberError::TwoPeople);
    }
    if !may_say_who_it_is(tx, viewer, &person).await? || !may_say_who_it_is(tx, viewer, seen).await? {
        return Err(MemberError::NotYours);
    }
    match link(tx, app, user, person.id).await? {
        Linking::Done(_) => Ok(person),
        Linking::Elsewhere => Err(MemberError::TwoPeople),
    }
}

/// Somebody who is known has this address, too.
async fn also(tx: &mut Tx, viewer: &Viewer, person: Person, channel: Channel, id: Option<&str>) -> Result<Person, MemberError> {
    let Some(id) = id else { return Ok(person) };
    if !may_say_who_it_is(tx, viewer, &person).await? {
        return Err(MemberError::NotYours);
    }
    known_by(tx, person, channel, id).await
}

async fn known_by(tx: &mut Tx, person: Person, channel: Channel, id: &str) -> Result<Person, MemberError> {
    // Another node may have been faster.
    if persons::add_identity(tx, person.id, channel, id, "").await? { Ok(person) } else { Err(MemberError::TwoPeople) }
}

/// Whether the viewer may say by what name, address and LINE account the person is known: admins of everybody, and a project's owner of
/// clients who are known in their projects alone.
async fn may_say_who_it_is(tx: &mut Tx, viewer: &Viewer, person: &Person) -> store::Result<bool> {
    if viewer.is_admin {
        return Ok(true);
    }
    if person.is_admin || members::is_staff_anywhere(tx, person.id).await? {
        return Ok(false);
    }
    for project in members::known_in(tx, person.id).await? {
        if viewer.role(tx, project).await? != Some(Role::Owner) {
            return Ok(false);
        }
    }
    Ok(true)
}
