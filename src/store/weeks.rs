//! What a week was in one project.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{PersonId, ProjectId, Status};

/// First answers of one week that are looked at.
const ANSWERS_MAX: i64 = 5000;

/// A project's week in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Discussions that were opened.
    pub opened: i64,
    /// Discussions that staff answered.
    pub answered: i64,
    /// Discussions that were done.
    pub solved: i64,
    /// Discussions that were opened before its end and are not done.
    pub open: i64,
    /// How long the clients of the week's new discussions waited for a first answer, in microseconds: the median of those that had one.
    pub first_answer_us: Option<i64>,
    /// Pushes to its chats, and people that they were billed for.
    pub pushes: i64,
    pub heads: i64,
}

impl Figures {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A discussion that is still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillOpen {
    pub number: i64,
    pub title: String,
    pub status: Status,
    pub opened_at: Timestamp,
    pub assignee: Option<PersonId>,
    /// Who looks after it.
    pub assignee_name: Option<String>,
}

impl FromRow for StillOpen {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            number: c.get()?,
            title: c.get()?,
            status: c.word(Status::find)?,
            opened_at: c.get()?,
            assignee: c.get()?,
            assignee_name: c.get()?,
        })
    }
}

const MATTER: &str = "d.project_id = $1 AND d.other = 0 AND d.merged_into IS NULL";
const NOT_DONE: &str = "d.status NOT IN ('resolved', 'closed')";

/// The project's figures from `from` until before `to`.
pub async fn figures(c: &mut AnyConnection, project: ProjectId, from: Timestamp, to: Timestamp) -> Result<Figures> {
    let opened = format!("SELECT COUNT(*) FROM discussions d WHERE {MATTER} AND d.opened_at >= $2 AND d.opened_at < $3");
    let answered = format!(
        "SELECT COUNT(DISTINCT d.id) FROM posts p JOIN discussions d ON d.id = p.discussion_id WHERE {MATTER} AND p.role <> 'client' \
         AND p.internal = 0 AND p.retracted_at IS NULL AND p.created_at >= $2 AND p.created_at < $3"
    );
    let solved = format!(
        "SELECT COUNT(DISTINCT d.id) FROM discussion_events e JOIN discussions d ON d.id = e.discussion_id WHERE {MATTER} \
         AND e.kind = 'status' AND (e.what LIKE '%\"to\":\"resolved\"%' OR e.what LIKE '%\"to\":\"closed\"%') AND e.at >= $2 AND e.at < $3 \
         AND NOT EXISTS (SELECT 1 FROM discussion_events l WHERE l.discussion_id = e.discussion_id AND l.kind = 'status' AND l.at < $3 \
         AND (l.at > e.at OR l.at = e.at AND l.id > e.id))"
    );
    let open = format!("SELECT COUNT(*) FROM discussions d WHERE {MATTER} AND {NOT_DONE} AND d.opened_at < $2");
    let waits: Vec<i64> = sql::all(
        c,
        format!(
            "SELECT MIN(p.created_at) - d.opened_at FROM discussions d JOIN posts p ON p.discussion_id = d.id WHERE {MATTER} \
             AND d.opened_at >= $2 AND d.opened_at < $3 AND p.role <> 'client' AND p.internal = 0 AND p.created_at >= d.opened_at \
             AND NOT EXISTS (SELECT 1 FROM posts f WHERE f.discussion_id = d.id AND f.created_at <= d.opened_at AND f.role <> 'client') \
             GROUP BY d.id, d.opened_at ORDER BY 1 LIMIT $4"
        ),
        args![project, from, to, ANSWERS_MAX],
    )
    .await?;
    let (pushes, heads): (i64, i64) = sql::one(
        c,
        "SELECT COUNT(*), CAST(COALESCE(SUM(v.heads), 0) AS BIGINT) FROM deliveries v JOIN chats ch ON ch.id = v.chat_id \
         WHERE COALESCE(v.payer_id, ch.project_id) = $1 AND v.via = 'line-push' AND v.status = 'sent' AND v.sent_at >= $2 AND v.sent_at < $3",
        args![project, from, to],
    )
    .await?;
    Ok(Figures {
        opened: sql::one(c, opened, args![project, from, to]).await?,
        answered: sql::one(c, answered, args![project, from, to]).await?,
        solved: sql::one(c, solved, args![project, from, to]).await?,
        open: sql::one(c, open, args![project, to]).await?,
        first_answer_us: waits.get(waits.len() / 2).copied(),
        pushes,
        heads,
    })
}

/// What was opened before `to` and is not done, the oldest first.
pub async fn still_open(c: &mut AnyConnection, project: ProjectId, to: Timestamp, limit: i64) -> Result<Vec<StillOpen>> {
    sql::all(
        c,
        format!(
            "SELECT d.number, d.title, d.status, d.opened_at, d.assignee_id, a.name FROM discussions d \
             LEFT JOIN persons a ON a.id = d.assignee_id WHERE {MATTER} AND {NOT_DONE} AND d.opened_at < $2 \
             ORDER BY d.opened_at, d.id LIMIT $3"
        ),
        args![project, to, limit],
    )
    .await
}
