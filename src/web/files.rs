//! `GET /files/{id}/{name}`: a post's file, for whoever may see the post.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::Problem;
use super::viewer::{by_cookie, by_token};
use crate::App;
use crate::domain::AttachmentId;
use crate::store::attachments::{self, Attachment, AttachmentStatus};
use crate::store::{discussions, posts};

/// Types that a browser may show in place. Everything else is downloaded: a file must not run in our origin.
const SHOWN_IN_PLACE: [&str; 9] =
    ["image/jpeg", "image/png", "image/gif", "image/webp", "audio/mpeg", "audio/mp4", "audio/x-m4a", "video/mp4", "application/pdf"];

/// Gives the file out.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path((id, _name)): Path<(i64, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let viewer = match by_token(&app, &headers).await? {
        Some(viewer) => Some(viewer),
        None => by_cookie(&app, &headers).await?,
    };
    let viewer = viewer.ok_or_else(|| Problem::not_found("file"))?;
    let attachment = {
        let mut c = app.db.read().await?;
        let attachment = attachments::find(&mut c, AttachmentId(id)).await?.ok_or_else(|| Problem::not_found("file"))?;
        let post = posts::find(&mut c, attachment.post).await?.ok_or_else(|| Problem::not_found("file"))?;
        let discussion = discussions::get(&mut c, post.discussion).await?;
        let role = viewer.role(&mut c, discussion.project).await?;
        if !role.is_some_and(|r| r.is_staff() || !post.internal) || post.retracted_at.is_some() {
            return Err(Problem::not_found("file"));
        }
        attachment
    };
    let (AttachmentStatus::Ready, Some(sha256)) = (attachment.status, &attachment.sha256) else {
        return Err(Problem::not_found("file"));
    };
    let (size, bytes) = app.files.get(sha256).await.map_err(|error| {
        tracing::error!(attachment = id, %error, "a kept file cannot be read");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the file store does not answer; try again")
    })?;
    let mut response = Body::from_stream(bytes).into_response();
    put_headers(response.headers_mut(), &attachment, size);
    Ok(response)
}

fn put_headers(headers: &mut HeaderMap, attachment: &Attachment, size: u64) {
    let bare = attachment.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let shown = SHOWN_IN_PLACE.contains(&bare.as_str());
    let content_type = if shown { bare } else { "application/octet-stream".to_owned() };
    let way = if shown { "inline" } else { "attachment" };
    let ascii: String =
        attachment.name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' }).collect();
    // RFC 6266: the plain name for old programs, the encoded one for the rest.
    let disposition = format!("{way}; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(&attachment.name, NON_ALPHANUMERIC));
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, &content_type);
    put(header::CONTENT_LENGTH, &size.to_string());
    put(header::CONTENT_DISPOSITION, &disposition);
    put(header::CACHE_CONTROL, "private, max-age=3600");
    put(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'");
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
}
