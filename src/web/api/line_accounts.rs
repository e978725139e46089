//! How the month stands for each LINE account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use sqlx::AnyConnection;
use utoipa::ToSchema;

use super::InPath;
use super::shapes::Page;
use crate::App;
use crate::discussions::{self as acts, Viewer};
use crate::domain::{Inbox, Why};
use crate::store::{line_quotas, members};
use crate::web::error::Problem;
use crate::web::viewer::ByToken;

/// One LINE account and its month, which is counted in the server's time zone. Messages are counted as LINE bills them: a push by the
/// head, a reply not at all.
#[derive(Serialize, ToSchema)]
pub(super) struct LineAccountShape {
    /// The account's name in the configuration.
    name: String,
    /// Messages that LINE bills at most; absent = no limit, or not known.
    quota: Option<i64>,
    /// What the configuration allows; absent = whatever LINE does.
    budget: Option<i64>,
    /// Messages spent.
    used: i64,
    /// Those of our own pushes.
    ours: i64,
    /// Those that others sent in the account's name, as far as LINE has told of them.
    elsewhere: i64,
    /// Messages that may still be billed; absent = no limit is known.
    left: Option<i64>,
    /// Messages that will probably be spent at the month's end.
    forecast: Option<i64>,
    /// When LINE last told its quota and what was used of it.
    asked_at: Option<String>,
    month_from: String,
    month_until: String,
    /// Since LINE refused a push, none is tried until then.
    stopped_until: Option<String>,
    /// `quota_reserved`: some of the quota is left, but reserved; `quota_refused`: LINE does not say how much there is.
    stopped_because: Option<Why>,
}

/// The accounts' months. For staff.
#[utoipa::path(get, path = "/api/v1/line-accounts", responses((status = 200, body = Page<LineAccountShape>), (status = 403, body = Problem)))]
pub(super) async fn list(State(app): State<Arc<App>>, ByToken(viewer): ByToken) -> Result<Json<Page<LineAccountShape>>, Problem> {
    let mut c = app.db.snapshot().await?;
    for_staff(&mut c, &viewer).await?;
    let mut items = Vec::with_capacity(app.line.len());
    for name in app.line.keys() {
        items.push(shape(&mut c, &app, name).await?);
    }
    Ok(Json(Page { items, next_cursor: None }))
}

async fn shape(c: &mut AnyConnection, app: &App, name: &str) -> Result<LineAccountShape, Problem> {
    let inbox = Inbox::line(name);
    let month = acts::account_month(c, app, &inbox).await?;
    let forecast = acts::account_forecast(c, app, &inbox, &month).await?;
    let stopped = month.stopped(app.clock.now());
    Ok(LineAccountShape {
        name: name.to_owned(),
        quota: month.told.as_ref().and_then(|t| t.quota),
        budget: month.budget,
        used: month.used,
        ours: month.ours,
        elsewhere: month.elsewhere(),
        left: month.left(),
        forecast,
        asked_at: month.told.as_ref().and_then(|t| t.asked_at).map(|at| at.to_string()),
        month_from: month.month.from.to_string(),
        month_until: month.month.until.to_string(),
        stopped_until: stopped.map(|(_, until)| until.to_string()),
        stopped_because: stopped.map(|(why, _)| why),
    })
}

/// Asks LINE soon how the account's month stands, and not only within the hour: after a plan was changed. For staff.
#[utoipa::path(post, path = "/api/v1/line-accounts/{name}/ask", params(("name" = String, Path)), responses((status = 202), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(name): InPath<String>,
) -> Result<(StatusCode, Json<serde_json::Value>), Problem> {
    if !app.line.contains_key(&name) {
        return Err(Problem::not_found("LINE account"));
    }
    let mut tx = app.db.begin().await?;
    for_staff(&mut tx, &viewer).await?;
    line_quotas::ask_again(&mut tx, &Inbox::line(&name)).await?;
    tx.commit().await?;
    app.wake.schedule.notify_one();
    Ok((StatusCode::ACCEPTED, Json(serde_json::json!({}))))
}

async fn for_staff(c: &mut AnyConnection, viewer: &Viewer) -> Result<(), Problem> {
    if viewer.is_admin || members::is_staff_anywhere(c, viewer.person).await? {
        return Ok(());
    }
    Err(Problem::forbidden("only staff may see what LINE costs"))
}
