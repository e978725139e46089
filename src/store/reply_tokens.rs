//! The free answers that LINE lent us.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args};
use crate::domain::ChatId;

/// Keeps a token; a redelivered one is given another minute unless it was used.
/// Source: Messaging API reference, "Send reply message".
pub async fn add(c: &mut AnyConnection, token: &str, chat: ChatId, received_at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO reply_tokens (token, chat_id, received_at) VALUES ($1, $2, $3) \
         ON CONFLICT (token) DO UPDATE SET received_at = $3 WHERE reply_tokens.used_at IS NULL",
        args![token, chat, received_at],
    )
    .await
    .map(drop)
}

/// Takes the chat's freshest unused token that arrived after `not_before`.
pub async fn take_freshest(
    c: &mut AnyConnection,
    chat: ChatId,
    not_before: Timestamp,
    now: Timestamp,
) -> Result<Option<(String, Timestamp)>> {
    sql::find(
        c,
        "UPDATE reply_tokens SET used_at = $1 WHERE token = (SELECT token FROM reply_tokens WHERE chat_id = $2 AND used_at IS NULL \
         AND received_at > $3 ORDER BY received_at DESC LIMIT 1) AND used_at IS NULL RETURNING token, received_at",
        args![now, chat, not_before],
    )
    .await
}

/// When the chat's freshest unused token arrived, if it arrived after `not_before`.
pub async fn freshest(c: &mut AnyConnection, chat: ChatId, not_before: Timestamp) -> Result<Option<Timestamp>> {
    sql::one(
        c,
        "SELECT MAX(received_at) FROM reply_tokens WHERE chat_id = $1 AND used_at IS NULL AND received_at > $2",
        args![chat, not_before],
    )
    .await
}

/// When this token arrived.
pub async fn arrived_at(c: &mut AnyConnection, token: &str) -> Result<Option<Timestamp>> {
    sql::find(c, "SELECT received_at FROM reply_tokens WHERE token = $1", args![token]).await
}

/// Forgets tokens that can be of no use any more.
pub async fn prune(c: &mut AnyConnection, before: Timestamp) -> Result<u64> {
    sql::run(c, "DELETE FROM reply_tokens WHERE received_at < $1", args![before]).await
}
