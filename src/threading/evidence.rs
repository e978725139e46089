//! Why something is where it is; kept with the post as JSON.

use serde::Serialize;

use super::decide::{Choice, Class, Placement};
use super::explain::Reason;
use super::model::To;
use crate::domain::DiscussionId;

/// Why something is where it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Evidence {
    /// Its author typed that discussion's number.
    Number { number: i64 },
    /// Right before it its author tapped "reply here" on that discussion.
    ReplyHere { number: i64 },
    /// It quotes a message of that discussion.
    Quote { quoted: String },
    /// A message of that discussion quotes it, and came before it or brought it there.
    QuotedBy { message: String },
    /// Its author went on there within two minutes: it only introduced that.
    Introduces {},
    /// The chat's last active discussion had its last post so long ago.
    SameChat { seconds_since_last_post: i64 },
    /// The threader weighed it.
    Threader {
        class: Class,
        /// Of a hundred like it, so many are right.
        percent: u8,
        /// The strongest reasons first.
        why: Vec<Reason>,
        /// The next best discussions (their numbers), the better first.
        alternatives: Vec<i64>,
    },
    /// Nothing that it could belong to.
    Nothing {},
    /// A mail's reply address named the discussion of that number.
    ReplyAddress { number: i64 },
    /// A mail answers one of that discussion.
    AnswersMail { message_id: String },
    /// A mail's subject carries the discussion's tag.
    SubjectTag { number: i64 },
    /// It was written on the discussion's page or through the API.
    Directly {},
    /// It was said in another chat than what stands in `from`, and one of the two chats has gone to another project.
    Parted { from: i64 },
    /// A person put it there.
    Corrected { by: String, from: i64 },
    /// A mail that could not prove whose it is, and a person took it.
    Accepted { by: String },
    /// It answers that discussion, which was done long ago.
    LongDone { number: i64 },
    /// A colleague passed it on.
    PassedOn { by: String },
}

impl Evidence {
    /// As it is kept.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("evidence is plain words and numbers")
    }

    /// Whether what is kept is that "reply here" was tapped.
    pub fn is_reply_here(kept: &str) -> bool {
        serde_json::from_str::<serde_json::Value>(kept).is_ok_and(|kept| kept["rule"] == "reply_here")
    }

    /// What is kept of a decision; `number_of` tells a discussion's number.
    pub fn of(placement: &Placement, number_of: impl Fn(DiscussionId) -> Option<i64>) -> Self {
        let could_join = placement.chances.iter().any(|c| matches!(c.to, To::Discussion(_)));
        if matches!(placement.choice, Choice::Open { .. }) && !could_join {
            return Self::Nothing {};
        }
        Self::Threader {
            class: placement.class,
            percent: placement.percent(),
            why: placement.why.clone(),
            alternatives: placement.alternatives.iter().filter_map(|d| number_of(*d)).collect(),
        }
    }
}
