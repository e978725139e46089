//! How long a notice for a LINE chat may wait for a free ride before a push is paid for it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Calendar, NoticeKind};

/// How long news of a status waits, unless a project says otherwise.
pub const STATUS_WAITS: SignedDuration = SignedDuration::from_mins(30);
/// The longest that a project may let a kind wait by the minute: a week.
pub const WAIT_MINUTES_MAX: i64 = 7 * 24 * 60;
/// What is never paid for has a deadline so far away.
pub const NEVER: SignedDuration = SignedDuration::from_hours(100 * 366 * 24);

/// The kinds that a client's group can be told of, and whose patience a project can set.
pub const PATIENT_KINDS: [NoticeKind; 6] =
    [NoticeKind::Answered, NoticeKind::StatusChanged, NoticeKind::Opened, NoticeKind::Moved, NoticeKind::Announced, NoticeKind::Scripted];

/// How long one kind waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// So long, counted from when it could leave at the earliest.
    For(SignedDuration),
    /// Until the project's next digest.
    NextDigest,
    /// For ever: only a free ride takes it.
    FreeOnly,
}

/// How long each kind waits in one project.
#[derive(Clone, Debug)]
pub struct Patience {
    /// How long an answer waits where the project does not say.
    pub answers: SignedDuration,
    /// What the project says itself.
    pub own: BTreeMap<NoticeKind, Wait>,
}

impl Patience {
    /// How long a kind waits: as the project says, else by default (an answer and an acknowledgement as the configuration says, a status
    /// 30 minutes, everything else the next digest).
    pub fn wait(&self, kind: NoticeKind) -> Wait {
        self.own.get(&kind).copied().unwrap_or(match kind {
            // An acknowledgement rides on the message that opened the discussion; only where that ride was missed does it wait at all.
            NoticeKind::Answered | NoticeKind::Opened => Wait::For(self.answers),
            NoticeKind::StatusChanged => Wait::For(STATUS_WAITS),
            _ => Wait::NextDigest,
        })
    }

    /// From when on a push may be paid for a notice of this kind that could leave from `due_at` on.
    pub fn deadline(&self, calendar: &Calendar, kind: NoticeKind, due_at: Timestamp) -> Timestamp {
        match self.wait(kind) {
            Wait::For(time) => due_at + time,
            Wait::NextDigest => calendar.next_digest(due_at),
            Wait::FreeOnly => due_at + NEVER,
        }
    }
}

/// Whether no push is ever paid for what may leave from `due_at` on.
pub fn is_never_paid(due_at: Timestamp, deadline_at: Timestamp) -> bool {
    deadline_at.duration_since(due_at) >= NEVER
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn each_kind_has_a_default_and_a_project_may_say_otherwise() {
        let mut patience = Patience { answers: SignedDuration::from_mins(5), own: BTreeMap::new() };
        let calendar = Calendar::plain(TimeZone::UTC, None);
        let due: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let waits = |p: &Patience, kind| p.deadline(&calendar, kind, due).duration_since(due);
        assert_eq!(waits(&patience, NoticeKind::Answered), SignedDuration::from_mins(5));
        assert_eq!(waits(&patience, NoticeKind::StatusChanged), SignedDuration::from_mins(30));
        assert_eq!(waits(&patience, NoticeKind::Opened), SignedDuration::from_mins(5));
        for kind in [NoticeKind::Moved, NoticeKind::Announced, NoticeKind::Scripted] {
            assert_eq!(waits(&patience, kind), SignedDuration::from_hours(7), "{kind}");
        }
        patience.own = [
            (NoticeKind::Answered, Wait::NextDigest),
            (NoticeKind::StatusChanged, Wait::FreeOnly),
            (NoticeKind::Opened, Wait::For(SignedDuration::from_mins(90))),
        ]
        .into();
        assert_eq!(waits(&patience, NoticeKind::Answered), SignedDuration::from_hours(7));
        assert!(waits(&patience, NoticeKind::StatusChanged) > SignedDuration::from_hours(99 * 365 * 24));
        assert_eq!(waits(&patience, NoticeKind::Opened), SignedDuration::from_mins(90));
    }
}
