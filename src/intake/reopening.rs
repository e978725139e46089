//! A client's mail into a discussion that is done: it is reopened, or, where that was long ago, gone on with in another.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Happening, HappeningKind, PersonId, Role, Source};
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::{self, Tx, discussion_events, discussions, projects};

/// Discussions that went on with each other and are looked through; the last of a longer chain is gone on with.
const CHAIN_MAX: usize = 20;

/// Where a mail goes that belongs to a discussion.
#[derive(Debug)]
pub(super) enum Goal {
    /// This one, or the one that went on with it.
    Joins(Discussion),
    /// A new one that goes on with this.
    OpensAfter(Discussion),
}

/// Where a mail goes that belongs to `found`, arriving at `at`.
pub(super) async fn goal(tx: &mut Tx, mut found: Discussion, role: Role, at: Timestamp) -> store::Result<Goal> {
    // What a colleague adds to a matter that is done reopens nothing.
    if role.is_staff() {
        return Ok(Goal::Joins(found));
    }
    for _ in 0..CHAIN_MAX {
        if !is_long_done(tx, &found, at).await? {
            return Ok(Goal::Joins(found));
        }
        let next = match discussion_events::last(tx, found.id, HappeningKind::ContinuedIn).await?.map(|e| e.what) {
            Some(Happening::ContinuedIn { to }) => discussions::find(tx, to).await?,
            _ => None,
        };
        let Some(next) = next else { break };
        let next = discussions::follow(tx, next).await?;
        if next.project != found.project || next.id == found.id {
            break;
        }
        found = next;
    }
    Ok(Goal::OpensAfter(found))
}

/// Whether it was done, and nothing said in it, for longer than its project reopens.
async fn is_long_done(tx: &mut Tx, discussion: &Discussion, at: Timestamp) -> store::Result<bool> {
    if !discussion.status.is_done() {
        return Ok(false);
    }
    let ended = discussion_events::last(tx, discussion.id, HappeningKind::Status).await?.map(|e| e.at);
    let last = ended.map_or(discussion.last_post_at, |e| e.max(discussion.last_post_at));
    let days = projects::get(tx, discussion.project).await?.reopen_days;
    Ok(at.duration_since(last) > SignedDuration::from_hours(24 * days))
}

/// Both histories say that `new` goes on with `old`.
pub(super) async fn link(tx: &mut Tx, old: &Discussion, new: &Discussion, person: Option<PersonId>, at: Timestamp) -> store::Result<()> {
    let by = By { person, via: Source::Email };
    discussion_events::add(tx, new.id, by, at, &Happening::Continues { from: old.number }).await?;
    discussion_events::add(tx, old.id, by, at, &Happening::ContinuedIn { to: new.number }).await
}
