//! What was said.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::discussions::Discussion;
use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{ChatId, Details, DiscussionId, InboundId, PersonId, PostId, Role, Source};

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
    /// Mentions, LINE emoji, sticker, place …
    pub details: Details,
    /// LINE's id of the set of pictures that it is.
    pub image_set: Option<String>,
    /// The LINE message that it quotes.
    pub quotes: Option<String>,
    /// An edit stands for a message that has not arrived.
    pub edit_only: bool,
    /// How sure the threader was, or that a person has looked (see [`LineExtras::class`]).
    pub class: Option<String>,
}

/// Other chats that hear of a discussion: each of its answers costs a push into each.
const OTHER_CHATS_MAX: i64 = 5;

const COLUMNS: &str = "p.id, p.discussion_id, p.person_id, COALESCE(a.name, ''), p.role, p.source, p.internal, p.chat_id, p.external_id, \
                       p.kind, p.body, p.whole, p.evidence, p.created_at, p.edited_at, p.retracted_at, p.details, p.image_set, p.quotes, p.edit_only, p.class";
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
            details: Details::read(c.get::<Option<String>>()?.as_deref()),
            image_set: c.get()?,
            quotes: c.get()?,
            edit_only: c.get()?,
            class: c.get()?,
        })
    }
}

/// Something that was said: what a new post is made of.
#[derive(Clone, Debug)]
pub struct NewPost<'a> {
    pub person: Option<PersonId>,
    pub role: Role,
    pub source: Source,
    pub internal: bool,
    /// The chat that it was said in.
    pub chat: Option<ChatId>,
    /// LINE's message id, the mail's Message-ID, or the form's id.
    pub external_id: Option<&'a str>,
    pub inbound: Option<InboundId>,
    /// `text`, `image`, … `mail`; `unsupported:KIND`.
    pub kind: &'a str,
    pub body: &'a str,
    /// The whole text of a mail, where the body is a part of it.
    pub whole: Option<&'a str>,
    /// Why it is in its discussion, as JSON.
    pub evidence: &'a str,
    /// When it was said; what is told of it counts from now.
    pub at: Timestamp,
    /// What only LINE tells of it; nothing where it came by another way.
    pub line: LineExtras<'a>,
}

/// What a LINE message has beside its words.
#[derive(Clone, Debug, Default)]
pub struct LineExtras<'a> {
    /// JSON of [`Details`].
    pub details: Option<String>,
    /// The set of pictures that it is; each of them has its message id at its attachment.
    pub image_set: Option<&'a str>,
    /// The message that it quotes.
    pub quotes: Option<&'a str>,
    /// An edit, which stands for a message that has not arrived.
    pub edit_only: bool,
    /// It was taken back before it arrived, then.
    pub unsent_at: Option<Timestamp>,
    /// How sure the threader was: a word of `threading::Class`; `None` where it had nothing to decide.
    pub class: Option<&'a str>,
}

impl<'a> NewPost<'a> {
    /// Words that somebody wrote, neither internal nor from a chat.
    pub fn words(person: PersonId, role: Role, source: Source, body: &'a str, evidence: &'a str, at: Timestamp) -> Self {
        Self {
            person: Some(person),
            role,
            source,
            internal: false,
            chat: None,
            external_id: None,
            inbound: None,
            kind: "text",
            body,
            whole: None,
            evidence,
            at,
            line: LineExtras::default(),
        }
    }

    /// When it was edited, if all that there is of it is an edit.
    fn at_of_edit(&self) -> Option<Timestamp> {
        (self.line.edit_only && self.line.unsent_at.is_none()).then_some(self.at)
    }
}

