//! Tokens of `/api/notify`, by the SHA-256 of their text, and what each was used for.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Dialect;
use super::sql::{self, Columns, FromRow, Result, args, row};
use crate::domain::{ChatId, ChatKind, NotifyTokenId, PersonId, ProjectId};

/// A token that speaks in one chat.
#[derive(Clone, Debug)]
pub struct NotifyToken {
    pub id: NotifyTokenId,
    pub chat: ChatId,
    /// What people call it.
    pub name: String,
    pub revoked_at: Option<Timestamp>,
    pub hour: Hour,
}

/// The hour that is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// When it began.
    pub at: Timestamp,
    /// Calls that were accepted in it.
    pub calls: i64,
    /// Pictures that were taken in it.
    pub images: i64,
}

const COLUMNS: &str = "t.id, t.chat_id, t.name, t.revoked_at, t.hour_at, t.hour_calls, t.hour_images";

impl FromRow for NotifyToken {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            chat: c.get()?,
            name: c.get()?,
            revoked_at: c.get()?,
            hour: Hour { at: c.get()?, calls: c.get()?, images: c.get()? },
        })
    }
}

/// Keeps a new token's digest.
pub async fn add(c: &mut AnyConnection, chat: ChatId, name: &str, digest: &str, by: PersonId, now: Timestamp) -> Result<NotifyTokenId> {
    sql::one(
        c,
        "INSERT INTO notify_tokens (chat_id, name, digest, person_id, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        args![chat, name, digest, by, now],
    )
    .await
}

/// Whoever made it may still speak in the chat: as an admin, or as staff of the project that the chat belongs to by now.
const MAKER_MAY: &str = "EXISTS (SELECT 1 FROM chats ch JOIN persons a ON a.id = t.person_id WHERE ch.id = t.chat_id AND (a.is_admin = 1 \
                         OR EXISTS (SELECT 1 FROM members m WHERE m.project_id = ch.project_id AND m.person_id = a.id \
                         AND m.role IN ('owner', 'staff'))))";

/// The token with this digest, revoked or not, as long as who made it may speak in its chat.
pub async fn find(c: &mut AnyConnection, digest: &str) -> Result<Option<NotifyToken>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM notify_tokens t WHERE t.digest = $1 AND {MAKER_MAY}"), args![digest]).await
}

/// What scripts say by tokens whose makers may not speak in the chat any more leaves no more.
pub async fn drop_of_others(c: &mut AnyConnection, chat: ChatId, reason: &str) -> Result<()> {
    sql::run(
        c,
        format!(
            "UPDATE notices SET status = 'dropped', reason = $2 WHERE chat_id = $1 AND kind = 'scripted' AND status = 'pending' \
             AND delivery_id IS NULL AND id IN (SELECT s.notice_id FROM script_calls s JOIN notify_tokens t ON t.id = s.token_id \
             WHERE t.chat_id = $1 AND NOT {MAKER_MAY})"
        ),
        args![chat, reason],
    )
    .await
    .map(drop)
}

/// The token as it is now, held until the transaction ends: two calls never count side by side.
pub async fn lock(c: &mut AnyConnection, dialect: Dialect, id: NotifyTokenId) -> Result<NotifyToken> {
    sql::one(c, format!("SELECT {COLUMNS} FROM notify_tokens t WHERE t.id = $1{}", dialect.hold()), args![id]).await
}

/// A call was accepted: these are the hour's counts now.
pub async fn count(c: &mut AnyConnection, id: NotifyTokenId, hour: Hour, now: Timestamp) -> Result<()> {
    sql::run(
        c,
        "UPDATE notify_tokens SET hour_at = $2, hour_calls = $3, hour_images = $4, calls = calls + 1, last_used_at = $5 WHERE id = $1",
        args![id, hour.at, hour.calls, hour.images, now],
    )
    .await
    .map(drop)
}

/// It speaks no more. Whether it did until now.
pub async fn revoke(c: &mut AnyConnection, id: NotifyTokenId, now: Timestamp) -> Result<bool> {
    sql::run(c, "UPDATE notify_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", args![id, now]).await.map(|n| n > 0)
}

/// A token as a list shows it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: NotifyTokenId,
    pub name: String,
    pub project: ProjectId,
    pub project_key: String,
    /// The LINE account's inbox: `line/NAME`.
    pub inbox: String,
    /// LINE's id of the chat.
    pub chat: String,
    /// Empty until LINE has told it.
    pub chat_name: String,
    pub chat_kind: ChatKind,
    /// Who made it.
    pub made_by: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// Calls that were accepted since it was made.
    pub calls: i64,
}

const LISTED: &str = "SELECT t.id, t.name, p.id, p.key, ch.inbox, ch.external_id, ch.name, ch.kind, a.name, t.created_at, t.last_used_at, \
                      t.calls FROM notify_tokens t JOIN chats ch ON ch.id = t.chat_id JOIN projects p ON p.id = ch.project_id \
                      JOIN persons a ON a.id = t.person_id WHERE t.revoked_at IS NULL";

row!(Listed { id, name, project, project_key, inbox, chat, chat_name, chat_kind: (ChatKind), made_by, created_at, last_used_at, calls });

/// The tokens in use that speak in the project's chats, oldest first.
pub async fn of_project(c: &mut AnyConnection, project: ProjectId, limit: i64) -> Result<Vec<Listed>> {
    sql::all(c, format!("{LISTED} AND p.id = $1 ORDER BY t.id LIMIT $2"), args![project, limit]).await
}

/// The tokens in use after `after`, of one project or all; `staff` limits them to the projects that this person is staff of.
pub async fn page(
    c: &mut AnyConnection,
    staff: Option<PersonId>,
    project: Option<ProjectId>,
    after: i64,
    limit: i64,
) -> Result<Vec<Listed>> {
    sql::all(
        c,
        format!(
            "{LISTED} AND t.id > $2 AND ($4 IS NULL OR p.id = $4) AND ($1 IS NULL OR p.id IN \
             (SELECT m.project_id FROM members m WHERE m.person_id = $1 AND m.role IN ('owner', 'staff'))) ORDER BY t.id LIMIT $3"
        ),
        args![staff, after, limit, project],
    )
    .await
}

/// The token, if it is in use.
pub async fn get(c: &mut AnyConnection, id: NotifyTokenId) -> Result<Option<Listed>> {
    sql::find(c, format!("{LISTED} AND t.id = $1"), args![id]).await
}
