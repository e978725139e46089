//! `POST /webhooks/line/{name}`: verified over the raw bytes, durable, and only then answered.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::error::Problem;
use crate::App;
use crate::channels::line::{signature, wire};
use crate::domain::Inbox;
use crate::store::inbound::NewInbound;

/// LINE's own bodies are far smaller.
pub const WEBHOOK_BYTES_MAX: usize = 1024 * 1024;
/// The header's name; its case may change without notice. Source: Messaging API reference, "Request headers".
const SIGNATURE: &str = "x-line-signature";

/// Takes a webhook in.
pub(super) async fn line(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let began = Instant::now();
    let answer = match body {
        Ok(body) => accept(&app, &name, &headers, &body).await,
        Err(rejection) => Err(Problem::new(rejection.status(), rejection.body_text())),
    };
    let status = answer.as_ref().map_or_else(|p| p.status, |()| 200);
    metrics::counter!("threadline_webhook_requests_total", "status" => status.to_string()).increment(1);
    metrics::histogram!("threadline_webhook_seconds").record(began.elapsed().as_secs_f64());
    match answer {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn accept(app: &App, name: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let Some(account) = app.config.line.iter().find(|a| a.name == name) else {
        return Err(Problem::not_found("LINE account"));
    };
    let signed = headers.get(SIGNATURE).and_then(|v| v.to_str().ok()).is_some_and(|s| signature::verify(&account.channel_secret, body, s));
    if !signed {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "the signature does not fit the body and this account's channel_secret"));
    }
    let events = wire::events(body).map_err(|e| Problem::bad_request(e.to_string()))?;
    if events.is_empty() {
        return Ok(());
    }
    let now = app.clock.now();
    let inbox = Inbox::line(name);
    let rows = events
        .into_iter()
        .map(|event| NewInbound {
            inbox: inbox.clone(),
            external_id: event.external_id,
            received_at: now,
            happened_at: Timestamp::from_millisecond(event.at_ms).ok().filter(|_| event.at_ms > 0).unwrap_or(now),
            body: event.raw,
        })
        .collect();
    app.intake.accept(rows).await.map_err(|error| {
        tracing::error!(%error, account = name, "a webhook was not taken in; LINE will send it again if redelivery is on");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not durable; send it again")
    })?;
    app.wake.place.notify_one();
    Ok(())
}