/// Adds the post; `None` where the LINE message, the set of pictures, or the inbound row has one already.
pub async fn add(c: &mut AnyConnection, discussion: DiscussionId, p: &NewPost<'_>, recorded_at: Timestamp) -> Result<Option<PostId>> {
    sql::find(
        c,
        "INSERT INTO posts (discussion_id, person_id, role, source, internal, chat_id, external_id, inbound_id, kind, body, whole, evidence, \
         created_at, recorded_at, details, image_set, quotes, edit_only, edited_at, retracted_at, class) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) \
         ON CONFLICT DO NOTHING RETURNING id",
        args![
            discussion,
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
            p.at,
            recorded_at,
            p.line.details.as_deref(),
            p.line.image_set,
            p.line.quotes,
            p.line.edit_only,
            p.at_of_edit(),
            p.line.unsent_at,
            p.line.class
        ],
    )
    .await
}

/// The post with our id.
pub async fn find(c: &mut AnyConnection, id: PostId) -> Result<Option<Post>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM {FROM} WHERE p.id = $1"), args![id]).await
}

/// These posts, in no order; those that are not there are left out.
pub async fn these(c: &mut AnyConnection, ids: &[PostId]) -> Result<Vec<Post>> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let values = ids.iter().map(|id| sql::Value::from(*id)).collect();
    sql::all(c, format!("SELECT {COLUMNS} FROM {FROM} WHERE p.id IN ({})", sql::places(1, ids.len())), values).await
}

/// The discussion's posts in the order in which they were said; a client's view leaves the internal ones out.
pub async fn of_discussion(c: &mut AnyConnection, discussion: DiscussionId, internal_too: bool) -> Result<Vec<Post>> {
    let inside = if internal_too { "" } else { " AND p.internal = 0" };
    sql::all(c, format!("SELECT {COLUMNS} FROM {FROM} WHERE p.discussion_id = $1{inside} ORDER BY p.created_at, p.id"), args![discussion])
        .await
}

/// The discussion's posts that came in since, whenever they were said.
pub async fn recorded_since(c: &mut AnyConnection, discussion: DiscussionId, since: Timestamp) -> Result<Vec<PostId>> {
    sql::all(c, "SELECT id FROM posts WHERE discussion_id = $1 AND recorded_at >= $2", args![discussion, since]).await
}

/// The post of a LINE message, a picture of a set too.
pub async fn find_line(c: &mut AnyConnection, chat: ChatId, message: &str) -> Result<Option<Post>> {
    sql::find(
        c,
        format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE p.id IN (SELECT x.id FROM posts x WHERE x.chat_id = $1 AND x.external_id = $2 \
             UNION SELECT y.id FROM attachments t JOIN posts y ON y.id = t.post_id WHERE t.message_id = $2 AND y.chat_id = $1) \
             ORDER BY p.id LIMIT 1"
        ),
        args![chat, message],
    )
    .await
}

/// The post of a set of pictures.
pub async fn find_image_set(c: &mut AnyConnection, chat: ChatId, set: &str) -> Result<Option<Post>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM {FROM} WHERE p.chat_id = $1 AND p.image_set = $2"), args![chat, set]).await
}

/// Posts that quote one of these LINE messages, in the order in which they were said.
pub async fn quoting(c: &mut AnyConnection, chat: ChatId, messages: &[String], limit: i64) -> Result<Vec<Post>> {
    if messages.is_empty() {
        return Ok(vec![]);
    }
    let mut values = args![chat, limit];
    values.extend(messages.iter().map(sql::Value::from));
    let places = sql::places(3, messages.len());
    sql::all(
        c,
        format!("SELECT {COLUMNS} FROM {FROM} WHERE p.chat_id = $1 AND p.quotes IN ({places}) ORDER BY p.created_at, p.id LIMIT $2"),
        values,
    )
    .await
}

/// Whether anything in the discussion still has its words.
pub async fn has_living(c: &mut AnyConnection, discussion: DiscussionId) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, "SELECT id FROM posts WHERE discussion_id = $1 AND retracted_at IS NULL LIMIT 1", args![discussion]).await?;
    Ok(found.is_some())
}

/// Whether the discussion has any post, a tombstone too.
pub async fn has_any(c: &mut AnyConnection, discussion: DiscussionId) -> Result<bool> {
    let found: Option<i64> = sql::find(c, "SELECT id FROM posts WHERE discussion_id = $1 LIMIT 1", args![discussion]).await?;
    Ok(found.is_some())
}

