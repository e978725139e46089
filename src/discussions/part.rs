//! A chat goes to another project: what its discussions hold of other chats stays behind, and what others hold of it goes along, so that
//! nobody comes to read what was said where they are not.

use std::collections::BTreeMap;

use super::correct::{CorrectError, hold, tell_there};
use super::other::other_of;
use super::titles::{entitle, entitle_anew};
use super::undo::{end_if_emptied, take_back};
use crate::App;
use crate::domain::{ChatId, DiscussionId, Happening, PostId, Source};
use crate::store::chats::Chat;
use crate::store::discussion_events::By;
use crate::store::discussions::Opening;
use crate::store::posts::Post;
use crate::store::{Error, Result, Tx, chats, corrections, discussion_events, discussions, posts};
use crate::threading::{Evidence, possible_titles};

/// Nobody did it by hand.
const BY: By = By { person: None, via: Source::Web };

/// Parts what the chat's discussions hold from what others hold, within the project that the chat is to leave.
pub(super) async fn part(tx: &mut Tx, app: &App, chat: &Chat) -> Result<()> {
    hold(tx, app, chat.project).await?;
    take_back_across(tx, app, chat).await?;
    let mut apart: BTreeMap<(DiscussionId, ChatId), Vec<PostId>> = BTreeMap::new();
    for (discussion, said_in, post) in posts::of_other_chats(tx, chat.id).await? {
        apart.entry((discussion, said_in)).or_default().push(post);
    }
    for ((discussion, said_in), said) in apart {
        take_out(tx, app, discussion, (said_in, &said)).await?;
    }
    Ok(())
}

/// Takes back every correction between what the chat's discussions hold and what others hold, with those on top of them.
async fn take_back_across(tx: &mut Tx, app: &App, chat: &Chat) -> Result<()> {
    for id in corrections::across(tx, chat.id).await? {
        let Some(correction) = corrections::find(tx, id).await? else { continue };
        match take_back(tx, app, &correction, BY).await {
            // Something else, undone since, has it elsewhere.
            Ok(_) | Err(CorrectError::Refused(_)) => {}
            Err(CorrectError::Store(error)) => return Err(error),
            Err(other) => return Err(Error::Protocol(other.to_string())),
        }
        let moved = corrections::posts(tx, id).await?;
        let moved = posts::these(tx, &moved).await?;
        for parted in [correction.from, correction.to] {
            let gone: Vec<&Post> = moved.iter().filter(|p| p.discussion != parted).collect();
            forget_words(tx, app, parted, &gone).await?;
        }
    }
    Ok(())
}

/// What was said in one chat and filed in another's discussion, by its number, becomes a discussion of the chat that it was said in: the one
/// that it had opened there, where that has ended in the other since.
async fn take_out(tx: &mut Tx, app: &App, discussion: DiscussionId, (said_in, said): (ChatId, &[PostId])) -> Result<()> {
    let from = discussions::get(tx, discussion).await?;
    let here = posts::of_discussion(tx, from.id, true).await?;
    let taken: Vec<_> = here.iter().filter(|p| said.contains(&p.id)).collect();
    let Some(first) = taken.first() else { return Ok(()) };
    let ended = discussions::ended_in(tx, from.id, said_in).await?;
    let to = if from.other {
        let chat = chats::get(tx, said_in).await?;
        other_of(tx, app, &chat, first.created_at).await?
    } else if let Some(again) = ended.first() {
        for other in ended.iter().skip(1) {
            discussions::set_merged(tx, *other, *again).await?;
        }
        discussions::set_parted(tx, *again, from.status).await?;
        discussions::get(tx, *again).await?
    } else {
        let opening = Opening { project: from.project, title: "", chat: Some(said_in), source: first.source, at: first.created_at };
        discussions::open(tx, &opening).await?
    };
    posts::set_discussion(tx, said, to.id).await?;
    let why = Evidence::Parted { from: from.number }.to_json();
    for post in said {
        if !from.other {
            posts::set_evidence(tx, *post, &why).await?;
            posts::set_class(tx, *post, None).await?;
        }
        tell_there(tx, *post, &to).await?;
    }
    posts::move_sent_messages(tx, said_in, (from.id, to.id)).await?;
    forget_words(tx, app, from.id, &taken).await?;
    if !from.other {
        if ended.is_empty() {
            entitle(tx, app, to.id).await?;
        }
        let now = app.clock.now();
        discussion_events::add(tx, from.id, BY, now, &Happening::Split { to: to.number }).await?;
        discussion_events::add(tx, to.id, BY, now, &Happening::SplitFrom { from: from.number }).await?;
    }
    discussions::refresh_last_post(tx, from.id).await?;
    discussions::refresh_last_post(tx, to.id).await
}

/// No title of the discussion, now or kept for an undo, is drawn from what others said and is there no more; without a post it leads on.
async fn forget_words(tx: &mut Tx, app: &App, left: DiscussionId, gone: &[&Post]) -> Result<()> {
    let left = discussions::get(tx, left).await?;
    if left.other {
        return Ok(());
    }
    let titles: Vec<String> = gone.iter().filter(|p| p.chat != left.chat).flat_map(|p| possible_titles(&p.body)).collect();
    if let Some(chat) = left.chat {
        corrections::forget_titles(tx, chat, &titles).await?;
    }
    entitle_anew(tx, app, &left, &titles).await?;
    end_if_emptied(tx, left.id).await
}
