//! What the threader is to know of a chat, out of the database.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::domain::{DiscussionId, PostId};
use crate::store::chats::Chat;
use crate::store::{self, Tx, discussions, recalled};
use crate::threading::stream::{ACTIVE_SECONDS, LINES_MAX, TOPICS_MAX, WAIT_SECONDS};
use crate::threading::{Class, Heard, Place, Stream};

/// The chat as the threader remembers it.
pub struct Remembered {
    pub stream: Stream,
    numbers: HashMap<DiscussionId, i64>,
}

impl Remembered {
    /// What people call the discussion.
    pub fn number_of(&self, id: DiscussionId) -> Option<i64> {
        self.numbers.get(&id).copied()
    }
}

/// The chat's latest posts and active discussions, as they stand around what was said at `at`: events come out of order, so what it
/// introduced may be there already. `before`: only what was there before this post, which was said then.
pub async fn recall(tx: &mut Tx, app: &App, chat: &Chat, (at, before): (Timestamp, Option<PostId>)) -> Result<Remembered, store::Error> {
    let since = at - SignedDuration::from_secs(ACTIVE_SECONDS);
    let until = at + SignedDuration::from_secs(WAIT_SECONDS);
    let mut said = recalled::recall(tx, (chat.id, chat.project), (since, until), bound(LINES_MAX)).await?;
    if let Some(id) = before {
        said.retain(|p| (p.created_at, p.id) < (at, id));
    }
    said.sort_by_key(|p| (p.created_at, p.id));
    let mut stream = Stream::new(app.config.server.time_zone.clone());
    for post in &said {
        let speaker = post.person.map(|p| p.to_string()).unwrap_or_default();
        let heard = Heard {
            at: post.created_at,
            speaker: &speaker,
            name: &post.author,
            role: Some(post.role),
            kind: &post.kind,
            text: &post.body,
            mentions: &[],
            quotes: None,
        };
        let place = match post.class.as_deref() {
            _ if !post.other => Place::In(post.discussion),
            Some(class) if class == Class::Waits.as_str() => Place::Waiting,
            _ => Place::Rest,
        };
        stream.record(&heard, place);
    }
    let mut numbers = HashMap::new();
    for open in discussions::recent_in_chat(tx, chat.id, since, bound(TOPICS_MAX)).await? {
        stream.describe(open.id, open.number, open.status);
        numbers.insert(open.id, open.number);
    }
    Ok(Remembered { stream, numbers })
}

fn bound(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
