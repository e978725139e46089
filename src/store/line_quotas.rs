//! What LINE last said of each account's month, and whether pushes stopped for it.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Dialect;
use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{ChatId, Inbox, ProjectId, Why};

/// An account's month, as LINE says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineQuota {
    /// Messages that may be billed a month; `None` = no limit, or not known.
    pub quota: Option<i64>,
    /// Messages billed in the month of `asked_at`; `None` = LINE did not tell.
    pub used: Option<i64>,
    /// Our own share of them, as we counted it then.
    pub ours: i64,
    /// When LINE last answered.
    pub asked_at: Option<Timestamp>,
    /// When it was last asked.
    pub tried_at: Option<Timestamp>,
    /// LINE refused a push for the quota: none is tried until then.
    pub stopped: Option<(Why, Timestamp)>,
    /// What admins let us spend a month; `None` = as the configuration says.
    pub budget: Option<i64>,
}

impl FromRow for LineQuota {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        let (quota, used, ours, asked_at, tried_at) = (c.get()?, c.get()?, c.get()?, c.get()?, c.get()?);
        let (until, why) = (c.get::<Option<Timestamp>>()?, c.get::<Option<String>>()?);
        let why = why.map(|w| sql::word(Why::find(&w), &w)).transpose()?;
        Ok(Self { quota, used, ours, asked_at, tried_at, stopped: why.zip(until), budget: c.get()? })
    }
}

/// What is known of the account; `None` before LINE was first asked.
pub async fn find(c: &mut AnyConnection, inbox: &Inbox) -> Result<Option<LineQuota>> {
    sql::find(
        c,
        "SELECT quota, used, ours, asked_at, tried_at, stopped_until, stopped_why, budget FROM line_quotas WHERE inbox = $1",
        args![inbox.as_str()],
    )
    .await
}

/// Holds the account's account until the transaction ends, so that two nodes never spend the same message.
pub async fn lock(c: &mut AnyConnection, dialect: Dialect, inbox: &Inbox) -> Result<()> {
    let held = format!("SELECT inbox FROM line_quotas WHERE inbox = $1{}", dialect.hold());
    sql::find::<String>(c, held, args![inbox.as_str()]).await.map(drop)
}

/// LINE is asked.
pub async fn tried(c: &mut AnyConnection, inbox: &Inbox, at: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO line_quotas (inbox, tried_at) VALUES ($1, $2) ON CONFLICT (inbox) DO UPDATE SET tried_at = $2",
        args![inbox.as_str(), at],
    )
    .await
    .map(drop)
}

/// LINE answered what it was asked at `asked_at`. What it did not tell is `None`; an older answer that comes late is not kept.
pub async fn told(
    c: &mut AnyConnection,
    inbox: &Inbox,
    (quota, used): (Option<i64>, Option<i64>),
    ours: i64,
    asked_at: Timestamp,
) -> Result<()> {
    sql::run(
        c,
        "UPDATE line_quotas SET quota = $2, used = $3, ours = $4, asked_at = $5 WHERE inbox = $1 AND (asked_at IS NULL OR asked_at <= $5)",
        args![inbox.as_str(), quota, used, ours, asked_at],
    )
    .await
    .map(drop)
}

/// No push is tried until then.
pub async fn stop(c: &mut AnyConnection, inbox: &Inbox, why: Why, until: Timestamp) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO line_quotas (inbox, stopped_until, stopped_why) VALUES ($1, $2, $3) \
         ON CONFLICT (inbox) DO UPDATE SET stopped_until = $2, stopped_why = $3",
        args![inbox.as_str(), until, why.as_str()],
    )
    .await
    .map(drop)
}

/// Pushes are tried again.
pub async fn go_on(c: &mut AnyConnection, inbox: &Inbox) -> Result<()> {
    sql::run(c, "UPDATE line_quotas SET stopped_until = NULL, stopped_why = NULL WHERE inbox = $1", args![inbox.as_str()]).await.map(drop)
}