/// What the person said in the chat within this time, both ends included, in the order in which they said it.
pub async fn said_by_person(
    c: &mut AnyConnection,
    (chat, person): (ChatId, PersonId),
    (since, until): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<Post>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE p.chat_id = $1 AND p.created_at >= $3 AND p.created_at <= $4 AND p.person_id = $2 \
             ORDER BY p.created_at, p.id LIMIT $5"
        ),
        args![chat, person, since, until, limit],
    )
    .await
}

/// How sure it is where it is, or that a person has looked.
pub async fn set_class(c: &mut AnyConnection, id: PostId, class: Option<&str>) -> Result<()> {
    sql::run(c, "UPDATE posts SET class = $2 WHERE id = $1", args![id, class]).await.map(drop)
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

/// Whether something of the discussion is the chat's: it was said there, or told there as an answer, or a client wrote it on the page; or
/// staff began it, for the chat. Else what was the chat's has been taken out, and others' words alone are left.
pub async fn is_of_chat(c: &mut AnyConnection, discussion: DiscussionId, chat: ChatId) -> Result<bool> {
    const OF_IT: &str = "SELECT p.id FROM posts p WHERE p.discussion_id = $1";
    let others = format!("{OF_IT} AND p.role = 'client' AND (p.source = 'email' OR p.chat_id <> $2) LIMIT 1");
    if sql::find::<i64>(c, others, args![discussion, chat]).await?.is_none() {
        return Ok(true);
    }
    let own = format!(
        "{OF_IT} AND (p.chat_id = $2 OR p.role = 'client' AND p.source IN ('web', 'api') OR EXISTS (SELECT n.id FROM notices n \
         WHERE n.post_id = p.id AND n.chat_id = $2 AND n.kind = 'answered' AND n.status IN ('pending', 'sent'))) LIMIT 1"
    );
    Ok(sql::find::<i64>(c, own, args![discussion, chat]).await?.is_some())
}

/// The chats of the project, but for the discussion's own, in which clients said something that somebody merged with it or moved here. What
/// a client filed here by typing its number makes it no matter of their group's.
pub async fn other_chats(c: &mut AnyConnection, discussion: &Discussion) -> Result<Vec<ChatId>> {
    sql::all(
        c,
        "SELECT DISTINCT ch.id FROM posts p JOIN chats ch ON ch.id = p.chat_id WHERE p.discussion_id = $1 AND ch.project_id = $2 \
         AND ch.id <> COALESCE($3, 0) AND ch.left_at IS NULL AND p.source = 'line' AND p.role = 'client' AND p.internal = 0 \
         AND p.retracted_at IS NULL AND EXISTS (SELECT m.post_id FROM correction_posts m WHERE m.post_id = p.id) \
         ORDER BY ch.id LIMIT $4",
        args![discussion.id, discussion.project, discussion.chat, OTHER_CHATS_MAX],
    )
    .await
}

/// Whether the person has written in the discussion.
pub async fn has_written(c: &mut AnyConnection, discussion: DiscussionId, person: PersonId) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, "SELECT id FROM posts WHERE discussion_id = $1 AND person_id = $2 LIMIT 1", args![discussion, person]).await?;
    Ok(found.is_some())
}

/// Whether the person has written in the discussion since then, as far as we knew of it.
pub async fn has_written_since(c: &mut AnyConnection, discussion: DiscussionId, person: PersonId, since: Timestamp) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT id FROM posts WHERE discussion_id = $1 AND person_id = $2 AND recorded_at >= $3 LIMIT 1",
        args![discussion, person, since],
    )
    .await?;
    Ok(found.is_some())
}

/// Whether the person has written in the discussion. now, and since when it has been edited.
pub async fn set_wording(c: &mut AnyConnection, id: PostId, body: &str, details: Option<&str>, edited_at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "UPDATE posts SET body = $2, details = $3, edited_at = $4 WHERE id = $1 AND retracted_at IS NULL",
        args![id, body, details, edited_at],
    )
    .await
    .map(drop)
}

