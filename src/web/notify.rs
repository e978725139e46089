//! What LINE Notify offered until 31 March 2025, so that a script changes nothing but its host: `POST /api/notify`, `GET /api/status`,
//! `POST /api/revoke`. A bearer token speaks in one LINE chat; what it says travels as everything else does: with the next free reply, or
//! in one push by its deadline.
//!
//! Source: "LINE Notify API Document" (notify-bot.line.me/doc), as last updated on 17 November 2023.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, DefaultBodyLimit, Extension, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use governor::{DefaultKeyedRateLimiter, Quota};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::error::Problem;
use super::notify_said::{self, BODY_BYTES_MAX, Wrong};
use super::pages::{client_ip, drawer, network};
use super::viewer::{bearer, digest, fresh_secret};
use crate::App;
use crate::discussions::{CALLS_PER_HOUR, Called, IMAGES_PER_HOUR, call, hour_at, hour_ends};
use crate::domain::{ChatKind, Script, ScriptPicture};
use crate::files::sha256;
use crate::intake::thumbnails::{NoJpeg, as_jpeg};
use crate::store::notify_tokens::{Hour, NotifyToken};
use crate::store::scripts::{self, Picture};
use crate::store::{self, chats, notify_tokens};

/// Wrong tokens from one client address in [`TRIES_WITHIN`].
const TRIES_PER_CLIENT: NonZeroU32 = NonZeroU32::new(30).expect("thirty is not zero");
const TRIES_WITHIN: Duration = Duration::from_mins(10);
/// Pictures that are read at once: each takes a core and up to 768 MiB.
const PICTURES_AT_ONCE: usize = 1;
/// How long a picture waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one reading of it may take; there are two.
const PICTURE_WITHIN: Duration = Duration::from_secs(20);
/// Pixels of the longer edge of a picture and of its preview; LINE Notify's own was 2048.
const FULL_EDGE_PIXELS: u32 = 2048;
const PREVIEW_EDGE_PIXELS: u32 = 480;
/// How long anybody may keep a picture: what an address leads to never changes.
const PICTURE_KEPT_FOR: &str = "public, max-age=31536000, immutable";

/// Keeps guessers out and lets pictures be read in turn.
struct Door {
    wrong_tokens: DefaultKeyedRateLimiter<u16>,
    pictures: Semaphore,
}

