//! What a discussion is called, drawn from what is said in it.

use super::unsend::word_of_kind;
use crate::App;
use crate::domain::DiscussionId;
use crate::store::discussions::Discussion;
use crate::store::{Result, Tx, discussions, posts};
use crate::threading::title_of;

/// A title out of what there is.
pub(super) async fn drawn(tx: &mut Tx, app: &App, discussion: DiscussionId) -> Result<String> {
    let all = posts::of_discussion(tx, discussion, false).await?;
    let left: Vec<_> = all.iter().filter(|p| p.retracted_at.is_none()).collect();
    Ok(match left.iter().find(|p| !p.body.is_empty()).or(left.first()) {
        Some(post) => title_of(&post.body, word_of_kind(app, &post.kind)),
        None => app.texts().get("post.unsent").to_owned(),
    })
}

/// Gives the discussion a title out of what there is.
pub(super) async fn entitle(tx: &mut Tx, app: &App, discussion: DiscussionId) -> Result<()> {
    let title = drawn(tx, app, discussion).await?;
    discussions::set_title(tx, discussion, &title).await
}

/// Likewise, where its title is one of those that were drawn from what is gone from it: any other was given by a person or is drawn from
/// what is left. Whether it was.
pub(super) async fn entitle_anew(tx: &mut Tx, app: &App, left: &Discussion, gone: &[String]) -> Result<bool> {
    let was_drawn = gone.contains(&left.title);
    if was_drawn {
        entitle(tx, app, left.id).await?;
    }
    Ok(was_drawn)
}