/// It was said no later than `at`: an event that is older than those before it has come.
pub async fn said_by(c: &mut AnyConnection, id: PostId, at: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE posts SET created_at = $2 WHERE id = $1 AND created_at > $2", args![id, at]).await.map(drop)
}

/// The message whose edit stood for it has come after all.
pub async fn complete(c: &mut AnyConnection, id: PostId, person: Option<PersonId>, kind: &str, quotes: Option<&str>) -> Result<()> {
    sql::run(
        c,
        "UPDATE posts SET edit_only = 0, person_id = COALESCE(person_id, $2), kind = $3, quotes = COALESCE($4, quotes) WHERE id = $1",
        args![id, person, kind, quotes],
    )
    .await
    .map(drop)
}

/// More is known of what it is.
pub async fn set_details(c: &mut AnyConnection, id: PostId, details: Option<&str>) -> Result<()> {
    sql::run(c, "UPDATE posts SET details = $2 WHERE id = $1 AND retracted_at IS NULL", args![id, details]).await.map(drop)
}

/// Takes the words away and leaves a tombstone, from then on.
pub async fn retract(c: &mut AnyConnection, id: PostId, at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "UPDATE posts SET body = '', whole = NULL, details = NULL, edited_at = NULL, retracted_at = $2 WHERE id = $1",
        args![id, at],
    )
    .await
    .map(drop)
}

/// It is no tombstone: of its set of pictures, one that was not taken back has come.
pub async fn revive(c: &mut AnyConnection, id: PostId) -> Result<()> {
    sql::run(c, "UPDATE posts SET retracted_at = NULL WHERE id = $1", args![id]).await.map(drop)
}

/// Remembers that a LINE message was taken back; told twice, the earlier time counts.
pub async fn add_unsent(c: &mut AnyConnection, chat: ChatId, message: &str, at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO unsent_messages (chat_id, external_id, unsent_at) VALUES ($1, $2, $3) ON CONFLICT (chat_id, external_id) \
         DO UPDATE SET unsent_at = $3 WHERE unsent_messages.unsent_at > $3",
        args![chat, message, at],
    )
    .await
    .map(drop)
}

/// When the message was taken back, if it was: before it arrived or after.
pub async fn unsent_at(c: &mut AnyConnection, chat: ChatId, message: &str) -> Result<Option<Timestamp>> {
    sql::find(c, "SELECT unsent_at FROM unsent_messages WHERE chat_id = $1 AND external_id = $2", args![chat, message]).await
}

/// Of the set's pictures that have arrived: how many were not taken back, and when the last of the others was.
pub async fn set_left(c: &mut AnyConnection, post: PostId, chat: ChatId) -> Result<(i64, Option<Timestamp>)> {
    sql::one(
        c,
        "SELECT COUNT(*) - COUNT(u.unsent_at), MAX(u.unsent_at) FROM attachments a \
         LEFT JOIN unsent_messages u ON u.chat_id = $2 AND u.external_id = a.message_id WHERE a.post_id = $1",
        args![post, chat],
    )
    .await
}

/// The names that LINE users bear now: `(LINE's id, name)`.
pub async fn names_of_mentioned(c: &mut AnyConnection, users: &[String]) -> Result<Vec<(String, String)>> {
    if users.is_empty() {
        return Ok(vec![]);
    }
    sql::all(
        c,
        format!(
            "SELECT i.external_id, p.name FROM identities i JOIN persons p ON p.id = i.person_id \
             WHERE i.channel = 'line' AND p.name <> '' AND i.external_id IN ({})",
            sql::places(1, users.len())
        ),
        users.iter().map(sql::Value::from).collect(),
    )
    .await
}

