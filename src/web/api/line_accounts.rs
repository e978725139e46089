//! How the month stands for each LINE account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use utoipa::ToSchema;

use super::discussions::Said;
use super::projects::given;
use super::shapes::Page;
use super::{Body, InPath};
use crate::App;
use crate::discussions::{self as acts, AccountStanding, Viewer};
use crate::domain::{ACCOUNT_BUDGET_MAX, ChatKind, Inbox, Why};
use crate::store::chats::{self, Chat};
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
    /// What we let ourselves spend: `own_budget`, or else what the configuration allows; absent = whatever LINE does.
    budget: Option<i64>,
    /// What admins set in the place of the configuration's; absent = nothing.
    own_budget: Option<i64>,
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
    /// It may well come to as little, or to as much.
    forecast_low: Option<i64>,
    forecast_high: Option<i64>,
    /// When LINE last told its quota and what was used of it.
    asked_at: Option<String>,
    month_from: String,
    month_until: String,
    /// Since LINE refused a push, none is tried until then.
    stopped_until: Option<String>,
    /// `quota_reserved`: some of the quota is left, but reserved; `quota_refused`: LINE does not say how much there is.
    stopped_because: Option<Why>,
    /// When the last event of the account happened.
    last_event_at: Option<String>,
    /// Since when LINE has not sent the account's events here, as LINE itself says; absent = it does, as far as is known.
    no_events_since: Option<String>,
    /// For admins.
    chats: Option<ChatsShape>,
}

/// The chats that an account is in.
#[derive(Serialize, ToSchema)]
pub(super) struct ChatsShape {
    /// Groups and rooms that belong to a project.
    bound: i64,
    /// Groups and rooms that nobody has bound to one.
    unbound: i64,
    /// Groups and rooms that the account has left.
    left: i64,
    /// Chats that LINE takes no messages for, the latest first; 200 at most.
    out_of_reach: Vec<OutOfReachShape>,
}

/// A chat that LINE takes no messages for.
#[derive(Serialize, ToSchema)]
pub(super) struct OutOfReachShape {
    group_id: String,
    /// Empty until LINE has told it.
    name: String,
    kind: ChatKind,
    since: Option<String>,
    /// What LINE said.
    error: Option<String>,
}

impl From<Chat> for OutOfReachShape {
    fn from(chat: Chat) -> Self {
        let (since, error) = chat.unreachable.unzip();
        Self { group_id: chat.external_id.0, name: chat.name, kind: chat.kind, since: since.map(|at| at.to_string()), error }
    }
}

/// Chats out of reach that are listed.
const OUT_OF_REACH_MAX: i64 = 200;

/// The accounts' months. For staff.
#[utoipa::path(get, path = "/api/v1/line-accounts", responses((status = 200, body = Page<LineAccountShape>), (status = 403, body = Problem)))]
pub(super) async fn list(State(app): State<Arc<App>>, ByToken(viewer): ByToken) -> Result<Json<Page<LineAccountShape>>, Problem> {
    let mut c = app.db.snapshot().await?;
    for_staff(&mut c, &viewer).await?;
    let mut items = Vec::with_capacity(app.line.len());
    for name in app.line.keys() {
        items.push(shape(&mut c, &app, name, viewer.is_admin).await?);
    }
    Ok(Json(Page { items, next_cursor: None }))
}

async fn shape(c: &mut AnyConnection, app: &App, name: &str, for_admin: bool) -> Result<LineAccountShape, Problem> {
    let AccountStanding { month, forecast, heard_at, silent_since, chats: counts, .. } = acts::account_standing(c, app, name).await?;
    let chats = if for_admin {
        let out_of_reach = chats::out_of_reach(c, &Inbox::line(name), OUT_OF_REACH_MAX).await?.into_iter().map(Into::into).collect();
        Some(ChatsShape { bound: counts.bound, unbound: counts.unbound, left: counts.left, out_of_reach })
    } else {
        None
    };
    let stopped = month.stopped(app.clock.now());
    Ok(LineAccountShape {
        name: name.to_owned(),
        quota: month.told.as_ref().and_then(|t| t.quota),
        budget: month.budget,
        own_budget: month.told.as_ref().and_then(|t| t.budget),
        used: month.used,
        ours: month.ours,
        elsewhere: month.elsewhere(),
        left: month.left(),
        forecast: forecast.as_ref().map(|f| f.expected),
        forecast_low: forecast.as_ref().map(|f| f.low),
        forecast_high: forecast.as_ref().map(|f| f.high),
        asked_at: month.told.as_ref().and_then(|t| t.asked_at).map(|at| at.to_string()),
        month_from: month.month.from.to_string(),
        month_until: month.month.until.to_string(),
        stopped_until: stopped.map(|(_, until)| until.to_string()),
        stopped_because: stopped.map(|(why, _)| why),
        last_event_at: heard_at.map(|at| at.to_string()),
        no_events_since: silent_since.map(|at| at.to_string()),
        chats,
    })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LineAccountChange {
    /// LINE messages that the account may be billed for a month: 0 to 10000000; `null` for what the configuration says.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    monthly_budget: Said<Option<i64>>,
}

/// Says how much the account may cost. For admins.
#[utoipa::path(patch, path = "/api/v1/line-accounts/{name}", params(("name" = String, Path)), request_body = LineAccountChange, responses((status = 200, body = LineAccountShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(name): InPath<String>,
    Body(change): Body<LineAccountChange>,
) -> Result<Json<LineAccountShape>, Problem> {
    if !viewer.is_admin {
        return Err(Problem::forbidden("only admins may say what a LINE account may cost"));
    }
    if !app.line.contains_key(&name) {
        return Err(Problem::not_found("LINE account"));
    }
    let mut tx = app.db.begin().await?;
    if let Said::Is(heads) = change.monthly_budget {
        if heads.is_some_and(|h| !(0..=ACCOUNT_BUDGET_MAX).contains(&h)) {
            return Err(Problem::unprocessable(format!("monthly_budget must be 0 to {ACCOUNT_BUDGET_MAX}, or null")));
        }
        acts::set_account_budget(&mut tx, &app, &Inbox::line(&name), heads).await?;
    }
    let shape = shape(&mut tx, &app, &name, true).await?;
    tx.commit().await?;
    app.wake.outbox.notify_one();
    Ok(Json(shape))
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
