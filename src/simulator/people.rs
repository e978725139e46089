//! What people do in LINE, and the webhook events that come of it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::content::{Content, Upload};
use super::platform::{Account, ChatState, Entry, Friendship, Message, Platform, ReplyToken, Speaker, State};
use crate::domain::{ChatKind, LineChatId, LineMessageId, LineUserId};

/// One webhook event, ready to be delivered.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its `webhookEventId`.
    pub id: String,
    /// The message that it is about.
    pub message: Option<LineMessageId>,
    /// Absent where LINE gives none (unsend, leave, memberLeft, unfollow).
    pub reply_token: Option<String>,
    /// The event as LINE would send it.
    pub json: Value,
}

impl Event {
    /// The message that it is about.
    ///
    /// # Panics
    /// If it is about none.
    pub fn message_id(&self) -> &LineMessageId {
        self.message.as_ref().expect("this event is about no message")
    }
}

/// How a text is said.
#[derive(Clone, Debug, Default)]
pub struct Say {
    /// The message that it quotes.
    pub quote: Option<LineMessageId>,
    /// Puts `@BOT ` before the text, as a mention.
    pub mention_bot: bool,
    /// When; `None` = now. Never before what was said already.
    pub at: Option<Timestamp>,
}

/// Whether LINE gives a reply token with this type of event.
fn may_be_replied_to(kind: &str) -> bool {
    !matches!(kind, "unsend" | "unfollow" | "leave" | "memberLeft")
}

fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

impl State {
    fn source(&self, chat: &LineChatId, user: Option<&LineUserId>) -> Value {
        let Some(known) = self.chats.get(chat) else {
            return json!({"type": "user", "userId": chat.as_str()});
        };
        let id_key = if known.kind == ChatKind::Room { "roomId" } else { "groupId" };
        let mut source = json!({"type": known.kind.as_str(), id_key: chat.as_str()});
        if let Some(user) = user.filter(|u| self.people.get(u).is_none_or(|p| p.consents)) {
            source["userId"] = json!(user.as_str());
        }
        source
    }

    /// An event of `kind` whose own fields are `fields`, an object.
    fn event(&mut self, kind: &str, chat: &LineChatId, user: Option<&LineUserId>, at: Timestamp, fields: Value) -> Event {
        let at_ms = self.next_ms(at);
        let id = self.ulid(at_ms);
        let mut event = fields;
        event["type"] = json!(kind);
        event["webhookEventId"] = json!(id);
        event["deliveryContext"] = json!({"isRedelivery": false});
        event["timestamp"] = json!(at_ms);
        event["source"] = self.source(chat, user);
        event["mode"] = json!("active");
        let reply_token = may_be_replied_to(kind).then(|| self.hex(32));
        if let Some(token) = &reply_token {
            event["replyToken"] = json!(token);
            let token_state = ReplyToken { chat: chat.clone(), event_at: at, lives_from: at, used: false, answer_lost: false };
            self.reply_tokens.insert(token.clone(), token_state);
        }
        Event { id, message: None, reply_token, json: event }
    }

    /// A line of LINE's own in the chat.
    pub(super) fn note(&mut self, chat: &LineChatId, at: Timestamp, note: &str, users: &[LineUserId]) {
        let names: Vec<String> = users.iter().map(|u| self.name_of(u)).collect();
        let content = json!({"type": "note", "note": note, "names": names});
        let entry = Entry { id: None, at, by: Speaker::Nobody, content, quotes: None, retracted: false, edited: false };
        self.show(chat, entry);
    }
}

impl Platform {
    /// A person who uses LINE and is no friend of the Official Account.
    pub fn person(&self, name: &str) -> LineUserId {
        let mut state = self.state();
        let id = LineUserId(format!("U{}", state.hex(32)));
        let account = Account { name: name.to_owned(), friendship: Friendship::None, wrote_to_bot: false, consents: true };
        state.people.insert(id.clone(), account);
        id
    }

    /// From now on LINE leaves this person's id out of events (they never agreed to the use of their profile).
    pub fn withdraw_consent(&self, user: &LineUserId) {
        if let Some(account) = self.state().people.get_mut(user) {
            account.consents = false;
        }
    }

    /// They change their display name.
    pub fn rename(&self, user: &LineUserId, name: &str) {
        if let Some(account) = self.state().people.get_mut(user) {
            name.clone_into(&mut account.name);
        }
    }

    /// A group with the Official Account in it.
    pub fn group(&self, name: &str, members: &[LineUserId]) -> LineChatId {
        self.chat(ChatKind::Group, name, members)
    }

