//! `GET /held`: mails that wait for the reader; `POST /held/{id}/{accept|link|dismiss|undo}` decides. `POST /posts/{id}/{link|unlink}-address`
//! says whose a second address is.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::me::is_staff;
use super::{Answer, FormOf, Refusal, answer, html, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, CorrectError};
use crate::domain::{InboundId, PostId, Source};
use crate::intake::held_mail::{self, DecideError};
use crate::store::held_mails;
use crate::web::templates::Look;
use crate::web::templates::held::list as draw;

/// Waiting mails on the page: the oldest.
const WAITING_MAX: i64 = 100;
/// Decided ones below them: the latest.
const DECIDED_MAX: i64 = 20;

/// Everything that waits for the reader.
pub(super) async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(&app, page(&app, &headers).await)
}

async fn page(app: &App, headers: &HeaderMap) -> Answer {
    let viewer = staff_or_client(app, headers, "/held").await?;
    let mut c = app.db.read().await?;
    if !is_staff(&mut c, &viewer).await? {
        return Err(Refusal::NotFound);
    }
    let waiting = held_mails::waiting(&mut c, viewer.limit(), WAITING_MAX).await?;
    let decided = held_mails::decided(&mut c, viewer.limit(), DECIDED_MAX).await?;
    drop(c);
    Ok(html(StatusCode::OK, draw(&Look::by(app, &viewer), &waiting, &decided)))
}

#[derive(Deserialize)]
pub(super) struct Decision {
    /// The page to come back to: a discussion's, a project's or a list.
    #[serde(default)]
    next: String,
}

/// Decides about one mail.
pub(super) async fn decide(
    State(app): State<Arc<App>>,
    Path((id, decision)): Path<(String, String)>,
    headers: HeaderMap,
    form: FormOf<Decision>,
) -> Response {
    answer(&app, decided(&app, (&id, &decision), &headers, form).await)
}

async fn decided(app: &App, (id, decision): (&str, &str), headers: &HeaderMap, form: FormOf<Decision>) -> Answer {
    let id = InboundId(id.parse().map_err(|_| Refusal::NotFound)?);
    let viewer = staff_or_client(app, headers, "/held").await?;
    let Form(form) = form?;
    let number = match decision {
        "accept" => held_mail::accept(app, &viewer, id, false, Source::Web).await.map(Some),
        "link" => held_mail::accept(app, &viewer, id, true, Source::Web).await.map(Some),
        "dismiss" => held_mail::dismiss(app, &viewer, id, Source::Web).await,
        "undo" => held_mail::undo(app, &viewer, id, Source::Web).await,
        _ => return Err(Refusal::NotFound),
    };
    let number = match number {
        Ok(number) => number,
        Err(DecideError::NotFound) => return Err(Refusal::NotFound),
        Err(DecideError::Store(error)) => return Err(Refusal::Broken(error)),
        // Somebody else was faster: the page shows what they decided.
        Err(DecideError::Refused(_)) => None,
        Err(DecideError::Unreadable(error)) => {
            tracing::error!(inbound = %id, error, "a held mail cannot be read any more");
            return Err(Refusal::Bad);
        }
    };
    Ok(to(&way_back(&form.next, number)))
}

/// Back to where the button was; what has become a post is shown where it is.
fn way_back(next: &str, number: Option<i64>) -> String {
    let known =
        |start: &str| next.strip_prefix(start).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric() || "-_=&?".contains(c)));
    match number {
        Some(number) if !next.starts_with("/inbound") => format!("/d/{number}#held"),
        _ if next == "/held" || known("/d/") || known("/projects/") || known("/inbound") => next.to_owned(),
        _ => "/held".to_owned(),
    }
}

/// The address that a post came from becomes its author's, or is theirs no more.
pub(super) async fn change_address(
    State(app): State<Arc<App>>,
    Path((id, change)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    answer(&app, changed(&app, &id, &change, &headers).await)
}

async fn changed(app: &App, id: &str, change: &str, headers: &HeaderMap) -> Answer {
    let post = PostId(id.parse().map_err(|_| Refusal::NotFound)?);
    let viewer = staff_or_client(app, headers, "/discussions").await?;
    let mut tx = app.db.begin().await?;
    let done = match change {
        "link-address" => acts::link_address(&mut tx, app, &viewer, post, Source::Web).await,
        "unlink-address" => acts::unlink_address(&mut tx, app, &viewer, post, Source::Web).await,
        _ => return Err(Refusal::NotFound),
    };
    let discussion = done.map_err(|error| match error {
        CorrectError::NotFound => Refusal::NotFound,
        CorrectError::Forbidden => Refusal::Forbidden,
        CorrectError::Refused(_) | CorrectError::Title(_) => Refusal::Bad,
        CorrectError::Store(error) => Refusal::Broken(error),
    })?;
    tx.commit().await?;
    app.changed(discussion.number);
    Ok(to(&format!("/d/{}#post-{post}", discussion.number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_on_this_server() {
        assert_eq!(way_back("/projects/acme-1", None), "/projects/acme-1");
        assert_eq!(way_back("/inbound?status=held", Some(7)), "/inbound?status=held");
        assert_eq!(way_back("/held", Some(7)), "/d/7#held");
        for elsewhere in ["", "//evil.example", "https://evil.example", "/d/7/../../x", "/d/7\r\nX: y", "/heldx"] {
            assert_eq!(way_back(elsewhere, None), "/held", "{elsewhere:?}");
        }
    }
}
