//! Placing LINE events.

use jiff::SignedDuration;

use super::learn::{Names, name_own_project};
use super::place::{PlaceError, Placed, at};
use super::place_commands::obey;
use super::place_taps::tapped;
use super::{place_people, place_said};
use crate::App;
use crate::channels::line::commands::Typed;
use crate::discussions::{own_project_key, role_in};
use crate::domain::{Act, ChatKind, Inbox, Incoming, IncomingChat, ProjectKind, Role, Said};
use crate::store::chats::Chat;
use crate::store::inbound::Inbound;
use crate::store::{self, Tx, chats, notices, presence, projects, reply_tokens};

/// An acknowledgement waits for the burst's end no longer than this: the reply token of its last message must still be good.
const ACKNOWLEDGE_WITHIN: SignedDuration = SignedDuration::from_secs(40);

/// An event with what was asked for it.
pub(super) struct Arrived<'a> {
    pub row: &'a Inbound,
    pub inbox: &'a Inbox,
    pub incoming: &'a Incoming,
    /// What it tells the bot itself.
    pub typed: Option<&'a Typed>,
    pub names: &'a Names,
}

/// What an event leads to.
pub(super) async fn place(tx: &mut Tx, app: &App, arrived: &Arrived<'_>) -> Result<Placed, PlaceError> {
    let Arrived { row, inbox, incoming, names, .. } = arrived;
    if matches!(incoming.act, Act::Followed | Act::Unfollowed) {
        return place_people::friendship(tx, app, arrived).await;
    }
    let Some(of) = &incoming.chat else {
        return Ok(Placed::ignored(match &incoming.act {
            Act::Signal(_) | Act::Unsupported { .. } => not_recorded(&incoming.act),
            act => format!("{}: it belongs to no chat of a kind that we know", kind_of(act)),
        }));
    };
    // What LINE tells of a user alone makes no chat of theirs.
    if let (ChatKind::User, Act::Signal(_) | Act::Unsupported { .. }) = (of.kind, &incoming.act)
        && chats::find(tx, inbox, &of.id).await?.is_none()
    {
        return Ok(Placed::ignored(not_recorded(&incoming.act)));
    }
    let now = app.clock.now();
    let happened = at(incoming.at, row.received_at);
    let chat = chat_for(tx, app, inbox, of, names).await?;
    chats::touch(tx, chat.id, happened).await?;
    if let Some(token) = incoming.reply_token.as_deref().filter(|_| !incoming.standby) {
        reply_tokens::add(tx, token, chat.id, row.received_at).await?;
    }
    if matches!(incoming.act, Act::Say(_)) {
        presence::heard(tx, chat.id, happened).await?;
    }
    let mut placed = match &incoming.act {
        Act::Say(said) => say(tx, app, arrived, &chat, said).await?,
        Act::Edit(said) => place_said::edit(tx, app, arrived, &chat, said).await?,
        Act::Unsend { message } => place_said::unsend(tx, app, &chat, message, happened).await?,
        Act::BotJoined => place_people::account_joined(tx, app, arrived, &chat).await?,
        Act::BotLeft => place_people::account_removed(tx, app, arrived, &chat).await?,
        Act::MembersJoined(people) => place_people::members_joined(tx, app, arrived, &chat, people).await?,
        Act::MembersLeft(people) => place_people::members_left(tx, app, arrived, &chat, people).await?,
        Act::Tapped { data } => tapped(tx, app, arrived, &chat, data).await?,
        act @ (Act::Followed | Act::Unfollowed | Act::Signal(_) | Act::Unsupported { .. }) => Placed::ignored(not_recorded(act)),
    };
    placed.message = incoming.message().cloned();
    // Whatever happened, the chat has just been lively: acknowledgements wait for the quiet, and a token may carry what waits.
    if !incoming.standby && matches!(incoming.act, Act::Say(_)) {
        notices::defer_acknowledgements(
            tx,
            chat.id,
            now + app.config.notify.settle,
            ACKNOWLEDGE_WITHIN.as_micros().try_into().unwrap_or(i64::MAX),
        )
        .await?;
    }
    Ok(placed)
}

