//! What the threader is to know of a chat, out of the database.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::domain::{DiscussionId, PostId};
use crate::store::chats::Chat;
use crate::store::recalled::Recalled;
use crate::store::{self, Tx, discussions, recalled};
use crate::threading::stream::{ACTIVE_SECONDS, LINES_MAX, TOPICS_MAX, WAIT_SECONDS};
use crate::threading::{Begun, Burst, Class, Heard, Place, Reason, Stream};

/// The chat as the threader remembers it.
pub struct Remembered {
    pub stream: Stream,
    /// What is said goes on with this, which the stream is then without.
    pub going_on: Option<GoingOn>,
    numbers: HashMap<DiscussionId, i64>,
}

/// What one person has said in one go before what is to be placed.
pub struct GoingOn {
    /// All of it as one, with what is to be placed.
    pub burst: Burst,
    /// What has been placed already, in order.
    pub earlier: Vec<Recalled>,
}

/// Whether it was certain, or a person has put it there: it is not judged again, and draws along what was said in one go with it.
pub fn is_fixed(post: &Recalled) -> bool {
    post.quotes_card || post.class.as_deref().and_then(Class::find).is_none()
}

impl GoingOn {
    /// Where it stands in a discussion, if it does: where something of it stands that is not moved, or else its latest.
    pub fn begun(&self, stream: &Stream) -> Option<(Begun, DiscussionId)> {
        let filed = || self.earlier.iter().rev().filter(|p| !p.other);
        if let Some(fixed) = filed().find(|p| is_fixed(p)) {
            return Some((Begun::Fixed, fixed.discussion));
        }
        let latest = filed().next()?.discussion;
        Some((if stream.knows(latest) { Begun::Joined } else { Begun::Opened }, latest))
    }

    /// How long after the line before it what was said at `at` came.
    pub fn pause_before(&self, at: Timestamp) -> Reason {
        let before = self.earlier.iter().rev().map(|p| p.created_at).find(|said| *said < at).unwrap_or(at);
        Reason::Burst { seconds: at.as_second().saturating_sub(before.as_second()).max(0) }
    }
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
    let mut said = latest(tx, chat, at).await?;
    if let Some(id) = before {
        said.retain(|p| (p.created_at, p.id) < (at, id));
    }
    remember(tx, app, chat, (at, in_bursts(said), None)).await
}

/// Likewise, with what `heard` goes on with apart.
pub async fn recall_around(tx: &mut Tx, app: &App, chat: &Chat, heard: &Heard<'_>) -> Result<Remembered, store::Error> {
    let mut bursts = in_bursts(latest(tx, chat, heard.at).await?);
    let going_on = bursts.pop_if(|(burst, _)| burst.takes_in(heard)).map(|(mut burst, earlier)| {
        burst.add(heard);
        GoingOn { burst, earlier }
    });
    remember(tx, app, chat, (heard.at, bursts, going_on)).await
}

async fn latest(tx: &mut Tx, chat: &Chat, at: Timestamp) -> Result<Vec<Recalled>, store::Error> {
    let since = at - SignedDuration::from_secs(ACTIVE_SECONDS);
    let until = at + SignedDuration::from_secs(WAIT_SECONDS);
    let mut said = recalled::recall(tx, (chat.id, chat.project), (since, until), bound(LINES_MAX)).await?;
    said.sort_by_key(|p| (p.created_at, p.id));
    Ok(said)
}

/// What was said in one go, and its posts.
type Together = (Burst, Vec<Recalled>);

/// What one person said in one go, and what stands in one place, together.
fn in_bursts(said: Vec<Recalled>) -> Vec<Together> {
    let mut bursts: Vec<Together> = vec![];
    for post in said {
        let speaker = post.person.map(|p| p.to_string()).unwrap_or_default();
        let mentions = post.mentions();
        let heard = Heard {
            at: post.created_at,
            speaker: &speaker,
            name: &post.author,
            role: Some(post.role),
            kind: &post.kind,
            text: &post.body,
            mentions: &mentions,
            quotes: None,
        };
        // What quoted something or had a number was certain, and begins anew.
        let goes_on = |burst: &Burst, last: &Recalled| post.class.is_some() && place_of(last) == place_of(&post) && burst.takes_in(&heard);
        match bursts.last_mut() {
            Some((burst, posts)) if posts.last().is_some_and(|last| goes_on(burst, last)) => {
                burst.add(&heard);
                posts.push(post);
            }
            _ => bursts.push((Burst::begin(&heard), vec![post])),
        }
    }
    bursts
}

fn place_of(post: &Recalled) -> Place {
    match post.class.as_deref() {
        _ if !post.other => Place::In(post.discussion),
        Some(class) if class == Class::Waits.as_str() => Place::Waiting,
        _ => Place::Rest,
    }
}

async fn remember(
    tx: &mut Tx,
    app: &App,
    chat: &Chat,
    (at, bursts, going_on): (Timestamp, Vec<Together>, Option<GoingOn>),
) -> Result<Remembered, store::Error> {
    let mut stream = Stream::new(app.config.server.time_zone.clone());
    for (burst, posts) in &bursts {
        stream.record(&burst.heard(), posts.first().map_or(Place::Rest, place_of));
    }
    let mut numbers = HashMap::new();
    let since = at - SignedDuration::from_secs(ACTIVE_SECONDS);
    for open in discussions::recent_in_chat(tx, chat.id, since, bound(TOPICS_MAX)).await? {
        stream.describe(open.id, open.status);
        numbers.insert(open.id, open.number);
    }
    Ok(Remembered { stream, going_on, numbers })
}

fn bound(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
