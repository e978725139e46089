//! Webhooks: bodies, signatures, deliveries and what happens when one is not answered with 200.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::{Instant, sleep};

use super::events::Event;
use super::platform::Platform;
use super::state::State;

/// How many times an event is delivered again. LINE does not say how often it tries.
const REDELIVERIES_MAX: u32 = 200;
/// The pause before each of them.
const REDELIVERY_PAUSE: Duration = Duration::from_millis(300);
/// A redelivery gives a reply token another minute only this long after the event (reference, "Send reply message").
const REPLY_TOKEN_RENEWED_MINUTES_MAX: i64 = 20;
/// The share of bodies in which every character beyond ASCII is escaped, as LINE does with some.
const ESCAPED_SHARE: f64 = 0.3;

/// How events are delivered.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// How many times the same is sent, one after the other.
    pub copies: u32,
    /// Whether they say that they are a redelivery.
    pub redelivery: bool,
}

impl Default for How {
    fn default() -> Self {
        Self { copies: 1, redelivery: false }
    }
}

/// What became of a delivery.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// 0: no answer.
    pub status: u16,
    pub took: Duration,
    /// Why there was none.
    pub error: Option<String>,
    /// There was none in time.
    pub timed_out: bool,
}

/// Where nothing was sent.
fn not_sent(why: &str) -> Delivered {
    Delivered { status: 0, took: Duration::ZERO, error: Some(why.to_owned()), timed_out: false }
}

impl Delivered {
    /// Whether LINE would take it as received.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Replaces every character beyond ASCII by `\uXXXX`, astral ones by two.
fn escape_beyond_ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04X}").expect("writing into a String cannot fail");
        }
    }
    out
}

impl State {
    /// A reply token's minute runs from when the webhook went out.
    fn renew_reply_tokens(&mut self, events: &[Event], now: Timestamp) {
        for token in events.iter().filter_map(|e| e.reply_token.as_ref()) {
            if let Some(token) = self.reply_tokens.get_mut(token)
                && !token.used
                && now.duration_since(token.event_at).as_mins() < REPLY_TOKEN_RENEWED_MINUTES_MAX
            {
                token.lives_from = now;
            }
        }
    }
}

impl Platform {
    /// Where webhooks go from now on.
    pub fn set_webhook(&self, url: &str) {
        self.state().accounts[self.no()].webhook = Some(url.to_owned());
    }

    /// The address that stands in the console and that "Get webhook endpoint information" tells, where it is another than the one that
    /// this machine can reach ([`Platform::set_webhook`]).
    pub fn register_webhook(&self, url: &str) {
        self.state().accounts[self.no()].registered_webhook = Some(url.to_owned());
    }

    /// The console's "Use webhook": while it is off nothing is delivered (reference, "Get webhook endpoint information").
    pub fn use_webhook(&self, on: bool) {
        self.state().accounts[self.no()].webhook_active = on;
    }

    /// The body of one webhook with these events.
    pub fn body(&self, events: &[Event], redelivery: bool) -> Vec<u8> {
        let events: Vec<Value> = events
            .iter()
            .map(|event| {
                let mut json = event.json.clone();
                json["deliveryContext"]["isRedelivery"] = json!(redelivery);
                json
            })
            .collect();
        let body = json!({"destination": self.bot().as_str(), "events": events}).to_string();
        let escape = self.state().rng.random_bool(ESCAPED_SHARE);
        if escape { escape_beyond_ascii(&body).into_bytes() } else { body.into_bytes() }
    }

    /// `x-line-signature` of a body: base64 of its HMAC-SHA256 under the channel secret.
    pub fn signature(&self, body: &[u8]) -> String {
        let secret = self.state().accounts[self.no()].secret.clone();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
        mac.update(body);
        STANDARD.encode(mac.finalize().into_bytes())
    }

    /// Posts any bytes to the webhook, signed as told: for what LINE would never send.
    pub async fn post(&self, body: Vec<u8>, signature: Option<&str>) -> Delivered {
        let url = self.state().accounts[self.no()].webhook.clone();
        match url {
            Some(url) => self.post_to(&url, body, signature).await,
            None => not_sent("no webhook is set"),
        }
    }

