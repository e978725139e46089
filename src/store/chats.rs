//! LINE groups, rooms and users' own chats.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Dialect;
use super::sql::{self, Columns, FromRow, Result, args, row};
use crate::domain::{ChatId, ChatKind, Inbox, LineChatId, PersonId, ProjectId};

/// A place on a channel where people write.
#[derive(Clone, Debug)]
pub struct Chat {
    pub id: ChatId,
    pub inbox: Inbox,
    pub external_id: LineChatId,
    pub kind: ChatKind,
    /// Empty until LINE has told it.
    pub name: String,
    pub project: ProjectId,
    /// Whether a person bound it to its project.
    pub bound: bool,
    /// Heads that a push would be billed for, as LINE last said.
    pub member_count: Option<i64>,
    /// When LINE was last asked for its name.
    pub named_at: Option<Timestamp>,
    pub last_event_at: Option<Timestamp>,
    pub left_at: Option<Timestamp>,
    /// Since when LINE takes no messages for it, and what it said; `None` once something was heard from there again.
    pub unreachable: Option<(Timestamp, String)>,
}

impl Chat {
    /// Heads that a push into it is billed for, as far as is known.
    pub fn heads(&self) -> i64 {
        self.member_count.unwrap_or(1)
    }
}

const COLUMNS: &str = "c.id, c.inbox, c.external_id, c.kind, c.name, c.project_id, c.bound, c.member_count, c.named_at, c.last_event_at, \
                       c.left_at, c.unreachable_since, c.unreachable_why";

impl FromRow for Chat {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            inbox: Inbox::stored(c.get()?),
            external_id: LineChatId(c.get()?),
            kind: c.word(ChatKind::find)?,
            name: c.get()?,
            project: c.get()?,
            bound: c.get()?,
            member_count: c.get()?,
            named_at: c.get()?,
            last_event_at: c.get()?,
            left_at: c.get()?,
            unreachable: c.get::<Option<Timestamp>>()?.zip(c.get::<Option<String>>()?),
        })
    }
}

/// The chat with LINE's id for it.
pub async fn find(c: &mut AnyConnection, inbox: &Inbox, external_id: &LineChatId) -> Result<Option<Chat>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM chats c WHERE c.inbox = $1 AND c.external_id = $2"), args![inbox.as_str(), external_id])
        .await
}

/// The chat with our id.
pub async fn get(c: &mut AnyConnection, id: ChatId) -> Result<Chat> {
    sql::one(c, format!("SELECT {COLUMNS} FROM chats c WHERE c.id = $1"), args![id]).await
}

/// Holds the chat until the transaction ends, so that two nodes never place into it, or bundle its notices, side by side.
pub async fn lock(c: &mut AnyConnection, dialect: Dialect, id: ChatId) -> Result<()> {
    sql::find::<i64>(c, format!("SELECT id FROM chats WHERE id = $1{}", dialect.hold()), args![id]).await.map(drop)
}

/// Holds all chats of the project likewise, in the order of their ids, which is everybody's who holds several.
pub async fn lock_all(c: &mut AnyConnection, dialect: Dialect, project: ProjectId) -> Result<()> {
    sql::all::<i64>(c, format!("SELECT id FROM chats WHERE project_id = $1 ORDER BY id{}", dialect.hold()), args![project]).await.map(drop)
}

/// A new chat in this project; `None` where another was faster.
pub async fn add(
    c: &mut AnyConnection,
    inbox: &Inbox,
    external_id: &LineChatId,
    kind: ChatKind,
    project: ProjectId,
) -> Result<Option<ChatId>> {
    sql::find(
        c,
        "INSERT INTO chats (inbox, external_id, kind, project_id) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (inbox, external_id) DO NOTHING RETURNING id",
        args![inbox.as_str(), external_id, kind.as_str(), project],
    )
    .await
}

/// Binds the chat to the project; its discussions go along.
pub async fn bind(c: &mut AnyConnection, chat: ChatId, project: ProjectId) -> Result<()> {
    sql::run(c, "UPDATE chats SET project_id = $2, bound = 1 WHERE id = $1", args![chat, project]).await?;
    sql::run(c, "UPDATE discussions SET project_id = $2 WHERE chat_id = $1", args![chat, project]).await.map(drop)
}

