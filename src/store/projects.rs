//! Projects, and whose mail belongs to them.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Dialect;
use super::members::visible_projects;
use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{PersonId, ProjectId, ProjectKind};

/// A client's private space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub key: String,
    pub name: String,
    pub kind: ProjectKind,
    pub status: String,
    pub created_at: Timestamp,
    /// Whether notices into its groups show the beginning of what was said.
    pub excerpts: bool,
    /// A client's mail into a discussion that has been done for longer opens a new one, in days.
    pub reopen_days: i64,
    /// LINE messages that its chats may cost a month; `None` = as many as the account has.
    pub monthly_budget: Option<i64>,
}

const COLUMNS: &str = "p.id, p.key, p.name, p.kind, p.status, p.created_at, p.excerpts, p.reopen_days, p.monthly_budget";

impl FromRow for Project {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            key: c.get()?,
            name: c.get()?,
            kind: c.word(ProjectKind::find)?,
            status: c.get()?,
            created_at: c.get()?,
            excerpts: c.get()?,
            reopen_days: c.get()?,
            monthly_budget: c.get()?,
        })
    }
}

/// Makes a project; `None` where the key is taken.
pub async fn add(c: &mut AnyConnection, key: &str, name: &str, kind: ProjectKind, now: Timestamp) -> Result<Option<ProjectId>> {
    sql::find(
        c,
        "INSERT INTO projects (key, name, kind, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO NOTHING RETURNING id",
        args![key, name, kind.as_str(), now],
    )
    .await
}

/// The project with this key.
pub async fn find(c: &mut AnyConnection, key: &str) -> Result<Option<Project>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM projects p WHERE p.key = $1"), args![key]).await
}

/// Holds the project until the transaction ends: nobody else corrects in it.
pub async fn lock(c: &mut AnyConnection, dialect: Dialect, id: ProjectId) -> Result<()> {
    sql::find::<i64>(c, format!("SELECT id FROM projects WHERE id = $1{}", dialect.hold()), args![id]).await.map(drop)
}

/// The project with this key, made on the spot where there is none.
pub async fn find_or_add(c: &mut AnyConnection, key: &str, name: &str, kind: ProjectKind, now: Timestamp) -> Result<ProjectId> {
    if let Some(project) = find(c, key).await? {
        return Ok(project.id);
    }
    match add(c, key, name, kind, now).await? {
        Some(id) => Ok(id),
        None => find(c, key).await?.map(|p| p.id).ok_or(sqlx::Error::RowNotFound),
    }
}

/// The project with this id.
pub async fn get(c: &mut AnyConnection, id: ProjectId) -> Result<Project> {
    sql::one(c, format!("SELECT {COLUMNS} FROM projects p WHERE p.id = $1"), args![id]).await
}

/// Names the project.
pub async fn rename(c: &mut AnyConnection, id: ProjectId, name: &str) -> Result<()> {
    sql::run(c, "UPDATE projects SET name = $2 WHERE id = $1", args![id, name]).await.map(drop)
}

/// Puts the project away: it holds nothing any more.
pub async fn archive(c: &mut AnyConnection, id: ProjectId) -> Result<()> {
    sql::run(c, "UPDATE projects SET status = 'archived' WHERE id = $1", args![id]).await.map(drop)
}

/// Takes the project out again: it holds something once more.
pub async fn unarchive(c: &mut AnyConnection, id: ProjectId) -> Result<()> {
    sql::run(c, "UPDATE projects SET status = 'active' WHERE id = $1", args![id]).await.map(drop)
}

/// Clients' projects in use, by name: where a chat may be bound to.
pub async fn for_clients(c: &mut AnyConnection, limit: i64) -> Result<Vec<Project>> {
    sql::all(
        c,
        format!("SELECT {COLUMNS} FROM projects p WHERE p.kind = 'client' AND p.status = 'active' ORDER BY p.name, p.id LIMIT $1"),
        args![limit],
    )
    .await
}

/// Projects after `after`, by id; `member` limits them to those that the person belongs to.
pub async fn page(c: &mut AnyConnection, member: Option<PersonId>, after: i64, limit: i64) -> Result<Vec<Project>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM projects p WHERE p.id > $1 AND ($2 IS NULL OR p.id IN {}) ORDER BY p.id LIMIT $3",
            visible_projects(2)
        ),
        args![after, member, limit],
    )
    .await
}

/// When the first project was made, if any was: nothing was recorded before.
pub async fn first_made(c: &mut AnyConnection) -> Result<Option<Timestamp>> {
    sql::one(c, "SELECT MIN(created_at) FROM projects", args![]).await
}

/// Says that mail from `pattern` (an address or `@domain`, lower case) belongs to the project; a pattern has one project.
pub async fn put_sender(c: &mut AnyConnection, project: ProjectId, pattern: &str) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO email_senders (pattern, project_id) VALUES ($1, $2) ON CONFLICT (pattern) DO UPDATE SET project_id = $2",
        args![pattern, project],
    )
    .await
    .map(drop)
}

/// The project that mail from this address belongs to: by the address, else by its domain.
pub async fn of_sender(c: &mut AnyConnection, address: &str) -> Result<Option<ProjectId>> {
    let domain = address.rsplit_once('@').map_or_else(String::new, |(_, domain)| format!("@{domain}"));
    // An address is longer than its own domain pattern.
    sql::find(
        c,
        "SELECT project_id FROM email_senders WHERE pattern = $1 OR pattern = $2 ORDER BY LENGTH(pattern) DESC LIMIT 1",
        args![address, domain],
    )
    .await
}

/// Whose mail belongs to the project: addresses and domains, sorted.
pub async fn senders(c: &mut AnyConnection, project: ProjectId) -> Result<Vec<String>> {
    sql::all(c, "SELECT pattern FROM email_senders WHERE project_id = $1 ORDER BY pattern", args![project]).await
}

/// Sets whether notices into the project's groups show the beginning of what was said.
pub async fn set_excerpts(c: &mut AnyConnection, id: ProjectId, excerpts: bool) -> Result<()> {
    sql::run(c, "UPDATE projects SET excerpts = $2 WHERE id = $1", args![id, excerpts]).await.map(drop)
}

/// Sets for how many days after its end a client's mail reopens a discussion.
pub async fn set_reopen_days(c: &mut AnyConnection, id: ProjectId, days: i64) -> Result<()> {
    sql::run(c, "UPDATE projects SET reopen_days = $2 WHERE id = $1", args![id, days]).await.map(drop)
}

/// Sets how many LINE messages the project's chats may cost a month.
pub async fn set_monthly_budget(c: &mut AnyConnection, id: ProjectId, heads: Option<i64>) -> Result<()> {
    sql::run(c, "UPDATE projects SET monthly_budget = $2 WHERE id = $1", args![id, heads]).await.map(drop)
}
