//! Codes that are typed once, by the SHA-256 of their text; and the wrong ones that were typed.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{ChatId, CodePurpose, PersonId, ProjectId};

/// A code that was just used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub purpose: CodePurpose,
    /// Who made it.
    pub person: PersonId,
    /// What it binds to.
    pub project: Option<ProjectId>,
}

impl FromRow for Taken {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { purpose: c.word(CodePurpose::find)?, person: c.get()?, project: c.get()? })
    }
}

/// What a new code is made of.
#[derive(Clone, Debug)]
pub struct NewCode<'a> {
    pub digest: &'a str,
    pub purpose: CodePurpose,
    pub person: PersonId,
    pub project: Option<ProjectId>,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

/// Keeps a code. What the same person made for the same purpose before, and was not used, is good no more.
pub async fn put(c: &mut AnyConnection, new: &NewCode<'_>) -> Result<()> {
    sql::run(
        c,
        "UPDATE one_time_codes SET expires_at = $4 WHERE purpose = $1 AND person_id = $2 AND COALESCE(project_id, 0) = COALESCE($3, 0) \
         AND used_at IS NULL AND expires_at > $4",
        args![new.purpose.as_str(), new.person, new.project, new.now],
    )
    .await?;
    sql::run(
        c,
        "INSERT INTO one_time_codes (digest, purpose, person_id, project_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        args![new.digest, new.purpose.as_str(), new.person, new.project, new.now, new.expires_at],
    )
    .await
    .map(drop)
}

/// Whether a code for this purpose waits to be typed.
pub async fn waits(c: &mut AnyConnection, digest: &str, purpose: CodePurpose, now: Timestamp) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT expires_at FROM one_time_codes WHERE digest = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
        args![digest, purpose.as_str(), now],
    )
    .await?;
    Ok(found.is_some())
}

/// Uses the code up; `None` where it is none, used or too old.
pub async fn take(c: &mut AnyConnection, digest: &str, now: Timestamp) -> Result<Option<Taken>> {
    sql::find(
        c,
        "UPDATE one_time_codes SET used_at = $2 WHERE digest = $1 AND used_at IS NULL AND expires_at > $2 \
         RETURNING purpose, person_id, project_id",
        args![digest, now],
    )
    .await
}

/// Remembers that a wrong code was typed.
pub async fn add_wrong(c: &mut AnyConnection, chat: ChatId, at: Timestamp) -> Result<()> {
    sql::run(c, "INSERT INTO wrong_codes (chat_id, at) VALUES ($1, $2)", args![chat, at]).await.map(drop)
}

/// How many wrong codes were typed into the chat since `since`.
pub async fn wrong_since(c: &mut AnyConnection, chat: ChatId, since: Timestamp) -> Result<i64> {
    sql::one(c, "SELECT COUNT(*) FROM wrong_codes WHERE chat_id = $1 AND at > $2", args![chat, since]).await
}

/// Forgets codes and tries that are of no use any more.
pub async fn prune(c: &mut AnyConnection, before: Timestamp) -> Result<()> {
    sql::run(c, "DELETE FROM one_time_codes WHERE expires_at < $1", args![before]).await?;
    sql::run(c, "DELETE FROM wrong_codes WHERE at < $1", args![before]).await.map(drop)
}