    /// A multi-person chat of the old kind.
    pub fn room(&self, members: &[LineUserId]) -> LineChatId {
        self.chat(ChatKind::Room, "", members)
    }

    fn chat(&self, kind: ChatKind, name: &str, members: &[LineUserId]) -> LineChatId {
        let mut state = self.state();
        let letter = if kind == ChatKind::Room { 'R' } else { 'C' };
        let id = LineChatId(format!("{letter}{}", state.hex(32)));
        state.chats.insert(id.clone(), ChatState { kind, name: name.to_owned(), members: members.to_vec(), has_bot: true });
        id
    }

    /// A message whose own fields are `content` (with its `type`). Ids, tokens and the record of it are added here.
    pub(super) fn message(&self, chat: &LineChatId, user: Option<&LineUserId>, content: Value, upload: Option<Upload>) -> Event {
        self.message_at(chat, user, content, upload, self.now())
    }

    fn message_at(&self, chat: &LineChatId, user: Option<&LineUserId>, mut content: Value, upload: Option<Upload>, at: Timestamp) -> Event {
        let mut state = self.state();
        let id = state.message_id();
        let kind = content["type"].as_str().unwrap_or_default().to_owned();
        content["id"] = json!(id.as_str());
        if matches!(kind.as_str(), "text" | "image" | "video" | "sticker") {
            content["quoteToken"] = json!(state.quote_token(chat, &id));
        }
        let read_token = state.token(48);
        content["markAsReadToken"] = json!(read_token);
        state.read_tokens.insert(read_token);
        let quotes = content["quotedMessageId"].as_str().map(LineMessageId::from);
        let stored = Message {
            chat: chat.clone(),
            author: user.cloned(),
            kind,
            by_bot: false,
            unsent: false,
            content: upload.map(|u| Content { bytes: u.bytes, kind: u.content_type, not_ready: u.not_ready }),
        };
        state.messages.insert(id.clone(), stored);
        if let Some(account) = user.filter(|u| u.as_str() == chat.as_str()).and_then(|u| state.people.get_mut(u)) {
            account.wrote_to_bot = true;
        }
        let by = Speaker::Person(user.cloned());
        let entry = Entry { id: Some(id.clone()), at, by, content: content.clone(), quotes, retracted: false, edited: false };
        state.show(chat, entry);
        let event = state.event("message", chat, user, at, json!({"message": content}));
        Event { message: Some(id), ..event }
    }

    /// Somebody writes. `user` absent: LINE does not tell who.
    pub fn say(&self, chat: &LineChatId, user: Option<&LineUserId>, text: &str, how: Say) -> Event {
        let mut content = json!({"type": "text", "text": text});
        if let Some(quote) = how.quote {
            content["quotedMessageId"] = json!(quote.as_str());
        }
        if how.mention_bot {
            let name = format!("@{}", self.settings().bot_name);
            content["text"] = json!(format!("{name} {text}"));
            let bot = self.bot().as_str();
            let mentionee = json!({"index": 0, "length": utf16_len(&name), "userId": bot, "type": "user", "isSelf": true});
            content["mention"] = json!({"mentionees": [mentionee]});
        }
        self.message_at(chat, user, content, None, how.at.unwrap_or_else(|| self.now()))
    }

    /// Somebody sends a sticker; LINE tells its package, number and a few keywords.
    pub fn sticker(&self, chat: &LineChatId, user: Option<&LineUserId>, keywords: &[&str], quote: Option<&LineMessageId>) -> Event {
        let mut content = json!({
            "type": "sticker", "packageId": "11537", "stickerId": "52002738",
            "stickerResourceType": "ANIMATION", "keywords": keywords,
        });
        if let Some(quote) = quote {
            content["quotedMessageId"] = json!(quote.as_str());
        }
        self.message(chat, user, content, None)
    }

    /// Somebody sends a place: `at` is latitude and longitude in degrees.
    pub fn location(&self, chat: &LineChatId, user: Option<&LineUserId>, title: &str, address: &str, at: (f64, f64)) -> Event {
        let mut content = json!({"type": "location", "address": address, "latitude": at.0, "longitude": at.1});
        if !title.is_empty() {
            content["title"] = json!(title);
        }
        self.message(chat, user, content, None)
    }

    /// The author of a text changes it (in groups). The event has a new reply and quote token and no `markAsReadToken`.
    ///
    /// # Panics
    /// If there is no such message.
    pub fn edit(&self, message: &LineMessageId, text: &str) -> Event {
        let now = self.now();
        let mut state = self.state();
        let known = state.messages.get(message).expect("only what was said can be edited");
        let (chat, author) = (known.chat.clone(), known.author.clone());
        let token = state.quote_token(&chat, message);
        state.amend(&chat, message, |entry| {
            entry.content["text"] = json!(text);
            entry.edited = true;
        });
        let content = json!({"type": "text", "id": message.as_str(), "quoteToken": token, "text": text});
        let event = state.event("messageEdited", &chat, author.as_ref(), now, json!({"message": content}));
        Event { message: Some(message.clone()), ..event }
    }

