//! Holds the stand-in to LINE's documentation; each test names the page that it goes by.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::domain::{LineChatId, LineUserId, Via};

mod accounts;
mod content;
mod events;
mod reading;
mod sending;
mod webhooks;

/// A platform on a stopped clock, with a group of three.
struct World {
    platform: Platform,
    url: String,
    http: reqwest::Client,
    amy: LineUserId,
    group: LineChatId,
    clock: Clock,
}

async fn world() -> World {
    world_with(Settings::default()).await
}

async fn world_with(settings: Settings) -> World {
    let clock = Clock::stopped(Timestamp::constant(1_793_232_000, 0));
    let (platform, url) = Platform::start_with(Settings { clock: clock.clone(), ..settings }).await;
    let amy = platform.person("陳小姐");
    let (ben, chen) = (platform.person("林先生"), platform.person("鄭小姐"));
    let group = platform.group("幸福社區", &[amy.clone(), ben, chen]);
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    World { platform, url, http, amy, group, clock }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    json: Value,
}

impl World {
    async fn send(&self, call: &str, body: Value, key: Option<&str>) -> Result<Answer, reqwest::Error> {
        let token = self.platform.settings().access_token.expose();
        let mut request = self.http.post(format!("{}/v2/bot/message/{call}", self.url)).bearer_auth(token).json(&body);
        if let Some(key) = key {
            request = request.header("X-Line-Retry-Key", key);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let json = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        Ok(Answer { status, headers, json })
    }

    async fn get(&self, path: &str) -> Answer {
        let token = self.platform.settings().access_token.expose();
        let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(token).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({"octets": bytes.len()}));
        Answer { status, headers, json }
    }

    fn says(&self, text: &str) -> Event {
        self.platform.say(&self.group, Some(&self.amy), text, Say::default())
    }

    async fn reply(&self, event: &Event) -> Answer {
        let body = json!({"replyToken": event.reply_token, "messages": [{"type": "text", "text": "收到"}]});
        self.send("reply", body, None).await.unwrap()
    }

    async fn push(&self, to: &str, key: &str, text: &str) -> Answer {
        self.send("push", json!({"to": to, "messages": [{"type": "text", "text": text}]}), Some(key)).await.unwrap()
    }

    fn violations(&self) -> Vec<String> {
        self.platform.violations().into_iter().map(|v| v.what).collect()
    }
}

fn key() -> String {
    Uuid::new_v4().to_string()
}

type Seen = Arc<Mutex<Vec<(Option<String>, Bytes)>>>;

/// A webhook that keeps what it gets and answers with 500 for the first `refusals`.
async fn webhook(refusals: usize) -> (String, Seen) {
    let seen = Seen::default();
    let kept = seen.clone();
    let answer = async move |headers: HeaderMap, body: Bytes| {
        let signature = headers.get("x-line-signature").map(|v| v.to_str().unwrap().to_owned());
        let mut kept = kept.lock().await;
        kept.push((signature, body));
        if kept.len() <= refusals { axum::http::StatusCode::INTERNAL_SERVER_ERROR } else { axum::http::StatusCode::OK }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/line/main", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/webhooks/line/main", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, seen)
}
