//! People and groups, and what people write in them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::content::{Content, Upload};
use super::events::{Event, Scene};
use super::platform::Platform;
use super::sent::{Entry, Speaker};
use super::state::{ChatState, Message, Person, State};
use crate::domain::{ChatKind, LineChatId, LineMessageId, LineUserId};

/// Most mentions in one message (reference, "Text").
const MENTIONS_MAX: usize = 20;

/// How a text is said.
#[derive(Clone, Debug, Default)]
pub struct Say {
    /// The message that it quotes.
    pub quote: Option<LineMessageId>,
    /// Puts `@BOT ` before the text, as a mention.
    pub mention_bot: bool,
    /// Makes a mention of every `@NAME` in the text that names the bot, a member, or everybody (`@All`), as choosing them in LINE's
    /// list does.
    pub mention_names: bool,
    /// When; `None` = now. Never before what was said already.
    pub at: Option<Timestamp>,
}

fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

impl State {
    /// `mention.mentionees` of a text: offsets and lengths in UTF-16 units.
    fn mentionees(&self, account: usize, chat: &LineChatId, text: &str, how: &Say) -> Vec<Value> {
        let bot = &self.accounts[account].official;
        let mut names = vec![(bot.settings.bot_name.clone(), json!({"type": "user", "userId": bot.bot.as_str(), "isSelf": true}))];
        if how.mention_names {
            for member in self.chats.get(chat).map(|c| c.members.as_slice()).unwrap_or_default() {
                let mut mentionee = json!({"type": "user", "isSelf": false});
                if self.people.get(member).is_none_or(|p| p.consents) {
                    mentionee["userId"] = json!(member.as_str());
                }
                names.push((self.name_of(member), mentionee));
            }
            names.push(("All".to_owned(), json!({"type": "all"})));
        }
        // The longest name first, so that 「林先生」 is not taken for 「林」.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names.retain(|(name, _)| !name.is_empty());
        let mut found = Vec::new();
        for (at, _) in text.match_indices('@') {
            let after = &text[at + 1..];
            let is_meant = how.mention_names || (how.mention_bot && at == 0);
            if let Some((name, mentionee)) = names.iter().find(|(name, _)| is_meant && after.starts_with(name.as_str())) {
                let mut mentionee = mentionee.clone();
                mentionee["index"] = json!(utf16_len(&text[..at]));
                mentionee["length"] = json!(utf16_len(name) + 1);
                found.push(mentionee);
            }
        }
        found.truncate(MENTIONS_MAX);
        found
    }
}

impl Platform {
    /// A person who uses LINE and is no friend of the Official Account.
    pub fn person(&self, name: &str) -> LineUserId {
        let mut state = self.state();
        let id = LineUserId(format!("U{}", state.hex(32)));
        let language = Some("zh-Hant".to_owned());
        let name = name.to_owned();
        state.people.insert(id.clone(), Person { name, consents: true, is_gone: false, picture: None, language, status_message: None });
        id
    }

    fn change_person(&self, user: &LineUserId, change: impl FnOnce(&mut Person)) {
        let mut state = self.state();
        state.version += 1;
        if let Some(person) = state.people.get_mut(user) {
            change(person);
        }
    }

    /// From now on LINE leaves this person's id out of events (they never agreed to the use of their profile).
    pub fn withdraw_consent(&self, user: &LineUserId) {
        self.change_person(user, |person| {
            person.consents = false;
            person.language = None;
        });
    }

    /// They change their display name.
    pub fn rename(&self, user: &LineUserId, name: &str) {
        self.change_person(user, |person| name.clone_into(&mut person.name));
    }

    /// They write something about themselves in their profile.
    pub fn set_status_message(&self, user: &LineUserId, words: &str) {
        self.change_person(user, |person| person.status_message = Some(words.to_owned()));
    }

    /// They give LINE up. No event tells of it.
    pub fn delete_account(&self, user: &LineUserId) {
        self.change_person(user, |person| person.is_gone = true);
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
        let chat = ChatState { kind, name: name.to_owned(), members: members.to_vec(), bot: Some(self.no()), picture: None };
        state.chats.insert(id.clone(), chat);
        id
    }

    /// A member gives the group another name. No event tells of it.
    pub fn rename_group(&self, group: &LineChatId, name: &str) {
        let mut state = self.state();
        state.version += 1;
        if let Some(chat) = state.chats.get_mut(group) {
            name.clone_into(&mut chat.name);
        }
    }

    /// A message whose own fields are `content` (with its `type`). Ids, tokens and the record of it are added here.
    pub(super) fn message(&self, chat: &LineChatId, user: Option<&LineUserId>, content: Value, upload: Option<Upload>) -> Event {
        self.message_at(chat, user, content, upload, self.now())
    }

