//! Chats that LINE does not reach: how that is found out, marked, and what becomes of what was to be told there.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::mail_instead::mail_instead;
use super::own_chat;
use crate::App;
use crate::channels::line::client::{Line, LineError};
use crate::discussions::tell_target_gone;
use crate::domain::{ChatId, ChatKind, NoticeId, Why};
use crate::store::chats::Chat;
use crate::store::notices::Notice;
use crate::store::{self, Tx, chats, friends, notices};

/// A chat's heads are counted anew before a push where LINE last told them longer ago.
const COUNT_GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Where LINE does not tell, the old number counts for so long.
const COUNT_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// Chats that LINE is asked about in one round of bundling.
const COUNTED_PER_ROUND: i64 = 20;
/// How long LINE may take to tell of them; a push does not wait longer for a better number.
const COUNTED_WITHIN: Duration = Duration::from_secs(3);
/// Notices that are failed with a chat at once; the others when they are due.
const FAILED_AT_ONCE_MAX: i64 = 1000;

/// What LINE says of a chat.
enum Answer {
    Heads(i64),
    /// There is no such chat for this account.
    Gone(String),
    Nothing,
}

/// Asks LINE how many heads the chats have that a push is about to leave for, so that the push is paid by today's number.
pub(super) async fn count_heads(app: &App, now: Timestamp) -> Result<(), store::Error> {
    let stale = chats::to_count(&mut *app.db.read().await?, now, now - COUNT_GOOD_FOR, COUNTED_PER_ROUND).await?;
    if stale.is_empty() {
        return Ok(());
    }
    let asked = stale.into_iter().map(async |chat| {
        let answer = match app.line.get(chat.inbox.name()) {
            Some(line) => tokio::time::timeout(COUNTED_WITHIN, ask_heads(line, &chat)).await.unwrap_or(Answer::Nothing),
            None => Answer::Nothing,
        };
        (chat, answer)
    });
    for (chat, answer) in join_all(asked).await {
        let mut tx = app.db.begin().await?;
        chats::lock(&mut tx, app.db.dialect, chat.id).await?;
        match answer {
            Answer::Heads(heads) => chats::counted(&mut tx, chat.id, Some(heads), now).await?,
            Answer::Gone(why) => {
                chats::counted(&mut tx, chat.id, None, now).await?;
                gone(&mut tx, app, chat.id, &why).await?;
            }
            Answer::Nothing => chats::counted(&mut tx, chat.id, None, now - COUNT_GOOD_FOR + COUNT_AGAIN_AFTER).await?,
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn ask_heads(line: &Line, chat: &Chat) -> Answer {
    match line.member_count(chat.kind, chat.external_id.as_str()).await {
        Ok(Some(heads)) => Answer::Heads(i64::try_from(heads).unwrap_or(i64::MAX)),
        Ok(None) => Answer::Gone("404: LINE knows no such group with this account in it".to_owned()),
        Err(LineError::Status { status: 403, message }) => match is_there(line, chat).await {
            Some(false) => Answer::Gone(format!("403: {message}")),
            _ => Answer::Nothing,
        },
        Err(_) => Answer::Nothing,
    }
}

/// LINE refused a send into the chat because of where it was to go. Whether the chat is out of reach: what concerns the account as a whole
/// is answered alike, so that LINE is asked about the chat itself.
pub(super) async fn is_gone(app: &App, chat: &Chat, why: &str) -> bool {
    let Some(line) = app.line.get(chat.inbox.name()) else { return false };
    match is_there(line, chat).await {
        Some(there) => !there,
        // LINE does not say: its refusal stands, but for one that may concern all of the account's calls.
        None => !why.starts_with("403"),
    }
}

/// Whether the account can still see the chat; `None` where LINE does not tell.
async fn is_there(line: &Line, chat: &Chat) -> Option<bool> {
    let id = chat.external_id.as_str();
    let seen = match chat.kind {
        ChatKind::Group => line.group_summary(id).await.map(|s| s.is_some()),
        ChatKind::Room => line.member_count(chat.kind, id).await.map(|n| n.is_some()),
        ChatKind::User => line.member(chat.kind, id, id).await.map(|p| p.is_some()),
    };
    match seen {
        Ok(seen) => Some(seen),
        Err(LineError::Status { status: 403, .. }) => Some(false),
        Err(_) => None,
    }
}

/// Marks the chat as out of reach, fails what waits for it, and tells staff once.
pub(super) async fn gone(tx: &mut Tx, app: &App, id: ChatId, why: &str) -> Result<(), store::Error> {
    let now = app.clock.now();
    if !chats::unreachable(tx, id, why, now).await? {
        return Ok(());
    }
    let chat = chats::get(tx, id).await?;
    tracing::warn!(inbox = chat.inbox.as_str(), why, "LINE takes no messages for a chat any more");
    let waiting = notices::of_chat(tx, id, now, FAILED_AT_ONCE_MAX).await?;
    fail(tx, app, &waiting, &Why::TargetGone.quoting(why)).await?;
    tell_target_gone(tx, app, &chat, now).await
}

/// Why nothing can be told in the chat, if nothing can.
pub(super) async fn out_of_reach(tx: &mut Tx, chat: &Chat) -> Result<Option<String>, store::Error> {
    if chat.left_at.is_some() {
        return Ok(Some(Why::LeftChat.as_str().to_owned()));
    }
    // LINE answers 200 to a push to somebody who blocked the account, and drops it.
    if chat.kind == ChatKind::User && friends::blocks(tx, &chat.inbox, &chat.external_id).await? {
        return Ok(Some(Why::Blocked.as_str().to_owned()));
    }
    Ok(chat.unreachable.as_ref().map(|(_, why)| Why::TargetGone.quoting(why)))
}

/// What is due for a chat that is [out of reach](out_of_reach) fails. Of a client who blocked the account staff are told once; a colleague
/// who did so hears by mail of what others say.
pub(super) async fn refuse(tx: &mut Tx, app: &App, chat: &Chat, due: &[Notice], why: &str) -> Result<(), store::Error> {
    fail(tx, app, due, why).await?;
    if why != Why::Blocked.as_str() {
        return Ok(());
    }
    for notice in due {
        if own_chat::reader(tx, notice).await?.is_none() {
            let now = app.clock.now();
            if chats::unreachable(tx, chat.id, why, now).await? {
                tell_target_gone(tx, app, chat, now).await?;
            }
            return Ok(());
        }
    }
    Ok(())
}

/// They cannot be told in LINE: clients who have an address hear of it by mail.
pub(super) async fn fail(tx: &mut Tx, app: &App, waiting: &[Notice], why: &str) -> Result<(), store::Error> {
    let all: Vec<NoticeId> = waiting.iter().map(|n| n.id).collect();
    notices::fail_all(tx, &all, why).await?;
    for notice in waiting {
        mail_instead(tx, app, notice).await?;
    }
    Ok(())
}
