//! What was promised of one thing, and what was told.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::WAITING;
use crate::domain::{ChatId, DiscussionId, NoticeId, NoticeKind, PersonId, PostId};
use crate::store::sql::{self, Columns, FromRow, Result, args};

/// Whether the person was or will be told of the post by mail.
pub async fn is_promised(c: &mut AnyConnection, person: PersonId, post: PostId) -> Result<bool> {
    let promised = "SELECT id FROM notices WHERE post_id = $1 AND person_id = $2 AND status <> 'dropped' LIMIT 1";
    Ok(sql::find::<i64>(c, promised, args![post, person]).await?.is_some())
}

/// Whether the person was promised since `since` to be told this kind of thing of the discussion; with this detail, where one is given.
/// What was dropped meanwhile was promised all the same.
pub async fn was_promised(
    c: &mut AnyConnection,
    person: PersonId,
    discussion: DiscussionId,
    (kind, detail): (NoticeKind, Option<&str>),
    since: Timestamp,
) -> Result<bool> {
    let promised: Option<i64> = sql::find(
        c,
        "SELECT id FROM notices WHERE person_id = $1 AND discussion_id = $2 AND kind = $3 AND created_at >= $4 \
         AND ($5 IS NULL OR detail = $5) LIMIT 1",
        args![person, discussion, kind.as_str(), since, detail],
    )
    .await?;
    Ok(promised.is_some())
}

/// Whether the chat was promised this very answer since `since`.
pub async fn was_replied(c: &mut AnyConnection, chat: ChatId, detail: &str, since: Timestamp) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT id FROM notices WHERE chat_id = $1 AND kind = 'replied' AND detail = $2 AND created_at > $3 LIMIT 1",
        args![chat, detail, since],
    )
    .await?;
    Ok(found.is_some())
}

/// Whether a chat was or will be told that the discussion was opened.
pub async fn is_acknowledged(c: &mut AnyConnection, discussion: DiscussionId) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT id FROM notices WHERE discussion_id = $1 AND kind = 'opened' AND chat_id IS NOT NULL AND status <> 'dropped' LIMIT 1",
        args![discussion],
    )
    .await?;
    Ok(found.is_some())
}

/// Whether the chat has heard the discussion's number by another acknowledgement than this one, or is about to: matters that became one
/// have one each.
pub async fn is_acknowledged_otherwise(c: &mut AnyConnection, discussion: DiscussionId, chat: ChatId, but: NoticeId) -> Result<bool> {
    let other = "SELECT id FROM notices WHERE discussion_id = $1 AND chat_id = $2 AND kind = 'opened' AND id <> $3 \
                 AND (status = 'sent' OR (status = 'pending' AND (delivery_id IS NOT NULL OR id < $3))) LIMIT 1";
    Ok(sql::find::<i64>(c, other, args![discussion, chat, but]).await?.is_some())
}

/// The people who have been mailed about one of these posts.
pub async fn people_told_of(c: &mut AnyConnection, posts: &[PostId]) -> Result<BTreeSet<PersonId>> {
    let mut people = BTreeSet::new();
    for post in posts {
        let told: Vec<PersonId> = sql::all(
            c,
            "SELECT DISTINCT person_id FROM notices WHERE post_id = $1 AND person_id IS NOT NULL AND status = 'sent'",
            args![*post],
        )
        .await?;
        people.extend(told);
    }
    Ok(people)
}

/// Whether the chat has been answered in the discussion since `since`: by an answer that it was told of, or by a colleague there.
pub async fn is_answered_since(c: &mut AnyConnection, discussion: DiscussionId, chat: ChatId, since: Timestamp) -> Result<bool> {
    let told = "SELECT id FROM notices WHERE discussion_id = $1 AND chat_id = $2 AND kind = 'answered' AND status = 'sent' AND created_at > $3 \
                LIMIT 1";
    if sql::find::<i64>(c, told, args![discussion, chat, since]).await?.is_some() {
        return Ok(true);
    }
    let said = "SELECT id FROM posts WHERE discussion_id = $1 AND chat_id = $2 AND role IN ('owner', 'staff') AND internal = 0 \
                AND retracted_at IS NULL AND created_at > $3 LIMIT 1";
    Ok(sql::find::<i64>(c, said, args![discussion, chat, since]).await?.is_some())
}

/// An answer that waits to be told in a chat, and of which nothing has left.
#[derive(Clone, Debug)]
pub struct AnswerWaiting {
    pub post: PostId,
    /// Nothing leaves before.
    pub due_at: Timestamp,
    /// A push may be paid for it from here on.
    pub deadline_at: Timestamp,
    /// Why that is later than it was to be.
    pub reason: Option<String>,
}

impl FromRow for AnswerWaiting {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { post: c.get()?, due_at: c.get()?, deadline_at: c.get()?, reason: c.get()? })
    }
}

/// Posts of the discussion that wait to be told as answers in a chat, where nothing that tells of them was frozen for it or for a client.
pub async fn answers_waiting(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<AnswerWaiting>> {
    sql::all(
        c,
        format!(
            "SELECT n.post_id, n.due_at, n.deadline_at, n.reason FROM notices n JOIN discussions d ON d.id = n.discussion_id \
             WHERE n.discussion_id = $1 AND n.kind = 'answered' AND n.chat_id IS NOT NULL AND n.post_id IS NOT NULL AND {WAITING} \
             AND NOT EXISTS (SELECT 1 FROM notices o LEFT JOIN persons p ON p.id = o.person_id WHERE o.post_id = n.post_id \
             AND o.delivery_id IS NOT NULL AND (o.chat_id IS NOT NULL OR (p.is_admin = 0 AND NOT EXISTS \
             (SELECT 1 FROM members m WHERE m.project_id = d.project_id AND m.person_id = p.id AND m.role IN ('owner', 'staff'))))) \
             ORDER BY n.id"
        ),
        args![discussion],
    )
    .await
}

/// The ids of what waits to tell of the discussion.
pub async fn waiting_of(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<i64>> {
    let waiting = "SELECT id FROM notices WHERE discussion_id = $1 AND status = 'pending' AND delivery_id IS NULL ORDER BY id";
    sql::all(c, waiting, args![discussion]).await
}

/// Whether the chat has been told of one of these posts.
pub async fn was_told_of(c: &mut AnyConnection, chat: ChatId, posts: &[PostId]) -> Result<bool> {
    for post in posts {
        let told = "SELECT id FROM notices WHERE post_id = $1 AND chat_id = $2 AND status = 'sent' LIMIT 1";
        if sql::find::<i64>(c, told, args![*post, chat]).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
