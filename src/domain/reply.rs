//! What the bot answers to a tap or a typed command.

use serde::{Deserialize, Serialize};

/// One answer; kept as a notice's detail. Numbers are discussions'.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum Reply {
    /// The open discussions of this chat, as they are when the answer leaves.
    Progress {},
    /// Somebody said that it is solved. `by`: their name, empty where LINE does not tell.
    Solved { number: i64, by: String },
    /// Somebody said that it is not solved.
    NotSolved { number: i64, by: String },
    /// What somebody said is a matter of its own now.
    Apart { from: i64, number: i64 },
    /// Colleagues moved what the group was told of.
    Moved { from: i64, number: i64 },
    /// There was no matter before it that it could be joined to.
    NothingBefore { number: i64 },
    /// There was nothing to set apart.
    NothingApart { number: i64 },
    /// The chat belongs to this project now.
    Bound { project: String },
    /// The chat belongs to another project, whose staff would have to agree.
    BoundElsewhere {},
    /// Their LINE account is known as this colleague's now.
    Linked { name: String },
    /// Their LINE account belongs to another account of ours.
    LinkedElsewhere {},
    /// Such a code is not for other people's eyes: it has to be typed into the chat with the bot alone.
    NotHere {},
    /// The code is none, or no longer one.
    NoSuchCode {},
}

impl Reply {
    /// As it is kept.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a reply is plain words and numbers")
    }

    /// As it was kept; `None` for what another version wrote.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}