/// What LINE says of the chat, as just asked.
pub async fn record_summary(c: &mut AnyConnection, id: ChatId, name: Option<&str>, members: Option<i64>, now: Timestamp) -> Result<()> {
    sql::run(
        c,
        "UPDATE chats SET named_at = $2, name = COALESCE($3, name), member_count = COALESCE($4, member_count), \
         counted_at = CASE WHEN $4 IS NULL THEN counted_at ELSE $2 END WHERE id = $1",
        args![id, now, name, members],
    )
    .await
    .map(drop)
}

/// LINE was asked at `at` how many people are in the chat; `None` = it did not tell, and the old number counts.
pub async fn counted(c: &mut AnyConnection, id: ChatId, members: Option<i64>, at: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE chats SET member_count = COALESCE($2, member_count), counted_at = $3 WHERE id = $1", args![id, members, at])
        .await
        .map(drop)
}

/// Chats that a push may be about to leave for, and whose heads LINE was not asked for since `before`.
pub async fn to_count(c: &mut AnyConnection, now: Timestamp, before: Timestamp, limit: i64) -> Result<Vec<Chat>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM chats c WHERE c.left_at IS NULL AND c.kind <> 'user' AND (c.counted_at IS NULL OR c.counted_at < $2) \
             AND c.id IN (SELECT n.chat_id FROM notices n WHERE n.status = 'pending' AND n.delivery_id IS NULL AND n.due_at <= $1 \
             AND n.deadline_at <= $1 AND n.chat_id IS NOT NULL) ORDER BY c.id LIMIT $3"
        ),
        args![now, before, limit],
    )
    .await
}

/// LINE takes no messages for the chat. Whether that is news.
pub async fn unreachable(c: &mut AnyConnection, id: ChatId, why: &str, since: Timestamp) -> Result<bool> {
    let marked = "UPDATE chats SET unreachable_since = $2, unreachable_why = $3 WHERE id = $1 AND unreachable_since IS NULL";
    sql::run(c, marked, args![id, since, why]).await.map(|n| n > 0)
}

/// An event of the chat was placed: it is alive, and can be reached again if it happened after LINE said no.
pub async fn touch(c: &mut AnyConnection, id: ChatId, at: Timestamp) -> Result<()> {
    let heard = "UPDATE chats SET last_event_at = $2 WHERE id = $1 AND (last_event_at IS NULL OR last_event_at < $2)";
    sql::run(c, heard, args![id, at]).await?;
    let reached = "UPDATE chats SET unreachable_since = NULL, unreachable_why = NULL WHERE id = $1 AND unreachable_since <= $2";
    sql::run(c, reached, args![id, at]).await.map(drop)
}

/// LINE is to be asked soon: its name or its heads have changed.
pub async fn ask_again(c: &mut AnyConnection, id: ChatId) -> Result<()> {
    sql::run(c, "UPDATE chats SET named_at = NULL, counted_at = NULL WHERE id = $1", args![id]).await.map(drop)
}

/// The project's chats that the bot is in, oldest first.
pub async fn of_project(c: &mut AnyConnection, project: ProjectId) -> Result<Vec<Chat>> {
    sql::all(c, format!("SELECT {COLUMNS} FROM chats c WHERE c.project_id = $1 AND c.left_at IS NULL ORDER BY c.id"), args![project]).await
}

/// Every chat of the project, those that the bot has left among them, oldest first.
pub async fn all_of_project(c: &mut AnyConnection, project: ProjectId, limit: i64) -> Result<Vec<Chat>> {
    sql::all(c, format!("SELECT {COLUMNS} FROM chats c WHERE c.project_id = $1 ORDER BY c.id LIMIT $2"), args![project, limit]).await
}

/// Chats for a list: those that nobody bound first, then by their last activity. `staff` limits them to the projects that this person is
/// staff of.
pub async fn page(c: &mut AnyConnection, staff: Option<PersonId>, offset: i64, limit: i64) -> Result<Vec<Chat>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM chats c WHERE ($1 IS NULL OR c.project_id IN \
             (SELECT m.project_id FROM members m WHERE m.person_id = $1 AND m.role IN ('owner', 'staff'))) \
             ORDER BY c.bound, COALESCE(c.last_event_at, 0) DESC, c.id LIMIT $2 OFFSET $3"
        ),
        args![staff, limit, offset],
    )
    .await
}

