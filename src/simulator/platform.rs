//! What the platform remembers, and how it is started and looked into.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::routing::any;
use axum::serve::{IncomingStream, Listener};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::tz::Offset;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::api::{self, Endpoint};
use super::content::Content;
use super::faults::Faults;
use crate::clock::Clock;
use crate::config::Secret;
use crate::domain::{ChatKind, LineChatId, LineMessageId, LineUserId, Via};

/// How many requests and violations are remembered; the oldest go first.
const REQUESTS_KEPT_MAX: usize = 200_000;
/// How many accepted sends are remembered.
const SENT_KEPT_MAX: usize = 200_000;
/// How many lines of a chat a member can scroll back.
const CHAT_LINES_KEPT_MAX: usize = 5_000;
/// How long the platform waits for the webhook's server to take a connection.
const WEBHOOK_CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long it waits for the webhook's whole answer.
const WEBHOOK_ANSWER_MAX: Duration = Duration::from_secs(15);

/// How the stand-in is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Signs the webhooks.
    pub channel_secret: Secret,
    /// The only bearer token that is let in.
    pub access_token: Secret,
    /// Display name of the Official Account; a mention of it begins with `@`.
    pub bot_name: String,
    /// How long a reply token lives from the delivery of its webhook (LINE: one minute).
    pub reply_token_life: Duration,
    /// Messages that may be billed a month; `None` = no limit.
    pub quota: Option<u64>,
    /// Whether what was not answered with 200 is delivered again, as the console's "Webhook redelivery" does.
    pub redeliver: bool,
    /// The same seed and the same order of calls give the same ids.
    pub seed: u64,
    /// What the stand-in takes for now.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            channel_secret: Secret::new("5f2d0c1e9b7a48369fd1c07be2a64135"),
            access_token: Secret::new("stand-in-channel-access-token"),
            bot_name: "牽線小幫手".to_owned(),
            reply_token_life: Duration::from_mins(1),
            quota: None,
            redeliver: false,
            seed: 1,
            clock: Clock::wall(),
        }
    }
}

/// The stand-in; a clone is the same platform.
#[derive(Clone)]
pub struct Platform {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub settings: Settings,
    pub bot: LineUserId,
    pub http: reqwest::Client,
    state: Mutex<State>,
}

/// Everything that changes.
pub(super) struct State {
    pub rng: StdRng,
    last_ms: i64,
    last_message: u64,
    pub people: BTreeMap<LineUserId, Account>,
    pub chats: BTreeMap<LineChatId, ChatState>,
    pub messages: HashMap<LineMessageId, Message>,
    pub reply_tokens: HashMap<String, ReplyToken>,
    pub quote_tokens: HashMap<String, (LineChatId, LineMessageId)>,
    pub retry_keys: HashMap<String, UsedKey>,
    pub read_tokens: BTreeSet<String>,
    pub logs: HashMap<LineChatId, VecDeque<Entry>>,
    sent: VecDeque<Sent>,
    violations: VecDeque<Violation>,
    requests: VecDeque<RequestSeen>,
    pub faults: Faults,
    pub quota: Option<u64>,
    used: HashMap<(i16, i8), u64>,
    pub webhook: Option<String>,
    pub registered_webhook: Option<String>,
    pub webhook_active: bool,
    pub acknowledged: BTreeSet<String>,
    pub redeliveries_under_way: usize,
    version: u64,
}

/// What a person is to the Official Account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Friendship {
    None,
    Friend,
    Blocked,
}

/// A person's LINE account, as the Official Account's provider sees it.
pub(super) struct Account {
    pub name: String,
    pub friendship: Friendship,
    pub wrote_to_bot: bool,
    /// Without consent LINE leaves their user id out of events.
    pub consents: bool,
}

impl Account {
    /// Whether a push to them arrives anywhere, and so is billed.
    pub(super) fn can_be_reached(&self) -> bool {
        match self.friendship {
            Friendship::Friend => true,
            Friendship::None => self.wrote_to_bot,
            Friendship::Blocked => false,
        }
    }
}

/// A group or a room. A user's own chat has no entry.
pub(super) struct ChatState {
    pub kind: ChatKind,
    pub name: String,
    pub members: Vec<LineUserId>,
    pub has_bot: bool,
}

/// A message that LINE holds.
pub(super) struct Message {
    pub chat: LineChatId,
    pub author: Option<LineUserId>,
    pub kind: String,
    pub by_bot: bool,
    pub unsent: bool,
    pub content: Option<Content>,
}

pub(super) struct ReplyToken {
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

/// One reply or push that was accepted.
#[derive(Clone, Debug)]
pub struct Sent {
    /// [`Via::LineReply`] or [`Via::LinePush`].
    pub via: Via,
    pub chat: LineChatId,
    /// The message objects as they were sent.
    pub messages: Vec<Value>,
    /// LINE's ids for them, in the same order.
    pub ids: Vec<LineMessageId>,
    /// Messages counted against the month's quota.
    pub billed: u64,
    pub retry_key: Option<String>,
    pub at: Timestamp,
}

impl Sent {
    /// Every text, title, label, alternative text and link in it, in order.
    pub fn strings(&self) -> Vec<String> {
        let mut found = Vec::new();
        for message in &self.messages {
            collect_strings(message, "", &mut found);
        }
        found
    }