/// LINE is to be asked soon: nothing is known to be fresh.
pub async fn ask_again(c: &mut AnyConnection, inbox: &Inbox) -> Result<()> {
    sql::run(c, "UPDATE line_quotas SET tried_at = NULL WHERE inbox = $1", args![inbox.as_str()]).await.map(drop)
}

/// How many messages we let ourselves spend a month; `None` = as the configuration says.
pub async fn set_budget(c: &mut AnyConnection, inbox: &Inbox, heads: Option<i64>) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO line_quotas (inbox, budget) VALUES ($1, $2) ON CONFLICT (inbox) DO UPDATE SET budget = $2",
        args![inbox.as_str(), heads],
    )
    .await
    .map(drop)
}

/// Notes that the payer's staff are told; false where they were, this month and at these per cent.
pub async fn tell_once(c: &mut AnyConnection, payer: &str, month: Timestamp, percent: i64, now: Timestamp) -> Result<bool> {
    let told = sql::run(
        c,
        "INSERT INTO budgets_told (payer, month, percent, told_at) VALUES ($1, $2, $3, $4) ON CONFLICT (payer, month, percent) DO NOTHING",
        args![payer, month, percent, now],
    )
    .await?;
    Ok(told > 0)
}

/// That `column` is one of the reasons that are about money.
fn about_money(column: &str) -> String {
    Why::MONEY.iter().map(|why| format!("{column} = '{why}'")).collect::<Vec<_>>().join(" OR ")
}

/// Chats of the account for which something waits that a push may not be paid for now, for the money's sake.
pub async fn chats_held_back(c: &mut AnyConnection, inbox: &Inbox, now: Timestamp, limit: i64) -> Result<Vec<ChatId>> {
    sql::all(
        c,
        format!(
            "SELECT n.chat_id FROM notices n JOIN chats ch ON ch.id = n.chat_id WHERE n.status = 'pending' AND n.delivery_id IS NULL \
             AND ch.inbox = $1 AND n.deadline_at > $2 AND ({}) GROUP BY n.chat_id ORDER BY MIN(n.id) LIMIT $3",
            about_money("n.reason")
        ),
        args![inbox.as_str(), now, limit],
    )
    .await
}

/// Who pays for what waits for the chat for the money's sake: its project, and for what tells somebody in their own chat of a discussion that
/// is held elsewhere, that discussion's.
pub async fn payers(c: &mut AnyConnection, chat: ChatId) -> Result<Vec<ProjectId>> {
    sql::all(
        c,
        format!(
            "SELECT DISTINCT CASE WHEN ch.kind = 'user' AND d.id IS NOT NULL AND (d.chat_id IS NULL OR d.chat_id <> ch.id) \
             THEN d.project_id ELSE ch.project_id END FROM notices n JOIN chats ch ON ch.id = n.chat_id \
             LEFT JOIN discussions d ON d.id = n.discussion_id \
             WHERE n.chat_id = $1 AND n.status = 'pending' AND n.delivery_id IS NULL AND ({})",
            about_money("n.reason")
        ),
        args![chat],
    )
    .await
}

/// What waits for the chat for the money's sake may be paid for now.
pub async fn let_go(c: &mut AnyConnection, chat: ChatId, now: Timestamp) -> Result<u64> {
    sql::run(
        c,
        format!(
            "UPDATE notices SET deadline_at = $2, reason = NULL WHERE chat_id = $1 AND status = 'pending' AND delivery_id IS NULL \
             AND deadline_at > $2 AND ({})",
            about_money("reason")
        ),
        args![chat, now],
    )
    .await
}

/// What waits for the chat for the money's sake waits for this reason, until then.
pub async fn hold_back(c: &mut AnyConnection, chat: ChatId, why: Why, until: Timestamp) -> Result<()> {
    let waits = format!(
        "UPDATE notices SET reason = $2, deadline_at = $3 WHERE chat_id = $1 AND status = 'pending' AND delivery_id IS NULL \
         AND reason <> $2 AND ({})",
        about_money("reason")
    );
    sql::run(c, waits, args![chat, why.as_str(), until]).await.map(drop)
}
