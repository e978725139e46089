//! Mails that wait, or waited, for a person to say whose they are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Dialect;
use super::inbound::InboundStatus;
use super::sql::{self, Result, Value, args, row};
use crate::domain::{DiscussionId, InboundId, PersonId, PostId, ProjectId, words};

words! {
    /// Why a mail waits for a person.
    HeldWhy {
        /// It says that it is from a colleague, and nothing proves it.
        Unproven = "unproven",
        /// It answers to a colleague's reply address from an address that is not theirs.
        OtherAddress = "other_address",
        /// It names no sender.
        NoSender = "no_sender",
        /// Its address opened too much by programs of late.
        TooManyOpened = "too_many_opened",
        /// Its address wrote too much by programs in one discussion of late.
        TooManyPosts = "too_many_posts",
        /// It answers a digest, which is about many discussions.
        AnswersDigest = "answers_digest",
    }
}

words! {
    /// What somebody decided about it.
    MailDecision {
        Accepted = "accepted",
        Dismissed = "dismissed",
    }
}

/// A mail that was held, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldMail {
    pub inbound: InboundId,
    /// `held` while it waits.
    pub status: InboundStatus,
    pub received_at: Timestamp,
    /// Where it belongs, or went.
    pub discussion: Option<DiscussionId>,
    /// The discussion's project, else the one in which it would open one.
    pub project: ProjectId,
    pub project_name: String,
    pub why: HeldWhy,
    /// As whom it would speak.
    pub person: Option<PersonId>,
    /// Their name; empty where it would speak as a stranger.
    pub person_name: String,
    pub from_address: String,
    pub from_name: String,
    pub subject: String,
    /// What it says, shortened.
    pub words: String,
    /// How many files came with it.
    pub files: i64,
    pub decision: Option<MailDecision>,
    /// The name of who decided; empty while nobody has.
    pub decided_by: String,
    pub decided_at: Option<Timestamp>,
    /// The decision made the address the person's.
    pub linked: bool,
    /// What it became.
    pub post: Option<PostId>,
}

row!(HeldMail {
    inbound, status: (InboundStatus), received_at, discussion, project, project_name, why: (HeldWhy), person, person_name, from_address,
    from_name, subject, words, files, decision: (?MailDecision), decided_by, decided_at, linked, post,
});

const SELECT: &str = "SELECT h.inbound_id, i.status, i.received_at, i.discussion_id, p.id, p.name, h.why, h.person_id, COALESCE(a.name, ''), \
                      h.from_address, h.from_name, h.subject, h.words, h.files, h.decision, COALESCE(b.name, ''), h.decided_at, h.linked, \
                      (SELECT MAX(x.id) FROM posts x WHERE x.inbound_id = h.inbound_id) \
                      FROM held_mails h JOIN inbound i ON i.id = h.inbound_id LEFT JOIN discussions d ON d.id = i.discussion_id \
                      JOIN projects p ON p.id = COALESCE(d.project_id, h.project_id) LEFT JOIN persons a ON a.id = h.person_id \
                      LEFT JOIN persons b ON b.id = h.decided_by";

/// The projects in which the person in `$n` decides; everything where it is NULL.
fn decides(n: usize) -> String {
    format!(
        "(${n} IS NULL OR COALESCE(d.project_id, h.project_id) IN \
         (SELECT m.project_id FROM members m WHERE m.person_id = ${n} AND m.role IN ('owner', 'staff')))"
    )
}

/// What is kept of a mail that has to wait.
#[derive(Clone, Debug)]
pub struct NewHeldMail<'a> {
    pub inbound: InboundId,
    pub why: HeldWhy,
    pub person: Option<PersonId>,
    pub project: ProjectId,
    pub from_address: &'a str,
    pub from_name: &'a str,
    pub subject: &'a str,
    pub words: &'a str,
    pub files: usize,
}

