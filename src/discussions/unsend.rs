//! What the group's members do to their own words after saying them.

use jiff::Timestamp;

use super::audience::hand_on_acknowledgement;
use crate::App;
use crate::domain::{DiscussionId, Why};
use crate::store::chats::Chat;
use crate::store::posts::Post;
use crate::store::{Result, Tx, attachments, corrections, deliveries, discussions, inbound, notices, posts, versions};
use crate::threading::{Evidence, possible_titles, title_of};

/// How a post reads from some time on.
#[derive(Clone, Copy, Debug)]
pub struct Wording<'a> {
    /// LINE's time of the event that brought it.
    pub at: Timestamp,
    pub body: &'a str,
    /// JSON of [`crate::domain::Details`].
    pub details: Option<&'a str>,
}

/// Keeps a wording of the post and shows the newest of all, however they arrive. A title drawn from the old words follows.
pub async fn edit(tx: &mut Tx, app: &App, post: &Post, wording: &Wording<'_>) -> Result<()> {
    if post.edited_at.is_none() {
        let details = post.details.to_json();
        versions::add(tx, post.id, post.created_at, &post.body, details.as_deref()).await?;
    }
    versions::add(tx, post.id, wording.at, wording.body, wording.details).await?;
    let Some(newest) = versions::of_post(tx, post.id).await?.pop() else { return Ok(()) };
    posts::set_wording(tx, post.id, &newest.body, newest.details.to_json().as_deref(), newest.at).await?;
    let discussion = discussions::get(tx, post.discussion).await?;
    if possible_titles(&post.body).contains(&discussion.title) {
        discussions::set_title(tx, discussion.id, &title_of(&newest.body, word_of_kind(app, &post.kind))).await?;
    }
    Ok(())
}

/// Takes a message back: its words, their versions and its files go, a tombstone stays. Source: Messaging API reference, "Unsend event".
/// Also remembered for a message that has not arrived yet. Of a set of pictures only the one goes, and the set once all have gone.
/// Which files nothing refers to any more: they are deleted once the transaction is durable.
pub async fn unsend(tx: &mut Tx, app: &App, chat: &Chat, message: &str, at: Timestamp) -> Result<(Option<Post>, Vec<String>)> {
    posts::add_unsent(tx, chat.id, message, at).await?;
    inbound::forget_message(tx, &chat.inbox, message).await?;
    let Some(post) = posts::find_line(tx, chat.id, message).await? else { return Ok((None, vec![])) };
    let drawn = titles_of(tx, &post).await?;
    let of_set = post.image_set.is_some();
    let unused = attachments::withdraw(tx, post.id, of_set.then_some(message)).await?;
    let gone_at = if of_set {
        let (left, last) = posts::set_left(tx, post.id, chat.id).await?;
        last.filter(|_| left == 0)
    } else {
        posts::unsent_at(tx, chat.id, message).await?
    };
    let mut retitled = vec![];
    if let Some(at) = gone_at {
        posts::retract(tx, post.id, at).await?;
        versions::forget(tx, post.id).await?;
        corrections::forget_titles(tx, chat.id, &drawn).await?;
        let evidence = Evidence::read(&post.evidence).map_or_else(|| "{}".to_owned(), |e| e.without_words().to_json());
        posts::set_evidence(tx, post.id, &evidence).await?;
        corrections::forget_evidence(tx, post.id, &evidence).await?;
        retitled = retitle(tx, app, chat, &drawn).await?;
    }
    // A mail that is frozen names the files: it is written anew, without what went.
    deliveries::take_back(tx, post.id, &retitled).await?;
    if gone_at.is_some() {
        hand_on_acknowledgement(tx, &post).await?;
        notices::drop_of_post(tx, post.id, Why::TakenBack.as_str()).await?;
    }
    Ok((Some(post), unused))
}

/// Takes a whole post back which no LINE message brought: likewise.
pub(super) async fn withdraw(tx: &mut Tx, app: &App, chat: &Chat, post: &Post, at: Timestamp) -> Result<Vec<String>> {
    let drawn = titles_of(tx, post).await?;
    let unused = attachments::withdraw(tx, post.id, None).await?;
    posts::retract(tx, post.id, at).await?;
    versions::forget(tx, post.id).await?;
    corrections::forget_titles(tx, chat.id, &drawn).await?;
    let retitled = retitle(tx, app, chat, &drawn).await?;
    deliveries::take_back(tx, post.id, &retitled).await?;
    notices::drop_of_post(tx, post.id, Why::TakenBack.as_str()).await?;
    Ok(unused)
}

/// Every title that may have been drawn from the post: from a wording of it, or from the name of a file.
async fn titles_of(tx: &mut Tx, post: &Post) -> Result<Vec<String>> {
    let mut drawn = possible_titles(&post.body);
    drawn.extend(versions::of_post(tx, post.id).await?.iter().flat_map(|v| possible_titles(&v.body)));
    drawn.extend(attachments::of_post(tx, post.id).await?.into_iter().map(|a| a.name));
    drawn.retain(|title| !title.is_empty());
    Ok(drawn)
}

/// Titles that may have been drawn from what was taken back are drawn anew from what is left: also those of discussions that the post
/// has been moved out of. Which discussions have another title now.
async fn retitle(tx: &mut Tx, app: &App, chat: &Chat, drawn: &[String]) -> Result<Vec<DiscussionId>> {
    let unsent = app.texts().get("post.unsent");
    let mut changed = vec![];
    for discussion in discussions::titled(tx, chat.id, drawn).await? {
        let all = posts::of_discussion(tx, discussion.id, false).await?;
        let left: Vec<&Post> = all.iter().filter(|p| p.retracted_at.is_none()).collect();
        let title = match left.iter().find(|p| !p.body.is_empty()).or(left.first()) {
            Some(next) => title_of(&next.body, word_of_kind(app, &next.kind)),
            None => unsent.to_owned(),
        };
        if title != discussion.title {
            discussions::set_title(tx, discussion.id, &title).await?;
            changed.push(discussion.id);
        }
    }
    Ok(changed)
}

/// What a message without words is called.
pub fn word_of_kind(app: &App, kind: &str) -> &'static str {
    app.texts().get(match kind {
        "image" => "message.image",
        "video" => "message.video",
        "audio" => "message.audio",
        "file" => "message.file",
        "location" => "message.location",
        "sticker" => "message.sticker",
        _ => "discussion.untitled",
    })
}
