//! `/api/v1`: JSON with bearer tokens, described at `GET /api/openapi.json`, which is made from this code.

mod announcements;
mod corrections;
mod deliveries;
mod discussions;
mod held_mails;
mod line_accounts;
mod listening;
mod lists;
pub(in crate::web) mod notify_tokens;
mod project_times;
mod projects;
mod shapes;

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use utoipa::openapi::content::Content;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{Modify, OpenApi};

use super::error::Problem;
use crate::App;

/// The longest page that `limit` may ask for.
const PAGE_MAX: i64 = 200;
/// The page without `limit`.
const PAGE: i64 = 50;

/// Everything under `/api`.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/openapi.json", get(|| async { Json(Description::openapi()) }))
        .route("/v1/projects", post(projects::add).get(projects::list))
        .route("/v1/projects/{key}", get(projects::show).patch(projects::change))
        .route("/v1/days-off", get(project_times::days_off).put(project_times::put_days_off))
        .route("/v1/projects/{key}/members", put(projects::put_member))
        .route("/v1/projects/{key}/line-groups", put(projects::put_line_group))
        .route("/v1/projects/{key}/email-senders", put(projects::put_email_sender))
        .route("/v1/projects/{key}/listening", get(listening::show_project).put(listening::put_project))
        .route("/v1/me/listening", get(listening::show_mine).put(listening::put_mine))
        .route("/v1/discussions", post(discussions::open).get(discussions::list))
        .route("/v1/discussions/{number}", get(discussions::show).patch(discussions::change))
        .route("/v1/discussions/{number}/posts", post(discussions::reply))
        .route("/v1/discussions/{number}/merge", post(corrections::merge))
        .route("/v1/discussions/{number}/split", post(corrections::split))
        .route("/v1/posts/{id}/move", post(corrections::move_post))
        .route("/v1/posts/{id}/confirm", post(corrections::confirm))
        .route("/v1/corrections/{id}/undo", post(corrections::undo))
        .route("/v1/unsure", get(corrections::unsure))
        .route("/v1/deliveries", get(deliveries::list))
        .route("/v1/deliveries/{id}/retry", post(deliveries::retry))
        .route("/v1/deliveries/{id}/send-now", post(deliveries::send_now))
        .route("/v1/deliveries/{id}/cancel", post(deliveries::cancel))
        .route("/v1/deliveries/{id}/restore", post(deliveries::restore))
        .route("/v1/posts/{id}/undo", post(discussions::undo))
        .route("/v1/line-accounts", get(line_accounts::list))
        .route("/v1/line-accounts/{name}", patch(line_accounts::change))
        .route("/v1/line-accounts/{name}/ask", post(line_accounts::ask))
        .route("/v1/inbound", get(lists::inbound))
        .route("/v1/inbound/{id}/accept", post(held_mails::accept))
        .route("/v1/inbound/{id}/dismiss", post(held_mails::dismiss))
        .route("/v1/inbound/{id}/undo", post(held_mails::undo))
        .route("/v1/posts/{id}/link-address", post(held_mails::link_address))
        .route("/v1/posts/{id}/unlink-address", post(held_mails::unlink_address))
        .route("/v1/announcements", post(announcements::add).get(announcements::list))
        .route("/v1/announcements/{id}", get(announcements::show))
        .route("/v1/announcements/{id}/withdraw", post(announcements::withdraw))
        .route("/v1/notify-tokens", post(notify_tokens::add).get(notify_tokens::list))
        .route("/v1/notify-tokens/{id}", delete(notify_tokens::revoke))
        .method_not_allowed_fallback(|| async { Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this route takes other methods") })
        .merge(super::notify::router())
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Threadline", description = "LINE groups and email as tracked discussions."),
    paths(
        projects::add,
        projects::list,
        projects::show,
        projects::change,
        project_times::days_off,
        project_times::put_days_off,
        projects::put_member,
        projects::put_line_group,
        projects::put_email_sender,
        listening::show_project,
        listening::put_project,
        listening::show_mine,
        listening::put_mine,
        discussions::open,
        discussions::list,
        discussions::show,
        discussions::change,
        discussions::reply,
        discussions::undo,
        line_accounts::list,
        line_accounts::change,
        line_accounts::ask,
        corrections::merge,
        corrections::split,
        corrections::move_post,
        corrections::confirm,
        corrections::undo,
        corrections::unsure,
        deliveries::list,
        deliveries::retry,
        deliveries::send_now,
        deliveries::cancel,
        deliveries::restore,
        lists::inbound,
        held_mails::accept,
        held_mails::dismiss,
        held_mails::undo,
        held_mails::link_address,
        held_mails::unlink_address,
        announcements::add,
        announcements::list,
        announcements::show,
        announcements::withdraw,
        notify_tokens::add,
        notify_tokens::list,
        notify_tokens::revoke
    ),
    modifiers(&Bearer, &Problems),
    security(("bearer" = []))
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("made by `threadline token add`")).build();
        openapi.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Whatever is refused is a problem (RFC 9457), with every status that a route may answer with.
struct Problems;

impl Modify for Problems {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        const CONTENT_TYPE: &str = "application/problem+json";
        let problem = || Content::new(Some(Ref::from_schema_name("Problem")));
        for path in openapi.paths.paths.values_mut() {
            let calls = [&mut path.get, &mut path.put, &mut path.post, &mut path.patch, &mut path.delete];
            for call in calls.into_iter().flatten() {
                let all = &mut call.responses.responses;
                all.retain(|status, _| !status.starts_with('4') && !status.starts_with('5'));
                for answer in all.values_mut() {
                    if let RefOr::T(answer) = answer
                        && answer.description.is_empty()
                    {
                        "it was done".clone_into(&mut answer.description);
                    }
                }
                let refused = ResponseBuilder::new().description("what was wrong").content(CONTENT_TYPE, problem()).build();
                all.insert("default".to_owned(), RefOr::T(refused));
            }
        }
    }
}

