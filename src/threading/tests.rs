mod fitting;
mod rules;
mod titles;
mod whole;
mod wording;

use jiff::{Timestamp, tz::TimeZone};

use super::{Heard, Place, Placement, Stream, Table, decide};
use crate::domain::{DiscussionId, Role};

/// A chat that is told line by line. Times are seconds after Monday 2026-09-14, 10:00 in Taipei.
struct Chat {
    stream: Stream,
}

impl Chat {
    fn new() -> Self {
        Self { stream: Stream::new(TimeZone::get("Asia/Taipei").unwrap()) }
    }

    /// Somebody says it, and it goes there. Whose name begins with 我們 is staff.
    fn told(mut self, second: i64, name: &str, text: &str, place: Place) -> Self {
        self.stream.record(&heard(second, name, text), place);
        self
    }

    fn in_discussion(self, second: i64, name: &str, text: &str, id: i64) -> Self {
        self.told(second, name, text, Place::In(DiscussionId(id)))
    }

    fn asked(&self, second: i64, name: &str, text: &str) -> Placement {
        self.decided(&heard(second, name, text))
    }

    fn decided(&self, heard: &Heard<'_>) -> Placement {
        decide(&self.stream, heard, "圖片", Table::shipped())
    }
}

fn heard<'a>(second: i64, name: &'a str, text: &'a str) -> Heard<'a> {
    let role = if name.starts_with("我們") { Role::Staff } else { Role::Client };
    Heard { at: at(second), speaker: name, name, role: Some(role), kind: "text", text, mentions: &[], quotes: None }
}

fn at(second: i64) -> Timestamp {
    // 2026-09-14T10:00:00+08:00
    Timestamp::from_second(1_789_351_200 + second).unwrap()
}
