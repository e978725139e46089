//! Browser sessions, by the SHA-256 of their cookie.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args};
use crate::domain::PersonId;

/// Begins one.
pub async fn add(c: &mut AnyConnection, digest: &str, person: PersonId, now: Timestamp, expires_at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO sessions (digest, person_id, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $3, $4)",
        args![digest, person, now, expires_at],
    )
    .await
    .map(drop)
}

/// Whose it is, while it lasts.
pub async fn find(c: &mut AnyConnection, digest: &str, now: Timestamp) -> Result<Option<PersonId>> {
    sql::find(c, "SELECT person_id FROM sessions WHERE digest = $1 AND expires_at > $2", args![digest, now]).await
}

/// Ends it.
pub async fn end(c: &mut AnyConnection, digest: &str) -> Result<()> {
    sql::run(c, "DELETE FROM sessions WHERE digest = $1", args![digest]).await.map(drop)
}

/// Ends all of the person's but this one.
pub async fn end_others(c: &mut AnyConnection, person: PersonId, kept: Option<&str>) -> Result<()> {
    sql::run(c, "DELETE FROM sessions WHERE person_id = $1 AND digest <> COALESCE($2, '')", args![person, kept]).await.map(drop)
}

/// Forgets those that are over.
pub async fn prune(c: &mut AnyConnection, now: Timestamp) -> Result<u64> {
    sql::run(c, "DELETE FROM sessions WHERE expires_at <= $1", args![now]).await
}
