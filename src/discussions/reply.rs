//! What the bot answers at once to a tap or a typed command: for free, or not at all.

use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::domain::{ChatId, NEVER, NoticeKind, REPLY_TOKEN_GOOD_FOR, Reply};
use crate::store::notices::{NewNotice, Target};
use crate::store::{Result, Tx, notices};

/// The same answer to a second tap so soon after the first is left out.
const REPEATED_WITHIN: SignedDuration = SignedDuration::from_secs(2);

/// Promises the answer to a tap or a code, which is worth something for as long as the reply token that came at `received_at` is good.
pub async fn reply(tx: &mut Tx, app: &App, chat: ChatId, reply: &Reply, received_at: Timestamp) -> Result<()> {
    if notices::was_replied(tx, chat, &reply.to_json(), app.clock.now() - REPEATED_WITHIN).await? {
        return Ok(());
    }
    answer(tx, app, chat, reply, received_at).await
}

/// Promises the answer to a question that was typed: nobody types it twice by mistake, so each is answered.
pub async fn answer(tx: &mut Tx, app: &App, chat: ChatId, reply: &Reply, received_at: Timestamp) -> Result<()> {
    for_free(tx, app, chat, reply, received_at + REPLY_TOKEN_GOOD_FOR).await
}

/// Promises what the chat hears only with a free reply, and no more from `expires_at` on.
pub(super) async fn for_free(tx: &mut Tx, app: &App, chat: ChatId, reply: &Reply, expires_at: Timestamp) -> Result<()> {
    let now = app.clock.now();
    let new = NewNotice {
        kind: NoticeKind::Replied,
        discussion: None,
        post: None,
        target: Target::Chat(chat),
        due_at: now,
        deadline_at: now + NEVER,
        now,
        detail: Some(reply.to_json()),
        expires_at: Some(expires_at),
    };
    notices::add(tx, &new).await.map(drop)
}
