//! Who added an account as a friend, and who blocked it. Told in any order, any number of times.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args};
use crate::domain::{Inbox, LineChatId, PersonId};

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

/// Whether the one whose own chat has this LINE id has blocked the account, and said nothing there since: who blocks it cannot.
pub async fn blocks(c: &mut AnyConnection, inbox: &Inbox, user: &LineChatId) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT f.person_id FROM friends f JOIN identities i ON i.person_id = f.person_id AND i.channel = 'line' \
         WHERE f.inbox = $1 AND i.external_id = $2 AND f.blocked_at IS NOT NULL AND (f.followed_at IS NULL OR f.followed_at < f.blocked_at) \
         AND NOT EXISTS (SELECT ch.id FROM chats ch WHERE ch.inbox = $1 AND ch.external_id = $2 AND ch.last_event_at > f.blocked_at) LIMIT 1",
        args![inbox.as_str(), user],
    )
    .await?;
    Ok(found.is_some())
}
