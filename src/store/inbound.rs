//! What arrived, before anything was done with it.

use std::fmt::Write as _;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Dialect;
use super::sql::{self, Columns, FromRow, Result, Value, args};
use crate::domain::{DiscussionId, InboundId, Inbox, PersonId, PostId, words};

words! {
    /// What became of something that arrived.
    InboundStatus {
        /// Durable, not yet looked at.
        Received = "received",
        /// It became a post, or changed what we know.
        Done = "done",
        /// Looked at, and nothing was to be done; the note says why.
        Ignored = "ignored",
        /// It waits for a person; the note says why.
        Held = "held",
        /// It could not be dealt with; the error says why.
        Failed = "failed",
    }
}

/// Something to be made durable.
#[derive(Clone, Debug)]
pub struct NewInbound {
    pub inbox: Inbox,
    pub external_id: String,
    pub received_at: Timestamp,
    pub happened_at: Timestamp,
    pub body: String,
}

/// Something that arrived.
#[derive(Clone, Debug)]
pub struct Inbound {
    pub id: InboundId,
    pub inbox: Inbox,
    pub external_id: String,
    pub received_at: Timestamp,
    pub body: String,
    pub attempts: i64,
}

impl FromRow for Inbound {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            inbox: Inbox::stored(c.get()?),
            external_id: c.get()?,
            received_at: c.get()?,
            body: c.get()?,
            attempts: c.get()?,
        })
    }
}

/// Rows of the largest INSERT: five arguments each, of the 32,766 that an engine takes at least.
const ROWS_PER_INSERT_MAX: usize = 128;

/// Keeps all of it, each once. How many were new.
pub async fn add_all(c: &mut AnyConnection, rows: Vec<NewInbound>) -> Result<u64> {
    let mut added = 0;
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        // Powers of two: eight statements stay prepared, and 30 rows take four of them. Each costs a trip to the connection's thread.
        let count = 1 << rows.len().min(ROWS_PER_INSERT_MAX).ilog2();
        let mut values: Vec<Value> = Vec::with_capacity(count * 5);
        for row in rows.by_ref().take(count) {
            values.extend(args![row.inbox.as_str(), row.external_id, row.received_at, row.happened_at, row.body]);
        }
        added += sql::run(c, insert(count), values).await?;
    }
    Ok(added)
}

/// The INSERT of `count` rows.
fn insert(count: usize) -> String {
    let mut sql = "INSERT INTO inbound (inbox, external_id, received_at, happened_at, body, due_at) VALUES ".to_owned();
    for row in 0..count {
        let n = row * 5;
        let comma = if row == 0 { "" } else { ", " };
        write!(sql, "{comma}(${}, ${}, ${}, ${}, ${}, ${})", n + 1, n + 2, n + 3, n + 4, n + 5, n + 3).expect("a string takes everything");
    }
    sql.push_str(" ON CONFLICT (inbox, external_id) DO NOTHING");
    sql
}

/// What waits to be placed, in the order in which it happened.
pub async fn waiting(c: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<Inbound>> {
    sql::all(
        c,
        "SELECT id, inbox, external_id, received_at, body, attempts FROM inbound WHERE status = 'received' AND due_at <= $1 \
         ORDER BY happened_at, id LIMIT $2",
        args![now, limit],
    )
    .await
}

/// Claims one row until the transaction ends; false where another node has it, or it is dealt with.
pub async fn claim(c: &mut AnyConnection, dialect: Dialect, id: InboundId) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, format!("SELECT id FROM inbound WHERE id = $1 AND status = 'received'{}", dialect.skip_locked()), args![id]).await?;
    Ok(found.is_some())
}

/// The row with our id.
pub async fn find(c: &mut AnyConnection, id: InboundId) -> Result<Option<Inbound>> {
    sql::find(c, "SELECT id, inbox, external_id, received_at, body, attempts FROM inbound WHERE id = $1", args![id]).await
}

/// The row of an inbox with this external id.
pub async fn find_in(c: &mut AnyConnection, inbox: &Inbox, external_id: &str) -> Result<Option<Inbound>> {
    sql::find(
        c,
        "SELECT id, inbox, external_id, received_at, body, attempts FROM inbound WHERE inbox = $1 AND external_id = $2",
        args![inbox.as_str(), external_id],
    )
    .await
}

/// What became of a row by now.
#[derive(Clone, Debug)]
pub struct Became {
    pub inbox: Inbox,
    pub status: InboundStatus,
    pub discussion: Option<DiscussionId>,
}