/// How many groups and rooms an account is in, and how many chats it does not reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChatCounts {
    pub bound: i64,
    /// In no project that somebody chose.
    pub unbound: i64,
    /// That it has left.
    pub left: i64,
    /// Of all chats, people's own among them.
    pub out_of_reach: i64,
}

row!(ChatCounts { bound, unbound, left, out_of_reach });

/// Counts the account's chats.
pub async fn counts_of_inbox(c: &mut AnyConnection, inbox: &Inbox) -> Result<ChatCounts> {
    let count = |when: &str| format!("CAST(COALESCE(SUM(CASE WHEN {when} THEN 1 ELSE 0 END), 0) AS BIGINT)");
    let sql = format!(
        "SELECT {}, {}, {}, {} FROM chats c WHERE c.inbox = $1",
        count("c.kind <> 'user' AND c.left_at IS NULL AND c.bound = 1"),
        count("c.kind <> 'user' AND c.left_at IS NULL AND c.bound = 0"),
        count("c.kind <> 'user' AND c.left_at IS NOT NULL"),
        count("c.left_at IS NULL AND c.unreachable_since IS NOT NULL"),
    );
    sql::one(c, sql, args![inbox.as_str()]).await
}

/// Groups and rooms that the account is in and reaches, bound or not, those with the latest activity first.
pub async fn groups_of_inbox(c: &mut AnyConnection, inbox: &Inbox, bound: bool, limit: i64) -> Result<Vec<Chat>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM chats c WHERE c.inbox = $1 AND c.bound = $2 AND c.kind <> 'user' AND c.left_at IS NULL AND c.unreachable_since IS NULL \
         ORDER BY COALESCE(c.last_event_at, 0) DESC, c.id LIMIT $3"
    );
    sql::all(c, sql, args![inbox.as_str(), bound, limit]).await
}

/// Chats of the account that LINE takes no messages for, the latest first.
pub async fn out_of_reach(c: &mut AnyConnection, inbox: &Inbox, limit: i64) -> Result<Vec<Chat>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM chats c WHERE c.inbox = $1 AND c.left_at IS NULL AND c.unreachable_since IS NOT NULL \
         ORDER BY c.unreachable_since DESC, c.id LIMIT $2"
    );
    sql::all(c, sql, args![inbox.as_str(), limit]).await
}

/// The chat with our id, if there is one.
pub async fn find_by_id(c: &mut AnyConnection, id: ChatId) -> Result<Option<Chat>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM chats c WHERE c.id = $1"), args![id]).await
}

/// Gives the chat back to a project of its own, which nobody bound it to; its discussions go along.
pub async fn unbind(c: &mut AnyConnection, chat: ChatId, own_project: ProjectId) -> Result<()> {
    bind(c, chat, own_project).await?;
    sql::run(c, "UPDATE chats SET bound = 0 WHERE id = $1", args![chat]).await.map(drop)
}

/// Chats that LINE was not asked about since `before`, or, where it has never told how many are in them, since `unknown_before`: those
/// without a name first.
pub async fn stale(c: &mut AnyConnection, before: Timestamp, unknown_before: Timestamp, limit: i64) -> Result<Vec<Chat>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM chats c WHERE c.left_at IS NULL AND (c.named_at IS NULL OR c.named_at < $1 \
             OR (c.member_count IS NULL AND c.named_at < $2)) ORDER BY CASE WHEN c.name = '' THEN 0 ELSE 1 END, c.id LIMIT $3"
        ),
        args![before, unknown_before, limit],
    )
    .await
}

/// Whether somebody is known to have left the chat.
pub async fn has_left(c: &mut AnyConnection, chat: ChatId, person: PersonId) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, "SELECT left_at FROM chat_members WHERE chat_id = $1 AND person_id = $2 AND left_at IS NOT NULL", args![chat, person])
            .await?;
    Ok(found.is_some())
}
