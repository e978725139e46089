//! Promises to tell, and what became of them.

use jiff::SignedDuration;

use super::words;

/// A reply token is used within this time of its arrival; LINE promises a minute (Messaging API reference, "Send reply message").
pub const REPLY_TOKEN_GOOD_FOR: SignedDuration = SignedDuration::from_secs(48);

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
