//! Who is in which chat, as far as LINE and what they say tell.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::members::visible_projects;
use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{ChatId, Inbox, PersonId};

/// Somebody in a chat, or gone from it.
#[derive(Clone, Debug)]
pub struct InChat {
    pub person: PersonId,
    /// Empty until somebody has told it.
    pub name: String,
    /// When LINE said that they came; who was there before has none.
    pub joined_at: Option<Timestamp>,
    /// When they were last known to be there.
    pub seen_at: Timestamp,
    pub left_at: Option<Timestamp>,
    pub friendship: Option<Friendship>,
    /// The picture's SHA-256.
    pub picture: Option<String>,
}

/// Whether a message into their own chat would arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Friendship {
    Friend,
    Blocked,
}

impl FromRow for InChat {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        let (person, name, joined_at, seen_at, left_at) = (c.get()?, c.get()?, c.get()?, c.get()?, c.get()?);
        let (followed, blocked): (Option<Timestamp>, Option<Timestamp>) = (c.get()?, c.get()?);
        let friendship = match (followed, blocked) {
            (None, None) => None,
            (Some(followed), blocked) if blocked.is_none_or(|b| b < followed) => Some(Friendship::Friend),
            _ => Some(Friendship::Blocked),
        };
        Ok(Self { person, name, joined_at, seen_at, left_at, friendship, picture: c.get()? })
    }
}

/// Somebody is in the chat at `at`. What LINE said of their going later stands, in whatever order it arrives.
pub async fn seen(c: &mut AnyConnection, chat: ChatId, person: PersonId, at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO chat_members (chat_id, person_id, seen_at, check_at) VALUES ($1, $2, $3, $3) ON CONFLICT (chat_id, person_id) DO UPDATE \
         SET seen_at = CASE WHEN chat_members.seen_at < $3 THEN $3 ELSE chat_members.seen_at END, \
         left_at = CASE WHEN chat_members.left_at < $3 THEN NULL ELSE chat_members.left_at END, \
         check_at = COALESCE(chat_members.check_at, $3)",
        args![chat, person, at],
    )
    .await
    .map(drop)
}

/// LINE says that they came at `at`. Whether that is news: they were not there, and have not gone since.
pub async fn joined(c: &mut AnyConnection, chat: ChatId, person: PersonId, at: Timestamp) -> Result<bool> {
    let before: Option<(Option<Timestamp>, Timestamp, Option<Timestamp>)> =
        sql::find(c, "SELECT joined_at, seen_at, left_at FROM chat_members WHERE chat_id = $1 AND person_id = $2", args![chat, person])
            .await?;
    seen(c, chat, person, at).await?;
    sql::run(
        c,
        "UPDATE chat_members SET joined_at = $3, check_at = $3 WHERE chat_id = $1 AND person_id = $2 AND (joined_at IS NULL OR joined_at < $3)",
        args![chat, person, at],
    )
    .await?;
    Ok(match before {
        None => true,
        Some((joined_at, seen_at, left_at)) => {
            // Said before it was told that they came, but after they did: a newcomer all the same.
            let first_words_first = joined_at.is_none() && seen_at >= at && left_at.is_none();
            joined_at.is_none_or(|j| j < at) && (first_words_first || left_at.is_some_and(|l| l < at))
        }
    })
}

/// Somebody is gone from the chat at `at`. Whether they were in it until now.
pub async fn gone(c: &mut AnyConnection, chat: ChatId, person: PersonId, at: Timestamp) -> Result<bool> {
    let before: Option<Option<Timestamp>> =
        sql::find(c, "SELECT left_at FROM chat_members WHERE chat_id = $1 AND person_id = $2 AND seen_at <= $3", args![chat, person, at])
            .await?;
    sql::run(
        c,
        "INSERT INTO chat_members (chat_id, person_id, seen_at, left_at) VALUES ($1, $2, $3, $3) ON CONFLICT (chat_id, person_id) DO UPDATE \
         SET seen_at = $3, left_at = $3, check_at = NULL WHERE chat_members.seen_at <= $3",
        args![chat, person, at],
    )
    .await?;
    Ok(before == Some(None))
}

