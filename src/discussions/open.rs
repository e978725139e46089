//! Opening a discussion.

use super::{NewWords, Written, post};
use crate::App;
use crate::store::discussions::Opening;
use crate::store::{Result, Tx, discussions};

/// Opens a discussion with its first post; everybody concerned is promised to be told.
pub async fn open(tx: &mut Tx, app: &App, new: &Opening<'_>, words: NewWords<'_>) -> Result<Written> {
    let discussion = discussions::open(tx, new).await?;
    post(tx, app, discussion, NewWords { opens: true, ..words }).await
}
