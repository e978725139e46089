//! What is remembered: places, lines, discussions, people.

use super::super::subjects::{Field, Subject};
use super::super::words::{Small, Words};
use crate::domain::{DiscussionId, Role, Status};

/// Where a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a discussion.
    In(DiscussionId),
    /// In the project's stream of other messages.
    Rest,
    /// It waits for what it introduces.
    Waiting,
}

/// What sort of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Sticker,
    /// A picture, a film, a recording, a file: something to look at.
    Picture,
}

impl Kind {
    pub(super) fn of(kind: &str) -> Self {
        match kind {
            "sticker" => Self::Sticker,
            "image" | "video" | "audio" | "file" => Self::Picture,
            _ => Self::Text,
        }
    }
}

/// A line as it is remembered and compared.
#[derive(Clone, Debug)]
pub struct Line {
    /// Counted from the stream's beginning.
    pub number: u64,
    /// Seconds since 1970.
    pub at: i64,
    /// Days since 1970 where the chat's people live.
    pub day: i64,
    /// Working minutes (Monday to Friday, 9 to 18) since 1970 up to then.
    pub worked: i64,
    /// Index into [`super::Stream`]'s speakers; `None` where LINE left it out.
    pub speaker: Option<usize>,
    pub role: Option<Role>,
    pub kind: Kind,
    pub words: Words,
    /// Length of its vector of word weights when it was said.
    pub norm: f32,
    /// The people named in it.
    pub names: Vec<usize>,
    pub place: Place,
}

impl Line {
    pub fn small(&self) -> Option<Small> {
        match self.kind {
            Kind::Sticker => Some(Small::Sticker),
            Kind::Text => self.words.tone.small,
            Kind::Picture => None,
        }
    }
}

/// A discussion of the chat, as far as the threader needs it.
#[derive(Clone, Debug)]
pub struct Topic {
    pub id: DiscussionId,
    pub status: Status,
    pub opened_by: Option<usize>,
    /// Who spoke in it, and how often.
    pub people: Vec<(usize, u32)>,
    pub size: u32,
    /// Whether somebody else than the opener has spoken.
    pub answered: bool,
    pub last: Line,
    /// Whom it named since they spoke in it last.
    pub named: Vec<usize>,
    /// Words said in it, sorted by hash.
    pub bag: Vec<(u64, u16)>,
    /// Single characters said in it, sorted.
    pub chars: Vec<(char, u16)>,
    /// Subjects spoken of in it, sorted.
    pub subjects: Vec<(Subject, u16)>,
    /// Their fields of work, sorted.
    pub fields: Vec<(Field, u16)>,
    /// The numbers of orders, plates and machines that it names, sorted.
    pub codes: Vec<(u64, u16)>,
    /// How many words, characters and subjects were said in it.
    pub said: [u32; 3],
    /// The subjects of its first lines.
    pub opening: Vec<Subject>,
}

/// Somebody who speaks in the chat.
#[derive(Clone, Debug)]
pub struct Speaker {
    pub key: String,
    pub name: String,
    /// When they spoke last, in which place, and as which line.
    pub last: Option<(i64, Place, u64)>,
    pub lines: u32,
    /// The fields of work that their name in the chat says ("制服 業務 阿寶"), sorted.
    pub job: Vec<Field>,
    /// The fields of work of which they have spoken, sorted.
    pub fields: Vec<(Field, u16)>,
}
