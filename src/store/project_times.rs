//! What a project says of its own patience and its own days.

use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{NoticeKind, ProjectId};

/// How long one kind waits, as it is kept: `minutes` (with a number), `next_digest` or `free_only`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnWait {
    pub kind: NoticeKind,
    pub wait: String,
    pub minutes: Option<i64>,
}

impl FromRow for OwnWait {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { kind: c.word(NoticeKind::find)?, wait: c.get()?, minutes: c.get()? })
    }
}

/// A project's own times as they are kept; `None`: as by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnTimes {
    /// `17:00`
    pub digest_at: Option<String>,
    /// `21:00-08:00`; empty: none.
    pub quiet_hours: Option<String>,
    /// `mon,tue,wed`
    pub working_days: Option<String>,
}

impl FromRow for OwnTimes {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { digest_at: c.get()?, quiet_hours: c.get()?, working_days: c.get()? })
    }
}

/// The kinds whose patience the project has set.
pub async fn waits(c: &mut AnyConnection, project: ProjectId) -> Result<Vec<OwnWait>> {
    sql::all(c, "SELECT kind, wait, minutes FROM project_waits WHERE project_id = $1 ORDER BY kind", args![project]).await
}

/// Sets how long a kind waits.
pub async fn put_wait(c: &mut AnyConnection, project: ProjectId, own: &OwnWait) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO project_waits (project_id, kind, wait, minutes) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (project_id, kind) DO UPDATE SET wait = $3, minutes = $4",
        args![project, own.kind.as_str(), own.wait.as_str(), own.minutes],
    )
    .await
    .map(drop)
}

/// The kind waits as by default again.
pub async fn forget_wait(c: &mut AnyConnection, project: ProjectId, kind: NoticeKind) -> Result<()> {
    sql::run(c, "DELETE FROM project_waits WHERE project_id = $1 AND kind = $2", args![project, kind.as_str()]).await.map(drop)
}

/// The project's own times.
pub async fn times(c: &mut AnyConnection, project: ProjectId) -> Result<OwnTimes> {
    let found = "SELECT digest_at, quiet_hours, working_days FROM project_times WHERE project_id = $1";
    Ok(sql::find(c, found, args![project]).await?.unwrap_or_default())
}

/// Sets them.
pub async fn put_times(c: &mut AnyConnection, project: ProjectId, own: &OwnTimes) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO project_times (project_id, digest_at, quiet_hours, working_days) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (project_id) DO UPDATE SET digest_at = $2, quiet_hours = $3, working_days = $4",
        args![project, own.digest_at.as_deref(), own.quiet_hours.as_deref(), own.working_days.as_deref()],
    )
    .await
    .map(drop)
}
