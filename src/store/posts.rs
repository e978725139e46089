//! What was said.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{ChatId, DiscussionId, InboundId, PersonId, PostId, Role, Source};

/// One thing said in a discussion.
#[derive(Clone, Debug)]
pub struct Post {
    pub id: PostId,
    pub discussion: DiscussionId,
    pub person: Option<PersonId>,
    /// The person's name now; empty where LINE did not tell it.
    pub author: String,
    pub role: Role,
    pub source: Source,
    pub internal: bool,
    pub chat: Option<ChatId>,
    /// LINE's message id, or the mail's Message-ID.
    pub external_id: Option<String>,
    /// `text`, `sticker`, `image`, … `mail`; `unsupported:KIND` for what cannot be shown.
    pub kind: String,
    pub body: String,
    /// The whole text of a mail, where the body is a part of it.
    pub whole: Option<String>,
    pub evidence: String,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    pub retracted_at: Option<Timestamp>,
}

const COLUMNS: &str = "p.id, p.discussion_id, p.person_id, COALESCE(a.name, ''), p.role, p.source, p.internal, p.chat_id, p.external_id, \
                       p.kind, p.body, p.whole, p.evidence, p.created_at, p.edited_at, p.retracted_at";
const FROM: &str = "posts p LEFT JOIN persons a ON a.id = p.person_id";

impl FromRow for Post {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            discussion: c.get()?,
            person: c.get()?,
            author: c.get()?,
            role: c.word(Role::find)?,
            source: c.word(Source::find)?,
            internal: c.get()?,
            chat: c.get()?,
            external_id: c.get()?,
            kind: c.get()?,
            body: c.get()?,
            whole: c.get()?,
            evidence: c.get()?,
            created_at: c.get()?,
            edited_at: c.get()?,
            retracted_at: c.get()?,
        })
    }
}

/// What a new post is made of.
#[derive(Clone, Debug)]
pub struct NewPost<'a> {
    pub discussion: DiscussionId,
    pub person: Option<PersonId>,
    pub role: Role,
    pub source: Source,
    pub internal: bool,
    pub chat: Option<ChatId>,
    pub external_id: Option<&'a str>,
    pub inbound: Option<InboundId>,
    pub kind: &'a str,
    pub body: &'a str,
    pub whole: Option<&'a str>,
    /// Why it is in this discussion, as JSON.
    pub evidence: &'a str,
    pub created_at: Timestamp,
    pub recorded_at: Timestamp,
}

/// Adds the post; `None` where the LINE message, or the inbound row, has one already.
pub async fn add(c: &mut AnyConnection, p: &NewPost<'_>) -> Result<Option<PostId>> {
    sql::find(
        c,
        "INSERT INTO posts (discussion_id, person_id, role, source, internal, chat_id, external_id, inbound_id, kind, body, whole, evidence, \
         created_at, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING RETURNING id",
        args![
            p.discussion,
            p.person,
            p.role.as_str(),
            p.source.as_str(),
            p.internal,
            p.chat,
            p.external_id,
            p.inbound,
            p.kind,
            p.body,
            p.whole,
            p.evidence,
            p.created_at,
            p.recorded_at
        ],
    )
    .await
}

/// The post with our id.
pub async fn find(c: &mut AnyConnection, id: PostId) -> Result<Option<Post>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM {FROM} WHERE p.id = $1"), args![id]).await
}

/// The discussion's posts in the order in which they were said; a client's view leaves the internal ones out.
pub async fn of_discussion(c: &mut AnyConnection, discussion: DiscussionId, internal_too: bool) -> Result<Vec<Post>> {
    let inside = if internal_too { "" } else { " AND p.internal = 0" };
    sql::all(c, format!("SELECT {COLUMNS} FROM {FROM} WHERE p.discussion_id = $1{inside} ORDER BY p.created_at, p.id"), args![discussion])
        .await
}

/// The post of a LINE message.
pub async fn find_line(c: &mut AnyConnection, chat: ChatId, message: &str) -> Result<Option<Post>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM {FROM} WHERE p.chat_id = $1 AND p.external_id = $2"), args![chat, message]).await
}

/// The post that this person's form with this id made already.
pub async fn find_of_form(c: &mut AnyConnection, person: PersonId, external_id: &str) -> Result<Option<Post>> {
    sql::find(
        c,
        format!("SELECT {COLUMNS} FROM {FROM} WHERE p.chat_id IS NULL AND p.external_id = $1 AND p.person_id = $2 AND p.source = 'web'"),
        args![external_id, person],
    )
    .await
}

