//! What becomes of what waits: it waits longer or no longer, tells of something else, or is needed no more.

use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::domain::{ChatId, DeliveryId, DiscussionId, NoticeId, NoticeKind, PersonId, PostId, ProjectId, Why};
use crate::store::sql::{self, Result, args};

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

/// None of them leaves before `due_at`.
pub async fn put_off(c: &mut AnyConnection, notices: &[NoticeId], due_at: Timestamp) -> Result<()> {
    for id in notices {
        sql::run(c, "UPDATE notices SET due_at = $2 WHERE id = $1 AND status = 'pending' AND delivery_id IS NULL", args![*id, due_at])
            .await?;
    }
    Ok(())
}

/// Since when something of this kind waits to be told of the discussion to people of whom nobody has been told since.
pub async fn waits_since(c: &mut AnyConnection, discussion: DiscussionId, kind: NoticeKind) -> Result<Option<Timestamp>> {
    const OF_IT: &str = "discussion_id = $1 AND kind = $2 AND person_id IS NOT NULL";
    let since = format!("SELECT MIN(created_at) FROM notices WHERE {OF_IT} AND status = 'pending' AND delivery_id IS NULL");
    let Some(since) = sql::one::<Option<Timestamp>>(c, since, args![discussion, kind.as_str()]).await? else { return Ok(None) };
    let left = format!("SELECT id FROM notices WHERE {OF_IT} AND delivery_id IS NOT NULL AND created_at >= $3 LIMIT 1");
    let left: Option<i64> = sql::find(c, left, args![discussion, kind.as_str(), since]).await?;
    Ok(left.is_none().then_some(since))
}

/// What waits to tell a person this kind of thing of the discussion is needed no more. What these chats are told stays.
pub async fn drop_kind(c: &mut AnyConnection, discussion: DiscussionId, kind: NoticeKind, chats: &[ChatId], reason: &str) -> Result<()> {
    // Ids of ours are numbers.
    let spared = chats.iter().map(|chat| chat.0.to_string()).chain(["0".to_owned()]).collect::<Vec<_>>().join(", ");
    sql::run(
        c,
        format!(
            "UPDATE notices SET status = 'dropped', reason = $3 WHERE discussion_id = $1 AND kind = $2 AND status = 'pending' \
             AND delivery_id IS NULL AND (chat_id IS NULL OR chat_id NOT IN ({spared}))"
        ),
        args![discussion, kind.as_str(), reason],
    )
    .await
    .map(drop)
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
         AND (chat_id IN (SELECT id FROM chats WHERE $4 IS NULL OR project_id = $4) \
         OR chat_id IS NOT NULL AND discussion_id IN (SELECT id FROM discussions WHERE project_id = $4))",
        args![now, quiet, day_off, project],
    )
    .await
    .map(drop)
}

/// The post was taken back or moved: what waits to tell of it is dropped. How many notices.
pub async fn drop_of_post(c: &mut AnyConnection, post: PostId, reason: &str) -> Result<u64> {
    sql::run(
        c,
        "UPDATE notices SET status = 'dropped', reason = $2 WHERE post_id = $1 AND status = 'pending' AND delivery_id IS NULL",
        args![post, reason],
    )
    .await
}

/// All of the discussion was put aside as no matter: what waits to tell of it is dropped.
pub async fn drop_of_discussion(c: &mut AnyConnection, discussion: DiscussionId, reason: &str) -> Result<()> {
    sql::run(
        c,
        "UPDATE notices SET status = 'dropped', reason = $2 WHERE discussion_id = $1 AND status = 'pending' AND delivery_id IS NULL",
        args![discussion, reason],
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

/// What waits to tell of one post tells of it in another discussion; so does what was dropped for this reason, and waits again.
pub async fn redirect_post(c: &mut AnyConnection, post: PostId, to: DiscussionId, dropped_for: &str) -> Result<()> {
    sql::run(c, format!("{REDIRECT} AND post_id = $1"), args![post, to, dropped_for]).await.map(drop)
}

/// An answer that waits for another group, or was dropped for this reason when it went elsewhere, and of which no group has been told, waits
/// for this one too.
pub async fn promise_there(c: &mut AnyConnection, post: PostId, chat: ChatId, to: DiscussionId, dropped_for: &str) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO notices (kind, discussion_id, post_id, chat_id, status, due_at, deadline_at, created_at, detail, expires_at, digest) \
         SELECT n.kind, $3, n.post_id, $2, 'pending', n.due_at, n.deadline_at, n.created_at, n.detail, n.expires_at, n.digest \
         FROM notices n WHERE n.id = (SELECT MIN(x.id) FROM notices x JOIN chats ch ON ch.id = x.chat_id WHERE x.post_id = $1 \
         AND x.kind = 'answered' AND ch.kind <> 'user' AND x.delivery_id IS NULL \
         AND (x.status = 'pending' OR x.status = 'dropped' AND x.reason = $4)) \
         AND NOT EXISTS (SELECT y.id FROM notices y JOIN chats ch ON ch.id = y.chat_id WHERE y.post_id = $1 AND y.kind = 'answered' \
         AND (y.chat_id = $2 AND y.status <> 'dropped' OR ch.kind <> 'user' AND y.delivery_id IS NOT NULL))",
        args![post, chat, to, dropped_for],
    )
    .await
    .map(drop)
}

/// Likewise these.
pub async fn redirect_these(c: &mut AnyConnection, ids: &[i64], to: DiscussionId, dropped_for: &str) -> Result<()> {
    for id in ids {
        sql::run(c, format!("{REDIRECT} AND id = $1"), args![*id, to, dropped_for]).await?;
    }
    Ok(())
}

/// Likewise all that tells of the discussion.
pub async fn redirect_all(c: &mut AnyConnection, from: DiscussionId, to: DiscussionId, dropped_for: &str) -> Result<()> {
    sql::run(c, format!("{REDIRECT} AND discussion_id = $1"), args![from, to, dropped_for]).await.map(drop)
}

/// Whatever became of the notice, it tells of this discussion.
pub async fn tell_of(c: &mut AnyConnection, id: NoticeId, discussion: DiscussionId) -> Result<()> {
    sql::run(c, "UPDATE notices SET discussion_id = $2 WHERE id = $1", args![id, discussion]).await.map(drop)
}

/// To the discussion `$2`, with what was dropped for the reason `$3`.
const REDIRECT: &str = "UPDATE notices SET discussion_id = $2, reason = CASE WHEN status = 'pending' THEN reason END, status = 'pending' \
                        WHERE delivery_id IS NULL AND (status = 'pending' OR status = 'dropped' AND reason = $3)";

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
