//! Promises to tell.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::discussions::Discussion;
use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{ChatId, DeliveryId, DeliveryStatus, DiscussionId, NoticeId, NoticeKind, PersonId, PostId, ProjectId, Why};

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
/// Ripe notices that are read to find the chats of one round.
const RIPE_READ_MAX: i64 = 4000;
/// Ids named in one statement.
const IDS_PER_STATEMENT: usize = 200;
/// What a mail about no discussion tells of: a week's figures are a mail of their own, and what travels in a digest is none.
const NEWS: &str = "n.kind <> 'weekly' AND n.digest = 0";

impl FromRow for Notice {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            kind: c.word(NoticeKind::find)?,
            discussion: c.get()?,
            post: c.get()?,
            chat: c.get()?,
            person: c.get()?,
            due_at: c.get()?,
            deadline_at: c.get()?,
            created_at: c.get()?,
            detail: c.get()?,
            expires_at: c.get()?,
            urged: c.get()?,
        })
    }
}

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

/// Whether the person was or will be told of the post by mail.
pub async fn is_promised(c: &mut AnyConnection, person: PersonId, post: PostId) -> Result<bool> {
    let promised = "SELECT id FROM notices WHERE post_id = $1 AND person_id = $2 AND status <> 'dropped' LIMIT 1";
    Ok(sql::find::<i64>(c, promised, args![post, person]).await?.is_some())
}

/// Whether a notice of this kind about the discussion, promised since `since`, has been frozen to leave.
pub async fn left_since(c: &mut AnyConnection, discussion: DiscussionId, kind: NoticeKind, since: Timestamp) -> Result<bool> {
    let left = "SELECT id FROM notices WHERE discussion_id = $1 AND kind = $2 AND created_at >= $3 AND delivery_id IS NOT NULL LIMIT 1";
    Ok(sql::find::<i64>(c, left, args![discussion, kind.as_str(), since]).await?.is_some())
}

/// What the notice tells is told otherwise from now on.
pub async fn set_detail(c: &mut AnyConnection, id: NoticeId, detail: &str) -> Result<()> {
    sql::run(c, "UPDATE notices SET detail = $2 WHERE id = $1", args![id, detail]).await.map(drop)
}

/// The chat is not quiet yet: its acknowledgements wait until `due_at`, but none beyond `latest` after it was promised.
pub async fn defer_acknowledgements(c: &mut AnyConnection, chat: ChatId, due_at: Timestamp, latest_us: i64) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET due_at = CASE WHEN $2 < created_at + $3 THEN $2 ELSE created_at + $3 END \
         WHERE chat_id = $1 AND kind = 'opened' AND status = 'pending' AND delivery_id IS NULL AND due_at < $2",
        args![chat, due_at, latest_us],
    )
    .await
    .map(drop)
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

/// What waits to tell a chat of a discussion by its post `from` tells of it by `to` from now on.
pub async fn hand_on_acknowledgement(c: &mut AnyConnection, from: PostId, to: PostId) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET post_id = $2 WHERE post_id = $1 AND kind = 'opened' AND chat_id IS NOT NULL AND status = 'pending' \
         AND delivery_id IS NULL",
        args![from, to],
    )
    .await
    .map(drop)
}

/// Chats for which something can be done now: something due may be paid for, a reply token that came after `not_before` is unused, something
/// is of no use any more, or the account has left. Chats whose notices only wait are none of them, however many there are.
pub async fn chats_due(c: &mut AnyConnection, now: Timestamp, not_before: Timestamp, limit: i64) -> Result<Vec<ChatId>> {
    // A free ride lasts seconds: these come first.
    let free = format!(
        "SELECT DISTINCT t.chat_id FROM reply_tokens t WHERE t.used_at IS NULL AND t.received_at > $1 AND EXISTS \
         (SELECT n.id FROM notices n WHERE {WAITING} AND n.chat_id = t.chat_id AND n.due_at <= $2) LIMIT $3"
    );
    let mut found: Vec<ChatId> = sql::all(c, free, args![not_before, now, limit]).await?;
    let others = [
        // What has waited longest for money first. The `+` keeps SQLite from taking the index of `due_at`, which holds all that waits.
        format!(
            "SELECT DISTINCT r.chat_id FROM (SELECT n.chat_id FROM notices n WHERE {WAITING} AND n.chat_id IS NOT NULL \
             AND n.deadline_at <= $1 AND +n.due_at <= $1 ORDER BY n.deadline_at LIMIT {RIPE_READ_MAX}) r LIMIT $2"
        ),
        format!(
            "SELECT n.chat_id FROM notices n WHERE {WAITING} AND n.chat_id IS NOT NULL AND n.expires_at IS NOT NULL AND n.expires_at <= $1 \
             GROUP BY n.chat_id LIMIT $2"
        ),
        format!(
            "SELECT ch.id FROM chats ch WHERE ch.left_at IS NOT NULL AND EXISTS \
             (SELECT n.id FROM notices n WHERE {WAITING} AND n.chat_id = ch.id AND n.due_at <= $1) LIMIT $2"
        ),
    ];
    for sql in others {
        for chat in sql::all::<ChatId>(c, sql, args![now, limit]).await? {
            if !found.contains(&chat) {
                found.push(chat);
            }
        }
    }
    Ok(found)
}

