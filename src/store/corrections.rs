//! What people corrected, kept so that it can be taken back to exactly what was.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::discussion_events::By;
use super::sql::{self, Columns, FromRow, Result, Value, args, row};
use crate::domain::{ChatId, CorrectionKind, DiscussionId, Ended, PersonId, PostId, Status};

/// One correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    pub id: i64,
    pub at: Timestamp,
    pub person: Option<PersonId>,
    pub kind: CorrectionKind,
    pub from: DiscussionId,
    pub to: DiscussionId,
    /// How `from` was called before, where it has another title since; gone if the words that it was drawn from are.
    pub title: Option<String>,
    /// Its way back, where `from` ended in `to`.
    pub ended: Ended,
    pub undone_at: Option<Timestamp>,
    /// Who made it; empty where LINE does not tell.
    pub by: String,
    /// The numbers of `from` and `to`.
    pub numbers: (i64, i64),
    /// How many posts it moved.
    pub posts: i64,
}

const COLUMNS: &str = "c.id, c.at, c.person_id, c.kind, c.from_id, c.to_id, c.title, c.ended, c.undone_at, \
                       COALESCE((SELECT a.name FROM persons a WHERE a.id = c.person_id), ''), \
                       (SELECT f.number FROM discussions f WHERE f.id = c.from_id), (SELECT t.number FROM discussions t WHERE t.id = c.to_id), \
                       (SELECT COUNT(*) FROM correction_posts n WHERE n.correction_id = c.id)";

impl FromRow for Correction {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            at: c.get()?,
            person: c.get()?,
            kind: c.word(CorrectionKind::find)?,
            from: c.get()?,
            to: c.get()?,
            title: c.get()?,
            ended: Ended::from_json(&c.get::<String>()?),
            undone_at: c.get()?,
            by: c.get()?,
            numbers: (c.get()?, c.get()?),
            posts: c.get()?,
        })
    }
}

/// What a new correction is made of.
#[derive(Clone, Copy, Debug)]
pub struct NewCorrection {
    pub kind: CorrectionKind,
    pub from: DiscussionId,
    pub to: DiscussionId,
    pub by: By,
    pub at: Timestamp,
}

/// Records it, before anything is changed.
pub async fn add(c: &mut AnyConnection, n: &NewCorrection) -> Result<i64> {
    sql::one(
        c,
        "INSERT INTO corrections (at, person_id, via, kind, from_id, to_id, ended) VALUES ($1, $2, $3, $4, $5, $6, '{}') RETURNING id",
        args![n.at, n.by.person, n.by.via.as_str(), n.kind.as_str(), n.from, n.to],
    )
    .await
}

/// `from` had this title.
pub async fn set_title(c: &mut AnyConnection, id: i64, title: &str) -> Result<()> {
    sql::run(c, "UPDATE corrections SET title = $2 WHERE id = $1", args![id, title]).await.map(drop)
}

/// `from` ended in `to`.
pub async fn set_ended(c: &mut AnyConnection, id: i64, ended: &Ended) -> Result<()> {
    sql::run(c, "UPDATE corrections SET ended = $2 WHERE id = $1", args![id, ended.to_json()]).await.map(drop)
}

/// The discussion that `from` ended in stood so, and was opened again by it.
pub async fn set_reopened(c: &mut AnyConnection, id: i64, from: Status) -> Result<()> {
    let Some(correction) = find(c, id).await? else { return Ok(()) };
    set_ended(c, id, &Ended { reopened: Some(from), ..correction.ended }).await
}

/// A post that it moves, with why it is where it is.
pub async fn add_post(c: &mut AnyConnection, id: i64, post: PostId) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO correction_posts (correction_id, post_id, evidence, class) SELECT $1, p.id, p.evidence, p.class FROM posts p \
         WHERE p.id = $2 ON CONFLICT DO NOTHING",
        args![id, post],
    )
    .await
    .map(drop)
}

/// One of the corrections that moved a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfPost {
    pub id: i64,
    pub from: DiscussionId,
    pub to: DiscussionId,
    pub undone: bool,
    /// Why the post was where the correction found it, and how sure that was.
    pub evidence: String,
    pub class: Option<String>,
}

row!(OfPost { id, from, to, undone, evidence, class });

