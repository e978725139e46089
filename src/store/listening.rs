//! How people want to hear of what.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{Audience, Called, ChatId, DiscussionId, NoticeKind, PersonId, ProjectId, Set, Way};

/// Whose settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A person's, for all of their projects.
    Person(PersonId),
    /// A person's, for one project.
    PersonIn(PersonId, ProjectId),
    /// A project's, for its people of this audience.
    Project(ProjectId, Audience),
}

impl Whose {
    /// `(person_id, project_id, audience)`.
    fn columns(self) -> (Option<PersonId>, Option<ProjectId>, &'static str) {
        match self {
            Self::Person(person) => (Some(person), None, ""),
            Self::PersonIn(person, project) => (Some(person), Some(project), ""),
            Self::Project(project, audience) => (None, Some(project), audience.as_str()),
        }
    }

    /// The rows that are theirs: `$1` person, `$2` project, `$3` audience; 0 stands for none.
    const WHERE: &'static str = "COALESCE(person_id, 0) = $1 AND COALESCE(project_id, 0) = $2 AND audience = $3";

    fn args(self) -> Vec<sql::Value> {
        let (person, project, audience) = self.columns();
        args![person.map_or(0, |p| p.0), project.map_or(0, |p| p.0), audience]
    }
}

struct Row {
    kind: NoticeKind,
    way: Way,
}

impl FromRow for Row {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { kind: c.word(NoticeKind::find)?, way: c.word(Way::find)? })
    }
}

/// What they have set.
pub async fn of(c: &mut AnyConnection, whose: Whose) -> Result<BTreeMap<NoticeKind, Way>> {
    let rows: Vec<Row> = sql::all(c, format!("SELECT kind, way FROM listening WHERE {}", Whose::WHERE), whose.args()).await?;
    Ok(rows.into_iter().map(|r| (r.kind, r.way)).collect())
}

/// Sets the way of one kind; `None` = as if it had never been set.
pub async fn set(c: &mut AnyConnection, whose: Whose, kind: NoticeKind, way: Option<Way>) -> Result<()> {
    let mut values = whose.args();
    values.push(kind.as_str().into());
    sql::run(c, format!("DELETE FROM listening WHERE {} AND kind = $4", Whose::WHERE), values).await?;
    let Some(way) = way else { return Ok(()) };
    let (person, project, audience) = whose.columns();
    sql::run(
        c,
        "INSERT INTO listening (person_id, project_id, audience, kind, way) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        args![person, project, audience, kind.as_str(), way.as_str()],
    )
    .await
    .map(drop)
}

/// What has been set for somebody of this audience in the project about one kind.
pub async fn set_for(c: &mut AnyConnection, person: PersonId, (project, audience): (ProjectId, Audience), kind: NoticeKind) -> Result<Set> {
    let rows: Vec<(i64, String)> = sql::all(
        c,
        "SELECT CAST(CASE WHEN person_id IS NULL THEN 2 WHEN project_id IS NULL THEN 1 ELSE 0 END AS BIGINT), way FROM listening \
         WHERE kind = $4 AND ((person_id = $1 AND (project_id IS NULL OR project_id = $2)) OR (person_id IS NULL AND project_id = $2 AND audience = $3))",
        args![person, project, audience.as_str(), kind.as_str()],
    )
    .await?;
    let way = |layer: i64| rows.iter().find(|(l, _)| *l == layer).and_then(|(_, way)| Way::find(way));
    Ok(Set { here: way(0), own: way(1), project: way(2) })
}

/// The projects in which the person has set something of their own.
pub async fn projects_of(c: &mut AnyConnection, person: PersonId) -> Result<Vec<ProjectId>> {
    sql::all(
        c,
        "SELECT DISTINCT project_id FROM listening WHERE person_id = $1 AND project_id IS NOT NULL ORDER BY project_id",
        args![person],
    )
    .await
}

/// What the project has set for its groups about one kind.
pub async fn of_group(c: &mut AnyConnection, project: ProjectId, kind: NoticeKind) -> Result<Option<Way>> {
    let way: Option<String> = sql::find(
        c,
        "SELECT way FROM listening WHERE person_id IS NULL AND project_id = $1 AND audience = 'group' AND kind = $2",
        args![project, kind.as_str()],
    )
    .await?;
    Ok(way.and_then(|w| Way::find(&w)))
}

/// When the person's daily digest leaves: minutes after midnight.
pub async fn digest_minute(c: &mut AnyConnection, person: PersonId) -> Result<i64> {
    sql::one(c, "SELECT digest_minute FROM persons WHERE id = $1", args![person]).await
}

/// Sets it; what waits already leaves when it was promised for.
pub async fn set_digest_minute(c: &mut AnyConnection, person: PersonId, minute: i64) -> Result<()> {
    sql::run(c, "UPDATE persons SET digest_minute = $2 WHERE id = $1", args![person, minute]).await.map(drop)
}

/// The condition that the person in `column` hears of something in LINE, by their own wish or by the project's for its people of this
/// audience.
fn hears_in_line(column: &str, project: &str, audience: Audience) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM listening l WHERE l.person_id = {column} AND l.way = 'line') OR EXISTS (SELECT 1 FROM listening l \
         WHERE l.person_id IS NULL AND l.project_id = {project} AND l.audience = '{}' AND l.way = 'line') AND EXISTS (SELECT 1 FROM identities n \
         WHERE n.person_id = {column} AND n.channel = 'line'))",
        audience.as_str()
    )
}