    /// The numbers of the discussions that its links name (`…/d/12`), in order, each once.
    pub fn discussions(&self) -> Vec<i64> {
        let mut numbers = Vec::new();
        for text in self.strings() {
            for (at, mark) in text.match_indices("/d/") {
                let digits: String = text[at + mark.len()..].chars().take_while(char::is_ascii_digit).collect();
                if let Ok(number) = digits.parse()
                    && !numbers.contains(&number)
                {
                    numbers.push(number);
                }
            }
        }
        numbers
    }
}

fn collect_strings(value: &Value, key: &str, into: &mut Vec<String>) {
    const SHOWN: [&str; 7] = ["text", "title", "label", "altText", "uri", "displayText", "address"];
    match value {
        Value::Object(fields) => fields.iter().for_each(|(k, v)| collect_strings(v, k, into)),
        Value::Array(items) => items.iter().for_each(|v| collect_strings(v, key, into)),
        Value::String(s) if SHOWN.contains(&key) => into.push(s.clone()),
        _ => {}
    }
}

/// Something that a well-behaved client never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub endpoint: Endpoint,
    /// In English, for the one who reads the test's output.
    pub what: String,
}

/// One request to the platform, as far as a test asks.
#[derive(Clone, Debug)]
pub struct RequestSeen {
    pub endpoint: Endpoint,
    pub path: String,
    /// What it was answered with; `None` = the connection was cut.
    pub status: Option<u16>,
    pub at: Timestamp,
}

/// Who said a line of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    Person(Option<LineUserId>),
    Bot,
    /// LINE itself: who came and went.
    Nobody,
}

/// One line of a chat as its members see it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Absent in LINE's own lines.
    pub id: Option<LineMessageId>,
    pub at: Timestamp,
    pub by: Speaker,
    /// A message object; `{"type": "note", "note": "join", "names": […]}` in LINE's own lines.
    pub content: Value,
    pub quotes: Option<LineMessageId>,
    /// Its author took it back: members see that there was something, and not what.
    pub retracted: bool,
    pub edited: bool,
}

fn push_bounded<T>(into: &mut VecDeque<T>, item: T, max: usize) {
    if into.len() >= max {
        into.pop_front();
    }
    into.push_back(item);
}

impl State {
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
        push_bounded(&mut self.violations, Violation { endpoint, what: what.into() }, REQUESTS_KEPT_MAX);
    }

    pub(super) fn note_request(&mut self, seen: RequestSeen) {
        push_bounded(&mut self.requests, seen, REQUESTS_KEPT_MAX);
    }

    pub(super) fn show(&mut self, chat: &LineChatId, entry: Entry) {
        self.version += 1;
        push_bounded(self.logs.entry(chat.clone()).or_default(), entry, CHAT_LINES_KEPT_MAX);
    }

    /// Changes the line of `message`, where there still is one.
    pub(super) fn amend(&mut self, chat: &LineChatId, message: &LineMessageId, change: impl FnOnce(&mut Entry)) {
        self.version += 1;
        if let Some(entry) = self.logs.get_mut(chat).and_then(|log| log.iter_mut().find(|e| e.id.as_ref() == Some(message))) {
            change(entry);
        }
    }

    pub(super) fn record_sent(&mut self, sent: Sent) {
        self.version += 1;
        *self.used.entry(month_of(sent.at)).or_default() += sent.billed;
        push_bounded(&mut self.sent, sent, SENT_KEPT_MAX);
    }

    /// Messages billed in the month of `now`.
    pub(super) fn used(&self, now: Timestamp) -> u64 {
        self.used.get(&month_of(now)).copied().unwrap_or(0)
    }

    pub(super) fn name_of(&self, user: &LineUserId) -> String {
        self.people.get(user).map_or_else(String::new, |p| p.name.clone())
    }
}

/// LINE does not say in which time zone its months end; this is its home's.
fn month_of(at: Timestamp) -> (i16, i8) {
    let local = Offset::constant(9).to_datetime(at);
    (local.year(), local.month())
}

