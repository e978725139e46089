//! `GET /login/line` and its callback: being in the LINE group is the right to read.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;

use super::session::{local, login_address};
use super::{Answer, QueryOf, Refusal, answer, to};
use crate::App;
use crate::channels::line::login::{LoggedIn, Ticket, authorize_url, exchange};
use crate::config::LineLogin;
use crate::domain::{Channel, PersonId};
use crate::store::{self, chats, discussions, identities, persons, rosters};
use crate::web::viewer::{begin_session, fresh_secret, named_cookie, session_cookie};

/// The cookie that remembers which login the browser began, for as long as LINE's code lives.
const TICKET: &str = "threadline-login";
const TICKET_SECONDS: u32 = 600;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
}

/// Sends the browser to LINE.
pub(super) async fn begin(State(app): State<Arc<App>>, asked: QueryOf<Asked>) -> Response {
    let next = asked.map(|Query(a)| a.next).unwrap_or_default();
    answer(&app, to_line(&app, local(&next)))
}

fn to_line(app: &App, next: &str) -> Answer {
    let login = app.config.line_login.as_ref().ok_or(Refusal::NotFound)?;
    let ticket = Ticket { state: fresh_secret(), nonce: fresh_secret(), verifier: fresh_secret() };
    let url = authorize_url(login, &callback_url(app), &ticket).map_err(|error| {
        tracing::error!(%error, "line_login.authorize_url is no URL");
        Refusal::NotFound
    })?;
    let value = format!("{}.{}.{}.{}", ticket.state, ticket.nonce, ticket.verifier, utf8_percent_encode(next, NON_ALPHANUMERIC));
    Ok(with_ticket(app, to(&url), &value, TICKET_SECONDS))
}

fn callback_url(app: &App) -> String {
    format!("{}/login/line/callback", app.config.server.public_url)
}

fn with_ticket(app: &App, mut response: Response, value: &str, seconds: u32) -> Response {
    let secure = if app.config.server.is_https() { "; Secure" } else { "" };
    // Lax: LINE's redirect back is a navigation from another site.
    let cookie = format!("{TICKET}={value}; Path=/login/line; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// Takes the browser back from LINE.
pub(super) async fn finish(State(app): State<Arc<App>>, back: QueryOf<Back>, headers: HeaderMap) -> Response {
    let back = back.map(|Query(b)| b).unwrap_or_default();
    let response = answer(&app, log_in(&app, &back, &headers).await);
    with_ticket(&app, response, "", 0)
}

async fn log_in(app: &App, back: &Back, headers: &HeaderMap) -> Answer {
    let login = app.config.line_login.as_ref().ok_or(Refusal::NotFound)?;
    let cookie = named_cookie(TICKET, headers).unwrap_or_default();
    let parts: Vec<&str> = cookie.splitn(4, '.').collect();
    let [state, nonce, verifier, next] = parts[..] else { return Ok(to(&login_address("/discussions"))) };
    let next = percent_decode_str(next).decode_utf8_lossy().into_owned();
    let next = local(&next);
    // LINE's automatic login may come back in another browser, whose cookie is not there or another: it begins anew.
    if back.code.is_empty() || state.is_empty() || back.state != state {
        return Ok(to(&login_address(next)));
    }
    let ticket = Ticket { state: state.to_owned(), nonce: nonce.to_owned(), verifier: verifier.to_owned() };
    let Some(somebody) = exchange_code(app, login, &back.code, &ticket).await else {
        return Ok(to(&login_address(next)));
    };
    let person = remember(app, &somebody).await?;
    admit(app, person, &somebody, next).await?;
    let secret = begin_session(app, person).await?;
    let mut response = to(next);
    if let Ok(cookie) = HeaderValue::from_str(&session_cookie(&app.config.server, &secret)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    *response.status_mut() = StatusCode::SEE_OTHER;
    Ok(response)
}

async fn exchange_code(app: &App, login: &LineLogin, code: &str, ticket: &Ticket) -> Option<LoggedIn> {
    match exchange(login, &callback_url(app), code, ticket, app.clock.now()).await {
        Ok(somebody) => Some(somebody),
        Err(error) => {
            tracing::warn!(error = format!("{:#}", anyhow::Error::new(error)), "a LINE Login did not come about");
            None
        }
    }
}

async fn remember(app: &App, somebody: &LoggedIn) -> Result<PersonId, store::Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let person = persons::find_or_add(&mut tx, Channel::Line, somebody.user.as_str(), &somebody.name, now).await?;
    if !somebody.name.is_empty() {
        identities::record_name(&mut tx, Channel::Line, somebody.user.as_str(), Some(&somebody.name), now).await?;
    }
    tx.commit().await?;
    Ok(person.id)
}

/// Whether they are in a chat of the page's project is asked of LINE: somebody who never wrote is a member all the same.
async fn admit(app: &App, person: PersonId, somebody: &LoggedIn, next: &str) -> Result<(), store::Error> {
    let Some(number) = next.strip_prefix("/d/").and_then(|rest| rest.split(['?', '#', '/']).next()).and_then(|n| n.parse().ok()) else {
        return Ok(());
    };
    let bound = {
        let mut c = app.db.read().await?;
        let Some(found) = discussions::find(&mut c, number).await? else { return Ok(()) };
        let discussion = discussions::follow(&mut c, found).await?;
        chats::of_project(&mut c, discussion.project).await?
    };
    for chat in bound.into_iter().filter(|c| c.bound) {
        let Some(line) = app.line.get(chat.inbox.name()) else { continue };
        let asked_at = app.clock.now();
        let member = line.member(chat.kind, chat.external_id.as_str(), somebody.user.as_str()).await;
        let mut tx = app.db.begin().await?;
        match member {
            Ok(Some(_)) => rosters::seen(&mut tx, chat.id, person, asked_at).await?,
            Ok(None) => drop(rosters::gone(&mut tx, chat.id, person, asked_at).await?),
            Err(error) => tracing::warn!(%error, "LINE could not be asked who is in a group; the roster stands"),
        }
        tx.commit().await?;
    }
    Ok(())
}
