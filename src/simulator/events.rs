//! Webhook events: what all of them have in common.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::platform::Platform;
use super::state::{ReplyToken, State};
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
    /// Whether the account gets to hear of it: not while it is out of the group, nor from who blocks it. What it does not hear of is
    /// never delivered.
    pub heard: bool,
}

impl Event {
    /// The message that it is about.
    ///
    /// # Panics
    /// If it is about none.
    pub fn message_id(&self) -> &LineMessageId {
        self.message.as_ref().expect("this event is about no message")
    }

    /// The same event as a channel gets it while another module channel is in charge: `mode` is `standby`, and there is no reply
    /// token (reference, "Common properties").
    #[must_use]
    pub fn in_standby(mut self) -> Self {
        self.json["mode"] = json!("standby");
        if let Some(fields) = self.json.as_object_mut() {
            fields.remove("replyToken");
        }
        self.reply_token = None;
        self
    }
}

/// Whether LINE gives a reply token with this type of event.
fn may_be_replied_to(kind: &str, fields: &Value) -> bool {
    match kind {
        "unsend" | "unfollow" | "leave" | "memberLeft" | "delivery" | "module" | "activated" | "deactivated" | "botSuspended"
        | "botResumed" => false,
        "accountLink" => fields["link"]["result"] != "failed",
        _ => true,
    }
}

/// Where something happens, and by whom.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The account that may hear of it.
    pub account: usize,
    pub chat: &'a LineChatId,
    /// Absent: LINE does not tell.
    pub user: Option<&'a LineUserId>,
    pub at: Timestamp,
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
    pub(super) fn event(&mut self, kind: &str, scene: Scene, fields: Value) -> Event {
        let Scene { account, chat, user, at } = scene;
        let at_ms = self.next_ms(at);
        let id = self.ulid(at_ms);
        let has_token = may_be_replied_to(kind, &fields);
        let has_source = !(kind == "accountLink" && fields["link"]["result"] == "failed");
        let mut event = fields;
        event["type"] = json!(kind);
        event["webhookEventId"] = json!(id);
        event["deliveryContext"] = json!({"isRedelivery": false});
        event["timestamp"] = json!(at_ms);
        if has_source {
            event["source"] = self.source(chat, user);
        }
        event["mode"] = json!("active");
        let reply_token = has_token.then(|| self.hex(32));
        if let Some(token) = &reply_token {
            event["replyToken"] = json!(token);
            let chat = chat.clone();
            let token_state = ReplyToken { account, chat, event_at: at, lives_from: at, used: false, answer_lost: false };
            self.reply_tokens.insert(token.clone(), token_state);
        }
        // Its coming and going itself is always heard of, and so is a block.
        let heard = matches!(kind, "join" | "leave" | "unfollow") || self.hears(account, chat);
        Event { id, message: None, reply_token, json: event, heard }
    }
}

impl Platform {
    /// An event at this account that happens now.
    pub(super) fn happens(&self, kind: &str, chat: &LineChatId, user: Option<&LineUserId>, fields: Value) -> Event {
        let at = self.now();
        self.state().event(kind, Scene { account: self.no(), chat, user, at }, fields)
    }

    /// An event of any type, even one that LINE has yet to invent; `fields` is an object with what it has beyond the common ones.
    pub fn strange_event(&self, kind: &str, chat: &LineChatId, user: Option<&LineUserId>, fields: Value) -> Event {
        self.happens(kind, chat, user, fields)
    }
}
