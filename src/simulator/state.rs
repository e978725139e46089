//! What the platform remembers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::api::Endpoint;
use super::content::Content;
use super::faults::Faults;
use super::kept::{self, Kept, push_bounded};
use super::platform::Official;
use super::sent::{Entry, RequestSeen, Sent, Speaker, Violation};
use crate::config::Secret;
use crate::domain::{ChatKind, LineChatId, LineMessageId, LineUserId};

/// How long somebody who is no friend can be pushed to after they wrote (reference, "Send push message").
const REACHED_AFTER_WRITING: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Everything that changes.
pub(super) struct State {
    pub rng: StdRng,
    last_ms: i64,
    last_message: u64,
    pub accounts: Vec<AccountState>,
    pub people: BTreeMap<LineUserId, Person>,
    pub chats: BTreeMap<LineChatId, ChatState>,
    pub messages: Kept<LineMessageId, Message>,
    /// Messages whose octets are kept, the oldest first, and how many octets each has.
    pub contents: VecDeque<(LineMessageId, usize)>,
    pub content_bytes: usize,
    pub reply_tokens: Kept<String, ReplyToken>,
    pub quote_tokens: Kept<String, (LineChatId, LineMessageId)>,
    pub retry_keys: Kept<(usize, String), UsedKey>,
    pub read_tokens: Kept<String, ()>,
    pub access_tokens: Kept<String, AccessToken>,
    logs: Kept<(usize, LineChatId), VecDeque<Entry>>,
    pub sent: VecDeque<Sent>,
    pub violations: VecDeque<Violation>,
    pub requests: VecDeque<RequestSeen>,
    pub faults: Faults,
    pub acknowledged: Kept<String, ()>,
    pub redeliveries_under_way: usize,
    /// By their place in the pictures' addresses.
    pub pictures: Kept<String, Picture>,
    /// What addresses of pictures begin with, once it is known.
    pub base_url: Option<String>,
    pub version: u64,
}

/// What changes of one Official Account.
pub(super) struct AccountState {
    pub official: Arc<Official>,
    /// The only one that LINE signs with: a reissued one replaces it at once.
    pub secret: Secret,
    pub quota: Option<u64>,
    used: HashMap<(i16, i8), u64>,
    pub webhook: Option<String>,
    pub registered_webhook: Option<String>,
    pub webhook_active: bool,
    relations: BTreeMap<LineUserId, Relation>,
}

/// What a person is to an Official Account.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Friendship {
    #[default]
    None,
    Friend,
    Blocked,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Relation {
    pub friendship: Friendship,
    /// When they last wrote to the account themselves.
    pub wrote_at: Option<Timestamp>,
}

/// A person's LINE account, as the Official Accounts' provider sees it.
pub(super) struct Person {
    pub name: String,
    /// Without consent LINE leaves their user id out of events.
    pub consents: bool,
    /// They gave LINE up.
    pub is_gone: bool,
    pub picture: Option<String>,
    pub language: Option<String>,
    pub status_message: Option<String>,
}

/// A group or a room. A user's own chat has no entry.
pub(super) struct ChatState {
    pub kind: ChatKind,
    pub name: String,
    pub members: Vec<LineUserId>,
    /// Which Official Account is in it: one at most (docs, "Group chats and multi-person chats").
    pub bot: Option<usize>,
    pub picture: Option<String>,
}

/// A message that LINE holds.
pub(super) struct Message {
    pub chat: LineChatId,
    /// The Official Account that was in the chat.
    pub heard_by: Option<usize>,
    pub author: Option<LineUserId>,
    pub kind: String,
    pub by_bot: bool,
    pub unsent: bool,
    pub content: Option<Content>,
}

pub(super) struct ReplyToken {
    pub account: usize,
    pub chat: LineChatId,
    pub event_at: Timestamp,
    pub lives_from: Timestamp,
    pub used: bool,
    /// The answer to its use may not have been heard, so that the next try is no violation.
    pub answer_lost: bool,
}

pub(super) struct UsedKey {
    pub at: Timestamp,
    pub body: Value,
    pub sent_messages: Value,
    pub request_id: String,
}

/// A stateless channel access token.
pub(super) struct AccessToken {
    pub account: usize,
    pub ends_at: Timestamp,
}

