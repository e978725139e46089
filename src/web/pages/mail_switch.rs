//! `/mail/{token}`: where `List-Unsubscribe` of a mail leads. A look changes nothing, since programs that look for harm follow every link;
//! a POST does, from the button or from a mail program (RFC 8058, 3.1: without a session, and answered without a redirect).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use sqlx::AnyConnection;
use url::form_urlencoded;

use super::{Answer, Refusal, answer, html};
use crate::App;
use crate::discussions as acts;
use crate::domain::PersonId;
use crate::store::discussions::Discussion;
use crate::store::{discussions, persons, watchers};
use crate::web::templates::Look;
use crate::web::templates::mail_switch::{Switch, mail_switch as draw};

/// The page with the button.
pub(super) async fn show(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    let page = async {
        let mut c = app.db.read().await?;
        let (discussion, person) = named(&mut c, &app, &token).await?;
        let on = !watchers::wants_no_mail(&mut c, discussion.id, person).await?;
        Ok(drawn(&app, &token, &discussion, on))
    };
    answer(&app, page.await)
}

/// Turns the mails on where the form says so, and off otherwise: that is what a mail program's one click means.
pub(super) async fn switch(State(app): State<Arc<App>>, Path(token): Path<String>, body: Bytes) -> Response {
    let page = async {
        let on = form_urlencoded::parse(&body).any(|(name, value)| name == "mail" && value == "on");
        let mut tx = app.db.begin().await?;
        let (discussion, person) = named(&mut tx, &app, &token).await?;
        acts::watch(&mut tx, &discussion, person, on, app.clock.now()).await?;
        tx.commit().await?;
        app.changed(discussion.number);
        Ok(drawn(&app, &token, &discussion, on))
    };
    answer(&app, page.await)
}

/// The discussion and the person that the link was made for.
async fn named(c: &mut AnyConnection, app: &App, token: &str) -> Answer<(Discussion, PersonId)> {
    let (number, person) = app.reply_key.read_switch(token).ok_or(Refusal::NotFound)?;
    let found: Option<Discussion> = match discussions::find(c, number).await? {
        Some(found) if persons::find(c, person).await?.is_some() => Some(discussions::follow(c, found).await?),
        _ => None,
    };
    Ok((found.ok_or(Refusal::NotFound)?, person))
}

/// Whoever has the link may be somebody else: the page says no more than the number.
fn drawn(app: &App, token: &str, discussion: &Discussion, on: bool) -> Response {
    html(StatusCode::OK, draw(&Look::of(app), &Switch { token, number: discussion.number, on }))
}
