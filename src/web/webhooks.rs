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
use crate::channels::line::signature;
use crate::channels::line::wire::{self, Webhook};
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
    let header = headers.get(SIGNATURE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !signature::verify(account.secrets(), body, header) {
        warn_of_another(app, name, body, header);
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "the signature does not fit the body and this account's channel_secret"));
    }
    let Webhook { destination, events } = wire::webhook(body).map_err(|e| Problem::bad_request(e.to_string()))?;
    if let Some(own) = app.line.get(name).and_then(|line| line.heard_destination(&destination)) {
        metrics::counter!("threadline_webhook_strange_destinations_total", "account" => name.to_owned()).increment(1);
        tracing::warn!(
            account = name,
            destination,
            own,
            "its webhooks are meant for another bot than its access token is of: the secret and \
             the token are of two channels. The events are kept"
        );
    }
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

/// Says so where the webhook is authentic, but another account's: its URL was pasted into the wrong channel.
fn warn_of_another(app: &App, name: &str, body: &[u8], header: &str) {
    let others = app.config.line.iter().filter(|a| a.name != name);
    if let Some(other) = others.into_iter().find(|a| signature::verify(a.secrets(), body, header)) {
        tracing::warn!(
            account = other.name,
            came_to = name,
            "a webhook of this account came to another's address and was refused: set {}'s webhook URL to …/webhooks/line/{}",
            other.name,
            other.name
        );
    }
}
