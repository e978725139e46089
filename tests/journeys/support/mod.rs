//! What every journey stands on: the whole program with a database of its own, the stand-in LINE platform and a mail drop.
//!
//! Everything goes through public doors: webhooks from the platform, mail in folders, the API with a bearer token, the command line.

pub mod api;
pub mod database;
pub mod dovecot;
pub mod mail;
pub mod office;
pub mod pages;
pub mod program;
pub mod proxy;
pub mod relay;
pub mod still;
pub mod tokens;
pub mod waiting;

use std::fs;
use std::net::SocketAddr;
use std::ops::AsyncFnOnce;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tempfile::TempDir;
use threadline::cli::serve::start_loops;
use threadline::clock::Clock;
use threadline::config::Config;
use threadline::domain::{LineChatId, LineUserId};
use threadline::simulator::{Delivered, Event, Platform, Say, Settings};
use threadline::{App, web};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use api::Api;
use database::Database;
use mail::MailDrop;
use pages::Browser;
pub use waiting::{eventually, stays};

/// The mailbox that everybody writes to.
pub const SUPPORT: &str = "support@example.com";
/// The LINE account's name in the configuration.
pub const ACCOUNT: &str = "main";
/// Whose verdict on a mail's author is trusted.
pub const AUTHSERV: &str = "mx.example.com";
/// What links in notices begin with.
pub const PUBLIC_URL: &str = "https://support.example.com";
/// How long a burst in LINE must be quiet.
pub const SETTLE: Duration = Duration::from_millis(300);

/// How long the loops may take to finish at a journey's end.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// What a journey may set otherwise.
#[derive(Clone, Debug)]
pub struct Setup {
    pub settle: Duration,
    /// How long an answer can be taken back.
    pub hold: Duration,
    /// How long an answer waits for company before a push.
    pub coalesce: Duration,
    /// How long the next mail about a discussion waits for others to travel with.
    pub mail_together: Duration,
    /// 0 = LINE is asked for its quota.
    pub monthly_budget: u64,
    /// What the platform would bill at most.
    pub quota: Option<u64>,
    pub reply_token_life: Duration,
    /// Larger files of LINE messages are not kept.
    pub file_mb_max: u64,
    /// What the program and LINE take for now.
    pub clock: Clock,
    /// More of the configuration; `LINE_URL` in it stands for the platform's address.
    pub more_config: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settle: SETTLE,
            hold: Duration::ZERO,
            coalesce: Duration::from_millis(500),
            mail_together: Duration::ZERO,
            monthly_budget: 0,
            quota: None,
            reply_token_life: Duration::from_mins(1),
            file_mb_max: 300,
            clock: Clock::wall(),
            more_config: "",
        }
    }
}

impl Setup {
    /// Answers wait so long for a free ride that no push is paid in a test.
    pub fn patient() -> Self {
        Self { coalesce: Duration::from_mins(10), ..Self::default() }
    }

    /// The clock stands at now: nothing becomes due before [`TestApp::pass`], however slow the machine is.
    pub fn stopped() -> Self {
        Self { clock: Clock::stopped(Clock::wall().now()), ..Self::default() }
    }
}

/// Runs one journey on the whole program and takes everything down again, however it ends.
pub fn journey(test: impl AsyncFnOnce(&TestApp)) {
    journey_with(Setup::default(), test);
}

/// As [`journey`], set up as told.
pub fn journey_with(setup: Setup, test: impl AsyncFnOnce(&TestApp)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let app = TestApp::start(setup).await;
        let outcome = AssertUnwindSafe(test(&app)).catch_unwind().await;
        let violations = app.line.violations();
        app.end().await;
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
        assert!(violations.is_empty(), "LINE would object: {violations:?}");
    });
}

/// The configuration's text for these parts of the outside world. `listen` has port 0 for any free one.
pub fn config_text(setup: &Setup, database_url: &str, line_url: &str, settings: &Settings) -> String {
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
public_url = "{PUBLIC_URL}"

[database]
url = "{database_url}"

[storage]
url = "file://files"
file_mb_max = {file_mb_max}

[[line]]
name = "{ACCOUNT}"
channel_secret = "{secret}"
channel_access_token = "{token}"
api_url = "{line_url}"
data_api_url = "{line_url}"

[[mailbox]]
name = "support"
address = "{SUPPORT}"
url = "maildir://mail-in"
authserv_id = "{AUTHSERV}"

[smtp]
url = "maildir://mail-out"
from = "客服 <{SUPPORT}>"

[notify]
settle_seconds = {settle}
hold_seconds = {hold}
coalesce_minutes = {coalesce}
mail_together_seconds = {together}
quiet_hours = ""
monthly_budget = {budget}

{more}
"#,
        secret = settings.channel_secret.expose(),
        token = settings.access_token.expose(),
        file_mb_max = setup.file_mb_max,
        settle = setup.settle.as_secs_f64(),
        hold = setup.hold.as_secs_f64(),
        coalesce = setup.coalesce.as_secs_f64() / 60.0,
        together = setup.mail_together.as_secs_f64(),
        budget = setup.monthly_budget,
        more = setup.more_config.replace("LINE_URL", line_url),
    )
}

