//! `GET /groups/{id}`: one LINE chat, who is in it and what its record lacks; `POST /groups/{id}/{bind|unbind}`.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sqlx::AnyConnection;

use super::groups_list::{row, to_choose};
use super::{Answer, FormOf, QueryOf, Refusal, answer, html, person_picture, staff_or_client, to};
use crate::App;
use crate::discussions::{Viewer, bind_chat, unbind_chat};
use crate::domain::{ChatId, ProjectKind};
use crate::store::chats::Chat;
use crate::store::projects::Project;
use crate::store::{self, Tx, chats, identities, projects, rosters};
use crate::web::templates::Look;
use crate::web::templates::group::{Group, Person, group as draw};

/// People on the page: the latest to be seen.
const PEOPLE_MAX: i64 = 500;
/// The longest name of a project, in characters.
const NAME_CHARS_MAX: usize = 100;
/// Characters of a project's name that its key takes.
const KEY_CHARS_MAX: usize = 40;
/// Keys that are tried before one is made up.
const KEYS_TRIED_MAX: usize = 50;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Params {
    /// It has just been bound: the page offers to take that back.
    #[serde(default)]
    bound: String,
}

/// The chat's page.
pub(super) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>, params: QueryOf<Params>, headers: HeaderMap) -> Response {
    let just_bound = params.is_ok_and(|Query(p)| !p.bound.is_empty());
    answer(&app, page(&app, &id, just_bound, &headers).await)
}

async fn page(app: &App, id: &str, just_bound: bool, headers: &HeaderMap) -> Answer {
    let viewer = staff_or_client(app, headers, &format!("/groups/{id}")).await?;
    let mut c = app.db.snapshot().await?;
    let chat = find(&mut c, &viewer, id).await?;
    let shown = gather(&mut c, app, &viewer, chat, just_bound).await?;
    drop(c);
    Ok(html(StatusCode::OK, draw(&Look::by(app, &viewer), &shown)))
}

/// The chat, if its project's staff ask for it.
async fn find(c: &mut AnyConnection, viewer: &Viewer, id: &str) -> Answer<Chat> {
    let id = ChatId(id.parse().map_err(|_| Refusal::NotFound)?);
    let chat = chats::find_by_id(c, id).await?.ok_or(Refusal::NotFound)?;
    match viewer.role(c, chat.project).await? {
        Some(role) if role.is_staff() => Ok(chat),
        _ => Err(Refusal::NotFound),
    }
}

async fn gather(c: &mut AnyConnection, app: &App, viewer: &Viewer, chat: Chat, just_bound: bool) -> store::Result<Group> {
    let mut former = identities::former_names(c, chat.id).await?;
    let found = rosters::of_chat(c, chat.id, &chat.inbox, PEOPLE_MAX).await?;
    let people = found.into_iter().map(|p| Person {
        picture: p.picture.as_deref().map(|sha256| person_picture::address(p.person, sha256)),
        former_names: former.remove(&p.person).unwrap_or_default(),
        known: p,
    });
    let people = people.collect();
    let to_choose = to_choose(c, viewer).await?;
    let is_configured = app.line.contains_key(chat.inbox.name());
    Ok(Group { row: row(c, chat).await?, people, to_choose, is_admin: viewer.is_admin, is_configured, just_bound })
}

#[derive(Deserialize)]
pub(super) struct Binding {
    /// A project's key; empty = a new one.
    #[serde(default)]
    project: String,
    /// What the new one is called.
    #[serde(default)]
    name: String,
}

/// Gives the chat to a project, or takes that back. Only admins see chats that nobody bound, so only they do.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Path((id, what)): Path<(String, String)>,
    headers: HeaderMap,
    form: FormOf<Binding>,
) -> Response {
    answer(&app, changed(&app, &id, &what, &headers, form).await)
}

async fn changed(app: &App, id: &str, what: &str, headers: &HeaderMap, form: FormOf<Binding>) -> Answer {
    let viewer = staff_or_client(app, headers, &format!("/groups/{id}")).await?;
    let Form(asked) = form?;
    let mut tx = app.db.begin().await?;
    let chat = find(&mut tx, &viewer, id).await?;
    if !viewer.is_admin {
        return Err(Refusal::Forbidden);
    }
    let next = match what {
        "bind" => {
            let project = chosen(&mut tx, app, &asked, &chat).await?;
            bind_chat(&mut tx, app, &project, &chat.inbox, chat.kind, &chat.external_id).await?;
            format!("/groups/{}?bound=1", chat.id)
        }
        "unbind" => {
            if chat.bound {
                unbind_chat(&mut tx, app, &chat).await?;
            }
            format!("/groups/{}", chat.id)
        }
        _ => return Err(Refusal::NotFound),
    };
    tx.commit().await?;
    app.access_changed();
    Ok(to(&next))
}

async fn chosen(tx: &mut Tx, app: &App, asked: &Binding, chat: &Chat) -> Answer<Project> {
    if !asked.project.is_empty() {
        let project = projects::find(tx, &asked.project).await?.ok_or(Refusal::Bad)?;
        return if project.kind == ProjectKind::Client { Ok(project) } else { Err(Refusal::Bad) };
    }
    let given = Some(asked.name.trim()).filter(|n| !n.is_empty()).unwrap_or(&chat.name);
    let name: String = given.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let name = if name.trim().is_empty() { chat.external_id.as_str().to_owned() } else { name };
    let stem = key_stem(&name);
    for n in 1..=KEYS_TRIED_MAX {
        let key = if n == 1 { stem.clone() } else { format!("{stem}-{n}") };
        if let Some(id) = projects::add(tx, &key, &name, ProjectKind::Client, app.clock.now()).await? {
            return Ok(projects::get(tx, id).await?);
        }
    }
    let key = format!("{stem}-{}", uuid::Uuid::new_v4().simple());
    let id = projects::find_or_add(tx, &key[..key.len().min(64)], &name, ProjectKind::Client, app.clock.now()).await?;
    Ok(projects::get(tx, id).await?)
}

/// A key made of what a name has of plain letters and digits.
fn key_stem(name: &str) -> String {
    let mut stem = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            stem.push(c.to_ascii_lowercase());
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
        if stem.len() >= KEY_CHARS_MAX {
            break;
        }
    }
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() { "project".to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::key_stem;
    use crate::domain::is_project_key;

    #[test]
    fn every_name_gives_a_key() {
        for (name, key) in
            [("林宅裝修", "project"), ("ACME 台北 2F", "acme-2f"), ("--a--", "a"), ("x".repeat(90).as_str(), "x".repeat(40).as_str())]
        {
            assert_eq!(key_stem(name), key);
            assert!(is_project_key(&key_stem(name)));
        }
    }
}
