//! Placing LINE events.

use jiff::{SignedDuration, Timestamp};

use super::learn::{Names, name_own_project};
use super::place::{PlaceError, Placed, at};
use crate::App;
use crate::discussions::{self as acts, NewWords, role_in};
use crate::domain::{Act, Channel, ChatKind, Inbox, Incoming, IncomingChat, LineContent, NoticeKind, ProjectKind, Role, Said, Source};
use crate::store::attachments::{AttachmentStatus, NewAttachment};
use crate::store::chats::Chat;
use crate::store::discussions::Opening;
use crate::store::inbound::{self, Inbound};
use crate::store::notices::{NewNotice, Target};
use crate::store::{self, Tx, attachments, chats, discussions, notices, persons, posts, projects, reply_tokens};
use crate::threading::{Candidates, Choice, STICKER_REACH, Utterance, decide};

/// An acknowledgement waits for the burst's end no longer than this: the reply token of its last message must still be good.
const ACKNOWLEDGE_WITHIN: SignedDuration = SignedDuration::from_secs(40);

/// An event with what was asked for it.
pub(super) struct Arrived<'a> {
    pub row: &'a Inbound,
    pub inbox: &'a Inbox,
    pub incoming: &'a Incoming,
    pub names: &'a Names,
}

/// What an event leads to.
pub(super) async fn place(tx: &mut Tx, app: &App, arrived: &Arrived<'_>) -> Result<Placed, PlaceError> {
    let Arrived { row, inbox, incoming, names } = arrived;
    let Some(of) = &incoming.chat else {
        return Ok(Placed::ignored(format!("{} belongs to no chat", kind_of(&incoming.act))));
    };
    let now = app.clock.now();
    let happened = at(incoming.at, row.received_at);
    let chat = chat_for(tx, app, inbox, of, names).await?;
    chats::touch(tx, chat.id, happened).await?;
    if let Some(token) = incoming.reply_token.as_deref().filter(|_| !incoming.standby) {
        reply_tokens::add(tx, token, chat.id, row.received_at).await?;
    }
    let placed = match &incoming.act {
        Act::Say(said) => say(tx, app, arrived, &chat, said).await?,
        Act::Edit { message, text } => match acts::edit(tx, app, chat.id, message.as_str(), text, happened).await? {
            Some(post) if post.retracted_at.is_some() => {
                inbound::forget_own_body(tx, row.id).await?;
                Placed::ignored("the message was taken back")
            }
            Some(post) => {
                let discussion = discussions::get(tx, post.discussion).await?;
                Placed::done(Some((discussion.id, discussion.number)))
            }
            None if posts::is_unsent(tx, chat.id, message.as_str()).await? => {
                inbound::forget_own_body(tx, row.id).await?;
                Placed::ignored("the message was taken back")
            }
            None => return Err(PlaceError::NotYet("the edited message is not in the record")),
        },
        Act::Unsend { message } => {
            let (post, unused_files) = acts::unsend(tx, app, chat.id, message.as_str(), now).await?;
            let discussion = match post {
                Some(post) => Some(discussions::get(tx, post.discussion).await?),
                None => None,
            };
            Placed { unused_files, ..Placed::done(discussion.map(|d| (d.id, d.number))) }
        }
        Act::BotJoined => {
            chats::set_left(tx, chat.id, None).await?;
            if !incoming.standby {
                let kind = NoticeKind::Joined;
                let target = Target::Chat(chat.id);
                let deadline_at = now + app.config.notify.coalesce;
                notices::add(
                    tx,
                    &NewNotice {
                        kind,
                        discussion: None,
                        post: None,
                        target,
                        due_at: now,
                        deadline_at,
                        now,
                        detail: None,
                        expires_at: None,
                    },
                )
                .await?;
            }
            Placed::done(None)
        }
        Act::BotLeft => {
            chats::set_left(tx, chat.id, Some(happened)).await?;
            Placed::done(None)
        }
        Act::MembersJoined(people) => {
            for id in people {
                let person = persons::find_or_add(tx, Channel::Line, id.as_str(), "", now).await?;
                chats::seen(tx, chat.id, person.id, happened).await?;
            }
            Placed::done(None)
        }
        Act::MembersLeft(people) => {
            for id in people {
                let person = persons::find_or_add(tx, Channel::Line, id.as_str(), "", now).await?;
                chats::gone(tx, chat.id, person.id, happened).await?;
            }
            Placed::done(None)
        }
        Act::Followed | Act::Unfollowed | Act::Tapped { .. } | Act::Unsupported { .. } => {
            Placed::ignored(format!("{}: nothing to record", kind_of(&incoming.act)))
        }
    };
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
        Act::Unsupported { kind } => kind,
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
    let key = own_project_key(of);
    let project = projects::find_or_add(tx, &key, name, ProjectKind::Chat, app.clock.now()).await?;
    match chats::add(tx, inbox, &of.id, of.kind, project).await? {
        Some(id) => chats::get(tx, id).await,
        None => chats::find(tx, inbox, &of.id).await?.ok_or(store::Error::RowNotFound),
    }
}