    pub(super) async fn post_to(&self, url: &str, body: Vec<u8>, signature: Option<&str>) -> Delivered {
        let started = Instant::now();
        let mut request = self.world.http.post(url).header("content-type", "application/json; charset=utf-8").body(body);
        if let Some(signature) = signature {
            request = request.header("x-line-signature", signature);
        }
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                // The answer's body means nothing to LINE, but the answer has only come when all of it has.
                let error = answer.bytes().await.err();
                let status = if error.is_some() { 0 } else { status };
                let timed_out = error.as_ref().is_some_and(reqwest::Error::is_timeout);
                Delivered { status, took: started.elapsed(), error: error.map(|e| e.to_string()), timed_out }
            }
            Err(error) => {
                let timed_out = error.is_timeout() && !error.is_connect();
                Delivered { status: 0, took: started.elapsed(), error: Some(error.to_string()), timed_out }
            }
        }
    }

    async fn deliver_once(&self, events: &[Event], redelivery: bool) -> Delivered {
        let now = self.now();
        self.state().renew_reply_tokens(events, now);
        let body = self.body(events, redelivery);
        let signature = self.signature(&body);
        let delivered = self.post(body, Some(&signature)).await;
        if delivered.is_ok() {
            let mut state = self.state();
            for event in events {
                state.acknowledged.insert(event.id.clone(), ());
            }
        }
        delivered
    }

    /// Delivers events in one webhook.
    pub async fn deliver(&self, events: &[Event]) -> Delivered {
        self.deliver_as(events, How::default()).await
    }

    /// Delivers each event in a webhook of its own, in any order: LINE promises none (docs, "Receive messages").
    pub async fn deliver_shuffled(&self, events: &[Event]) -> Vec<Delivered> {
        let mut order: Vec<&Event> = events.iter().collect();
        order.shuffle(&mut self.state().rng);
        let mut delivered = Vec::with_capacity(order.len());
        for event in order {
            delivered.push(self.deliver(std::slice::from_ref(event)).await);
        }
        delivered
    }

    /// Delivers events in one webhook, repeated or marked as told; what became of the last copy. What the account does not hear of is
    /// left out; where nothing is left, and while "Use webhook" is off, nothing is sent.
    pub async fn deliver_as(&self, events: &[Event], how: How) -> Delivered {
        let heard: Vec<Event> = events.iter().filter(|e| e.heard).cloned().collect();
        if heard.is_empty() && !events.is_empty() {
            return not_sent("the account is not in the chat");
        }
        if !self.state().accounts[self.no()].webhook_active {
            return not_sent("\"Use webhook\" is off");
        }
        let events = heard.as_slice();
        let mut delivered = self.deliver_once(events, how.redelivery).await;
        for _ in 1..how.copies {
            delivered = self.deliver_once(events, how.redelivery).await;
        }
        if !delivered.is_ok() && self.settings().redeliver {
            self.state().redeliveries_under_way += 1;
            let (platform, events) = (self.clone(), events.to_vec());
            tokio::spawn(async move { platform.redeliver(&events).await });
        }
        delivered
    }

    async fn redeliver(&self, events: &[Event]) {
        for _ in 0..REDELIVERIES_MAX {
            sleep(REDELIVERY_PAUSE).await;
            if self.deliver_once(events, true).await.is_ok() {
                break;
            }
        }
        self.state().redeliveries_under_way -= 1;
    }

    /// Whether the webhook ever answered 200 to this event.
    pub fn is_acknowledged(&self, event: &Event) -> bool {
        self.state().acknowledged.contains(&event.id)
    }

    /// Ids of all events that the webhook answered 200 to.
    pub fn acknowledged(&self) -> Vec<String> {
        self.state().acknowledged.keys().cloned().collect()
    }

    /// How many webhooks are still being tried again.
    pub fn redeliveries_under_way(&self) -> usize {
        self.state().redeliveries_under_way
    }
}
