//! LINE Login: who somebody is, as LINE says. Source: LINE Login documentation, "Integrating LINE Login with your web app", "Get user
//! information from ID tokens", "Using PKCE".
//!
//! Web logins are signed with HS256 and the channel secret, whatever LINE's discovery document says of ES256.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::client::{is_loopback, tls};
use crate::config::LineLogin;
use crate::domain::LineUserId;

/// LINE answers a code within this time or the login is begun anew.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const ISSUER: &str = "https://access.line.me";

/// Why a login did not come about.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("exchanging the code with LINE")]
    Exchange(#[source] reqwest::Error),
    #[error("LINE refused the code: {0}")]
    Refused(u16),
    #[error("LINE's ID token cannot be believed: {0}")]
    NotBelieved(&'static str),
}

/// What binds an answer to the browser that asked: kept in a cookie of ten minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub state: String,
    pub nonce: String,
    /// PKCE's secret half (RFC 7636).
    pub verifier: String,
}

/// Somebody whom LINE knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    /// The same for every channel of one provider: so it is the group member's id too.
    pub user: LineUserId,
    pub name: String,
}

/// Where the browser is sent.
pub fn authorize_url(login: &LineLogin, redirect_uri: &str, ticket: &Ticket) -> Result<String, url::ParseError> {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(ticket.verifier.as_bytes()));
    let mut url = Url::parse(&login.authorize_url)?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &login.channel_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", &ticket.state)
        .append_pair("scope", "openid profile")
        .append_pair("nonce", &ticket.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    Ok(url.into())
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
}

/// Turns the code that the browser brought back into a person.
pub async fn exchange(login: &LineLogin, redirect_uri: &str, code: &str, ticket: &Ticket, now: Timestamp) -> Result<LoggedIn, LoginError> {
    let builder =
        reqwest::Client::builder().tls_backend_preconfigured(tls()).redirect(reqwest::redirect::Policy::none()).timeout(ANSWER_WITHIN);
    let builder = if is_loopback(&login.api_url) { builder.no_proxy() } else { builder };
    let client = builder.build().map_err(LoginError::Exchange)?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("client_id", &login.channel_id),
        ("client_secret", login.channel_secret.expose()),
        ("code_verifier", &ticket.verifier),
    ];
    let url = format!("{}/oauth2/v2.1/token", login.api_url);
    let response = client.post(url).form(&form).send().await.map_err(|e| LoginError::Exchange(e.without_url()))?;
    if !response.status().is_success() {
        return Err(LoginError::Refused(response.status().as_u16()));
    }
    let tokens: Tokens = response.json().await.map_err(|e| LoginError::Exchange(e.without_url()))?;
    let id_token = tokens.id_token.ok_or(LoginError::NotBelieved("there is none"))?;
    verify(login, &id_token, &ticket.nonce, now)
}

#[derive(Deserialize)]
struct Head {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    name: String,
}

fn verify(login: &LineLogin, token: &str, nonce: &str, now: Timestamp) -> Result<LoggedIn, LoginError> {
    let refuse = |why| Err(LoginError::NotBelieved(why));
    let mut parts = token.split('.');
    let (Some(head), Some(claims), Some(tag), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return refuse("it has not three parts");
    };
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    if decoded(head).and_then(|h| serde_json::from_slice::<Head>(&h).ok()).is_none_or(|h| h.alg != "HS256") {
        return refuse("it is not signed with HS256");
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(login.channel_secret.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(head.as_bytes());
    mac.update(b".");
    mac.update(claims.as_bytes());
    if decoded(tag).is_none_or(|tag| mac.verify_slice(&tag).is_err()) {
        return refuse("its signature is not ours");
    }
    let Some(claims) = decoded(claims).and_then(|c| serde_json::from_slice::<Claims>(&c).ok()) else {
        return refuse("its claims cannot be read");
    };
    if claims.iss != ISSUER {
        return refuse("LINE did not issue it");
    }
    if claims.aud != login.channel_id {
        return refuse("it is for another channel");
    }
    if claims.exp <= now.as_second() {
        return refuse("it is too old");
    }
    if claims.nonce != nonce {
        return refuse("it answers another login");
    }
    if claims.sub.is_empty() {
        return refuse("it names nobody");
    }
    Ok(LoggedIn { user: LineUserId(claims.sub), name: claims.name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn login() -> LineLogin {
        LineLogin {
            channel_id: "2000000002".into(),
            channel_secret: Secret::new("login secret"),
            authorize_url: "https://access.line.me/oauth2/v2.1/authorize".into(),
            api_url: "https://api.line.me".into(),
        }
    }

    fn token(head: &str, claims: &str, secret: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn checked(head: &str, claims: &str, secret: &str) -> Result<LoggedIn, LoginError> {
        verify(&login(), &token(head, claims, secret), "n1", Timestamp::from_second(1_000).unwrap())
    }

    const HEAD: &str = r#"{"typ":"JWT","alg":"HS256"}"#;
    const GOOD: &str = r#"{"iss":"https://access.line.me","sub":"U1","aud":"2000000002","exp":1001,"nonce":"n1","name":"陳小美"}"#;

    #[test]
    fn a_token_of_this_channel_and_this_login_names_its_person() {
        let found = checked(HEAD, GOOD, "login secret").unwrap();
        assert_eq!(found, LoggedIn { user: "U1".into(), name: "陳小美".into() });
    }

    #[test]
    fn anything_else_is_not_believed() {
        assert!(checked(HEAD, GOOD, "another secret").is_err());
        assert!(checked(r#"{"alg":"none"}"#, GOOD, "login secret").is_err());
        assert!(checked(r#"{"alg":"ES256"}"#, GOOD, "login secret").is_err());
        for (good, bad) in [("access.line.me", "evil.example"), ("2000000002", "1"), ("1001", "1000"), ("n1", "n2"), ("U1", "")] {
            assert!(checked(HEAD, &GOOD.replacen(good, bad, 1), "login secret").is_err(), "{bad}");
        }
        assert!(verify(&login(), "no token", "n1", Timestamp::UNIX_EPOCH).is_err());
    }

    #[test]
    fn the_browser_is_sent_with_state_nonce_and_challenge() {
        let ticket = Ticket { state: "s".into(), nonce: "n".into(), verifier: "v".into() };
        let url = authorize_url(&login(), "https://support.example.com/login/line/callback", &ticket).unwrap();
        assert!(url.starts_with("https://access.line.me/oauth2/v2.1/authorize?response_type=code&client_id=2000000002&"), "{url}");
        assert!(
            url.contains("redirect_uri=https%3A%2F%2Fsupport.example.com%2Flogin%2Fline%2Fcallback&state=s&scope=openid+profile&nonce=n")
        );
        assert!(url.ends_with("&code_challenge_method=S256"), "{url}");
    }
}
