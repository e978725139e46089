//! Promises to tell: what may leave now is in `due`, what was said already in `told`, what becomes of what waits in `waiting`.

mod due;
mod told;
mod waiting;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args, row};
use crate::domain::{ChatId, DeliveryId, DeliveryStatus, DiscussionId, NoticeId, NoticeKind, PersonId, PostId};

pub use due::{chats_due, digests_due, mails_due, news_due, news_of, next_deadline, next_due, of_chat, of_digest, of_mail, weeklies_due};
pub use told::{
    AnswerWaiting, answers_waiting, is_acknowledged, is_acknowledged_otherwise, is_answered_since, is_promised, people_told_of, waiting_of,
    was_promised, was_replied, was_told_of,
};
pub use waiting::{
    cancel, defer_acknowledgements, drop_in_delivery, drop_kind, drop_moved, drop_of_discussion, drop_of_post, drop_reply,
    hand_on_acknowledgement, hurry, look_again, postpone, promise_there, put_off, redirect, redirect_all, redirect_post, redirect_these,
    tell_of, try_again, uncancel, urge, waits_since,
};

/// A promise to tell one destination one thing.
#[derive(Clone, Debug)]
pub struct Notice {
    pub id: NoticeId,
    pub kind: NoticeKind,
    pub discussion: Option<DiscussionId>,
    pub post: Option<PostId>,
    pub chat: Option<ChatId>,
    pub person: Option<PersonId>,
    pub due_at: Timestamp,
    pub deadline_at: Timestamp,
    pub created_at: Timestamp,
    /// What it tells beside its post: JSON, by kind.
    pub detail: Option<String>,
    /// Of no use after this.
    pub expires_at: Option<Timestamp>,
    /// A colleague said that it is to leave now, whatever the hour.
    pub urged: bool,
}

const COLUMNS: &str = "n.id, n.kind, n.discussion_id, n.post_id, n.chat_id, n.person_id, n.due_at, n.deadline_at, n.created_at, \
                       n.detail, n.expires_at, n.urged";
const WAITING: &str = "n.status = 'pending' AND n.delivery_id IS NULL";
/// Ids named in one statement.
const IDS_PER_STATEMENT: usize = 200;

row!(Notice { id, kind: (NoticeKind), discussion, post, chat, person, due_at, deadline_at, created_at, detail, expires_at, urged });

/// Who is to be told: exactly one chat or one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Chat(ChatId),
    Person(PersonId),
}

/// What a new notice is made of.
#[derive(Clone, Debug)]
pub struct NewNotice {
    pub kind: NoticeKind,
    pub discussion: Option<DiscussionId>,
    pub post: Option<PostId>,
    pub target: Target,
    /// Not before this.
    pub due_at: Timestamp,
    /// For LINE: a push may be paid for it from here on.
    pub deadline_at: Timestamp,
    pub now: Timestamp,
    /// What it tells beside its post: JSON, by kind.
    pub detail: Option<String>,
    /// Of no use after this: dropped then.
    pub expires_at: Option<Timestamp>,
}

/// Makes the promise.
pub async fn add(c: &mut AnyConnection, n: &NewNotice) -> Result<NoticeId> {
    insert(c, n, false).await
}

/// Makes the promise that it travels in the person's next digest, at `due_at`.
pub async fn add_to_digest(c: &mut AnyConnection, n: &NewNotice) -> Result<NoticeId> {
    insert(c, n, true).await
}

async fn insert(c: &mut AnyConnection, n: &NewNotice, digest: bool) -> Result<NoticeId> {
    let (chat, person) = match n.target {
        Target::Chat(id) => (Some(id), None),
        Target::Person(id) => (None, Some(id)),
    };
    sql::one(
        c,
        "INSERT INTO notices (kind, discussion_id, post_id, chat_id, person_id, status, due_at, deadline_at, created_at, detail, expires_at, \
         digest) VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11) RETURNING id",
        args![
            n.kind.as_str(),
            n.discussion,
            n.post,
            chat,
            person,
            n.due_at,
            n.deadline_at,
            n.now,
            n.detail.as_deref(),
            n.expires_at,
            digest
        ],
    )
    .await
}

