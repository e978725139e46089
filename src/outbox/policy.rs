//! What leaves for a LINE chat now, what waits, and why. A pure rule: no IO, no clock, no chance; `benches/notify_cost` runs a month of a
//! firm through it.
//!
//! LINE bills a push by the head, whatever is in it, and a reply not at all. So the rule spends time, of which each notice has an amount
//! of its own ([`Waiting::deadline_at`]), to save pushes:
//!
//! * A reply token is always taken before a push is paid, and everything that may leave leaves with it: one send is one notification,
//!   and the next event may be hours away.
//! * Before one push is paid, nothing is; then it takes all that may leave, also what could have waited for days. Heads are paid once.
//! * Whoever is about to speak is waited for, shortly: the acknowledgement of a burst that is not quiet yet (it has a token of its own,
//!   which then carries everything); what becomes due while the token at hand is still good ([`TOKEN_MARGIN`]); and, before a push, what
//!   becomes due within [`COMPANY`] of the deadline, typically a second answer that can still be taken back. Each wait has an end that
//!   further notices do not move. Whoever tapped a button, an acknowledgement that is due, and what is urgent wait for nobody.
//! * What is pointless is not told at all ([`Pointless`]): least of all for money.
//! * What is about one discussion is one card (`line_bundle`): the latest answer with the number of answers, the status as it is now.
//!   All cards together are one message object.
//!
//! Quiet hours, days off and a month whose money is spent hold back what costs, never what is free. `urgent` passes the calendar, and
//! takes along what waits, since its heads are paid for.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::channels::line::limits::MESSAGES_MAX;
use crate::domain::{Closed, DiscussionId, NoticeId, NoticeKind, ProjectId, REPLY_TOKEN_GOOD_FOR, Why};

/// A push that could leave waits at most so long after its deadline for what becomes due in the meantime. With the default hold (20 s) and
/// patience (5 min), an answer is in the group within 6 minutes.
pub const COMPANY: SignedDuration = SignedDuration::from_secs(30);
/// A token is not kept for something that becomes due later than so long before the token's end.
pub const TOKEN_MARGIN: SignedDuration = SignedDuration::from_secs(8);

/// A notice that waits for the chat, as far as the rule looks at it.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub id: NoticeId,
    pub kind: NoticeKind,
    pub discussion: Option<DiscussionId>,
    /// Whose news it is: whose calendar and money hold a push back.
    pub payer: ProjectId,
    /// It does not leave before this.
    pub due_at: Timestamp,
    /// A push may be paid for it from here on.
    pub deadline_at: Timestamp,
    /// Of no use from here on.
    pub expires_at: Option<Timestamp>,
    /// Its discussion is urgent.
    pub urgent: bool,
    /// Message objects of its own.
    pub objects: usize,
    /// An object that it has a part in.
    pub shares: Option<Shared>,
    pub pointless: Option<Pointless>,
}

/// A message object that several notices share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// The card of everything about discussions: a bubble each.
    Card,
    /// The card of what is for the one person whose own chat it is.
    Personal,
    /// The text of what scripts say.
    Texts,
}

/// Why nobody needs to be told any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointless {
    /// What it told of was taken back.
    TakenBack,
    /// It tells of what is no matter any more.
    PutAside,
    /// It tells of another project's matter by now.
    Elsewhere,
    /// An acknowledgement that missed its ride: the chat has been answered since, so it knows that it was heard.
    Answered,
    /// An acknowledgement that missed its ride, of a matter that is done.
    Done,
    /// The status changed and changed back while it waited: it is what the chat knows.
    Unchanged,
    /// An acknowledgement of what was joined to another matter meanwhile, whose number the chat has heard.
    Acknowledged,
    /// It became too old.
    Expired,
    /// There is no way to say this in a chat.
    NothingToSay,
}

impl From<Pointless> for Why {
    fn from(pointless: Pointless) -> Self {
        match pointless {
            Pointless::TakenBack => Self::TakenBack,
            Pointless::PutAside => Self::PutAside,
            Pointless::Elsewhere => Self::NoLongerSo,
            Pointless::Answered => Self::AnsweredSince,
            Pointless::Done => Self::DoneSince,
            Pointless::Unchanged => Self::Unchanged,
            Pointless::Acknowledged => Self::Joined,
            Pointless::Expired => Self::Outdated,
            Pointless::NothingToSay => Self::NothingToSay,
        }
    }
}

/// What the world offers at the moment.
#[derive(Clone, Debug, Default)]
pub struct Chances {
    /// Until when the chat's freshest reply token is good.
    pub free_until: Option<Timestamp>,
    /// What holds back the pushes of a payer, where something may.
    pub of: BTreeMap<ProjectId, Means>,
}

/// What one project lets leave for money.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// Until when its chats do not want to hear.
    pub closed_until: Option<(Timestamp, Closed)>,
    /// Until when there is no money for this push, and why.
    pub spent: Option<(Timestamp, Why)>,
}

impl Means {
    /// What holds a push back, and until when.
    fn held(&self, is_urgent: bool) -> Option<(Timestamp, Held)> {
        let closed = self.closed_until.clone().filter(|_| !is_urgent).map(|(until, why)| (until, Held::Closed(why)));
        closed.or_else(|| self.spent.map(|(until, why)| (until, Held::Spent(why))))
    }
}

