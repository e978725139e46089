//! Who follows a discussion beside those who always hear of it, and who asked not to.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args, row};
use crate::domain::{DiscussionId, Followed, PersonId};

/// Somebody who is told of a discussion as its writer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watcher {
    pub person: PersonId,
    pub name: String,
    pub since: Timestamp,
}

row!(Watcher { person, name, since });

row!(Followed { person, watching, since, by, both });

/// The person follows the discussion, because `by` named them. Whoever stopped, or was taken off, stays so.
pub async fn add(c: &mut AnyConnection, discussion: DiscussionId, person: PersonId, by: PersonId, now: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO watchers (discussion_id, person_id, watching, since, by_id) VALUES ($1, $2, 1, $3, $4) \
         ON CONFLICT (discussion_id, person_id) DO NOTHING",
        args![discussion, person, now, by],
    )
    .await
    .map(drop)
}

/// `by` says whether the person follows it.
pub async fn set(
    c: &mut AnyConnection,
    (discussion, person): (DiscussionId, PersonId),
    watching: bool,
    by: PersonId,
    now: Timestamp,
) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO watchers (discussion_id, person_id, watching, since, by_id) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (discussion_id, person_id) DO UPDATE SET watching = $3, since = $4, by_id = $5",
        args![discussion, person, watching, now, by],
    )
    .await
    .map(drop)
}

/// Who follows it and can be reached, by mail or in LINE as they wish; the first who did first.
pub async fn all(c: &mut AnyConnection, discussion: DiscussionId, limit: i64) -> Result<Vec<Watcher>> {
    sql::all(
        c,
        "SELECT w.person_id, p.name, w.since FROM watchers w JOIN persons p ON p.id = w.person_id \
         WHERE w.discussion_id = $1 AND w.watching = 1 AND (EXISTS \
         (SELECT 1 FROM identities i WHERE i.person_id = w.person_id AND i.channel = 'email') OR EXISTS \
         (SELECT 1 FROM listening l WHERE l.person_id = w.person_id AND l.way = 'line')) ORDER BY w.since, w.person_id LIMIT $2",
        args![discussion, limit],
    )
    .await
}

/// Whether the person follows it.
pub async fn is_watching(c: &mut AnyConnection, discussion: DiscussionId, person: PersonId) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, "SELECT watching FROM watchers WHERE discussion_id = $1 AND person_id = $2", args![discussion, person]).await?;
    Ok(found == Some(1))
}

/// Whether the person asked for no mail about it.
pub async fn wants_no_mail(c: &mut AnyConnection, discussion: DiscussionId, person: PersonId) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT watching FROM watchers WHERE discussion_id = $1 AND person_id = $2 AND watching = 0 AND by_id = $2",
        args![discussion, person],
    )
    .await?;
    Ok(found.is_some())
}

/// Who follows one discussion, or asked not to, does so with another from now on; what they said of that one stands.
pub async fn redirect(c: &mut AnyConnection, from: DiscussionId, to: DiscussionId) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO watchers (discussion_id, person_id, watching, since, by_id) \
         SELECT $2, person_id, watching, since, by_id FROM watchers WHERE discussion_id = $1 \
         ON CONFLICT (discussion_id, person_id) DO NOTHING",
        args![from, to],
    )
    .await?;
    sql::run(c, "DELETE FROM watchers WHERE discussion_id = $1", args![from]).await.map(drop)
}

/// What people said of being told about `discussion`, and whether they said something of `other` too.
pub async fn said_of(c: &mut AnyConnection, discussion: DiscussionId, other: DiscussionId) -> Result<Vec<Followed>> {
    sql::all(
        c,
        "SELECT w.person_id, w.watching, w.since, w.by_id, CASE WHEN EXISTS (SELECT 1 FROM watchers o WHERE o.discussion_id = $2 \
         AND o.person_id = w.person_id) THEN 1 ELSE 0 END FROM watchers w WHERE w.discussion_id = $1 ORDER BY w.person_id",
        args![discussion, other],
    )
    .await
}

/// What had gone from one discussion `to` another goes back to `from`; what somebody has said of the other since, or had before, stands.
pub async fn give_back(c: &mut AnyConnection, said: &[Followed], to: DiscussionId, from: DiscussionId) -> Result<()> {
    for f in said {
        sql::run(
            c,
            "INSERT INTO watchers (discussion_id, person_id, watching, since, by_id) SELECT $1, p.id, $3, $4, $5 FROM persons p \
             WHERE p.id = $2 ON CONFLICT (discussion_id, person_id) DO NOTHING",
            args![from, f.person, f.watching, f.since, f.by],
        )
        .await?;
        if !f.both {
            let came = "DELETE FROM watchers WHERE discussion_id = $1 AND person_id = $2 AND watching = $3 AND since = $4";
            sql::run(c, came, args![to, f.person, f.watching, f.since]).await?;
        }
    }
    Ok(())
}

/// What `from` follows, `to` does instead: they are one person.
pub async fn give(c: &mut AnyConnection, from: PersonId, to: PersonId) -> Result<()> {
    let both =
        "DELETE FROM watchers WHERE person_id = $1 AND discussion_id IN (SELECT t.discussion_id FROM watchers t WHERE t.person_id = $2)";
    sql::run(c, both, args![from, to]).await?;
    sql::run(
        c,
        "UPDATE watchers SET person_id = $2, by_id = CASE WHEN by_id = $1 THEN $2 ELSE by_id END WHERE person_id = $1",
        args![from, to],
    )
    .await
    .map(drop)
}
