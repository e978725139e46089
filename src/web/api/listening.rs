//! How people want to hear of what.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Body, InPath};
use crate::App;
use crate::discussions::{self as acts, Viewer, Wish, WishError};
use crate::domain::{Audience, NoticeKind, Role, Way, minute_of, minute_text};
use crate::store::listening::Whose;
use crate::store::{self, Tx, listening, projects};
use crate::web::error::Problem;
use crate::web::viewer::ByToken;
use sqlx::AnyConnection;

/// Ways by kind; `null` = as if it had never been set.
type Wishes = BTreeMap<String, Option<Way>>;

/// How one kind of notice is told.
#[derive(Serialize, ToSchema)]
pub(super) struct Listens {
    kind: NoticeKind,
    /// What counts.
    way: Way,
    /// What was set here; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<Way>,
    /// What may be set.
    ways: Vec<Way>,
}

impl From<Wish> for Listens {
    fn from(w: Wish) -> Self {
        Self { kind: w.kind, way: w.way(), set: w.set, ways: w.ways.to_vec() }
    }
}

/// How the token's user hears of things.
#[derive(Serialize, ToSchema)]
pub(super) struct MyListening {
    /// When the daily digest leaves, in the server's time zone: `09:00`.
    digest_at: String,
    /// In all projects.
    kinds: Vec<Listens>,
    /// By the key of the project, where something else was set for it.
    projects: BTreeMap<String, Vec<Listens>>,
}

async fn all_of(c: &mut AnyConnection, whose: Whose, role: Role) -> store::Result<Vec<Listens>> {
    Ok(acts::wishes(c, whose, role).await?.into_iter().map(Listens::from).collect())
}

async fn mine(c: &mut AnyConnection, viewer: &Viewer) -> store::Result<MyListening> {
    let role = acts::highest_role(c, viewer).await?;
    let mut by_project = BTreeMap::new();
    for id in listening::projects_of(c, viewer.person).await? {
        if let Some(role) = viewer.role(c, id).await? {
            let key = projects::get(c, id).await?.key;
            by_project.insert(key, all_of(c, Whose::PersonIn(viewer.person, id), role).await?);
        }
    }
    Ok(MyListening {
        digest_at: minute_text(listening::digest_minute(c, viewer.person).await?),
        kinds: all_of(c, Whose::Person(viewer.person), role).await?,
        projects: by_project,
    })
}

/// How the token's user hears of what.
#[utoipa::path(get, path = "/api/v1/me/listening", responses((status = 200, body = MyListening)))]
pub(super) async fn show_mine(State(app): State<Arc<App>>, ByToken(viewer): ByToken) -> Result<Json<MyListening>, Problem> {
    Ok(Json(mine(&mut *app.db.read().await?, &viewer).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MyWishes {
    /// `09:00`
    digest_at: Option<String>,
    /// In all projects: `{"opened": "daily"}`. What is not named stays; `null` takes a wish back.
    #[serde(default)]
    ways: Wishes,
    /// By the key of a project.
    #[serde(default)]
    projects: BTreeMap<String, Wishes>,
}

/// Says how the token's user wants to hear of what.
#[utoipa::path(put, path = "/api/v1/me/listening", request_body = MyWishes, responses((status = 200, body = MyListening), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_mine(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Body(asked): Body<MyWishes>,
) -> Result<Json<MyListening>, Problem> {
    let mut tx = app.db.begin().await?;
    if let Some(at) = &asked.digest_at {
        let minute = minute_of(at).ok_or_else(|| Problem::unprocessable(format!("digest_at is {at:?}; write a time such as 09:00")))?;
        listening::set_digest_minute(&mut tx, viewer.person, minute).await?;
    }
    let role = acts::highest_role(&mut tx, &viewer).await?;
    set_all(&mut tx, Whose::Person(viewer.person), role, &asked.ways).await?;
    for (key, ways) in &asked.projects {
        let (project, role) = viewer.project(&mut tx, key).await?.ok_or_else(|| Problem::not_found("project"))?;
        set_all(&mut tx, Whose::PersonIn(viewer.person, project.id), role, ways).await?;
    }
    let now_so = mine(&mut tx, &viewer).await?;
    tx.commit().await?;
    Ok(Json(now_so))
}

async fn set_all(tx: &mut Tx, whose: Whose, role: Role, ways: &Wishes) -> Result<(), Problem> {
    for (written, way) in ways {
        let kind = NoticeKind::find(written).ok_or_else(|| Problem::unprocessable(format!("{written:?} is no kind of notice")))?;
        acts::wish(tx, whose, role, kind, *way).await?;
    }
    Ok(())
}

impl From<WishError> for Problem {
    fn from(error: WishError) -> Self {
        match error {
            WishError::Store(error) => error.into(),
            other => Self::unprocessable(other.to_string()),
        }
    }
}

/// How a project's people and groups hear of things, where the people have not set it for themselves.
#[derive(Serialize, ToSchema)]
pub(super) struct ProjectListening {
    staff: Vec<Listens>,
    client: Vec<Listens>,
    group: Vec<Listens>,
}

async fn of_project(c: &mut AnyConnection, project: crate::domain::ProjectId) -> store::Result<ProjectListening> {
    Ok(ProjectListening {
        staff: all_of(c, Whose::Project(project, Audience::Staff), Role::Staff).await?,
        client: all_of(c, Whose::Project(project, Audience::Client), Role::Client).await?,
        group: all_of(c, Whose::Project(project, Audience::Group), Role::Client).await?,
    })
}

/// How a project's people and groups hear of what; for its staff.
#[utoipa::path(get, path = "/api/v1/projects/{key}/listening", params(("key" = String, Path)), responses((status = 200, body = ProjectListening), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn show_project(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(key): InPath<String>,
) -> Result<Json<ProjectListening>, Problem> {
    let mut c = app.db.read().await?;
    let (project, role) = viewer.project(&mut c, &key).await?.ok_or_else(|| Problem::not_found("project"))?;
    if !role.is_staff() {
        return Err(Problem::forbidden("only the project's staff may see this"));
    }
    Ok(Json(of_project(&mut c, project.id).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectWishes {
    /// `{"status_changed": "hourly"}`. What is not named stays; `null` takes a setting back.
    #[serde(default)]
    staff: Wishes,
    #[serde(default)]
    client: Wishes,
    #[serde(default)]
    group: Wishes,
}

/// Says how a project's people and groups hear of what.
#[utoipa::path(put, path = "/api/v1/projects/{key}/listening", params(("key" = String, Path)), request_body = ProjectWishes, responses((status = 200, body = ProjectListening), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_project(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(key): InPath<String>,
    Body(asked): Body<ProjectWishes>,
) -> Result<Json<ProjectListening>, Problem> {
    let mut tx = app.db.begin().await?;
    let project = super::projects::owned(&mut tx, &viewer, &key).await?;
    for (audience, ways) in [(Audience::Staff, &asked.staff), (Audience::Client, &asked.client), (Audience::Group, &asked.group)] {
        set_all(&mut tx, Whose::Project(project.id, audience), Role::Staff, ways).await?;
    }
    let now_so = of_project(&mut tx, project.id).await?;
    tx.commit().await?;
    Ok(Json(now_so))
}