impl FromRow for Became {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { inbox: Inbox::stored(c.get()?), status: c.word(InboundStatus::find)?, discussion: c.get()? })
    }
}

/// What became of the row; where it is to be `held`, it is not dealt with before the transaction ends.
pub async fn became(c: &mut AnyConnection, dialect: Dialect, id: InboundId, held: bool) -> Result<Became> {
    let lock = if held { dialect.hold() } else { "" };
    sql::one(c, format!("SELECT inbox, status, discussion_id FROM inbound WHERE id = $1{lock}"), args![id]).await
}

/// Whether another node is dealing with the row at this moment; where nobody is, nobody does before the transaction ends.
pub async fn is_being_placed(c: &mut AnyConnection, dialect: Dialect, id: InboundId) -> Result<bool> {
    if claim(c, dialect, id).await? {
        return Ok(false);
    }
    Ok(became(c, dialect, id, false).await?.status == InboundStatus::Received)
}

/// When the next row that waits for another try is due.
pub async fn next_due(c: &mut AnyConnection) -> Result<Option<Timestamp>> {
    sql::one(c, "SELECT MIN(due_at) FROM inbound WHERE status = 'received'", args![]).await
}

/// What became of it. `message`: the LINE message that it was about.
pub async fn settle(
    c: &mut AnyConnection,
    id: InboundId,
    status: InboundStatus,
    note: Option<&str>,
    discussion: Option<DiscussionId>,
    message: Option<&str>,
) -> Result<()> {
    sql::run(
        c,
        "UPDATE inbound SET status = $2, note = $3, error = NULL, discussion_id = COALESCE($4, discussion_id), message_id = $5 WHERE id = $1",
        args![id, status.as_str(), note, discussion, message],
    )
    .await
    .map(drop)
}

/// The SHA-256 of the raw mail that a post was placed from.
pub async fn raw_mail_of(c: &mut AnyConnection, post: PostId) -> Result<Option<String>> {
    let mail = "SELECT i.body FROM posts p JOIN inbound i ON i.id = p.inbound_id WHERE p.id = $1 AND p.source = 'email'";
    sql::find(c, mail, args![post]).await
}

/// Which LINE message it is about, where it waits or was given up.
pub async fn set_message(c: &mut AnyConnection, id: InboundId, message: &str) -> Result<()> {
    sql::run(c, "UPDATE inbound SET message_id = $2 WHERE id = $1", args![id, message]).await.map(drop)
}

/// It went wrong: tried again at `due_at`, or given up (`None`).
pub async fn went_wrong(c: &mut AnyConnection, id: InboundId, error: &str, due_at: Option<Timestamp>) -> Result<()> {
    sql::run(
        c,
        "UPDATE inbound SET attempts = attempts + 1, error = $2, due_at = COALESCE($3, due_at), \
         status = CASE WHEN $3 IS NULL THEN 'failed' ELSE status END WHERE id = $1",
        args![id, error, due_at],
    )
    .await
    .map(drop)
}

/// A LINE message was taken back: nothing of what brought it, or its edits, stays. What still waits to be placed keeps its words until
/// then: they tell what it is about.
pub async fn forget_message(c: &mut AnyConnection, inbox: &Inbox, message: &str) -> Result<()> {
    sql::run(
        c,
        "UPDATE inbound SET body = '{}' WHERE inbox = $1 AND message_id = $2 AND status <> 'received'",
        args![inbox.as_str(), message],
    )
    .await
    .map(drop)
}

/// Keeps nothing of this row's own words either (an edit of a message that was taken back).
pub async fn forget_own_body(c: &mut AnyConnection, id: InboundId) -> Result<()> {
    sql::run(c, "UPDATE inbound SET body = '{}' WHERE id = $1", args![id]).await.map(drop)
}

/// A row of `GET /api/v1/inbound`.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: InboundId,
    pub inbox: Inbox,
    /// `mail`; a LINE message's or other event's `type`; empty where its words were forgotten, since they were taken back.
    pub kind: String,
    pub external_id: String,
    pub status: InboundStatus,
    pub received_at: Timestamp,
    pub attempts: i64,
    pub note: Option<String>,
    pub error: Option<String>,
    pub discussion_number: Option<i64>,
}

impl FromRow for Listed {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            inbox: Inbox::stored(c.get()?),
            kind: c.get::<Option<String>>()?.map_or_else(|| "mail".to_owned(), |event| kind_of(&event)),
            external_id: c.get()?,
            status: c.word(InboundStatus::find)?,
            received_at: c.get()?,
            attempts: c.get()?,
            note: c.get()?,
            error: c.get()?,
            discussion_number: c.get()?,
        })
    }
}

