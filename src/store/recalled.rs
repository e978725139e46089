//! What the threader is to remember of a chat.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{ChatId, Details, DiscussionId, PersonId, PostId, ProjectId, Role};

/// A post as the threader remembers it.
#[derive(Clone, Debug)]
pub struct Recalled {
    pub id: PostId,
    pub discussion: DiscussionId,
    pub person: Option<PersonId>,
    /// The person's name now; empty where LINE did not tell it.
    pub author: String,
    pub role: Role,
    pub kind: String,
    /// Its words; of a file its name.
    pub body: String,
    pub created_at: Timestamp,
    /// It is no matter's.
    pub other: bool,
    pub class: Option<String>,
    pub details: Details,
    /// It only introduced what its author went on with.
    pub introduces: bool,
    /// It quotes a card of the bot's that tells of several matters, and was filed with one of them.
    pub quotes_card: bool,
}

impl Recalled {
    /// Names of the people whom it mentions with @.
    pub fn mentions(&self) -> Vec<String> {
        self.details.mentioned_in(&self.body)
    }
}

impl FromRow for Recalled {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            discussion: c.get()?,
            person: c.get()?,
            author: c.get()?,
            role: c.word(Role::find)?,
            kind: c.get()?,
            body: c.get()?,
            created_at: c.get()?,
            other: c.get()?,
            class: c.get()?,
            details: Details::read(c.get::<Option<String>>()?.as_deref()),
            introduces: c.get()?,
            quotes_card: c.get()?,
        })
    }
}

const RECALLED: &str = "SELECT p.id, p.discussion_id, p.person_id, COALESCE(a.name, ''), p.role, p.kind, CASE WHEN p.kind = 'file' \
                        AND p.body = '' THEN COALESCE((SELECT MIN(f.name) FROM attachments f WHERE f.post_id = p.id), '') ELSE p.body END, \
                        p.created_at, d.other, p.class, p.details, CASE WHEN p.evidence LIKE '%\"introduces\"%' THEN 1 ELSE 0 END, \
                        CASE WHEN p.evidence LIKE '%\"quote\"%' THEN 1 ELSE 0 END \
                        FROM posts p JOIN discussions d ON d.id = p.discussion_id LEFT JOIN persons a ON a.id = p.person_id \
                        WHERE d.chat_id = $1 AND d.project_id = $2 AND d.last_post_at > $3 AND d.merged_into IS NULL \
                        AND p.internal = 0 AND p.retracted_at IS NULL AND p.created_at <= $4";

/// What the threader is to remember of a chat at `until`: the latest `limit` posts of its discussions in this project, the latest first, and
/// of those discussions that had one after `since` and are not among them the first post and the last. Internal and retracted ones are left
/// out.
pub async fn recall(
    c: &mut AnyConnection,
    (chat, project): (ChatId, ProjectId),
    (since, until): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<Recalled>> {
    let latest = format!("{RECALLED} AND p.created_at > $3 ORDER BY p.created_at DESC, p.id DESC LIMIT $5");
    // So old is the oldest line of the chat that can be among them: without it, a long record would be sorted for each message.
    let nth = "SELECT x.created_at FROM posts x WHERE x.chat_id = $1 AND x.created_at <= $2 ORDER BY x.created_at DESC LIMIT 1 OFFSET $3";
    let oldest: Option<Timestamp> = sql::find(c, nth, args![chat, until, limit]).await?;
    let oldest = oldest.unwrap_or(Timestamp::UNIX_EPOCH) - SignedDuration::from_micros(1);
    let mut found: Vec<Recalled> = sql::all(c, latest, args![chat, project, oldest, until, limit]).await?;
    if i64::try_from(found.len()).is_ok_and(|n| n == limit) {
        let ends = format!(
            "{RECALLED} AND d.other = 0 AND (p.id = (SELECT MIN(x.id) FROM posts x WHERE x.discussion_id = d.id AND x.internal = 0) \
             OR p.id = (SELECT MAX(x.id) FROM posts x WHERE x.discussion_id = d.id AND x.internal = 0)) \
             ORDER BY d.last_post_at DESC, p.id LIMIT $5"
        );
        let ends: Vec<Recalled> = sql::all(c, ends, args![chat, project, since, until, 2 * limit]).await?;
        let known: HashSet<PostId> = found.iter().map(|p| p.id).collect();
        found.extend(ends.into_iter().filter(|p| !known.contains(&p.id)));
    }
    Ok(found)
}