/// The discussions of the mails with these Message-IDs, ours and theirs, the newest first.
pub async fn discussions_of_mails(c: &mut AnyConnection, message_ids: &[String]) -> Result<Vec<DiscussionId>> {
    if message_ids.is_empty() {
        return Ok(vec![]);
    }
    let places = sql::places(1, message_ids.len());
    let values = || message_ids.iter().map(sql::Value::from).collect::<Vec<_>>();
    let mut found: Vec<DiscussionId> = sql::all(
        c,
        format!("SELECT p.discussion_id FROM posts p WHERE p.chat_id IS NULL AND p.external_id IN ({places}) ORDER BY p.id DESC LIMIT 20"),
        values(),
    )
    .await?;
    let ours: Vec<DiscussionId> = sql::all(
        c,
        format!(
            "SELECT discussion_id FROM deliveries WHERE discussion_id IS NOT NULL AND message_id IN ({places}) ORDER BY id DESC LIMIT 20"
        ),
        values(),
    )
    .await?;
    found.extend(ours);
    Ok(found)
}

/// Message-IDs of the mails in the discussion, oldest first: `(Message-ID, time, sender)`.
pub async fn mail_ids(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<(String, Timestamp, Option<PersonId>)>> {
    sql::all(
        c,
        "SELECT external_id, created_at, person_id FROM posts WHERE discussion_id = $1 AND source = 'email' AND external_id IS NOT NULL \
         ORDER BY created_at, id",
        args![discussion],
    )
    .await
}

/// Clients who wrote in the discussion by mail.
pub async fn mail_clients(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<PersonId>> {
    sql::all(
        c,
        "SELECT DISTINCT person_id FROM posts WHERE discussion_id = $1 AND source = 'email' AND role = 'client' AND person_id IS NOT NULL \
         ORDER BY person_id",
        args![discussion],
    )
    .await
}

/// Whether the person has written in the discussion.
pub async fn has_written(c: &mut AnyConnection, discussion: DiscussionId, person: PersonId) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, "SELECT id FROM posts WHERE discussion_id = $1 AND person_id = $2 LIMIT 1", args![discussion, person]).await?;
    Ok(found.is_some())
}

/// Puts an edit's text in, unless a newer one is there.
pub async fn edit(c: &mut AnyConnection, id: PostId, body: &str, at: Timestamp) -> Result<bool> {
    let done = sql::run(
        c,
        "UPDATE posts SET body = $2, edited_at = $3 WHERE id = $1 AND retracted_at IS NULL AND (edited_at IS NULL OR edited_at < $3)",
        args![id, body, at],
    )
    .await?;
    Ok(done > 0)
}

/// Takes the words away and leaves a tombstone.
pub async fn retract(c: &mut AnyConnection, id: PostId, at: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE posts SET body = '', whole = NULL, retracted_at = COALESCE(retracted_at, $2) WHERE id = $1", args![id, at])
        .await
        .map(drop)
}

/// Remembers that a LINE message was taken back.
pub async fn add_unsent(c: &mut AnyConnection, chat: ChatId, message: &str, at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO unsent_messages (chat_id, external_id, unsent_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        args![chat, message, at],
    )
    .await
    .map(drop)
}

/// Whether the message was taken back before it arrived.
pub async fn is_unsent(c: &mut AnyConnection, chat: ChatId, message: &str) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, "SELECT unsent_at FROM unsent_messages WHERE chat_id = $1 AND external_id = $2", args![chat, message]).await?;
    Ok(found.is_some())
}

/// Moves posts to another discussion.
pub async fn set_discussion(c: &mut AnyConnection, posts: &[PostId], to: DiscussionId) -> Result<()> {
    for post in posts {
        sql::run(c, "UPDATE posts SET discussion_id = $2 WHERE id = $1", args![*post, to]).await?;
    }
    Ok(())
}

/// Remembers that the bot said this about the discussion.
pub async fn add_sent_message(c: &mut AnyConnection, chat: ChatId, message: &str, discussion: DiscussionId) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO sent_messages (chat_id, external_id, discussion_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        args![chat, message, discussion],
    )
    .await
    .map(drop)
}

/// The discussion that a message of the bot's was about, where it was about one.
pub async fn discussion_of_sent_message(c: &mut AnyConnection, chat: ChatId, message: &str) -> Result<Option<DiscussionId>> {
    let about: Vec<DiscussionId> =
        sql::all(c, "SELECT discussion_id FROM sent_messages WHERE chat_id = $1 AND external_id = $2 LIMIT 2", args![chat, message])
            .await?;
    Ok(if about.len() == 1 { about.first().copied() } else { None })
}

/// What the bot said of one discussion counts for another from now on.
pub async fn redirect_sent_messages(c: &mut AnyConnection, from: DiscussionId, to: DiscussionId) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO sent_messages (chat_id, external_id, discussion_id) SELECT chat_id, external_id, $2 FROM sent_messages \
         WHERE discussion_id = $1 ON CONFLICT DO NOTHING",
        args![from, to],
    )
    .await?;
    sql::run(c, "DELETE FROM sent_messages WHERE discussion_id = $1", args![from]).await.map(drop)
}
