//! Who comes and goes: members, the Official Account itself, its friends.

use serde_json::{Value, json};

use super::events::{Event, Scene};
use super::platform::Platform;
use super::state::Friendship;
use crate::domain::{LineChatId, LineUserId};

impl Platform {
    /// The Official Account is invited; LINE does not tell by whom. Where another account is in the group this one does not stay: see
    /// [`Platform::invite`].
    pub fn join(&self, chat: &LineChatId) -> Event {
        let at = self.now();
        let account = self.no();
        let mut state = self.state();
        if let Some(known) = state.chats.get_mut(chat)
            && known.bot.is_none()
        {
            known.bot = Some(account);
        }
        state.note(account, chat, at, "join", &[]);
        state.event("join", Scene { account, chat, user: None, at }, json!({}))
    }

    /// The Official Account is invited: `join`, and a `leave` after it where another account is in the group, since there is room for one
    /// at any time (docs, "Group chats and multi-person chats").
    pub fn invite(&self, chat: &LineChatId) -> Vec<Event> {
        let joined = self.join(chat);
        if self.is_in(chat) { vec![joined] } else { vec![joined, self.leave(chat)] }
    }

    /// The Official Account is removed. Until it joins again it hears nothing of the group.
    pub fn leave(&self, chat: &LineChatId) -> Event {
        let at = self.now();
        let account = self.no();
        let mut state = self.state();
        if let Some(known) = state.chats.get_mut(chat) {
            known.bot.take_if(|bot| *bot == account);
        }
        state.note(account, chat, at, "leave", &[]);
        state.event("leave", Scene { account, chat, user: None, at }, json!({}))
    }

    /// People come into a group.
    pub fn member_joined(&self, chat: &LineChatId, users: &[LineUserId]) -> Event {
        self.members_change(chat, users, true)
    }

    /// People leave a group, or are removed.
    pub fn member_left(&self, chat: &LineChatId, users: &[LineUserId]) -> Event {
        self.members_change(chat, users, false)
    }

    fn members_change(&self, chat: &LineChatId, users: &[LineUserId], come: bool) -> Event {
        let at = self.now();
        let account = self.no();
        let mut state = self.state();
        if let Some(known) = state.chats.get_mut(chat) {
            known.members.retain(|m| !users.contains(m));
            if come {
                known.members.extend_from_slice(users);
            }
        }
        let (kind, change) = if come { ("memberJoined", "joined") } else { ("memberLeft", "left") };
        state.note(account, chat, at, kind, users);
        // LINE does not name those who never agreed to the use of their profile.
        let consenting = users.iter().filter(|u| state.people.get(*u).is_none_or(|p| p.consents));
        let members: Value = consenting.map(|u| json!({"type": "user", "userId": u.as_str()})).collect();
        state.event(kind, Scene { account, chat, user: None, at }, json!({change: {"members": members}}))
    }

    /// Somebody adds the Official Account as a friend, or unblocks it.
    pub fn follow(&self, user: &LineUserId) -> Event {
        let known = std::mem::replace(&mut self.state().relation_mut(self.no(), user).friendship, Friendship::Friend);
        let unblocked = known == Friendship::Blocked;
        self.happens("follow", &own_chat(user), Some(user), json!({"follow": {"isUnblocked": unblocked}}))
    }

    /// Somebody blocks the Official Account.
    pub fn unfollow(&self, user: &LineUserId) -> Event {
        self.state().relation_mut(self.no(), user).friendship = Friendship::Blocked;
        self.happens("unfollow", &own_chat(user), Some(user), json!({}))
    }
}

/// The one-to-one chat of a user with the Official Account.
pub(super) fn own_chat(user: &LineUserId) -> LineChatId {
    LineChatId(user.0.clone())
}