/// The whole program, running.
pub struct TestApp {
    pub line: Platform,
    pub mail: MailDrop,
    /// An admin's.
    pub api: Api,
    /// The configuration that it runs with.
    pub config: PathBuf,
    base: String,
    line_url: String,
    setup: Setup,
    database: Database,
    folder: TempDir,
    app: Arc<App>,
    stop: CancellationToken,
    loops: JoinSet<()>,
    server: JoinHandle<()>,
}

/// A colleague with an account.
pub struct Staff {
    pub name: String,
    pub email: String,
    pub api: Api,
}

impl TestApp {
    async fn start(setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let settings = Settings {
            quota: setup.quota,
            reply_token_life: setup.reply_token_life,
            redeliver: true,
            clock: setup.clock.clone(),
            ..Settings::default()
        };
        let (line, line_url) = Platform::start_with(settings.clone()).await;
        let database = Database::new(folder.path()).await;
        let mail = MailDrop::new(folder.path());
        let config = folder.path().join("bot-config.toml");
        fs::write(&config, config_text(&setup, database.url(), &line_url, &settings)).expect("the configuration can be written");
        let read = Config::read(&config).expect("the configuration is right");
        let app = App::open_as(read, setup.clock.clone(), program::PROGRAM.into()).await.expect("the program starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let base = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let router = web::router(app.clone(), false).into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("the web serves until it is stopped") });
        let stop = CancellationToken::new();
        let loops = start_loops(&app, &stop);
        let token = program::account(&config, "boss@example.com", "老闆", true).await;
        let api = Api::new(&base, &token);
        let started = Self { line, mail, api, config, base, line_url, setup, database, folder, app, stop, loops, server };
        started.line.set_webhook(&started.webhook(ACCOUNT));
        started
    }

    async fn end(mut self) {
        self.stop.cancel();
        let finished = async { while self.loops.join_next().await.is_some() {} };
        tokio::time::timeout(STOP_WITHIN, finished).await.expect("the loops end when they are told to");
        self.server.abort();
        self.app.db.close().await;
        drop(self.app);
        self.database.drop().await;
        self.folder.close().expect("the temporary folder can be taken away");
    }

    /// Moves the program's clock on, where the journey has stopped it.
    pub fn pass(&self, time: Duration) {
        self.setup.clock.advance(time);
        self.app.wake.outbox.notify_one();
    }

    /// Does at once what the clock starts in the schedule's next round, as far as it promises anything.
    pub async fn look_at_the_clock(&self) {
        threadline::discussions::promise_weeklies(&self.app).await.expect("the database answers");
    }

    /// Where the journey keeps its files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where LINE delivers an account's events.
    pub fn webhook(&self, account: &str) -> String {
        format!("{}/webhooks/line/{account}", self.base)
    }

    /// Changes something behind the program's back.
    pub async fn change_database(&self, sql: &'static str) {
        let mut c = sqlx::AnyConnection::connect(self.database.url()).await.expect("the database can be had");
        sqlx::raw_sql(sql).execute(&mut c).await.expect("the statement is right");
        c.close().await.expect("the connection can be closed");
    }

    /// The same configuration with another database, for a folder of its own.
    pub fn config_text(&self, database_url: &str) -> String {
        config_text(&self.setup, database_url, &self.line_url, self.line.settings())
    }

    /// A project of a client.
    pub async fn project(&self, key: &str) {
        self.api.post("/projects", &json!({"key": key, "name": format!("專案 {key}")})).await.expect(201);
    }

    /// A colleague with an account and a part in the project.
    pub async fn staff(&self, project: &str, name: &str) -> Staff {
        let email = format!("{}@example.com", name.to_lowercase());
        let token = program::account(&self.config, &email, name, false).await;
        self.api.put(&format!("/projects/{project}/members"), &json!({"email": email, "role": "staff"})).await.expect(200);
        Staff { name: name.to_owned(), email, api: self.api.with_token(&token) }
    }

    /// A client who may use the API: a member of the project with an account.
    pub async fn client_with_token(&self, project: &str, email: &str) -> Api {
        let token = program::account(&self.config, email, "客戶", false).await;
        self.api.put(&format!("/projects/{project}/members"), &json!({"email": email, "role": "client"})).await.expect(200);
        self.api.with_token(&token)
    }

    /// Mail from this address or `@domain` belongs to the project.
    pub async fn sender(&self, project: &str, pattern: &str) {
        self.api.put(&format!("/projects/{project}/email-senders"), &json!({"pattern": pattern})).await.expect(200);
    }

    /// Binds a chat to the project.
    pub async fn bind(&self, project: &str, chat: &LineChatId) {
        let asked = json!({"channel": ACCOUNT, "group_id": chat.as_str()});
        self.api.put(&format!("/projects/{project}/line-groups"), &asked).await.expect(200);
    }

    /// A project with a LINE group of one client.
    pub async fn project_with_group(&self, key: &str) -> (LineChatId, LineUserId) {
        self.project(key).await;
        let client = self.line.person("林小姐");
        let chat = self.line.group("林宅裝修", std::slice::from_ref(&client));
        self.bind(key, &chat).await;
        (chat, client)
    }

    /// Somebody writes in a chat; the webhook takes it.
    pub async fn say(&self, chat: &LineChatId, user: &LineUserId, text: &str) -> Event {
        self.say_as(chat, Some(user), text, Say::default()).await
    }

    /// Likewise, quoting, long ago or without a name.
    pub async fn say_as(&self, chat: &LineChatId, user: Option<&LineUserId>, text: &str, how: Say) -> Event {
        let event = self.line.say(chat, user, text, how);
        self.deliver(&event).await;
        event
    }

    /// Something said so long ago that what is said now begins a matter of its own.
    pub async fn said_before(&self, chat: &LineChatId, user: &LineUserId, text: &str) -> Event {
        self.say_as(chat, Some(user), text, Say { at: Some(self.setup.clock.now() - LONG), ..Say::default() }).await
    }

    /// Delivers an event; the webhook takes it.
    pub async fn deliver(&self, event: &Event) -> Delivered {
        let delivered = self.line.deliver(std::slice::from_ref(event)).await;
        assert_eq!(delivered.status, 200, "the webhook answers {delivered:?}");
        delivered
    }

    /// Every discussion, the last activity first.
    pub async fn discussions(&self) -> Vec<Value> {
        self.api.items("/discussions").await
    }

    /// One discussion with its posts.
    pub async fn discussion(&self, number: i64) -> Value {
        self.api.get(&format!("/discussions/{number}")).await.expect(200)
    }

    /// The discussion in which somebody said exactly this, as soon as there is one.
    pub async fn discussion_where(&self, text: &str) -> Value {
        eventually(&format!("a post says {text:?}"), async || {
            for item in self.discussions().await {
                let discussion = self.discussion(number(&item)).await;
                if bodies(&discussion).iter().any(|b| b == text) {
                    return Some(discussion);
                }
            }
            None
        })
        .await
    }

    /// Whether nothing rests in the project's chats.
    pub async fn other_is_empty(&self, project: &str) -> bool {
        let project = self.api.get(&format!("/projects/{project}")).await.expect(200);
        for group in project["line_groups"].as_array().expect("a project has groups") {
            let found = self.api.get(&format!("/discussions/{}", group["other_messages"])).await;
            if found.status == 200 && !bodies(&found.body).is_empty() {
                return false;
            }
        }
        true
    }

    /// What was said in the chat and is no matter of its own, as soon as somebody said exactly this there.
    pub async fn other_where(&self, project: &str, text: &str) -> Value {
        eventually(&format!("{text:?} rests"), async || {
            let project = self.api.get(&format!("/projects/{project}")).await.expect(200);
            for group in project["line_groups"].as_array().expect("a project has groups") {
                let found = self.api.get(&format!("/discussions/{}", group["other_messages"])).await;
                if found.status == 200 && bodies(&found.body).iter().any(|b| b == text) {
                    return Some(found.body);
                }
            }
            None
        })
        .await
    }

    /// A colleague's browser, logged in.
    pub async fn browser(&self, staff: &Staff) -> Browser {
        Browser::log_in(self, staff).await
    }

    /// What became of an event or mail.
    pub async fn inbound(&self, external_id: &str) -> Option<Value> {
        self.api.items("/inbound").await.into_iter().find(|i| i["external_id"] == external_id)
    }

    /// What became of it in the end.
    pub async fn settled(&self, external_id: &str) -> Value {
        eventually(&format!("{external_id} is dealt with"), async || self.inbound(external_id).await.filter(|i| i["status"] != "received"))
            .await
    }

    /// The notices about a discussion, the newest first.
    pub async fn notices(&self, number: i64) -> Vec<Value> {
        self.api.items(&format!("/deliveries?discussion={number}")).await
    }

    /// Waits until nothing is promised any more.
    pub async fn until_all_is_told(&self) {
        eventually("every notice has left", async || self.api.items("/deliveries?status=pending").await.is_empty().then_some(())).await;
    }
}

/// Longer than a discussion takes in what follows, and not so long that LINE's redelivery would not renew a reply token.
const LONG: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

/// So long ago.
pub fn long_ago() -> jiff::Timestamp {
    Clock::wall().now() - LONG
}

/// A discussion's number.
pub fn number(discussion: &Value) -> i64 {
    discussion["number"].as_i64().expect("a discussion has a number")
}

/// What was said in a discussion, in order.
pub fn bodies(discussion: &Value) -> Vec<String> {
    posts(discussion).iter().map(|p| p["body_text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A discussion's posts.
pub fn posts(discussion: &Value) -> &Vec<Value> {
    discussion["posts"].as_array().expect("a discussion has posts")
}
