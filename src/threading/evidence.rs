//! Why something is where it is; kept with the post as JSON.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::decide::{Choice, Class, Placement};
use super::explain::Reason;
use super::model::To;
use crate::domain::DiscussionId;

/// Why something is where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
        #[serde(deserialize_with = "known_reasons")]
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

    /// What [`to_json`](Self::to_json) has written; `None` where another version of the program did, in words of its own.
    pub fn read(kept: &str) -> Option<Self> {
        serde_json::from_str(kept).ok()
    }

    /// The number by which it was filed, where its author named one.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Number { number } | Self::ReplyHere { number } | Self::ReplyAddress { number } | Self::SubjectTag { number } => {
                Some(*number)
            }
            _ => None,
        }
    }

    /// Likewise, without the words that it shares with what is there.
    #[must_use]
    pub fn without_words(mut self) -> Self {
        if let Self::Threader { why, .. } = &mut self {
            why.retain(|reason| !matches!(reason, Reason::Shares { .. }));
        }
        self
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

/// The reasons that this version of the program knows.
fn known_reasons<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Reason>, D::Error> {
    let kept = Vec::<Value>::deserialize(from)?;
    Ok(kept.into_iter().filter_map(|reason| serde_json::from_value(reason).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_but_for_reasons_of_another_version() {
        let why = vec![Reason::Shares { words: "報價單".into() }, Reason::Minutes { minutes: 3 }];
        let evidence = Evidence::Threader { class: Class::Likely, percent: 74, why, alternatives: vec![3] };
        let kept = evidence.to_json();
        assert_eq!(Evidence::read(&kept), Some(evidence.clone()));
        let newer = kept.replacen("\"why\":[", "\"why\":[{\"why\":\"a_later_one\",\"percent\":7},", 1);
        assert_ne!(newer, kept);
        assert_eq!(Evidence::read(&newer), Some(evidence.clone()));
        let without = evidence.without_words().to_json();
        assert!(!without.contains("報價單") && without.contains("minutes"), "{without}");
        assert_eq!(Evidence::read("{\"rule\":\"a_later_one\"}"), None);
        assert_eq!(Evidence::read("{}"), None);
    }

    #[test]
    fn only_what_its_author_named_is_a_number_to_file_by() {
        assert_eq!(Evidence::ReplyHere { number: 7 }.number(), Some(7));
        assert_eq!(Evidence::LongDone { number: 7 }.number(), None);
        assert_eq!(Evidence::Corrected { by: "林".into(), from: 7 }.number(), None);
    }
}
