//! A post's files, for whoever may see the post: `GET /files/{id}/{name}` (whole or in parts), `GET /thumbnails/{id}`, and
//! `POST /files/{id}` by which staff have one fetched once more.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::Problem;
use super::pages::login_address;
use super::range::{Asked, asked};
use super::viewer::{by_cookie, by_token};
use crate::App;
use crate::discussions::Viewer;
use crate::domain::{AttachmentId, Role};
use crate::files::FilesError;
use crate::store::attachments::{self, Attachment, AttachmentStatus};
use crate::store::discussions::Discussion;
use crate::store::{discussions, posts};

/// Types that a browser may show in place. Everything else is downloaded: a file must not run in our origin.
const SHOWN_IN_PLACE: [&str; 16] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "audio/mpeg",
    "audio/mp4",
    "audio/x-m4a",
    "audio/aac",
    "audio/ogg",
    "audio/wav",
    "audio/x-wav",
    "audio/webm",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "application/pdf",
];

/// A browser asks each time, since the reader may have left or the post been taken back; what it has is not sent again.
const KEPT_FOR: &str = "private, no-cache";

/// The type without its parameters, in small letters, if a browser may show it in place.
pub(super) fn shown_in_place(content_type: &str) -> Option<&'static str> {
    let bare = content_type.split(';').next().unwrap_or_default().trim();
    SHOWN_IN_PLACE.into_iter().find(|shown| shown.eq_ignore_ascii_case(bare))
}

/// Gives the file out.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path((id, _name)): Path<(i64, String)>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(viewer) = viewer(&app, &headers).await? else { return nobody(&headers, uri.path()) };
    let attachment = seen(&app, &viewer, id).await?.0;
    let (AttachmentStatus::Ready, Some(sha256)) = (attachment.status, &attachment.sha256) else {
        return Err(Problem::not_found("file"));
    };
    let tag = format!("\"{sha256}\"");
    let size = match attachment.size.and_then(|s| u64::try_from(s).ok()) {
        Some(size) => size,
        None => app.files.size(sha256).await.map_err(|error| away(id, &error))?,
    };
    let asked = asked(&headers, size, &tag);
    let body = match &asked {
        _ if method == Method::HEAD => Body::empty(),
        Asked::Whole => Body::from_stream(app.files.get(sha256).await.map_err(|error| away(id, &error))?.1),
        Asked::Part(range) => Body::from_stream(app.files.get_range(sha256, range.clone()).await.map_err(|error| away(id, &error))?),
        Asked::Known | Asked::Beyond => Body::empty(),
    };
    let mut response = Response::new(body);
    put_headers(response.headers_mut(), &attachment, &tag);
    *response.status_mut() = put_part(response.headers_mut(), &asked, size);
    Ok(response)
}

/// Gives its small picture out.
pub(super) async fn thumbnail(State(app): State<Arc<App>>, Path(id): Path<i64>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(viewer) = viewer(&app, &headers).await? else { return Err(Problem::not_found("picture")) };
    let attachment = seen(&app, &viewer, id).await?.0;
    let (AttachmentStatus::Ready, Some(sha256)) = (attachment.status, &attachment.thumbnail.sha256) else {
        return Err(Problem::not_found("picture"));
    };
    let tag = format!("\"{sha256}\"");
    // Parts of what is so small are asked for by nobody.
    let known = asked(&headers, 0, &tag) == Asked::Known;
    let bytes = if known { bytes::Bytes::new() } else { app.files.read(sha256).await.map_err(|error| away(id, &error))? };
    let content_type = if bytes.starts_with(b"RIFF") { "image/webp" } else { "image/jpeg" };
    let mut response = Response::new(Body::from(bytes));
    put(response.headers_mut(), &[(header::ETAG, &tag), (header::CACHE_CONTROL, KEPT_FOR)]);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        put(response.headers_mut(), &[(header::CONTENT_TYPE, content_type), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")]);
    }
    Ok(response)
}

/// Has a file that could not be had, or was too large, fetched once more.
pub(super) async fn again(State(app): State<Arc<App>>, Path(id): Path<i64>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(viewer) = viewer(&app, &headers).await? else { return Err(Problem::not_found("file")) };
    let (attachment, discussion, role) = seen(&app, &viewer, id).await?;
    if !role.is_staff() {
        return Err(Problem::forbidden("only staff of the project may do this"));
    }
    let mut tx = app.db.begin().await?;
    let begun = attachments::begin_again(&mut tx, attachment.id, app.clock.now()).await?;
    tx.commit().await?;
    app.wake.media.notify_one();
    app.changed(discussion.number);
    // A page's second click finds it under way, which is what was wanted.
    if headers.contains_key(header::AUTHORIZATION) {
        return if begun { Ok(StatusCode::ACCEPTED.into_response()) } else { Err(Problem::conflict("there is nothing to fetch")) };
    }
    Ok(Redirect::to(&format!("/d/{}#post-{}", discussion.number, attachment.post)).into_response())
}

async fn viewer(app: &App, headers: &HeaderMap) -> Result<Option<Viewer>, Problem> {
    match by_token(app, headers).await? {
        Some(viewer) => Ok(Some(viewer)),
        None => Ok(by_cookie(app, headers).await?),
    }
}

/// A person who follows a link goes through the login; a program is told that there is nothing.
fn nobody(headers: &HeaderMap, path: &str) -> Result<Response, Problem> {
    let reads_html = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).any(|v| v.contains("text/html"));
    if reads_html && !headers.contains_key(header::AUTHORIZATION) {
        return Ok(Redirect::to(&login_address(path)).into_response());
    }
    Err(Problem::not_found("file"))
}

