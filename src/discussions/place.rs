//! What a person answers to where one post stands: here, there, in a discussion of its own, no matter at all.

use jiff::SignedDuration;

use super::Viewer;
use super::correct::{CorrectError, Corrected, Splitting, move_posts, post_as_staff, split};
use super::learning::confirmed;
use super::other::other_of;
use crate::App;
use crate::domain::{PostId, Source};
use crate::store::posts::Post;
use crate::store::{Tx, chats, examples, posts};
use crate::threading::{Class, Evidence};

/// What one person said with no longer a pause than this was said together.
const SAID_TOGETHER_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// How much goes along with a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// It goes alone.
    Alone,
    /// What its author said with no longer a pause than a minute.
    Burst,
    /// Everything that follows.
    Rest,
}

/// Where a person says that a post belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where it is.
    Here,
    /// In the discussion with this number.
    Number(i64),
    /// In one of its own.
    New,
    /// It is no matter of its own.
    Other,
    /// Nobody has said: that it was confirmed is taken back.
    Unsaid,
}

/// Puts a post, with what goes along, where a person says that it belongs.
pub async fn place(
    tx: &mut Tx,
    app: &App,
    viewer: &Viewer,
    (post, with): (PostId, With),
    place: Place,
    via: Source,
) -> Result<Corrected, CorrectError> {
    let (post, from) = post_as_staff(tx, app, viewer, post).await?;
    let here = posts::of_discussion(tx, from.id, true).await?;
    let along = along(&here, &post, with);
    match place {
        Place::Here => {
            for id in &along {
                posts::confirm(tx, *id).await?;
            }
            let together: Vec<&Post> = here.iter().filter(|p| along.contains(&p.id)).collect();
            confirmed(tx, app, &together, &from).await?;
            Ok(Corrected { from: from.number, to: from, id: None })
        }
        Place::Unsaid => {
            for post in here.iter().filter(|p| along.contains(&p.id) && p.class.as_deref() == Some("confirmed")) {
                examples::forget_confirmed(tx, post.id).await?;
                posts::set_class(tx, post.id, decided_class(&post.evidence).map(Class::as_str)).await?;
            }
            Ok(Corrected { from: from.number, to: from, id: None })
        }
        Place::Number(number) => move_posts(tx, app, viewer, &along, number, via).await,
        Place::New if along.len() == here.len() && !from.other => Err(CorrectError::Refused("it is a discussion of its own already")),
        Place::New => split(tx, app, viewer, &Splitting { number: from.number, posts: &along, title: None }, via).await,
        Place::Other => {
            let chat = from.chat.ok_or(CorrectError::Refused("only what was said in a chat can rest there"))?;
            let chat = chats::get(tx, chat).await?;
            let other = other_of(tx, app, &chat, post.created_at).await?;
            move_posts(tx, app, viewer, &along, other.number, via).await
        }
    }
}

/// How sure the threader was, as its decision is kept.
fn decided_class(evidence: &str) -> Option<Class> {
    match Evidence::read(evidence)? {
        Evidence::Threader { class, .. } => Some(class),
        _ => None,
    }
}

/// The posts that are meant, in order.
fn along(here: &[Post], post: &Post, with: With) -> Vec<PostId> {
    let Some(at) = here.iter().position(|p| p.id == post.id) else { return vec![] };
    let mut ids = vec![post.id];
    let mut last = post.created_at;
    for next in &here[at + 1..] {
        match with {
            With::Alone => break,
            With::Rest => ids.push(next.id),
            With::Burst => {
                if next.created_at.duration_since(last) > SAID_TOGETHER_WITHIN {
                    break;
                }
                if next.person == post.person && post.person.is_some() {
                    ids.push(next.id);
                    last = next.created_at;
                }
            }
        }
    }
    ids
}
