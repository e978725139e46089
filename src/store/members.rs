//! People's parts in projects.

use sqlx::AnyConnection;

use super::persons::MATCHES_PATTERN;
use super::sql::{self, Result, args, row};
use crate::domain::{PersonId, ProjectId, Role};

/// A person's part in a project.
#[derive(Clone, Debug)]
pub struct Member {
    pub person: PersonId,
    pub name: String,
    pub role: Role,
}

row!(Member { person, name, role: (Role) });

/// Gives the person this part.
pub async fn put(c: &mut AnyConnection, project: ProjectId, person: PersonId, role: Role) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO members (project_id, person_id, role) VALUES ($1, $2, $3) ON CONFLICT (project_id, person_id) DO UPDATE SET role = $3",
        args![project, person, role.as_str()],
    )
    .await
    .map(drop)
}

/// Gives the person this part unless they have one.
pub async fn put_if_none(c: &mut AnyConnection, project: ProjectId, person: PersonId, role: Role) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO members (project_id, person_id, role) VALUES ($1, $2, $3) ON CONFLICT (project_id, person_id) DO NOTHING",
        args![project, person, role.as_str()],
    )
    .await
    .map(drop)
}

/// The person's part, if any.
pub async fn role(c: &mut AnyConnection, project: ProjectId, person: PersonId) -> Result<Option<Role>> {
    let word: Option<String> =
        sql::find(c, "SELECT role FROM members WHERE project_id = $1 AND person_id = $2", args![project, person]).await?;
    word.map(|w| sql::word(Role::find(&w), &w)).transpose()
}

/// `(…)` with the projects that the person in `$n` may see: as a member, or by being in a bound chat.
pub(super) fn visible_projects(n: usize) -> String {
    format!(
        "(SELECT m.project_id FROM members m WHERE m.person_id = ${n} UNION SELECT ch.project_id FROM chats ch \
         JOIN chat_members cm ON cm.chat_id = ch.id WHERE ch.bound = 1 AND cm.left_at IS NULL AND cm.person_id = ${n})"
    )
}

/// Whether the person is in a chat that somebody bound to the project.
pub async fn is_in_bound_chat(c: &mut AnyConnection, project: ProjectId, person: PersonId) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT ch.id FROM chats ch JOIN chat_members cm ON cm.chat_id = ch.id WHERE ch.project_id = $1 AND ch.bound = 1 \
         AND cm.person_id = $2 AND cm.left_at IS NULL LIMIT 1",
        args![project, person],
    )
    .await?;
    Ok(found.is_some())
}

/// The parts that the person has in any project.
pub async fn roles_of(c: &mut AnyConnection, person: PersonId) -> Result<Vec<Role>> {
    let words: Vec<String> = sql::all(c, "SELECT DISTINCT role FROM members WHERE person_id = $1", args![person]).await?;
    words.iter().map(|w| sql::word(Role::find(w), w)).collect()
}

/// Everybody in the project, staff first.
pub async fn all(c: &mut AnyConnection, project: ProjectId) -> Result<Vec<Member>> {
    sql::all(
        c,
        "SELECT m.person_id, p.name, m.role FROM members m JOIN persons p ON p.id = m.person_id WHERE m.project_id = $1 \
         ORDER BY CASE m.role WHEN 'owner' THEN 0 WHEN 'staff' THEN 1 ELSE 2 END, p.id",
        args![project],
    )
    .await
}

/// The project's owners and staff who have a mail address.
pub async fn staff_with_email(c: &mut AnyConnection, project: ProjectId) -> Result<Vec<PersonId>> {
    sql::all(
        c,
        "SELECT m.person_id FROM members m WHERE m.project_id = $1 AND m.role IN ('owner', 'staff') AND EXISTS \
         (SELECT 1 FROM identities i WHERE i.person_id = m.person_id AND i.channel = 'email') ORDER BY m.person_id",
        args![project],
    )
    .await
}

/// The project's clients who have a mail address.
pub async fn clients_with_email(c: &mut AnyConnection, project: ProjectId) -> Result<Vec<PersonId>> {
    sql::all(
        c,
        "SELECT m.person_id FROM members m WHERE m.project_id = $1 AND m.role = 'client' AND EXISTS \
         (SELECT 1 FROM identities i WHERE i.person_id = m.person_id AND i.channel = 'email') ORDER BY m.person_id",
        args![project],
    )
    .await
}

/// The project that a client belongs to, if it is just one.
pub async fn only_project_of_client(c: &mut AnyConnection, person: PersonId) -> Result<Option<ProjectId>> {
    let projects: Vec<ProjectId> =
        sql::all(c, "SELECT project_id FROM members WHERE person_id = $1 AND role = 'client' LIMIT 2", args![person]).await?;
    Ok(if projects.len() == 1 { projects.first().copied() } else { None })
}

/// Whether the person is staff or owner of any project.
pub async fn is_staff_anywhere(c: &mut AnyConnection, person: PersonId) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, "SELECT project_id FROM members WHERE person_id = $1 AND role IN ('owner', 'staff') LIMIT 1", args![person]).await?;
    Ok(found.is_some())
}

/// Where the person is known: as a member, in a chat that they are in, bound or not, or by what they wrote.
pub async fn known_in(c: &mut AnyConnection, person: PersonId) -> Result<Vec<ProjectId>> {
    sql::all(
        c,
        "SELECT m.project_id FROM members m WHERE m.person_id = $1 UNION SELECT ch.project_id FROM chats ch JOIN chat_members cm \
         ON cm.chat_id = ch.id WHERE cm.person_id = $1 UNION SELECT d.project_id FROM discussions d JOIN posts p ON p.discussion_id = d.id \
         WHERE p.person_id = $1",
        args![person],
    )
    .await
}

/// Where people whose mail comes from this address or `@domain` have a part.
pub async fn of_pattern(c: &mut AnyConnection, pattern: &str) -> Result<Vec<ProjectId>> {
    let sql = format!("SELECT DISTINCT m.project_id FROM members m JOIN identities i ON i.person_id = m.person_id WHERE {MATCHES_PATTERN}");
    sql::all(c, sql, args![pattern]).await
}

/// Where the person is staff.
pub async fn staffed_by(c: &mut AnyConnection, person: PersonId) -> Result<Vec<ProjectId>> {
    sql::all(c, "SELECT project_id FROM members WHERE person_id = $1 AND role IN ('owner', 'staff') ORDER BY project_id", args![person])
        .await
}
