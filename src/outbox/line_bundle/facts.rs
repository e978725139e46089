//! What is known of each notice that waits for a chat.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::App;
use crate::discussions as acts;
use crate::domain::{ChatKind, DiscussionId, Happening, HappeningKind, NoticeKind, PostId, REPLY_TOKEN_GOOD_FOR};
use crate::outbox::policy::{Pointless, Shared, Waiting};
use crate::outbox::{own_chat, script_parts};
use crate::store::chats::Chat;
use crate::store::discussions::Discussion;
use crate::store::notices::Notice;
use crate::store::posts::Post;
use crate::store::{self, Tx, discussion_events, discussions, notices, posts};

/// A notice with what it is about.
pub(super) struct Fact {
    pub notice: Notice,
    /// Where its discussion's posts are now.
    pub discussion: Option<Discussion>,
    /// Its post, unless that was taken back or is internal.
    pub post: Option<Post>,
    /// It is for the one person whose own chat it is, and about what is discussed elsewhere.
    pub personal: bool,
    pointless: Option<Pointless>,
}

impl Fact {
    /// As the rule looks at it.
    pub fn waiting(&self, chat: &Chat) -> Waiting {
        let needs = script_parts::needs(&self.notice);
        Waiting {
            id: self.notice.id,
            kind: self.notice.kind,
            discussion: self.discussion.as_ref().map(|d| d.id),
            payer: self.discussion.as_ref().filter(|_| self.personal).map_or(chat.project, |d| d.project),
            due_at: self.notice.due_at,
            deadline_at: self.notice.deadline_at,
            expires_at: self.notice.expires_at,
            urgent: self.notice.urged || needs.is_some_and(|n| n.urgent) || self.discussion.as_ref().is_some_and(|d| d.urgent),
            objects: needs.map_or_else(|| objects(self.notice.kind), |n| n.objects),
            shares: match (needs, self.notice.kind) {
                (Some(needs), _) => needs.shares.then_some(Shared::Texts),
                _ if self.personal => Some(Shared::Personal),
                (None, NoticeKind::Joined | NoticeKind::Replied) => None,
                (None, _) => Some(Shared::Card),
            },
            pointless: self.pointless.or_else(|| (!can_be_said(self, chat)).then_some(Pointless::NothingToSay)),
        }
    }
}

/// Message objects of its own.
fn objects(kind: NoticeKind) -> usize {
    match kind {
        NoticeKind::Joined | NoticeKind::Replied => 1,
        _ => 0,
    }
}

/// Whether there is a way to say it in this chat.
fn can_be_said(fact: &Fact, chat: &Chat) -> bool {
    if fact.personal {
        return true;
    }
    match fact.notice.kind {
        NoticeKind::Joined | NoticeKind::Replied => true,
        NoticeKind::Opened | NoticeKind::Answered => fact.discussion.is_some() && fact.notice.post.is_some(),
        NoticeKind::StatusChanged | NoticeKind::Moved => fact.discussion.is_some(),
        // Who looks after what is not for clients.
        NoticeKind::Assigned => fact.discussion.is_some() && chat.kind == ChatKind::User,
        NoticeKind::Scripted | NoticeKind::Announced => script_parts::needs(&fact.notice).is_some(),
        _ => false,
    }
}

