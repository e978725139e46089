//! Discussions: one matter each.

use std::fmt::Write;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Dialect;
use super::members::visible_projects;
use super::sql::{self, Columns, FromRow, Result, Value, args};
use crate::domain::{ChatId, DiscussionId, PersonId, ProjectId, Source, Status};

/// One matter, with number, title and status.
#[derive(Clone, Debug)]
pub struct Discussion {
    pub id: DiscussionId,
    pub number: i64,
    pub project: ProjectId,
    pub title: String,
    pub status: Status,
    pub assignee: Option<PersonId>,
    pub urgent: bool,
    /// The LINE chat that it is held in.
    pub chat: Option<ChatId>,
    pub source: Source,
    pub opened_at: Timestamp,
    pub last_post_at: Timestamp,
    /// Where its posts went.
    pub merged_into: Option<DiscussionId>,
    /// It is no matter: it holds what was said in its chat and belongs to none. Its number is below zero.
    pub other: bool,
}

const COLUMNS: &str = "d.id, d.number, d.project_id, d.title, d.status, d.assignee_id, d.urgent, d.chat_id, d.source, d.opened_at, \
                       d.last_post_at, d.merged_into, d.other";

impl FromRow for Discussion {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            number: c.get()?,
            project: c.get()?,
            title: c.get()?,
            status: c.word(Status::find)?,
            assignee: c.get()?,
            urgent: c.get()?,
            chat: c.get()?,
            source: c.word(Source::find)?,
            opened_at: c.get()?,
            last_post_at: c.get()?,
            merged_into: c.get()?,
            other: c.get()?,
        })
    }
}

/// What a new discussion begins with.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    pub project: ProjectId,
    pub title: &'a str,
    pub chat: Option<ChatId>,
    pub source: Source,
    pub at: Timestamp,
}

/// Opens a discussion under the next number.
pub async fn open(c: &mut AnyConnection, o: &Opening<'_>) -> Result<Discussion> {
    let number: i64 = sql::one(c, "UPDATE counters SET value = value + 1 WHERE name = 'discussion' RETURNING value", args![]).await?;
    let id: DiscussionId = sql::one(
        c,
        "INSERT INTO discussions (number, project_id, title, status, chat_id, source, opened_at, last_post_at) \
         VALUES ($1, $2, $3, 'open', $4, $5, $6, $6) RETURNING id",
        args![number, o.project, o.title, o.chat, o.source.as_str(), o.at],
    )
    .await?;
    get(c, id).await
}

/// Where the chat's posts rest that are no matter of their own: made with the first of them. The caller holds the chat.
pub async fn other_of(c: &mut AnyConnection, o: &Opening<'_>, chat: ChatId) -> Result<Discussion> {
    sql::run(
        c,
        "INSERT INTO discussions (number, project_id, title, status, chat_id, source, opened_at, last_post_at, other) \
         VALUES ($1, $2, $3, 'open', $4, $5, $6, $6, 1) ON CONFLICT DO NOTHING",
        args![-chat.0, o.project, o.title, chat, o.source.as_str(), o.at],
    )
    .await?;
    sql::one(c, format!("SELECT {COLUMNS} FROM discussions d WHERE d.chat_id = $1 AND d.other = 1"), args![chat]).await
}

/// Where the chats of a project keep what is no matter of its own, those with something in them: `(chat, number, posts)`.
pub async fn others_of_project(c: &mut AnyConnection, project: ProjectId, limit: i64) -> Result<Vec<(ChatId, i64, i64)>> {
    sql::all(
        c,
        "SELECT d.chat_id, d.number, COUNT(p.id) FROM discussions d JOIN posts p ON p.discussion_id = d.id \
         WHERE d.project_id = $1 AND d.other = 1 GROUP BY d.id, d.chat_id, d.number ORDER BY d.id LIMIT $2",
        args![project, limit],
    )
    .await
}

/// The discussion with our id.
pub async fn get(c: &mut AnyConnection, id: DiscussionId) -> Result<Discussion> {
    sql::one(c, format!("SELECT {COLUMNS} FROM discussions d WHERE d.id = $1"), args![id]).await
}

/// These discussions, in no order; those that are not there are left out.
pub async fn these(c: &mut AnyConnection, ids: &[DiscussionId]) -> Result<Vec<Discussion>> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let values = ids.iter().map(|id| sql::Value::from(*id)).collect();
    sql::all(c, format!("SELECT {COLUMNS} FROM discussions d WHERE d.id IN ({})", sql::places(1, ids.len())), values).await
}

/// The discussion with this number, a merged one too.
pub async fn find(c: &mut AnyConnection, number: i64) -> Result<Option<Discussion>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM discussions d WHERE d.number = $1"), args![number]).await
}

