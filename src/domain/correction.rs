//! What people correct, and what is kept so that it can be taken back.

use serde::{Deserialize, Serialize};

use super::{Status, words};

words! {
    /// The kind of a correction.
    CorrectionKind {
        /// Posts went into a discussion that was there.
        Move = "move",
        /// Posts became a discussion of their own.
        Split = "split",
        /// Everything of a discussion went into another.
        Merge = "merge",
        /// It has another title.
        Title = "title",
    }
}

/// What a discussion lost beside its posts when it ended in another: its way back. Ids are rows'; kept as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Where it stood; absent where it did not end.
    pub status: Option<Status>,
    /// The bot's messages about it: chat, LINE's id, and whether the other discussion had the message too.
    #[serde(default)]
    pub sent: Vec<(i64, String, bool)>,
    /// Notices that had not left.
    #[serde(default)]
    pub notices: Vec<i64>,
    /// Its history.
    #[serde(default)]
    pub events: Vec<i64>,
    /// Who followed it, or asked not to.
    #[serde(default)]
    pub watchers: Vec<Followed>,
    /// Mails about it that waited for a person, or had: inbound rows.
    #[serde(default)]
    pub held: Vec<i64>,
    /// How the other discussion stood, where it was done and a client's word opened it again.
    #[serde(default)]
    pub reopened: Option<Status>,
}

/// What somebody had said of being told about a discussion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    pub person: i64,
    /// 1 = follows it, 0 = asked not to hear of it.
    pub watching: i64,
    /// Microseconds since 1970.
    pub since: i64,
    pub by: i64,
    /// They had said something of the other discussion, too, which stood.
    pub both: bool,
}

impl Ended {
    /// As it is kept.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("it is plain words and numbers")
    }

    /// As it was kept; nothing for what another version wrote.
    pub fn from_json(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_is_kept_and_found_again() {
        let ended = Ended {
            status: Some(Status::Resolved),
            sent: vec![(1, "m".into(), true)],
            notices: vec![2],
            events: vec![3],
            ..Ended::default()
        };
        assert_eq!(Ended::from_json(&ended.to_json()), ended);
        assert_eq!(Ended::from_json("{}"), Ended::default());
        assert_eq!(Ended::from_json("of another version"), Ended::default());
    }
}
