//! What people taught the threader: examples for fitting its weights.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args};
use crate::domain::PostId;

/// Keeps where a post belongs as a person said, with what could be seen of it; the latest word counts.
pub async fn put(c: &mut AnyConnection, post: PostId, correction: Option<i64>, at: Timestamp, seen: &str, place: &str) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO examples (post_id, correction_id, at, seen, place) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (post_id) \
         DO UPDATE SET correction_id = $2, at = $3, seen = $4, place = $5",
        args![post, correction, at, seen, place],
    )
    .await
    .map(drop)
}

/// The correction was taken back: it teaches nothing.
pub async fn forget(c: &mut AnyConnection, correction: i64) -> Result<()> {
    sql::run(c, "DELETE FROM examples WHERE correction_id = $1", args![correction]).await.map(drop)
}

/// That the post was confirmed was taken back: it teaches nothing.
pub async fn forget_confirmed(c: &mut AnyConnection, post: PostId) -> Result<()> {
    sql::run(c, "DELETE FROM examples WHERE post_id = $1 AND correction_id IS NULL", args![post]).await.map(drop)
}

/// The newest `limit` of them, the oldest first: `(what could be seen, where it belongs)`.
pub async fn newest(c: &mut AnyConnection, limit: i64) -> Result<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> =
        sql::all(c, "SELECT seen, place FROM examples ORDER BY at DESC, post_id DESC LIMIT $1", args![limit]).await?;
    found.reverse();
    Ok(found)
}
