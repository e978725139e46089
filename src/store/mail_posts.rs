//! What only posts that came by mail have: the address they came from, and how many came of late.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{DiscussionId, PersonId, PostId};

/// The mail came from an address that is not known as its author's.
pub async fn set_from_address(c: &mut AnyConnection, post: PostId, address: &str) -> Result<()> {
    sql::run(c, "UPDATE posts SET from_address = $2 WHERE id = $1", args![post, address]).await.map(drop)
}

/// A post that came from an address which was not known as its author's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromElsewhere {
    pub post: PostId,
    pub address: String,
    /// Whether it is known as theirs by now.
    pub linked: bool,
}

impl FromRow for FromElsewhere {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { post: c.get()?, address: c.get()?, linked: c.get()? })
    }
}

const SELECT: &str = "SELECT p.id, p.from_address, CAST(CASE WHEN EXISTS (SELECT 1 FROM identities i WHERE i.channel = 'email' \
                      AND i.external_id = p.from_address AND i.person_id = p.person_id) THEN 1 ELSE 0 END AS BIGINT) \
                      FROM posts p WHERE p.from_address IS NOT NULL AND p.retracted_at IS NULL";

/// The discussion's posts of that sort.
pub async fn from_elsewhere(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<FromElsewhere>> {
    sql::all(c, format!("{SELECT} AND p.discussion_id = $1"), args![discussion]).await
}

/// The post, if it is of that sort.
pub async fn find_from_elsewhere(c: &mut AnyConnection, post: PostId) -> Result<Option<FromElsewhere>> {
    sql::find(c, format!("{SELECT} AND p.id = $1"), args![post]).await
}

/// How many of the person's mails were recorded since `since`: in the discussion, or, with `None`, those that opened one. `opening` is the
/// evidence of such a post.
pub async fn count_since(
    c: &mut AnyConnection,
    person: PersonId,
    discussion: Option<DiscussionId>,
    opening: &str,
    since: Timestamp,
) -> Result<i64> {
    sql::one(
        c,
        "SELECT COUNT(*) FROM posts WHERE person_id = $1 AND source = 'email' AND recorded_at > $2 \
         AND (discussion_id = $3 OR ($3 IS NULL AND evidence = $4))",
        args![person, since, discussion, opening],
    )
    .await
}

/// Whether the person said just this by mail since `since`.
pub async fn was_said_since(c: &mut AnyConnection, person: PersonId, body: &str, since: Timestamp) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT id FROM posts WHERE person_id = $1 AND source = 'email' AND recorded_at > $2 AND body = $3 LIMIT 1",
        args![person, since, body],
    )
    .await?;
    Ok(found.is_some())
}
