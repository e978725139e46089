//! Who is asking: by bearer token at the API, by cookie on pages.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::error::Problem;
use crate::App;
use crate::config::Server;
use crate::discussions::Viewer;
use crate::domain::PersonId;
use crate::files::hex;
use crate::store::{self, held_mails, members, persons, sessions, tokens};

/// How long a login lasts.
pub const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(24 * 30);

/// SHA-256, in hex: what is kept of a token or a cookie.
pub fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// 256 random bits in hex.
pub fn fresh_secret() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// The session cookie's name. `__Host-` binds it to this host and to TLS; without TLS (a demonstration on this machine) browsers would
/// not keep such a cookie.
pub fn cookie_name(server: &Server) -> &'static str {
    if server.is_https() { "__Host-threadline" } else { "threadline" }
}

/// The `Set-Cookie` that begins a session with this secret.
pub fn session_cookie(server: &Server, secret: &str) -> String {
    let secure = if server.is_https() { "; Secure" } else { "" };
    let seconds = SESSION_LASTS.as_secs();
    format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", cookie_name(server))
}

/// The `Set-Cookie` that ends one.
pub fn no_cookie(server: &Server) -> String {
    let secure = if server.is_https() { "; Secure" } else { "" };
    format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}", cookie_name(server))
}

/// Begins a session. The cookie's secret.
pub async fn begin_session(app: &App, person: PersonId) -> Result<String, store::Error> {
    let secret = fresh_secret();
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    sessions::add(&mut tx, &digest(&secret), person, now, now + SESSION_LASTS).await?;
    tx.commit().await?;
    Ok(secret)
}

/// The secret in the session cookie.
pub fn cookie_secret(server: &Server, headers: &HeaderMap) -> Option<String> {
    named_cookie(cookie_name(server), headers)
}

/// The value of the cookie with this name.
pub fn named_cookie(name: &str, headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Somebody with a valid session; `None` for anybody else.
pub async fn by_cookie(app: &App, headers: &HeaderMap) -> Result<Option<Viewer>, store::Error> {
    let Some(secret) = cookie_secret(&app.config.server, headers) else { return Ok(None) };
    let now: Timestamp = app.clock.now();
    let mut c = app.db.read().await?;
    let Some(person) = sessions::find(&mut c, &digest(&secret), now).await? else { return Ok(None) };
    let Some(person) = persons::find(&mut c, person).await? else { return Ok(None) };
    let viewer = viewer(person);
    let held = held_mails::count_waiting(&mut c, viewer.limit()).await?;
    let is_staff = viewer.is_admin || members::is_staff_anywhere(&mut c, viewer.person).await?;
    Ok(Some(Viewer { is_staff, held, ..viewer }))
}

/// The bearer token of a request (RFC 6750, 2.1).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Somebody with a valid bearer token; `None` for anybody else.
pub async fn by_token(app: &App, headers: &HeaderMap) -> Result<Option<Viewer>, store::Error> {
    let Some(token) = bearer(headers) else { return Ok(None) };
    let mut c = app.db.read().await?;
    let Some(person) = tokens::find(&mut c, &digest(token)).await? else { return Ok(None) };
    Ok(persons::find(&mut c, person).await?.map(viewer))
}

fn viewer(person: persons::Person) -> Viewer {
    Viewer { person: person.id, name: person.name, is_admin: person.is_admin, is_staff: person.is_admin, held: 0 }
}

/// A request with a valid bearer token; anybody else gets a 401.
pub struct ByToken(pub Viewer);

impl FromRequestParts<Arc<App>> for ByToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        by_token(app, &parts.headers).await?.map(Self).ok_or_else(Problem::unauthorized)
    }
}