/// Where the discussion's posts are now: itself, or what it was merged into, however often.
pub async fn follow(c: &mut AnyConnection, mut d: Discussion) -> Result<Discussion> {
    /// Merging into a merged one leads on to its target, so chains stay short; this only bounds a broken database.
    const STEPS_MAX: usize = 32;
    for _ in 0..STEPS_MAX {
        match d.merged_into {
            Some(next) => d = get(c, next).await?,
            None => break,
        }
    }
    Ok(d)
}

/// The chat's discussions that lead on to this one, the oldest first.
pub async fn ended_in(c: &mut AnyConnection, into: DiscussionId, chat: ChatId) -> Result<Vec<DiscussionId>> {
    sql::all(c, "SELECT id FROM discussions WHERE merged_into = $1 AND chat_id = $2 AND other = 0 ORDER BY id", args![into, chat]).await
}

/// Holds the discussion until the transaction ends.
pub async fn lock(c: &mut AnyConnection, dialect: Dialect, id: DiscussionId) -> Result<()> {
    sql::find::<i64>(c, format!("SELECT id FROM discussions WHERE id = $1{}", dialect.hold()), args![id]).await.map(drop)
}

/// The chat's discussions with a post after `since`, the latest first.
pub async fn recent_in_chat(c: &mut AnyConnection, chat: ChatId, since: Timestamp, limit: i64) -> Result<Vec<Discussion>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM discussions d WHERE d.chat_id = $1 AND d.last_post_at > $2 AND d.merged_into IS NULL AND d.other = 0 \
             ORDER BY d.last_post_at DESC, d.id DESC LIMIT $3"
        ),
        args![chat, since, limit],
    )
    .await
}

/// Titles that one query looks for.
const TITLES_PER_QUERY_MAX: usize = 500;

/// The chat's discussions, merged ones too, that have one of these titles.
pub async fn titled(c: &mut AnyConnection, chat: ChatId, titles: &[String]) -> Result<Vec<Discussion>> {
    let mut found = vec![];
    for some in titles.chunks(TITLES_PER_QUERY_MAX) {
        let mut values = args![chat];
        values.extend(some.iter().map(Value::from));
        let places = sql::places(2, some.len());
        let sql =
            format!("SELECT {COLUMNS} FROM discussions d WHERE d.chat_id = $1 AND d.other = 0 AND d.title IN ({places}) ORDER BY d.id");
        found.extend(sql::all(c, sql, values).await?);
    }
    Ok(found)
}

/// The chat's discussions that are not done, the newest first.
pub async fn open_in_chat(c: &mut AnyConnection, chat: ChatId, limit: i64) -> Result<Vec<Discussion>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM discussions d WHERE d.chat_id = $1 AND d.merged_into IS NULL AND d.other = 0 AND d.status NOT IN ('resolved', 'closed') \
             ORDER BY d.opened_at DESC, d.id DESC LIMIT $2"
        ),
        args![chat, limit],
    )
    .await
}

/// How many of the chat's discussions are not done.
pub async fn count_open_in_chat(c: &mut AnyConnection, chat: ChatId) -> Result<i64> {
    sql::one(
        c,
        "SELECT COUNT(*) FROM discussions d WHERE d.chat_id = $1 AND d.merged_into IS NULL AND d.other = 0 AND d.status NOT IN ('resolved', 'closed')",
        args![chat],
    )
    .await
}

/// A post was added at `at`.
pub async fn touch(c: &mut AnyConnection, id: DiscussionId, at: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE discussions SET last_post_at = $2 WHERE id = $1 AND last_post_at < $2", args![id, at]).await.map(drop)
}

/// Sets the status.
pub async fn set_status(c: &mut AnyConnection, id: DiscussionId, status: Status) -> Result<()> {
    sql::run(c, "UPDATE discussions SET status = $2 WHERE id = $1", args![id, status.as_str()]).await.map(drop)
}

/// Sets the title.
pub async fn set_title(c: &mut AnyConnection, id: DiscussionId, title: &str) -> Result<()> {
    sql::run(c, "UPDATE discussions SET title = $2 WHERE id = $1", args![id, title]).await.map(drop)
}

/// Sets who looks after it.
pub async fn set_assignee(c: &mut AnyConnection, id: DiscussionId, assignee: Option<PersonId>) -> Result<()> {
    sql::run(c, "UPDATE discussions SET assignee_id = $2 WHERE id = $1", args![id, assignee]).await.map(drop)
}

/// Sets whether its notices pass quiet hours and do not wait.
pub async fn set_urgent(c: &mut AnyConnection, id: DiscussionId, urgent: bool) -> Result<()> {
    sql::run(c, "UPDATE discussions SET urgent = $2 WHERE id = $1", args![id, urgent]).await.map(drop)
}

/// Ends the discussion in another; links to it lead on.
pub async fn set_merged(c: &mut AnyConnection, id: DiscussionId, into: DiscussionId) -> Result<()> {
    sql::run(c, "UPDATE discussions SET merged_into = $2, status = 'closed' WHERE id = $1", args![id, into]).await.map(drop)
}