/// Keeps it; what was kept of the same mail before is replaced.
pub async fn put(c: &mut AnyConnection, h: &NewHeldMail<'_>) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO held_mails (inbound_id, why, person_id, project_id, from_address, from_name, subject, words, files) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (inbound_id) DO UPDATE SET why = $2, person_id = $3, project_id = $4, \
         from_address = $5, from_name = $6, subject = $7, words = $8, files = $9, decision = NULL, decided_by = NULL, decided_at = NULL, linked = 0",
        args![
            h.inbound,
            h.why.as_str(),
            h.person,
            h.project,
            h.from_address,
            h.from_name,
            h.subject,
            h.words,
            i64::try_from(h.files).unwrap_or(i64::MAX)
        ],
    )
    .await
    .map(drop)
}

/// The mail of this inbound row, if it was ever held.
pub async fn find(c: &mut AnyConnection, inbound: InboundId) -> Result<Option<HeldMail>> {
    sql::find(c, format!("{SELECT} WHERE h.inbound_id = $1"), args![inbound]).await
}

/// Holds its inbound row until the transaction ends. Where it stands.
pub async fn claim(c: &mut AnyConnection, dialect: Dialect, inbound: InboundId) -> Result<Option<InboundStatus>> {
    let word: Option<String> = sql::find(c, format!("SELECT status FROM inbound WHERE id = $1{}", dialect.hold()), args![inbound]).await?;
    word.map(|w| sql::word(InboundStatus::find(&w), &w)).transpose()
}

/// What waits, and what was decided, in the discussion: the oldest first, of very many the last.
pub async fn of_discussion(c: &mut AnyConnection, discussion: DiscussionId, limit: i64) -> Result<Vec<HeldMail>> {
    let mut found: Vec<HeldMail> =
        sql::all(c, format!("{SELECT} WHERE i.discussion_id = $1 ORDER BY h.inbound_id DESC LIMIT $2"), args![discussion, limit]).await?;
    found.reverse();
    Ok(found)
}

/// What waits in the project and belongs to no discussion: the oldest first.
pub async fn of_project(c: &mut AnyConnection, project: ProjectId, limit: i64) -> Result<Vec<HeldMail>> {
    sql::all(
        c,
        format!("{SELECT} WHERE h.project_id = $1 AND i.discussion_id IS NULL AND i.status = 'held' ORDER BY h.inbound_id LIMIT $2"),
        args![project, limit],
    )
    .await
}

/// What waits for this person's decision, the oldest first; `None` = for an admin's.
pub async fn waiting(c: &mut AnyConnection, decider: Option<PersonId>, limit: i64) -> Result<Vec<HeldMail>> {
    sql::all(c, format!("{SELECT} WHERE i.status = 'held' AND {} ORDER BY h.inbound_id LIMIT $2", decides(1)), args![decider, limit]).await
}

/// What this person, or an admin, could take back: the latest decision first.
pub async fn decided(c: &mut AnyConnection, decider: Option<PersonId>, limit: i64) -> Result<Vec<HeldMail>> {
    sql::all(
        c,
        format!("{SELECT} WHERE h.decision IS NOT NULL AND {} ORDER BY h.decided_at DESC, h.inbound_id DESC LIMIT $2", decides(1)),
        args![decider, limit],
    )
    .await
}

/// How many wait for this person's decision; `None` = for an admin's.
pub async fn count_waiting(c: &mut AnyConnection, decider: Option<PersonId>) -> Result<i64> {
    sql::one(
        c,
        format!(
            "SELECT COUNT(*) FROM inbound i JOIN held_mails h ON h.inbound_id = i.id LEFT JOIN discussions d ON d.id = i.discussion_id \
             WHERE i.status = 'held' AND {}",
            decides(1)
        ),
        args![decider],
    )
    .await
}

/// Those of these inbound rows that were ever held.
pub async fn among(c: &mut AnyConnection, rows: &[InboundId]) -> Result<BTreeMap<InboundId, HeldMail>> {
    if rows.is_empty() {
        return Ok(BTreeMap::new());
    }
    let values: Vec<Value> = rows.iter().map(|id| Value::from(*id)).collect();
    let found: Vec<HeldMail> = sql::all(c, format!("{SELECT} WHERE h.inbound_id IN ({})", sql::places(1, rows.len())), values).await?;
    Ok(found.into_iter().map(|held| (held.inbound, held)).collect())
}

