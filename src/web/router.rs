//! Every route, and what stands around them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, DefaultPredicate, Predicate};
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use super::{api, drain, files, notify, ops, pages, webhooks};
use crate::App;

/// Bodies of pages and of the API.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// A page or a call that takes longer is given up.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Everything that is served. `framed`: pages may stand in a frame of our own origin (the demonstration's).
pub fn router(app: Arc<App>, framed: bool) -> Router {
    let public = Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics_text))
        .route("/files/{id}/{name}", get(files::get))
        .route("/files/{id}", post(files::again))
        .route("/thumbnails/{id}", get(files::thumbnail))
        .route("/script-pictures/{secret}/{size}", get(notify::picture))
        .nest("/api", api::router())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_WITHIN));
    let served = public
        .merge(pages::router())
        .fallback(not_found)
        .with_state(app.clone())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(move |request, next| safe_headers(request, next, framed)))
        .layer(CsrfLayer::new())
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(comes_whole)))
        .layer(CatchPanicLayer::custom(|_| broken()));
    let served = if app.config.server.is_https() {
        served
            .layer(SetResponseHeaderLayer::if_not_present(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")))
    } else {
        served
    };
    // The webhook stands apart: nothing that LINE sends needs what stands around pages.
    Router::new()
        .route("/webhooks/line/{name}", post(webhooks::line))
        .layer(DefaultBodyLimit::max(webhooks::WEBHOOK_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER_WITHIN))
        .with_state(app)
        .merge(served)
        .layer(middleware::from_fn(drain::read_to_the_end))
}

/// What can be asked for in parts is counted in its own octets: it is not compressed on the way.
fn comes_whole(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(header::ACCEPT_RANGES)
}

fn broken() -> Response {
    tracing::error!("a request broke the program; it goes on");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

async fn not_found(axum::extract::State(app): axum::extract::State<Arc<App>>, request: Request) -> Response {
    if request.uri().path().starts_with("/api/") {
        return super::error::Problem::not_found("route").into_response();
    }
    pages::not_found_page(&app)
}

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const POLICY_FRAMED: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; \
                             connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'";

async fn safe_headers(request: Request, next: Next, framed: bool) -> Response {
    let mut response = next.run(request).await;
    let policy = if framed { POLICY_FRAMED } else { POLICY };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
