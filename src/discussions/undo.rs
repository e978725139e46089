//! Taking a correction back, to exactly what was.

use std::collections::{BTreeMap, HashSet};

use jiff::SignedDuration;

use super::Viewer;
use super::correct::{CorrectError, hold, staff_only, told_elsewhere};
use super::unsend::word_of_kind;
use crate::App;
use crate::domain::{CorrectionKind, DiscussionId, Happening, PostId, Source};
use crate::store::corrections::{Correction, Moved};
use crate::store::discussion_events::{self, By};
use crate::store::discussions::Discussion;
use crate::store::{self, Tx, corrections, discussions, examples, held_mails, notices, posts, watchers};
use crate::threading::title_of;

/// How long a correction can be taken back.
pub const UNDO_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// It was corrected too long ago.
pub const TOO_LATE: &str = "it was corrected more than 30 days ago";
/// Somebody undid it already.
pub const UNDONE_BEFORE: &str = "it was undone before";
/// All that it moved has gone elsewhere.
pub const CORRECTED_SINCE: &str = "it was corrected again since: undo that first";
/// Other titles that are looked at for one that is given back.
const TITLES_MAX: i64 = 200;
/// Corrections below one another that are looked at for where a post was.
const BELOW_MAX: usize = 32;

/// Takes the correction back; where its posts are again, and where they had gone. Posts that have gone elsewhere since stay there until that
/// is undone too, and what was said in a discussion that a split made comes along.
pub async fn undo(tx: &mut Tx, app: &App, viewer: &Viewer, id: i64, via: Source) -> Result<(Discussion, Discussion), CorrectError> {
    let now = app.clock.now();
    let correction = corrections::find(tx, id).await?.ok_or(CorrectError::NotFound)?;
    let before = discussions::get(tx, correction.from).await?;
    staff_only(viewer.role(tx, before.project).await?.ok_or(CorrectError::NotFound)?)?;
    let after = discussions::get(tx, correction.to).await?;
    hold(tx, app, &[&before, &after]).await?;
    if !corrections::set_undone(tx, id, now).await? {
        return Err(CorrectError::Refused(UNDONE_BEFORE));
    }
    if correction.at < now - UNDO_WITHIN {
        return Err(CorrectError::Refused(TOO_LATE));
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
    let moved = corrections::posts_still_in(tx, *id, *to).await?;
    if moved.is_empty() {
        return Err(CorrectError::Refused(CORRECTED_SINCE));
    }
    let came_from = discussions::get(tx, *from).await?;
    if let (Some(status), Some(into)) = (ended.status, came_from.merged_into) {
        if into != *to {
            return Err(CorrectError::Refused(CORRECTED_SINCE));
        }
        discussions::set_parted(tx, *from, status).await?;
    }
    let went_to = discussions::get(tx, *to).await?;
    let mut of_place: BTreeMap<DiscussionId, Vec<Moved>> = BTreeMap::new();
    for m in moved {
        let (place, m) = before(tx, *id, *from, m).await?;
        let place = discussions::get(tx, place).await?;
        of_place.entry(discussions::follow(tx, place).await?.id).or_default().push(m);
    }
    for (back, moved) in &of_place {
        put_back(tx, app, (moved, &went_to), *back, viewer).await?;
    }
    let came_from = discussions::get(tx, *from).await?;
    let number = came_from.number;
    let back = discussions::follow(tx, came_from).await?;
    for (chat, message, both) in &ended.sent {
        posts::move_sent_message(tx, (*chat, message), (*to, back.id), *both).await?;
    }
    notices::redirect_these(tx, &ended.notices, back.id).await?;
    discussion_events::redirect_these(tx, &ended.events, back.id).await?;
    if ended.status.is_some() {
        meant_for(tx, correction, number, (*to, back.id)).await?;
        watchers::give_back(tx, &ended.watchers, *to, back.id).await?;
        held_mails::give_back(tx, &ended.held, *to, back.id).await?;
    }
    if correction.kind == CorrectionKind::Split && went_to.merged_into.is_none() {
        end(tx, *to, back.id).await?;
    }
    discussions::refresh_last_post(tx, back.id).await?;
    discussions::refresh_last_post(tx, *to).await?;
    Ok(())
}

/// What was said since by the number of the discussion that had ended, or quotes what is there again, was meant for it: it goes along.
async fn meant_for(tx: &mut Tx, correction: &Correction, number: i64, (to, back): (DiscussionId, DiscussionId)) -> store::Result<()> {
    let mut known: HashSet<String> = correction.ended.sent.iter().filter(|(_, _, both)| !both).map(|(_, m, _)| m.clone()).collect();
    known.extend(posts::of_discussion(tx, back, true).await?.into_iter().filter_map(|p| p.external_id));
    for post in posts::of_discussion(tx, to, true).await?.into_iter().filter(|p| p.created_at >= correction.at) {
        let evidence: serde_json::Value = serde_json::from_str(&post.evidence).unwrap_or_default();
        let is_meant = match evidence.get("rule").and_then(serde_json::Value::as_str) {
            Some("number") => evidence.get("number").and_then(serde_json::Value::as_i64) == Some(number),
            Some("quote") => evidence.get("quoted").and_then(serde_json::Value::as_str).is_some_and(|m| known.contains(m)),
            _ => false,
        };
        if is_meant {
            posts::set_discussion(tx, &[post.id], back).await?;
            notices::redirect_post(tx, post.id, back).await?;
            known.extend(post.external_id);
        }
    }
    Ok(())
}

/// Where the post was before the correction `id` took it out of `from`, and why; what had brought it there may have been undone since.
async fn before(tx: &mut Tx, id: i64, from: DiscussionId, moved: Moved) -> store::Result<(DiscussionId, Moved)> {
    let (mut place, mut moved, mut below) = (from, moved, id);
    for _ in 0..BELOW_MAX {
        let Some((earlier, from, was)) = corrections::undone_below(tx, moved.post, place, below).await? else { break };
        (place, moved, below) = (from, was, earlier);
    }
    Ok((place, moved))
}

async fn put_back(
    tx: &mut Tx,
    app: &App,
    (moved, from): (&[Moved], &Discussion),
    back: DiscussionId,
    viewer: &Viewer,
) -> store::Result<()> {
    let ids: Vec<PostId> = moved.iter().map(|m| m.post).collect();
    let to = discussions::get(tx, back).await?;
    told_elsewhere(tx, app, &ids, (from, &to), Some(viewer.person)).await?;
    posts::set_discussion(tx, &ids, back).await?;
    for m in moved {
        posts::set_evidence(tx, m.post, &m.evidence).await?;
        posts::set_class(tx, m.post, m.class.as_deref()).await?;
        notices::redirect_post(tx, m.post, back).await?;
    }
    discussions::refresh_last_post(tx, back).await
}

/// What the split made is no more: what was said in it since comes along, with who follows it and what waits there, and its number leads
/// back.
async fn end(tx: &mut Tx, made: DiscussionId, back: DiscussionId) -> store::Result<()> {
    let since: Vec<PostId> = posts::of_discussion(tx, made, true).await?.iter().map(|p| p.id).collect();
    posts::set_discussion(tx, &since, back).await?;
    posts::redirect_sent_messages(tx, made, back).await?;
    notices::redirect(tx, made, back).await?;
    watchers::redirect(tx, made, back).await?;
    held_mails::redirect(tx, made, back).await?;
    corrections::redirect(tx, made, back).await?;
    discussions::set_merged(tx, made, back).await
}

/// The title that it had; drawn anew where the words of it were taken back. Where a person has given it another since, that stands, and
/// undoing that one gives this one back.
async fn give_title_back(tx: &mut Tx, app: &App, correction: &Correction) -> store::Result<()> {
    let title = match &correction.title {
        Some(title) => title.clone(),
        None if correction.kind == CorrectionKind::Title => drawn(tx, app, correction.from).await?,
        None => return Ok(()),
    };
    for (later, by_person) in corrections::titled_after(tx, correction.id, correction.from, TITLES_MAX).await? {
        if by_person {
            return corrections::set_title(tx, later, &title).await;
        }
        corrections::forget_title(tx, later).await?;
    }
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