/// What holds a push back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    Closed(Closed),
    Spent(Why),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing yet.
    Wait,
    /// These would be paid for, but not before `until`; free rides stay open to them. They are one payer's: another's are next.
    Postpone { these: Vec<NoticeId>, until: Timestamp, why: Held },
    /// These leave together, the most pressing first; if not for free, at this payer's cost.
    Leave { these: Vec<NoticeId>, free: bool, payer: ProjectId },
}

/// The rule's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// These are told no more.
    pub dropped: Vec<(NoticeId, Pointless)>,
    pub act: Act,
}

/// Whether a push may be asked for: only then the calendar and the money need to be looked at.
pub fn is_ripe(notice: &Waiting, now: Timestamp) -> bool {
    notice.due_at <= now && notice.deadline_at <= now
}

/// What is to be done with what waits for one chat, in the order in which it was promised.
pub fn decide(now: Timestamp, waiting: &[Waiting], chances: &Chances) -> Decision {
    let mut dropped = vec![];
    let mut kept = vec![];
    for notice in waiting {
        let expired = notice.expires_at.is_some_and(|at| at <= now).then_some(Pointless::Expired);
        match expired.or(notice.pointless) {
            Some(why) => dropped.push((notice.id, why)),
            None => kept.push(notice),
        }
    }
    Decision { dropped, act: act(now, &kept, chances) }
}

fn act(now: Timestamp, waiting: &[&Waiting], chances: &Chances) -> Act {
    let (mut due, later): (Vec<&Waiting>, Vec<&Waiting>) = waiting.iter().copied().partition(|n| n.due_at <= now);
    if due.is_empty() {
        return Act::Wait;
    }
    let is_urgent = due.iter().any(|n| n.urgent && n.deadline_at <= now);
    let acknowledges_soon = |n: &&&Waiting| n.kind == NoticeKind::Opened && n.due_at.duration_since(now) < REPLY_TOKEN_GOOD_FOR;
    let soon: Vec<&Waiting> = later.iter().filter(acknowledges_soon).copied().collect();
    if is_urgent {
        // Better a little early than without a ride of its own.
        due.extend(soon);
    } else if !soon.is_empty() && due.iter().all(|n| n.kind != NoticeKind::Replied) {
        return Act::Wait;
    }
    if let Some(until) = chances.free_until {
        let waits_for_nobody = |n: &&Waiting| matches!(n.kind, NoticeKind::Opened | NoticeKind::Replied);
        let ends = due.iter().map(|n| n.due_at + COMPANY).min().map_or(until, |end| end.min(until - TOKEN_MARGIN));
        if !is_urgent && !due.iter().any(waits_for_nobody) && is_worth_waiting(now, &later, ends) {
            return Act::Wait;
        }
        return leave(due, now, true, None);
    }
    let mut ripe: Vec<&Waiting> = due.iter().copied().filter(|n| is_ripe(n, now)).collect();
    ripe.sort_by_key(|n| !n.urgent);
    let Some(deadline) = ripe.iter().map(|n| n.deadline_at.max(n.due_at)).min() else { return Act::Wait };
    let held = |n: &Waiting| chances.of.get(&n.payer).and_then(|means| means.held(is_urgent));
    let Some(paid) = ripe.iter().find(|n| held(n).is_none()) else {
        let first = ripe[0];
        return match held(first) {
            Some((until, why)) => {
                Act::Postpone { these: ripe.iter().filter(|n| n.payer == first.payer).map(|n| n.id).collect(), until, why }
            }
            None => Act::Wait,
        };
    };
    if !is_urgent && is_worth_waiting(now, &later, deadline + COMPANY) {
        return Act::Wait;
    }
    leave(due, now, false, Some(paid.payer))
}

/// As much of what is due as fits leaves; for free, it is on the bill of whoever's news presses most.
fn leave(due: Vec<&Waiting>, now: Timestamp, free: bool, paid_by: Option<ProjectId>) -> Act {
    let fitting = fitting(due, now);
    let Some(first) = fitting.first() else { return Act::Wait };
    let payer = paid_by.unwrap_or(first.payer);
    Act::Leave { these: fitting.iter().map(|n| n.id).collect(), free, payer }
}

/// Whether something becomes due before `ends`, which lies ahead.
fn is_worth_waiting(now: Timestamp, later: &[&Waiting], ends: Timestamp) -> bool {
    now < ends && later.iter().any(|n| n.due_at <= ends)
}

/// What goes into one send: at most [`MESSAGES_MAX`] objects. What is urgent and what has waited longest for money comes first, then what
/// is worth least later; what does not fit takes the next ride.
fn fitting(mut due: Vec<&Waiting>, now: Timestamp) -> Vec<&Waiting> {
    due.sort_by_key(|n| (!n.urgent, !is_ripe(n, now), n.expires_at.is_none(), n.kind != NoticeKind::Opened, n.deadline_at, n.id));
    let (mut objects, mut shared): (usize, Vec<Shared>) = (0, vec![]);
    let mut these: Vec<&Waiting> = vec![];
    for notice in due {
        let joins = notice.shares.filter(|s| !shared.contains(s));
        let more = notice.objects + usize::from(joins.is_some());
        // The first goes in any case: what is too large alone is made to fit where it is rendered.
        if objects + more > MESSAGES_MAX && !these.is_empty() {
            continue;
        }
        objects += more;
        shared.extend(joins);
        these.push(notice);
    }
    these
}

#[cfg(test)]
mod tests;