    /// The author takes a message back; its content is gone from LINE.
    ///
    /// # Panics
    /// If there is no such message.
    pub fn unsend(&self, message: &LineMessageId) -> Event {
        let now = self.now();
        let mut state = self.state();
        let known = state.messages.get_mut(message).expect("only what was said can be unsent");
        known.unsent = true;
        let (chat, author) = (known.chat.clone(), known.author.clone());
        state.amend(&chat, message, |entry| {
            entry.content = json!({"type": entry.content["type"]});
            entry.quotes = None;
            entry.retracted = true;
        });
        let event = state.event("unsend", &chat, author.as_ref(), now, json!({"unsend": {"messageId": message.as_str()}}));
        Event { message: Some(message.clone()), ..event }
    }

    /// The Official Account is invited; LINE does not tell by whom.
    pub fn join(&self, chat: &LineChatId) -> Event {
        self.bot_comes_or_goes(chat, true)
    }

    /// The Official Account is removed.
    pub fn leave(&self, chat: &LineChatId) -> Event {
        self.bot_comes_or_goes(chat, false)
    }

    fn bot_comes_or_goes(&self, chat: &LineChatId, comes: bool) -> Event {
        let now = self.now();
        let kind = if comes { "join" } else { "leave" };
        let mut state = self.state();
        if let Some(known) = state.chats.get_mut(chat) {
            known.has_bot = comes;
        }
        state.note(chat, now, kind, &[]);
        state.event(kind, chat, None, now, json!({}))
    }

    /// People come into a group.
    pub fn member_joined(&self, chat: &LineChatId, users: &[LineUserId]) -> Event {
        let now = self.now();
        let mut state = self.state();
        if let Some(known) = state.chats.get_mut(chat) {
            known.members.retain(|m| !users.contains(m));
            known.members.extend_from_slice(users);
        }
        state.note(chat, now, "memberJoined", users);
        state.event("memberJoined", chat, None, now, json!({"joined": {"members": members_json(users)}}))
    }

    /// People leave a group, or are removed.
    pub fn member_left(&self, chat: &LineChatId, users: &[LineUserId]) -> Event {
        let now = self.now();
        let mut state = self.state();
        if let Some(known) = state.chats.get_mut(chat) {
            known.members.retain(|m| !users.contains(m));
        }
        state.note(chat, now, "memberLeft", users);
        state.event("memberLeft", chat, None, now, json!({"left": {"members": members_json(users)}}))
    }

    /// Somebody adds the Official Account as a friend, or unblocks it.
    pub fn follow(&self, user: &LineUserId) -> Event {
        let now = self.now();
        let mut state = self.state();
        let mut unblocked = false;
        if let Some(account) = state.people.get_mut(user) {
            unblocked = account.friendship == Friendship::Blocked;
            account.friendship = Friendship::Friend;
        }
        state.event("follow", &own_chat(user), Some(user), now, json!({"follow": {"isUnblocked": unblocked}}))
    }

    /// Somebody blocks the Official Account.
    pub fn unfollow(&self, user: &LineUserId) -> Event {
        let now = self.now();
        let mut state = self.state();
        if let Some(account) = state.people.get_mut(user) {
            account.friendship = Friendship::Blocked;
        }
        state.event("unfollow", &own_chat(user), Some(user), now, json!({}))
    }

    /// Somebody taps a button of the bot's whose action is a postback with `data`.
    pub fn tap(&self, chat: &LineChatId, user: Option<&LineUserId>, data: &str) -> Event {
        let now = self.now();
        self.state().event("postback", chat, user, now, json!({"postback": {"data": data}}))
    }

    /// An event of any type, even one that LINE has yet to invent; `fields` is an object with what it has beyond the common ones.
    pub fn strange_event(&self, kind: &str, chat: &LineChatId, user: Option<&LineUserId>, fields: Value) -> Event {
        let now = self.now();
        self.state().event(kind, chat, user, now, fields)
    }
}

/// The one-to-one chat of a user with the Official Account.
fn own_chat(user: &LineUserId) -> LineChatId {
    LineChatId(user.0.clone())
}

fn members_json(users: &[LineUserId]) -> Value {
    users.iter().map(|u| json!({"type": "user", "userId": u.as_str()})).collect()
}
