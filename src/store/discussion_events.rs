//! What was changed about discussions, by whom and when.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{DiscussionId, Happening, HappeningKind, PersonId, ProjectId, Source};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscussionEvent {
    pub id: i64,
    pub at: Timestamp,
    pub person: Option<PersonId>,
    /// The person's name now; empty where nobody knows who it was.
    pub by: String,
    pub via: Source,
    pub what: Happening,
}

impl FromRow for DiscussionEvent {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            at: c.get()?,
            person: c.get()?,
            by: c.get()?,
            via: c.word(Source::find)?,
            what: c.word(|json| serde_json::from_str(json).ok())?,
        })
    }
}

const SELECT: &str = "SELECT e.id, e.at, e.person_id, COALESCE(a.name, ''), e.via, e.what FROM discussion_events e \
                      LEFT JOIN persons a ON a.id = e.person_id";

/// Who did something, and through which door.
#[derive(Clone, Copy, Debug)]
pub struct By {
    /// `None`: LINE did not tell.
    pub person: Option<PersonId>,
    pub via: Source,
}

/// Records a change.
pub async fn add(c: &mut AnyConnection, discussion: DiscussionId, by: By, at: Timestamp, what: &Happening) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO discussion_events (discussion_id, at, person_id, via, kind, what) VALUES ($1, $2, $3, $4, $5, $6)",
        args![discussion, at, by.person, by.via.as_str(), what.kind().as_str(), what.to_json()],
    )
    .await
    .map(drop)
}

/// The discussion's last `limit` changes, in the order in which they were made.
pub async fn of_discussion(c: &mut AnyConnection, discussion: DiscussionId, limit: i64) -> Result<Vec<DiscussionEvent>> {
    let mut found: Vec<DiscussionEvent> =
        sql::all(c, format!("{SELECT} WHERE e.discussion_id = $1 ORDER BY e.at DESC, e.id DESC LIMIT $2"), args![discussion, limit])
            .await?;
    found.reverse();
    Ok(found)
}

/// The last change of this kind that the person made in the discussion; of nobody known where `person` is `None`.
pub async fn last_by(
    c: &mut AnyConnection,
    discussion: DiscussionId,
    kind: HappeningKind,
    person: Option<PersonId>,
) -> Result<Option<DiscussionEvent>> {
    sql::find(
        c,
        format!(
            "{SELECT} WHERE e.discussion_id = $1 AND e.kind = $2 AND COALESCE(e.person_id, 0) = COALESCE($3, 0) \
             ORDER BY e.at DESC, e.id DESC LIMIT 1"
        ),
        args![discussion, kind.as_str(), person],
    )
    .await
}

/// The ids of its changes.
pub async fn ids_of(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<i64>> {
    sql::all(c, "SELECT id FROM discussion_events WHERE discussion_id = $1 ORDER BY id", args![discussion]).await
}

/// These changes are part of the discussion's history from now on.
pub async fn redirect_these(c: &mut AnyConnection, ids: &[i64], to: DiscussionId) -> Result<()> {
    for id in ids {
        sql::run(c, "UPDATE discussion_events SET discussion_id = $2 WHERE id = $1", args![*id, to]).await?;
    }
    Ok(())
}

/// The discussion's last change of this kind, whoever made it.
pub async fn last(c: &mut AnyConnection, discussion: DiscussionId, kind: HappeningKind) -> Result<Option<DiscussionEvent>> {
    let sql = format!("{SELECT} WHERE e.discussion_id = $1 AND e.kind = $2 ORDER BY e.at DESC, e.id DESC LIMIT 1");
    sql::find(c, sql, args![discussion, kind.as_str()]).await
}

/// The discussion's last change of this kind that was made by then, whoever made it.
pub async fn last_until(
    c: &mut AnyConnection,
    discussion: DiscussionId,
    kind: HappeningKind,
    until: Timestamp,
) -> Result<Option<DiscussionEvent>> {
    let sql = format!("{SELECT} WHERE e.discussion_id = $1 AND e.kind = $2 AND e.at <= $3 ORDER BY e.at DESC, e.id DESC LIMIT 1");
    sql::find(c, sql, args![discussion, kind.as_str(), until]).await
}

/// The project's discussions in which somebody made a change of this kind in this very instant.
pub async fn of_instant(
    c: &mut AnyConnection,
    project: ProjectId,
    kind: HappeningKind,
    (by, at): (By, Timestamp),
) -> Result<Vec<DiscussionId>> {
    sql::all(
        c,
        "SELECT DISTINCT d.id FROM discussions d JOIN discussion_events e ON e.discussion_id = d.id AND e.at = $2 \
         WHERE d.project_id = $1 AND e.kind = $3 AND e.person_id = $4 AND e.via = $5 ORDER BY d.id",
        args![project, at, kind.as_str(), by.person, by.via.as_str()],
    )
    .await
}

/// What happened in one discussion is part of another's history from now on.
pub async fn redirect(c: &mut AnyConnection, from: DiscussionId, to: DiscussionId) -> Result<()> {
    sql::run(c, "UPDATE discussion_events SET discussion_id = $2 WHERE discussion_id = $1", args![from, to]).await.map(drop)
}
