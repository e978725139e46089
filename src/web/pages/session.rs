//! Logging in and out.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::extract::{ConnectInfo, Extension, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use governor::{DefaultKeyedRateLimiter, Quota};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::{Answer, FormOf, QueryOf, Refusal, answer, html, to};
use crate::App;
use crate::domain::PersonId;
use crate::store::{persons, sessions};
use crate::web::password;
use crate::web::templates::Look;
use crate::web::templates::login::{Login, login};
use crate::web::viewer::{begin_session, by_cookie, cookie_secret, digest, no_cookie, session_cookie};

/// Tries for one mail address in [`TRIES_WITHIN`].
const TRIES_PER_EMAIL: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// Tries from one client address in [`TRIES_WITHIN`].
const TRIES_PER_CLIENT: NonZeroU32 = NonZeroU32::new(30).expect("thirty is not zero");
const TRIES_WITHIN: Duration = Duration::from_mins(10);
/// Passwords that are checked at once: each takes a core and 19 MiB.
const CHECKS_AT_ONCE: usize = 2;
/// How long a try waits for its turn to be checked.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest password, in bytes; a longer one is wrong.
const PASSWORD_BYTES_MAX: usize = 1024;
/// The longest mail address (RFC 5321, 4.5.3.1.3 and its erratum 1690), in bytes.
const EMAIL_BYTES_MAX: usize = 254;
/// The longest path to go on to, in bytes.
const NEXT_BYTES_MAX: usize = 1024;
const FRONT: &str = "/discussions";

/// Keeps guessers out: what was tried lately, and turns at the password hash.
pub(super) struct Door {
    emails: DefaultKeyedRateLimiter<u16>,
    clients: DefaultKeyedRateLimiter<u16>,
    turns: Arc<Semaphore>,
}

impl Door {
    pub(super) fn new() -> Self {
        let quota = |tries: NonZeroU32| Quota::with_period(TRIES_WITHIN / tries.get()).expect("the period is not zero").allow_burst(tries);
        Self {
            emails: DefaultKeyedRateLimiter::keyed(quota(TRIES_PER_EMAIL)),
            clients: DefaultKeyedRateLimiter::keyed(quota(TRIES_PER_CLIENT)),
            turns: Arc::new(Semaphore::new(CHECKS_AT_ONCE)),
        }
    }

    /// Whether one more try is let in.
    fn lets_in(&self, email: &str, client: Option<IpAddr>) -> bool {
        let client_ok = client.is_none_or(|ip| self.clients.check_key(&drawer(&network(ip))).is_ok());
        client_ok && self.emails.check_key(&drawer(email.as_bytes())).is_ok()
    }
}

/// One of 65,536 drawers to count in, so that no number of made-up addresses fills the memory.
pub(in crate::web) fn drawer(key: &[u8]) -> u16 {
    let hash = Sha256::digest(key);
    u16::from_be_bytes([hash[0], hash[1]])
}

/// The part of an address that one customer of a provider has: IPv4 whole, the first 64 bits of IPv6.
pub(in crate::web) fn network(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets()[..8].to_vec(),
    }
}

