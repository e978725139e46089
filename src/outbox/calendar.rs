//! When a project's chats do not want to hear: its quiet hours and days off.

use jiff::Timestamp;

use crate::App;
use crate::discussions::calendar_of;
use crate::domain::{Closed, ProjectId};
use crate::store::{Result, Tx};

/// Until when nothing that is not urgent is pushed into the project's chats, and why, if so now.
pub(super) async fn closed_until(tx: &mut Tx, app: &App, project: ProjectId, now: Timestamp) -> Result<Option<(Timestamp, Closed)>> {
    Ok(calendar_of(tx, &app.config, project).await?.closed_until(now))
}
