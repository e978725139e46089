//! `/line-accounts`: what each LINE account costs, whether its events come in, and the chats that it is in. For admins.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::{Answer, FormOf, Refusal, answer, html, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, Viewer};
use crate::domain::{ACCOUNT_BUDGET_MAX, Inbox};
use crate::store::chats::Chat;
use crate::store::{self, chats, line_quotas, projects};
use crate::web::templates::Look;
use crate::web::templates::line_accounts::{AccountView, InProject, accounts as draw};

const HERE: &str = "/line-accounts";
/// Groups of each sort that one account's card names; the others are on the page of all groups.
const GROUPS_MAX: i64 = 100;

/// Who asks: an admin. Others are told nothing of groups that nobody has bound.
async fn as_admin(app: &App, headers: &HeaderMap) -> Answer<Viewer> {
    let viewer = staff_or_client(app, headers, HERE).await?;
    if viewer.is_admin { Ok(viewer) } else { Err(Refusal::NotFound) }
}

/// The accounts of the configuration, in its order.
pub(super) async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let page = async {
        let viewer = as_admin(&app, &headers).await?;
        let mut c = app.db.snapshot().await?;
        let mut shown = vec![];
        for account in &app.config.line {
            shown.push(gather(&mut c, &app, &account.name).await?);
        }
        drop(c);
        Ok(html(StatusCode::OK, draw(&Look::by(&app, &viewer), &shown)))
    };
    answer(&app, page.await)
}

async fn gather(c: &mut AnyConnection, app: &App, name: &str) -> store::Result<AccountView> {
    let inbox = Inbox::line(name);
    let bound = chats::groups_of_inbox(c, &inbox, true, GROUPS_MAX).await?;
    let unbound = chats::groups_of_inbox(c, &inbox, false, GROUPS_MAX).await?;
    let is_full = |groups: &[Chat]| i64::try_from(groups.len()).is_ok_and(|n| n >= GROUPS_MAX);
    let more = is_full(&bound) || is_full(&unbound);
    let out_of_reach = chats::out_of_reach(c, &inbox, GROUPS_MAX).await?;
    Ok(AccountView {
        standing: acts::account_standing(c, app, name).await?,
        configured_budget: app.config.notify.monthly_budget,
        webhook: format!("{}/webhooks/line/{name}", app.config.server.public_url),
        unbound,
        more,
        bound: with_projects(c, bound).await?,
        out_of_reach: with_projects(c, out_of_reach).await?,
    })
}

async fn with_projects(c: &mut AnyConnection, chats: Vec<Chat>) -> store::Result<Vec<InProject>> {
    let mut all = vec![];
    for chat in chats {
        let project = if chat.bound { Some(projects::get(c, chat.project).await?) } else { None };
        all.push(InProject { chat, project });
    }
    Ok(all)
}

#[derive(Deserialize)]
pub(super) struct Budget {
    /// Messages a month; empty = as the configuration says.
    #[serde(default)]
    heads: String,
}

/// Says what an account may cost (`budget`), or asks LINE anew how its month stands (`ask`).
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Path((name, what)): Path<(String, String)>,
    headers: HeaderMap,
    form: FormOf<Budget>,
) -> Response {
    answer(&app, changed(&app, (&name, &what), &headers, form).await)
}

async fn changed(app: &App, (name, what): (&str, &str), headers: &HeaderMap, form: FormOf<Budget>) -> Answer {
    as_admin(app, headers).await?;
    let Form(form) = form?;
    if !app.line.contains_key(name) {
        return Err(Refusal::NotFound);
    }
    let inbox = Inbox::line(name);
    let mut tx = app.db.begin().await?;
    match what {
        "budget" => {
            let heads = match form.heads.trim() {
                "" => None,
                written => Some(written.parse().ok().filter(|h| (0..=ACCOUNT_BUDGET_MAX).contains(h)).ok_or(Refusal::Bad)?),
            };
            acts::set_account_budget(&mut tx, app, &inbox, heads).await?;
        }
        "ask" => line_quotas::ask_again(&mut tx, &inbox).await?,
        _ => return Err(Refusal::NotFound),
    }
    tx.commit().await?;
    app.wake.schedule.notify_one();
    app.wake.outbox.notify_one();
    Ok(to(&format!("{HERE}#account-{name}")))
}