/// Where a request comes from. A proxy of our own (a peer on this machine or in a private network) tells it in `X-Forwarded-For`, of
/// which it wrote the last entry; anybody else's is not believed.
pub(in crate::web) fn client_ip(peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = peer?.ip().to_canonical();
    let ours = match peer {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    };
    let told = headers.get_all("x-forwarded-for").iter().next_back().filter(|_| ours);
    let nearest = told.and_then(|v| v.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    Some(nearest.unwrap_or(peer))
}

/// `/login?next=%2Fd%2F12`.
pub(in crate::web) fn login_address(next: &str) -> String {
    format!("/login?next={}", utf8_percent_encode(next, NON_ALPHANUMERIC))
}

/// The path, if it leads to a page of ours and nowhere else; the list otherwise.
pub(super) fn local(next: &str) -> &str {
    let plain = next.len() <= NEXT_BYTES_MAX && next.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if plain && next.starts_with('/') && !next.starts_with("//") { next } else { FRONT }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
}

/// `GET /login`.
pub(super) async fn ask(State(app): State<Arc<App>>, asked: QueryOf<Asked>, headers: HeaderMap) -> Response {
    let asked = asked.map(|Query(a)| a).unwrap_or_default();
    let next = local(&asked.next);
    let page = async {
        if by_cookie(&app, &headers).await?.is_some() {
            return Ok(to(next));
        }
        Ok(door_page(&app, StatusCode::OK, &Login { next, ..Login::default() }))
    };
    answer(&app, page.await)
}

fn door_page(app: &App, status: StatusCode, shown: &Login<'_>) -> Response {
    let line = app.config.line_login.as_ref().map(|_| login_address(shown.next).replacen("/login", "/login/line", 1));
    html(status, login(&Look::of(app), &Login { line: line.as_deref(), ..shown.clone() }))
}

#[derive(Deserialize)]
pub(super) struct Try {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /login`.
pub(super) async fn begin(
    State(app): State<Arc<App>>,
    Extension(door): Extension<Arc<Door>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    form: FormOf<Try>,
) -> Response {
    let client = client_ip(peer.map(|Extension(ConnectInfo(a))| a), &headers);
    answer(&app, begun(&app, &door, client, &headers, form).await)
}

async fn begun(app: &App, door: &Door, client: Option<IpAddr>, headers: &HeaderMap, form: FormOf<Try>) -> Answer {
    let Form(tried) = form?;
    let email = tried.email.trim().to_lowercase();
    if !door.lets_in(&email, client) {
        return Err(Refusal::TooMany);
    }
    let next = local(&tried.next);
    let Some(person) = verified(app, door, &email, tried.password.clone()).await? else {
        let wrong = app.texts().get("login.wrong");
        let shown = Login { next, email: tried.email.trim(), trouble: Some(wrong), line: None };
        return Ok(door_page(app, StatusCode::UNAUTHORIZED, &shown));
    };
    forget_session(app, headers).await?;
    let secret = begin_session(app, person).await?;
    Ok(with_cookie(to(next), &session_cookie(&app.config.server, &secret)))
}

/// Whose mail address and password these are. The work is the same for an address that nobody has, so that its time tells nothing.
async fn verified(app: &App, door: &Door, email: &str, password: String) -> Answer<Option<PersonId>> {
    if password.len() > PASSWORD_BYTES_MAX || email.len() > EMAIL_BYTES_MAX {
        return Ok(None);
    }
    let turn = tokio::time::timeout(TURN_TIMEOUT, door.turns.clone().acquire_owned()).await.map_err(|_| Refusal::TooMany)?;
    let turn = turn.expect("the semaphore is never closed");
    let mut c = app.db.read().await?;
    let found = persons::password_hash(&mut c, email).await?;
    drop(c);
    let (person, hash) = match found {
        Some((person, Some(hash))) => (Some(person), Some(hash)),
        _ => (None, None),
    };
    let checked = tokio::task::spawn_blocking(move || {
        // The work goes on where the browser has gone away, and so does the turn.
        let _turn = turn;
        is_right(&password, hash.as_deref())
    });
    // A panic in the hash is no reason to let anybody in.
    let right = checked.await.unwrap_or(false);
    Ok(person.filter(|_| right))
}

fn is_right(given: &str, hash: Option<&str>) -> bool {
    if let Some(hash) = hash {
        return password::verify(given, hash);
    }
    // As much work as a check, with nothing to check against.
    drop(password::hash(given));
    false
}

/// `POST /logout`.
pub(super) async fn end(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let ended = async {
        forget_session(&app, &headers).await?;
        Ok(with_cookie(to("/login"), &no_cookie(&app.config.server)))
    };
    answer(&app, ended.await)
}

/// The digest of the session that the request comes with.
pub(super) fn session_digest(app: &App, headers: &HeaderMap) -> Option<String> {
    cookie_secret(&app.config.server, headers).map(|secret| digest(&secret))
}

async fn forget_session(app: &App, headers: &HeaderMap) -> Answer<()> {
    let Some(digest) = session_digest(app, headers) else { return Ok(()) };
    let mut tx = app.db.begin().await?;
    sessions::end(&mut tx, &digest).await?;
    tx.commit().await?;
    Ok(())
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    let value = HeaderValue::from_str(cookie).expect("a cookie of ours is made of name, hex digits and attributes");
    response.headers_mut().append(header::SET_COOKIE, value);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_our_own_is_gone_on_to() {
        for good in ["/", "/d/12", "/d/12?all=1#post-3", "/discussions?q=%E7%99%BC"] {
            assert_eq!(local(good), good);
        }
        for bad in [
            "",
            "d/12",
            "//evil.example",
            "/\\evil.example",
            "\\/evil",
            "https://evil.example",
            "/d/1\r\nSet-Cookie: a=b",
            "/\tx",
            "/討論",
            " /d/1",
        ] {
            assert_eq!(local(bad), FRONT, "{bad:?}");
        }
        assert_eq!(login_address("/d/12?a=b"), "/login?next=%2Fd%2F12%3Fa%3Db");
    }

    #[test]
    fn only_our_own_proxy_tells_where_a_request_comes_from() {
        let ip = |peer: Option<&str>, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            client_ip(peer.map(|p| p.parse().unwrap()), &headers).map(|ip| ip.to_string())
        };
        assert_eq!(ip(None, &["203.0.113.9"]), None);
        assert_eq!(ip(Some("127.0.0.1:1"), &[]).as_deref(), Some("127.0.0.1"));
        assert_eq!(ip(Some("127.0.0.1:1"), &["198.51.100.7, 203.0.113.9"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(ip(Some("172.18.0.2:1"), &["1.1.1.1", "203.0.113.9"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(ip(Some("198.51.100.7:1"), &["203.0.113.9"]).as_deref(), Some("198.51.100.7"));
        assert_eq!(ip(Some("[::ffff:127.0.0.1]:1"), &["nonsense"]).as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn the_eleventh_try_for_an_address_is_not_let_in() {
        let door = Door::new();
        for _ in 0..TRIES_PER_EMAIL.get() {
            assert!(door.lets_in("a@example.com", None));
        }
        assert!(!door.lets_in("a@example.com", None));
        assert!(door.lets_in("b@example.com", None));
    }

    #[test]
    fn one_client_cannot_try_many_addresses() {
        let door = Door::new();
        let client = Some("2001:db8::1".parse().unwrap());
        let let_in = (0..40).filter(|n| door.lets_in(&format!("{n}@example.com"), client)).count();
        assert_eq!(let_in, 30);
        assert!(!door.lets_in("x@example.com", Some("2001:db8::2".parse().unwrap())));
        assert!(door.lets_in("x@example.com", Some("2001:db8:1::1".parse().unwrap())));
    }
}
