//! What may leave now, and what leaves with it.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{COLUMNS, Notice, WAITING};
use crate::domain::{ChatId, DiscussionId, PersonId};
use crate::store::sql::{self, Result, args};

/// Ripe notices that are read at once to find the chats of one round.
const RIPE_READ_MAX: i64 = 4000;
/// How often that is done where a few chats have so much that it hides the others.
const RIPE_READS_MAX: usize = 8;
/// What a mail about no discussion tells of: a week's figures are a mail of their own, and what travels in a digest is none.
const NEWS: &str = "n.kind <> 'weekly' AND n.digest = 0";

/// Chats for which something can be done now: something due may be paid for, a reply token that came after `not_before` is unused, something
/// is of no use any more, or the account has left or does not reach it. Chats whose notices only wait are none of them, however many there are.
pub async fn chats_due(c: &mut AnyConnection, now: Timestamp, not_before: Timestamp, limit: i64) -> Result<Vec<ChatId>> {
    // A free ride lasts seconds: these come first.
    let free = format!(
        "SELECT DISTINCT t.chat_id FROM reply_tokens t WHERE t.used_at IS NULL AND t.received_at > $1 AND EXISTS \
         (SELECT n.id FROM notices n WHERE {WAITING} AND n.chat_id = t.chat_id AND n.due_at <= $2) LIMIT $3"
    );
    let mut found: Vec<ChatId> = sql::all(c, free, args![not_before, now, limit]).await?;
    for chat in ripe(c, now, limit).await? {
        if !found.contains(&chat) {
            found.push(chat);
        }
    }
    let others = [
        format!(
            "SELECT n.chat_id FROM notices n WHERE {WAITING} AND n.chat_id IS NOT NULL AND n.expires_at IS NOT NULL AND n.expires_at <= $1 \
             GROUP BY n.chat_id LIMIT $2"
        ),
        format!(
            "SELECT ch.id FROM chats ch WHERE (ch.left_at IS NOT NULL OR ch.unreachable_since IS NOT NULL) AND EXISTS \
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

/// Chats for which something may be paid for now, what has waited longest for money first, each chat in its turn.
async fn ripe(c: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<ChatId>> {
    let mut found: Vec<ChatId> = vec![];
    for _ in 0..RIPE_READS_MAX {
        let mut values = args![now, limit];
        values.extend(found.iter().map(|chat| sql::Value::from(*chat)));
        let others = match found.len() {
            0 => String::new(),
            some => format!("AND n.chat_id NOT IN ({})", sql::places(3, some)),
        };
        // The `+` keeps SQLite from taking the index of `due_at`, which holds all that waits.
        let oldest = format!(
            "SELECT r.chat_id, COUNT(*) FROM (SELECT n.chat_id, n.deadline_at FROM notices n WHERE {WAITING} AND n.chat_id IS NOT NULL \
             AND n.deadline_at <= $1 AND +n.due_at <= $1 {others} ORDER BY n.deadline_at LIMIT {RIPE_READ_MAX}) r \
             GROUP BY r.chat_id ORDER BY MIN(r.deadline_at) LIMIT $2"
        );
        let read: Vec<(ChatId, i64)> = sql::all(c, oldest, values).await?;
        let notices: i64 = read.iter().map(|(_, notices)| notices).sum();
        found.extend(read.iter().map(|(chat, _)| *chat));
        if notices < RIPE_READ_MAX || i64::try_from(found.len()).is_ok_and(|all| all >= limit) {
            break;
        }
    }
    Ok(found)
}

/// What waits for the chat, due or not, in the order in which it was promised. Where that is more than `limit`, the most pressing: what is of
/// no use any more, then what is urgent, may be paid for now, or acknowledges or answers somebody, then what may be paid for soonest.
pub async fn of_chat(c: &mut AnyConnection, chat: ChatId, now: Timestamp, limit: i64) -> Result<Vec<Notice>> {
    let pressing = format!(
        "SELECT {COLUMNS} FROM notices n LEFT JOIN discussions d ON d.id = n.discussion_id WHERE {WAITING} AND n.chat_id = $1 ORDER BY \
         CASE WHEN n.expires_at <= $2 THEN 0 WHEN n.urged = 1 OR d.urgent = 1 THEN 1 WHEN n.due_at <= $2 AND n.deadline_at <= $2 THEN 2 \
         WHEN n.kind IN ('opened', 'replied', 'joined') THEN 3 WHEN n.due_at <= $2 THEN 4 ELSE 5 END, n.deadline_at, n.id LIMIT $3"
    );
    let mut found: Vec<Notice> = sql::all(c, pressing, args![chat, now, limit]).await?;
    found.sort_unstable_by_key(|n| n.id);
    Ok(found)
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

/// When the next notice becomes due.
pub async fn next_due(c: &mut AnyConnection, after: Timestamp) -> Result<Option<Timestamp>> {
    sql::one(c, format!("SELECT MIN(n.due_at) FROM notices n WHERE {WAITING} AND n.due_at > $1"), args![after]).await
}

/// When the next notice for a chat may be paid for.
pub async fn next_deadline(c: &mut AnyConnection, after: Timestamp) -> Result<Option<Timestamp>> {
    let next = format!("SELECT MIN(n.deadline_at) FROM notices n WHERE {WAITING} AND n.chat_id IS NOT NULL AND n.deadline_at > $1");
    sql::one(c, next, args![after]).await
}