fn kind_of(act: &Act) -> &str {
    match act {
        Act::Say(_) => "message",
        Act::Edit { .. } => "messageEdited",
        Act::Unsend { .. } => "unsend",
        Act::BotJoined => "join",
        Act::BotLeft => "leave",
        Act::MembersJoined(_) => "memberJoined",
        Act::MembersLeft(_) => "memberLeft",
        Act::Followed => "follow",
        Act::Unfollowed => "unfollow",
        Act::Tapped { .. } => "postback",
        Act::Signal(signal) => signal.kind(),
        Act::Unsupported { kind } => kind,
    }
}

/// Why an event leads to nothing in the record.
fn not_recorded(act: &Act) -> String {
    match act {
        Act::Signal(signal) => signal.in_words(),
        Act::Unsupported { kind } if matches!(kind.as_str(), "message" | "messageEdited" | "unsend" | "postback") => {
            format!("{kind}: it lacks what makes it one; its bytes are kept")
        }
        Act::Unsupported { kind } => format!("{kind}: an event of a kind that we do not know; its bytes are kept"),
        act => format!("{}: nothing to record", kind_of(act)),
    }
}

/// The chat, held until the transaction ends; made on the spot, with a project of its own, where nobody has bound it.
pub(crate) async fn chat_for(tx: &mut Tx, app: &App, inbox: &Inbox, of: &IncomingChat, names: &Names) -> Result<Chat, store::Error> {
    let now = app.clock.now();
    let learned = names.chats.get(&(inbox.clone(), of.id.clone()));
    let chat = match chats::find(tx, inbox, &of.id).await? {
        Some(chat) => chat,
        None => add_chat(tx, app, inbox, of, learned.and_then(|(name, _)| name.as_deref())).await?,
    };
    chats::lock(tx, app.db.dialect, chat.id).await?;
    if let Some((name, members)) = learned {
        chats::record_summary(tx, chat.id, name.as_deref(), *members, now).await?;
        name_own_project(tx, &chat, name.as_deref()).await?;
    }
    Ok(chat)
}

async fn add_chat(tx: &mut Tx, app: &App, inbox: &Inbox, of: &IncomingChat, name: Option<&str>) -> Result<Chat, store::Error> {
    let fallback = match of.kind {
        ChatKind::Group => "chat.group",
        ChatKind::Room => "chat.room",
        ChatKind::User => "chat.user",
    };
    let name = name.filter(|n| !n.is_empty()).unwrap_or_else(|| app.texts().get(fallback));
    let key = own_project_key(&of.id);
    let project = projects::find_or_add(tx, &key, name, ProjectKind::Chat, app.clock.now()).await?;
    match chats::add(tx, inbox, &of.id, of.kind, project).await? {
        Some(id) => chats::get(tx, id).await,
        None => chats::find(tx, inbox, &of.id).await?.ok_or(store::Error::RowNotFound),
    }
}

/// Somebody wrote: to the bot itself, or to the others.
async fn say(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, said: &Said) -> Result<Placed, PlaceError> {
    if let Some(typed) = arrived.typed
        && let Some(placed) = obey(tx, app, arrived, chat, typed).await?
    {
        return Ok(placed);
    }
    place_said::say(tx, app, arrived, chat, said).await
}

/// Who said it, and in what part. LINE may leave the author out.
pub(super) async fn author(
    tx: &mut Tx,
    app: &App,
    arrived: &Arrived<'_>,
    chat: &Chat,
) -> Result<(Option<crate::domain::PersonId>, Role), store::Error> {
    let Some(id) = &arrived.incoming.author else { return Ok((None, Role::Client)) };
    let person = place_people::acting(tx, app, arrived, chat, id).await?;
    let role = role_in(tx, chat.project, &person).await?;
    Ok((Some(person.id), role))
}
