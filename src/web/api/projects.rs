//! Projects, their people, their LINE chats and their mail senders.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::discussions::Said;
use super::project_times::{NotifyChange, NotifyShape, new_times, notify_shape};
use super::shapes::{LineGroupOfProject, Page, ProjectShape, line_group};
use super::{Asked, Body, InPath, id_cursor, page_size};
use crate::App;
use crate::discussions::{self as acts, MemberError, NewMember, Viewer, bind_chat, set_times};
use crate::domain::{ChatKind, Inbox, LineChatId, LineUserId, PROJECT_BUDGET_MAX, ProjectKind, REOPEN_DAYS_MAX, Role, is_project_key};
use crate::store::projects::Project;
use crate::store::{Tx, chats, members, persons, projects};
use crate::web::error::Problem;
use crate::web::viewer::ByToken;

/// The longest name of a person or project, in bytes.
const NAME_BYTES_MAX: usize = 300;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProject {
    /// 1 to 64 of `a-z 0-9 - _`.
    key: String,
    name: String,
}

/// Makes a project.
#[utoipa::path(post, path = "/api/v1/projects", request_body = NewProject, responses((status = 201, body = ProjectShape), (status = 409, body = Problem)))]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Body(new): Body<NewProject>,
) -> Result<(StatusCode, Json<ProjectShape>), Problem> {
    if !viewer.is_admin {
        return Err(Problem::forbidden("only an admin may make projects"));
    }
    if !is_project_key(&new.key) {
        return Err(Problem::unprocessable("key must be 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit"));
    }
    let name = plain_name("name", &new.name)?;
    let mut tx = app.db.begin().await?;
    if projects::add(&mut tx, &new.key, name, ProjectKind::Client, app.clock.now()).await?.is_none() {
        return Err(Problem::conflict(format!("there is a project {:?} already", new.key)));
    }
    let project = projects::find(&mut tx, &new.key).await?.ok_or_else(|| Problem::not_found("project"))?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(project.into())))
}

#[derive(Deserialize, IntoParams)]
pub(super) struct Listing {
    cursor: Option<String>,
    limit: Option<i64>,
}

/// The projects that the token's user belongs to.
#[utoipa::path(get, path = "/api/v1/projects", params(Listing), responses((status = 200, body = Page<ProjectShape>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Asked(asked): Asked<Listing>,
) -> Result<Json<Page<ProjectShape>>, Problem> {
    let size = page_size(asked.limit)?;
    let after = id_cursor(asked.cursor.as_deref())?.unwrap_or(0);
    let mut c = app.db.read().await?;
    let mut found = projects::page(&mut c, viewer.limit(), after, size + 1).await?;
    let more = found.len() > usize::try_from(size).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    let next_cursor = found.last().filter(|_| more).map(|p| p.id.to_string());
    Ok(Json(Page { items: found.into_iter().map(Into::into).collect(), next_cursor }))
}

/// A person's part in a project.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberShape {
    name: String,
    role: Role,
}

/// A project with its people and its LINE chats: both empty for clients.
#[derive(Serialize, ToSchema)]
pub(super) struct ProjectWithMembers {
    #[serde(flatten)]
    project: ProjectShape,
    members: Vec<MemberShape>,
    line_groups: Vec<LineGroupOfProject>,
    /// When its LINE chats are told what waits; `null` for clients.
    notify: Option<NotifyShape>,
}

/// LINE chats of one project that are listed.
const LINE_GROUPS_MAX: i64 = 200;

