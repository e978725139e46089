//! Who tapped "reply here" on which discussion, and when.

use jiff::{SignedDuration, Timestamp};
use sqlx::AnyConnection;

use super::sql::{self, Result, args};
use crate::domain::{ChatId, DiscussionId, PersonId};

/// How long a tap is kept: what was said after it may come late.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The person tapped at `at`; of two taps at once the last counts. Their older ones are forgotten.
pub async fn add(c: &mut AnyConnection, (chat, person): (ChatId, PersonId), discussion: DiscussionId, at: Timestamp) -> Result<()> {
    let old = "DELETE FROM reply_taps WHERE chat_id = $1 AND person_id = $2 AND at < $3";
    sql::run(c, old, args![chat, person, at - KEPT]).await?;
    sql::run(
        c,
        "INSERT INTO reply_taps (chat_id, person_id, at, discussion_id) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (chat_id, person_id, at) DO UPDATE SET discussion_id = $4",
        args![chat, person, at, discussion],
    )
    .await
    .map(drop)
}

/// The person's last tap in the chat within this time, both ends included: on what, and when.
pub async fn last(
    c: &mut AnyConnection,
    (chat, person): (ChatId, PersonId),
    (since, until): (Timestamp, Timestamp),
) -> Result<Option<(DiscussionId, Timestamp)>> {
    sql::find(
        c,
        "SELECT discussion_id, at FROM reply_taps WHERE chat_id = $1 AND person_id = $2 AND at >= $3 AND at <= $4 ORDER BY at DESC LIMIT 1",
        args![chat, person, since, until],
    )
    .await
}

/// What `from` tapped, `to` tapped; of two taps at once that of `to` stands.
pub async fn give(c: &mut AnyConnection, from: PersonId, to: PersonId) -> Result<()> {
    let taken = "INSERT INTO reply_taps (chat_id, person_id, at, discussion_id) \
                 SELECT chat_id, $2, at, discussion_id FROM reply_taps WHERE person_id = $1 \
                 ON CONFLICT (chat_id, person_id, at) DO NOTHING";
    sql::run(c, taken, args![from, to]).await?;
    sql::run(c, "DELETE FROM reply_taps WHERE person_id = $1", args![from]).await.map(drop)
}