/// Why it is where it is, as JSON.
pub async fn set_evidence(c: &mut AnyConnection, id: PostId, evidence: &str) -> Result<()> {
    sql::run(c, "UPDATE posts SET evidence = $2 WHERE id = $1", args![id, evidence]).await.map(drop)
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

/// Whether the message is one of the bot's.
pub async fn is_sent_message(c: &mut AnyConnection, chat: ChatId, message: &str) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, "SELECT discussion_id FROM sent_messages WHERE chat_id = $1 AND external_id = $2 LIMIT 1", args![chat, message])
            .await?;
    Ok(found.is_some())
}

/// The discussions that a message of the bot's was about: one card may tell of several.
pub async fn discussions_of_sent_message(c: &mut AnyConnection, chat: ChatId, message: &str) -> Result<Vec<DiscussionId>> {
    sql::all(
        c,
        "SELECT discussion_id FROM sent_messages WHERE chat_id = $1 AND external_id = $2 ORDER BY discussion_id",
        args![chat, message],
    )
    .await
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

/// What the bot said in one chat of a discussion counts for another from now on.
pub async fn move_sent_messages(c: &mut AnyConnection, chat: ChatId, (from, to): (DiscussionId, DiscussionId)) -> Result<()> {
    sql::run(c, "UPDATE sent_messages SET discussion_id = $3 WHERE discussion_id = $2 AND chat_id = $1", args![chat, from, to])
        .await
        .map(drop)
}

/// What was said in one chat and stands in a discussion of another, or of none, where either is this chat: the discussion, the chat, the
/// post, in the order in which they were said.
pub async fn of_other_chats(c: &mut AnyConnection, chat: ChatId) -> Result<Vec<(DiscussionId, ChatId, PostId)>> {
    let strayed = "SELECT p.discussion_id, p.chat_id, p.id, p.created_at FROM posts p JOIN discussions d ON d.id = p.discussion_id \
                   WHERE p.chat_id <> COALESCE(d.chat_id, 0)";
    sql::all(
        c,
        format!(
            "SELECT s.discussion_id, s.chat_id, s.id FROM ({strayed} AND d.chat_id = $1 UNION {strayed} AND p.chat_id = $1) s \
             ORDER BY s.created_at, s.id"
        ),
        args![chat],
    )
    .await
}

/// Of what was said in one go the first line stands for all.
const UNSURE: &str = "p.class = 'likely' AND p.retracted_at IS NULL AND NOT EXISTS (SELECT 1 FROM posts q WHERE \
                      q.discussion_id = p.discussion_id AND q.person_id = p.person_id AND q.class = 'likely' AND q.retracted_at IS NULL \
                      AND q.created_at >= p.created_at - 60000000 AND (q.created_at < p.created_at OR q.created_at = p.created_at AND q.id < p.id)) \
                      AND ($1 IS NULL OR p.discussion_id IN (SELECT d.id FROM discussions d \
                      JOIN members m ON m.project_id = d.project_id WHERE m.person_id = $1 AND m.role IN ('owner', 'staff')))";

/// What the threader was not sure of, the newest first; of the projects that this person is staff of, or of all.
pub async fn unsure(c: &mut AnyConnection, staff: Option<PersonId>, limit: i64) -> Result<Vec<Post>> {
    let newest = format!("SELECT {COLUMNS} FROM {FROM} WHERE {UNSURE} ORDER BY p.created_at DESC, p.id DESC LIMIT $2");
    sql::all(c, newest, args![staff, limit]).await
}

/// What its author went on with in the discussion after this post, within so many microseconds, in order.
pub async fn next_by_author(c: &mut AnyConnection, post: &Post, within_us: i64, limit: i64) -> Result<Vec<Post>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE p.discussion_id = $1 AND p.person_id = $2 AND p.created_at >= $3 AND p.created_at <= $3 + $4 \
             AND (p.created_at > $3 OR p.id > $5) AND p.retracted_at IS NULL ORDER BY p.created_at, p.id LIMIT $6"
        ),
        args![post.discussion, post.person, post.created_at, within_us, post.id, limit],
    )
    .await
}

