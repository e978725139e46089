//! Calls to the Messaging API (Messaging API reference; "Retrying an API request").
//!
//! The token goes to the account's `api_url` and `data_api_url` and nowhere else: redirects are not followed. What became of a
//! send is told apart by what we may conclude from it: that it certainly arrived, certainly not, or that nobody knows.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access::Access;
use crate::config::LineAccount;
use crate::domain::ChatKind;

mod itself;

use itself::Itself;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const CHUNK_WITHIN: Duration = Duration::from_secs(30);
/// The longest JSON answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// The longest account of an error that is kept, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What an id keeps in a path; all else is percent-encoded.
const SEGMENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One LINE Official Account's API.
#[derive(Clone, Debug)]
pub struct Line {
    calls: reqwest::Client,
    downloads: reqwest::Client,
    access: Arc<Access>,
    itself: Arc<Mutex<Itself>>,
    api_url: String,
    data_api_url: String,
}

/// What became of a reply or push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// LINE took it. The ids of its messages in the order in which they were given; empty where LINE did not tell.
    Sent { message_ids: Vec<String> },
    /// The reply token is used up, too old or not LINE's.
    InvalidToken,
    /// No answer: it may have arrived.
    Unknown(String),
    /// LINE is in trouble (5xx): it most likely has not arrived.
    ServerError(String),
    /// No connection came about: it has certainly not arrived.
    NotSent(String),
    /// Too many calls just now (429).
    RateLimited(String),
    /// The month's messages are used up (429).
    QuotaUsedUp(String),
    /// LINE refused it because of where it was to go: the account is not in the chat, or there is no such chat or user (400 "Failed to send
    /// messages", 403, 404).
    Unreachable(String),
    /// LINE refused it for good: status, message and details in one line.
    Rejected(String),
}

/// What became of a request for a message's bytes.
#[derive(Debug)]
pub enum ContentOutcome {
    /// Here it is.
    Ready(Download),
    /// LINE is still preparing it (202).
    NotYet,
    /// Its author took it back (410).
    Gone,
    /// LINE does not have it, or no longer (404).
    Missing,
    /// It could not be had this time; LINE has answered 400 to good requests too.
    Retry(String),
}

/// A message's bytes on their way.
pub struct Download {
    /// `application/octet-stream` where LINE does not tell.
    pub content_type: String,
    /// Octets, where LINE tells.
    pub size: Option<u64>,
    /// The bytes; no chunk is waited for longer than 30 s. The whole may be of any size: the reader bounds it.
    pub bytes: Pin<Box<dyn Stream<Item = Result<Bytes, LineError>> + Send>>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").field("content_type", &self.content_type).field("size", &self.size).finish_non_exhaustive()
    }
}

/// Why LINE could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// No answer came, or only a part of one.
    #[error("LINE does not answer: {0}")]
    Network(String),
    /// It answered with an error.
    #[error("LINE answers {status}: {message}")]
    Status { status: u16, message: String },
    /// It answered with something else than was asked for.
    #[error("LINE's answer cannot be read: {0}")]
    Unreadable(String),
    /// The account's settings cannot be used at all.
    #[error("the LINE account cannot be used: {0}")]
    Unusable(String),
}

/// A group as LINE describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GroupSummary {
    #[serde(rename = "groupName")]
    pub name: String,
    #[serde(default, rename = "pictureUrl")]
    pub picture_url: Option<String>,
}

/// A person as LINE describes them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub user_id: String,
    pub display_name: String,
    #[serde(default)]
    pub picture_url: Option<String>,
    /// BCP 47; only in profiles of users who talk to the account directly.
    #[serde(default)]
    pub language: Option<String>,
}

/// The account itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BotInfo {
    pub user_id: String,
    #[serde(default)]
    pub basic_id: String,
    pub display_name: String,
}

/// The month's allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Messages a month; `None` = no limit.
    pub limited: Option<u64>,
}

/// Where LINE sends its webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WebhookEndpoint {
    pub endpoint: String,
    /// "Use webhook" in the console.
    pub active: bool,
}

impl Line {
    /// Makes the clients; calls nobody.
    ///
    /// # Errors
    /// [`LineError::Unusable`] where the access token cannot stand in a header.
    pub fn new(account: &LineAccount) -> Result<Self, LineError> {
        Self::waiting(account, ANSWER_WITHIN, CHUNK_WITHIN)
    }