/// A JSON body; what is wrong with it comes back as a problem.
struct Body<T>(T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, app: &Arc<App>) -> Result<Self, Problem> {
        let Json(body) = Json::from_request(request, app).await?;
        Ok(Self(body))
    }
}

/// A query; likewise.
struct Asked<T>(T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Query(asked) = Query::from_request_parts(parts, app).await?;
        Ok(Self(asked))
    }
}

/// One parameter in the path.
struct InPath<T>(T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            // A number that is none names nothing.
            Err(_) => Err(Problem::not_found("thing")),
        }
    }
}

/// `limit`, 1 to [`PAGE_MAX`].
fn page_size(limit: Option<i64>) -> Result<i64, Problem> {
    match limit.unwrap_or(PAGE) {
        n if n >= 1 => Ok(n.min(PAGE_MAX)),
        n => Err(Problem::bad_request(format!("limit is {n}; it must be 1 to {PAGE_MAX}"))),
    }
}

/// A cursor that is one id.
fn id_cursor(cursor: Option<&str>) -> Result<Option<i64>, Problem> {
    cursor.filter(|c| !c.is_empty()).map(|c| c.parse().map_err(|_| bad_cursor())).transpose()
}

fn bad_cursor() -> Problem {
    Problem::bad_request("cursor is not one that this API gave out")
}

/// A word of a closed list in a query.
fn word<T>(name: &str, written: Option<&str>, find: fn(&str) -> Option<T>, all: &[&str]) -> Result<Option<T>, Problem> {
    match written.filter(|w| !w.is_empty()) {
        None => Ok(None),
        Some(w) => find(w).map(Some).ok_or_else(|| Problem::bad_request(format!("{name} is {w:?}; it must be one of {}", all.join(", ")))),
    }
}
