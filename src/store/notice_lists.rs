//! Notices as people see them: to whom, about what, and what became of them.

use std::fmt::Write as _;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::discussions::like;
use super::sql::{self, Columns, FromRow, Result, Value, args};
use crate::domain::{ChatId, DeliveryId, DeliveryStatus, DiscussionId, NoticeId, NoticeKind, PersonId, PostId, ProjectId, Via, Why};

/// A notice with its destination and the delivery that it travels in.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: NoticeId,
    pub kind: NoticeKind,
    pub status: DeliveryStatus,
    /// Why it waits, failed or was dropped (`domain::Why`), where its delivery does not say.
    pub reason: Option<String>,
    pub due_at: Timestamp,
    pub deadline_at: Timestamp,
    pub created_at: Timestamp,
    /// It travels in the person's next digest.
    pub digest: bool,
    pub post: Option<PostId>,
    pub discussion_number: Option<i64>,
    pub discussion_title: Option<String>,
    pub project: Option<ProjectId>,
    pub project_name: Option<String>,
    pub chat: Option<ChatId>,
    /// LINE's id of the chat.
    pub chat_target: Option<String>,
    /// Empty until LINE has told it.
    pub chat_name: Option<String>,
    /// Heads in the chat, as LINE last said.
    pub members: Option<i64>,
    pub person: Option<PersonId>,
    pub person_name: Option<String>,
    pub email: Option<String>,
    /// The name of the script that said it.
    pub script: Option<String>,
    pub ride: Option<Ride>,
}

/// The delivery that a notice travels in.
#[derive(Clone, Debug)]
pub struct Ride {
    pub delivery: DeliveryId,
    pub via: Via,
    pub attempts: i64,
    /// Tries that may have arrived, one under way among them.
    pub unanswered: i64,
    pub last_error: Option<String>,
    /// While it waits: its next try, or how long the one under way may take.
    pub next_try_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    /// People that it is billed for.
    pub heads: i64,
}

impl Listed {
    /// How it travels or travelled.
    pub fn via(&self) -> Option<Via> {
        self.ride.as_ref().map(|r| r.via)
    }

    /// Why it stands as it does, as it is kept. What held it back says nothing of it once it has left.
    pub fn why(&self) -> Option<&str> {
        let held_back = |why: &&str| Why::read(why).is_some_and(|(w, _)| w.is_about_money() || w.is_about_the_calendar());
        let reason = self.reason.as_deref().filter(|why| self.status != DeliveryStatus::Sent || !held_back(why));
        self.ride.as_ref().and_then(|r| r.last_error.as_deref()).or(reason)
    }

    /// Heads that a push to its chat is billed for.
    pub fn push_heads(&self) -> i64 {
        self.members.unwrap_or(1)
    }
}

const SELECT: &str = "SELECT n.id, n.kind, n.status, n.reason, n.due_at, n.deadline_at, n.created_at, n.digest, n.post_id, d.number, d.title, \
     COALESCE(d.project_id, ch.project_id), pr.name, n.chat_id, ch.external_id, ch.name, ch.member_count, n.person_id, a.name, i.external_id, \
     (SELECT nt.name FROM script_calls sc JOIN notify_tokens nt ON nt.id = sc.token_id WHERE sc.notice_id = n.id), v.id, v.via, v.attempts, v.unanswered, v.last_error, v.due_at, v.sent_at, v.heads";
const FROM: &str = " FROM notices n LEFT JOIN chats ch ON ch.id = n.chat_id LEFT JOIN persons a ON a.id = n.person_id \
     LEFT JOIN identities i ON i.id = (SELECT MIN(x.id) FROM identities x WHERE x.person_id = n.person_id AND x.channel = 'email') \
     LEFT JOIN discussions d ON d.id = n.discussion_id LEFT JOIN projects pr ON pr.id = COALESCE(d.project_id, ch.project_id) \
     LEFT JOIN deliveries v ON v.id = n.delivery_id";

impl FromRow for Listed {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            id: c.get()?,
            kind: c.word(NoticeKind::find)?,
            status: c.word(DeliveryStatus::find)?,
            reason: c.get()?,
            due_at: c.get()?,
            deadline_at: c.get()?,
            created_at: c.get()?,
            digest: c.get()?,
            post: c.get()?,
            discussion_number: c.get()?,
            discussion_title: c.get()?,
            project: c.get()?,
            project_name: c.get()?,
            chat: c.get()?,
            chat_target: c.get()?,
            chat_name: c.get()?,
            members: c.get()?,
            person: c.get()?,
            person_name: c.get()?,
            email: c.get()?,
            script: c.get()?,
            ride: ride(c)?,
        })
    }
}

fn ride(c: &mut Columns<'_>) -> Result<Option<Ride>> {
    let Some(delivery) = c.get::<Option<DeliveryId>>()? else { return Ok(None) };
    Ok(Some(Ride {
        delivery,
        via: c.word(Via::find)?,
        attempts: c.get()?,
        unanswered: c.get()?,
        last_error: c.get()?,
        next_try_at: c.get()?,
        sent_at: c.get()?,
        heads: c.get()?,
    }))
}

