//! The program with its clock stopped and its loops at rest: what arrives is placed when a test says so, in the order that it says.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use tempfile::TempDir;
use threadline::App;
use threadline::channels::line::{signature, wire};
use threadline::clock::Clock;
use threadline::config::{Config, Secret};
use threadline::domain::{Inbox, LineChatId};
use threadline::intake::place::place_some;
use threadline::store::chats::Chat;
use threadline::store::inbound::{Listed, NewInbound};
use threadline::store::posts::Post;
use threadline::store::{attachments, chats, discussions, dump, inbound, posts, versions};
use tower::ServiceExt as _;

use super::ACCOUNT;
use super::database::Database;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Looks at what waits, with a second between two: more than the longest wait of an event for another.
const SECONDS_MAX: usize = 200;
/// Rows of one list.
const ROWS_MAX: i64 = 10_000;

/// The program, at rest.
pub struct StillApp {
    pub app: Arc<App>,
    database: Database,
    folder: TempDir,
}

/// A post with everything that belongs to it.
#[derive(Debug)]
pub struct Whole {
    pub post: Post,
    /// `(message id, status, name)`, in order.
    pub files: Vec<(String, String, String)>,
    /// `(microseconds since 1970, text)`, the oldest first.
    pub versions: Vec<(i64, String)>,
}

impl StillApp {
    /// With its clock at `now` (RFC 3339).
    pub async fn at(now: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let database = Database::new(folder.path()).await;
        let config = folder.path().join("bot-config.toml");
        // Nobody listens on that port: LINE tells no names, at once.
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\n[database]\nurl = \"{}\"\n[storage]\nurl = \"file://files\"\n\
             [[line]]\nname = \"{ACCOUNT}\"\nchannel_secret = \"{SECRET}\"\nchannel_access_token = \"x\"\n\
             api_url = \"http://127.0.0.1:9\"\ndata_api_url = \"http://127.0.0.1:9\"\n",
            database.url()
        );
        std::fs::write(&config, text).expect("the configuration can be written");
        let clock = Clock::stopped(now.parse().expect("a time"));
        let app = App::open(Config::read(&config).expect("the configuration is right"), clock).await.expect("the program starts");
        Self { app, database, folder }
    }

    /// Takes everything down again.
    pub async fn end(self) {
        self.app.db.close().await;
        drop(self.app);
        self.database.drop().await;
        self.folder.close().expect("the temporary folder can be taken away");
    }

    /// A webhook's body, signed, through the door; the status that it is answered with.
    pub async fn webhook(&self, body: &[u8]) -> u16 {
        let signed = signature::sign(&Secret::new(SECRET), body);
        let request = Request::post(format!("/webhooks/line/{ACCOUNT}"))
            .header("x-line-signature", signed)
            .body(Body::from(body.to_vec()))
            .expect("a request can be made");
        threadline::web::router(self.app.clone(), false).oneshot(request).await.expect("the router answers").status().as_u16()
    }

    /// Events as from an account that LINE tells no names for, durable and not yet placed.
    pub async fn accept(&self, inbox: &Inbox, body: &[u8]) {
        let now = self.app.clock.now();
        let row = |event: wire::WireEvent| NewInbound {
            inbox: inbox.clone(),
            external_id: event.external_id,
            received_at: now,
            happened_at: jiff::Timestamp::from_millisecond(event.at_ms).expect("the intake holds it"),
            body: event.raw,
        };
        let rows = wire::events(body).expect("a webhook").into_iter().map(row).collect();
        self.app.intake.accept(rows).await.expect("the database takes it");
    }

    /// Places what is due now.
    pub async fn place(&self) {
        while place_some(&self.app).await.expect("the database answers") > 0 {}
    }

    /// Places everything, moving the clock on as far as anything waits.
    pub async fn place_all(&self) {
        for _ in 0..SECONDS_MAX {
            self.place().await;
            let mut c = self.app.db.read().await.expect("the database answers");
            if inbound::next_due(&mut c).await.expect("the database answers").is_none() {
                return;
            }
            drop(c);
            self.app.clock.advance(Duration::from_secs(1));
        }
        panic!("something waits for ever");
    }

    /// What became of an event.
    pub async fn listed(&self, external_id: &str) -> Listed {
        let mut c = self.app.db.read().await.expect("the database answers");
        let all = inbound::page(&mut c, None, None, None, ROWS_MAX).await.expect("the database answers");
        all.into_iter().find(|l| l.external_id == external_id).unwrap_or_else(|| panic!("{external_id} was not taken in"))
    }

    /// A chat of an account.
    pub async fn chat(&self, inbox: &Inbox, id: &LineChatId) -> Option<Chat> {
        chats::find(&mut self.app.db.read().await.expect("the database answers"), inbox, id).await.expect("the database answers")
    }

    /// The post of a LINE message.
    pub async fn post_of(&self, chat: &Chat, message: &str) -> Option<Whole> {
        let mut c = self.app.db.read().await.expect("the database answers");
        let post = posts::find_line(&mut c, chat.id, message).await.expect("the database answers")?;
        drop(c);
        Some(self.whole(post).await)
    }

    /// Everything said in a chat, by time.
    pub async fn posts(&self, chat: &Chat) -> Vec<Whole> {
        let mut c = self.app.db.read().await.expect("the database answers");
        let since = jiff::Timestamp::UNIX_EPOCH;
        let mut all = vec![];
        for discussion in discussions::recent_in_chat(&mut c, chat.id, since, ROWS_MAX).await.expect("the database answers") {
            all.extend(posts::of_discussion(&mut c, discussion.id, true).await.expect("the database answers"));
        }
        drop(c);
        all.sort_by_key(|p| p.created_at);
        let mut wholes = vec![];
        for post in all {
            wholes.push(self.whole(post).await);
        }
        wholes
    }

    async fn whole(&self, post: Post) -> Whole {
        let mut c = self.app.db.read().await.expect("the database answers");
        let files = attachments::of_post(&mut c, post.id).await.expect("the database answers");
        let wordings = versions::of_post(&mut c, post.id).await.expect("the database answers");
        Whole {
            files: files.into_iter().map(|f| (f.message_id.unwrap_or_default(), f.status.to_string(), f.name)).collect(),
            versions: wordings.into_iter().map(|v| (v.at.as_microsecond(), v.body)).collect(),
            post,
        }
    }

    /// A table's rows, as a backup has them.
    pub async fn table(&self, name: &str) -> Vec<Value> {
        let mut c = self.app.db.read().await.expect("the database answers");
        let mut lines = vec![];
        dump::write_table(&mut c, name, &mut lines).await.expect("the table can be read");
        String::from_utf8(lines).expect("JSON is UTF-8").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}