/// Whether somebody is in the chat.
pub async fn is_in(c: &mut AnyConnection, chat: ChatId, person: PersonId) -> Result<bool> {
    let found: Option<i64> =
        sql::find(c, "SELECT person_id FROM chat_members WHERE chat_id = $1 AND person_id = $2 AND left_at IS NULL", args![chat, person])
            .await?;
    Ok(found.is_some())
}

/// Everybody who was ever seen in the chat: who is in it first, the latest to be seen first.
pub async fn of_chat(c: &mut AnyConnection, chat: ChatId, inbox: &Inbox, limit: i64) -> Result<Vec<InChat>> {
    sql::all(
        c,
        "SELECT m.person_id, p.name, m.joined_at, m.seen_at, m.left_at, f.followed_at, f.blocked_at, \
         (SELECT MIN(i.picture_sha256) FROM identities i WHERE i.person_id = p.id) \
         FROM chat_members m JOIN persons p ON p.id = m.person_id LEFT JOIN friends f ON f.person_id = m.person_id AND f.inbox = $2 \
         WHERE m.chat_id = $1 ORDER BY CASE WHEN m.left_at IS NULL THEN 0 ELSE 1 END, m.seen_at DESC, m.person_id LIMIT $3",
        args![chat, inbox.as_str(), limit],
    )
    .await
}

/// Somebody to ask LINE about.
#[derive(Clone, Debug)]
pub struct Due {
    pub chat: ChatId,
    pub person: PersonId,
    /// LINE's id of them.
    pub user: String,
    pub seen_at: Timestamp,
}

impl FromRow for Due {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { chat: c.get()?, person: c.get()?, user: c.get()?, seen_at: c.get()? })
    }
}

/// Whom LINE is to be asked about by now, in chats that the account is in: the longest overdue first.
pub async fn due(c: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<Due>> {
    sql::all(
        c,
        "SELECT m.chat_id, m.person_id, MIN(i.external_id), m.seen_at FROM chat_members m JOIN chats ch ON ch.id = m.chat_id \
         JOIN identities i ON i.person_id = m.person_id AND i.channel = 'line' \
         WHERE m.check_at <= $1 AND m.left_at IS NULL AND ch.left_at IS NULL \
         GROUP BY m.chat_id, m.person_id, m.seen_at, m.check_at ORDER BY m.check_at, m.chat_id, m.person_id LIMIT $2",
        args![now, limit],
    )
    .await
}

/// LINE is to be asked about them at `at`; `None` = once they are seen again.
pub async fn check_at(c: &mut AnyConnection, chat: ChatId, person: PersonId, at: Option<Timestamp>) -> Result<()> {
    sql::run(c, "UPDATE chat_members SET check_at = $3 WHERE chat_id = $1 AND person_id = $2", args![chat, person, at]).await.map(drop)
}

/// The account was away: whoever was in the chat may have gone meanwhile.
pub async fn check_all(c: &mut AnyConnection, chat: ChatId, at: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE chat_members SET check_at = $2 WHERE chat_id = $1 AND left_at IS NULL", args![chat, at]).await.map(drop)
}

/// Whether `viewer` shares a project with this person that lets them know of each other.
pub async fn may_know(c: &mut AnyConnection, viewer: PersonId, person: PersonId) -> Result<bool> {
    let visible = visible_projects(1);
    let found: Option<i64> = sql::find(
        c,
        format!(
            "SELECT p.id FROM persons p WHERE p.id = $2 AND (p.id = $1 \
             OR EXISTS (SELECT 1 FROM members o WHERE o.person_id = p.id AND o.project_id IN {visible}) \
             OR EXISTS (SELECT 1 FROM chat_members o JOIN chats c ON c.id = o.chat_id WHERE o.person_id = p.id AND c.project_id IN {visible}) \
             OR EXISTS (SELECT 1 FROM posts o JOIN discussions d ON d.id = o.discussion_id \
             WHERE o.person_id = p.id AND o.internal = 0 AND d.project_id IN {visible}))"
        ),
        args![viewer, person],
    )
    .await?;
    Ok(found.is_some())
}
