//! What LINE has to be asked for: the names of chats and people, their pictures, how many heads a push is billed for, and whether
//! somebody is still there.
//!
//! Asked before the placing transaction, never in it; what is not answered in time is placed without and asked for later.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};

use super::place_people;
use crate::App;
use crate::channels::line::client::{LineError, Profile};
use crate::domain::{Act, Channel, ChatKind, Inbox, Incoming, LineChatId, LineUserId};
use crate::store::chats::Chat;
use crate::store::rosters::{self, Due};
use crate::store::{self, Tx, chats, identities, persons};

/// All look-ups of one batch together may take so long.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// People asked for in one batch; the others are asked for by and by.
const PEOPLE_PER_BATCH: usize = 50;
/// After a name was asked for in vain it is not asked for again so soon.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// After LINE did not answer about somebody whose name is known, or about a chat that nothing is known of.
const CHECK_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Names, pictures and head counts are asked for again once a day.
pub(super) const REFRESH_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Who was not seen for so long is not asked for until they are.
const LIVELY_FOR: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Chats, and people, refreshed in one round.
const REFRESHED_PER_ROUND: i64 = 20;

/// What was learned, kept at once.
#[derive(Debug)]
enum Learned {
    Chat {
        inbox: Inbox,
        id: LineChatId,
        name: Option<String>,
        members: Option<i64>,
        /// LINE says that there is no such group, or that the account is not in it.
        missing: bool,
    },
    Person {
        id: LineUserId,
        profile: Option<Profile>,
    },
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
            Learned::Chat { inbox, id, name, members, .. } => {
                names.chats.insert((inbox, id), (name, members));
            }
            Learned::Person { id, profile } => {
                names.people.insert(id, profile);
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
    /// `None` = it was asked in vain.
    pub people: BTreeMap<LineUserId, Option<Profile>>,
}

type UnknownChats = BTreeSet<(Inbox, ChatKind, LineChatId)>;
type UnknownPeople = Vec<(Inbox, ChatKind, LineChatId, LineUserId)>;

async fn unknown(app: &App, batch: &[(Inbox, Incoming)], now: Timestamp) -> Result<(UnknownChats, UnknownPeople), store::Error> {
    let mut c = app.db.read().await?;
    let mut unknown_chats = BTreeSet::new();
    let mut people: BTreeMap<LineUserId, (Inbox, ChatKind, LineChatId)> = BTreeMap::new();
    for (inbox, incoming) in batch {
        let Some(chat) = &incoming.chat else { continue };
        if matches!(incoming.act, Act::BotLeft | Act::Unfollowed) {
            // There is nobody to ask any more.
            continue;
        }
        let came = if let Act::MembersJoined(ids) = &incoming.act { ids.as_slice() } else { &[] };
        for id in incoming.author.iter().chain(came) {
            // A group tells of its members even where they are no friends of the account, or block it.
            if chat.kind != ChatKind::User || !people.contains_key(id) {
                people.insert(id.clone(), (inbox.clone(), chat.kind, chat.id.clone()));
            }
        }
        let known = chats::find(&mut c, inbox, &chat.id).await?;
        let is_new = incoming.act == Act::BotJoined;
        if is_new || known.is_none_or(|k| k.name.is_empty() && k.named_at.is_none_or(|at| at < now - ASK_AGAIN_AFTER)) {
            unknown_chats.insert((inbox.clone(), chat.kind, chat.id.clone()));
        }
    }
    let ids: Vec<String> = people.keys().map(|id| id.0.clone()).collect();
    let known: BTreeSet<String> = persons::named(&mut c, &ids, now - ASK_AGAIN_AFTER).await?.into_iter().collect();
    let unknown_people = people.into_iter().filter(|(id, _)| !known.contains(&id.0)).take(PEOPLE_PER_BATCH);
    Ok((unknown_chats, unknown_people.map(|(id, (inbox, kind, chat))| (inbox, kind, chat, id)).collect()))
}

async fn ask_chat(app: &App, inbox: Inbox, kind: ChatKind, id: LineChatId) -> Learned {
    let nothing = Learned::Chat { inbox: inbox.clone(), id: id.clone(), name: None, members: None, missing: false };
    let Some(line) = app.line.get(inbox.name()) else { return nothing };
    let (name, members, missing) = match kind {
        ChatKind::Group => {
            let (summary, count) = tokio::join!(line.group_summary(id.as_str()), line.member_count(kind, id.as_str()));
            let missing = matches!(summary, Ok(None));
            (summary.ok().flatten().map(|s| s.name), heads(count), missing)
        }
        ChatKind::Room => (None, heads(line.member_count(kind, id.as_str()).await), false),
        ChatKind::User => {
            let person = line.member(kind, id.as_str(), id.as_str()).await.ok().flatten();
            (person.map(|p| p.display_name), Some(1), false)
        }
    };
    Learned::Chat { inbox, id, name, members, missing }
}

fn heads(told: Result<Option<u64>, LineError>) -> Option<i64> {
    told.ok().flatten().and_then(|n| i64::try_from(n).ok())
}

async fn ask_person(app: &App, inbox: Inbox, kind: ChatKind, chat: LineChatId, id: LineUserId) -> Learned {
    let profile = match app.line.get(inbox.name()) {
        Some(line) => line.member(kind, chat.as_str(), id.as_str()).await.ok().flatten(),
        None => None,
    };
    Learned::Person { id, profile }
}

/// Keeps what LINE says of somebody. A picture that is no longer shown and that nothing refers to any more is returned.
pub(super) async fn record(tx: &mut Tx, id: &LineUserId, told: Option<&Profile>, now: Timestamp) -> store::Result<Option<String>> {
    identities::record_name(tx, Channel::Line, id.as_str(), told.map(|p| p.display_name.as_str()), now).await?;
    match told {
        Some(profile) => identities::record_picture(tx, Channel::Line, id.as_str(), profile.picture_url.as_deref(), now).await,
        None => Ok(None),
    }
}

/// Asks again for what is missing or old. How much it asked for.
pub async fn refresh(app: &App) -> anyhow::Result<usize> {
    let now = app.clock.now();
    let (old_chats, people) = {
        let mut c = app.db.read().await?;
        let old = chats::stale(&mut c, now - REFRESH_AFTER, now - CHECK_AGAIN_AFTER, REFRESHED_PER_ROUND).await?;
        let people = rosters::due(&mut c, now, REFRESHED_PER_ROUND).await?;
        (old, people)
    };
    let asked = old_chats.len() + people.len();
    for chat in old_chats {
        refresh_chat(app, &chat).await?;
    }
    for due in people {
        refresh_person(app, &due).await?;
    }
    Ok(asked)
}

async fn refresh_chat(app: &App, chat: &Chat) -> anyhow::Result<()> {
    let asked_at = app.clock.now();
    let Learned::Chat { name, members, missing, .. } = ask_chat(app, chat.inbox.clone(), chat.kind, chat.external_id.clone()).await else {
        return Ok(());
    };
    let mut tx = app.db.begin().await?;
    chats::lock(&mut tx, app.db.dialect, chat.id).await?;
    chats::record_summary(&mut tx, chat.id, name.as_deref(), members, asked_at).await?;
    name_own_project(&mut tx, chat, name.as_deref()).await?;
    // A group that LINE once knew: the event that told of the account's removal was lost.
    let gone = missing && !chat.name.is_empty();
    let changed = if gone { place_people::account_left(&mut tx, app, chat, asked_at).await? } else { vec![] };
    tx.commit().await?;
    for number in changed {
        app.changed(number);
    }
    Ok(())
}

/// What LINE says of somebody's being in a chat.
enum Member {
    Is(Profile),
    IsNot,
    NoAnswer,
}

async fn ask_member(app: &App, chat: &Chat, user: &str) -> Member {
    let Some(line) = app.line.get(chat.inbox.name()) else { return Member::NoAnswer };
    match line.member(chat.kind, chat.external_id.as_str(), user).await {
        Ok(Some(profile)) => Member::Is(profile),
        Ok(None) => Member::IsNot,
        Err(error) => {
            tracing::debug!(%error, "LINE could not be asked about a member; the roster stands");
            Member::NoAnswer
        }
    }
}

/// Whether the account itself is in the chat: LINE answers the same 404 for a member who went and for a chat that we are not in.
async fn is_account_in(app: &App, chat: &Chat) -> Option<bool> {
    let line = app.line.get(chat.inbox.name())?;
    match chat.kind {
        ChatKind::Group => line.group_summary(chat.external_id.as_str()).await.ok().map(|s| s.is_some()),
        ChatKind::Room => line.member_count(chat.kind, chat.external_id.as_str()).await.ok().map(|n| n.is_some()),
        ChatKind::User => Some(true),
    }
}

async fn refresh_person(app: &App, due: &Due) -> anyhow::Result<()> {
    let asked_at = app.clock.now();
    let chat = chats::get(&mut *app.db.read().await?, due.chat).await?;
    let told = ask_member(app, &chat, &due.user).await;
    let account_in = match told {
        Member::IsNot => is_account_in(app, &chat).await,
        _ => None,
    };
    let user = LineUserId(due.user.clone());
    let lively = due.seen_at > asked_at - LIVELY_FOR;
    let tomorrow = Some(asked_at + REFRESH_AFTER).filter(|_| lively);
    let mut tx = app.db.begin().await?;
    let (mut unused, mut changed, mut access_changed) = (None, vec![], false);
    match told {
        Member::Is(profile) => {
            unused = record(&mut tx, &user, Some(&profile), asked_at).await?;
            rosters::check_at(&mut tx, chat.id, due.person, tomorrow).await?;
        }
        // Of somebody who blocked the account LINE tells nothing.
        Member::IsNot if chat.kind == ChatKind::User => rosters::check_at(&mut tx, chat.id, due.person, None).await?,
        Member::IsNot if account_in == Some(true) => {
            access_changed = rosters::gone(&mut tx, chat.id, due.person, asked_at).await?;
        }
        Member::IsNot if account_in == Some(false) => changed = place_people::account_left(&mut tx, app, &chat, asked_at).await?,
        Member::IsNot | Member::NoAnswer => {
            let nameless = persons::named(&mut tx, std::slice::from_ref(&due.user), asked_at).await?.is_empty();
            let again = asked_at + if nameless { ASK_AGAIN_AFTER } else { CHECK_AGAIN_AFTER };
            rosters::check_at(&mut tx, chat.id, due.person, Some(again)).await?;
        }
    }
    tx.commit().await?;
    if let Some(sha256) = unused {
        app.files.delete(&sha256).await?;
    }
    for number in changed {
        app.changed(number);
    }
    if access_changed {
        app.access_changed();
    }
    Ok(())
}

/// The project that was made for an unbound chat is called as the chat is.
pub async fn name_own_project(tx: &mut Tx, chat: &Chat, name: Option<&str>) -> store::Result<()> {
    match name.filter(|n| !chat.bound && !n.is_empty()) {
        Some(name) => store::projects::rename(tx, chat.project, name).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
