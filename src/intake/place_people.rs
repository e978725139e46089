//! Placing what LINE tells of comings and goings: the account's own, and other people's. Events may arrive in any order and more than
//! once; what the record says in the end is the same.

use jiff::{SignedDuration, Timestamp};

use super::learn::{self, Names, REFRESH_AFTER};
use super::place::{PlaceError, Placed, at};
use super::place_line::Arrived;
use super::watch;
use crate::App;
use crate::discussions::{role_in, tell_of_gap, tell_of_newcomer};
use crate::domain::{Act, Channel, ChatKind, LineUserId, NoticeKind};
use crate::store::chats::Chat;
use crate::store::notices::{NewNotice, Target};
use crate::store::persons::Person;
use crate::store::{self, Tx, chats, discussions, friends, notices, persons, presence, reply_tokens, rosters, settings};

/// Discussions of a chat whose open pages are told of a gap that begins or ends: the latest.
const PAGES_TOLD_MAX: i64 = 20;
/// They are looked for so far back.
const PAGES_TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Who it is, with what LINE has just told of them.
pub(super) async fn met(tx: &mut Tx, app: &App, names: &Names, id: &LineUserId) -> Result<Person, store::Error> {
    let now = app.clock.now();
    let learned = names.people.get(id);
    let profile = learned.and_then(Option::as_ref);
    let name = profile.map(|p| p.display_name.as_str()).unwrap_or_default();
    let person = persons::find_or_add(tx, Channel::Line, id.as_str(), name, now).await?;
    if learned.is_some() {
        // That somebody has no picture any more is left to the daily look, which can delete the old one.
        let shown = profile.filter(|p| p.picture_url.is_some());
        match shown {
            Some(profile) => drop(learn::record(tx, id, Some(profile), now).await?),
            None => store::identities::record_name(tx, Channel::Line, id.as_str(), profile.map(|p| p.display_name.as_str()), now).await?,
        }
    }
    Ok(person)
}

/// LINE has just told of them: there is time until the next look.
async fn checked(tx: &mut Tx, app: &App, names: &Names, chat: &Chat, (person, id): (&Person, &LineUserId)) -> Result<(), store::Error> {
    if names.people.get(id).is_some_and(Option::is_some) {
        rosters::check_at(tx, chat.id, person.id, Some(app.clock.now() + REFRESH_AFTER)).await?;
    }
    Ok(())
}

/// Somebody does something in the chat: they are in it.
pub(super) async fn acting(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, id: &LineUserId) -> Result<Person, store::Error> {
    let person = met(tx, app, arrived.names, id).await?;
    rosters::seen(tx, chat.id, person.id, at(arrived.incoming.at, arrived.row.received_at)).await?;
    checked(tx, app, arrived.names, chat, (&person, id)).await?;
    Ok(person)
}

/// `memberJoined`: who comes is on the roster, may read, and staff hear of it.
pub(super) async fn members_joined(
    tx: &mut Tx,
    app: &App,
    arrived: &Arrived<'_>,
    chat: &Chat,
    people: &[LineUserId],
) -> Result<Placed, PlaceError> {
    let happened = at(arrived.incoming.at, arrived.row.received_at);
    let bot = settings::find(tx, &watch::bot_key(&chat.inbox)).await?;
    for id in people.iter().filter(|id| bot.as_deref() != Some(id.as_str())) {
        let person = met(tx, app, arrived.names, id).await?;
        let is_news = rosters::joined(tx, chat.id, person.id, happened).await?;
        checked(tx, app, arrived.names, chat, (&person, id)).await?;
        if is_news && chat.bound && !role_in(tx, chat.project, &person).await?.is_staff() {
            tell_of_newcomer(tx, app, chat, person.id, happened).await?;
        }
    }
    chats::ask_again(tx, chat.id).await?;
    Ok(Placed { access_changed: true, ..Placed::done(None) })
}

