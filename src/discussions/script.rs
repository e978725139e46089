//! What a script says in a chat, by a token of `/api/notify`.

use jiff::{SignedDuration, Timestamp};

use super::patience;
use crate::App;
use crate::domain::{FOLDED_WITHIN, NoticeKind, Script};
use crate::files::sha256;
use crate::store::chats::Chat;
use crate::store::notices::{NewNotice, Target};
use crate::store::notify_tokens::{Hour, NotifyToken};
use crate::store::{Result, Tx, chats, notices, notify_tokens, scripts};

/// Calls of one token in an hour, as LINE Notify had it.
pub const CALLS_PER_HOUR: i64 = 1_000;
/// Pictures that one token may send in an hour, as LINE Notify had it.
pub const IMAGES_PER_HOUR: i64 = 50;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// It is promised. These are the hour's counts now.
    Promised(Hour),
    /// Too many in this hour.
    TooMany(Hour),
    /// The token was revoked meanwhile.
    Revoked,
}

/// The hour's counts at `now`: a new hour begins with the first call after the last one ended.
pub fn hour_at(hour: Hour, now: Timestamp) -> Hour {
    if now.duration_since(hour.at) < HOUR { hour } else { Hour { at: now, calls: 0, images: 0 } }
}

/// When the hour ends.
pub fn hour_ends(hour: Hour) -> Timestamp {
    hour.at + HOUR
}

/// Promises the token's chat what the script says. `wait`: how long it may wait for a free ride; `None` = as long as the project lets such
/// things wait. `images`: how many pictures it sends. What the same token said already in the last minutes, and which still waits, is
/// told once, with how often it was said; what has left is told anew.
pub async fn call(
    tx: &mut Tx,
    app: &App,
    token: &NotifyToken,
    script: Script,
    wait: Option<SignedDuration>,
    images: i64,
) -> Result<Called> {
    let now = app.clock.now();
    let token = notify_tokens::lock(tx, app.db.dialect, token.id).await?;
    if token.revoked_at.is_some() {
        return Ok(Called::Revoked);
    }
    let mut hour = hour_at(token.hour, now);
    if hour.calls >= CALLS_PER_HOUR || hour.images + images > IMAGES_PER_HOUR {
        return Ok(Called::TooMany(hour));
    }
    hour.calls += 1;
    hour.images += images;
    notify_tokens::count(tx, token.id, hour, now).await?;
    // What is being frozen at this moment is not added to.
    chats::lock(tx, app.db.dialect, token.chat).await?;
    let chat = chats::get(tx, token.chat).await?;
    let deadline_at = match wait {
        Some(wait) => now + wait,
        None => patience::deadline(tx, app, chat.project, NoticeKind::Scripted, now).await?,
    };
    promise(tx, &token, &chat, script, (now, deadline_at)).await?;
    Ok(Called::Promised(hour))
}

async fn promise(tx: &mut Tx, token: &NotifyToken, chat: &Chat, script: Script, (now, deadline_at): (Timestamp, Timestamp)) -> Result<()> {
    let digest = sha256(script.said().as_bytes());
    if let Some(waiting) = scripts::find_waiting(tx, token.id, &digest, now - FOLDED_WITHIN).await?
        && let Some(before) = Script::from_json(&waiting.detail)
    {
        let both = Script { quiet: before.quiet && script.quiet, now: before.now || script.now, ..before };
        return scripts::fold(tx, waiting.notice, &both.to_json(), waiting.deadline_at.min(deadline_at)).await;
    }
    let new = NewNotice {
        kind: NoticeKind::Scripted,
        discussion: None,
        post: None,
        target: Target::Chat(chat.id),
        due_at: now,
        deadline_at,
        now,
        detail: Some(script.to_json()),
        expires_at: None,
    };
    let notice = notices::add(tx, &new).await?;
    scripts::add(tx, notice, token.id, &digest).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_counted_from_its_first_call() {
        let at: Timestamp = "2026-03-02T01:00:00Z".parse().unwrap();
        let hour = Hour { at, calls: 7, images: 2 };
        assert_eq!(hour_at(hour, at + SignedDuration::from_secs(3_599)), hour);
        let next = at + HOUR;
        assert_eq!(hour_at(hour, next), Hour { at: next, calls: 0, images: 0 });
        assert_eq!(hour_ends(hour), next);
    }
}
