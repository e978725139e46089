//! `GET /d/{number}/live`: tells an open page that its discussion changed (server-sent events, HTML Living Standard 9.2). It says no more
//! than that; the page asks again for what it may see.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, interval_at};

use super::viewer::by_cookie;
use crate::{App, store};

/// Open pages that one node tells of changes; more have to be reloaded by hand.
const STREAMS_MAX: usize = 4096;
/// How often it is asked whether the reader may still read.
const ACCESS_CHECK_EVERY: Duration = Duration::from_secs(30);
/// How often a sign of life is sent, so that no proxy thinks the stream dead.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// A stream ends after this; the browser opens another.
const STREAM_LASTS: Duration = Duration::from_hours(4);

/// Places for open streams.
#[derive(Clone)]
pub struct Streams(Arc<Semaphore>);

impl Streams {
    #[expect(clippy::new_without_default, reason = "there is one for a router, made with it")]
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS_MAX)))
    }
}

/// One open page.
struct Watch {
    app: Arc<App>,
    headers: HeaderMap,
    number: i64,
    changes: Receiver<i64>,
    access_checks: Interval,
    ends_at: Instant,
    _place: OwnedSemaphorePermit,
}

/// The stream of one discussion's changes.
pub async fn live(
    State(app): State<Arc<App>>,
    Extension(streams): Extension<Streams>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(number) = number.parse::<i64>() else { return StatusCode::NOT_FOUND.into_response() };
    // Listening begins before the look, so that nothing falls between the two.
    let changes = app.changes.subscribe();
    match may_read(&app, &headers, number).await {
        Ok(true) => {}
        Ok(false) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "looking whether a page may be told of changes");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    let Ok(place) = streams.0.try_acquire_owned() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let now = Instant::now();
    let watch = Watch {
        app,
        headers: only_cookies(&headers),
        number,
        changes,
        access_checks: interval_at(now + ACCESS_CHECK_EVERY, ACCESS_CHECK_EVERY),
        ends_at: now + STREAM_LASTS,
        _place: place,
    };
    let events = stream::unfold(watch, |mut watch| async move { watch.next().await.map(|event| (Ok::<_, Infallible>(event), watch)) });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_EVERY)).into_response();
    // nginx would hold the events back otherwise.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

impl Watch {
    async fn may_still_read(&self) -> bool {
        may_read(&self.app, &self.headers, self.number).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "looking whether a page may still be told of changes");
            false
        })
    }

    /// The next event; `None` where the reader may read no more, or it is time for another stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                change = self.changes.recv() => match change {
                    Ok(number) if number != self.number && number != App::ACCESS => {}
                    // Who may read no more is told of nothing more, not even that something was said.
                    Ok(_) | Err(RecvError::Lagged(_)) if !self.may_still_read().await => return None,
                    Ok(App::ACCESS) => {}
                    // Some were missed: this one may be among them.
                    Ok(_) | Err(RecvError::Lagged(_)) => return Some(Event::default().event("changed").data(self.number.to_string())),
                    Err(RecvError::Closed) => return None,
                },
                // Another node may have heard of it.
                _ = self.access_checks.tick() => if !self.may_still_read().await {
                    return None;
                },
                () = tokio::time::sleep_until(self.ends_at) => return None,
            }
        }
    }
}

fn only_cookies(headers: &HeaderMap) -> HeaderMap {
    headers.get_all(header::COOKIE).iter().map(|v| (header::COOKIE, v.clone())).collect()
}

/// Whether there is a session, and the discussion is its person's to see. No connection is held afterwards.
async fn may_read(app: &App, headers: &HeaderMap, number: i64) -> store::Result<bool> {
    let Some(viewer) = by_cookie(app, headers).await? else { return Ok(false) };
    let mut c = app.db.read().await?;
    Ok(viewer.discussion(&mut c, number).await?.is_some())
}
