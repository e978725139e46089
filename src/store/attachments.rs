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
        /// It is larger than the operator allows.
        TooLarge = "too_large",
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
    /// Why it is not kept (yet); of one that is too large, the limit that it was over: MB, in digits.
    pub error: Option<String>,
    pub thumbnail: Thumbnail,
}

/// The small picture of an attachment.
#[derive(Clone, Debug, Default)]
pub struct Thumbnail {
    /// Where its bytes are.
    pub sha256: Option<String>,
    /// Of the picture itself, as people see it, in pixels.
    pub size: Option<(i64, i64)>,
    /// When it was made or given up.
    pub at: Option<Timestamp>,
    pub attempts: i64,
}

const COLUMNS: &str = "a.id, a.post_id, a.name, a.content_type, a.size, a.sha256, a.status, a.inbox, a.message_id, a.attempts, a.error, \
                       a.thumbnail_sha256, a.width, a.height, a.thumbnail_at, a.thumbnail_attempts";

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
            thumbnail: Thumbnail {
                sha256: c.get()?,
                size: c.get::<Option<i64>>()?.zip(c.get::<Option<i64>>()?),
                at: c.get()?,
                attempts: c.get()?,
            },
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

/// Where the bytes of the discussion's pictures are, and of their small pictures.
pub async fn pictures_of_discussion(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<String>> {
    let found: Vec<(Option<String>, Option<String>)> = sql::all(
        c,
        "SELECT a.sha256, a.thumbnail_sha256 FROM attachments a JOIN posts p ON p.id = a.post_id \
         WHERE p.discussion_id = $1 AND a.content_type LIKE 'image/%'",
        args![discussion],
    )
    .await?;
    Ok(found.into_iter().flat_map(|(whole, small)| [whole, small]).flatten().collect())
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
    let unmade = "UPDATE attachments SET thumbnail_due_at = $1 WHERE status = 'ready' AND thumbnail_at IS NULL AND thumbnail_due_at > $1";
    sql::run(c, unmade, args![now]).await?;
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
        "UPDATE attachments SET status = 'ready', content_type = $2, size = $3, sha256 = $4, error = NULL, \
         thumbnail_at = NULL, thumbnail_due_at = 0, thumbnail_attempts = 0 WHERE id = $1 AND status = 'waiting'",
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

/// It is larger than `limit_mb`: it has `size` octets, where that is known.
pub async fn too_large(c: &mut AnyConnection, id: AttachmentId, size: Option<i64>, limit_mb: u64) -> Result<()> {
    sql::run(
        c,
        "UPDATE attachments SET status = 'too_large', size = COALESCE($2, size), error = $3 WHERE id = $1 AND status = 'waiting'",
        args![id, size, limit_mb.to_string()],
    )
    .await
    .map(drop)
}

/// It is tried again at `due_at`.
pub async fn retry(c: &mut AnyConnection, id: AttachmentId, due_at: Timestamp, error: &str) -> Result<()> {
    sql::run(c, "UPDATE attachments SET due_at = $2, error = $3 WHERE id = $1 AND status = 'waiting'", args![id, due_at, error])
        .await
        .map(drop)
}

/// Somebody wants it to be tried once more, from the beginning. False where there is nothing to try: it is kept, taken back, being
/// fetched, or not LINE's.
pub async fn begin_again(c: &mut AnyConnection, id: AttachmentId, now: Timestamp) -> Result<bool> {
    let begun = sql::run(
        c,
        "UPDATE attachments SET status = 'waiting', attempts = 0, due_at = $2, error = NULL \
         WHERE id = $1 AND status IN ('failed', 'too_large') AND message_id IS NOT NULL AND inbox IS NOT NULL",
        args![id, now],
    )
    .await?;
    Ok(begun > 0)
}

/// Kept files of which nobody has tried to make a small picture, or not for the last time.
pub async fn without_thumbnail(c: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<Attachment>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM attachments a WHERE a.status = 'ready' AND a.thumbnail_at IS NULL AND a.thumbnail_due_at <= $1 \
             ORDER BY a.thumbnail_due_at, a.id LIMIT $2"
        ),
        args![now, limit],
    )
    .await
}

/// Claims the making of its small picture until `lease_until`; false where another node has it, or it is gone.
pub async fn claim_thumbnail(c: &mut AnyConnection, id: AttachmentId, now: Timestamp, lease_until: Timestamp) -> Result<bool> {
    let claimed = sql::run(
        c,
        "UPDATE attachments SET thumbnail_due_at = $3, thumbnail_attempts = thumbnail_attempts + 1 \
         WHERE id = $1 AND status = 'ready' AND thumbnail_at IS NULL AND thumbnail_due_at <= $2",
        args![id, now, lease_until],
    )
    .await?;
    Ok(claimed > 0)
}

/// Its small picture is kept under `sha256`; `size` is the picture's own, upright, in pixels. False where it was taken back meanwhile.
pub async fn thumbnail_made(c: &mut AnyConnection, id: AttachmentId, sha256: &str, size: (u32, u32), now: Timestamp) -> Result<bool> {
    let made = sql::run(
        c,
        "UPDATE attachments SET thumbnail_sha256 = $2, width = $3, height = $4, thumbnail_at = $5 \
         WHERE id = $1 AND status = 'ready' AND thumbnail_at IS NULL",
        args![id, sha256, i64::from(size.0), i64::from(size.1), now],
    )
    .await?;
    Ok(made > 0)
}

/// There will be no small picture of it.
pub async fn no_thumbnail(c: &mut AnyConnection, id: AttachmentId, now: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE attachments SET thumbnail_at = $2 WHERE id = $1 AND thumbnail_at IS NULL", args![id, now]).await.map(drop)
}

/// Its small picture is tried again at `due_at`.
pub async fn thumbnail_later(c: &mut AnyConnection, id: AttachmentId, due_at: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE attachments SET thumbnail_due_at = $2 WHERE id = $1 AND thumbnail_at IS NULL", args![id, due_at]).await.map(drop)
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

/// Whether anything still refers to these bytes.
pub async fn is_used(c: &mut AnyConnection, sha256: &str) -> Result<bool> {
    let used: Option<i64> = sql::find(
        c,
        "SELECT id FROM attachments WHERE sha256 = $1 UNION SELECT id FROM attachments WHERE thumbnail_sha256 = $1 \
         UNION SELECT id FROM identities WHERE picture_sha256 = $1 \
         UNION SELECT id FROM script_pictures WHERE sha256 = $1 OR preview_sha256 = $1 LIMIT 1",
        args![sha256],
    )
    .await?;
    Ok(used.is_some())
}