/// All corrections that moved the post, in their order.
pub async fn of_post(c: &mut AnyConnection, post: PostId) -> Result<Vec<OfPost>> {
    sql::all(
        c,
        "SELECT c.id, c.from_id, c.to_id, CASE WHEN c.undone_at IS NULL THEN 0 ELSE 1 END, m.evidence, m.class FROM correction_posts m \
         JOIN corrections c ON c.id = m.correction_id WHERE m.post_id = $1 ORDER BY c.id",
        args![post],
    )
    .await
}

/// The posts that it moved.
pub async fn posts(c: &mut AnyConnection, id: i64) -> Result<Vec<PostId>> {
    sql::all(c, "SELECT post_id FROM correction_posts WHERE correction_id = $1 ORDER BY post_id", args![id]).await
}

/// The corrections, not undone, by which something went between the chat's discussions and others, and those on top of them, the latest
/// first.
pub async fn across(c: &mut AnyConnection, chat: ChatId) -> Result<Vec<i64>> {
    let crossing = "SELECT x.id FROM corrections x JOIN discussions f ON f.id = x.from_id JOIN discussions t ON t.id = x.to_id \
                    WHERE x.undone_at IS NULL AND x.kind <> 'title' AND COALESCE(f.chat_id, 0) <> COALESCE(t.chat_id, 0) \
                    AND (f.chat_id = $1 OR t.chat_id = $1)";
    sql::all(
        c,
        format!(
            "SELECT DISTINCT c.id FROM corrections c JOIN correction_posts m ON m.correction_id = c.id WHERE c.undone_at IS NULL \
             AND (c.id IN ({crossing}) OR EXISTS (SELECT 1 FROM correction_posts below WHERE below.post_id = m.post_id \
             AND below.correction_id < c.id AND below.correction_id IN ({crossing}))) ORDER BY c.id DESC"
        ),
        args![chat],
    )
    .await
}

/// The posts in the discussion that any correction has moved, undone or not.
pub async fn corrected_in(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<PostId>> {
    sql::all(
        c,
        "SELECT DISTINCT m.post_id FROM correction_posts m JOIN posts p ON p.id = m.post_id WHERE p.discussion_id = $1 ORDER BY m.post_id",
        args![discussion],
    )
    .await
}

/// Discussions that ended among the other messages, all whose posts are these by now.
pub async fn put_aside_with(c: &mut AnyConnection, posts: &[PostId], other: DiscussionId) -> Result<Vec<DiscussionId>> {
    let mut ended: Vec<DiscussionId> = vec![];
    for post in posts {
        let from: Option<DiscussionId> = sql::find(
            c,
            "SELECT x.from_id FROM correction_posts m JOIN corrections x ON x.id = m.correction_id JOIN discussions d ON d.id = x.from_id \
             WHERE m.post_id = $1 AND x.to_id = $2 AND x.undone_at IS NULL AND d.merged_into = $2 \
             AND NOT EXISTS (SELECT 1 FROM correction_posts o JOIN posts p ON p.id = o.post_id WHERE o.correction_id = x.id AND p.discussion_id = $2) \
             ORDER BY x.id DESC LIMIT 1",
            args![*post, other],
        )
        .await?;
        ended.extend(from.filter(|from| !ended.contains(from)));
    }
    Ok(ended)
}

/// Whether a correction after this one has put something into the discussion, and stands.
pub async fn put_there_since(c: &mut AnyConnection, discussion: DiscussionId, since: i64) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT id FROM corrections WHERE to_id = $1 AND id > $2 AND kind <> 'title' AND undone_at IS NULL LIMIT 1",
        args![discussion, since],
    )
    .await?;
    Ok(found.is_some())
}

/// Where a split, undone since, had taken from what is in the discussion that it made; `None` where no such split made it.
pub async fn undone_split(c: &mut AnyConnection, made: DiscussionId) -> Result<Option<DiscussionId>> {
    sql::find(c, "SELECT from_id FROM corrections WHERE to_id = $1 AND kind = 'split' AND undone_at IS NOT NULL LIMIT 1", args![made]).await
}

/// What was put into one discussion stands in another from now on, and is undone from there.
pub async fn redirect(c: &mut AnyConnection, from: DiscussionId, to: DiscussionId) -> Result<()> {
    sql::run(c, "UPDATE corrections SET to_id = $2 WHERE to_id = $1 AND kind <> 'title' AND undone_at IS NULL", args![from, to])
        .await
        .map(drop)
}

