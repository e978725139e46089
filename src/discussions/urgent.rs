//! Marking a discussion as urgent.

use crate::App;
use crate::domain::DiscussionId;
use crate::store::{Result, Tx, discussions, notices};

/// Sets whether its notices pass quiet hours and do not wait; what waits to tell of an urgent one waits no longer. The caller rings the
/// outbox's bell after the commit.
pub async fn set_urgent(tx: &mut Tx, app: &App, discussion: DiscussionId, urgent: bool) -> Result<()> {
    discussions::set_urgent(tx, discussion, urgent).await?;
    if urgent { notices::hurry(tx, discussion, app.clock.now()).await } else { Ok(()) }
}
