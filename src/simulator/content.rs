//! Pictures, films, sounds and files that people sent, and their download.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::api::{error, json_answer};
use super::events::Event;
use super::kept::CONTENT_BYTES_KEPT_MAX;
use super::platform::Platform;
use super::state::State;
use crate::domain::{LineChatId, LineMessageId, LineUserId};

/// What a film's preview shows, where the test has none of its own: one grey dot as PNG.
const DOT: &[u8] = include_bytes!("assets/dot.png");

const NOT_FOUND: &str = "not found";
const GONE: &str = "The content is gone";

/// What somebody sends.
#[derive(Clone, Debug)]
pub struct Upload {
    pub bytes: Bytes,
    pub content_type: String,
    /// How many times a download is answered "not ready" (202) first.
    pub not_ready: u32,
    /// What the message is instead of [`Self::bytes`]: so many octets, made as they are downloaded, of which LINE does not tell how many.
    pub faucet: Option<u64>,
    /// `imageSet` of a picture sent together with others: `{"id": …, "index": 1, "total": 3}`.
    pub image_set: Option<Value>,
    /// What `/content/preview` gives, with its type; `None` = the picture itself, a grey dot for a film.
    pub preview: Option<(String, Bytes)>,
    /// LINE never gets the film or sound ready.
    pub transcoding_fails: bool,
}

impl Upload {
    /// Ready at once, alone.
    pub fn new(content_type: &str, bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            content_type: content_type.to_owned(),
            not_ready: 0,
            faucet: None,
            image_set: None,
            preview: None,
            transcoding_fails: false,
        }
    }

    /// So many octets, which nobody has to hold.
    pub fn faucet(content_type: &str, octets: u64) -> Self {
        Self { faucet: Some(octets), ..Self::new(content_type, Bytes::new()) }
    }
}

/// The octets of a message.
pub(super) struct Content {
    bytes: Bytes,
    /// Its `Content-Type`.
    kind: String,
    not_ready: u32,
    faucet: Option<u64>,
    preview: Option<(String, Bytes)>,
    transcoding_fails: bool,
    /// LINE kept it for its while, and no longer.
    is_deleted: bool,
}

impl Content {
    pub(super) fn of(upload: Upload) -> Self {
        let Upload { bytes, content_type, not_ready, faucet, preview, transcoding_fails, image_set: _ } = upload;
        Self { bytes, kind: content_type, not_ready, faucet, preview, transcoding_fails, is_deleted: false }
    }

    /// Lets the octets go.
    pub(super) fn forget(&mut self) {
        self.bytes = Bytes::new();
        self.preview = None;
        self.is_deleted = true;
    }
}

impl State {
    /// Counts a message's octets in; where there are too many altogether the oldest messages lose theirs.
    pub(super) fn make_room(&mut self, message: &LineMessageId, size: usize) {
        self.contents.push_back((message.clone(), size));
        self.content_bytes += size;
        while self.content_bytes > CONTENT_BYTES_KEPT_MAX && self.contents.len() > 1 {
            let Some((oldest, size)) = self.contents.pop_front() else { break };
            self.content_bytes -= size;
            if let Some(content) = self.messages.get_mut(&oldest).and_then(|m| m.content.as_mut()) {
                content.forget();
            }
        }
    }
}

/// Octets of a faucet that leave together.
const SPLASH_BYTES: u64 = 64 * 1024;

/// The octets of a faucet: each chunk has its number in front, so that none looks like another.
fn poured(octets: u64) -> Body {
    let chunks = (0..octets.div_ceil(SPLASH_BYTES)).map(move |n| {
        let mut chunk = vec![0x5a; usize::try_from(SPLASH_BYTES.min(octets - n * SPLASH_BYTES)).unwrap_or(0)];
        for (to, from) in chunk.iter_mut().zip(n.to_be_bytes()) {
            *to = from;
        }
        Ok::<_, Infallible>(Bytes::from(chunk))
    });
    Body::from_stream(futures_util::stream::iter(chunks))
}

impl Platform {
    /// Somebody sends a picture.
    pub fn image(&self, chat: &LineChatId, user: Option<&LineUserId>, upload: Upload) -> Event {
        self.media(chat, user, json!({"type": "image"}), upload)
    }

