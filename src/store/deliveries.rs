//! Messages on their way to one destination each.

use jiff::Timestamp;
use sqlx::AnyConnection;
use uuid::Uuid;

use super::Dialect;
use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{ChatId, DeliveryId, DeliveryStatus, DiscussionId, NoticeKind, PersonId, PostId, ProjectId, Via};

/// A frozen message and how far it has come.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: DeliveryId,
    pub uuid: Uuid,
    pub via: Via,
    /// LINE's id of the chat, or the mail address.
    pub target: String,
    pub chat: Option<ChatId>,
    pub person: Option<PersonId>,
    pub discussion: Option<DiscussionId>,
    /// The project that pays for it; `None` = the chat's.
    pub payer: Option<ProjectId>,
    pub body: String,
    pub reply_token: Option<String>,
    pub message_id: Option<String>,
    pub attempts: i64,
    /// Tries whose answer was lost, this one included while it is under way.
    pub unanswered: i64,
    pub frozen_at: Timestamp,
}

const COLUMNS: &str =
    "id, uuid, via, target, chat_id, person_id, discussion_id, payer_id, body, reply_token, message_id, attempts, unanswered, frozen_at";

impl FromRow for Delivery {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            uuid: c.get::<String>()?.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?,
            via: c.word(Via::find)?,
            target: c.get()?,
            chat: c.get()?,
            person: c.get()?,
            discussion: c.get()?,
            payer: c.get()?,
            body: c.get()?,
            reply_token: c.get()?,
            message_id: c.get()?,
            attempts: c.get()?,
            unanswered: c.get()?,
            frozen_at: c.get()?,
        })
    }
}

/// What a new delivery is made of.
#[derive(Clone, Debug)]
pub struct NewDelivery<'a> {
    pub uuid: Uuid,
    pub via: Via,
    pub target: &'a str,
    pub chat: Option<ChatId>,
    pub person: Option<PersonId>,
    pub discussion: Option<DiscussionId>,
    /// The project that pays for it; `None` = the chat's, whichever that is by then.
    pub payer: Option<ProjectId>,
    pub body: &'a str,
    pub reply_token: Option<&'a str>,
    pub message_id: Option<&'a str>,
    /// People that it will be billed for: 0 for everything but a push.
    pub heads: i64,
    pub now: Timestamp,
}

/// Freezes it; it is due at once.
pub async fn add(c: &mut AnyConnection, d: &NewDelivery<'_>) -> Result<DeliveryId> {
    sql::one(
        c,
        "INSERT INTO deliveries (uuid, via, target, chat_id, person_id, discussion_id, payer_id, body, reply_token, message_id, heads, status, due_at, \
         frozen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'pending', $12, $12) RETURNING id",
        args![
            d.uuid.to_string(),
            d.via.as_str(),
            d.target,
            d.chat,
            d.person,
            d.discussion,
            d.payer,
            d.body,
            d.reply_token,
            d.message_id,
            d.heads,
            d.now
        ],
    )
    .await
}

/// Claims what is due, each until `lease_until`: counted as a try without an answer until one comes, so that a process that dies in
/// the middle leaves the truth behind.
pub async fn claim(
    c: &mut AnyConnection,
    dialect: Dialect,
    mail: bool,
    now: Timestamp,
    lease_until: Timestamp,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let which = if mail { "via = 'email'" } else { "via <> 'email'" };
    sql::all(
        c,
        format!(
            "UPDATE deliveries SET due_at = $2, attempts = attempts + 1, unanswered = unanswered + 1 WHERE id IN \
             (SELECT id FROM deliveries WHERE status = 'pending' AND due_at <= $1 AND {which} ORDER BY due_at LIMIT $3{}) RETURNING {COLUMNS}",
            dialect.skip_locked()
        ),
        args![now, lease_until, limit],
    )
    .await
}

/// The try under way goes on until `lease_until`.
pub async fn renew(c: &mut AnyConnection, id: DeliveryId, lease_until: Timestamp) -> Result<()> {
    sql::run(c, "UPDATE deliveries SET due_at = $2 WHERE id = $1 AND status = 'pending'", args![id, lease_until]).await.map(drop)
}

/// Whatever was under way when the only node on this database ended is due again.
pub async fn free_leases(c: &mut AnyConnection, now: Timestamp) -> Result<u64> {
    sql::run(c, "UPDATE deliveries SET due_at = $1 WHERE status = 'pending' AND unanswered > 0 AND due_at > $1", args![now]).await
}