/// Somebody's or a group's picture.
pub(super) struct Picture {
    pub content_type: String,
    pub bytes: Bytes,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        // Two platforms of different seeds must not give out the same message ids.
        let last_message = 612_300_000_000_000_000 + rng.random_range(0..1_000_000_000) * 1_000;
        Self {
            rng,
            last_ms: 0,
            last_message,
            accounts: Vec::new(),
            people: BTreeMap::new(),
            chats: BTreeMap::new(),
            messages: Kept::new(kept::MESSAGES_KEPT_MAX),
            contents: VecDeque::new(),
            content_bytes: 0,
            reply_tokens: Kept::new(kept::REPLY_TOKENS_KEPT_MAX),
            quote_tokens: Kept::new(kept::QUOTE_TOKENS_KEPT_MAX),
            retry_keys: Kept::new(kept::RETRY_KEYS_KEPT_MAX),
            read_tokens: Kept::new(kept::READ_TOKENS_KEPT_MAX),
            access_tokens: Kept::new(kept::ACCESS_TOKENS_KEPT_MAX),
            logs: Kept::new(kept::CHAT_LOGS_KEPT_MAX),
            sent: VecDeque::new(),
            violations: VecDeque::new(),
            requests: VecDeque::new(),
            faults: Faults::default(),
            acknowledged: Kept::new(kept::ACKNOWLEDGED_KEPT_MAX),
            redeliveries_under_way: 0,
            pictures: Kept::new(kept::PICTURES_KEPT_MAX),
            base_url: None,
            version: 1,
        }
    }

    /// Milliseconds since 1970, later than any told before.
    pub(super) fn next_ms(&mut self, now: Timestamp) -> i64 {
        self.last_ms = now.as_millisecond().max(self.last_ms + 1);
        self.last_ms
    }

    pub(super) fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.rng.random_range(0..16)])).collect()
    }

    /// An opaque token of `bytes` random octets.
    pub(super) fn token(&mut self, bytes: usize) -> String {
        let raw: Vec<u8> = (0..bytes).map(|_| self.rng.random()).collect();
        URL_SAFE_NO_PAD.encode(raw)
    }

    /// A ULID whose time part is `at_ms`.
    pub(super) fn ulid(&mut self, at_ms: i64) -> String {
        const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        const RANDOM_BITS: u32 = 80;
        let time = u128::try_from(at_ms).unwrap_or(0);
        let random = self.rng.random::<u128>() & ((1 << RANDOM_BITS) - 1);
        let number = time << RANDOM_BITS | random;
        (0..26_u32).rev().map(|place| char::from(CROCKFORD[usize::try_from(number >> (5 * place) & 31).expect("five bits")])).collect()
    }

    pub(super) fn message_id(&mut self) -> LineMessageId {
        self.last_message += self.rng.random_range(1..4_000);
        LineMessageId(self.last_message.to_string())
    }

    pub(super) fn quote_token(&mut self, chat: &LineChatId, message: &LineMessageId) -> String {
        let token = self.token(64);
        self.quote_tokens.insert(token.clone(), (chat.clone(), message.clone()));
        token
    }

    pub(super) fn violate(&mut self, endpoint: Endpoint, what: impl Into<String>) {
        push_bounded(&mut self.violations, Violation { endpoint, what: what.into() }, kept::HISTORY_KEPT_MAX);
    }

    pub(super) fn note_request(&mut self, seen: RequestSeen) {
        push_bounded(&mut self.requests, seen, kept::HISTORY_KEPT_MAX);
    }

    /// Which log has the lines of `chat`: a group's has them all, a user has one with each account.
    fn log_of(&self, account: usize, chat: &LineChatId) -> (usize, LineChatId) {
        (if self.chats.contains_key(chat) { 0 } else { account }, chat.clone())
    }

    pub(super) fn show(&mut self, account: usize, chat: &LineChatId, entry: Entry) {
        self.version += 1;
        let key = self.log_of(account, chat);
        push_bounded(self.logs.entry(&key), entry, kept::CHAT_LINES_KEPT_MAX);
    }

    /// A line of LINE's own in the chat.
    pub(super) fn note(&mut self, account: usize, chat: &LineChatId, at: Timestamp, note: &str, users: &[LineUserId]) {
        let names: Vec<String> = match self.accounts.get(account) {
            Some(one) if matches!(note, "join" | "leave") => vec![one.official.settings.bot_name.clone()],
            _ => users.iter().map(|u| self.name_of(u)).collect(),
        };
        let content = json!({"type": "note", "note": note, "names": names});
        let entry = Entry { id: None, at, by: Speaker::Nobody, content, quotes: None, retracted: false, edited: false };
        self.show(account, chat, entry);
    }

    /// Changes the line of `message`, where there still is one.
    pub(super) fn amend(&mut self, account: usize, chat: &LineChatId, message: &LineMessageId, change: impl FnOnce(&mut Entry)) {
        self.version += 1;
        let key = self.log_of(account, chat);
        if let Some(entry) = self.logs.get_mut(&key).and_then(|log| log.iter_mut().find(|e| e.id.as_ref() == Some(message))) {
            change(entry);
        }
    }

    pub(super) fn log(&self, account: usize, chat: &LineChatId) -> Vec<Entry> {
        self.logs.get(&self.log_of(account, chat)).map(|log| log.iter().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn record_sent(&mut self, account: usize, sent: Sent) {
        self.version += 1;
        *self.accounts[account].used.entry(month_of(sent.at)).or_default() += sent.billed;
        push_bounded(&mut self.sent, sent, kept::HISTORY_KEPT_MAX);
    }

    pub(super) fn use_up(&mut self, account: usize, messages: u64, now: Timestamp) {
        self.version += 1;
        *self.accounts[account].used.entry(month_of(now)).or_default() += messages;
    }

    /// Messages billed to the account in the month of `now`.
    pub(super) fn used(&self, account: usize, now: Timestamp) -> u64 {
        self.accounts[account].used.get(&month_of(now)).copied().unwrap_or(0)
    }

    pub(super) fn name_of(&self, user: &LineUserId) -> String {
        self.people.get(user).map_or_else(String::new, |p| p.name.clone())
    }

    pub(super) fn relation(&self, account: usize, user: &LineUserId) -> Relation {
        self.accounts[account].relations.get(user).copied().unwrap_or_default()
    }

    pub(super) fn relation_mut(&mut self, account: usize, user: &LineUserId) -> &mut Relation {
        self.accounts[account].relations.entry(user.clone()).or_default()
    }

    /// Whether a push to them arrives anywhere, and so is billed.
    pub(super) fn can_be_reached(&self, account: usize, user: &LineUserId, now: Timestamp) -> bool {
        let relation = self.relation(account, user);
        let lately = || relation.wrote_at.is_some_and(|at| now.duration_since(at) < REACHED_AFTER_WRITING);
        let is_gone = self.people.get(user).is_none_or(|p| p.is_gone);
        !is_gone
            && match relation.friendship {
                Friendship::Friend => true,
                Friendship::None => lately(),
                Friendship::Blocked => false,
            }
    }

    /// Whether the account hears of what happens in `chat`.
    pub(super) fn hears(&self, account: usize, chat: &LineChatId) -> bool {
        match self.chats.get(chat) {
            Some(known) => known.bot == Some(account),
            None => self.relation(account, &LineUserId::from(chat.as_str())).friendship != Friendship::Blocked,
        }
    }

    /// The address of a picture.
    pub(super) fn picture_url(&self, picture: Option<&String>) -> Option<String> {
        let base = self.base_url.as_deref()?;
        picture.map(|picture| format!("{base}{}{picture}", super::pictures::PATH))
    }
}

impl AccountState {
    /// An account of which nothing has happened yet.
    pub(super) fn new(official: Arc<Official>) -> Self {
        Self {
            secret: official.settings.channel_secret.clone(),
            quota: official.settings.quota,
            official,
            used: HashMap::new(),
            webhook: None,
            registered_webhook: None,
            webhook_active: true,
            relations: BTreeMap::new(),
        }
    }
}

/// LINE does not say in which time zone its months end; this is its home's.
fn month_of(at: Timestamp) -> (i16, i8) {
    let local = Offset::constant(9).to_datetime(at);
    (local.year(), local.month())
}
