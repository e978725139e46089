//! Taking a correction back, to exactly what was.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::Viewer;
use super::correct::{CorrectError, end, hold, staff_only, tell_there, told_elsewhere};
use super::titles::{drawn, entitle};
use crate::App;
use crate::domain::{CorrectionKind, DiscussionId, Happening, HappeningKind, PersonId, PostId, Role, Source, Status, Why};
use crate::store::corrections::{Correction, OfPost};
use crate::store::discussion_events::{self, By};
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::{self, Tx, corrections, discussions, examples, held_mails, notices, posts, watchers};
use crate::threading::Evidence;

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

/// Takes the correction back; where its posts are again, and where they had gone. Posts that have gone elsewhere since stay there until that
/// is undone too, and what was said in a discussion that a split made comes along.
pub async fn undo(tx: &mut Tx, app: &App, viewer: &Viewer, id: i64, via: Source) -> Result<(Discussion, Discussion), CorrectError> {
    let now = app.clock.now();
    let correction = corrections::find(tx, id).await?.ok_or(CorrectError::NotFound)?;
    let before = discussions::get(tx, correction.from).await?;
    staff_only(viewer.role(tx, before.project).await?.ok_or(CorrectError::NotFound)?)?;
    hold(tx, app, before.project).await?;
    if correction.at < now - UNDO_WITHIN && corrections::find(tx, id).await?.is_some_and(|c| c.undone_at.is_none()) {
        return Err(CorrectError::Refused(TOO_LATE));
    }
    take_back(tx, app, &correction, By { person: Some(viewer.person), via }).await
}

/// Takes the correction back, whoever may do so; the caller holds the project.
pub(super) async fn take_back(tx: &mut Tx, app: &App, correction: &Correction, by: By) -> Result<(Discussion, Discussion), CorrectError> {
    let (id, now) = (correction.id, app.clock.now());
    if !corrections::set_undone(tx, id, now).await? {
        return Err(CorrectError::Refused(UNDONE_BEFORE));
    }
    examples::forget(tx, id).await?;
    if correction.kind != CorrectionKind::Title {
        bring_back(tx, app, correction, by).await?;
    }
    give_title_back(tx, app, correction).await?;
    let found = discussions::get(tx, correction.from).await?;
    let from = discussions::follow(tx, found).await?;
    let to = discussions::get(tx, correction.to).await?;
    discussion_events::add(tx, from.id, by, now, &Happening::Undone { of: correction.kind, other: to.number }).await?;
    if to.id != from.id && to.merged_into.is_none() {
        discussion_events::add(tx, to.id, by, now, &Happening::Undone { of: correction.kind, other: from.number }).await?;
    }
    Ok((from, to))
}

/// Where a post stands without a correction, by those that are left.
struct Without {
    post: PostId,
    /// As the corrections say; it may have ended, and leads on.
    place: DiscussionId,
    /// Where it has stood, the last first: for where its place is of another project by now.
    or_else: Vec<DiscussionId>,
    /// Why it is there; `None` where nothing but the place is taken back.
    why: Option<(String, Option<String>)>,
}

async fn bring_back(tx: &mut Tx, app: &App, correction: &Correction, by: By) -> Result<(), CorrectError> {
    let Correction { id, from, to, ended, .. } = correction;
    let mut back = vec![];
    let moved = corrections::posts(tx, *id).await?;
    for post in &moved {
        let all = corrections::of_post(tx, *post).await?;
        if all.iter().rfind(|c| c.id == *id || !c.undone).is_some_and(|c| c.id == *id) {
            back.extend(without(tx, *post, &all).await?);
        }
    }
    // A discussion that other corrections, undone meanwhile, had left empty can have been merged, too.
    if back.is_empty() && !(moved.is_empty() && ended.status.is_some()) {
        return Err(CorrectError::Refused(CORRECTED_SINCE));
    }
    let came_from = discussions::get(tx, *from).await?;
    let revived = ended.status.filter(|_| came_from.merged_into.is_some());
    let led_to = discussions::follow(tx, came_from).await?;
    if let Some(status) = revived {
        discussions::set_parted(tx, *from, status).await?;
        back.extend(follows(tx, &led_to, *from).await?);
    }
    let brought: Vec<PostId> = back.iter().map(|w| w.post).collect();
    let left = put_back(tx, app, &back, by.person).await?;
    let came_from = discussions::get(tx, *from).await?;
    // Its title went when the words that it was drawn from were taken back, while it was empty.
    if revived.is_some() && came_from.title == app.texts().get("post.unsent") {
        entitle(tx, app, *from).await?;
    }
    let back = discussions::follow(tx, came_from).await?;
    for (chat, message, both) in &ended.sent {
        posts::move_sent_message(tx, (*chat, message), (*to, back.id), *both).await?;
    }
    notices::redirect_these(tx, &ended.notices, back.id, Why::PutAside.as_str()).await?;
    if revived.is_some() {
        // What was on its way when all of it was put aside.
        notices::redirect_all(tx, *from, back.id, Why::PutAside.as_str()).await?;
    }
    discussion_events::redirect_these(tx, &ended.events, back.id).await?;
    let gone_to = discussions::get(tx, *to).await?;
    let gone_to = if ended.status.is_some() { led_to } else { discussions::follow(tx, gone_to).await? };
    if gone_to.id != back.id && gone_to.project == back.project {
        // Where the discussion had ended, what speaks of any of it was meant for it; else what speaks of these posts.
        let spoken_of =
            if ended.status.is_some() { posts::of_discussion(tx, back.id, true).await? } else { posts::these(tx, &brought).await? };
        meant_for(tx, correction, &spoken_of, (gone_to.id, back.id)).await?;
    }
    if ended.status.is_some() {
        watchers::give_back(tx, &ended.watchers, *to, back.id).await?;
        held_mails::give_back(tx, &ended.held, *to, back.id).await?;
    }
    for made in [*to, *from] {
        end_if_undone(tx, made).await?;
    }
    for emptied in left {
        end_if_emptied(tx, emptied).await?;
    }
    close_again(tx, correction, (by, app.clock.now())).await?;
    discussions::refresh_last_post(tx, back.id).await?;
    discussions::refresh_last_post(tx, *to).await?;
    Ok(())
}

