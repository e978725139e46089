//! What people do with buttons, and events that a group seldom or never sees.

use serde_json::{Value, json};

use super::comings::own_chat;
use super::events::Event;
use super::platform::Platform;
use super::sent::{Entry, Speaker};
use crate::domain::{LineChatId, LineUserId};

impl Platform {
    /// Somebody taps a button of the bot's whose action is a postback with `data`.
    pub fn tap(&self, chat: &LineChatId, user: Option<&LineUserId>, data: &str) -> Event {
        self.happens("postback", chat, user, json!({"postback": {"data": data}}))
    }

    /// Somebody taps a button with this action object: the event that comes of it, if any does. The `displayText` of a postback shows in
    /// the chat as said by them, without an event of its own; a message action makes them say its text; `params` is what they chose
    /// in a date picker (reference, "Postback action", "Message action", "Datetime picker action", "URI action").
    pub fn tap_button(&self, chat: &LineChatId, user: Option<&LineUserId>, action: &Value, params: Option<Value>) -> Option<Event> {
        match action["type"].as_str() {
            Some("postback") => {
                if let Some(words) = action["displayText"].as_str() {
                    let content = json!({"type": "text", "text": words});
                    let by = Speaker::Person(user.cloned());
                    let at = self.now();
                    let entry = Entry { id: None, at, by, content, quotes: None, retracted: false, edited: false };
                    self.state().show(self.no(), chat, entry);
                }
                Some(self.tap(chat, user, action["data"].as_str()?))
            }
            Some("datetimepicker") => {
                let mut postback = json!({"data": action["data"].as_str()?});
                postback["params"] = params?;
                Some(self.happens("postback", chat, user, json!({"postback": postback})))
            }
            Some("message") => Some(self.say(chat, user, action["text"].as_str()?, super::Say::default())),
            // A link opens and a clipboard fills; LINE tells nobody.
            _ => None,
        }
    }

    /// Somebody sees a video of the bot's to its end (reference, "Video viewing complete event").
    pub fn video_played(&self, user: &LineUserId, tracking_id: &str) -> Event {
        self.happens("videoPlayComplete", &own_chat(user), Some(user), json!({"videoPlayComplete": {"trackingId": tracking_id}}))
    }

    /// Somebody comes near a beacon: `kind` is `enter`, `banner` or `stay` (reference, "Beacon event").
    pub fn beacon(&self, user: &LineUserId, hardware_id: &str, kind: &str) -> Event {
        self.happens("beacon", &own_chat(user), Some(user), json!({"beacon": {"hwid": hardware_id, "type": kind}}))
    }

    /// Somebody links their account with a service's, or fails to: then the event has neither source nor reply token (reference,
    /// "Account link event").
    pub fn account_link(&self, user: &LineUserId, nonce: &str, ok: bool) -> Event {
        let result = if ok { "ok" } else { "failed" };
        self.happens("accountLink", &own_chat(user), Some(user), json!({"link": {"result": result, "nonce": nonce}}))
    }

    /// Somebody takes, renews or ends a membership: `kind` is `joined`, `left` or `renewed` (reference, "Membership event").
    pub fn membership(&self, user: &LineUserId, kind: &str, membership_id: i64) -> Event {
        self.happens("membership", &own_chat(user), Some(user), json!({"membership": {"type": kind, "membershipId": membership_id}}))
    }

    /// What only partners' and modules' channels hear: `activated`, `deactivated`, `botSuspended`, `botResumed`, `module`, `delivery`.
    /// They belong to no chat.
    pub fn channel_event(&self, kind: &str, fields: Value) -> Event {
        let mut event = self.happens(kind, &own_chat(self.bot()), None, fields);
        if let Some(fields) = event.json.as_object_mut() {
            fields.remove("source");
        }
        event
    }
}
