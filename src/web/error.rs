//! Errors as RFC 9457 problem JSON.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::discussions::{AnnounceError, ChangeError, CorrectError, TellingError};
use crate::intake::held_mail::DecideError;
use crate::store;

/// Why a request was refused (RFC 9457, section 3).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// The status's own words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, and what to do about it.
    pub detail: String,
}

impl Problem {
    /// A problem with this status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { title: status.canonical_reason().unwrap_or("Error").to_owned(), status: status.as_u16(), detail: detail.into() }
    }

    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "send a valid token: Authorization: Bearer tl_…")
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}, or it is not yours to see"))
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "a request failed in the database");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer; try again")
    }
}

impl From<DecideError> for Problem {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::NotFound => Self::not_found("held mail"),
            DecideError::Refused(why) => Self::conflict(why),
            DecideError::Unreadable(_) => Self::unprocessable(error.to_string()),
            DecideError::Store(error) => error.into(),
        }
    }
}

impl From<CorrectError> for Problem {
    fn from(error: CorrectError) -> Self {
        match error {
            CorrectError::NotFound => Self::not_found("discussion or post"),
            CorrectError::Forbidden => Self::forbidden(error.to_string()),
            CorrectError::Refused(why) => Self::unprocessable(why),
            CorrectError::Title(error) => error.into(),
            CorrectError::Store(error) => error.into(),
        }
    }
}

impl From<TellingError> for Problem {
    fn from(error: TellingError) -> Self {
        match error {
            TellingError::NotFound => Self::not_found("notice"),
            TellingError::Refused(why) => Self::conflict(why),
            TellingError::Store(error) => error.into(),
        }
    }
}

impl From<AnnounceError> for Problem {
    fn from(error: AnnounceError) -> Self {
        match error {
            AnnounceError::NotFound(key) => Self::new(StatusCode::NOT_FOUND, format!("there is no project {key:?} that you are staff of")),
            AnnounceError::Store(error) => error.into(),
            refused => Self::unprocessable(refused.to_string()),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Store(error) => error.into(),
            refused => Self::unprocessable(refused.to_string()),
        }
    }
}

macro_rules! from_rejection {
    ($($rejection:ty),+) => {$(
        impl From<$rejection> for Problem {
            fn from(rejection: $rejection) -> Self {
                Self::new(rejection.status(), rejection.body_text())
            }
        }
    )+};
}

from_rejection!(JsonRejection, QueryRejection, PathRejection);
