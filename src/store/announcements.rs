//! What staff told the groups of chosen projects, and what became of it in each.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args, row};
use crate::domain::{AnnouncementId, ChatId, ChatKind, DeliveryStatus, NoticeId, PersonId, ProjectId, Via};

/// A chat that can be told something, with its project.
#[derive(Clone, Debug)]
pub struct Reach {
    pub project: ProjectId,
    pub project_key: String,
    pub project_name: String,
    pub chat: ChatId,
    /// Empty until LINE has told it.
    pub chat_name: String,
    pub chat_kind: ChatKind,
    /// The LINE account's inbox: `line/NAME`.
    pub inbox: String,
    /// People that a push would be billed for, as LINE last said.
    pub heads: Option<i64>,
    /// LINE takes messages for it: whoever blocked the account, and what it was thrown out of, is told by mail alone.
    pub in_reach: bool,
}

row!(Reach { project, project_key, project_name, chat, chat_name, chat_kind: (ChatKind), inbox, heads, in_reach });

/// The chats of clients' projects that the account is in, by project, or, of a project that it has left altogether, those that it was in:
/// what cannot be told there is told its clients by mail. `staff` limits them to the projects that this person is staff of.
pub async fn reach(c: &mut AnyConnection, staff: Option<PersonId>, limit: i64) -> Result<Vec<Reach>> {
    sql::all(
        c,
        "SELECT p.id, p.key, p.name, ch.id, ch.name, ch.kind, ch.inbox, ch.member_count, \
         CAST(CASE WHEN ch.left_at IS NULL AND ch.unreachable_since IS NULL AND NOT EXISTS (SELECT f.person_id FROM friends f JOIN identities i ON i.person_id = f.person_id \
         WHERE ch.kind = 'user' AND i.channel = 'line' AND i.external_id = ch.external_id AND f.inbox = ch.inbox AND f.blocked_at IS NOT NULL \
         AND (f.followed_at IS NULL OR f.followed_at < f.blocked_at) \
         AND (ch.last_event_at IS NULL OR ch.last_event_at <= f.blocked_at)) THEN 1 ELSE 0 END AS BIGINT) FROM chats ch JOIN projects p ON p.id = ch.project_id \
         WHERE ch.bound = 1 AND (ch.left_at IS NULL OR NOT EXISTS (SELECT o.id FROM chats o WHERE o.project_id = ch.project_id \
         AND o.bound = 1 AND o.left_at IS NULL)) AND p.kind = 'client' AND p.status = 'active' AND ($1 IS NULL OR p.id IN \
         (SELECT m.project_id FROM members m WHERE m.person_id = $1 AND m.role IN ('owner', 'staff'))) ORDER BY p.name, p.id, ch.id LIMIT $2",
        args![staff, limit],
    )
    .await
}

/// Keeps an announcement; `None` where this form has made one already.
pub async fn add(
    c: &mut AnyConnection,
    form: &str,
    by: PersonId,
    (body, urgent): (&str, bool),
    now: Timestamp,
) -> Result<Option<AnnouncementId>> {
    sql::find(
        c,
        "INSERT INTO announcements (form, person_id, body, urgent, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (form) DO NOTHING RETURNING id",
        args![form, by, body, urgent, now],
    )
    .await
}

/// The announcement that this form has made.
pub async fn of_form(c: &mut AnyConnection, form: &str) -> Result<Option<AnnouncementId>> {
    sql::find(c, "SELECT id FROM announcements WHERE form = $1", args![form]).await
}

/// The notice tells it.
pub async fn add_notice(c: &mut AnyConnection, announcement: AnnouncementId, notice: NoticeId) -> Result<()> {
    sql::run(c, "INSERT INTO announcement_notices (announcement_id, notice_id) VALUES ($1, $2)", args![announcement, notice])
        .await
        .map(drop)
}

/// Whether what the notice tells was withdrawn.
pub async fn is_withdrawn(c: &mut AnyConnection, notice: NoticeId) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT a.id FROM announcement_notices x JOIN announcements a ON a.id = x.announcement_id \
         WHERE x.notice_id = $1 AND a.withdrawn_at IS NOT NULL",
        args![notice],
    )
    .await?;
    Ok(found.is_some())
}

/// What the notice tells, if it tells an announcement.
pub async fn of_notice(c: &mut AnyConnection, notice: NoticeId) -> Result<Option<AnnouncementId>> {
    sql::find(c, "SELECT announcement_id FROM announcement_notices WHERE notice_id = $1", args![notice]).await
}

/// Whether the person is, or was, to be told it by themselves: by mail. Its author knows it.
pub async fn is_for(c: &mut AnyConnection, id: AnnouncementId, person: PersonId) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT a.id FROM announcements a WHERE a.id = $1 AND (a.person_id = $2 OR EXISTS (SELECT 1 FROM announcement_notices x \
         JOIN notices n ON n.id = x.notice_id WHERE x.announcement_id = a.id AND n.person_id = $2))",
        args![id, person],
    )
    .await?;
    Ok(found.is_some())
}

/// Names of the projects whose chats it is for.
pub async fn projects_of(c: &mut AnyConnection, id: AnnouncementId, limit: i64) -> Result<Vec<String>> {
    sql::all(
        c,
        "SELECT p.name FROM projects p WHERE p.id IN (SELECT ch.project_id FROM announcement_notices x JOIN notices n ON n.id = x.notice_id \
         JOIN chats ch ON ch.id = n.chat_id WHERE x.announcement_id = $1) ORDER BY p.name, p.id LIMIT $2",
        args![id, limit],
    )
    .await
}

