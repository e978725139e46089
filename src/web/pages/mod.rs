//! Pages for people: login, the list, a discussion, the LINE groups. Forms are plain POSTs that end in a redirect; the script only makes them pleasant.

mod announcements;
mod correct;
mod discussion_change;
mod discussion_reply;
mod discussion_show;
mod discussion_undo;
mod discussion_watch;
mod discussions_list;
mod group_show;
mod groups_list;
mod held_mails;
mod inbound_list;
mod line_accounts;
mod line_login;
mod listening;
mod mail_show;
mod mail_switch;
mod me;
mod notices_list;
mod person_picture;
mod project_times;
mod projects;
mod scripts;
mod session;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use maud::Markup;

use super::live::{self, Streams};
use super::templates::Look;
use super::templates::error::{Wrong, error};
use super::{assets, viewer};
use crate::App;
use crate::discussions::{ChangeError, CorrectError, Viewer};
use crate::domain::BODY_BYTES_MAX;
use crate::store;
use session::Door;
pub(super) use session::{client_ip, drawer, login_address, network};

/// The largest form: a body whose every byte is percent-encoded, and some room for the other fields.
const FORM_BYTES_MAX: usize = 3 * BODY_BYTES_MAX + 16 * 1024;

/// Every page, what they are drawn with, and their live updates.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(front))
        .route("/login", get(session::ask).post(session::begin))
        .route("/login/line", get(line_login::begin))
        .route("/login/line/callback", get(line_login::finish))
        .route("/logout", post(session::end))
        .route("/me", get(me::show))
        .route("/me/name", post(me::rename))
        .route("/me/code", post(me::code))
        .route("/me/listening", post(listening::mine))
        .route("/me/unlink", post(me::unlink))
        .route("/projects", get(projects::list))
        .route("/projects/{key}", get(projects::show))
        .route("/projects/{key}/code", post(projects::code))
        .route("/projects/{key}/excerpts", post(projects::excerpts))
        .route("/projects/{key}/reopen", post(projects::reopen))
        .route("/projects/{key}/budget", post(projects::budget))
        .route("/projects/{key}/notify-tokens", post(scripts::make))
        .route("/projects/{key}/notify-tokens/{id}/revoke", post(scripts::revoke))
        .route("/projects/{key}/times", get(project_times::show).post(project_times::save))
        .route("/projects/{key}/times/days-off", post(project_times::save_days))
        .route("/days-off", get(project_times::show_common).post(project_times::save_common))
        .route("/announcements", get(announcements::list).post(announcements::send))
        .route("/announcements/preview", post(announcements::preview))
        .route("/announcements/{id}", get(announcements::show))
        .route("/announcements/{id}/withdraw", post(announcements::withdraw))
        .route("/projects/{key}/listening", post(listening::of_project))
        .route("/mail/{token}", get(mail_switch::show).post(mail_switch::switch))
        .route("/discussions", get(discussions_list::list))
        .route("/inbound", get(inbound_list::list))
        .route("/notices", get(notices_list::list))
        .route("/notices/{id}/{what}", post(notices_list::act))
        .route("/held", get(held_mails::list))
        .route("/held/{id}/{decision}", post(held_mails::decide))
        .route("/posts/{id}/{change}", post(held_mails::change_address))
        .route("/d/{number}", get(discussion_show::show))
        .route("/d/{number}/live", get(live::live))
        .route("/d/{number}/reply", post(discussion_reply::reply))
        .route("/d/{number}/merge", post(correct::merge))
        .route("/posts/{id}", get(correct::post))
        .route("/posts/{id}/place", post(correct::place))
        .route("/posts/{id}/undo", post(discussion_undo::undo))
        .route("/corrections/{id}/undo", post(correct::undo))
        .route("/unsure", get(correct::unsure))
        .route("/d/{number}/watch", post(discussion_watch::watch))
        .route("/d/{number}/{change}", post(discussion_change::change))
        .route("/mails/{post}", get(mail_show::show))
        .route("/groups", get(groups_list::list))
        .route("/groups/{id}", get(group_show::show))
        .route("/groups/{id}/{change}", post(group_show::change))
        .route("/line-accounts", get(line_accounts::list))
        .route("/line-accounts/{name}/{change}", post(line_accounts::change))
        .route("/people/{id}/picture", get(person_picture::get))
        .route("/assets/{hash}/{name}", get(assets::serve))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(Extension(Arc::new(Door::new())))
        .layer(Extension(Streams::new()))
}

