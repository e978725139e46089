//! "Reply here": what somebody says right after tapping a card's button belongs to the card's discussion.

use jiff::{SignedDuration, Timestamp};

use super::quotes::bring_along;
use crate::domain::{ChatId, DiscussionId, PersonId, PostId};
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::{Result, Tx, posts, reply_taps};
use crate::threading::features::BURST_SECONDS;
use crate::threading::{Class, Evidence};

/// Whoever has said nothing for so long after the tap speaks of something else.
const SPEAKS_WITHIN: SignedDuration = SignedDuration::from_mins(5);
/// Messages that may come before the tap that they follow, as far as they are looked at.
const SAID_MAX: i64 = 20;

/// Somebody said at `at` that what they say next belongs to the discussion. What they did say next, where that arrived before the tap, goes
/// there: the numbers of discussions in which something changed.
pub async fn reply_here(tx: &mut Tx, (chat, person): (ChatId, PersonId), into: &Discussion, at: Timestamp) -> Result<Vec<i64>> {
    reply_taps::add(tx, (chat, person), into.id, at).await?;
    let said = posts::said_by_person(tx, (chat, person), (at, at + SPEAKS_WITHIN), SAID_MAX).await?;
    let ids: Vec<PostId> = next_burst(&said).iter().map(|p| p.id).collect();
    let changed = bring_along(tx, chat, &ids, into).await?;
    for id in ids {
        posts::set_evidence(tx, id, &Evidence::ReplyHere { number: into.number }.to_json()).await?;
        posts::set_class(tx, id, None).await?;
    }
    Ok(changed)
}

/// What was said first, in one go, if the threader has placed it.
fn next_burst(said: &[Post]) -> &[Post] {
    let is_decided = |p: &Post| p.class.as_deref().and_then(Class::find).is_some();
    let goes_on = |last: &Post, next: &Post| next.created_at.duration_since(last.created_at).as_secs() <= BURST_SECONDS;
    let ends = (0..said.len()).find(|&i| !is_decided(&said[i]) || i > 0 && !goes_on(&said[i - 1], &said[i]));
    &said[..ends.unwrap_or(said.len())]
}

/// Where the person's words at `at` belong, if the last thing that they did in the chat was to tap "reply here".
pub async fn tapped_before(tx: &mut Tx, (chat, person): (ChatId, PersonId), at: Timestamp) -> Result<Option<DiscussionId>> {
    let Some((discussion, tapped_at)) = reply_taps::last(tx, (chat, person), (at - SPEAKS_WITHIN, at)).await? else { return Ok(None) };
    let spoke = posts::said_by_person(tx, (chat, person), (tapped_at, at), 1).await?.iter().any(|p| p.created_at < at);
    Ok((!spoke).then_some(discussion))
}
