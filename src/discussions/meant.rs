//! Where it belongs what somebody says of a discussion: by its number, a button under its card, a quote of that, or a mail to it.

use jiff::Timestamp;

use crate::domain::{Happening, ProjectId, Status};
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::{Result, Tx, corrections, discussion_events, discussions};

/// Where the discussion leads by now, for a chat of this project. What was put aside as no matter is one after all when it is named: then
/// it is the discussion itself, ended, and [`live_again`] brings it back. `None`: it is none of the project's, or no matter.
pub async fn meant(tx: &mut Tx, project: ProjectId, named: Discussion) -> Result<Option<Discussion>> {
    let now_in = discussions::follow(tx, named.clone()).await?;
    if now_in.project != project {
        return Ok(None);
    }
    if !now_in.other {
        return Ok(Some(now_in));
    }
    Ok(Some(named).filter(|named| !named.other && named.project == project))
}

/// A discussion that has ended stands by itself again, since `by` speaks of it: as it was, and open if it was done. One that has not ended
/// stays as it is.
pub async fn live_again(tx: &mut Tx, discussion: &mut Discussion, by: By, at: Timestamp) -> Result<()> {
    if discussion.merged_into.take().is_none() {
        return Ok(());
    }
    let was = corrections::last_from(tx, discussion.id).await?.and_then(|c| c.ended.status);
    let again = was.filter(|status| !status.is_done()).unwrap_or(Status::Open);
    discussions::set_parted(tx, discussion.id, again).await?;
    discussion_events::add(tx, discussion.id, by, at, &Happening::Status { from: discussion.status, to: again }).await?;
    discussion.status = again;
    Ok(())
}