/// The three routes below `/api`.
pub(super) fn router() -> Router<Arc<App>> {
    let quota = Quota::with_period(TRIES_WITHIN / TRIES_PER_CLIENT.get()).expect("the period is not zero").allow_burst(TRIES_PER_CLIENT);
    let door = Door { wrong_tokens: DefaultKeyedRateLimiter::keyed(quota), pictures: Semaphore::new(PICTURES_AT_ONCE) };
    Router::new()
        .route("/notify", post(notify))
        .route("/status", get(status))
        // Some clients ask for it by GET.
        .route("/revoke", post(revoke).get(revoke))
        .method_not_allowed_fallback(|| async { refused(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", None) })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(Extension(Arc::new(door)))
}

/// Why a call is not answered with 200.
enum Refusal {
    Wrong(Wrong),
    /// The hour's counts are beside it.
    WrongWith(Wrong, Hour),
    Broken,
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "a script's call failed in the database");
        Self::Broken
    }
}

impl From<Wrong> for Refusal {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

fn too_many(hour: Hour) -> Refusal {
    Refusal::WrongWith(Wrong(StatusCode::TOO_MANY_REQUESTS, "API rate limit exceeded".into()), hour)
}

/// The body of every answer, its fields in LINE Notify's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    status: u16,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
}

/// Where a token speaks.
struct Target {
    kind: &'static str,
    name: String,
}

fn answer(result: Result<(Option<Target>, Hour), Refusal>) -> Response {
    match result {
        Ok((target, hour)) => {
            let (kind, name) = (target.as_ref().map(|t| t.kind), target.as_ref().map(|t| t.name.as_str()));
            let body = Body { status: StatusCode::OK.as_u16(), message: "ok", target_type: kind, target: name };
            said(StatusCode::OK, &body, Some(hour))
        }
        Err(Refusal::Wrong(Wrong(status, message))) => refused(status, &message, None),
        Err(Refusal::WrongWith(Wrong(status, message), hour)) => refused(status, &message, Some(hour)),
        Err(Refusal::Broken) => refused(StatusCode::INTERNAL_SERVER_ERROR, "the database does not answer; try again", None),
    }
}

fn refused(status: StatusCode, message: &str, hour: Option<Hour>) -> Response {
    said(status, &Body { status: status.as_u16(), message, target_type: None, target: None }, hour)
}

fn said(status: StatusCode, body: &Body<'_>, hour: Option<Hour>) -> Response {
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    if let Some(hour) = hour {
        for (name, number) in [
            ("x-ratelimit-limit", CALLS_PER_HOUR),
            ("x-ratelimit-imagelimit", IMAGES_PER_HOUR),
            ("x-ratelimit-remaining", (CALLS_PER_HOUR - hour.calls).max(0)),
            ("x-ratelimit-imageremaining", (IMAGES_PER_HOUR - hour.images).max(0)),
            ("x-ratelimit-reset", hour_ends(hour).as_second()),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
        }
    }
    response
}

type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

/// Whose token it is. Who shows wrong ones again and again waits.
async fn known(app: &App, door: &Door, peer: Peer, headers: &HeaderMap) -> Result<NotifyToken, Refusal> {
    if let Some(token) = bearer(headers) {
        let found = notify_tokens::find(&mut *app.db.read().await?, &digest(token)).await?;
        if let Some(token) = found.filter(|t| t.revoked_at.is_none()) {
            return Ok(token);
        }
    }
    let client = client_ip(peer.map(|Extension(ConnectInfo(a))| a), headers);
    if client.is_some_and(|ip| door.wrong_tokens.check_key(&drawer(&network(ip))).is_err()) {
        return Err(Wrong(StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens; try again later".into()).into());
    }
    Err(wrong_token())
}

fn wrong_token() -> Refusal {
    Wrong(StatusCode::UNAUTHORIZED, "Invalid access token".into()).into()
}

/// `GET /api/status`: where the token speaks.
async fn status(State(app): State<Arc<App>>, Extension(door): Extension<Arc<Door>>, peer: Peer, headers: HeaderMap) -> Response {
    let told = async {
        let token = known(&app, &door, peer, &headers).await?;
        let chat = chats::get(&mut *app.db.read().await?, token.chat).await?;
        let kind = if chat.kind == ChatKind::User { "USER" } else { "GROUP" };
        let name = if chat.name.is_empty() { chat.external_id.0 } else { chat.name };
        Ok((Some(Target { kind, name }), hour_at(token.hour, app.clock.now())))
    };
    answer(told.await)
}

/// `POST /api/revoke`: the token speaks no more. What was accepted before still leaves.
async fn revoke(State(app): State<Arc<App>>, Extension(door): Extension<Arc<Door>>, peer: Peer, headers: HeaderMap) -> Response {
    let revoked = async {
        let token = known(&app, &door, peer, &headers).await?;
        let mut tx = app.db.begin().await?;
        let now = app.clock.now();
        let was = notify_tokens::revoke(&mut tx, token.id, now).await?;
        tx.commit().await?;
        if was { Ok((None, hour_at(token.hour, now))) } else { Err(wrong_token()) }
    };
    answer(revoked.await)
}

/// `POST /api/notify`: says something. It is durable before the answer.
async fn notify(State(app): State<Arc<App>>, Extension(door): Extension<Arc<Door>>, peer: Peer, request: Request) -> Response {
    answer(notified(&app, &door, peer, request).await)
}

async fn notified(app: &App, door: &Door, peer: Peer, request: Request) -> Result<(Option<Target>, Hour), Refusal> {
    let token = known(app, door, peer, request.headers()).await?;
    let hour = hour_at(token.hour, app.clock.now());
    let said = notify_said::read(request).await.map_err(|wrong| Refusal::WrongWith(wrong, hour))?;
    let images = i64::from(said.file.is_some());
    // Before the work that a picture makes; what counts is looked at again with what it counts for.
    if hour.calls >= CALLS_PER_HOUR || hour.images + images > IMAGES_PER_HOUR {
        return Err(too_many(hour));
    }
    if chats::get(&mut *app.db.read().await?, token.chat).await?.left_at.is_some() {
        let wrong = Wrong(StatusCode::BAD_REQUEST, "LINE Notify account doesn't join group which you want to send.".into());
        return Err(Refusal::WrongWith(wrong, hour));
    }
    let (picture, kept) = match said.file {
        Some(file) => {
            let kept = keep(app, door, &token, file, hour).await?;
            (Some(addresses(app, &kept.picture)), Some(kept))
        }
        None => (said.picture, None),
    };
    let now = said.wait.is_some_and(|w| w.is_zero());
    let script = Script { by: token.name.clone(), text: said.message, picture, sticker: said.sticker, quiet: said.quiet, now };
    let mut tx = app.db.begin().await?;
    let called = call(&mut tx, app, &token, script, said.wait, images).await?;
    if let Some(kept) = kept.filter(|k| k.is_new && matches!(called, Called::Promised(_))) {
        scripts::add_picture(&mut tx, token.id, &kept.digest, &kept.picture, app.clock.now()).await?;
    }
    match called {
        Called::Promised(hour) => {
            tx.commit().await?;
            app.wake.outbox.notify_one();
            metrics::counter!("threadline_script_calls_total").increment(1);
            Ok((None, hour))
        }
        Called::TooMany(hour) => Err(too_many(hour)),
        Called::Revoked => Err(wrong_token()),
    }
}

/// A picture that a script sent.
struct Kept {
    picture: Picture,
    /// Of the bytes as they were sent.
    digest: String,
    is_new: bool,
}

/// Makes of it what LINE takes. The same picture of the same token has the same address, so that the same message is known again.
async fn keep(app: &App, door: &Door, token: &NotifyToken, file: Bytes, hour: Hour) -> Result<Kept, Refusal> {
    let digest = sha256(&file);
    if let Some(picture) = scripts::find_picture(&mut *app.db.read().await?, token.id, &digest).await? {
        return Ok(Kept { picture, digest, is_new: false });
    }
    let busy = || Refusal::WrongWith(Wrong(StatusCode::INTERNAL_SERVER_ERROR, "too many pictures at once; try again".into()), hour);
    let turn = tokio::time::timeout(TURN_TIMEOUT, door.pictures.acquire()).await.map_err(|_| busy())?;
    let unreadable = |why: NoJpeg| {
        tracing::info!(?why, "a script's picture could not be read");
        let (status, message) = match why {
            NoJpeg::Never(_) => (StatusCode::BAD_REQUEST, "imageFile: must be a PNG or JPEG"),
            NoJpeg::NotNow(_) => (StatusCode::INTERNAL_SERVER_ERROR, "imageFile: could not be read now; try again"),
        };
        Refusal::WrongWith(Wrong(status, message.into()), hour)
    };
    let full = as_jpeg(&app.program, file, FULL_EDGE_PIXELS, PICTURE_WITHIN).await.map_err(unreadable)?;
    let preview = as_jpeg(&app.program, full.clone(), PREVIEW_EDGE_PIXELS, PICTURE_WITHIN).await.map_err(unreadable)?;
    drop(turn);
    let mut kept = vec![];
    for bytes in [full, preview] {
        kept.push(app.files.put(bytes).await.map_err(|error| {
            tracing::error!(%error, "a script's picture could not be kept");
            Refusal::Broken
        })?);
    }
    let [full, preview] = <[_; 2]>::try_from(kept).expect("two were kept");
    let picture = Picture { secret: fresh_secret(), sha256: full.sha256, preview_sha256: preview.sha256 };
    Ok(Kept { picture, digest, is_new: true })
}

fn addresses(app: &App, picture: &Picture) -> ScriptPicture {
    let address = |size: &str| format!("{}/script-pictures/{}/{size}.jpg", app.config.server.public_url, picture.secret);
    ScriptPicture { full: address("full"), preview: address("preview") }
}

/// `GET /script-pictures/{secret}/{full|preview}.jpg`: for LINE's apps, which show no token.
pub(super) async fn picture(State(app): State<Arc<App>>, Path((secret, size)): Path<(String, String)>) -> Result<Response, Problem> {
    let missing = || Problem::not_found("picture");
    let found = scripts::picture(&mut *app.db.read().await?, &secret).await?.ok_or_else(missing)?;
    let sha256 = match size.as_str() {
        "full.jpg" => found.sha256,
        "preview.jpg" => found.preview_sha256,
        _ => return Err(missing()),
    };
    let bytes = app.files.read(&sha256).await.map_err(|error| {
        tracing::error!(%error, "a script's picture cannot be read");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the file store does not answer; try again")
    })?;
    let headers =
        [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, PICTURE_KEPT_FOR), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, bytes).into_response())
}