async fn front(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(&app, staff_or_client(&app, &headers, "/discussions").await.map(|_| to("/discussions")))
}

/// Why there is no page, or another one.
#[derive(Debug)]
enum Refusal {
    NotFound,
    Forbidden,
    TooMany,
    TooLarge,
    Bad,
    Broken(store::Error),
    /// The file store does not answer.
    Away,
    /// To the login page, and back to this local path.
    Login(String),
    /// Here instead: a local path.
    Elsewhere(String),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Store(error) => Self::Broken(error),
            ChangeError::EmptyTitle | ChangeError::LongTitle | ChangeError::NotAssignable => Self::Bad,
        }
    }
}

impl From<CorrectError> for Refusal {
    fn from(error: CorrectError) -> Self {
        match error {
            CorrectError::NotFound => Self::NotFound,
            CorrectError::Forbidden => Self::Forbidden,
            CorrectError::Refused(_) => Self::Bad,
            CorrectError::Title(error) => error.into(),
            CorrectError::Store(error) => Self::Broken(error),
        }
    }
}

impl From<FormRejection> for Refusal {
    fn from(rejection: FormRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { Self::TooLarge } else { Self::Bad }
    }
}

type Answer<T = Response> = Result<T, Refusal>;

/// The page, or the page that says why there is none.
fn answer(app: &App, result: Answer) -> Response {
    let refusal = match result {
        Ok(response) => return response,
        Err(refusal) => refusal,
    };
    match refusal {
        Refusal::NotFound => error_page(app, StatusCode::NOT_FOUND),
        Refusal::Forbidden => error_page(app, StatusCode::FORBIDDEN),
        Refusal::TooMany => error_page(app, StatusCode::TOO_MANY_REQUESTS),
        Refusal::TooLarge => error_page(app, StatusCode::PAYLOAD_TOO_LARGE),
        Refusal::Bad => error_page(app, StatusCode::BAD_REQUEST),
        Refusal::Away => error_page(app, StatusCode::SERVICE_UNAVAILABLE),
        Refusal::Broken(error) => {
            tracing::error!(%error, "a page failed in the database");
            error_page(app, StatusCode::SERVICE_UNAVAILABLE)
        }
        Refusal::Login(next) => to(&session::login_address(&next)),
        Refusal::Elsewhere(path) => to(&path),
    }
}

/// The page for an address that leads nowhere.
pub fn not_found_page(app: &App) -> Response {
    error_page(app, StatusCode::NOT_FOUND)
}

/// The page for a request that ends in this status: a friendly sentence and a way back.
pub fn error_page(app: &App, status: StatusCode) -> Response {
    let wrong = match status {
        StatusCode::NOT_FOUND => Wrong::NotFound,
        StatusCode::FORBIDDEN => Wrong::Forbidden,
        StatusCode::TOO_MANY_REQUESTS => Wrong::TooMany,
        StatusCode::PAYLOAD_TOO_LARGE => Wrong::TooLarge,
        s if s.is_client_error() => Wrong::Bad,
        _ => Wrong::Broken,
    };
    html(status, error(&Look::of(app), wrong, status.as_u16()))
}

/// A page that belongs to one reader: nobody in between keeps it.
fn html(status: StatusCode, page: Markup) -> Response {
    let mut response = (status, page).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// See Other (RFC 9110, 15.4.4): the answer to a form.
fn to(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// Who asks. Somebody without a session goes to the login page and from there to `next`; a program, which could do nothing there, is told
/// that there is no such page.
async fn staff_or_client(app: &App, headers: &HeaderMap, next: &str) -> Answer<Viewer> {
    if let Some(viewer) = viewer::by_cookie(app, headers).await? {
        return Ok(viewer);
    }
    let reads_html = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).any(|v| v.contains("text/html"));
    Err(if reads_html { Refusal::Login(next.to_owned()) } else { Refusal::NotFound })
}

/// A discussion's number as it stands in an address; below zero where it is no matter.
fn number_of(written: &str) -> Answer<i64> {
    written.parse().ok().filter(|n| *n != 0 && !written.starts_with('+')).ok_or(Refusal::NotFound)
}

type FormOf<T> = Result<Form<T>, FormRejection>;
/// What an address does not say well is taken as not said.
type QueryOf<T> = Result<Query<T>, QueryRejection>;
