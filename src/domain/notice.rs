//! Promises to tell, and what became of them.

use jiff::SignedDuration;

use super::words;

/// A reply token is used within this time of its arrival; LINE promises a minute (Messaging API reference, "Send reply message").
pub const REPLY_TOKEN_GOOD_FOR: SignedDuration = SignedDuration::from_secs(48);

/// After the first mail about a discussion the next one to the same person waits so long for others to travel with, where
/// `mail_together_seconds` is not less…
pub const MAIL_PAUSE_FIRST: SignedDuration = SignedDuration::from_secs(20);
/// …and each further one twice as long as the one before, while there was one within this time.
pub const MAIL_PAUSES_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// How long after the last of `lately` mails about a discussion (those of [`MAIL_PAUSES_WITHIN`]) the next one leaves: a short exchange
/// is told promptly, a long one in fewer and fewer mails. At most `longest`.
pub fn mail_pause(lately: usize, longest: SignedDuration) -> SignedDuration {
    let doublings = u32::try_from(lately.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    (MAIL_PAUSE_FIRST * (1_i32 << doublings)).min(longest)
}

words! {
    /// What a notice tells.
    NoticeKind {
        /// A client opened a discussion.
        Opened = "opened",
        /// A client wrote in a discussion.
        ClientPosted = "client_posted",
        /// Staff answered.
        Answered = "answered",
        /// A client said that an answer did not solve the matter: told to staff; `detail` says who.
        NotSolved = "not_solved",
        /// The order at the top of a colleague's mail makes no sense: told to them; `detail` is the line.
        CommandRefused = "command_refused",
        /// The bot was invited: what is recorded, who may read it.
        Joined = "joined",
        /// The bot answers what was typed or tapped in a chat; `detail` says what. Worth nothing once its reply token is gone.
        Replied = "replied",
        /// Somebody new is in a group: told to staff.
        Newcomer = "newcomer",
        /// The record of a group has a gap: told to staff.
        Gap = "gap",
        /// Mail to somebody comes back: told to staff once; `detail` is the address.
        Bounced = "bounced",
        /// Where a discussion stands has changed; `detail` is the status that it changed to.
        StatusChanged = "status_changed",
        /// Somebody else looks after the discussion now; `detail` is their name, empty for nobody.
        Assigned = "assigned",
        /// Discussions were merged, split, or a post moved; `detail` says from where to where.
        Moved = "moved",
        /// A task was made or done in a discussion.
        Task = "task",
        /// A task's due date is near or over.
        TaskDue = "task_due",
        /// Staff tell the groups of chosen projects something; `detail` is it.
        Announced = "announced",
        /// A script tells a group something by `/api/notify`; `detail` is it.
        Scripted = "scripted",
        /// The week in one mail.
        Weekly = "weekly",
        /// Most of the month's LINE messages are used, or all: told to staff once; `detail` says which account and how much.
        BudgetNear = "budget_near",
        /// LINE cannot reach a chat any more: told to staff once; `detail` says which.
        TargetGone = "target_gone",
    }
}

words! {
    /// What became of a notice or a delivery.
    DeliveryStatus {
        /// It waits, or is being tried.
        Pending = "pending",
        /// The other side took it.
        Sent = "sent",
        /// It was given up; the reason is beside it.
        Failed = "failed",
        /// Nobody needs it any more (taken back, merged, the post was unsent).
        Dropped = "dropped",
    }
}

words! {
    /// How a delivery travels.
    Via { LineReply = "line-reply", LinePush = "line-push", Email = "email" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_about_a_lively_discussion_become_fewer_and_fewer() {
        let pauses = |longest: i64| (1..=5).map(move |n| mail_pause(n, SignedDuration::from_secs(longest)).as_secs()).collect::<Vec<_>>();
        assert_eq!(pauses(120), [20, 40, 80, 120, 120]);
        assert_eq!(pauses(30), [20, 30, 30, 30, 30]);
        assert_eq!(pauses(0), [0; 5]);
        assert_eq!(mail_pause(usize::MAX, SignedDuration::from_secs(120)).as_secs(), 120);
    }
}
