//! Where it belongs what somebody says of a discussion, by its number or a button under it.

use jiff::Timestamp;

use super::post::reopen;
use crate::domain::ProjectId;
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::{Result, Tx, discussions};

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

/// A discussion that has ended stands by itself again, and is open, since `by` speaks of it. One that has not ended stays as it is.
pub async fn live_again(tx: &mut Tx, discussion: &mut Discussion, by: By, at: Timestamp) -> Result<()> {
    if discussion.merged_into.take().is_none() {
        return Ok(());
    }
    discussions::set_parted(tx, discussion.id, discussion.status).await?;
    reopen(tx, discussion, by, at).await
}
