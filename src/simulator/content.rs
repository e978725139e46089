//! Pictures, films, sounds and files that people sent, and their download.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::api::{error, json_answer};
use super::people::Event;
use super::platform::{Platform, State};
use crate::domain::{LineChatId, LineMessageId, LineUserId};

/// What somebody sends.
#[derive(Clone, Debug)]
pub struct Upload {
    pub bytes: Bytes,
    pub content_type: String,
    /// How many times a download is answered "not ready" (202) first.
    pub not_ready: u32,
    /// `imageSet` of a picture sent together with others: `{"id": …, "index": 1, "total": 3}`.
    pub image_set: Option<Value>,
}

impl Upload {
    /// Ready at once, alone.
    pub fn new(content_type: &str, bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), content_type: content_type.to_owned(), not_ready: 0, image_set: None }
    }
}

pub(super) struct Content {
    pub bytes: Bytes,
    /// Its `Content-Type`.
    pub kind: String,
    pub not_ready: u32,
}

impl Platform {
    /// Somebody sends a picture.
    pub fn image(&self, chat: &LineChatId, user: Option<&LineUserId>, upload: Upload) -> Event {
        self.media(chat, user, json!({"type": "image"}), upload)
    }

    /// Somebody sends a film.
    pub fn video(&self, chat: &LineChatId, user: Option<&LineUserId>, upload: Upload) -> Event {
        self.media(chat, user, json!({"type": "video", "duration": 5_000}), upload)
    }

    /// Somebody sends a voice message.
    pub fn audio(&self, chat: &LineChatId, user: Option<&LineUserId>, upload: Upload) -> Event {
        self.media(chat, user, json!({"type": "audio", "duration": 5_000}), upload)
    }

    /// Somebody sends a file.
    pub fn file(&self, chat: &LineChatId, user: Option<&LineUserId>, name: &str, upload: Upload) -> Event {
        self.message(chat, user, json!({"type": "file", "fileName": name, "fileSize": upload.bytes.len()}), Some(upload))
    }

    /// A picture that lies outside LINE (`contentProvider.type: external`), as LIFF apps send them.
    pub fn external_image(&self, chat: &LineChatId, user: Option<&LineUserId>, url: &str) -> Event {
        let provider = json!({"type": "external", "originalContentUrl": url, "previewImageUrl": url});
        self.message(chat, user, json!({"type": "image", "contentProvider": provider}), None)
    }

    fn media(&self, chat: &LineChatId, user: Option<&LineUserId>, mut content: Value, upload: Upload) -> Event {
        content["contentProvider"] = json!({"type": "line"});
        if let Some(set) = &upload.image_set {
            content["imageSet"] = set.clone();
        }
        self.message(chat, user, content, Some(upload))
    }

    /// The bytes and type of what a person sent, as long as it is not unsent.
    pub fn content(&self, message: &LineMessageId) -> Option<(Bytes, String)> {
        let state = self.state();
        let content = state.messages.get(message).filter(|m| !m.unsent)?.content.as_ref()?;
        Some((content.bytes.clone(), content.kind.clone()))
    }
}

/// `GET /v2/bot/message/{id}/content`: 200 with the bytes, 202 not ready, 404 unknown, 410 unsent.
pub(super) fn download(state: &mut State, message: &str) -> Response {
    let Some(message) = state.messages.get_mut(&LineMessageId::from(message)) else {
        return error(StatusCode::NOT_FOUND, "Not found");
    };
    let Some(content) = message.content.as_mut().filter(|_| !message.by_bot) else {
        return error(StatusCode::NOT_FOUND, "Not found");
    };
    if message.unsent {
        return error(StatusCode::GONE, "Gone");
    }
    if content.not_ready > 0 {
        content.not_ready -= 1;
        return json_answer(StatusCode::ACCEPTED, &json!({}));
    }
    let mut answer = Response::new(Body::from(content.bytes.clone()));
    let octets = HeaderValue::from_static("application/octet-stream");
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_str(&content.kind).unwrap_or(octets));
    answer
}

/// `GET /v2/bot/message/{id}/content/preview`: of pictures and films alone.
pub(super) fn preview(state: &mut State, message: &str) -> Response {
    let kind = state.messages.get(&LineMessageId::from(message)).map_or("", |m| m.kind.as_str());
    if !matches!(kind, "image" | "video") {
        return error(StatusCode::NOT_FOUND, "Not found");
    }
    download(state, message)
}

/// `GET /v2/bot/message/{id}/content/transcoding`: of films and sounds alone.
pub(super) fn transcoding(state: &State, message: &str) -> Response {
    let Some(message) = state.messages.get(&LineMessageId::from(message)) else {
        return error(StatusCode::NOT_FOUND, "Not found");
    };
    match (&message.content, message.kind.as_str()) {
        (Some(content), "video" | "audio") => {
            let status = if content.not_ready > 0 { "processing" } else { "succeeded" };
            json_answer(StatusCode::OK, &json!({"status": status}))
        }
        _ => error(StatusCode::BAD_REQUEST, "The message is neither a video nor an audio"),
    }
}
