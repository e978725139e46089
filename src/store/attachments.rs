//! Files beside posts. Bytes lie in the file store under their SHA-256.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Dialect;
use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{AttachmentId, DiscussionId, PostId, words};

words! {
    /// What became of a file.
    AttachmentStatus {
        /// To be fetched.
        Waiting = "waiting",
        /// Its bytes are kept.
        Ready = "ready",
        /// Its sender took it back.
        Withdrawn = "withdrawn",
        /// It could not be had; the reason is beside it.
        Failed = "failed",
        /// It lies where our token may not go.
        External = "external",
    }
}

/// A file beside a post.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub id: AttachmentId,
    pub post: PostId,
    pub name: String,
    pub content_type: String,
    /// Octets.
    pub size: Option<i64>,
    pub sha256: Option<String>,
    pub status: AttachmentStatus,
    /// Whose content call fetches it.
    pub inbox: Option<String>,
    pub message_id: Option<String>,
    pub attempts: i64,
    pub error: Option<String>,
}

const COLUMNS: &str = "a.id, a.post_id, a.name, a.content_type, a.size, a.sha256, a.status, a.inbox, a.message_id, a.attempts, a.error";

impl FromRow for Attachment {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            post: c.get()?,
            name: c.get()?,
            content_type: c.get()?,
            size: c.get()?,
            sha256: c.get()?,
            status: c.word(AttachmentStatus::find)?,
            inbox: c.get()?,
            message_id: c.get()?,
            attempts: c.get()?,
            error: c.get()?,
        })
    }
}

/// What a new attachment is made of.
#[derive(Clone, Debug)]
pub struct NewAttachment<'a> {
    pub post: PostId,
    pub name: &'a str,
    pub content_type: &'a str,
    pub size: Option<i64>,
    pub sha256: Option<&'a str>,
    pub status: AttachmentStatus,
    pub inbox: Option<&'a str>,
    pub message_id: Option<&'a str>,
    /// The place in a set of pictures, from 1; 0 = as they came.
    pub position: u32,
    pub due_at: Timestamp,
}

/// Adds it.
pub async fn add(c: &mut AnyConnection, a: &NewAttachment<'_>) -> Result<AttachmentId> {
    sql::one(
        c,
        "INSERT INTO attachments (post_id, name, content_type, size, sha256, status, inbox, message_id, position, due_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
        args![a.post, a.name, a.content_type, a.size, a.sha256, a.status.as_str(), a.inbox, a.message_id, a.position, a.due_at],
    )
    .await
}

/// The attachment with our id.
pub async fn find(c: &mut AnyConnection, id: AttachmentId) -> Result<Option<Attachment>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM attachments a WHERE a.id = $1"), args![id]).await
}

/// A post's files in order: pictures of a set by their place; where LINE tells none, by message id, which grows as a sender sends.
const IN_ORDER: &str = "a.post_id, a.position, LENGTH(COALESCE(a.message_id, '')), COALESCE(a.message_id, ''), a.id";

