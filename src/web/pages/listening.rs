//! `POST /me/listening` and `POST /projects/{key}/listening`: how people want to hear of what.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use sqlx::AnyConnection;

use super::projects::address;
use super::{Answer, FormOf, Refusal, answer, staff_or_client, to};
use crate::App;
use crate::discussions::{self as acts, Viewer, WishError};
use crate::domain::{Audience, LISTENED, ProjectId, Role, Way, minute_of, minute_text, ways};
use crate::store::listening::Whose;
use crate::store::{self, Tx, listening};
use crate::web::templates::listening::{Listening, OfProject};

impl From<WishError> for Refusal {
    fn from(error: WishError) -> Self {
        match error {
            WishError::Store(error) => Self::Broken(error),
            WishError::NotOffered { .. } | WishError::NoKind(_) => Self::Bad,
        }
    }
}

/// A form's fields.
type Fields = BTreeMap<String, String>;

/// What the card on one's own page shows; of one project where `key` is one of theirs.
pub(super) async fn gather(c: &mut AnyConnection, app: &App, viewer: &Viewer, key: &str, saved: bool) -> store::Result<Listening> {
    let here = if key.is_empty() { None } else { viewer.project(c, key).await? };
    let (whose, role) = match &here {
        Some((project, role)) => (Whose::PersonIn(viewer.person, project.id), *role),
        None => (Whose::Person(viewer.person), acts::highest_role(c, viewer).await?),
    };
    Ok(Listening {
        wishes: acts::wishes(c, whose, role).await?,
        digest_at: minute_text(listening::digest_minute(c, viewer.person).await?),
        here: here.map(|(project, _)| project),
        is_staff: role.is_staff(),
        has_line: acts::has_own_chat(c, viewer.person, app.clock.now()).await?,
        saved,
    })
}

/// Saves one's own.
pub(super) async fn mine(State(app): State<Arc<App>>, headers: HeaderMap, form: FormOf<Fields>) -> Response {
    answer(&app, save_mine(&app, &headers, form).await)
}

async fn save_mine(app: &App, headers: &HeaderMap, form: FormOf<Fields>) -> Answer {
    let viewer = staff_or_client(app, headers, "/me").await?;
    let Form(fields) = form?;
    let mut tx = app.db.begin().await?;
    let key = fields.get("project").map(String::as_str).unwrap_or_default();
    if key.is_empty() {
        let role = acts::highest_role(&mut tx, &viewer).await?;
        save(&mut tx, Whose::Person(viewer.person), (Audience::of(role), role), ("way", &fields)).await?;
        if let Some(at) = fields.get("digest_at") {
            listening::set_digest_minute(&mut tx, viewer.person, minute_of(at).ok_or(Refusal::Bad)?).await?;
        }
    } else {
        let (project, role) = viewer.project(&mut tx, key).await?.ok_or(Refusal::NotFound)?;
        save(&mut tx, Whose::PersonIn(viewer.person, project.id), (Audience::of(role), role), ("way", &fields)).await?;
    }
    tx.commit().await?;
    Ok(to(&format!("/me?listening={key}&saved=1#listening")))
}

/// Saves the kinds that the form has: `{prefix}_{kind}`, empty = not set.
async fn save(tx: &mut Tx, whose: Whose, (audience, role): (Audience, Role), (prefix, fields): (&str, &Fields)) -> Answer<()> {
    for kind in LISTENED.into_iter().filter(|k| !ways(*k, audience).is_empty()) {
        let Some(written) = fields.get(&format!("{prefix}_{kind}")) else { continue };
        let way = if written.is_empty() { None } else { Some(Way::find(written).ok_or(Refusal::Bad)?) };
        acts::wish(tx, whose, role, kind, way).await?;
    }
    Ok(())
}

/// What the card on a project's page shows.
pub(super) async fn gather_project(c: &mut AnyConnection, project: ProjectId) -> store::Result<OfProject> {
    let mut all = vec![];
    for audience in Audience::ALL {
        all.push((*audience, acts::wishes(c, Whose::Project(project, *audience), Role::Staff).await?));
    }
    Ok(all)
}

/// Saves a project's.
pub(super) async fn of_project(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap, form: FormOf<Fields>) -> Response {
    answer(&app, save_project(&app, &key, &headers, form).await)
}

async fn save_project(app: &App, key: &str, headers: &HeaderMap, form: FormOf<Fields>) -> Answer {
    let here = address(key)?;
    let viewer = staff_or_client(app, headers, &here).await?;
    let Form(fields) = form?;
    let mut tx = app.db.begin().await?;
    let (project, role) = viewer.project(&mut tx, key).await?.ok_or(Refusal::NotFound)?;
    if role != Role::Owner {
        return Err(Refusal::Forbidden);
    }
    for audience in Audience::ALL {
        let whose = Whose::Project(project.id, *audience);
        save(&mut tx, whose, (*audience, Role::Staff), (audience.as_str(), &fields)).await?;
    }
    tx.commit().await?;
    Ok(to(&format!("{here}#listening")))
}
