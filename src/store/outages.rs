//! Times in which events of an account may have been lost.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{ChatId, Gap, GapKind, Inbox};

/// Outages of one account that are looked at: the newest.
const OUTAGES_MAX: i64 = 500;

impl FromRow for Gap {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { kind: c.word(GapKind::find)?, from: c.get()?, to: c.get()? })
    }
}

/// It happened. `chat`: `None` = to every chat of the account.
pub async fn add(c: &mut AnyConnection, inbox: &Inbox, chat: Option<ChatId>, outage: &Gap) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO outages (inbox, chat_id, kind, began_at, ended_at) VALUES ($1, $2, $3, $4, $5)",
        args![inbox.as_str(), chat, outage.kind.as_str(), outage.from, outage.to],
    )
    .await
    .map(drop)
}

/// It goes on for as long as nobody says otherwise. Nothing happens where one of its kind lasts already.
pub async fn begin(c: &mut AnyConnection, inbox: &Inbox, kind: GapKind, at: Timestamp) -> Result<()> {
    let lasting: Option<i64> = sql::find(
        c,
        "SELECT id FROM outages WHERE inbox = $1 AND chat_id IS NULL AND kind = $2 AND ended_at IS NULL LIMIT 1",
        args![inbox.as_str(), kind.as_str()],
    )
    .await?;
    if lasting.is_none() {
        add(c, inbox, None, &Gap { kind, from: at, to: None }).await?;
    }
    Ok(())
}

/// Since when one of this kind lasts for every chat of the account, if one does.
pub async fn lasting_since(c: &mut AnyConnection, inbox: &Inbox, kind: GapKind) -> Result<Option<Timestamp>> {
    sql::one(
        c,
        "SELECT MIN(began_at) FROM outages WHERE inbox = $1 AND chat_id IS NULL AND kind = $2 AND ended_at IS NULL",
        args![inbox.as_str(), kind.as_str()],
    )
    .await
}

/// Whatever of this kind lasts has ended. How many there were.
pub async fn end(c: &mut AnyConnection, inbox: &Inbox, kind: GapKind, at: Timestamp) -> Result<u64> {
    sql::run(
        c,
        "UPDATE outages SET ended_at = $3 WHERE inbox = $1 AND chat_id IS NULL AND kind = $2 AND ended_at IS NULL",
        args![inbox.as_str(), kind.as_str(), at],
    )
    .await
}

/// Those of the account, and of this chat alone, oldest first.
pub async fn of_chat(c: &mut AnyConnection, inbox: &Inbox, chat: ChatId) -> Result<Vec<Gap>> {
    let mut found: Vec<Gap> = sql::all(
        c,
        "SELECT kind, began_at, ended_at FROM outages WHERE inbox = $1 AND (chat_id IS NULL OR chat_id = $2) ORDER BY began_at DESC LIMIT $3",
        args![inbox.as_str(), chat, OUTAGES_MAX],
    )
    .await?;
    found.reverse();
    Ok(found)
}

/// When an event of the account last happened, as far as it was placed.
pub async fn last_heard(c: &mut AnyConnection, inbox: &Inbox) -> Result<Option<Timestamp>> {
    sql::one(c, "SELECT MAX(last_event_at) FROM chats WHERE inbox = $1", args![inbox.as_str()]).await
}
