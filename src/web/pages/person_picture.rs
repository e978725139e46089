//! `GET /people/{id}/picture`: somebody's picture, for whoever shares a project with them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::domain::PersonId;
use crate::intake::pictures::picture_type;
use crate::store::{identities, rosters};
use crate::web::error::Problem;
use crate::web::viewer::{by_cookie, by_token};

/// Digits of the picture's SHA-256 in its address, so that a new picture has a new one.
const VERSION_DIGITS: usize = 12;
/// The address changes with the picture; it is asked for again after a day all the same, in case the reader may see it no more.
const CACHE: &str = "private, max-age=86400";

/// `/people/12/picture?v=0123456789ab`
pub(super) fn address(person: PersonId, sha256: &str) -> String {
    format!("/people/{person}/picture?v={}", &sha256[..sha256.len().min(VERSION_DIGITS)])
}

/// Gives the picture out.
pub(super) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let none = || Problem::not_found("picture");
    let person = PersonId(id.parse().map_err(|_| none())?);
    let viewer = match by_token(&app, &headers).await? {
        Some(viewer) => Some(viewer),
        None => by_cookie(&app, &headers).await?,
    };
    let viewer = viewer.ok_or_else(none)?;
    let sha256 = {
        let mut c = app.db.read().await?;
        if !viewer.is_admin && !rosters::may_know(&mut c, viewer.person, person).await? {
            return Err(none());
        }
        identities::picture(&mut c, person).await?.ok_or_else(none)?
    };
    let bytes = app.files.read(&sha256).await.map_err(|error| {
        tracing::error!(%person, %error, "a kept picture cannot be read");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the file store does not answer; try again")
    })?;
    let content_type = picture_type(&bytes).ok_or_else(none)?;
    let mut response = bytes.into_response();
    let fixed = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, CACHE),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