/// Takes the end of a discussion back: it stands by itself again.
pub async fn set_parted(c: &mut AnyConnection, id: DiscussionId, status: Status) -> Result<()> {
    sql::run(c, "UPDATE discussions SET merged_into = NULL, status = $2 WHERE id = $1", args![id, status.as_str()]).await.map(drop)
}

/// Recomputes the time of the last post from the posts that are there.
pub async fn refresh_last_post(c: &mut AnyConnection, id: DiscussionId) -> Result<()> {
    sql::run(
        c,
        "UPDATE discussions SET last_post_at = COALESCE((SELECT MAX(p.created_at) FROM posts p WHERE p.discussion_id = $1), opened_at) \
         WHERE id = $1",
        args![id],
    )
    .await
    .map(drop)
}

/// Which discussions a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of projects that this person belongs to; `None` = all (an admin asks).
    pub member: Option<PersonId>,
    pub project: Option<ProjectId>,
    pub status: Option<Status>,
    pub assignee: Option<PersonId>,
    pub source: Option<Source>,
    /// A LINE account's name: only discussions of its chats.
    pub inbox: Option<String>,
    /// Words looked for in titles and posts.
    pub text: Option<String>,
    /// Goes on after this one: the last post's time in microseconds and the id.
    pub after: Option<(i64, i64)>,
}

/// A page of discussions, the last activity first. Merged ones are left out, and what is no matter, unless words are looked for.
pub async fn page(c: &mut AnyConnection, f: &Filter, limit: i64) -> Result<Vec<Discussion>> {
    let matters = if f.text.is_some() { "" } else { " AND d.other = 0" };
    let mut sql = format!("SELECT {COLUMNS} FROM discussions d WHERE d.merged_into IS NULL{matters}");
    let mut values: Vec<Value> = vec![];
    let mut and = |condition: &str, value: Value| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('?', &format!("${}", values.len())));
    };
    if let Some(person) = f.member {
        // The first argument, which what follows refers to.
        and(&format!("d.project_id IN {}", visible_projects(1)), person.into());
    }
    if let Some(project) = f.project {
        and("d.project_id = ?", project.into());
    }
    if let Some(status) = f.status {
        and("d.status = ?", status.as_str().into());
    }
    if let Some(assignee) = f.assignee {
        and("d.assignee_id = ?", assignee.into());
    }
    if let Some(source) = f.source {
        and("d.source = ?", source.as_str().into());
    }
    if let Some(inbox) = &f.inbox {
        and("d.chat_id IN (SELECT ch.id FROM chats ch WHERE ch.inbox = ?)", inbox.into());
    }
    for word in f.text.iter().flat_map(|t| t.split_whitespace()).take(SEARCH_WORDS_MAX) {
        // What a client may not see must not be found by them either.
        let inside = if f.member.is_some() {
            " AND (p.internal = 0 OR EXISTS (SELECT 1 FROM members s WHERE s.project_id = d.project_id AND s.role IN ('owner', 'staff') \
             AND s.person_id = $1))"
        } else {
            ""
        };
        let condition = format!(
            "(LOWER(d.title) LIKE ? ESCAPE '!' OR EXISTS (SELECT 1 FROM posts p WHERE p.discussion_id = d.id AND LOWER(p.body) LIKE ? \
             ESCAPE '!'{inside}))"
        );
        and(&condition, like(word).into());
    }
    if let Some((at, id)) = f.after {
        and("d.last_post_at <= ?", at.into());
        values.push(id.into());
        values.push(at.into());
        let n = values.len();
        write!(sql, " AND (d.last_post_at < ${n} OR d.id < ${})", n - 1).expect("writing to a String does not fail");
    }
    values.push(limit.into());
    write!(sql, " ORDER BY d.last_post_at DESC, d.id DESC LIMIT ${}", values.len()).expect("writing to a String does not fail");
    sql::all(c, sql, values).await
}

/// Words of one search; more are not looked at.
const SEARCH_WORDS_MAX: usize = 8;

/// A pattern for `LIKE … ESCAPE '!'` on small letters that finds `word` anywhere.
pub(super) fn like(word: &str) -> String {
    let escaped = word.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

/// How many discussions stand where, over those that the person may see; of one project where it is given.
pub async fn counts(c: &mut AnyConnection, member: Option<PersonId>, project: Option<ProjectId>) -> Result<Vec<(String, i64)>> {
    sql::all(
        c,
        format!(
            "SELECT d.status, COUNT(*) FROM discussions d WHERE d.merged_into IS NULL AND d.other = 0 AND ($1 IS NULL OR d.project_id IN {}) \
             AND ($2 IS NULL OR d.project_id = $2) GROUP BY d.status",
            visible_projects(1)
        ),
        args![member, project],
    )
    .await
}