/// Where the corrections that are left have put the post, and why it is there: what the next one found, though it is undone.
async fn without(tx: &mut Tx, post: PostId, all: &[OfPost]) -> store::Result<Option<Without>> {
    let stands = all.iter().rposition(|c| !c.undone);
    let (Some(first), Some(after)) = (all.first(), all.get(stands.map_or(0, |at| at + 1))) else { return Ok(None) };
    let place = match stands {
        Some(at) => all[at].to,
        // A discussion that had ended when it was named may live again.
        None => match number_of(&first.evidence) {
            Some(number) => discussions::find(tx, number).await?.map_or(first.from, |named| named.id),
            None => first.from,
        },
    };
    Ok(Some(Without {
        post,
        place,
        or_else: all.iter().rev().map(|c| c.from).collect(),
        why: Some((after.evidence.clone(), after.class.clone())),
    }))
}

/// What had been led on from `revived`, and was put there when other corrections were undone meanwhile: it goes along.
async fn follows(tx: &mut Tx, led_to: &Discussion, revived: DiscussionId) -> store::Result<Vec<Without>> {
    let mut along = vec![];
    for post in corrections::corrected_in(tx, led_to.id).await? {
        let all = corrections::of_post(tx, post).await?;
        let Some(without) = without(tx, post, &all).await? else { continue };
        let place = discussions::get(tx, without.place).await?;
        if discussions::follow(tx, place).await?.id == revived {
            along.push(Without { why: None, ..without });
        }
    }
    Ok(along)
}

/// The number by which a post was filed.
fn number_of(evidence: &str) -> Option<i64> {
    Evidence::read(evidence)?.number()
}

/// Where the number leads now by which a post was filed.
async fn leads_to(tx: &mut Tx, evidence: &str) -> store::Result<Option<DiscussionId>> {
    let Some(number) = number_of(evidence) else { return Ok(None) };
    match discussions::find(tx, number).await? {
        Some(named) => Ok(Some(discussions::follow(tx, named).await?.id)),
        None => Ok(None),
    }
}

/// What was said since by the number of the discussion that had lost its posts, or quotes or answers what is there again, was meant for it:
/// it goes along.
async fn meant_for(
    tx: &mut Tx,
    correction: &Correction,
    spoken_of: &[Post],
    (to, back): (DiscussionId, DiscussionId),
) -> store::Result<()> {
    let mut known: HashSet<String> = correction.ended.sent.iter().filter(|(_, _, both)| !both).map(|(_, m, _)| m.clone()).collect();
    known.extend(spoken_of.iter().filter_map(|p| p.external_id.clone()));
    // What was said before it can arrive after it: LINE delivers again, and a mail's Date has whole seconds.
    let since = posts::recorded_since(tx, to, correction.at).await?;
    for post in posts::of_discussion(tx, to, true).await?.into_iter().filter(|p| since.contains(&p.id)) {
        let is_meant = match Evidence::read(&post.evidence) {
            Some(Evidence::AnswersMail { message_id }) => {
                known.contains(&message_id) || posts::discussions_of_mails(tx, &[message_id]).await?.contains(&back)
            }
            Some(Evidence::Quote { quoted }) => known.contains(&quoted),
            _ => leads_to(tx, &post.evidence).await? == Some(back),
        };
        if is_meant {
            posts::set_discussion(tx, &[post.id], back).await?;
            notices::redirect_post(tx, post.id, back, Why::PutAside.as_str()).await?;
            known.extend(post.external_id);
        }
    }
    Ok(())
}

