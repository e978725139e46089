//! Access tokens for mail servers that take no password: asked for with a refresh token (RFC 6749, section 6), kept until shortly
//! before their end, and handed to the server by SASL XOAUTH2
//! (<https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::connection::{MailError, one_line};
use crate::config::{OAuth, Secret};

const CONNECT_SECONDS_MAX: u64 = 10;
/// For the whole request.
const ANSWER_SECONDS_MAX: u64 = 20;
/// The longest answer of a provider that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// A token is renewed so long before its end.
const RENEWED_EARLIER_SECONDS: u64 = 120;
/// How long a token is used whose provider does not tell how long it is good.
const UNTOLD_LIFE_SECONDS: u64 = 300;

/// Keeps the refresh token that a provider gives in place of the configured one: from then on only the newest is sure to be good.
pub trait Keeper: Send + Sync {
    /// The newest one, if it was ever changed.
    fn find(&self) -> BoxFuture<'_, anyhow::Result<Option<Secret>>>;
    /// From now on this is the newest.
    fn keep<'a>(&'a self, refresh_token: &'a Secret) -> BoxFuture<'a, anyhow::Result<()>>;
}

/// The access tokens of one account. Several that ask at once wait for one request.
pub struct AccessTokens {
    oauth: OAuth,
    http: reqwest::Client,
    keeper: Box<dyn Keeper>,
    newest: Mutex<Option<Access>>,
}

struct Access {
    token: Secret,
    renew_at: Instant,
}

/// RFC 6749, section 5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Seconds.
    expires_in: Option<u64>,
    refresh_token: Option<String>,
}

/// RFC 6749, section 5.2.
#[derive(Deserialize)]
struct Refused {
    error: String,
    error_description: Option<String>,
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens").field("name", &self.oauth.name).finish_non_exhaustive()
    }
}

impl AccessTokens {
    /// Asks for nothing yet. The program's TLS provider must be installed.
    ///
    /// # Errors
    /// `NoToken` where the HTTP client cannot be built.
    pub fn new(oauth: OAuth, keeper: Box<dyn Keeper>) -> Result<Self, MailError> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .timeout(Duration::from_secs(ANSWER_SECONDS_MAX))
            // The refresh token goes to the configured place and to no other.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("Threadline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| MailError::NoToken { from: oauth.token_url.clone(), why: one_line(&e.to_string()) })?;
        Ok(Self { oauth, http, keeper, newest: Mutex::new(None) })
    }

    /// A token that is good for a while yet.
    ///
    /// # Errors
    /// `NoToken` with the provider's words.
    pub async fn get(&self) -> Result<Secret, MailError> {
        let mut newest = self.newest.lock().await;
        if let Some(access) = &*newest
            && Instant::now() < access.renew_at
        {
            return Ok(access.token.clone());
        }
        self.renew(&mut newest).await
    }

    /// A token other than `refused`, which the server did not take.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn instead_of(&self, refused: &Secret) -> Result<Secret, MailError> {
        let mut newest = self.newest.lock().await;
        // Another connection may have been refused with the same one and renewed it meanwhile.
        if let Some(access) = &*newest
            && access.token != *refused
        {
            return Ok(access.token.clone());
        }
        self.renew(&mut newest).await
    }

    async fn renew(&self, newest: &mut Option<Access>) -> Result<Secret, MailError> {
        *newest = None;
        let refresh_token = match self.keeper.find().await {
            Ok(kept) => kept.unwrap_or_else(|| self.oauth.refresh_token.clone()),
            Err(e) => return Err(self.no_token(&format!("the newest refresh token cannot be looked up: {e:#}"))),
        };
        let granted = self.ask(&refresh_token).await?;
        if let Some(rotated) = granted.refresh_token.filter(|r| !r.is_empty() && r != refresh_token.expose())
            && let Err(error) = self.keeper.keep(&Secret::new(rotated)).await
        {
            // The old one often stays good for a while; without the new access token nothing would be.
            tracing::error!(account = self.oauth.name, error = format!("{error:#}"), "a new refresh token could not be kept");
        }
        let life = granted.expires_in.unwrap_or(UNTOLD_LIFE_SECONDS);
        let renew_at = Instant::now() + Duration::from_secs(life.saturating_sub(RENEWED_EARLIER_SECONDS).max(life / 2));
        let token = Secret::new(granted.access_token);
        *newest = Some(Access { token: token.clone(), renew_at });
        tracing::debug!(account = self.oauth.name, seconds = life, "the provider gave a new access token");
        Ok(token)
    }

    async fn ask(&self, refresh_token: &Secret) -> Result<Granted, MailError> {
        let optional = [("client_secret", self.oauth.client_secret.as_ref().map(Secret::expose)), ("scope", self.oauth.scope.as_deref())];
        let mut form =
            vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose()), ("client_id", self.oauth.client_id.as_str())];
        form.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let sent = self.http.post(&self.oauth.token_url).header("Accept", "application/json").form(&form).send().await;
        let mut answer = sent.map_err(|e| self.no_token(&chain(&e.without_url())))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| self.no_token(&chain(&e.without_url())))? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(self.no_token("its answer is larger than allowed"));
            }
        }
        if status.is_success() {
            let granted = serde_json::from_slice::<Granted>(&body).ok().filter(|g| is_token(&g.access_token));
            return granted.ok_or_else(|| self.no_token("its answer holds no access token"));
        }
        let why = match serde_json::from_slice::<Refused>(&body) {
            Ok(refused) => format!("{status}: {} {}", refused.error, refused.error_description.unwrap_or_default()),
            Err(_) => status.to_string(),
        };
        Err(self.no_token(&why))
    }

    fn no_token(&self, why: &str) -> MailError {
        MailError::NoToken { from: self.oauth.token_url.clone(), why: one_line(why) }
    }
}

/// RFC 6750, section 2.1, says `b64token`; providers' tokens have other visible characters too.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

fn chain(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// What a client says of itself, before base64.
pub(super) fn initial_response(user: &str, token: &Secret) -> String {
    format!("user={user}\x01auth=Bearer {}\x01\x01", token.expose())
}

/// What the server says before it refuses: JSON, `{"status":"400",…}`, in base64 where `is_encoded`.
pub(super) fn refusal(challenge: &[u8], is_encoded: bool) -> String {
    let plain = if is_encoded { STANDARD.decode(challenge.trim_ascii()).unwrap_or_default() } else { challenge.to_vec() };
    let status = serde_json::from_slice::<serde_json::Value>(&plain).ok().and_then(|v| {
        let status = v.get("status")?;
        Some(status.as_str().map_or_else(|| status.to_string(), str::to_owned))
    });
    status.map_or_else(String::new, |status| format!("the token was refused with status {}", one_line(&status)))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::forgetful;
