//! Taking a correction back, to exactly what was.

use jiff::SignedDuration;

use super::Viewer;
use super::correct::{CorrectError, staff_only, told_elsewhere};
use super::unsend::word_of_kind;
use crate::App;
use crate::domain::{CorrectionKind, DiscussionId, Happening, PostId, Source};
use crate::store::corrections::Correction;
use crate::store::discussion_events::{self, By};
use crate::store::discussions::Discussion;
use crate::store::{self, Tx, corrections, discussions, examples, notices, posts};
use crate::threading::title_of;

/// How long a correction can be taken back.
pub const UNDO_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Takes the correction back; where its posts are again, and where they had gone. Posts that have gone elsewhere since stay there, and
/// what was said in a discussion that a split made comes along.
pub async fn undo(tx: &mut Tx, app: &App, viewer: &Viewer, id: i64, via: Source) -> Result<(Discussion, Discussion), CorrectError> {
    let now = app.clock.now();
    let correction = corrections::find(tx, id).await?.ok_or(CorrectError::NotFound)?;
    let before = discussions::get(tx, correction.from).await?;
    staff_only(viewer.role(tx, before.project).await?.ok_or(CorrectError::NotFound)?)?;
    if correction.at < now - UNDO_WITHIN {
        return Err(CorrectError::Refused("it was corrected more than 30 days ago"));
    }
    if !corrections::set_undone(tx, id, now).await? {
        return Err(CorrectError::Refused("it was undone before"));
    }
    examples::forget(tx, id).await?;
    if correction.kind != CorrectionKind::Title {
        bring_back(tx, app, &correction, viewer).await?;
    }
    give_title_back(tx, app, &correction).await?;
    let found = discussions::get(tx, correction.from).await?;
    let from = discussions::follow(tx, found).await?;
    let to = discussions::get(tx, correction.to).await?;
    let by = By { person: Some(viewer.person), via };
    discussion_events::add(tx, from.id, by, now, &Happening::Undone { of: correction.kind, other: to.number }).await?;
    if to.id != from.id && to.merged_into.is_none() {
        discussion_events::add(tx, to.id, by, now, &Happening::Undone { of: correction.kind, other: from.number }).await?;
    }
    Ok((from, to))
}

async fn bring_back(tx: &mut Tx, app: &App, correction: &Correction, viewer: &Viewer) -> Result<(), CorrectError> {
    let Correction { id, from, to, ended, .. } = correction;
    let came_from = discussions::get(tx, *from).await?;
    if let (Some(status), Some(into)) = (ended.status, came_from.merged_into) {
        if into != *to {
            return Err(CorrectError::Refused("the discussion has been merged into another since"));
        }
        discussions::set_parted(tx, *from, status).await?;
    }
    let came_from = discussions::get(tx, *from).await?;
    let back = discussions::follow(tx, came_from).await?;
    let went_to = discussions::get(tx, *to).await?;
    let moved = corrections::posts_still_in(tx, *id, *to).await?;
    let ids: Vec<PostId> = moved.iter().map(|m| m.post).collect();
    told_elsewhere(tx, app, &ids, (&went_to, &back), Some(viewer.person)).await?;
    posts::set_discussion(tx, &ids, back.id).await?;
    for m in &moved {
        posts::set_evidence(tx, m.post, &m.evidence).await?;
        posts::set_class(tx, m.post, m.class.as_deref()).await?;
        notices::redirect_post(tx, m.post, back.id).await?;
    }
    for (chat, message, both) in &ended.sent {
        posts::move_sent_message(tx, (*chat, message), (*to, back.id), *both).await?;
    }
    notices::redirect_these(tx, &ended.notices, back.id).await?;
    discussion_events::redirect_these(tx, &ended.events, back.id).await?;
    if correction.kind == CorrectionKind::Split && went_to.merged_into.is_none() {
        end(tx, *to, back.id).await?;
    }
    discussions::refresh_last_post(tx, back.id).await?;
    discussions::refresh_last_post(tx, *to).await?;
    Ok(())
}

/// What the split made is no more: what was said in it since comes along, and its number leads back.
async fn end(tx: &mut Tx, made: DiscussionId, back: DiscussionId) -> store::Result<()> {
    let since: Vec<PostId> = posts::of_discussion(tx, made, true).await?.iter().map(|p| p.id).collect();
    posts::set_discussion(tx, &since, back).await?;
    posts::redirect_sent_messages(tx, made, back).await?;
    notices::redirect(tx, made, back).await?;
    discussions::set_merged(tx, made, back).await
}

/// The title that it had; drawn anew where the words of it were taken back.
async fn give_title_back(tx: &mut Tx, app: &App, correction: &Correction) -> store::Result<()> {
    let title = match &correction.title {
        Some(title) => title.clone(),
        None if correction.kind == CorrectionKind::Title => drawn(tx, app, correction.from).await?,
        None => return Ok(()),
    };
    discussions::set_title(tx, correction.from, &title).await
}

/// A title out of what there is.
pub(super) async fn drawn(tx: &mut Tx, app: &App, discussion: DiscussionId) -> store::Result<String> {
    let all = posts::of_discussion(tx, discussion, false).await?;
    let left: Vec<_> = all.iter().filter(|p| p.retracted_at.is_none()).collect();
    Ok(match left.iter().find(|p| !p.body.is_empty()).or(left.first()) {
        Some(post) => title_of(&post.body, word_of_kind(app, &post.kind)),
        None => app.texts().get("post.unsent").to_owned(),
    })
}
