//! Who added an account as a friend, and who blocked it. Told in any order, any number of times.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args};
use crate::domain::{Inbox, PersonId};

/// They added the account, or unblocked it.
pub async fn followed(c: &mut AnyConnection, inbox: &Inbox, person: PersonId, at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO friends (inbox, person_id, followed_at) VALUES ($1, $2, $3) ON CONFLICT (inbox, person_id) DO UPDATE \
         SET followed_at = $3 WHERE friends.followed_at IS NULL OR friends.followed_at < $3",
        args![inbox.as_str(), person, at],
    )
    .await
    .map(drop)
}

/// They blocked the account (LINE calls it unfollowing).
pub async fn blocked(c: &mut AnyConnection, inbox: &Inbox, person: PersonId, at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO friends (inbox, person_id, blocked_at) VALUES ($1, $2, $3) ON CONFLICT (inbox, person_id) DO UPDATE \
         SET blocked_at = $3 WHERE friends.blocked_at IS NULL OR friends.blocked_at < $3",
        args![inbox.as_str(), person, at],
    )
    .await
    .map(drop)
}
