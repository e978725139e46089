//! Following a discussion: who hears of it beside its staff and those who wrote in it, and who wants no mail about it.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::audience::staff_to_tell;
use super::role_in;
use crate::domain::{Audience, NoticeKind, PersonId, ProjectId, Role, Way};
use crate::store::discussions::Discussion;
use crate::store::{Result, Tx, listening, members, persons, posts, watchers};

/// Watchers of one discussion who are told of a post; the first who followed it.
pub(super) const WATCHERS_MAX: i64 = 100;

/// The watchers who are told, staff and clients apart. Who lost the right to read is told of nothing.
pub(super) async fn to_tell(c: &mut AnyConnection, discussion: &Discussion) -> Result<(Vec<PersonId>, Vec<PersonId>)> {
    let (mut staff, mut clients) = (vec![], vec![]);
    for watcher in watchers::all(c, discussion.id, WATCHERS_MAX).await? {
        match part_in(c, discussion.project, watcher.person).await? {
            Some(role) if role.is_staff() => staff.push(watcher.person),
            Some(_) => clients.push(watcher.person),
            None => {}
        }
    }
    Ok((staff, clients))
}

/// The person's part in the project; `None` where they may not read it.
pub async fn part_in(c: &mut AnyConnection, project: ProjectId, person: PersonId) -> Result<Option<Role>> {
    let Some(found) = persons::find(c, person).await? else { return Ok(None) };
    let is_member = members::role(c, project, person).await?.is_some();
    if is_member || found.is_admin || members::is_in_bound_chat(c, project, person).await? {
        return role_in(c, project, &found).await.map(Some);
    }
    Ok(None)
}

/// Whether mails about the discussion go to the person; `None` where they have no address for it.
pub async fn hears_by_mail(c: &mut AnyConnection, discussion: &Discussion, person: PersonId) -> Result<Option<bool>> {
    if persons::email(c, person).await?.is_none() {
        return Ok(None);
    }
    if watchers::wants_no_mail(c, discussion.id, person).await? {
        return Ok(Some(false));
    }
    if watchers::is_watching(c, discussion.id, person).await? || discussion.assignee == Some(person) {
        return Ok(Some(true));
    }
    let (role, kind) = if staff_to_tell(c, discussion.project).await?.contains(&person) {
        (Role::Staff, NoticeKind::ClientPosted)
    } else if posts::mail_clients(c, discussion.id).await?.contains(&person) {
        (Role::Client, NoticeKind::Answered)
    } else {
        return Ok(Some(false));
    };
    let set = listening::set_for(c, person, (discussion.project, Audience::of(role)), kind).await?;
    Ok(Some(matches!(set.way(kind, role), Way::Mail | Way::Hourly | Way::Daily)))
}

/// The person wants to hear of the discussion by mail, or no longer.
pub async fn watch(tx: &mut Tx, discussion: &Discussion, person: PersonId, watching: bool, now: Timestamp) -> Result<()> {
    watchers::set(tx, (discussion.id, person), watching, person, now).await
}

/// `by`, of its staff, takes somebody off the list: mails that name them in copy do not bring them back. False where they are not on it.
pub async fn take_off(tx: &mut Tx, discussion: &Discussion, person: PersonId, by: PersonId, now: Timestamp) -> Result<bool> {
    if !watchers::is_watching(tx, discussion.id, person).await? {
        return Ok(false);
    }
    watchers::set(tx, (discussion.id, person), false, by, now).await?;
    Ok(true)
}