/// Those of the discussion's posts, in order.
pub async fn of_discussion(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<Attachment>> {
    sql::all(
        c,
        format!("SELECT {COLUMNS} FROM attachments a JOIN posts p ON p.id = a.post_id WHERE p.discussion_id = $1 ORDER BY {IN_ORDER}"),
        args![discussion],
    )
    .await
}

/// Those of one post, in order.
pub async fn of_post(c: &mut AnyConnection, post: PostId) -> Result<Vec<Attachment>> {
    sql::all(c, format!("SELECT {COLUMNS} FROM attachments a WHERE a.post_id = $1 ORDER BY {IN_ORDER}"), args![post]).await
}

/// Claims what is to be fetched now, each until `lease_until`.
pub async fn claim(c: &mut AnyConnection, dialect: Dialect, now: Timestamp, lease_until: Timestamp, limit: i64) -> Result<Vec<Attachment>> {
    let columns = COLUMNS.replace("a.", "");
    sql::all(
        c,
        format!(
            "UPDATE attachments SET due_at = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM attachments WHERE status = 'waiting' \
             AND due_at <= $1 ORDER BY due_at LIMIT $3{}) RETURNING {columns}",
            dialect.skip_locked()
        ),
        args![now, lease_until, limit],
    )
    .await
}

/// The fetch under way goes on until `lease_until`.
pub async fn renew(c: &mut AnyConnection, id: AttachmentId, lease_until: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE attachments SET due_at = $2 WHERE id = $1 AND status = 'waiting'", args![id, lease_until]).await.map(drop)
}

/// Whatever waits is due now: the only node on this database has just started.
pub async fn free_leases(c: &mut AnyConnection, now: Timestamp) -> Result<u64> {
    sql::run(c, "UPDATE attachments SET due_at = $1 WHERE status = 'waiting' AND due_at > $1", args![now]).await
}

/// When the next fetch is due.
pub async fn next_due(c: &mut AnyConnection) -> Result<Option<Timestamp>> {
    sql::one(c, "SELECT MIN(due_at) FROM attachments WHERE status = 'waiting'", args![]).await
}

/// Its bytes are kept under `sha256`. False where it waits no more: it was taken back meanwhile.
pub async fn ready(c: &mut AnyConnection, id: AttachmentId, content_type: &str, size: i64, sha256: &str) -> Result<bool> {
    let done = sql::run(
        c,
        "UPDATE attachments SET status = 'ready', content_type = $2, size = $3, sha256 = $4, error = NULL WHERE id = $1 AND status = 'waiting'",
        args![id, content_type, size, sha256],
    )
    .await?;
    Ok(done > 0)
}

/// It will not be had.
pub async fn end(c: &mut AnyConnection, id: AttachmentId, status: AttachmentStatus, error: &str) -> Result<()> {
    sql::run(c, "UPDATE attachments SET status = $2, error = $3 WHERE id = $1 AND status = 'waiting'", args![id, status.as_str(), error])
        .await
        .map(drop)
}

/// It is tried again at `due_at`.
pub async fn retry(c: &mut AnyConnection, id: AttachmentId, due_at: Timestamp, error: &str) -> Result<()> {
    sql::run(c, "UPDATE attachments SET due_at = $2, error = $3 WHERE id = $1", args![id, due_at, error]).await.map(drop)
}

/// The post, or the one message of it, was taken back: its files and their small pictures go. Which hashes nothing refers to any more.
pub async fn withdraw(c: &mut AnyConnection, post: PostId, message: Option<&str>) -> Result<Vec<String>> {
    const WHICH: &str = "post_id = $1 AND ($2 IS NULL OR message_id = $2)";
    let kept: Vec<(Option<String>, Option<String>)> =
        sql::all(c, format!("SELECT sha256, thumbnail_sha256 FROM attachments WHERE {WHICH}"), args![post, message]).await?;
    sql::run(
        c,
        format!(
            "UPDATE attachments SET status = 'withdrawn', sha256 = NULL, thumbnail_sha256 = NULL, width = NULL, height = NULL, size = NULL, \
             name = '', error = NULL WHERE {WHICH}"
        ),
        args![post, message],
    )
    .await?;
    let mut unused: Vec<String> = vec![];
    for hash in kept.into_iter().flat_map(|(file, thumbnail)| [file, thumbnail]).flatten() {
        if !unused.contains(&hash) && !is_used(c, &hash).await? {
            unused.push(hash);
        }
    }
    Ok(unused)
}

/// Whether an attachment still refers to these bytes, as its file or its small picture.
pub async fn is_used(c: &mut AnyConnection, sha256: &str) -> Result<bool> {
    let used: Option<i64> =
        sql::find(c, "SELECT id FROM attachments WHERE sha256 = $1 OR thumbnail_sha256 = $1 LIMIT 1", args![sha256]).await?;
    Ok(used.is_some())
}