/// The key of the project that an unbound chat gets: from LINE's id, which is unique.
fn own_project_key(of: &IncomingChat) -> String {
    let id: String = of.id.as_str().to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).take(48).collect();
    format!("line-{id}")
}

async fn say(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, said: &Said) -> Result<Placed, PlaceError> {
    let Arrived { row, incoming, .. } = arrived;
    let happened = at(incoming.at, row.received_at);
    if posts::is_unsent(tx, chat.id, said.message.as_str()).await? {
        inbound::forget_own_body(tx, row.id).await?;
        return Ok(Placed::ignored("the message was taken back before it arrived"));
    }
    let (person, role) = author(tx, app, arrived, chat, happened).await?;
    let candidates = gather(tx, chat, said, happened).await?;
    let untitled = untitled(app, said);
    let placement = decide(&Utterance { said, at: happened, untitled }, &candidates);
    let kind = if said.unsupported { format!("unsupported:{}", said.kind) } else { said.kind.clone() };
    let words = NewWords {
        person,
        role,
        source: Source::Line,
        internal: false,
        chat: Some(chat.id),
        external_id: Some(said.message.as_str()),
        inbound: Some(row.id),
        kind: &kind,
        body: &said.text,
        whole: None,
        evidence: &placement.evidence,
        at: happened,
        opens: false,
        silent: incoming.standby,
    };
    let written = match &placement.choice {
        Choice::Join(id) => {
            let discussion = discussions::get(tx, *id).await?;
            acts::post(tx, app, discussion, words).await?
        }
        Choice::Open { title } => {
            // The message may have a post already (a second event about it): no discussion is opened for that.
            if posts::find_line(tx, chat.id, said.message.as_str()).await?.is_some() {
                return Ok(Placed::ignored("the message has a post already"));
            }
            let new = Opening { project: chat.project, title, chat: Some(chat.id), source: Source::Line, at: happened };
            acts::open(tx, app, &new, words).await?
        }
    };
    let Some(post) = written.post else { return Ok(Placed::ignored("the message has a post already")) };
    if let Some(file) = &said.attachment {
        let status = match &file.at {
            LineContent::Line => AttachmentStatus::Waiting,
            LineContent::External { .. } => AttachmentStatus::External,
        };
        let new = NewAttachment {
            post,
            name: &file.name,
            content_type: &file.content_type,
            size: file.size.and_then(|s| i64::try_from(s).ok()),
            sha256: None,
            status,
            inbox: Some(chat.inbox.as_str()),
            message_id: Some(said.message.as_str()),
            due_at: app.clock.now(),
        };
        attachments::add(tx, &new).await?;
    }
    Ok(Placed::done(Some((written.discussion.id, written.discussion.number))))
}

/// Who said it, and in what part. LINE may leave the author out.
async fn author(
    tx: &mut Tx,
    app: &App,
    arrived: &Arrived<'_>,
    chat: &Chat,
    at: Timestamp,
) -> Result<(Option<crate::domain::PersonId>, Role), store::Error> {
    let Some(id) = &arrived.incoming.author else { return Ok((None, Role::Client)) };
    let now = app.clock.now();
    let learned = arrived.names.people.get(id);
    let name = learned.and_then(Option::as_deref).unwrap_or_default();
    let person = persons::find_or_add(tx, Channel::Line, id.as_str(), name, now).await?;
    if let Some(name) = learned {
        persons::record_name(tx, Channel::Line, id.as_str(), name.as_deref(), now).await?;
    }
    chats::seen(tx, chat.id, person.id, at).await?;
    let role = role_in(tx, chat.project, &person).await?;
    Ok((Some(person.id), role))
}

async fn gather(tx: &mut Tx, chat: &Chat, said: &Said, at: Timestamp) -> Result<Candidates, store::Error> {
    let mut quoted = None;
    if let Some(message) = &said.quotes {
        quoted = match posts::find_line(tx, chat.id, message.as_str()).await? {
            Some(post) => Some(post.discussion),
            None => posts::discussion_of_sent_message(tx, chat.id, message.as_str()).await?,
        };
    }
    if let Some(id) = quoted {
        let found = discussions::get(tx, id).await?;
        let now_in = discussions::follow(tx, found).await?;
        // A chat that was bound elsewhere since keeps quoting; what it quotes must be of its project.
        quoted = (now_in.project == chat.project).then_some(now_in.id);
    }
    let latest = discussions::recent_in_chat(tx, chat.id, at - STICKER_REACH, 1).await?;
    Ok(Candidates { quoted, latest: latest.first().map(|d| (d.id, d.last_post_at)) })
}

/// What a discussion is called whose first message has no words.
fn untitled<'a>(app: &'a App, said: &'a Said) -> &'a str {
    if let Some(file) = said.attachment.as_ref().filter(|_| said.kind == "file") {
        return &file.name;
    }
    let texts = app.texts();
    match said.kind.as_str() {
        "image" => texts.get("message.image"),
        "video" => texts.get("message.video"),
        "audio" => texts.get("message.audio"),
        "file" => texts.get("message.file"),
        "location" => texts.get("message.location"),
        "sticker" => texts.get("message.sticker"),
        _ => texts.get("discussion.untitled"),
    }
}