/// `memberLeft`: what being there allowed ends.
pub(super) async fn members_left(
    tx: &mut Tx,
    app: &App,
    arrived: &Arrived<'_>,
    chat: &Chat,
    people: &[LineUserId],
) -> Result<Placed, PlaceError> {
    let now = app.clock.now();
    let happened = at(arrived.incoming.at, arrived.row.received_at);
    for id in people {
        let person = persons::find_or_add(tx, Channel::Line, id.as_str(), "", now).await?;
        rosters::gone(tx, chat.id, person.id, happened).await?;
    }
    chats::ask_again(tx, chat.id).await?;
    Ok(Placed { access_changed: true, ..Placed::done(None) })
}

/// `join`: the record begins, or goes on after a gap, and the chat is told.
pub(super) async fn account_joined(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat) -> Result<Placed, PlaceError> {
    let now = app.clock.now();
    let happened = at(arrived.incoming.at, arrived.row.received_at);
    let was_away = chat.left_at.is_some();
    presence::record(tx, chat.id, happened, true).await?;
    if was_away {
        rosters::check_all(tx, chat.id, now).await?;
    }
    if !arrived.incoming.standby {
        let new = NewNotice {
            kind: NoticeKind::Joined,
            discussion: None,
            post: None,
            target: Target::Chat(chat.id),
            due_at: now,
            deadline_at: now + app.config.notify.coalesce,
            now,
            detail: None,
            expires_at: None,
        };
        notices::add(tx, &new).await?;
    }
    let changed = if was_away { pages_of(tx, chat, now).await? } else { vec![] };
    Ok(Placed { changed, ..Placed::done(None) })
}

/// The account is not in the chat (any more), as LINE said or as it turned out: the record stops, and staff hear of it once. The numbers
/// of discussions whose open pages show it.
pub(super) async fn account_left(tx: &mut Tx, app: &App, chat: &Chat, happened: Timestamp) -> Result<Vec<i64>, store::Error> {
    let is_news = presence::record(tx, chat.id, happened, false).await?;
    // Told once a gap: where the account was known to be away, this only tells since when.
    if is_news && chat.bound && chat.left_at.is_none() {
        tell_of_gap(tx, app, chat, happened).await?;
    }
    pages_of(tx, chat, app.clock.now()).await
}

/// `leave`.
pub(super) async fn account_removed(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat) -> Result<Placed, PlaceError> {
    let happened = at(arrived.incoming.at, arrived.row.received_at);
    let changed = account_left(tx, app, chat, happened).await?;
    Ok(Placed { changed, ..Placed::done(None) })
}

async fn pages_of(tx: &mut Tx, chat: &Chat, now: Timestamp) -> Result<Vec<i64>, store::Error> {
    let latest = discussions::recent_in_chat(tx, chat.id, now - PAGES_TOLD_WITHIN, PAGES_TOLD_MAX).await?;
    Ok(latest.into_iter().map(|d| d.number).collect())
}

/// `follow` and `unfollow`: whether messages into somebody's own chat arrive. They make no chat: nobody has said anything.
pub(super) async fn friendship(tx: &mut Tx, app: &App, arrived: &Arrived<'_>) -> Result<Placed, PlaceError> {
    let Arrived { row, inbox, incoming, names, .. } = arrived;
    let own = incoming.chat.as_ref().filter(|c| c.kind == ChatKind::User).map(|c| LineUserId(c.id.0.clone()));
    let Some(id) = incoming.author.clone().or(own) else { return Ok(Placed::ignored("LINE does not say who")) };
    let happened = at(incoming.at, row.received_at);
    let person = met(tx, app, names, &id).await?;
    if incoming.act == Act::Followed {
        friends::followed(tx, inbox, person.id, happened).await?;
    } else {
        friends::blocked(tx, inbox, person.id, happened).await?;
    }
    if let Some(of) = &incoming.chat
        && let Some(chat) = chats::find(tx, inbox, &of.id).await?
    {
        chats::touch(tx, chat.id, happened).await?;
        if let Some(token) = incoming.reply_token.as_deref().filter(|_| !incoming.standby) {
            reply_tokens::add(tx, token, chat.id, row.received_at).await?;
        }
    }
    Ok(Placed::done(None))
}

#[cfg(test)]
mod tests;