/// Which notices a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those about projects where this person is staff; `None` = all.
    pub member: Option<PersonId>,
    pub status: Option<DeliveryStatus>,
    pub kind: Option<NoticeKind>,
    pub project: Option<ProjectId>,
    /// A LINE id or a mail address, whole.
    pub target: Option<String>,
    /// Words of the name or address of whom it is for: a person or a chat.
    pub to: Option<String>,
    pub discussion_number: Option<i64>,
    /// Made since.
    pub since: Option<Timestamp>,
}

/// Words of one search; more are not looked at.
const SEARCH_WORDS_MAX: usize = 4;

/// The filter's conditions with their arguments.
fn chosen(f: &Filter) -> (String, Vec<Value>) {
    let (mut sql, mut values) = (String::from(" WHERE 1 = 1"), vec![]);
    let mut and = |condition: &str, value: Value| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('?', &format!("${}", values.len())));
    };
    if let Some(member) = f.member {
        let theirs = "SELECT m.project_id FROM members m WHERE m.person_id = ? AND m.role IN ('owner', 'staff')";
        and(&format!("COALESCE(d.project_id, ch.project_id) IN ({theirs})"), member.into());
    }
    if let Some(project) = f.project {
        and("COALESCE(d.project_id, ch.project_id) = ?", project.into());
    }
    if let Some(kind) = f.kind {
        and("n.kind = ?", kind.as_str().into());
    }
    if let Some(target) = &f.target {
        and("(ch.external_id = ? OR i.external_id = ?)", target.into());
    }
    for word in f.to.iter().flat_map(|t| t.split_whitespace()).take(SEARCH_WORDS_MAX) {
        let named = "(LOWER(a.name) LIKE ? ESCAPE '!' OR LOWER(i.external_id) LIKE ? ESCAPE '!' OR LOWER(ch.name) LIKE ? ESCAPE '!')";
        and(named, like(word).into());
    }
    if let Some(number) = f.discussion_number {
        // What a post was told as before it was moved is found by both numbers.
        let told = "SELECT p.id FROM posts p JOIN discussions x ON x.id = p.discussion_id WHERE x.number = ?";
        and(&format!("(d.number = ? OR n.post_id IN ({told}))"), number.into());
    }
    if let Some(since) = f.since {
        and("n.created_at >= ?", since.into());
    }
    if let Some(status) = f.status {
        // A constant, so that the indexes over one status serve.
        write!(sql, " AND n.status = '{status}'").expect("writing to a String does not fail");
    }
    (sql, values)
}

/// A page of notices, the newest first, made before the one with the id `before`.
pub async fn page(c: &mut AnyConnection, f: &Filter, before: Option<i64>, limit: i64) -> Result<Vec<Listed>> {
    let (mut sql, mut values) = chosen(f);
    if let Some(before) = before {
        values.push(before.into());
        write!(sql, " AND n.id < ${}", values.len()).expect("writing to a String does not fail");
    }
    values.push(limit.into());
    sql::all(c, format!("{SELECT}{FROM}{sql} ORDER BY n.id DESC LIMIT ${}", values.len()), values).await
}

/// A page of what waits, in the order in which it must leave at the latest, after the one with this deadline (microseconds since 1970)
/// and id.
pub async fn waiting(c: &mut AnyConnection, f: &Filter, after: Option<(i64, i64)>, limit: i64) -> Result<Vec<Listed>> {
    let (mut sql, mut values) = chosen(&Filter { status: Some(DeliveryStatus::Pending), ..f.clone() });
    if let Some((deadline, id)) = after {
        values.extend([deadline.into(), id.into()]);
        let n = values.len();
        write!(sql, " AND n.deadline_at >= ${} AND (n.deadline_at > ${} OR n.id > ${n})", n - 1, n - 1)
            .expect("writing to a String does not fail");
    }
    values.push(limit.into());
    sql::all(c, format!("{SELECT}{FROM}{sql} ORDER BY n.deadline_at, n.id LIMIT ${}", values.len()), values).await
}

/// How many there are, counted up to `limit`.
pub async fn count(c: &mut AnyConnection, f: &Filter, limit: i64) -> Result<i64> {
    let (sql, mut values) = chosen(f);
    values.push(limit.into());
    sql::one(c, format!("SELECT COUNT(*) FROM (SELECT n.id{FROM}{sql} LIMIT ${}) AS counted", values.len()), values).await
}

/// One notice.
pub async fn find(c: &mut AnyConnection, id: NoticeId) -> Result<Option<Listed>> {
    sql::find(c, format!("{SELECT}{FROM} WHERE n.id = $1"), args![id]).await
}

/// The notices that tell of a post that stands in the discussion, wherever it stood when they left: the newest `limit`, in the order of
/// their making.
pub async fn of_posts(c: &mut AnyConnection, discussion: DiscussionId, limit: i64) -> Result<Vec<Listed>> {
    let wanted = " WHERE n.post_id IN (SELECT p.id FROM posts p WHERE p.discussion_id = $1) ORDER BY n.id DESC LIMIT $2";
    let mut found: Vec<Listed> = sql::all(c, format!("{SELECT}{FROM}{wanted}"), args![discussion, limit]).await?;
    found.reverse();
    Ok(found)
}
