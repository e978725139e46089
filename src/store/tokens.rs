//! API tokens, by the SHA-256 of their text.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args};
use crate::domain::PersonId;

/// Keeps a new token's digest.
pub async fn add(c: &mut AnyConnection, person: PersonId, label: &str, digest: &str, now: Timestamp) -> Result<()> {
    sql::run(c, "INSERT INTO api_tokens (person_id, label, digest, created_at) VALUES ($1, $2, $3, $4)", args![person, label, digest, now])
        .await
        .map(drop)
}

/// Whose token it is.
pub async fn find(c: &mut AnyConnection, digest: &str) -> Result<Option<PersonId>> {
    sql::find(c, "SELECT person_id FROM api_tokens WHERE digest = $1", args![digest]).await
}
