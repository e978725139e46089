//! What people corrected, kept so that it can be taken back to exactly what was.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::discussion_events::By;
use super::sql::{self, Columns, FromRow, Result, Value, args};
use crate::domain::{ChatId, CorrectionKind, DiscussionId, Ended, PersonId, PostId};

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

/// A post that a correction moved, with its evidence and class before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub post: PostId,
    pub evidence: String,
    pub class: Option<String>,
}

impl FromRow for Moved {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { post: c.get()?, evidence: c.get()?, class: c.get()? })
    }
}

/// The posts that it moved and that are in `to` still.
pub async fn posts_still_in(c: &mut AnyConnection, id: i64, to: DiscussionId) -> Result<Vec<Moved>> {
    sql::all(
        c,
        "SELECT m.post_id, m.evidence, m.class FROM correction_posts m JOIN posts p ON p.id = m.post_id \
         WHERE m.correction_id = $1 AND p.discussion_id = $2 ORDER BY m.post_id",
        args![id, to],
    )
    .await
}

/// The correction by which a post came to `to` before the correction `before`, and which has been undone since without it: the post is to go
/// back to where that one had it, which is told with why it was there.
pub async fn undone_below(
    c: &mut AnyConnection,
    post: PostId,
    to: DiscussionId,
    before: i64,
) -> Result<Option<(i64, DiscussionId, Moved)>> {
    let found: Option<Below> = sql::find(
        c,
        "SELECT c.id, c.from_id, m.post_id, m.evidence, m.class FROM corrections c JOIN correction_posts m ON m.correction_id = c.id \
         WHERE m.post_id = $1 AND c.to_id = $2 AND c.id < $3 AND c.undone_at IS NOT NULL \
         AND c.undone_at >= (SELECT x.at FROM corrections x WHERE x.id = $3) ORDER BY c.id DESC LIMIT 1",
        args![post, to, before],
    )
    .await?;
    Ok(found.map(|b| (b.id, b.from, b.moved)))
}

struct Below {
    id: i64,
    from: DiscussionId,
    moved: Moved,
}

impl FromRow for Below {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { id: c.get()?, from: c.get()?, moved: Moved::from_row(c)? })
    }
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

/// The correction with this id; the row is not held.
pub async fn find(c: &mut AnyConnection, id: i64) -> Result<Option<Correction>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM corrections c WHERE c.id = $1"), args![id]).await
}

/// Takes it as undone; whether it was not before, so that of two at once only one counts.
pub async fn set_undone(c: &mut AnyConnection, id: i64, at: Timestamp) -> Result<bool> {
    sql::run(c, "UPDATE corrections SET undone_at = $2 WHERE id = $1 AND undone_at IS NULL", args![id, at]).await.map(|n| n > 0)
}

/// Corrections of the discussion since `since` that can be undone, the latest first: those of which something is still where they put it.
pub async fn of_discussion(c: &mut AnyConnection, discussion: DiscussionId, since: Timestamp, limit: i64) -> Result<Vec<Correction>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM corrections c WHERE (c.from_id = $1 OR c.to_id = $1) AND c.at > $2 AND c.undone_at IS NULL \
             AND (c.kind = 'title' OR EXISTS (SELECT 1 FROM correction_posts m JOIN posts p ON p.id = m.post_id WHERE m.correction_id = c.id \
             AND p.discussion_id = c.to_id)) ORDER BY c.id DESC LIMIT $3"
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