/// The attachment of a post that the viewer may see; one that was taken back is nobody's.
async fn seen(app: &App, viewer: &Viewer, id: i64) -> Result<(Attachment, Discussion, Role), Problem> {
    let mut c = app.db.read().await?;
    let attachment = attachments::find(&mut c, AttachmentId(id)).await?.ok_or_else(|| Problem::not_found("file"))?;
    let post = posts::find(&mut c, attachment.post).await?.ok_or_else(|| Problem::not_found("file"))?;
    let discussion = discussions::get(&mut c, post.discussion).await?;
    let role = viewer.role(&mut c, discussion.project).await?;
    let role =
        role.filter(|r| (r.is_staff() || !post.internal) && post.retracted_at.is_none()).ok_or_else(|| Problem::not_found("file"))?;
    Ok((attachment, discussion, role))
}

fn away(id: i64, error: &FilesError) -> Problem {
    tracing::error!(attachment = id, %error, "a kept file cannot be read");
    if error.is_absent() {
        return Problem::new(StatusCode::GONE, "the file is no longer in the file store");
    }
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the file store does not answer; try again")
}

fn put(headers: &mut HeaderMap, values: &[(HeaderName, &str)]) {
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}

fn put_headers(headers: &mut HeaderMap, attachment: &Attachment, tag: &str) {
    let shown = shown_in_place(&attachment.content_type);
    let way = if shown.is_some() { "inline" } else { "attachment" };
    let ascii: String =
        attachment.name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' }).collect();
    // RFC 6266: the plain name for old programs, the encoded one for the rest.
    let disposition = format!("{way}; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(&attachment.name, NON_ALPHANUMERIC));
    let policy = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'";
    put(
        headers,
        &[
            (header::CONTENT_TYPE, shown.unwrap_or("application/octet-stream")),
            (header::CONTENT_DISPOSITION, &disposition),
            (header::CACHE_CONTROL, KEPT_FOR),
            (header::ETAG, tag),
            (header::ACCEPT_RANGES, "bytes"),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
    );
}

/// The headers that tell which part this is, and the status.
fn put_part(headers: &mut HeaderMap, asked: &Asked, size: u64) -> StatusCode {
    let length = |octets: u64| octets.to_string();
    match asked {
        Asked::Whole => {
            put(headers, &[(header::CONTENT_LENGTH, &length(size))]);
            StatusCode::OK
        }
        Asked::Part(Range { start, end }) => {
            let part = format!("bytes {start}-{}/{size}", end - 1);
            put(headers, &[(header::CONTENT_LENGTH, &length(end - start)), (header::CONTENT_RANGE, &part)]);
            StatusCode::PARTIAL_CONTENT
        }
        Asked::Beyond => {
            put(headers, &[(header::CONTENT_RANGE, &format!("bytes */{size}"))]);
            StatusCode::RANGE_NOT_SATISFIABLE
        }
        Asked::Known => StatusCode::NOT_MODIFIED,
    }
}