/// Looks everything up: two reads for all of them, and a few more for what has waited past its first ride.
pub(super) async fn gather(tx: &mut Tx, app: &App, chat: &Chat, promised: Vec<Notice>, now: Timestamp) -> Result<Vec<Fact>, store::Error> {
    let mut of: Vec<PostId> = promised.iter().filter_map(|n| n.post).collect();
    of.sort_unstable();
    of.dedup();
    let told = posts::these(tx, &of).await?.into_iter().filter(|p| p.retracted_at.is_none() && !p.internal);
    let told: BTreeMap<PostId, Post> = told.map(|p| (p.id, p)).collect();
    // A post may have moved while its notice was frozen, failed or cancelled.
    let where_is = |n: &Notice| n.post.and_then(|id| told.get(&id)).map(|p| p.discussion).or(n.discussion);
    let mut about: Vec<DiscussionId> = promised.iter().filter_map(where_is).collect();
    about.sort_unstable();
    about.dedup();
    let mut found: BTreeMap<DiscussionId, Discussion> = BTreeMap::new();
    for discussion in discussions::these(tx, &about).await? {
        let id = discussion.id;
        found.insert(id, discussions::follow(tx, discussion).await?);
    }
    let mut facts = vec![];
    for notice in promised {
        let discussion = where_is(&notice).and_then(|id| found.get(&id)).cloned();
        let post = notice.post.and_then(|id| told.get(&id)).cloned();
        let personal = discussion.as_ref().is_some_and(|d| own_chat::is_personal(chat, d));
        let mut fact = Fact { notice, discussion, post, personal, pointless: None };
        fact.pointless = if fact.discussion.as_ref().is_some_and(|d| d.other) {
            // Its ride fell through after it was put aside.
            Some(Pointless::PutAside)
        } else if is_elsewhere(tx, chat, &fact).await? {
            Some(Pointless::Elsewhere)
        } else if personal {
            let told = own_chat::has_something(tx, app, chat, &fact.notice).await?;
            (!told).then_some(Pointless::TakenBack)
        } else {
            pointless(tx, chat, &fact, now).await?
        };
        facts.push(fact);
    }
    mark_unchanged(tx, &mut facts).await?;
    Ok(facts)
}

/// Whether the group has nothing to do with the discussion any more: one of the two went to another project while it waited, or what the
/// group had asked was taken out again.
async fn is_elsewhere(tx: &mut Tx, chat: &Chat, fact: &Fact) -> Result<bool, store::Error> {
    let Some(discussion) = fact.discussion.as_ref().filter(|_| chat.kind != ChatKind::User) else { return Ok(false) };
    if discussion.project != chat.project {
        return Ok(true);
    }
    let is_others = discussion.chat != Some(chat.id) && matches!(fact.notice.kind, NoticeKind::Answered | NoticeKind::StatusChanged);
    Ok(is_others && !acts::chats_concerned(tx, discussion).await?.contains(&chat.id))
}

async fn pointless(tx: &mut Tx, chat: &Chat, fact: &Fact, now: Timestamp) -> Result<Option<Pointless>, store::Error> {
    let Fact { notice, post, .. } = fact;
    if notice.post.is_some() && post.is_none() {
        return Ok(Some(Pointless::TakenBack));
    }
    let Some(discussion) = &fact.discussion else { return Ok(None) };
    if notice.kind == NoticeKind::Opened && notices::is_acknowledged_otherwise(tx, discussion.id, chat.id, notice.id).await? {
        return Ok(Some(Pointless::Acknowledged));
    }
    // An acknowledgement that is still to have its first ride tells the number too: it leaves.
    if notice.kind == NoticeKind::Opened && now.duration_since(notice.due_at) > REPLY_TOKEN_GOOD_FOR {
        if discussion.status.is_done() {
            return Ok(Some(Pointless::Done));
        }
        if notices::is_answered_since(tx, discussion.id, chat.id, notice.created_at).await? {
            return Ok(Some(Pointless::Answered));
        }
    }
    Ok(None)
}

/// News of a status that is again what the chat knows is no news.
async fn mark_unchanged(tx: &mut Tx, facts: &mut [Fact]) -> Result<(), store::Error> {
    let mut first: BTreeMap<DiscussionId, Timestamp> = BTreeMap::new();
    for fact in facts.iter().filter(|f| f.notice.kind == NoticeKind::StatusChanged && !f.personal) {
        if let Some(discussion) = &fact.discussion {
            first.entry(discussion.id).or_insert(fact.notice.created_at);
        }
    }
    for (id, promised_at) in first {
        let change = discussion_events::last_until(tx, id, HappeningKind::Status, promised_at).await?.map(|e| e.what);
        let Some(Happening::Status { from: before, .. }) = change else { continue };
        for fact in facts.iter_mut().filter(|f| f.notice.kind == NoticeKind::StatusChanged) {
            if fact.discussion.as_ref().is_some_and(|d| d.id == id && d.status == before) {
                fact.pointless = Some(Pointless::Unchanged);
            }
        }
    }
    Ok(())
}
