//! When an account was in its chats: what LINE said of coming and going, in whatever order it arrived.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::chats::Chat;
use super::outages;
use super::sql::{self, Result, args};
use crate::domain::{ChatId, Gap, gaps};

/// The account came (`present`) or went at `at`. False where that was known.
pub async fn record(c: &mut AnyConnection, chat: ChatId, at: Timestamp, present: bool) -> Result<bool> {
    let new = add(c, chat, at, present).await?;
    if !present {
        // Something said after it tells that the account was back, whether LINE told of that or not.
        let said: Option<Timestamp> =
            sql::one(c, "SELECT MIN(created_at) FROM posts WHERE chat_id = $1 AND source = 'line' AND created_at > $2", args![chat, at])
                .await?;
        if let Some(said) = said {
            add(c, chat, said, true).await?;
        }
    }
    write_left(c, chat).await?;
    Ok(new)
}

async fn add(c: &mut AnyConnection, chat: ChatId, at: Timestamp, present: bool) -> Result<bool> {
    let added = sql::run(
        c,
        "INSERT INTO chat_presence (chat_id, at, present) VALUES ($1, $2, $3) ON CONFLICT (chat_id, at, present) DO NOTHING",
        args![chat, at, present],
    )
    .await?;
    Ok(added > 0)
}

/// Something was said in the chat at `at`: where the account was thought to be away, it was back.
pub async fn heard(c: &mut AnyConnection, chat: ChatId, at: Timestamp) -> Result<()> {
    let last: Option<bool> = sql::find(
        c,
        "SELECT present FROM chat_presence WHERE chat_id = $1 AND at < $2 ORDER BY at DESC, present DESC LIMIT 1",
        args![chat, at],
    )
    .await?;
    if last == Some(false) && add(c, chat, at, true).await? {
        write_left(c, chat).await?;
    }
    Ok(())
}

/// `chats.left_at` says how things stand now.
async fn write_left(c: &mut AnyConnection, chat: ChatId) -> Result<()> {
    let left_at = gaps(&log(c, chat).await?, vec![], None).pop().filter(|g| g.to.is_none()).map(|g| g.from);
    sql::run(c, "UPDATE chats SET left_at = $2 WHERE id = $1", args![chat, left_at]).await.map(drop)
}

async fn log(c: &mut AnyConnection, chat: ChatId) -> Result<Vec<(Timestamp, bool)>> {
    sql::all(c, "SELECT at, present FROM chat_presence WHERE chat_id = $1 ORDER BY at, present", args![chat]).await
}

/// When the chat's record began; `None` where there is none.
async fn since(c: &mut AnyConnection, chat: ChatId) -> Result<Option<Timestamp>> {
    let said: Option<Timestamp> = sql::one(c, "SELECT MIN(created_at) FROM posts WHERE chat_id = $1", args![chat]).await?;
    let came: Option<Timestamp> = sql::one(c, "SELECT MIN(at) FROM chat_presence WHERE chat_id = $1 AND present = 1", args![chat]).await?;
    Ok(said.into_iter().chain(came).min())
}

/// Every gap in the chat's record, oldest first.
pub async fn gaps_of(c: &mut AnyConnection, chat: &Chat) -> Result<Vec<Gap>> {
    let since = since(c, chat.id).await?;
    let outages = outages::of_chat(c, &chat.inbox, chat.id).await?;
    Ok(gaps(&log(c, chat.id).await?, outages, since))
}
