//! What became of everything that arrived.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shapes::Page;
use super::{Asked, id_cursor, page_size, word};
use crate::App;
use crate::domain::InboundId;
use crate::store::held_mails::{self, HeldMail, HeldWhy, MailDecision};
use crate::store::inbound::{self, InboundStatus};
use crate::web::error::Problem;
use crate::web::viewer::ByToken;

#[derive(Deserialize, IntoParams)]
pub(super) struct InboundListing {
    status: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

/// Something that arrived, and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct InboundShape {
    id: String,
    /// `line` or `email`.
    source: String,
    /// The account's or mailbox's name.
    inbox: String,
    /// `mail`, or what LINE calls the message or event: `text`, `image`, `unsend`, …; empty where it was forgotten.
    kind: String,
    /// `webhookEventId` or Message-ID.
    external_id: String,
    status: InboundStatus,
    /// The number of the discussion that it became part of.
    discussion: Option<i64>,
    error: Option<String>,
    /// Why it was ignored or held.
    note: Option<String>,
    /// Of a mail that was ever held: what it is.
    held: Option<HeldShape>,
    received_at: String,
    attempts: i64,
}

/// A mail that waits for a person, or waited.
#[derive(Serialize, ToSchema)]
pub(super) struct HeldShape {
    why: HeldWhy,
    /// As whom it would speak; empty where as a stranger.
    person: String,
    /// The address that it came from.
    from: String,
    from_name: String,
    subject: String,
    /// What it says, shortened.
    words: String,
    /// How many files came with it.
    files: i64,
    /// What was decided, if anything was.
    decision: Option<MailDecision>,
    decided_by: String,
}

impl From<HeldMail> for HeldShape {
    fn from(h: HeldMail) -> Self {
        Self {
            why: h.why,
            person: h.person_name,
            from: h.from_address,
            from_name: h.from_name,
            subject: h.subject,
            words: h.words,
            files: h.files,
            decision: h.decision,
            decided_by: h.decided_by,
        }
    }
}

/// Every received event and mail, the newest first.
#[utoipa::path(get, path = "/api/v1/inbound", params(InboundListing), responses((status = 200, body = Page<InboundShape>)))]
pub(super) async fn inbound(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Asked(asked): Asked<InboundListing>,
) -> Result<Json<Page<InboundShape>>, Problem> {
    let size = page_size(asked.limit)?;
    let all: Vec<&str> = InboundStatus::ALL.iter().map(|s| s.as_str()).collect();
    let status = word("status", asked.status.as_deref(), InboundStatus::find, &all)?;
    let before = id_cursor(asked.cursor.as_deref())?;
    let mut c = app.db.read().await?;
    let mut found = inbound::page(&mut c, viewer.limit(), status, before, size + 1).await?;
    let full = usize::try_from(size).unwrap_or(usize::MAX);
    let more = found.len() > full;
    found.truncate(full);
    let next_cursor = found.last().filter(|_| more).map(|i| i.id.to_string());
    let mails: Vec<InboundId> = found.iter().filter(|i| i.kind == "mail").map(|i| i.id).collect();
    let mut held = held_mails::among(&mut c, &mails).await?;
    drop(c);
    let items = found
        .into_iter()
        .map(|i| InboundShape {
            held: held.remove(&i.id).map(HeldShape::from),
            id: i.id.to_string(),
            source: if i.inbox.as_str().starts_with("line/") { "line".into() } else { "email".into() },
            inbox: i.inbox.name().to_owned(),
            kind: i.kind,
            external_id: i.external_id,
            status: i.status,
            discussion: i.discussion_number,
            error: i.error,
            note: i.note,
            received_at: i.received_at.to_string(),
            attempts: i.attempts,
        })
        .collect();
    Ok(Json(Page { items, next_cursor }))
}