    fn waiting(account: &LineAccount, answer_within: Duration, chunk_within: Duration) -> Result<Self, LineError> {
        let client = |url: &str| {
            let builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls())
                .user_agent(concat!("Threadline/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT_WITHIN);
            // A stand-in on this machine is not to be sought through the company's proxy.
            if is_loopback(url) { builder.no_proxy() } else { builder }
        };
        let built = |builder: reqwest::ClientBuilder| builder.build().map_err(|e| LineError::Unusable(reason(e)));
        let calls = built(client(&account.api_url).timeout(answer_within))?;
        Ok(Self {
            access: Arc::new(Access::new(account, &calls)?),
            itself: Arc::default(),
            calls,
            downloads: built(client(&account.data_api_url).read_timeout(chunk_within))?,
            api_url: account.api_url.clone(),
            data_api_url: account.data_api_url.clone(),
        })
    }

    /// Answers an event, for free. Not idempotent: after [`SendOutcome::Unknown`], [`SendOutcome::InvalidToken`] for the same
    /// token means that the first try arrived.
    pub async fn reply(&self, token: &str, messages: &[Value]) -> SendOutcome {
        self.reply_as(token, messages, false).await
    }

    /// Likewise; `quiet`: without a notification on people's telephones.
    pub async fn reply_as(&self, token: &str, messages: &[Value], quiet: bool) -> SendOutcome {
        let body = quietened(json!({"replyToken": token, "messages": messages}), quiet);
        match self.answer(self.post("/v2/bot/message/reply").json(&body)).await {
            Ok((StatusCode::BAD_REQUEST, text)) if is_about_the_token(&text) => SendOutcome::InvalidToken,
            Ok((status, text)) => sent(status, &text),
            // LINE said 200; trying again could only be told that the token is used.
            Err(Failure::After(StatusCode::OK, _)) => SendOutcome::Sent { message_ids: Vec::new() },
            Err(failure) => failure.into(),
        }
    }

    /// Sends to a user, group or room. The same `retry_key` with the same body, within 24 hours, is never delivered twice; that
    /// LINE had it already counts as sent.
    pub async fn push(&self, to: &str, messages: &[Value], retry_key: Uuid) -> SendOutcome {
        self.push_as(to, messages, false, retry_key).await
    }

    /// Likewise; `quiet`: without a notification on people's telephones.
    pub async fn push_as(&self, to: &str, messages: &[Value], quiet: bool, retry_key: Uuid) -> SendOutcome {
        let body = quietened(json!({"to": to, "messages": messages}), quiet);
        let request = self.post("/v2/bot/message/push").header("X-Line-Retry-Key", retry_key.to_string()).json(&body);
        match self.answer(request).await {
            Ok((StatusCode::CONFLICT, text)) => SendOutcome::Sent { message_ids: sent_ids(&text) },
            Ok((status, text)) => sent(status, &text),
            Err(failure) => failure.into(),
        }
    }

    /// A group's name and picture.
    pub async fn group_summary(&self, group: &str) -> Result<Option<GroupSummary>, LineError> {
        let Some(group) = segment(group) else { return Ok(None) };
        self.get(&format!("/v2/bot/group/{group}/summary")).await
    }

    /// How many people are in a chat, the account not counted; non-friends and blockers are.
    pub async fn member_count(&self, kind: ChatKind, chat: &str) -> Result<Option<u64>, LineError> {
        #[derive(Deserialize)]
        struct Count {
            count: u64,
        }
        let Some(chat) = segment(chat) else { return Ok(None) };
        let path = match kind {
            ChatKind::Group => format!("/v2/bot/group/{chat}/members/count"),
            ChatKind::Room => format!("/v2/bot/room/{chat}/members/count"),
            ChatKind::User => return Ok(Some(1)),
        };
        Ok(self.get::<Count>(&path).await?.map(|c| c.count))
    }

    /// Somebody's name and picture, as a member of the chat; `None` where they are (no longer) none.
    pub async fn member(&self, kind: ChatKind, chat: &str, user: &str) -> Result<Option<Profile>, LineError> {
        let (Some(chat), Some(user)) = (segment(chat), segment(user)) else { return Ok(None) };
        let path = match kind {
            ChatKind::Group => format!("/v2/bot/group/{chat}/member/{user}"),
            ChatKind::Room => format!("/v2/bot/room/{chat}/member/{user}"),
            ChatKind::User => format!("/v2/bot/profile/{user}"),
        };
        self.get(&path).await
    }

    /// The account's own id and name.
    pub async fn bot_info(&self) -> Result<Option<BotInfo>, LineError> {
        self.get("/v2/bot/info").await
    }

    /// How many messages may be billed this month.
    pub async fn quota(&self) -> Result<Option<Quota>, LineError> {
        let Some(answer) = self.get::<Value>("/v2/bot/message/quota").await? else { return Ok(None) };
        let limited = count(&answer["value"]);
        match (answer["type"].as_str(), limited) {
            (Some("none"), _) => Ok(Some(Quota { limited: None })),
            // Another word with a number would be another kind of limit.
            (_, Some(_)) => Ok(Some(Quota { limited })),
            (_, None) => Err(LineError::Unreadable("it says neither how many messages there are nor that there is no limit".to_owned())),
        }
    }

    /// How many messages were billed this month; approximate.
    pub async fn consumption(&self) -> Result<Option<u64>, LineError> {
        let Some(answer) = self.get::<Value>("/v2/bot/message/quota/consumption").await? else { return Ok(None) };
        let used = count(&answer["totalUsage"]);
        used.map(Some).ok_or_else(|| LineError::Unreadable("it does not say how many messages were used".to_owned()))
    }

    /// Where LINE sends webhooks to, if anywhere.
    pub async fn webhook_endpoint(&self) -> Result<Option<WebhookEndpoint>, LineError> {
        self.get("/v2/bot/channel/webhook/endpoint").await
    }

    /// Whether messages' bytes can be had where they are kept: LINE is asked for those of a message that there is not, and takes the token.
    pub async fn data_api(&self) -> Result<(), LineError> {
        match self.answer(self.downloads.get(format!("{}/v2/bot/message/1/content", self.data_api_url))).await {
            Ok((status, text)) if status == StatusCode::UNAUTHORIZED || status.is_server_error() => {
                Err(LineError::Status { status: status.as_u16(), message: said(&text) })
            }
            Ok(_) => Ok(()),
            Err(failure) => Err(LineError::Network(failure.why())),
        }
    }

    /// A message's bytes, while LINE keeps them.
    pub async fn content(&self, message_id: &str) -> ContentOutcome {
        self.download(message_id, "content").await
    }

    /// A small picture of what a message shows: of pictures and films alone (reference, "Get a preview of an image or video").
    pub async fn preview(&self, message_id: &str) -> ContentOutcome {
        self.download(message_id, "content/preview").await
    }

    async fn download(&self, message_id: &str, what: &str) -> ContentOutcome {
        let Some(id) = segment(message_id) else { return ContentOutcome::Missing };
        let response = match self.send(self.downloads.get(format!("{}/v2/bot/message/{id}/{what}", self.data_api_url))).await {
            Ok(response) => response,
            Err(failure) => return ContentOutcome::Retry(failure.why()),
        };
        match response.status() {
            StatusCode::OK => ContentOutcome::Ready(download(response)),
            StatusCode::ACCEPTED => ContentOutcome::NotYet,
            StatusCode::GONE => ContentOutcome::Gone,
            StatusCode::NOT_FOUND => ContentOutcome::Missing,
            status => {
                let text = text_of(response).await.unwrap_or_default();
                ContentOutcome::Retry(explain(status, &text))
            }
        }
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.calls.post(format!("{}{path}", self.api_url))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, LineError> {
        match self.answer(self.calls.get(format!("{}{path}", self.api_url))).await {
            Ok((StatusCode::OK, text)) => match serde_json::from_str(&text) {
                Ok(found) => Ok(Some(found)),
                Err(e) => Err(LineError::Unreadable(format!("{:?} at line {} column {}", e.classify(), e.line(), e.column()))),
            },
            Ok((StatusCode::NOT_FOUND, _)) => Ok(None),
            Ok((status, text)) => Err(LineError::Status { status: status.as_u16(), message: said(&text) }),
            Err(failure) => Err(LineError::Network(failure.why())),
        }
    }

    /// The whole answer to a call.
    async fn answer(&self, request: RequestBuilder) -> Result<(StatusCode, String), Failure> {
        let response = self.send(request).await?;
        let status = response.status();
        text_of(response).await.map(|text| (status, text)).map_err(|why| Failure::After(status, why))
    }

    /// The beginning of the answer to a call made with the account's token; once more with another, should LINE refuse a token that
    /// can be renewed (what it refuses so, it has not done).
    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let again = request.try_clone();
        let token = self.access.header().await.map_err(Failure::Connecting)?;
        let response = request.header(AUTHORIZATION, &token).send().await?;
        let Some(again) = again.filter(|_| response.status() == StatusCode::UNAUTHORIZED && self.access.refused(&token)) else {
            return Ok(response);
        };
        let token = self.access.header().await.map_err(Failure::Connecting)?;
        let response = again.header(AUTHORIZATION, &token).send().await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.access.refused(&token);
            return Err(Failure::Connecting("LINE refuses a channel access token that it has just issued".to_owned()));
        }
        Ok(response)
    }
}