    fn message_at(&self, chat: &LineChatId, user: Option<&LineUserId>, mut content: Value, upload: Option<Upload>, at: Timestamp) -> Event {
        let account = self.no();
        let mut state = self.state();
        let id = state.message_id();
        let kind = content["type"].as_str().unwrap_or_default().to_owned();
        content["id"] = json!(id.as_str());
        if matches!(kind.as_str(), "text" | "image" | "video" | "sticker") {
            content["quoteToken"] = json!(state.quote_token(chat, &id));
        }
        let read_token = state.token(48);
        content["markAsReadToken"] = json!(read_token);
        state.read_tokens.insert(read_token, ());
        let quotes = content["quotedMessageId"].as_str().map(LineMessageId::from);
        let heard_by = state.chats.get(chat).map_or(Some(account), |c| c.bot);
        let size = upload.as_ref().map(|u| u.bytes.len());
        let stored = Message {
            chat: chat.clone(),
            heard_by,
            author: user.cloned(),
            kind,
            by_bot: false,
            unsent: false,
            content: upload.map(Content::of),
        };
        state.messages.insert(id.clone(), stored);
        if let Some(size) = size {
            state.make_room(&id, size);
        }
        if let Some(user) = user.filter(|u| u.as_str() == chat.as_str()) {
            state.relation_mut(account, user).wrote_at = Some(at);
        }
        let by = Speaker::Person(user.cloned());
        let entry = Entry { id: Some(id.clone()), at, by, content: content.clone(), quotes, retracted: false, edited: false };
        state.show(account, chat, entry);
        let event = state.event("message", Scene { account, chat, user, at }, json!({"message": content}));
        Event { message: Some(id), ..event }
    }

    /// Somebody writes. `user` absent: LINE does not tell who.
    pub fn say(&self, chat: &LineChatId, user: Option<&LineUserId>, text: &str, how: Say) -> Event {
        let text = if how.mention_bot { format!("@{} {text}", self.settings().bot_name) } else { text.to_owned() };
        let mentionees = self.state().mentionees(self.no(), chat, &text, &how);
        let mut content = json!({"type": "text", "text": text});
        if !mentionees.is_empty() {
            content["mention"] = json!({"mentionees": mentionees});
        }
        if let Some(quote) = how.quote {
            content["quotedMessageId"] = json!(quote.as_str());
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

    /// The author of a text changes it. The event has a new reply and quote token and no `markAsReadToken` (reference, "Edit event").
    ///
    /// # Panics
    /// If there is no such message, if it is no text, or not in a group: LINE has edits nowhere else.
    pub fn edit(&self, message: &LineMessageId, text: &str) -> Event {
        self.edit_as(message, text, &Say::default())
    }

    /// As [`Platform::edit`]; of `how` only the mentions and the time count.
    ///
    /// # Panics
    /// As [`Platform::edit`].
    pub fn edit_as(&self, message: &LineMessageId, text: &str, how: &Say) -> Event {
        let at = how.at.unwrap_or_else(|| self.now());
        let account = self.no();
        let mut state = self.state();
        let known = state.messages.get(message).expect("only what was said can be edited");
        assert!(known.kind == "text" && known.chat.as_str().starts_with('C'), "only texts in groups can be edited");
        let (chat, author) = (known.chat.clone(), known.author.clone());
        let mut content = json!({"type": "text", "id": message.as_str(), "text": text});
        content["quoteToken"] = json!(state.quote_token(&chat, message));
        let mentionees = state.mentionees(account, &chat, text, how);
        if !mentionees.is_empty() {
            content["mention"] = json!({"mentionees": mentionees});
        }
        state.amend(account, &chat, message, |entry| {
            for field in ["text", "mention"] {
                entry.content[field] = content[field].clone();
            }
            entry.edited = true;
        });
        let scene = Scene { account, chat: &chat, user: author.as_ref(), at };
        let event = state.event("messageEdited", scene, json!({"message": content}));
        Event { message: Some(message.clone()), ..event }
    }

    /// The author takes a message back, at any age, be it delivered already or not; its content is gone from LINE.
    ///
    /// # Panics
    /// If there is no such message.
    pub fn unsend(&self, message: &LineMessageId) -> Event {
        let at = self.now();
        let account = self.no();
        let mut state = self.state();
        let known = state.messages.get_mut(message).expect("only what was said can be unsent");
        known.unsent = true;
        if let Some(content) = &mut known.content {
            content.forget();
        }
        let (chat, author) = (known.chat.clone(), known.author.clone());
        state.amend(account, &chat, message, |entry| {
            entry.content = json!({"type": entry.content["type"]});
            entry.quotes = None;
            entry.retracted = true;
        });
        let scene = Scene { account, chat: &chat, user: author.as_ref(), at };
        let event = state.event("unsend", scene, json!({"unsend": {"messageId": message.as_str()}}));
        Event { message: Some(message.clone()), ..event }
    }
}