/// Everything that waits for the chat, due or not.
pub async fn of_chat(c: &mut AnyConnection, chat: ChatId, limit: i64) -> Result<Vec<Notice>> {
    sql::all(c, format!("SELECT {COLUMNS} FROM notices n WHERE {WAITING} AND n.chat_id = $1 ORDER BY n.id LIMIT $2"), args![chat, limit])
        .await
}

/// People and discussions with a mail notice that is due.
pub async fn mails_due(c: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<(PersonId, DiscussionId)>> {
    sql::all(
        c,
        format!(
            "SELECT n.person_id, n.discussion_id FROM notices n WHERE {WAITING} AND n.person_id IS NOT NULL AND n.discussion_id IS NOT NULL \
             AND n.digest = 0 AND n.due_at <= $1 GROUP BY n.person_id, n.discussion_id ORDER BY MIN(n.due_at) LIMIT $2"
        ),
        args![now, limit],
    )
    .await
}

/// Everything that waits for this person about this discussion, due or not.
pub async fn of_mail(c: &mut AnyConnection, person: PersonId, discussion: DiscussionId, limit: i64) -> Result<Vec<Notice>> {
    sql::all(
        c,
        format!("SELECT {COLUMNS} FROM notices n WHERE {WAITING} AND n.person_id = $1 AND n.discussion_id = $2 AND n.digest = 0 ORDER BY n.id LIMIT $3"),
        args![person, discussion, limit],
    )
    .await
}

/// People with a mail notice that is due and about no discussion: news of their groups.
pub async fn news_due(c: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<PersonId>> {
    sql::all(
        c,
        format!(
            "SELECT n.person_id FROM notices n WHERE {WAITING} AND n.person_id IS NOT NULL AND n.discussion_id IS NULL AND {NEWS} AND n.due_at <= $1 \
             GROUP BY n.person_id ORDER BY MIN(n.due_at) LIMIT $2"
        ),
        args![now, limit],
    )
    .await
}

/// Everything that waits for this person and is about no discussion, due or not.
pub async fn news_of(c: &mut AnyConnection, person: PersonId, limit: i64) -> Result<Vec<Notice>> {
    sql::all(
        c,
        format!("SELECT {COLUMNS} FROM notices n WHERE {WAITING} AND n.person_id = $1 AND n.discussion_id IS NULL AND {NEWS} ORDER BY n.id LIMIT $2"),
        args![person, limit],
    )
    .await
}

/// People whose digest is due.
pub async fn digests_due(c: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<PersonId>> {
    sql::all(
        c,
        format!(
            "SELECT n.person_id FROM notices n WHERE {WAITING} AND n.digest = 1 AND n.person_id IS NOT NULL AND n.due_at <= $1 \
             GROUP BY n.person_id ORDER BY MIN(n.due_at) LIMIT $2"
        ),
        args![now, limit],
    )
    .await
}

/// What travels in the person's digest that is due, oldest first.
pub async fn of_digest(c: &mut AnyConnection, person: PersonId, now: Timestamp, limit: i64) -> Result<Vec<Notice>> {
    sql::all(
        c,
        format!("SELECT {COLUMNS} FROM notices n WHERE {WAITING} AND n.digest = 1 AND n.person_id = $1 AND n.due_at <= $2 ORDER BY n.id LIMIT $3"),
        args![person, now, limit],
    )
    .await
}

/// People who are to be told of a week's figures now, and the notices that promise it.
pub async fn weeklies_due(c: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<Notice>> {
    sql::all(
        c,
        format!("SELECT {COLUMNS} FROM notices n WHERE {WAITING} AND n.kind = 'weekly' AND n.due_at <= $1 ORDER BY n.id LIMIT $2"),
        args![now, limit],
    )
    .await
}

/// Whether it still waits.
pub async fn waits(c: &mut AnyConnection, id: NoticeId) -> Result<bool> {
    let found: Option<i64> = sql::find(c, format!("SELECT n.id FROM notices n WHERE {WAITING} AND n.id = $1"), args![id]).await?;
    Ok(found.is_some())
}

/// None of them leaves before `due_at`.
pub async fn put_off(c: &mut AnyConnection, notices: &[NoticeId], due_at: Timestamp) -> Result<()> {
    for id in notices {
        sql::run(c, "UPDATE notices SET due_at = $2 WHERE id = $1 AND status = 'pending' AND delivery_id IS NULL", args![*id, due_at])
            .await?;
    }
    Ok(())
}

/// What waits to tell a person this kind of thing of the discussion is needed no more. What its own chat is told stays.
pub async fn drop_kind(c: &mut AnyConnection, discussion: &Discussion, kind: NoticeKind, reason: &str) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET status = 'dropped', reason = $3 WHERE discussion_id = $1 AND kind = $2 AND status = 'pending' \
         AND delivery_id IS NULL AND (chat_id IS NULL OR chat_id <> $4)",
        args![discussion.id, kind.as_str(), reason, discussion.chat.map_or(0, |chat| chat.0)],
    )
    .await
    .map(drop)
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

/// What waits to tell the person that something moved so is needed no more; whether there was such.
pub async fn drop_moved(c: &mut AnyConnection, person: PersonId, detail: &str, reason: &str) -> Result<bool> {
    sql::run(
        c,
        "UPDATE notices SET status = 'dropped', reason = $3 WHERE person_id = $1 AND kind = 'moved' AND detail = $2 AND status = 'pending' \
         AND delivery_id IS NULL",
        args![person, detail, reason],
    )
    .await
    .map(|n| n > 0)
}

/// When the next notice becomes due.
pub async fn next_due(c: &mut AnyConnection, after: Timestamp) -> Result<Option<Timestamp>> {
    sql::one(c, format!("SELECT MIN(n.due_at) FROM notices n WHERE {WAITING} AND n.due_at > $1"), args![after]).await
}

/// When the next notice for a chat may be paid for.
pub async fn next_deadline(c: &mut AnyConnection, after: Timestamp) -> Result<Option<Timestamp>> {
    let next = format!("SELECT MIN(n.deadline_at) FROM notices n WHERE {WAITING} AND n.chat_id IS NOT NULL AND n.deadline_at > $1");
    sql::one(c, next, args![after]).await
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

/// The discussion became urgent: what waits to tell of it waits no longer.
pub async fn hurry(c: &mut AnyConnection, discussion: DiscussionId, now: Timestamp) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET deadline_at = $2, due_at = CASE WHEN due_at > $2 THEN $2 ELSE due_at END, digest = 0 \
         WHERE discussion_id = $1 AND status = 'pending' AND delivery_id IS NULL",
        args![discussion, now],
    )
    .await
    .map(drop)
}

/// It is not paid for before `deadline_at`.
pub async fn postpone(c: &mut AnyConnection, id: NoticeId, deadline_at: Timestamp, reason: &str) -> Result<()> {
    sql::run(c, "UPDATE notices SET deadline_at = $2, reason = $3 WHERE id = $1", args![id, deadline_at, reason]).await.map(drop)
}

/// The calendar has changed, of one project or of all: what it holds back is looked at again. `day_off` begins the reasons of days off.
pub async fn look_again(c: &mut AnyConnection, project: Option<ProjectId>, (quiet, day_off): (&str, &str), now: Timestamp) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET deadline_at = $1 WHERE status = 'pending' AND delivery_id IS NULL AND deadline_at > $1 \
         AND (reason = $2 OR SUBSTR(reason, 1, LENGTH($3)) = $3) \
         AND chat_id IN (SELECT id FROM chats WHERE $4 IS NULL OR project_id = $4)",
        args![now, quiet, day_off, project],
    )
    .await
    .map(drop)
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

/// Whether the chat has heard the discussion's number by another acknowledgement than this one, or is about to: matters that became one
/// have one each.
pub async fn is_acknowledged_otherwise(c: &mut AnyConnection, discussion: DiscussionId, chat: ChatId, but: NoticeId) -> Result<bool> {
    let other = "SELECT id FROM notices WHERE discussion_id = $1 AND chat_id = $2 AND kind = 'opened' AND id <> $3 \
                 AND (status = 'sent' OR (status = 'pending' AND (delivery_id IS NOT NULL OR id < $3))) LIMIT 1";
    Ok(sql::find::<i64>(c, other, args![discussion, chat, but]).await?.is_some())
}

/// The post was taken back or moved: what waits to tell of it is dropped.
pub async fn drop_of_post(c: &mut AnyConnection, post: PostId, reason: &str) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET status = 'dropped', reason = $2 WHERE post_id = $1 AND status = 'pending' AND delivery_id IS NULL",
        args![post, reason],
    )
    .await
    .map(drop)
}

