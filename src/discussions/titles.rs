//! What a discussion is called, drawn from what is said in it.

use super::apart::SAID_TOGETHER_WITHIN;
use super::unsend::word_of_kind;
use crate::App;
use crate::domain::DiscussionId;
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::{Result, Tx, attachments, discussions, posts};
use crate::threading::{said_alone, said_in, title_of};

/// A title out of what there is: the first line of what was said first, in one go, that says what it is about.
pub(super) async fn drawn(tx: &mut Tx, app: &App, discussion: DiscussionId) -> Result<String> {
    let all = posts::of_discussion(tx, discussion, false).await?;
    let left: Vec<_> = all.iter().filter(|p| p.retracted_at.is_none()).collect();
    let Some(first) = left.first() else {
        // Of notes for staff alone nothing is to be read in a title.
        let noted = posts::of_discussion(tx, discussion, true).await?.iter().any(|p| p.internal && p.retracted_at.is_none());
        return Ok(app.texts().get(if noted { "discussion.untitled" } else { "post.unsent" }).to_owned());
    };
    let begun = begun(&left);
    let says = begun.iter().find_map(|body| said_alone(body)).or_else(|| begun.iter().find_map(|body| said_in(body)));
    if let Some(says) = says {
        return Ok(says);
    }
    let post = left.iter().find(|p| !p.body.is_empty()).unwrap_or(first);
    let file = if post.kind == "file" { attachments::of_post(tx, post.id).await?.into_iter().next() } else { None };
    let wordless = file.map_or_else(|| word_of_kind(app, &post.kind).to_owned(), |file| file.name);
    Ok(title_of(&post.body, &wordless))
}

/// What the one who spoke first said in one go, whoever spoke in between.
fn begun<'p>(all: &[&'p Post]) -> Vec<&'p str> {
    let Some(first) = all.first() else { return vec![] };
    let (mut said, mut last) = (vec![], first.created_at);
    for post in all.iter().filter(|p| p.person == first.person) {
        if post.created_at.duration_since(last) > SAID_TOGETHER_WITHIN {
            break;
        }
        last = post.created_at;
        said.push(post.body.as_str());
    }
    said
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
