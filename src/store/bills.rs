//! What the LINE chats were told, and what it cost: LINE bills a push by the head and a reply not at all.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{Inbox, ProjectId};

/// What one project paid for on one account on one day: what its chats were told, and people in their own about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whole days of 24 h since the beginning that was asked for; 0 is the first.
    pub day: i64,
    pub inbox: Inbox,
    pub project: ProjectId,
    /// Notices that arrived. What the bot answers to a tap or a typed command is none: nobody would push it.
    pub notices: i64,
    /// Replies that carried notices, for free.
    pub free: i64,
    /// Pushes that carried notices.
    pub pushes: i64,
    /// Heads that the pushes were billed for.
    pub heads: i64,
    /// Heads that would have been billed had each notice been a push of its own, with the members that each chat has now.
    pub heads_if_pushed: i64,
}

impl FromRow for Row {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            day: c.get()?,
            inbox: Inbox::stored(c.get()?),
            project: c.get()?,
            notices: c.get()?,
            free: c.get()?,
            pushes: c.get()?,
            heads: c.get()?,
            heads_if_pushed: c.get()?,
        })
    }
}

/// What arrived in chats from `from` until before `until`, by day, account and project, in this order. A bill has few rows: days times
/// projects that were told anything.
pub async fn by_day(c: &mut AnyConnection, from: Timestamp, until: Timestamp) -> Result<Vec<Row>> {
    // Deliveries are counted before they are summed: one may carry many notices, and is billed once.
    sql::all(
        c,
        "SELECT t.day, t.inbox, t.project_id, CAST(SUM(t.notices) AS BIGINT), \
         CAST(SUM(CASE WHEN t.via = 'line-reply' THEN 1 ELSE 0 END) AS BIGINT), \
         CAST(SUM(CASE WHEN t.via = 'line-push' THEN 1 ELSE 0 END) AS BIGINT), \
         CAST(SUM(CASE WHEN t.via = 'line-push' THEN t.heads ELSE 0 END) AS BIGINT), CAST(SUM(t.notices * t.per_notice) AS BIGINT) \
         FROM (SELECT (v.sent_at - $1) / 86400000000 AS day, ch.inbox, COALESCE(v.payer_id, ch.project_id) AS project_id, v.via, v.heads, \
         CASE WHEN v.via = 'line-push' THEN v.heads ELSE COALESCE(ch.member_count, 1) END AS per_notice, \
         (SELECT COUNT(*) FROM notices n WHERE n.delivery_id = v.id AND n.status = 'sent' AND n.kind <> 'replied') AS notices \
         FROM deliveries v JOIN chats ch ON ch.id = v.chat_id \
         WHERE v.status = 'sent' AND v.via <> 'email' AND v.sent_at >= $1 AND v.sent_at < $2) t \
         WHERE t.notices > 0 OR t.heads > 0 GROUP BY t.day, t.inbox, t.project_id ORDER BY t.day, t.inbox, t.project_id",
        args![from, until],
    )
    .await
}

/// Who pays for a push.
#[derive(Clone, Copy, Debug)]
pub enum Payer<'a> {
    Account(&'a Inbox),
    Project(ProjectId),
}

/// Heads of the payer's pushes since `since`, with those that are frozen and on their way.
pub async fn heads(c: &mut AnyConnection, payer: Payer<'_>, since: Timestamp) -> Result<i64> {
    let (of, value) = match payer {
        Payer::Account(inbox) => ("ch.inbox = $2", sql::Value::from(inbox.as_str())),
        Payer::Project(id) => ("COALESCE(v.payer_id, ch.project_id) = $2", sql::Value::from(id)),
    };
    let mut values = args![since];
    values.push(value);
    // Two sums, so that each finds its index.
    let sum = |which: &str| {
        format!(
            "(SELECT COALESCE(SUM(v.heads), 0) FROM deliveries v JOIN chats ch ON ch.id = v.chat_id \
             WHERE v.via = 'line-push' AND {which} AND {of})"
        )
    };
    let (sent, under_way) = (sum("v.status = 'sent' AND v.sent_at >= $1"), sum("v.status = 'pending'"));
    sql::one(c, format!("SELECT CAST({sent} + {under_way} AS BIGINT)"), values).await
}
