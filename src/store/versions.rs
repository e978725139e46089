//! Wordings of posts that were edited: the first, the newest, and those between.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{Details, DiscussionId, PostId};

/// How a post read from then on.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub post: PostId,
    /// LINE's time of the event that brought it.
    pub at: Timestamp,
    pub body: String,
    pub details: Details,
}

const COLUMNS: &str = "v.post_id, v.at, v.body, v.details";

impl FromRow for Version {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { post: c.get()?, at: c.get()?, body: c.get()?, details: Details::read(c.get::<Option<String>>()?.as_deref()) })
    }
}

/// Keeps a wording. Of two with one time, the text that sorts later stays, whichever came first.
pub async fn add(c: &mut AnyConnection, post: PostId, at: Timestamp, body: &str, details: Option<&str>) -> Result<()> {
    let there: Option<String> = sql::find(c, "SELECT body FROM post_versions WHERE post_id = $1 AND at = $2", args![post, at]).await?;
    // Compared here: the two engines sort texts differently.
    if there.is_some_and(|there| there.as_str() >= body) {
        return Ok(());
    }
    sql::run(
        c,
        "INSERT INTO post_versions (post_id, at, body, details) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (post_id, at) DO UPDATE SET body = $3, details = $4",
        args![post, at, body, details],
    )
    .await
    .map(drop)
}

/// The post's wordings, the oldest first; none where it was never edited.
pub async fn of_post(c: &mut AnyConnection, post: PostId) -> Result<Vec<Version>> {
    sql::all(c, format!("SELECT {COLUMNS} FROM post_versions v WHERE v.post_id = $1 ORDER BY v.at"), args![post]).await
}

/// Those of the discussion's posts, by post, the oldest first.
pub async fn of_discussion(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<Version>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM post_versions v JOIN posts p ON p.id = v.post_id WHERE p.discussion_id = $1 ORDER BY v.post_id, v.at"
        ),
        args![discussion],
    )
    .await
}

/// The post was taken back: no wording of it stays.
pub async fn forget(c: &mut AnyConnection, post: PostId) -> Result<()> {
    sql::run(c, "DELETE FROM post_versions WHERE post_id = $1", args![post]).await.map(drop)
}