/// Why no whole answer came.
enum Failure {
    /// There was no connection to send anything over, or no token to send with it.
    Connecting(String),
    /// The request may have been read.
    Waiting(String),
    /// The status came; the rest did not.
    After(StatusCode, String),
}

impl From<Failure> for SendOutcome {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connecting(why) => Self::NotSent(why),
            Failure::Waiting(why) => Self::Unknown(why),
            Failure::After(status, why) => Self::Unknown(format!("{}: {why}", status.as_u16())),
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let not_connected = error.is_connect() || error.is_builder();
        let why = reason(error);
        if not_connected { Self::Connecting(why) } else { Self::Waiting(why) }
    }
}

impl Failure {
    fn why(self) -> String {
        match self {
            Self::Connecting(why) | Self::Waiting(why) | Self::After(_, why) => why,
        }
    }
}

/// A JSON answer, which is small; what is longer than any is cut.
pub(super) async fn text_of(mut response: Response) -> Result<String, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        let room = ANSWER_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// The request's body, with LINE's word for quiet where it is to be.
fn quietened(mut body: Value, quiet: bool) -> Value {
    if quiet {
        body["notificationDisabled"] = Value::Bool(true);
    }
    body
}

fn sent(status: StatusCode, text: &str) -> SendOutcome {
    let why = explain(status, text);
    match status.as_u16() {
        200..=299 => SendOutcome::Sent { message_ids: sent_ids(text) },
        // "You have reached your monthly limit."
        429 if text.to_ascii_lowercase().contains("monthly limit") => SendOutcome::QuotaUsedUp(why),
        429 => SendOutcome::RateLimited(why),
        403 | 404 => SendOutcome::Unreachable(why),
        400 if text.to_ascii_lowercase().contains("failed to send messages") => SendOutcome::Unreachable(why),
        400..=499 => SendOutcome::Rejected(why),
        500.. => SendOutcome::ServerError(why),
        _ => SendOutcome::Unknown(why),
    }
}

