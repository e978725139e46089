//! News of a chat itself, for its project's staff: somebody came, the record stopped.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audience::staff_to_tell;
use super::hearing::{self, Listener, News};
use crate::App;
use crate::domain::{ChatId, Concern, NoticeKind, PersonId, Role};
use crate::store::chats::Chat;
use crate::store::notices::{NewNotice, Target};
use crate::store::{Result, Tx};

/// News waits no longer than this for others to travel with.
const TOGETHER_WITHIN_MAX: Duration = Duration::from_mins(1);

/// What a notice of the kinds `newcomer`, `gap` and `target_gone` tells: its `detail`, as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatNews {
    /// A row of `chats`.
    chat: i64,
    /// Who came: a row of `persons`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<i64>,
    /// When, in microseconds since 1970.
    at_us: i64,
}

impl ChatNews {
    /// Reads a notice's `detail`; `None` where it is something else.
    pub fn read(detail: Option<&str>) -> Option<Self> {
        serde_json::from_str(detail?).ok()
    }

    pub fn chat(&self) -> ChatId {
        ChatId(self.chat)
    }

    pub fn person(&self) -> Option<PersonId> {
        self.person.map(PersonId)
    }

    pub fn at(&self) -> Timestamp {
        Timestamp::from_microsecond(self.at_us).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Promises the staff to tell that somebody came into the chat.
pub async fn tell_of_newcomer(tx: &mut Tx, app: &App, chat: &Chat, person: PersonId, at: Timestamp) -> Result<()> {
    let news = ChatNews { chat: chat.id.0, person: Some(person.0), at_us: at.as_microsecond() };
    tell(tx, app, chat, NoticeKind::Newcomer, news).await
}

/// Promises the staff to tell that the record of the chat stopped.
pub async fn tell_of_gap(tx: &mut Tx, app: &App, chat: &Chat, since: Timestamp) -> Result<()> {
    let news = ChatNews { chat: chat.id.0, person: None, at_us: since.as_microsecond() };
    tell(tx, app, chat, NoticeKind::Gap, news).await
}

/// Promises the staff to tell that LINE takes no messages for the chat any more.
pub async fn tell_target_gone(tx: &mut Tx, app: &App, chat: &Chat, since: Timestamp) -> Result<()> {
    let news = ChatNews { chat: chat.id.0, person: None, at_us: since.as_microsecond() };
    tell(tx, app, chat, NoticeKind::TargetGone, news).await
}

async fn tell(tx: &mut Tx, app: &App, chat: &Chat, kind: NoticeKind, news: ChatNews) -> Result<()> {
    let now = app.clock.now();
    let due_at = now + app.config.notify.coalesce.min(TOGETHER_WITHIN_MAX);
    let detail = serde_json::to_string(&news).expect("numbers are JSON");
    for person in staff_to_tell(tx, chat.project).await? {
        let notice = NewNotice {
            kind,
            discussion: None,
            post: None,
            target: Target::Person(person),
            due_at,
            deadline_at: due_at,
            now,
            detail: Some(detail.clone()),
            expires_at: None,
        };
        let listener = Listener { person, role: Role::Staff, concern: Concern::Part };
        hearing::tell(tx, app, &listener, &News { project: chat.project, urgent: false, notice: &notice }).await?;
    }
    Ok(())
}
