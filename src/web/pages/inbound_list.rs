//! `GET /inbound`: what arrived, and what became of it. For admins.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::{Answer, QueryOf, Refusal, answer, html, staff_or_client};
use crate::App;
use crate::domain::InboundId;
use crate::store::held_mails;
use crate::store::inbound::{self, InboundStatus};
use crate::web::templates::Look;
use crate::web::templates::inbound::{Shown, address, inbound as draw};

/// Rows on one page.
const ROWS_MAX: usize = 50;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Params {
    #[serde(default)]
    status: String,
    #[serde(default)]
    cursor: String,
}

/// The list: the newest first.
pub(super) async fn list(State(app): State<Arc<App>>, params: QueryOf<Params>, headers: HeaderMap) -> Response {
    let params = params.map(|Query(p)| p).unwrap_or_default();
    answer(&app, page(&app, &params, &headers).await)
}

async fn page(app: &App, params: &Params, headers: &HeaderMap) -> Answer {
    let status = InboundStatus::find(&params.status);
    let viewer = staff_or_client(app, headers, &address(status, None)).await?;
    if !viewer.is_admin {
        return Err(Refusal::NotFound);
    }
    let before = params.cursor.parse().ok().filter(|id: &i64| *id > 0);
    let mut c = app.db.read().await?;
    // One more than is shown tells whether there is another page.
    let mut rows = inbound::page(&mut c, None, status, before, i64::try_from(ROWS_MAX + 1).expect("a page is short")).await?;
    let (held, failed) = inbound::troubled(&mut c).await?;
    let more = rows.len() > ROWS_MAX;
    rows.truncate(ROWS_MAX);
    let ids: Vec<InboundId> = rows.iter().filter(|row| row.kind == "mail").map(|row| row.id).collect();
    let mails = held_mails::among(&mut c, &ids).await?;
    drop(c);
    let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
    let shown = Shown { status, rows, held, failed, next, continued: before.is_some(), mails };
    Ok(html(StatusCode::OK, draw(&Look::by(app, &viewer), &shown)))
}