/// What still waits to tell it: each notice with its chat, by chat; those without one are mails.
pub async fn waiting(c: &mut AnyConnection, id: AnnouncementId) -> Result<Vec<(NoticeId, Option<ChatId>)>> {
    sql::all(
        c,
        "SELECT n.id, n.chat_id FROM announcement_notices x JOIN notices n ON n.id = x.notice_id WHERE x.announcement_id = $1 \
         AND n.status = 'pending' AND n.delivery_id IS NULL ORDER BY n.chat_id",
        args![id],
    )
    .await
}

/// It is withdrawn. Whether it was not before.
pub async fn withdraw(c: &mut AnyConnection, id: AnnouncementId, now: Timestamp) -> Result<bool> {
    sql::run(c, "UPDATE announcements SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL", args![id, now]).await.map(|n| n > 0)
}

/// What was cancelled of it is withdrawn like the rest: it cannot be restored.
pub async fn end_cancelled(c: &mut AnyConnection, id: AnnouncementId, (cancelled, withdrawn): (&str, &str)) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET reason = $3 WHERE status = 'dropped' AND SUBSTR(reason, 1, LENGTH($2)) = $2 \
         AND id IN (SELECT notice_id FROM announcement_notices WHERE announcement_id = $1)",
        args![id, cancelled, withdrawn],
    )
    .await
    .map(drop)
}

/// An announcement and how far it has come.
#[derive(Clone, Debug)]
pub struct Announcement {
    pub id: AnnouncementId,
    pub by: PersonId,
    pub by_name: String,
    pub body: String,
    pub urgent: bool,
    pub created_at: Timestamp,
    pub withdrawn_at: Option<Timestamp>,
    /// Chats by what became of it there.
    pub waiting: i64,
    pub free: i64,
    pub pushed: i64,
    pub failed: i64,
    pub dropped: i64,
    /// People that its pushes were billed for.
    pub heads: i64,
    /// Clients who were told by mail, since a group of theirs could not be, and those who are about to be.
    pub mailed: i64,
}

row!(Announcement { id, by, by_name, body, urgent, created_at, withdrawn_at, waiting, free, pushed, failed, dropped, heads, mailed });

/// `SELECT` with what became of each announcement that `which` leaves.
fn summed(which: &str) -> String {
    let count = |when: &str| format!("CAST(COALESCE(SUM(CASE WHEN {when} THEN 1 ELSE 0 END), 0) AS BIGINT)");
    format!(
        "SELECT a.id, a.person_id, p.name, a.body, a.urgent, a.created_at, a.withdrawn_at, {}, {}, {}, {}, {}, \
         CAST(COALESCE(SUM(CASE WHEN n.status = 'sent' THEN v.heads ELSE 0 END), 0) AS BIGINT), {} \
         FROM announcements a JOIN persons p ON p.id = a.person_id LEFT JOIN announcement_notices x ON x.announcement_id = a.id \
         LEFT JOIN notices n ON n.id = x.notice_id LEFT JOIN deliveries v ON v.id = n.delivery_id WHERE {which} \
         GROUP BY a.id, a.person_id, p.name, a.body, a.urgent, a.created_at, a.withdrawn_at",
        count("n.chat_id IS NOT NULL AND n.status = 'pending'"),
        count("n.status = 'sent' AND v.via = 'line-reply'"),
        count("n.status = 'sent' AND v.via = 'line-push'"),
        count("n.chat_id IS NOT NULL AND n.status = 'failed'"),
        count("n.chat_id IS NOT NULL AND n.status = 'dropped'"),
        count("n.person_id IS NOT NULL AND n.status IN ('pending', 'sent')"),
    )
}

/// The announcement, if there is one.
pub async fn find(c: &mut AnyConnection, id: AnnouncementId) -> Result<Option<Announcement>> {
    sql::find(c, summed("a.id = $1"), args![id]).await
}

/// The latest before `before`; of one person, or of all.
pub async fn page(c: &mut AnyConnection, by: Option<PersonId>, before: Option<i64>, limit: i64) -> Result<Vec<Announcement>> {
    let which = summed("($1 IS NULL OR a.person_id = $1) AND ($2 IS NULL OR a.id < $2)");
    sql::all(c, format!("{which} ORDER BY a.id DESC LIMIT $3"), args![by, before, limit]).await
}

/// What became of an announcement in one chat.
#[derive(Clone, Debug)]
pub struct Became {
    pub project_key: String,
    pub project_name: String,
    /// LINE's id.
    pub chat: String,
    pub chat_name: String,
    pub chat_kind: ChatKind,
    pub status: DeliveryStatus,
    /// How it travels, once that is decided.
    pub via: Option<Via>,
    /// People that it was billed for.
    pub heads: i64,
    pub sent_at: Option<Timestamp>,
    /// For what waits: a push may be paid for it from here on.
    pub deadline_at: Timestamp,
    /// Why it failed, waits or was dropped.
    pub reason: Option<String>,
}

row!(Became {
    project_key, project_name, chat, chat_name, chat_kind: (ChatKind), status: (DeliveryStatus), via: (?Via), heads, sent_at, deadline_at,
    reason,
});

/// What became of it, chat by chat.
pub async fn in_chats(c: &mut AnyConnection, id: AnnouncementId) -> Result<Vec<Became>> {
    sql::all(
        c,
        "SELECT p.key, p.name, ch.external_id, ch.name, ch.kind, n.status, v.via, COALESCE(v.heads, 0), v.sent_at, n.deadline_at, \
         COALESCE(v.last_error, n.reason) FROM announcement_notices x JOIN notices n ON n.id = x.notice_id JOIN chats ch ON ch.id = n.chat_id \
         JOIN projects p ON p.id = ch.project_id LEFT JOIN deliveries v ON v.id = n.delivery_id WHERE x.announcement_id = $1 \
         ORDER BY p.name, n.id",
        args![id],
    )
    .await
}