/// What the threader did since `since`, week by week (0 = the first seven days): `(week, outcome, posts)`. The outcome is the class; of what
/// a person has put elsewhere it is `corrected:` and the class that it had before, which is empty where the threader had nothing to decide.
pub async fn classes_by_week(c: &mut AnyConnection, staff: Option<PersonId>, since: Timestamp) -> Result<Vec<(i64, String, i64)>> {
    sql::all(
        c,
        "SELECT (p.created_at - $2) / 604800000000, CASE WHEN p.class = 'corrected' THEN 'corrected:' || COALESCE((SELECT m.class \
         FROM correction_posts m JOIN corrections c ON c.id = m.correction_id WHERE m.post_id = p.id AND c.undone_at IS NULL \
         ORDER BY m.correction_id LIMIT 1), '') ELSE p.class END, COUNT(*) FROM posts p WHERE p.class IS NOT NULL AND p.created_at >= $2 \
         AND ($1 IS NULL OR p.discussion_id IN (SELECT d.id FROM discussions d JOIN members m ON m.project_id = d.project_id \
         WHERE m.person_id = $1 AND m.role IN ('owner', 'staff'))) GROUP BY 1, 2 ORDER BY 1 DESC",
        args![staff, since],
    )
    .await
}

/// How many there are of them.
pub async fn count_unsure(c: &mut AnyConnection, staff: Option<PersonId>) -> Result<i64> {
    sql::one(c, format!("SELECT COUNT(*) FROM posts p WHERE {UNSURE}"), args![staff]).await
}

/// What was said in the chat before this post, the last of it, in order.
pub async fn before_in_chat(c: &mut AnyConnection, chat: ChatId, (at, id): (Timestamp, PostId), limit: i64) -> Result<Vec<Post>> {
    let mut found: Vec<Post> = sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE p.chat_id = $1 AND p.created_at <= $2 AND p.id <> $3 AND p.retracted_at IS NULL \
             ORDER BY p.created_at DESC, p.id DESC LIMIT $4"
        ),
        args![chat, at, id, limit],
    )
    .await?;
    found.reverse();
    Ok(found)
}

/// A person has looked where the threader put it, and left it there. What it was sure of was not asked about.
pub async fn confirm(c: &mut AnyConnection, id: PostId) -> Result<()> {
    sql::run(c, "UPDATE posts SET class = 'confirmed' WHERE id = $1 AND class = 'likely'", args![id]).await.map(drop)
}

/// What the bot said of a discussion: the chat, LINE's id, and whether it was of `other` too.
pub async fn sent_messages_of(c: &mut AnyConnection, discussion: DiscussionId, other: DiscussionId) -> Result<Vec<(i64, String, bool)>> {
    sql::all(
        c,
        "SELECT m.chat_id, m.external_id, CASE WHEN EXISTS (SELECT 1 FROM sent_messages o WHERE o.chat_id = m.chat_id \
         AND o.external_id = m.external_id AND o.discussion_id = $2) THEN 1 ELSE 0 END FROM sent_messages m WHERE m.discussion_id = $1 \
         ORDER BY m.chat_id, m.external_id",
        args![discussion, other],
    )
    .await
}

/// What the bot said counts for another discussion; it still counts for the first where it is of `both`.
pub async fn move_sent_message(
    c: &mut AnyConnection,
    (chat, message): (i64, &str),
    (from, to): (DiscussionId, DiscussionId),
    both: bool,
) -> Result<()> {
    add_sent_message(c, ChatId(chat), message, to).await?;
    if both {
        return Ok(());
    }
    let gone = "DELETE FROM sent_messages WHERE chat_id = $1 AND external_id = $2 AND discussion_id = $3";
    sql::run(c, gone, args![chat, message, from]).await.map(drop)
}

/// The discussion's first `limit` posts in the order in which they were said.
pub async fn first_of_discussion(c: &mut AnyConnection, discussion: DiscussionId, limit: i64) -> Result<Vec<Post>> {
    sql::all(
        c,
        format!("SELECT {COLUMNS} FROM {FROM} WHERE p.discussion_id = $1 ORDER BY p.created_at, p.id LIMIT $2"),
        args![discussion, limit],
    )
    .await
}