    /// Somebody sends several pictures at once: an event each, in order of their `index`; LINE delivers them in any order
    /// ([`Platform::deliver_shuffled`]). Not `numbered`: as LINE for Android up to 11.15 sends them, without `index` and `total`
    /// (reference, "Image").
    pub fn images(&self, chat: &LineChatId, user: Option<&LineUserId>, uploads: Vec<Upload>, numbered: bool) -> Vec<Event> {
        let id = self.state().hex(64).to_ascii_uppercase();
        let total = uploads.len();
        let set = |index: usize| if numbered { json!({"id": id, "index": index + 1, "total": total}) } else { json!({"id": id}) };
        let uploads = uploads.into_iter().enumerate();
        uploads.map(|(index, upload)| self.image(chat, user, Upload { image_set: Some(set(index)), ..upload })).collect()
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
        self.message(
            chat,
            user,
            json!({"type": "file", "fileName": name, "fileSize": upload.faucet.unwrap_or(upload.bytes.len() as u64)}),
            Some(upload),
        )
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

    /// The bytes and type of what a person sent, as long as LINE has them.
    pub fn content(&self, message: &LineMessageId) -> Option<(Bytes, String)> {
        let state = self.state();
        let content = state.messages.get(message).filter(|m| !m.unsent)?.content.as_ref().filter(|c| !c.is_deleted)?;
        Some((content.bytes.clone(), content.kind.clone()))
    }

    /// LINE deletes what was sent "after a certain period" (reference, "Get content"): from now on it is unknown.
    pub fn delete_content(&self, message: &LineMessageId) {
        if let Some(content) = self.state().messages.get_mut(message).and_then(|m| m.content.as_mut()) {
            content.forget();
        }
    }
}

/// What one may ask of a message's content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Whole,
    Preview,
    Transcoding,
}

/// `GET /v2/bot/message/{id}/content`, `…/preview` and `…/transcoding` (reference, "Getting content"), as `account` asks.
pub(super) fn answer(state: &mut State, account: usize, message: &str, asked: Asked) -> Response {
    let id = LineMessageId::from(message);
    let Some(message) = state.messages.get_mut(&id).filter(|m| m.heard_by == Some(account) && !m.by_bot) else {
        return error(StatusCode::NOT_FOUND, NOT_FOUND);
    };
    let refused = match (asked, message.kind.as_str()) {
        (Asked::Whole, _) | (Asked::Preview, "image" | "video") | (Asked::Transcoding, "video" | "audio") => None,
        (Asked::Preview, _) => Some("The content can not be previewed"),
        (Asked::Transcoding, _) => Some("Transcoding status doesn't support this type of content"),
    };
    if let Some(refused) = refused {
        return error(StatusCode::BAD_REQUEST, refused);
    }
    if message.unsent {
        return error(StatusCode::GONE, GONE);
    }
    let Some(content) = message.content.as_mut().filter(|c| !c.is_deleted) else {
        return error(StatusCode::NOT_FOUND, NOT_FOUND);
    };
    if asked == Asked::Transcoding {
        let status = match content {
            Content { transcoding_fails: true, .. } => "failed",
            Content { not_ready: 0, .. } => "succeeded",
            _ => "processing",
        };
        return json_answer(StatusCode::OK, &json!({"status": status}));
    }
    if content.not_ready > 0 || content.transcoding_fails {
        content.not_ready = content.not_ready.saturating_sub(1);
        return json_answer(StatusCode::ACCEPTED, &json!({}));
    }
    match (asked, &content.preview) {
        (Asked::Preview, Some((kind, bytes))) => octets(kind, Body::from(bytes.clone())),
        (Asked::Preview, None) if message.kind == "video" => octets("image/png", Body::from(DOT)),
        _ => octets(&content.kind, content.faucet.map_or_else(|| Body::from(content.bytes.clone()), poured)),
    }
}

fn octets(content_type: &str, bytes: Body) -> Response {
    let mut answer = Response::new(bytes);
    let unknown = HeaderValue::from_static("application/octet-stream");
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap_or(unknown));
    answer
}