/// What somebody decided, and whether that made the address the person's; `None` = it was taken back.
pub async fn decide(
    c: &mut AnyConnection,
    inbound: InboundId,
    decision: Option<MailDecision>,
    by: PersonId,
    now: Timestamp,
    linked: bool,
) -> Result<()> {
    let (by, at) = if decision.is_some() { (Some(by), Some(now)) } else { (None, None) };
    sql::run(
        c,
        "UPDATE held_mails SET decision = $2, decided_by = $3, decided_at = $4, linked = $5 WHERE inbound_id = $1",
        args![inbound, decision.map(MailDecision::as_str), by, at, linked],
    )
    .await
    .map(drop)
}

/// Where its inbound row stands from now on, and where it belongs.
pub async fn settle(
    c: &mut AnyConnection,
    inbound: InboundId,
    status: InboundStatus,
    note: Option<&str>,
    discussion: Option<DiscussionId>,
) -> Result<()> {
    sql::run(
        c,
        "UPDATE inbound SET status = $2, note = $3, error = NULL, discussion_id = $4 WHERE id = $1",
        args![inbound, status.as_str(), note, discussion],
    )
    .await
    .map(drop)
}

/// The inbound rows of mails about the discussion that wait for a person, or did.
pub async fn ids_of(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<i64>> {
    sql::all(
        c,
        "SELECT h.inbound_id FROM held_mails h JOIN inbound i ON i.id = h.inbound_id WHERE i.discussion_id = $1 ORDER BY h.inbound_id",
        args![discussion],
    )
    .await
}

/// These go back from one discussion to another, where nobody has put them elsewhere.
pub async fn give_back(c: &mut AnyConnection, ids: &[i64], from: DiscussionId, to: DiscussionId) -> Result<()> {
    for id in ids {
        sql::run(c, "UPDATE inbound SET discussion_id = $3 WHERE id = $1 AND discussion_id = $2", args![*id, from, to]).await?;
    }
    Ok(())
}

/// Held mails of a discussion belong to another from now on.
pub async fn redirect(c: &mut AnyConnection, from: DiscussionId, to: DiscussionId) -> Result<()> {
    sql::run(
        c,
        "UPDATE inbound SET discussion_id = $2 WHERE discussion_id = $1 AND id IN (SELECT h.inbound_id FROM held_mails h)",
        args![from, to],
    )
    .await
    .map(drop)
}

/// The post that the mail became goes, as though it had never been, where nobody was told of it and nobody moved it: false where somebody
/// was, or is being, or has.
/// What waits in frozen messages is to be taken back before.
pub async fn take_post_away(c: &mut AnyConnection, post: PostId) -> Result<bool> {
    let told: Option<i64> = sql::find(
        c,
        "SELECT post_id FROM notices WHERE post_id = $1 AND (status IN ('sent', 'failed') OR delivery_id IS NOT NULL) \
         UNION SELECT post_id FROM correction_posts WHERE post_id = $1 UNION SELECT post_id FROM examples WHERE post_id = $1",
        args![post],
    )
    .await?;
    if told.is_some() {
        return Ok(false);
    }
    for sql in [
        "DELETE FROM notices WHERE post_id = $1",
        "DELETE FROM attachments WHERE post_id = $1",
        "DELETE FROM post_versions WHERE post_id = $1",
        "DELETE FROM posts WHERE id = $1",
    ] {
        sql::run(c, sql, args![post]).await?;
    }
    Ok(true)
}

/// The post is the mail's no more: the mail may become another.
pub async fn part_post(c: &mut AnyConnection, post: PostId) -> Result<()> {
    sql::run(c, "UPDATE posts SET inbound_id = NULL, external_id = NULL WHERE id = $1", args![post]).await.map(drop)
}