/// The ids in `sentMessages`: strings in practice, numbers in the documentation.
fn sent_ids(text: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    let sent = answer["sentMessages"].as_array().into_iter().flatten();
    sent.filter_map(|message| match &message["id"] {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    })
    .collect()
}

/// A number of messages: whole, and not below zero.
fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn is_about_the_token(text: &str) -> bool {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    answer["message"].as_str().is_some_and(|m| m.to_ascii_lowercase().contains("invalid reply token"))
}

fn explain(status: StatusCode, text: &str) -> String {
    format!("{}: {}", status.as_u16(), said(text))
}

/// An error's `message` and `details` in one line ("Error responses"); the beginning of whatever else came.
fn said(text: &str) -> String {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    let Some(message) = answer["message"].as_str() else { return one_line(text) };
    let mut line = message.to_owned();
    for detail in answer["details"].as_array().into_iter().flatten() {
        line.push_str("; ");
        let parts = ["property", "message"].map(|part| detail[part].as_str().unwrap_or_default());
        line.push_str(&parts.join(": "));
    }
    one_line(&line)
}

pub(super) fn one_line(text: &str) -> String {
    let cut: String = text.chars().take(REASON_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut.trim().to_owned()
}

/// What went wrong and what was behind it, without the address (which holds ids).
pub(super) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut line = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    one_line(&line)
}

fn download(response: Response) -> Download {
    let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).filter(|v| !v.is_empty());
    Download {
        content_type: header(CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned(),
        size: header(CONTENT_LENGTH).and_then(|v| v.parse().ok()),
        bytes: Box::pin(response.bytes_stream().map_err(|e| LineError::Network(reason(e)))),
    }
}

/// An id as one part of a path; `None` for what no path can name.
fn segment(id: &str) -> Option<String> {
    let nameless = id.bytes().all(|b| b == b'.');
    (!nameless).then(|| utf8_percent_encode(id, &SEGMENT).to_string())
}

/// Whether the address is this machine's own.
pub(crate) fn is_loopback(url: &str) -> bool {
    match url::Url::parse(url).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// TLS with Mozilla's roots built in, so that a bare container needs no certificates of its own.
pub(crate) fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tls
}

#[cfg(test)]
mod tests;