/// Whether a look is worth a claim.
pub async fn is_any_due(c: &mut AnyConnection, mail: bool, now: Timestamp) -> Result<bool> {
    let which = if mail { "via = 'email'" } else { "via <> 'email'" };
    let found: Option<i64> =
        sql::find(c, format!("SELECT id FROM deliveries WHERE status = 'pending' AND due_at <= $1 AND {which} LIMIT 1"), args![now])
            .await?;
    Ok(found.is_some())
}

/// It is given up for another; what it was to tell is told by that one.
pub async fn drop_delivery(c: &mut AnyConnection, id: DeliveryId, why: &str) -> Result<()> {
    sql::run(
        c,
        "UPDATE deliveries SET status = 'dropped', last_error = $2, body = '', unanswered = 0 WHERE id = $1 AND status = 'pending'",
        args![id, why],
    )
    .await
    .map(drop)
}

/// It is given up, if it has certainly not arrived and nobody is trying it at this moment. Whether it was.
pub async fn withdraw(c: &mut AnyConnection, id: DeliveryId, why: &str) -> Result<bool> {
    sql::run(
        c,
        "UPDATE deliveries SET status = 'dropped', last_error = $2, body = '' WHERE id = $1 AND status = 'pending' AND unanswered = 0",
        args![id, why],
    )
    .await
    .map(|n| n > 0)
}

/// Its next try is due now, unless one is under way or may have arrived. Whether it is.
pub async fn try_now(c: &mut AnyConnection, id: DeliveryId, now: Timestamp) -> Result<bool> {
    sql::run(
        c,
        "UPDATE deliveries SET due_at = CASE WHEN due_at > $2 THEN $2 ELSE due_at END \
         WHERE id = $1 AND status = 'pending' AND unanswered = 0",
        args![id, now],
    )
    .await
    .map(|n| n > 0)
}

/// When the next one is due.
pub async fn next_due(c: &mut AnyConnection) -> Result<Option<Timestamp>> {
    sql::one(c, "SELECT MIN(due_at) FROM deliveries WHERE status = 'pending'", args![]).await
}

/// It ended so. What was sent needs its body no more.
pub async fn end(c: &mut AnyConnection, id: DeliveryId, status: DeliveryStatus, error: Option<&str>, now: Timestamp) -> Result<()> {
    let sent_at = (status == DeliveryStatus::Sent).then_some(now);
    sql::run(
        c,
        "UPDATE deliveries SET status = $2, last_error = $3, sent_at = $4, unanswered = 0, body = '' WHERE id = $1 AND status = 'pending'",
        args![id, status.as_str(), error, sent_at],
    )
    .await
    .map(drop)
}

/// It is tried again at `due_at`. `answered`: the other side said no, so this try has certainly not arrived.
pub async fn retry(c: &mut AnyConnection, id: DeliveryId, due_at: Timestamp, error: &str, answered: bool) -> Result<()> {
    sql::run(
        c,
        "UPDATE deliveries SET due_at = $2, last_error = $3, unanswered = unanswered - $4 WHERE id = $1 AND status = 'pending'",
        args![id, due_at, error, answered],
    )
    .await
    .map(drop)
}

/// A bounce came back for the mail with this Message-ID, or for the last one to this address: it has failed after all.
pub async fn bounced(c: &mut AnyConnection, message_id: &str, error: &str) -> Result<Option<CameBack>> {
    let found: Option<CameBack> = sql::find(
        c,
        "SELECT id, discussion_id, person_id, target, status FROM deliveries WHERE message_id = $1 AND via = 'email'",
        args![message_id],
    )
    .await?;
    if let Some(CameBack { delivery, .. }) = found {
        sql::run(c, "UPDATE deliveries SET status = 'failed', last_error = $2 WHERE id = $1", args![delivery, error]).await?;
        sql::run(c, "UPDATE notices SET status = 'failed' WHERE delivery_id = $1", args![delivery]).await?;
    }
    Ok(found)
}

/// A mail of ours that came back.
#[derive(Clone, Debug)]
pub struct CameBack {
    pub delivery: DeliveryId,
    pub discussion: Option<DiscussionId>,
    pub person: Option<PersonId>,
    /// The address that it went to.
    pub target: String,
    /// How the delivery stood before.
    pub status: DeliveryStatus,
}

