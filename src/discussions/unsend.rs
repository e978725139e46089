//! What the group's members do to their own words after saying them.

use jiff::Timestamp;

use crate::App;
use crate::domain::ChatId;
use crate::store::posts::Post;
use crate::store::{Result, Tx, attachments, deliveries, discussions, inbound, notices, posts};
use crate::threading::title_of;

/// Puts an edit's text in; the newest wins, however they arrive. A title drawn from the old text follows. `None` where there is no such
/// message (yet).
pub async fn edit(tx: &mut Tx, app: &App, chat: ChatId, message: &str, text: &str, at: Timestamp) -> Result<Option<Post>> {
    let Some(post) = posts::find_line(tx, chat, message).await? else { return Ok(None) };
    if posts::edit(tx, post.id, text, at).await? {
        retitle(tx, app, &post, text).await?;
    }
    Ok(Some(post))
}

/// Takes a message back: its words and files go, a tombstone stays. Source: Messaging API reference, "Unsend event". Also remembered for
/// a message that has not arrived yet. Which files nothing refers to any more: they are deleted once the transaction is durable.
pub async fn unsend(tx: &mut Tx, app: &App, chat: ChatId, message: &str, at: Timestamp) -> Result<(Option<Post>, Vec<String>)> {
    posts::add_unsent(tx, chat, message, at).await?;
    let Some(post) = posts::find_line(tx, chat, message).await? else { return Ok((None, vec![])) };
    posts::retract(tx, post.id, at).await?;
    let unused = attachments::withdraw(tx, post.id).await?;
    inbound::forget_body_of(tx, post.id).await?;
    deliveries::thaw_untried_of_post(tx, post.id).await?;
    notices::drop_of_post(tx, post.id, "the message was taken back").await?;
    retitle(tx, app, &post, "").await?;
    Ok((Some(post), unused))
}

/// A title that was drawn from this post's old words is drawn anew.
async fn retitle(tx: &mut Tx, app: &App, old: &Post, text: &str) -> Result<()> {
    let discussion = discussions::get(tx, old.discussion).await?;
    if old.body.is_empty() || discussion.title != title_of(&old.body, "") {
        return Ok(());
    }
    let title = if text.is_empty() {
        let others = posts::of_discussion(tx, discussion.id, false).await?;
        let next = others.iter().find(|p| p.id != old.id && p.retracted_at.is_none() && !p.body.is_empty());
        next.map_or_else(|| app.texts().get("post.unsent").to_owned(), |p| title_of(&p.body, app.texts().get("post.unsent")))
    } else {
        title_of(text, &discussion.title)
    };
    discussions::set_title(tx, discussion.id, &title).await
}
