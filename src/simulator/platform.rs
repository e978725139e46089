//! The platform: how it is started, with one Official Account or several, and looked into.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::api::{self, Endpoint};
use super::cord::{Cord, Cuttable};
use super::sent::{Entry, RequestSeen, Sent, Violation};
use super::state::{AccountState, State};
use crate::clock::Clock;
use crate::config::Secret;
use crate::domain::{LineChatId, LineUserId};

/// How long the platform waits for the webhook's server to take a connection.
const WEBHOOK_CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long it waits for the webhook's whole answer.
const WEBHOOK_ANSWER_MAX: Duration = Duration::from_secs(15);

/// How an Official Account of the stand-in is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For tokens that are had for id and secret.
    pub channel_id: String,
    /// Signs the webhooks.
    pub channel_secret: Secret,
    /// The long-lived bearer token that is let in.
    pub access_token: Secret,
    /// How long a token lives that is had for id and secret (LINE: 15 minutes).
    pub access_token_life: Duration,
    /// Display name of the Official Account; a mention of it begins with `@`.
    pub bot_name: String,
    /// A verified account may ask for the ids of a group's members.
    pub verified: bool,
    /// How long a reply token lives from the delivery of its webhook (LINE: one minute).
    pub reply_token_life: Duration,
    /// Messages that may be billed a month; `None` = no limit.
    pub quota: Option<u64>,
    /// Whether what was not answered with 200 is delivered again, as the console's "Webhook redelivery" does.
    pub redeliver: bool,
    /// The same seed and the same order of calls give the same ids. The first account's is the platform's.
    pub seed: u64,
    /// What the stand-in takes for now. The first account's is the platform's.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            channel_id: "1650000001".to_owned(),
            channel_secret: Secret::new("5f2d0c1e9b7a48369fd1c07be2a64135"),
            access_token: Secret::new("stand-in-channel-access-token"),
            access_token_life: Duration::from_mins(15),
            bot_name: "牽線小幫手".to_owned(),
            verified: false,
            reply_token_life: Duration::from_mins(1),
            quota: None,
            redeliver: false,
            seed: 1,
            clock: Clock::wall(),
        }
    }
}

/// The stand-in as one of its Official Accounts has it; a clone is the same.
///
/// People, groups and what is said in them belong to the platform. Whose webhook is delivered to, who is in a group and whose sends
/// are listed is the account's: [`Platform::another`] makes a second one beside it.
#[derive(Clone)]
pub struct Platform {
    pub(super) world: Arc<World>,
    pub(super) official: Arc<Official>,
}

/// What all accounts share.
pub(super) struct World {
    pub clock: Clock,
    pub http: reqwest::Client,
    state: Mutex<State>,
}

/// What an Official Account is for good.
#[derive(Debug)]
pub(super) struct Official {
    /// Its place among the platform's accounts.
    pub no: usize,
    pub settings: Settings,
    pub bot: LineUserId,
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
        let state = State::new(settings.seed);
        let world = Arc::new(World { clock: settings.clock.clone(), http, state: Mutex::new(state) });
        Self::add(&world, settings)
    }

    fn add(world: &Arc<World>, settings: Settings) -> Self {
        let mut state = world.state.lock().unwrap_or_else(PoisonError::into_inner);
        let official = Arc::new(Official { no: state.accounts.len(), settings, bot: LineUserId(format!("U{}", state.hex(32))) });
        state.accounts.push(AccountState::new(Arc::clone(&official)));
        drop(state);
        Self { world: Arc::clone(world), official }
    }

    /// Another Official Account on the same platform, with a bot, a secret, tokens, a quota and friends of its own. Its channel id and
    /// access token must differ from the others'.
    #[must_use]
    pub fn another(&self, settings: Settings) -> Self {
        Self::add(&self.world, settings)
    }

    /// The account that is called so in the platform's own order.
    pub(super) fn as_account(&self, no: usize) -> Self {
        let official = Arc::clone(&self.state().accounts[no].official);
        Self { world: Arc::clone(&self.world), official }
    }

    /// A platform with the default settings on a loopback port: itself, and the URL that serves as `api_url` and `data_api_url`.
    pub async fn start() -> (Self, String) {
        Self::start_with(Settings::default()).await
    }

    /// As [`Platform::start`], set up as told. It runs until the runtime ends.
    pub async fn start_with(settings: Settings) -> (Self, String) {
        let platform = Self::new(settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        platform.set_base_url(&url);
        tokio::spawn(serve(platform.clone(), listener));
        (platform, url)
    }

    /// The Messaging API and the data API under `/v2/`, tokens under `/oauth2/v3/`, and pictures. Served by [`serve`] the platform can
    /// really cut connections; served otherwise it answers with a body that breaks off.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v2/{*rest}", any(api::answer))
            .route("/oauth2/v3/token", any(api::answer))
            .route(&format!("{}{{id}}", super::pictures::PATH), any(api::answer))
            .with_state(self.clone())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it looked must not hide what the others see.
        self.world.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    pub(super) fn no(&self) -> usize {
        self.official.no
    }

    /// How the account was set up.
    pub fn settings(&self) -> &Settings {
        &self.official.settings
    }

    /// The Official Account's own user id: `destination` of every webhook.
    pub fn bot(&self) -> &LineUserId {
        &self.official.bot
    }

    /// What addresses of pictures begin with; without it nobody has a picture. [`Platform::start`] sets it.
    pub fn set_base_url(&self, url: &str) {
        self.state().base_url = Some(url.to_owned());
    }

    /// The channel secret is reissued in the console: the old one signs nothing from now on (docs, "Verify webhook signature").
    pub fn reissue_secret(&self, secret: Secret) {
        self.state().accounts[self.no()].secret = secret;
    }

    /// Every reply and push of this account's that was accepted, oldest first.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.iter().filter(|s| s.bot == *self.bot()).cloned().collect()
    }

    /// Those into one chat.
    pub fn sent_to(&self, chat: &LineChatId) -> Vec<Sent> {
        self.sent().into_iter().filter(|s| s.chat == *chat).collect()
    }

    /// Messages billed to this account since the start, all months together.
    pub fn billed(&self) -> u64 {
        self.state().sent.iter().filter(|s| s.bot == *self.bot()).map(|s| s.billed).sum()
    }

    /// What a well-behaved client would not have done, to whichever account.
    pub fn violations(&self) -> Vec<Violation> {
        self.state().violations.iter().cloned().collect()
    }

    /// Requests to one endpoint, oldest first.
    pub fn requests(&self, endpoint: Endpoint) -> Vec<RequestSeen> {
        self.state().requests.iter().filter(|r| r.endpoint == endpoint).cloned().collect()
    }

    /// What the members of a chat see, oldest first.
    pub fn chat_log(&self, chat: &LineChatId) -> Vec<Entry> {
        self.state().log(self.no(), chat)
    }

    /// Whether this account is in the group or room; in a user's own chat: whether it is not blocked.
    pub fn is_in(&self, chat: &LineChatId) -> bool {
        self.state().hears(self.no(), chat)
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
        self.state().accounts[self.no()].quota = quota;
    }

    /// Messages that may be billed to this account a month, and those that were in this one.
    pub fn month(&self) -> (Option<u64>, u64) {
        let now = self.now();
        let state = self.state();
        (state.accounts[self.no()].quota, state.used(self.no(), now))
    }

    /// Uses up `messages` of this month's quota, as broadcasts from the Official Account Manager do.
    pub fn use_up(&self, messages: u64) {
        let now = self.now();
        self.state().use_up(self.no(), messages, now);
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