/// The corrections after this one, not undone, that keep a title which `from` had, in their order: with whether a person gave another.
pub async fn titled_after(c: &mut AnyConnection, id: i64, from: DiscussionId, limit: i64) -> Result<Vec<(i64, bool)>> {
    sql::all(
        c,
        "SELECT c.id, CASE WHEN c.kind = 'title' THEN 1 ELSE 0 END FROM corrections c WHERE c.from_id = $2 AND c.id > $1 \
         AND c.undone_at IS NULL AND (c.title IS NOT NULL OR c.kind = 'title') ORDER BY c.id LIMIT $3",
        args![id, from, limit],
    )
    .await
}

/// The correction keeps no title.
pub async fn forget_title(c: &mut AnyConnection, id: i64) -> Result<()> {
    sql::run(c, "UPDATE corrections SET title = NULL WHERE id = $1", args![id]).await.map(drop)
}

/// The latest correction that moved the post and is not undone.
pub async fn last_of_post(c: &mut AnyConnection, post: PostId) -> Result<Option<Correction>> {
    sql::find(
        c,
        format!(
            "SELECT {COLUMNS} FROM corrections c JOIN correction_posts m ON m.correction_id = c.id WHERE m.post_id = $1 \
             AND c.undone_at IS NULL ORDER BY c.id DESC LIMIT 1"
        ),
        args![post],
    )
    .await
}

/// The latest correction that took something from the discussion and is not undone.
pub async fn last_from(c: &mut AnyConnection, from: DiscussionId) -> Result<Option<Correction>> {
    sql::find(
        c,
        format!(
            "SELECT {COLUMNS} FROM corrections c WHERE c.from_id = $1 AND c.kind <> 'title' AND c.undone_at IS NULL ORDER BY c.id DESC LIMIT 1"
        ),
        args![from],
    )
    .await
}

/// The correction with this id; the row is not held.
pub async fn find(c: &mut AnyConnection, id: i64) -> Result<Option<Correction>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM corrections c WHERE c.id = $1"), args![id]).await
}

/// Takes it as undone; whether it was not before, so that of two at once only one counts.
pub async fn set_undone(c: &mut AnyConnection, id: i64, at: Timestamp) -> Result<bool> {
    sql::run(c, "UPDATE corrections SET undone_at = $2 WHERE id = $1 AND undone_at IS NULL", args![id, at]).await.map(|n| n > 0)
}

/// Corrections of the discussion since `since` that can be undone, the latest first: those that were the last to move something.
pub async fn of_discussion(c: &mut AnyConnection, discussion: DiscussionId, since: Timestamp, limit: i64) -> Result<Vec<Correction>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM corrections c WHERE (c.from_id = $1 OR c.to_id = $1) AND c.at > $2 AND c.undone_at IS NULL \
             AND (NOT EXISTS (SELECT 1 FROM correction_posts n WHERE n.correction_id = c.id) \
             OR EXISTS (SELECT 1 FROM correction_posts m WHERE m.correction_id = c.id AND NOT EXISTS \
             (SELECT 1 FROM correction_posts l JOIN corrections lc ON lc.id = l.correction_id WHERE l.post_id = m.post_id AND lc.id > c.id \
             AND lc.undone_at IS NULL))) ORDER BY c.id DESC LIMIT $3"
        ),
        args![discussion, since, limit],
    )
    .await
}

/// Titles that were drawn from what was taken back are kept no longer, in no discussion of the chat.
pub async fn forget_titles(c: &mut AnyConnection, chat: ChatId, titles: &[String]) -> Result<()> {
    if titles.is_empty() {
        return Ok(());
    }
    let mut values = args![chat];
    values.extend(titles.iter().map(Value::from));
    let places = sql::places(2, titles.len());
    sql::run(
        c,
        format!(
            "UPDATE corrections SET title = NULL WHERE title IN ({places}) AND from_id IN (SELECT d.id FROM discussions d WHERE d.chat_id = $1)"
        ),
        values,
    )
    .await
    .map(drop)
}

/// The post's words were taken back: what was kept of why it was where it was goes too.
pub async fn forget_evidence(c: &mut AnyConnection, post: PostId, evidence: &str) -> Result<()> {
    sql::run(c, "UPDATE correction_posts SET evidence = $2 WHERE post_id = $1", args![post, evidence]).await.map(drop)
}