impl Platform {
    /// A platform without people, whose webhook goes nowhere yet.
    pub fn new(settings: Settings) -> Self {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Losing a race with another thread that installs the same provider changes nothing.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let http = reqwest::Client::builder()
            .connect_timeout(WEBHOOK_CONNECT_MAX)
            .timeout(WEBHOOK_ANSWER_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("LineBotWebhook/2.0")
            .build()
            .expect("a client without certificates of its own can be built");
        let mut state = State {
            rng: StdRng::seed_from_u64(settings.seed),
            last_ms: 0,
            last_message: 612_300_000_000_000_000,
            people: BTreeMap::new(),
            chats: BTreeMap::new(),
            messages: HashMap::new(),
            reply_tokens: HashMap::new(),
            quote_tokens: HashMap::new(),
            retry_keys: HashMap::new(),
            read_tokens: BTreeSet::new(),
            logs: HashMap::new(),
            sent: VecDeque::new(),
            violations: VecDeque::new(),
            requests: VecDeque::new(),
            faults: Faults::default(),
            quota: settings.quota,
            used: HashMap::new(),
            webhook: None,
            registered_webhook: None,
            webhook_active: true,
            acknowledged: BTreeSet::new(),
            redeliveries_under_way: 0,
            version: 1,
        };
        // Two platforms of different seeds must not give out the same message ids.
        state.last_message += state.rng.random_range(0..1_000_000_000) * 1_000;
        let bot = LineUserId(format!("U{}", state.hex(32)));
        Self { inner: Arc::new(Inner { settings, bot, http, state: Mutex::new(state) }) }
    }

    /// A platform with the default settings on a loopback port: itself, and the URL that serves as `api_url` and `data_api_url`.
    pub async fn start() -> (Self, String) {
        Self::start_with(Settings::default()).await
    }

    /// As [`Platform::start`], set up as told. It runs until the runtime ends.
    pub async fn start_with(settings: Settings) -> (Self, String) {
        let platform = Self::new(settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        tokio::spawn(serve(platform.clone(), listener));
        (platform, format!("http://{address}"))
    }

    /// The Messaging API and the data API, under `/v2/`. Served by [`serve`] the platform can really cut connections; served
    /// otherwise it answers with a body that breaks off.
    pub fn router(&self) -> Router {
        Router::new().route("/v2/{*rest}", any(api::answer)).with_state(self.clone())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it looked must not hide what the others see.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.settings.clock.now()
    }

    /// How it was set up.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The Official Account's own user id: `destination` of every webhook.
    pub fn bot(&self) -> &LineUserId {
        &self.inner.bot
    }

    /// Every accepted reply and push, oldest first.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.iter().cloned().collect()
    }

    /// Those into one chat.
    pub fn sent_to(&self, chat: &LineChatId) -> Vec<Sent> {
        self.state().sent.iter().filter(|s| s.chat == *chat).cloned().collect()
    }

    /// Messages billed since the start, all months together.
    pub fn billed(&self) -> u64 {
        self.state().sent.iter().map(|s| s.billed).sum()
    }

    /// What a well-behaved client would not have done.
    pub fn violations(&self) -> Vec<Violation> {
        self.state().violations.iter().cloned().collect()
    }

    /// Requests to one endpoint, oldest first.
    pub fn requests(&self, endpoint: Endpoint) -> Vec<RequestSeen> {
        self.state().requests.iter().filter(|r| r.endpoint == endpoint).cloned().collect()
    }

    /// What the members of a chat see, oldest first.
    pub fn chat_log(&self, chat: &LineChatId) -> Vec<Entry> {
        self.state().logs.get(chat).map(|log| log.iter().cloned().collect()).unwrap_or_default()
    }

    /// Changes whenever a chat does.
    pub fn version(&self) -> u64 {
        self.state().version
    }

    /// To be told after the client was killed: replies whose answers it may not have heard, or not have written down, may be
    /// tried once more.
    pub fn client_was_killed(&self) {
        self.state().reply_tokens.values_mut().for_each(|token| token.answer_lost = token.used);
    }

    /// Another plan: messages that may be billed a month.
    pub fn set_quota(&self, quota: Option<u64>) {
        self.state().quota = quota;
    }

    /// Uses up `messages` of this month's quota, as broadcasts from the Official Account Manager do.
    pub fn use_up(&self, messages: u64) {
        let now = self.now();
        *self.state().used.entry(month_of(now)).or_default() += messages;
    }
}

/// Serves `platform` on `listener` until the listener's task is dropped.
pub async fn serve(platform: Platform, listener: TcpListener) {
    let router = Router::new().fallback(api::answer).with_state(platform);
    let service = router.into_make_service_with_connect_info::<Cord>();
    if let Err(error) = axum::serve(Cuttable(listener), service).await {
        tracing::error!(%error, "the stand-in LINE platform stopped");
    }
}

/// Cuts one connection.
#[derive(Clone, Default)]
pub(super) struct Cord(Arc<AtomicBool>);

impl Cord {
    /// From now on nothing more gets through to the client; the next write closes the connection.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn check(&self) -> std::io::Result<()> {
        if self.0.load(Ordering::SeqCst) { Err(std::io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, Cuttable>> for Cord {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Self {
        stream.io().cord.clone()
    }
}

struct Cuttable(TcpListener);

impl Listener for Cuttable {
    type Io = Line;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Line, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Line { stream, cord: Cord::default() }, address)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection with a cord to cut it.
struct Line {
    stream: TcpStream,
    cord: Cord,
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        self.cord.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.cord.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
