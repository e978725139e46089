//! Opening a discussion.

use super::post::{Tell, Written, begin};
use crate::App;
use crate::store::discussions::Opening;
use crate::store::posts::NewPost;
use crate::store::{Result, Tx, discussions};

/// Opens a discussion with its first post; everybody concerned is promised to be told.
pub async fn open(tx: &mut Tx, app: &App, new: &Opening<'_>, words: &NewPost<'_>, tell: Tell) -> Result<Written> {
    let discussion = discussions::open(tx, new).await?;
    begin(tx, app, discussion, words, tell).await
}
