//! The channel access token that every call carries (docs, "Channel access token"): a long-lived one that was pasted, or stateless
//! ones of 15 minutes, had for the channel's id and secret and renewed before they end.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::client::{LineError, one_line, reason, text_of};
use crate::config::{LineAccess, LineAccount, Secret};

/// A stateless token is renewed so long before it ends, or after half its life if that is later.
const RENEW_BEFORE_END: Duration = Duration::from_mins(3);
/// After a token was asked for in vain, nobody asks again so soon.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// The longest life of a token that is believed, in seconds (LINE: 900).
const LIFE_SECONDS_MAX: u64 = 24 * 60 * 60;

/// What one account's calls are authorised with.
#[derive(Debug)]
pub(super) enum Access {
    Pasted(HeaderValue),
    Stateless(Box<Stateless>),
}

impl Access {
    /// Calls nobody. `http` is the client that stateless tokens are asked for with.
    pub(super) fn new(account: &LineAccount, http: &reqwest::Client) -> Result<Self, LineError> {
        match &account.access {
            LineAccess::Pasted(token) => bearer(token.expose()).map(Self::Pasted).ok_or_else(|| {
                LineError::Unusable(format!("line.{}.channel_access_token holds characters that no token has", account.name))
            }),
            LineAccess::Stateless { channel_id } => Ok(Self::Stateless(Box::new(Stateless {
                account: account.name.clone(),
                channel_id: channel_id.clone(),
                secrets: account.secrets().cloned().collect(),
                url: format!("{}/oauth2/v3/token", account.api_url),
                http: http.clone(),
                held: Mutex::default(),
                asking: tokio::sync::Mutex::default(),
            }))),
        }
    }

    /// The `Authorization` header of a call that is made now; why there is none, where LINE gives no token.
    pub(super) async fn header(&self) -> Result<HeaderValue, String> {
        match self {
            Self::Pasted(header) => Ok(header.clone()),
            Self::Stateless(stateless) => stateless.header().await,
        }
    }

    /// To be told that LINE refused this header (401): it is not used again. Whether another can be had.
    pub(super) fn refused(&self, header: &HeaderValue) -> bool {
        match self {
            Self::Pasted(_) => false,
            Self::Stateless(stateless) => {
                let mut held = stateless.held();
                held.token.take_if(|t| t.header == *header);
                true
            }
        }
    }
}

/// `None` where the token cannot stand in a header.
fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Stateless tokens, one at a time.
#[derive(Debug)]
pub(super) struct Stateless {
    account: String,
    channel_id: String,
    /// The channel's secret, then the one that is to follow it: LINE drops the old one the moment the new one is issued.
    secrets: Vec<Secret>,
    url: String,
    http: reqwest::Client,
    held: Mutex<Held>,
    /// Held by whoever asks LINE, so that only one does.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    token: Option<Token>,
    /// When LINE last gave none, and why.
    failed: Option<(Instant, String)>,
}

#[derive(Debug)]
struct Token {
    header: HeaderValue,
    renew_at: Instant,
    ends_at: Instant,
}

/// Why LINE gave no token.
enum Refusal {
    /// It does not take this secret; it may take another.
    Secret(String),
    Other(String),
}

impl Stateless {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn good(&self, until: impl Fn(&Token) -> Instant) -> Option<HeaderValue> {
        self.held().token.as_ref().filter(|t| Instant::now() < until(t)).map(|t| t.header.clone())
    }

    async fn header(&self) -> Result<HeaderValue, String> {
        let fresh = || self.good(|t| t.renew_at);
        if let Some(header) = fresh() {
            return Ok(header);
        }
        // While the old one still serves, nobody waits for the one who renews it.
        let old = self.good(|t| t.ends_at);
        let _turn = match &old {
            Some(header) => match self.asking.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(header.clone()),
            },
            None => self.asking.lock().await,
        };
        if let Some(header) = fresh() {
            return Ok(header);
        }
        let failed = self.held().failed.clone();
        let why = match failed.filter(|(at, _)| at.elapsed() < ASK_AGAIN_AFTER) {
            Some((_, why)) => why,
            None => match self.ask().await {
                Ok(token) => {
                    let header = token.header.clone();
                    *self.held() = Held { token: Some(token), failed: None };
                    return Ok(header);
                }
                Err(why) => {
                    tracing::warn!(account = self.account, why, "LINE gives no channel access token; it is asked again");
                    self.held().failed = Some((Instant::now(), why.clone()));
                    why
                }
            },
        };
        self.good(|t| t.ends_at).ok_or(why)
    }

    async fn ask(&self) -> Result<Token, String> {
        let mut refused = String::new();
        for secret in &self.secrets {
            match self.ask_with(secret).await {
                Ok(token) => return Ok(token),
                Err(Refusal::Secret(why)) => refused = why,
                Err(Refusal::Other(why)) => return Err(why),
            }
        }
        Err(refused)
    }

    /// Reference, "Issue stateless channel access token".
    async fn ask_with(&self, secret: &Secret) -> Result<Token, Refusal> {
        #[derive(Deserialize)]
        struct Issued {
            access_token: String,
            expires_in: u64,
        }
        let asked_at = Instant::now();
        let form = [("grant_type", "client_credentials"), ("client_id", self.channel_id.as_str()), ("client_secret", secret.expose())];
        let response =
            self.http.post(&self.url).form(&form).send().await.map_err(|e| Refusal::Other(format!("no token: {}", reason(e))))?;
        let status = response.status();
        let text = text_of(response).await.map_err(|why| Refusal::Other(format!("no token: {why}")))?;
        match status {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => return Err(Refusal::Secret(told(status, &text))),
            _ => return Err(Refusal::Other(told(status, &text))),
        }
        let issued: Option<(HeaderValue, u64)> =
            serde_json::from_str::<Issued>(&text).ok().and_then(|i| Some((bearer(&i.access_token)?, i.expires_in)));
        let (header, seconds) = issued.ok_or_else(|| Refusal::Other("no token: LINE's answer cannot be read".to_owned()))?;
        let life = Duration::from_secs(seconds.min(LIFE_SECONDS_MAX));
        let renewed_early = RENEW_BEFORE_END.min(life / 2);
        Ok(Token { header, renew_at: asked_at + life.saturating_sub(renewed_early), ends_at: asked_at + life })
    }
}

/// What LINE says of a request for a token: never the whole answer, which might hold one.
fn told(status: StatusCode, text: &str) -> String {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    let words: Vec<&str> = ["error", "error_description", "message"].iter().filter_map(|field| answer[field].as_str()).collect();
    one_line(&format!("no token: {} {}", status.as_u16(), words.join(": ")))
}

#[cfg(test)]
mod tests;