/// One project.
#[utoipa::path(get, path = "/api/v1/projects/{key}", params(("key" = String, Path)), responses((status = 200, body = ProjectWithMembers), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(key): InPath<String>,
) -> Result<Json<ProjectWithMembers>, Problem> {
    let mut c = app.db.read().await?;
    let (project, role) = viewer.project(&mut c, &key).await?.ok_or_else(|| Problem::not_found("project"))?;
    let all = if role.is_staff() { members::all(&mut c, project.id).await? } else { vec![] };
    let members = all.into_iter().map(|m| MemberShape { name: m.name, role: m.role }).collect();
    let mut line_groups = vec![];
    if role.is_staff() {
        for chat in chats::all_of_project(&mut c, project.id, LINE_GROUPS_MAX).await? {
            line_groups.push(line_group(&mut c, &chat).await?);
        }
    }
    let notify = if role.is_staff() { Some(notify_shape(&mut c, &app, project.id).await?) } else { None };
    Ok(Json(ProjectWithMembers { project: project.into(), members, line_groups, notify }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectChange {
    /// Whether notices into its LINE groups show the beginning of an answer.
    excerpts: Option<bool>,
    /// A client's mail into a discussion that has been done for longer opens a new one: 0 to 3650 days.
    reopen_days: Option<i64>,
    /// LINE messages that its chats may cost a month: 0 to 10000000; `null` for as many as the account has.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    monthly_budget: Said<Option<i64>>,
    /// When its LINE chats are told what waits.
    notify: Option<NotifyChange>,
}

/// A project as it is after a change.
#[derive(Serialize, ToSchema)]
pub(super) struct ProjectChanged {
    #[serde(flatten)]
    project: ProjectShape,
    notify: NotifyShape,
}

/// Tells `null` (no budget) from an absent field (unchanged).
pub(super) fn given<'de, D: Deserializer<'de>>(d: D) -> Result<Said<Option<i64>>, D::Error> {
    Option::<i64>::deserialize(d).map(Said::Is)
}

/// Changes what a project does.
#[utoipa::path(patch, path = "/api/v1/projects/{key}", params(("key" = String, Path)), request_body = ProjectChange, responses((status = 200, body = ProjectChanged), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(key): InPath<String>,
    Body(change): Body<ProjectChange>,
) -> Result<Json<ProjectChanged>, Problem> {
    let mut tx = app.db.begin().await?;
    let mut project = owned(&mut tx, &viewer, &key).await?;
    if let Some(excerpts) = change.excerpts {
        projects::set_excerpts(&mut tx, project.id, excerpts).await?;
        project.excerpts = excerpts;
    }
    if let Some(days) = change.reopen_days {
        if !(0..=REOPEN_DAYS_MAX).contains(&days) {
            return Err(Problem::unprocessable(format!("reopen_days is {days}; it must be 0 to {REOPEN_DAYS_MAX}")));
        }
        projects::set_reopen_days(&mut tx, project.id, days).await?;
        project.reopen_days = days;
    }
    if let Said::Is(heads) = change.monthly_budget {
        if heads.is_some_and(|h| !(0..=PROJECT_BUDGET_MAX).contains(&h)) {
            return Err(Problem::unprocessable(format!("monthly_budget must be 0 to {PROJECT_BUDGET_MAX}, or null")));
        }
        acts::set_monthly_budget(&mut tx, &app, project.id, heads).await?;
        project.monthly_budget = heads;
    }
    if let Some(change) = &change.notify {
        set_times(&mut tx, &app, project.id, &new_times(change)?).await?;
    }
    let notify = notify_shape(&mut tx, &app, project.id).await?;
    tx.commit().await?;
    app.wake.outbox.notify_one();
    Ok(Json(ProjectChanged { project: project.into(), notify }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberAsked {
    email: Option<String>,
    line_user_id: Option<String>,
    name: Option<String>,
    role: Role,
}

/// Gives somebody a part in the project, known by mail address, LINE user id or both. That the two are one person's is for admins to say;
/// what colleagues, and people of other projects, are called stays as it is.
#[utoipa::path(put, path = "/api/v1/projects/{key}/members", params(("key" = String, Path)), request_body = MemberAsked, responses((status = 200, body = MemberShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_member(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(key): InPath<String>,
    Body(new): Body<MemberAsked>,
) -> Result<Json<MemberShape>, Problem> {
    let email = new.email.as_deref().map(plain_address).transpose()?;
    let line = new.line_user_id.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(user_id).transpose()?;
    let name = new.name.as_deref().map(|n| plain_name("name", n)).transpose()?;
    let mut tx = app.db.begin().await?;
    let project = owned(&mut tx, &viewer, &key).await?;
    let member = NewMember { email: email.as_deref(), line: line.as_ref(), name, role: new.role };
    let person = acts::put_member(&mut tx, &app, &viewer, &project, &member).await?;
    tx.commit().await?;
    Ok(Json(MemberShape { name: person.name, role: new.role }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLineGroup {
    /// The LINE account's name in the configuration.
    channel: String,
    /// A group's, room's or user's id (`C…`, `R…`, `U…`).
    group_id: String,
}

/// A chat that belongs to a project.
#[derive(Serialize, ToSchema)]
pub(super) struct LineGroupShape {
    channel: String,
    group_id: String,
    project: String,
}

/// Binds a LINE group, room or user's chat to the project; its discussions go along. A chat of a project that is not theirs, or of none,
/// is for admins to bind, or for somebody in it who types a code.
#[utoipa::path(put, path = "/api/v1/projects/{key}/line-groups", params(("key" = String, Path)), request_body = NewLineGroup, responses((status = 200, body = LineGroupShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_line_group(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(key): InPath<String>,
    Body(new): Body<NewLineGroup>,
) -> Result<Json<LineGroupShape>, Problem> {
    if !app.line.contains_key(&new.channel) {
        let names: Vec<&str> = app.line.keys().map(String::as_str).collect();
        return Err(Problem::unprocessable(format!(
            "channel is {:?}; the configured LINE accounts are: {}",
            new.channel,
            names.join(", ")
        )));
    }
    let kind = match new.group_id.chars().next() {
        Some('C') => ChatKind::Group,
        Some('R') => ChatKind::Room,
        Some('U') => ChatKind::User,
        _ => return Err(Problem::unprocessable("group_id must be LINE's id of a group (C…), a room (R…) or a user (U…)")),
    };
    let mut tx = app.db.begin().await?;
    let project = owned(&mut tx, &viewer, &key).await?;
    let (inbox, id) = (Inbox::line(&new.channel), LineChatId(new.group_id.clone()));
    // Its discussions go along: they must be theirs to give.
    if let Some(chat) = chats::find(&mut tx, &inbox, &id).await?
        && viewer.role(&mut tx, chat.project).await? != Some(Role::Owner)
    {
        return Err(Problem::not_found("LINE chat"));
    }
    bind_chat(&mut tx, &app, &project, &inbox, kind, &id).await?;
    tx.commit().await?;
    // LINE is asked for its name and heads at once: what a push into it costs is shown before one is paid.
    app.wake.schedule.notify_one();
    Ok(Json(LineGroupShape { channel: new.channel, group_id: new.group_id, project: project.key }))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailSender {
    /// An address, or `@domain`.
    pattern: String,
}

/// Says that mail from an address or domain belongs to the project.
#[utoipa::path(put, path = "/api/v1/projects/{key}/email-senders", params(("key" = String, Path)), request_body = EmailSender, responses((status = 200, body = EmailSender), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_email_sender(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    InPath(key): InPath<String>,
    Body(new): Body<EmailSender>,
) -> Result<Json<EmailSender>, Problem> {
    let pattern = new.pattern.trim().to_lowercase();
    let domain = pattern.rsplit_once('@').map(|(_, domain)| domain);
    if !domain.is_some_and(|d| d.contains('.') && !d.contains(char::is_whitespace)) {
        return Err(Problem::unprocessable("pattern must be an address (amy@client.example) or a domain (@client.example)"));
    }
    let mut tx = app.db.begin().await?;
    let project = owned(&mut tx, &viewer, &key).await?;
    let ours = |address: &str| address == pattern || pattern.starts_with('@') && address.to_lowercase().ends_with(&pattern);
    if !viewer.is_admin && (app.config.mailbox.iter().any(|m| ours(&m.address)) || persons::admin_writes_from(&mut tx, &pattern).await?) {
        return Err(Problem::conflict(format!("mail from {pattern} is the company's own; an admin can give it to this project")));
    }
    let mut known_in = members::of_pattern(&mut tx, &pattern).await?;
    known_in.extend(projects::of_sender(&mut tx, &pattern).await?);
    for had in known_in {
        if viewer.role(&mut tx, had).await? != Some(Role::Owner) {
            let whose = format!("mail from {pattern} is known in a project that is not yours; an admin can give it to this one");
            return Err(Problem::conflict(whose));
        }
    }
    projects::put_sender(&mut tx, project.id, &pattern).await?;
    tx.commit().await?;
    Ok(Json(EmailSender { pattern }))
}

/// The project, if the viewer may change it: admins and its owners.
pub(super) async fn owned(tx: &mut Tx, viewer: &Viewer, key: &str) -> Result<Project, Problem> {
    let (project, role) = viewer.project(tx, key).await?.ok_or_else(|| Problem::not_found("project"))?;
    if role != Role::Owner {
        return Err(Problem::forbidden("only the project's owners and admins may change it"));
    }
    Ok(project)
}

fn plain_name<'a>(field: &str, name: &'a str) -> Result<&'a str, Problem> {
    let name = name.trim();
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
        return Err(Problem::unprocessable(format!("{field} must be 1 to {NAME_BYTES_MAX} bytes of plain text")));
    }
    Ok(name)
}

/// LINE's id of a user: `U` and letters or digits.
fn user_id(id: &str) -> Result<LineUserId, Problem> {
    let fits = id.strip_prefix('U').is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric()));
    if fits { Ok(LineUserId(id.to_owned())) } else { Err(Problem::unprocessable("line_user_id must be LINE's id of a user (U…)")) }
}

fn plain_address(address: &str) -> Result<String, Problem> {
    let address = address.trim().to_lowercase();
    match address.parse::<lettre::Address>() {
        Ok(_) => Ok(address),
        Err(_) => Err(Problem::unprocessable(format!("email is {address:?}, which is no mail address"))),
    }
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::Nobody => Self::unprocessable(error.to_string()),
            MemberError::TwoPeople => Self::conflict(error.to_string()),
            MemberError::NotYours => Self::forbidden(error.to_string()),
            MemberError::Store(error) => error.into(),
        }
    }
}