impl FromRow for CameBack {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { delivery: c.get()?, discussion: c.get()?, person: c.get()?, target: c.get()?, status: c.word(DeliveryStatus::find)? })
    }
}

/// Whether our mail with this Message-ID told of internal posts and of nothing else.
pub async fn told_only_inside(c: &mut AnyConnection, message_id: &str) -> Result<bool> {
    let least: Option<i64> = sql::one(
        c,
        "SELECT MIN(p.internal) FROM deliveries v JOIN notices n ON n.delivery_id = v.id JOIN posts p ON p.id = n.post_id \
         WHERE v.message_id = $1 AND v.via = 'email'",
        args![message_id],
    )
    .await?;
    Ok(least == Some(1))
}

/// Message-IDs of our mails to this person about the discussion, oldest first, with their times.
pub async fn mail_ids(c: &mut AnyConnection, discussion: DiscussionId, person: PersonId) -> Result<Vec<(String, Timestamp)>> {
    sql::all(
        c,
        "SELECT message_id, frozen_at FROM deliveries WHERE discussion_id = $1 AND person_id = $2 AND message_id IS NOT NULL ORDER BY id",
        args![discussion, person],
    )
    .await
}

/// Whether our mail with this Message-ID was about many discussions.
pub async fn is_digest(c: &mut AnyConnection, message_id: &str) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT id FROM deliveries WHERE message_id = $1 AND via = 'email' AND discussion_id IS NULL AND message_id LIKE '%.digest@%'",
        args![message_id],
    )
    .await?;
    Ok(found.is_some())
}

/// When the mails to this person about the discussion were written since `since`, the newest first, those that were given up left out.
pub async fn mails_since(
    c: &mut AnyConnection,
    discussion: DiscussionId,
    person: PersonId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Timestamp>> {
    sql::all(
        c,
        "SELECT frozen_at FROM deliveries WHERE person_id = $2 AND discussion_id = $1 AND via = 'email' AND status IN ('pending', 'sent') \
         AND frozen_at > $3 ORDER BY frozen_at DESC LIMIT $4",
        args![discussion, person, since, limit],
    )
    .await
}

/// Whether a notice of this kind about the discussion, promised since `since`, has been frozen to leave.
pub async fn left_since(c: &mut AnyConnection, discussion: DiscussionId, kind: NoticeKind, since: Timestamp) -> Result<bool> {
    let left = "SELECT id FROM notices WHERE discussion_id = $1 AND kind = $2 AND created_at >= $3 AND delivery_id IS NOT NULL LIMIT 1";
    Ok(sql::find::<i64>(c, left, args![discussion, kind.as_str(), since]).await?.is_some())
}

/// A post was taken back: nothing frozen may bring its words any more. What has certainly not arrived (never tried, or refused) is given
/// up, and its other notices wait again and are frozen without it. What may have arrived, or is under way at this moment, loses its body:
/// that tells the next try to give it up. LINE's pushes that also tell of something else keep theirs, since they may not be doubled; they
/// hold no more of a client's words than a title. `retitled`: the discussions whose titles went with the words.
pub async fn take_back(c: &mut AnyConnection, post: PostId, retitled: &[DiscussionId]) -> Result<()> {
    let mut values = args![post];
    values.extend(retitled.iter().map(|d| sql::Value::from(*d)));
    let about = if retitled.is_empty() { String::new() } else { format!(" OR discussion_id IN ({})", sql::places(2, retitled.len())) };
    let given_up: Vec<DeliveryId> = sql::all(
        c,
        format!(
            "UPDATE deliveries SET status = 'dropped', body = '', last_error = 'taken_back' WHERE status = 'pending' \
             AND unanswered = 0 AND id IN (SELECT delivery_id FROM notices WHERE post_id = $1{about}) RETURNING id"
        ),
        values,
    )
    .await?;
    for delivery in given_up {
        sql::run(c, "UPDATE notices SET delivery_id = NULL WHERE delivery_id = $1 AND status = 'pending'", args![delivery]).await?;
    }
    sql::run(
        c,
        "UPDATE deliveries SET body = '' WHERE status = 'pending' AND id IN (SELECT delivery_id FROM notices WHERE post_id = $1) \
         AND (via = 'email' OR NOT EXISTS (SELECT 1 FROM notices n JOIN posts p ON p.id = n.post_id \
         WHERE n.delivery_id = deliveries.id AND p.retracted_at IS NULL))",
        args![post],
    )
    .await
    .map(drop)
}