/// The post was taken back while this delivery, which may have arrived, was being tried: it stays in the list of what was sent.
pub async fn drop_in_delivery(c: &mut AnyConnection, delivery: DeliveryId, post: PostId, reason: &str) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET status = 'dropped', reason = $3 WHERE delivery_id = $1 AND post_id = $2 AND status = 'pending'",
        args![delivery, post, reason],
    )
    .await
    .map(drop)
}

/// What waits to tell of one discussion tells of another from now on.
pub async fn redirect(c: &mut AnyConnection, from: DiscussionId, to: DiscussionId) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET discussion_id = $2 WHERE discussion_id = $1 AND status = 'pending' AND delivery_id IS NULL",
        args![from, to],
    )
    .await
    .map(drop)
}

/// What waits to tell of one post tells of it in another discussion.
pub async fn redirect_post(c: &mut AnyConnection, post: PostId, to: DiscussionId) -> Result<()> {
    sql::run(c, "UPDATE notices SET discussion_id = $2 WHERE post_id = $1 AND status = 'pending' AND delivery_id IS NULL", args![post, to])
        .await
        .map(drop)
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

/// Of these, what waits still tells of the discussion from now on.
pub async fn redirect_these(c: &mut AnyConnection, ids: &[i64], to: DiscussionId) -> Result<()> {
    for id in ids {
        let waits = "UPDATE notices SET discussion_id = $2 WHERE id = $1 AND status = 'pending' AND delivery_id IS NULL";
        sql::run(c, waits, args![*id, to]).await?;
    }
    Ok(())
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

/// An answer that waits for the chat is needed no more; whether there was one.
pub async fn drop_reply(c: &mut AnyConnection, chat: ChatId, detail: &str, reason: &str) -> Result<bool> {
    sql::run(
        c,
        "UPDATE notices SET status = 'dropped', reason = $3 WHERE chat_id = $1 AND kind = 'replied' AND detail = $2 \
         AND status = 'pending' AND delivery_id IS NULL",
        args![chat, detail, reason],
    )
    .await
    .map(|n| n > 0)
}

/// It leaves now, whatever the hour, and is paid for if need be. False where it waits no longer.
pub async fn urge(c: &mut AnyConnection, id: NoticeId, now: Timestamp) -> Result<bool> {
    sql::run(
        c,
        "UPDATE notices SET due_at = CASE WHEN due_at > $2 THEN $2 ELSE due_at END, deadline_at = $2, digest = 0, urged = 1 \
         WHERE id = $1 AND status = 'pending' AND delivery_id IS NULL",
        args![id, now],
    )
    .await
    .map(|n| n > 0)
}

/// Nobody is to be told of it. False where it waits no longer.
pub async fn cancel(c: &mut AnyConnection, id: NoticeId, reason: &str) -> Result<bool> {
    sql::run(
        c,
        "UPDATE notices SET status = 'dropped', reason = $2 WHERE id = $1 AND status = 'pending' AND delivery_id IS NULL",
        args![id, reason],
    )
    .await
    .map(|n| n > 0)
}

/// What was cancelled waits again, as long as before. False where it was not.
pub async fn uncancel(c: &mut AnyConnection, id: NoticeId) -> Result<bool> {
    sql::run(
        c,
        "UPDATE notices SET status = 'pending', reason = NULL \
         WHERE id = $1 AND status = 'dropped' AND delivery_id IS NULL AND (reason = $2 OR reason LIKE $3)",
        args![id, Why::Cancelled.as_str(), format!("{}: %", Why::Cancelled)],
    )
    .await
    .map(|n| n > 0)
}

/// The delivery was given up before it was tried: its notices wait again, as before.
pub async fn unfreeze(c: &mut AnyConnection, delivery: DeliveryId) -> Result<()> {
    sql::run(c, "UPDATE notices SET delivery_id = NULL WHERE delivery_id = $1 AND status = 'pending'", args![delivery]).await.map(drop)
}

/// What failed is to be told after all, by a delivery of its own; what failed with it goes along. How many there are.
pub async fn try_again(c: &mut AnyConnection, id: NoticeId, now: Timestamp, reason: &str) -> Result<u64> {
    sql::run(
        c,
        "UPDATE notices SET status = 'pending', delivery_id = NULL, due_at = $2, deadline_at = $2, digest = 0, reason = $3 \
         WHERE status = 'failed' AND (id = $1 OR delivery_id = (SELECT x.delivery_id FROM notices x WHERE x.id = $1))",
        args![id, now, reason],
    )
    .await
}
