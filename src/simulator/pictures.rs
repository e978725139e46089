//! Pictures of people and groups, at addresses that anybody may ask.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;

use super::api::error;
use super::platform::Platform;
use super::state::{Picture, State};
use crate::domain::{LineChatId, LineUserId};

/// What the path of a picture begins with.
pub(super) const PATH: &str = "/line-pictures/";

impl State {
    fn keep_picture(&mut self, content_type: &str, bytes: Bytes) -> String {
        self.version += 1;
        let id = self.token(24);
        self.pictures.insert(id.clone(), Picture { content_type: content_type.to_owned(), bytes });
        id
    }
}

impl Platform {
    /// They give themselves a picture; its address (`pictureUrl`) is another each time. No event tells of it.
    pub fn set_picture(&self, user: &LineUserId, content_type: &str, bytes: impl Into<Bytes>) {
        let mut state = self.state();
        let picture = state.keep_picture(content_type, bytes.into());
        if let Some(person) = state.people.get_mut(user) {
            person.picture = Some(picture);
        }
    }

    /// A member gives the group a picture. No event tells of it.
    pub fn set_group_picture(&self, group: &LineChatId, content_type: &str, bytes: impl Into<Bytes>) {
        let mut state = self.state();
        let picture = state.keep_picture(content_type, bytes.into());
        if let Some(chat) = state.chats.get_mut(group) {
            chat.picture = Some(picture);
        }
    }
}

/// The picture at this address.
pub(super) fn show(state: &State, id: &str) -> Response {
    let Some(picture) = state.pictures.get(id) else {
        return error(StatusCode::NOT_FOUND, "Not found");
    };
    let mut answer = Response::new(Body::from(picture.bytes.clone()));
    let octets = HeaderValue::from_static("application/octet-stream");
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&picture.content_type).unwrap_or(octets));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    answer
}
