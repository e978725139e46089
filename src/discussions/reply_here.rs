//! "Reply here": what somebody says right after tapping a card's button belongs to the card's discussion.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::audience::{Told, promise};
use super::meant::{live_again, meant};
use super::post::reopen;
use super::quotes::{bring, follow_quote};
use super::titles::entitle_anew;
use crate::App;
use crate::domain::{ChatId, DiscussionId, LineMessageId, PersonId, Why};
use crate::store::chats::Chat;
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::{Result, Tx, discussions, notices, posts, reply_taps};
use crate::threading::features::BURST_SECONDS;
use crate::threading::{Class, Evidence, possible_titles};

/// Whoever has said nothing for so long after the tap speaks of something else.
const SPEAKS_WITHIN: SignedDuration = SignedDuration::from_mins(5);
/// Messages that may come before the tap that they follow, as far as they are looked at.
const SAID_MAX: i64 = 20;

/// Somebody said at `at` that what they say next belongs to the discussion `tapped`. What they did say next, where that arrived before the
/// tap, goes there, or where that leads: the numbers of discussions in which something changed.
pub async fn reply_here(tx: &mut Tx, app: &App, by: (&Chat, PersonId), tapped: &Discussion, at: Timestamp) -> Result<Vec<i64>> {
    let (chat, person) = (by.0.id, by.1);
    reply_taps::add(tx, (chat, person), tapped.id, at).await?;
    let why = Evidence::ReplyHere { number: tapped.number }.to_json();
    let Some(mut into) = meant(tx, by.0.project, tapped.clone()).await? else { return Ok(vec![]) };
    let said = posts::said_by_person(tx, (chat, person), (at, at + SPEAKS_WITHIN), SAID_MAX).await?;
    let next = next_burst(&said);
    let Some(first) = next.first() else { return Ok(vec![]) };
    // They may have tapped on another card since.
    if reply_taps::last(tx, (chat, person), (at, first.created_at)).await?.is_none_or(|(_, last)| last != at) {
        return Ok(vec![]);
    }
    live_again(tx, &mut into, By { person: Some(person), via: first.source }, first.created_at).await?;
    let mut changed = vec![];
    let mut left: BTreeMap<DiscussionId, Vec<String>> = BTreeMap::new();
    for post in next {
        if post.discussion != into.id {
            let rested = discussions::get(tx, post.discussion).await?.other;
            let Some(number) = bring(tx, &Post { quotes: None, ..post.clone() }, &into).await? else { continue };
            changed.push(number);
            tell_here(tx, app, &mut into, (post, rested)).await?;
            left.entry(post.discussion).or_default().extend(possible_titles(&post.body));
            if let Some(message) = post.external_id.clone().map(LineMessageId) {
                changed.extend(follow_quote(tx, chat, &message, &into).await?);
            }
        }
        posts::set_evidence(tx, post.id, &why).await?;
        posts::set_class(tx, post.id, None).await?;
    }
    for (id, titles) in left {
        let from = discussions::get(tx, id).await?;
        if !from.other && from.merged_into.is_none() {
            entitle_anew(tx, app, &from, &titles).await?;
        }
    }
    Ok(changed)
}

/// Tells of the post as what it is by now: not of a new matter, where that was not told yet; and of what had rested, untold.
async fn tell_here(tx: &mut Tx, app: &App, into: &mut Discussion, (post, rested): (&Post, bool)) -> Result<()> {
    let untold = notices::drop_of_post(tx, post.id, Why::ToldElsewhere.as_str()).await? > 0;
    if post.retracted_at.is_some() {
        return Ok(());
    }
    let by_staff = post.role.is_staff();
    if !by_staff {
        reopen(tx, into, By { person: post.person, via: post.source }, post.created_at).await?;
    }
    if !untold && !rested {
        return Ok(());
    }
    let told = Told { post: post.id, by: post.person, by_staff, source: post.source, internal: false, opens: false, silent: true };
    promise(tx, app, into, &told).await
}

/// What was said first, in one go, if the threader has placed it, or a tap before.
fn next_burst(said: &[Post]) -> &[Post] {
    let may_go = |p: &Post| {
        p.class.as_deref().and_then(Class::find).is_some() || matches!(Evidence::read(&p.evidence), Some(Evidence::ReplyHere { .. }))
    };
    let goes_on = |last: &Post, next: &Post| next.created_at.duration_since(last.created_at).as_secs() <= BURST_SECONDS;
    let ends = (0..said.len()).find(|&i| !may_go(&said[i]) || i > 0 && !goes_on(&said[i - 1], &said[i]));
    &said[..ends.unwrap_or(said.len())]
}

/// On which discussion the person tapped "reply here", if that was the last thing that they did in the chat before `at`.
pub async fn tapped_before(tx: &mut Tx, (chat, person): (ChatId, PersonId), at: Timestamp) -> Result<Option<Discussion>> {
    let Some((tapped, tapped_at)) = reply_taps::last(tx, (chat, person), (at - SPEAKS_WITHIN, at)).await? else { return Ok(None) };
    if posts::said_by_person(tx, (chat, person), (tapped_at, at), 1).await?.iter().any(|p| p.created_at < at) {
        return Ok(None);
    }
    discussions::get(tx, tapped).await.map(Some)
}
