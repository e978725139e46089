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
