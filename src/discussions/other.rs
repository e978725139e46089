//! What was said in a chat and is no matter of its own: it rests in one place, from which it can be taken into a matter.

use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::domain::{ChatId, PersonId, PostId, Source};
use crate::store::chats::Chat;
use crate::store::discussions::{Discussion, Opening};
use crate::store::posts::Post;
use crate::store::{Result, Tx, discussions, posts};
use crate::threading::stream::WAIT_SECONDS;
use crate::threading::{Class, Evidence};

/// Messages of one person that are looked at for greetings that wait.
const SAID_MAX: i64 = 100;

/// Where what is no matter of its own rests in the chat, which the caller holds; made with the first of it, said at `at`.
pub async fn other_of(tx: &mut Tx, app: &App, chat: &Chat, at: Timestamp) -> Result<Discussion> {
    let title = app.texts().get("discussion.other");
    let opening = Opening { project: chat.project, title, chat: Some(chat.id), source: Source::Line, at };
    discussions::other_of(tx, &opening, chat.id).await
}

/// What the person said within two minutes before `since`, and until `at`, that waits for what it introduces, in order. What was said in one
/// go from `since` on introduces as one.
pub async fn introductions(tx: &mut Tx, chat: ChatId, person: Option<PersonId>, (since, at): (Timestamp, Timestamp)) -> Result<Vec<Post>> {
    let Some(person) = person else { return Ok(vec![]) };
    let since = since - SignedDuration::from_secs(WAIT_SECONDS);
    let mut said = posts::said_by_person(tx, (chat, person), (since, at), SAID_MAX).await?;
    said.retain(|p| p.class.as_deref() == Some(Class::Waits.as_str()) && p.retracted_at.is_none());
    Ok(said)
}

/// Takes posts that rest into a matter, for this reason. The number of the place where they rested, if there were any.
pub async fn take_along(tx: &mut Tx, resting: &[Post], into: &Discussion, why: &Evidence) -> Result<Option<i64>> {
    let Some(first) = resting.first() else { return Ok(None) };
    let ids: Vec<PostId> = resting.iter().map(|p| p.id).collect();
    posts::set_discussion(tx, &ids, into.id).await?;
    for id in ids {
        posts::set_evidence(tx, id, &why.to_json()).await?;
        posts::set_class(tx, id, Some(Class::Sure.as_str())).await?;
    }
    discussions::refresh_last_post(tx, first.discussion).await?;
    discussions::refresh_last_post(tx, into.id).await?;
    Ok(Some(discussions::get(tx, first.discussion).await?.number))
}