/// Puts the posts where they belong now, and tells who was told otherwise. Which discussions they left.
async fn put_back(tx: &mut Tx, app: &App, back: &[Without], by: Option<PersonId>) -> store::Result<BTreeSet<DiscussionId>> {
    let mut moved: BTreeMap<(DiscussionId, DiscussionId), Vec<PostId>> = BTreeMap::new();
    for without in back {
        if let Some((evidence, class)) = &without.why {
            posts::set_evidence(tx, without.post, evidence).await?;
            posts::set_class(tx, without.post, class.as_deref()).await?;
        }
        let Some(post) = posts::find(tx, without.post).await? else { continue };
        let project = discussions::get(tx, post.discussion).await?.project;
        let mut to = None;
        for place in std::iter::once(&without.place).chain(&without.or_else) {
            let place = discussions::get(tx, *place).await?;
            to = Some(discussions::follow(tx, place).await?).filter(|d| d.project == project);
            if to.is_some() {
                break;
            }
        }
        // Its chat has gone to another project since: it stays with who may read it.
        if let Some(to) = to.filter(|to| to.id != post.discussion) {
            moved.entry((post.discussion, to.id)).or_default().push(post.id);
        }
    }
    for ((from, to), ids) in &moved {
        let both = (&discussions::get(tx, *from).await?, &discussions::get(tx, *to).await?);
        told_elsewhere(tx, app, ids, both, by).await?;
        posts::set_discussion(tx, ids, *to).await?;
        for id in ids {
            tell_there(tx, *id, both.1).await?;
        }
        discussions::refresh_last_post(tx, *from).await?;
        discussions::refresh_last_post(tx, *to).await?;
    }
    Ok(moved.into_keys().map(|(from, _)| from).collect())
}

/// What was done before it, and was opened again by nothing else, is done again.
async fn close_again(tx: &mut Tx, correction: &Correction, (by, at): (By, Timestamp)) -> store::Result<()> {
    let Some(status) = correction.ended.reopened else { return Ok(()) };
    let other = discussions::get(tx, correction.to).await?;
    let since = posts::recorded_since(tx, other.id, correction.at).await?;
    let client_said = |p: &Post| p.role == Role::Client && since.contains(&p.id);
    // A status that somebody gave it since stands; so does what was put there since.
    let last = discussion_events::last(tx, other.id, HappeningKind::Status).await?;
    if other.status != Status::Open
        || last.is_none_or(|e| e.at != correction.at)
        || corrections::put_there_since(tx, other.id, correction.id).await?
        || posts::of_discussion(tx, other.id, true).await?.iter().any(client_said)
    {
        return Ok(());
    }
    discussions::set_status(tx, other.id, status).await?;
    discussion_events::add(tx, other.id, by, at, &Happening::Status { from: other.status, to: status }).await
}

/// What an undone split had made is no more, unless what it was taken from has itself gone on into it: what was said in it since comes
/// along, with who follows it and what waits there, and its number leads back.
async fn end_if_undone(tx: &mut Tx, made: DiscussionId) -> store::Result<()> {
    if discussions::get(tx, made).await?.merged_into.is_some() {
        return Ok(());
    }
    let Some(split_from) = corrections::undone_split(tx, made).await? else { return Ok(()) };
    let found = discussions::get(tx, split_from).await?;
    let back = discussions::follow(tx, found).await?;
    if back.id == made || back.project != discussions::get(tx, made).await?.project {
        return Ok(());
    }
    let back = back.id;
    let since: Vec<PostId> = posts::of_discussion(tx, made, true).await?.iter().map(|p| p.id).collect();
    posts::set_discussion(tx, &since, back).await?;
    posts::redirect_sent_messages(tx, made, back).await?;
    notices::redirect(tx, made, back).await?;
    watchers::redirect(tx, made, back).await?;
    held_mails::redirect(tx, made, back).await?;
    corrections::redirect(tx, made, split_from).await?;
    discussions::set_merged(tx, made, split_from).await?;
    discussions::refresh_last_post(tx, back).await
}

/// A discussion that something undone has left without a post leads on to where the last of its own went: had that come first, it would have
/// ended there. Undoing that brings it back.
pub(super) async fn end_if_emptied(tx: &mut Tx, emptied: DiscussionId) -> store::Result<()> {
    let from = discussions::get(tx, emptied).await?;
    if from.other || from.merged_into.is_some() || posts::has_any(tx, emptied).await? {
        return Ok(());
    }
    let Some(last) = corrections::last_from(tx, emptied).await?.filter(|c| c.ended.status.is_none()) else { return Ok(()) };
    let to = discussions::get(tx, last.to).await?;
    let to = discussions::follow(tx, to).await?;
    if to.id == from.id || to.project != from.project || to.other {
        return Ok(());
    }
    end(tx, last.id, &from, &to).await
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
