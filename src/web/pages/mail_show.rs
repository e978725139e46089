//! `GET /mails/{post}`: the mail behind a post as its writer laid it out, on a page that runs nothing and fetches nothing.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::{Answer, Refusal, answer, html, staff_or_client};
use crate::App;
use crate::channels::email::{as_sent, parse};
use crate::domain::PostId;
use crate::store::{discussions, inbound, posts};
use crate::web::templates::Look;
use crate::web::templates::mail::{Mail, mail};

/// What the mail's page may do: show itself, and open links in windows of their own.
const POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; \
                      style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The mail's page, for whoever may see all of it.
pub(super) async fn show(State(app): State<Arc<App>>, Path(post): Path<String>, headers: HeaderMap) -> Response {
    answer(&app, page(&app, &post, &headers).await)
}

async fn page(app: &App, post: &str, headers: &HeaderMap) -> Answer {
    let id = PostId(post.parse().map_err(|_| Refusal::NotFound)?);
    let viewer = staff_or_client(app, headers, &format!("/mails/{id}")).await?;
    let (number, raw) = {
        let mut c = app.db.read().await?;
        let post = posts::find(&mut c, id).await?.filter(|p| p.retracted_at.is_none()).ok_or(Refusal::NotFound)?;
        let discussion = discussions::get(&mut c, post.discussion).await?;
        let role = viewer.role(&mut c, discussion.project).await?.ok_or(Refusal::NotFound)?;
        // What a colleague's mail quotes may hold what is not for clients.
        if !role.is_staff() && (post.internal || post.role.is_staff()) {
            return Err(Refusal::NotFound);
        }
        (discussion.number, inbound::raw_mail_of(&mut c, id).await?.ok_or(Refusal::NotFound)?)
    };
    let bytes = app.files.read(&raw).await.map_err(|error| {
        tracing::error!(post = %id, %error, "a kept mail cannot be read");
        Refusal::Away
    })?;
    let read = tokio::task::spawn_blocking(move || {
        let sent = parse::as_sent(&bytes)?;
        let html = sent.html.as_deref().map(|body| as_sent::harmless(body, &sent.pictures));
        Some((sent, html))
    });
    let (sent, body) = read.await.ok().flatten().ok_or(Refusal::NotFound)?;
    let drawn = mail(&Look::by(app, &viewer), &Mail { number, post: id, sent: &sent, html: body.as_deref() });
    let mut response = html(StatusCode::OK, drawn);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}
