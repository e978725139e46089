//! What LINE has to be asked for: the names of chats and people, and how many heads a push is billed for.
//!
//! Asked before the placing transaction, never in it; what is not answered in time is placed without and asked for later.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::channels::line::client::LineError;
use crate::domain::{Channel, ChatKind, Inbox, Incoming, LineChatId, LineUserId};
use crate::store::{self, chats, persons};

/// All look-ups of one batch together may take so long.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// After a name was asked for in vain it is not asked for again so soon.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// Names and head counts are asked for again once a day.
const REFRESH_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Chats and people refreshed in one round.
const REFRESHED_PER_ROUND: i64 = 20;

/// What was learned, kept at once.
#[derive(Debug)]
enum Learned {
    Chat { inbox: Inbox, id: LineChatId, name: Option<String>, members: Option<i64> },
    Person { id: LineUserId, name: Option<String> },
}

/// The names that placing these events needs. A chat's is returned, since it is made in the placing transaction.
pub async fn names_for(app: &App, batch: &[(Inbox, Incoming)]) -> Result<Names, store::Error> {
    let now = app.clock.now();
    let (unknown_chats, unknown_people) = unknown(app, batch, now).await?;
    let mut asked = FuturesUnordered::new();
    for (inbox, kind, id) in unknown_chats {
        asked.push(futures_util::future::Either::Left(ask_chat(app, inbox, kind, id)));
    }
    for (inbox, kind, chat, person) in unknown_people {
        asked.push(futures_util::future::Either::Right(ask_person(app, inbox, kind, chat, person)));
    }
    let mut names = Names::default();
    let deadline = tokio::time::Instant::now() + LOOKUP_TIMEOUT;
    while let Ok(Some(learned)) = tokio::time::timeout_at(deadline, asked.next()).await {
        match learned {
            Learned::Chat { inbox, id, name, members } => {
                names.chats.insert((inbox, id), (name, members));
            }
            Learned::Person { id, name } => {
                names.people.insert(id, name);
            }
        }
    }
    Ok(names)
}

/// What LINE answered; absent where it was known already or did not answer.
#[derive(Debug, Default)]
pub struct Names {
    /// Name and heads.
    pub chats: BTreeMap<(Inbox, LineChatId), (Option<String>, Option<i64>)>,
    pub people: BTreeMap<LineUserId, Option<String>>,
}

type UnknownChats = BTreeSet<(Inbox, ChatKind, LineChatId)>;
type UnknownPeople = Vec<(Inbox, ChatKind, LineChatId, LineUserId)>;

async fn unknown(app: &App, batch: &[(Inbox, Incoming)], now: Timestamp) -> Result<(UnknownChats, UnknownPeople), store::Error> {
    let mut c = app.db.read().await?;
    let mut unknown_chats = BTreeSet::new();
    let mut authors: BTreeMap<LineUserId, (Inbox, ChatKind, LineChatId)> = BTreeMap::new();
    for (inbox, incoming) in batch {
        let Some(chat) = &incoming.chat else { continue };
        if let Some(author) = &incoming.author {
            authors.insert(author.clone(), (inbox.clone(), chat.kind, chat.id.clone()));
        }
        let known = chats::find(&mut c, inbox, &chat.id).await?;
        if known.is_none_or(|k| k.name.is_empty() && k.named_at.is_none_or(|at| at < now - ASK_AGAIN_AFTER)) {
            unknown_chats.insert((inbox.clone(), chat.kind, chat.id.clone()));
        }
    }
    let ids: Vec<String> = authors.keys().map(|id| id.0.clone()).collect();
    let known: BTreeSet<String> = persons::named(&mut c, &ids, now - ASK_AGAIN_AFTER).await?.into_iter().collect();
    let unknown_people =
        authors.into_iter().filter(|(id, _)| !known.contains(&id.0)).map(|(id, (inbox, kind, chat))| (inbox, kind, chat, id)).collect();
    Ok((unknown_chats, unknown_people))
}

async fn ask_chat(app: &App, inbox: Inbox, kind: ChatKind, id: LineChatId) -> Learned {
    let nothing = Learned::Chat { inbox: inbox.clone(), id: id.clone(), name: None, members: None };
    let Some(line) = app.line.get(inbox.name()) else { return nothing };
    let (name, members) = match kind {
        ChatKind::Group => {
            let (summary, count) = tokio::join!(line.group_summary(id.as_str()), line.member_count(kind, id.as_str()));
            (summary.ok().flatten().map(|s| s.name), heads(count))
        }
        ChatKind::Room => (None, heads(line.member_count(kind, id.as_str()).await)),
        ChatKind::User => {
            let person = line.member(kind, id.as_str(), id.as_str()).await.ok().flatten();
            (person.map(|p| p.display_name), Some(1))
        }
    };
    Learned::Chat { inbox, id, name, members }
}

fn heads(told: Result<Option<u64>, LineError>) -> Option<i64> {
    told.ok().flatten().and_then(|n| i64::try_from(n).ok())
}

async fn ask_person(app: &App, inbox: Inbox, kind: ChatKind, chat: LineChatId, id: LineUserId) -> Learned {
    let name = match app.line.get(inbox.name()) {
        Some(line) => line.member(kind, chat.as_str(), id.as_str()).await.ok().flatten().map(|p| p.display_name),
        None => None,
    };
    Learned::Person { id, name }
}

/// Asks again for what is missing or old. How much it asked for.
pub async fn refresh(app: &App) -> anyhow::Result<usize> {
    let now = app.clock.now();
    let (old_chats, nameless) = {
        let mut c = app.db.read().await?;
        let old = chats::stale(&mut c, now - REFRESH_AFTER, REFRESHED_PER_ROUND).await?;
        let nameless = persons::unnamed(&mut c, now - ASK_AGAIN_AFTER, REFRESHED_PER_ROUND).await?;
        (old, nameless)
    };
    let asked = old_chats.len() + nameless.len();
    for chat in old_chats {
        let learned = ask_chat(app, chat.inbox.clone(), chat.kind, chat.external_id.clone()).await;
        if let Learned::Chat { name, members, .. } = learned {
            let mut tx = app.db.begin().await?;
            chats::record_summary(&mut tx, chat.id, name.as_deref(), members, now).await?;
            name_own_project(&mut tx, &chat, name.as_deref()).await?;
            tx.commit().await?;
        }
    }
    for (person, chat) in nameless {
        let chat = chats::get(&mut *app.db.read().await?, crate::domain::ChatId(chat)).await?;
        let learned = ask_person(app, chat.inbox, chat.kind, chat.external_id, LineUserId(person.clone())).await;
        if let Learned::Person { name, .. } = learned {
            let mut tx = app.db.begin().await?;
            persons::record_name(&mut tx, Channel::Line, &person, name.as_deref(), now).await?;
            tx.commit().await?;
        }
    }
    Ok(asked)
}

/// The project that was made for an unbound chat is called as the chat is.
pub async fn name_own_project(tx: &mut store::Tx, chat: &chats::Chat, name: Option<&str>) -> store::Result<()> {
    match name.filter(|n| !chat.bound && !n.is_empty()) {
        Some(name) => store::projects::rename(tx, chat.project, name).await,
        None => Ok(()),
    }
}
