//! What scripts said, beside its notices: how often, and the pictures.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{NoticeId, NotifyTokenId};

/// What was said and still waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub notice: NoticeId,
    /// The notice's detail.
    pub detail: String,
    pub deadline_at: Timestamp,
}

impl FromRow for Waiting {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { notice: c.get()?, detail: c.get()?, deadline_at: c.get()? })
    }
}

/// Keeps that the notice tells what this token said.
pub async fn add(c: &mut AnyConnection, notice: NoticeId, token: NotifyTokenId, digest: &str) -> Result<()> {
    sql::run(c, "INSERT INTO script_calls (notice_id, token_id, digest, times) VALUES ($1, $2, $3, 1)", args![notice, token, digest])
        .await
        .map(drop)
}

/// What this token said with this digest since `since`, if it has not left yet. The caller holds the chat.
pub async fn find_waiting(c: &mut AnyConnection, token: NotifyTokenId, digest: &str, since: Timestamp) -> Result<Option<Waiting>> {
    sql::find(
        c,
        "SELECT n.id, n.detail, n.deadline_at FROM script_calls s JOIN notices n ON n.id = s.notice_id WHERE s.token_id = $1 \
         AND s.digest = $2 AND n.status = 'pending' AND n.delivery_id IS NULL AND n.created_at > $3 AND n.detail IS NOT NULL \
         ORDER BY n.id DESC LIMIT 1",
        args![token, digest, since],
    )
    .await
}

/// It was said once more: what waits tells so, by `deadline_at`.
pub async fn fold(c: &mut AnyConnection, notice: NoticeId, detail: &str, deadline_at: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE script_calls SET times = times + 1 WHERE notice_id = $1", args![notice]).await?;
    sql::run(c, "UPDATE notices SET detail = $2, deadline_at = $3 WHERE id = $1", args![notice, detail, deadline_at]).await.map(drop)
}

/// It says so from now on.
pub async fn set_detail(c: &mut AnyConnection, id: NoticeId, detail: &str) -> Result<()> {
    sql::run(c, "UPDATE notices SET detail = $2 WHERE id = $1", args![id, detail]).await.map(drop)
}

/// How often it was said.
pub async fn times(c: &mut AnyConnection, notice: NoticeId) -> Result<i64> {
    let times: Option<i64> = sql::find(c, "SELECT times FROM script_calls WHERE notice_id = $1", args![notice]).await?;
    Ok(times.unwrap_or(1))
}

/// A picture that a script sent, made for LINE.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What its address is made of.
    pub secret: String,
    /// The large one's bytes.
    pub sha256: String,
    /// The small one's bytes.
    pub preview_sha256: String,
}

const PICTURE: &str = "secret, sha256, preview_sha256";

impl FromRow for Picture {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { secret: c.get()?, sha256: c.get()?, preview_sha256: c.get()? })
    }
}

/// The picture that this token sent before, by the SHA-256 of what it sent.
pub async fn find_picture(c: &mut AnyConnection, token: NotifyTokenId, digest: &str) -> Result<Option<Picture>> {
    sql::find(
        c,
        format!("SELECT {PICTURE} FROM script_pictures WHERE token_id = $1 AND digest = $2 ORDER BY id LIMIT 1"),
        args![token, digest],
    )
    .await
}

/// Keeps a picture.
pub async fn add_picture(c: &mut AnyConnection, token: NotifyTokenId, digest: &str, picture: &Picture, now: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO script_pictures (secret, token_id, digest, sha256, preview_sha256, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        args![&picture.secret, token, digest, &picture.sha256, &picture.preview_sha256, now],
    )
    .await
    .map(drop)
}

/// The picture with this address.
pub async fn picture(c: &mut AnyConnection, secret: &str) -> Result<Option<Picture>> {
    sql::find(c, format!("SELECT {PICTURE} FROM script_pictures WHERE secret = $1"), args![secret]).await
}
