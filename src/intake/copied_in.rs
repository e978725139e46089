//! Who stands beside us on a client's or colleague's mail: people of the project follow the discussion from then on.

use super::place::PlaceError;
use crate::App;
use crate::discussions::role_in;
use crate::domain::{AutoMail, Channel, IncomingMail, MailAddress, PersonId, ProjectId, Role};
use crate::store::discussions::Discussion;
use crate::store::{self, Tx, members, persons, projects, watchers};

/// Addresses of one mail that are looked at.
const COPIED_MAX: usize = 30;

/// The people beside us follow the discussion, if they belong to its project: those whom it has as members, and those whose mail
/// belongs to it. Staff hear of it anyway.
pub(super) async fn follow(
    tx: &mut Tx,
    app: &App,
    mail: &IncomingMail,
    discussion: &Discussion,
    author: PersonId,
) -> Result<(), PlaceError> {
    if mail.auto != AutoMail::None {
        return Ok(());
    }
    let now = app.clock.now();
    for copied in mail.recipients.iter().filter(|r| r.address.contains('@') && !is_ours(app, &r.address)).take(COPIED_MAX) {
        if let Some(person) = of_project(tx, app, discussion.project, copied).await?
            && person != author
        {
            watchers::add(tx, discussion.id, person, author, now).await?;
        }
    }
    Ok(())
}

/// Whether mail to it comes back to us: a mailbox, one of its sub-addresses, or what we write from.
fn is_ours(app: &App, address: &str) -> bool {
    let own = app.config.mailbox.iter().map(|m| m.address.as_str()).chain(app.config.smtp.iter().map(|s| s.from_address.as_str()));
    own.filter_map(|own| own.rsplit_once('@')).any(|(local, domain)| {
        address.rsplit_once('@').is_some_and(|(theirs, at)| {
            at.eq_ignore_ascii_case(domain) && theirs.split('+').next().unwrap_or_default().eq_ignore_ascii_case(local)
        })
    })
}

async fn of_project(tx: &mut Tx, app: &App, project: ProjectId, copied: &MailAddress) -> store::Result<Option<PersonId>> {
    let known = persons::find_by_identity(tx, Channel::Email, &copied.address).await?;
    if let Some(person) = &known {
        let part = members::role(tx, project, person.id).await?;
        if part.is_some_and(Role::is_staff) {
            return Ok(None);
        }
        if part.is_some() || role_in(tx, project, person).await?.is_staff() || members::is_in_bound_chat(tx, project, person.id).await? {
            return Ok(Some(person.id));
        }
    }
    if projects::of_sender(tx, &copied.address).await? != Some(project) {
        return Ok(None);
    }
    let name = if copied.name.trim().is_empty() { &copied.address } else { copied.name.trim() };
    let person = match known {
        Some(person) => person,
        None => persons::find_or_add(tx, Channel::Email, &copied.address, name, app.clock.now()).await?,
    };
    members::put_if_none(tx, project, person.id, Role::Client).await?;
    Ok(Some(person.id))
}