/// The project's owners and staff who can be told of things: by mail, or in LINE as they wish.
pub async fn staff(c: &mut AnyConnection, project: ProjectId) -> Result<Vec<PersonId>> {
    sql::all(
        c,
        format!(
            "SELECT m.person_id FROM members m WHERE m.project_id = $1 AND m.role IN ('owner', 'staff') AND (EXISTS \
             (SELECT 1 FROM identities i WHERE i.person_id = m.person_id AND i.channel = 'email') OR {}) ORDER BY m.person_id",
            hears_in_line("m.person_id", "$1", Audience::Staff)
        ),
        args![project],
    )
    .await
}

/// Clients who wrote in the discussion and are to hear of things in their own LINE chat.
pub async fn clients_in_line(c: &mut AnyConnection, discussion: DiscussionId, limit: i64) -> Result<Vec<PersonId>> {
    sql::all(
        c,
        format!(
            "SELECT DISTINCT p.person_id FROM posts p WHERE p.discussion_id = $1 AND p.role = 'client' AND p.person_id IS NOT NULL AND {} \
             ORDER BY p.person_id LIMIT $2",
            hears_in_line("p.person_id", "(SELECT d.project_id FROM discussions d WHERE d.id = $1)", Audience::Client)
        ),
        args![discussion, limit],
    )
    .await
}

impl FromRow for Called {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { person: c.get()?, name: c.get()? })
    }
}

/// Everybody who may be spoken to in the project, by every name that they bear: its members, the admins, and who is in its chats.
pub async fn called_in(c: &mut AnyConnection, project: ProjectId, limit: i64) -> Result<Vec<Called>> {
    sql::all(
        c,
        "SELECT p.id, p.name FROM persons p WHERE p.name <> '' AND (p.is_admin = 1 OR p.id IN (SELECT m.person_id FROM members m \
         WHERE m.project_id = $1) OR p.id IN (SELECT cm.person_id FROM chat_members cm JOIN chats ch ON ch.id = cm.chat_id \
         WHERE ch.project_id = $1 AND cm.left_at IS NULL)) \
         UNION SELECT i.person_id, i.name FROM identities i WHERE i.name <> '' AND i.channel = 'line' AND (i.person_id IN \
         (SELECT m.person_id FROM members m WHERE m.project_id = $1) OR i.person_id IN (SELECT cm.person_id FROM chat_members cm \
         JOIN chats ch ON ch.id = cm.chat_id WHERE ch.project_id = $1 AND cm.left_at IS NULL)) ORDER BY 1, 2 LIMIT $2",
        args![project, limit],
    )
    .await
}

/// The person's own chat with an account of ours, where a message would arrive: they are a friend of it, or wrote in it since `since`,
/// and have not blocked it since. Source: Messaging API reference, "Send push message".
pub async fn own_chat(c: &mut AnyConnection, person: PersonId, since: Timestamp) -> Result<Option<ChatId>> {
    sql::find(
        c,
        "SELECT ch.id FROM chats ch JOIN identities i ON i.channel = 'line' AND i.external_id = ch.external_id \
         LEFT JOIN friends f ON f.inbox = ch.inbox AND f.person_id = i.person_id \
         WHERE i.person_id = $1 AND ch.kind = 'user' AND ch.left_at IS NULL AND \
         (f.followed_at > COALESCE(f.blocked_at, 0) OR (ch.last_event_at > $2 AND ch.last_event_at > COALESCE(f.blocked_at, 0))) \
         ORDER BY COALESCE(ch.last_event_at, 0) DESC, ch.id LIMIT 1",
        args![person, since],
    )
    .await
}

/// An account that the person is a friend of, and LINE's id of them: `(inbox, user)`, the newest friendship first.
pub async fn friend_of(c: &mut AnyConnection, person: PersonId) -> Result<Option<(String, String)>> {
    sql::find(
        c,
        "SELECT f.inbox, i.external_id FROM friends f JOIN identities i ON i.person_id = f.person_id AND i.channel = 'line' \
         WHERE f.person_id = $1 AND f.followed_at > COALESCE(f.blocked_at, 0) ORDER BY f.followed_at DESC, i.id LIMIT 1",
        args![person],
    )
    .await
}

/// The person is told of the week that begins on this Monday. False where they have been.
pub async fn begin_week(c: &mut AnyConnection, person: PersonId, week: &str) -> Result<bool> {
    let begun =
        sql::run(c, "INSERT INTO weeklies (person_id, week) VALUES ($1, $2) ON CONFLICT (person_id, week) DO NOTHING", args![person, week])
            .await?;
    Ok(begun > 0)
}

/// What `from` wants to hear, `to` does instead, where they have not said otherwise: they are one person.
pub async fn give(c: &mut AnyConnection, from: PersonId, to: PersonId) -> Result<()> {
    let both = "DELETE FROM listening WHERE person_id = $1 AND EXISTS (SELECT 1 FROM listening t WHERE t.person_id = $2 \
                AND t.kind = listening.kind AND COALESCE(t.project_id, 0) = COALESCE(listening.project_id, 0))";
    sql::run(c, both, args![from, to]).await?;
    sql::run(c, "UPDATE listening SET person_id = $2 WHERE person_id = $1", args![from, to]).await.map(drop)
}