/// The longest kind that is told, in characters.
const KIND_CHARS_MAX: usize = 40;

/// What LINE calls the event, or the message that it brings.
fn kind_of(event: &str) -> String {
    let event: serde_json::Value = serde_json::from_str(event).unwrap_or_default();
    let kind = |of: &serde_json::Value| of["type"].as_str().map(|t| t.chars().filter(|c| !c.is_control()).take(KIND_CHARS_MAX).collect());
    match event["type"].as_str() {
        Some("message") => kind(&event["message"]).unwrap_or_else(|| "message".to_owned()),
        _ => kind(&event).unwrap_or_default(),
    }
}

/// How many wait for a person, and how many failed.
pub async fn troubled(c: &mut AnyConnection) -> Result<(i64, i64)> {
    let counts: Vec<(String, i64)> =
        sql::all(c, "SELECT status, COUNT(*) FROM inbound WHERE status IN ('held', 'failed') GROUP BY status", args![]).await?;
    let of = |status: InboundStatus| counts.iter().find(|(word, _)| word == status.as_str()).map_or(0, |(_, n)| *n);
    Ok((of(InboundStatus::Held), of(InboundStatus::Failed)))
}

/// A page of what arrived, the newest first. `member` limits it to what became part of a project where that person is staff.
pub async fn page(
    c: &mut AnyConnection,
    member: Option<PersonId>,
    status: Option<InboundStatus>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Listed>> {
    sql::all(
        c,
        "SELECT i.id, i.inbox, CASE WHEN i.inbox LIKE 'line/%' THEN i.body END, i.external_id, i.status, i.received_at, i.attempts, i.note, i.error, d.number \
         FROM inbound i LEFT JOIN discussions d ON d.id = i.discussion_id \
         LEFT JOIN held_mails h ON h.inbound_id = i.id \
         WHERE ($1 IS NULL OR COALESCE(d.project_id, h.project_id) IN (SELECT m.project_id FROM members m WHERE m.person_id = $1 AND m.role IN ('owner', 'staff'))) \
         AND ($2 IS NULL OR i.status = $2) AND ($3 IS NULL OR i.id < $3) ORDER BY i.id DESC LIMIT $4",
        args![member, status.map(InboundStatus::as_str), before, limit],
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;

    fn numbered(numbers: std::ops::Range<usize>) -> Vec<NewInbound> {
        let one = |n| NewInbound {
            inbox: Inbox::line("main"),
            external_id: format!("event-{n}"),
            received_at: Timestamp::UNIX_EPOCH,
            happened_at: Timestamp::UNIX_EPOCH,
            body: format!("{{\"n\":{n}}}"),
        };
        numbers.map(one).collect()
    }

    #[test]
    fn a_kind_is_what_line_calls_it() {
        let kinds = [
            (r#"{"type":"message","message":{"type":"text","text":"x"}}"#, "text"),
            (r#"{"type":"message"}"#, "message"),
            (r#"{"type":"unsend"}"#, "unsend"),
            (r#"{"type":"quantum\u0000Leap"}"#, "quantumLeap"),
            ("{}", ""),
            ("not json", ""),
            ("[1]", ""),
        ];
        for (event, kind) in kinds {
            assert_eq!(kind_of(event), kind, "{event}");
        }
        assert_eq!(kind_of(&format!("{{\"type\":\"{}\"}}", "長".repeat(99))).chars().count(), KIND_CHARS_MAX);
    }

    #[tokio::test]
    async fn any_number_of_rows_is_kept_each_once_with_its_own_body() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/test.db", folder.path().display())).await.unwrap();
        let mut until = 0;
        for count in [0, 1, 2, 3, 7, ROWS_PER_INSERT_MAX - 1, ROWS_PER_INSERT_MAX, ROWS_PER_INSERT_MAX * 2 + 5] {
            let mut tx = db.begin().await.unwrap();
            // Two that are there already go along.
            let known = until.min(2);
            let added = add_all(&mut tx, numbered(until - known..until + count)).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(added, count as u64);
            until += count;
        }
        let mut c = db.read().await.unwrap();
        let kept: Vec<(String, String)> = sql::all(&mut c, "SELECT external_id, body FROM inbound ORDER BY id", args![]).await.unwrap();
        let expected: Vec<(String, String)> = numbered(0..until).into_iter().map(|row| (row.external_id, row.body)).collect();
        assert_eq!(kept, expected);
    }
}