/// Whether it still waits.
pub async fn waits(c: &mut AnyConnection, id: NoticeId) -> Result<bool> {
    let found: Option<i64> = sql::find(c, format!("SELECT n.id FROM notices n WHERE {WAITING} AND n.id = $1"), args![id]).await?;
    Ok(found.is_some())
}

/// The notices travel in this delivery. How many of them were still waiting.
pub async fn freeze(c: &mut AnyConnection, notices: &[NoticeId], delivery: DeliveryId) -> Result<u64> {
    let mut frozen = 0;
    for some in notices.chunks(IDS_PER_STATEMENT) {
        let mut values = args![delivery];
        values.extend(some.iter().map(|id| sql::Value::from(*id)));
        let places = sql::places(2, some.len());
        let these = format!("UPDATE notices SET delivery_id = $1 WHERE id IN ({places}) AND status = 'pending' AND delivery_id IS NULL");
        frozen += sql::run(c, these, values).await?;
    }
    Ok(frozen)
}

/// The delivery's notices wait again, for another ride; none is paid for before `deadline_at`.
pub async fn thaw(c: &mut AnyConnection, delivery: DeliveryId, deadline_at: Option<Timestamp>, reason: &str) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET delivery_id = NULL, reason = $2, deadline_at = CASE WHEN $3 > deadline_at THEN $3 ELSE deadline_at END \
         WHERE delivery_id = $1 AND status = 'pending'",
        args![delivery, reason, deadline_at],
    )
    .await
    .map(drop)
}

/// The notices that travel in this delivery.
pub async fn of_delivery(c: &mut AnyConnection, delivery: DeliveryId) -> Result<Vec<Notice>> {
    sql::all(c, format!("SELECT {COLUMNS} FROM notices n WHERE n.delivery_id = $1 AND n.status = 'pending' ORDER BY n.id"), args![delivery])
        .await
}

/// What became of the delivery became of its notices.
pub async fn settle(c: &mut AnyConnection, delivery: DeliveryId, status: DeliveryStatus) -> Result<()> {
    sql::run(c, "UPDATE notices SET status = $2 WHERE delivery_id = $1 AND status <> 'dropped'", args![delivery, status.as_str()])
        .await
        .map(drop)
}

/// Nobody needs them any more.
pub async fn drop_all(c: &mut AnyConnection, notices: &[NoticeId], reason: &str) -> Result<()> {
    end_all(c, notices, DeliveryStatus::Dropped, reason).await
}

/// They cannot be sent at all.
pub async fn fail_all(c: &mut AnyConnection, notices: &[NoticeId], reason: &str) -> Result<()> {
    end_all(c, notices, DeliveryStatus::Failed, reason).await
}

async fn end_all(c: &mut AnyConnection, notices: &[NoticeId], status: DeliveryStatus, reason: &str) -> Result<()> {
    for some in notices.chunks(IDS_PER_STATEMENT) {
        let mut values = args![status.as_str(), reason];
        values.extend(some.iter().map(|id| sql::Value::from(*id)));
        let places = sql::places(3, some.len());
        let these =
            format!("UPDATE notices SET status = $1, reason = $2 WHERE id IN ({places}) AND status = 'pending' AND delivery_id IS NULL");
        sql::run(c, these, values).await?;
    }
    Ok(())
}

/// The delivery was given up before it was tried: its notices wait again, as before.
pub async fn unfreeze(c: &mut AnyConnection, delivery: DeliveryId) -> Result<()> {
    sql::run(c, "UPDATE notices SET delivery_id = NULL WHERE delivery_id = $1 AND status = 'pending'", args![delivery]).await.map(drop)
}
