//! What the API's answers look like.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::AnyConnection;
use utoipa::ToSchema;

use crate::App;
use crate::domain::{ChatKind, GapKind, Happening, Role, Source, Status};
use crate::store::attachments::{Attachment, AttachmentStatus};
use crate::store::chats::Chat;
use crate::store::discussions::Discussion;
use crate::store::posts::Post;
use crate::store::projects::Project;
use crate::store::versions::Version;
use crate::store::{Result, attachments, discussion_events, persons, posts, presence, projects, versions, watchers};
use crate::web::file_url;

/// RFC 3339 in UTC.
fn time(at: Timestamp) -> String {
    at.to_string()
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Ask with `cursor=` for what follows; absent at the end.
    pub next_cursor: Option<String>,
}

/// A client's private space.
#[derive(Serialize, ToSchema)]
pub struct ProjectShape {
    pub key: String,
    pub name: String,
    /// `active` or `archived`.
    pub status: String,
    /// `client`; `chat`: made for a chat that nobody has bound; `triage`: for mail from strangers.
    pub kind: String,
    pub created_at: String,
    /// Whether notices into its LINE groups show the beginning of an answer.
    pub excerpts: bool,
    /// A client's mail into a discussion that has been done for longer opens a new one, in days.
    pub reopen_days: i64,
    /// LINE messages that its chats may cost a month; `null` = as many as the account has.
    pub monthly_budget: Option<i64>,
}

impl From<Project> for ProjectShape {
    fn from(p: Project) -> Self {
        Self {
            key: p.key,
            name: p.name,
            status: p.status,
            kind: p.kind.to_string(),
            created_at: time(p.created_at),
            excerpts: p.excerpts,
            reopen_days: p.reopen_days,
            monthly_budget: p.monthly_budget,
        }
    }
}

/// A LINE group, room or user's chat of a project.
#[derive(Serialize, ToSchema)]
pub struct LineGroupOfProject {
    /// The LINE account's name in the configuration.
    pub channel: String,
    /// LINE's id of it.
    pub group_id: String,
    /// `group`, `room` or `user`.
    pub kind: ChatKind,
    /// Empty until LINE has told it.
    pub name: String,
    /// Heads, the account not among them, as LINE last said.
    pub members: Option<i64>,
    /// When the account was removed from it; absent while it is in it.
    pub left_at: Option<String>,
    /// Since when LINE takes no messages for it; absent while it does, as far as is known.
    pub unreachable_since: Option<String>,
    /// The number under which `/discussions/{number}` holds what was said in it and is no matter of its own; below zero.
    pub other_messages: i64,
    /// Times in which its record may lack something, oldest first.
    pub gaps: Vec<GapShape>,
}

/// A time in which a chat's record may lack something.
#[derive(Serialize, ToSchema)]
pub struct GapShape {
    /// `left`: the account was not in the chat; `stopped`: the program did not run; `refused`: what LINE sent could not be kept;
    /// `inactive`: LINE did not send; `unplaced`: an event was given up.
    pub kind: GapKind,
    pub from: String,
    /// Absent while it lasts.
    pub to: Option<String>,
}

/// A chat with its gaps.
pub async fn line_group(c: &mut AnyConnection, chat: &Chat) -> Result<LineGroupOfProject> {
    let gaps = presence::gaps_of(c, chat).await?;
    Ok(LineGroupOfProject {
        channel: chat.inbox.name().to_owned(),
        group_id: chat.external_id.0.clone(),
        kind: chat.kind,
        name: chat.name.clone(),
        members: chat.member_count,
        left_at: chat.left_at.map(time),
        unreachable_since: chat.unreachable.as_ref().map(|(since, _)| time(*since)),
        other_messages: -chat.id.0,
        gaps: gaps.into_iter().map(|g| GapShape { kind: g.kind, from: time(g.from), to: g.to.map(time) }).collect(),
    })
}

/// One matter, as lists show it.
#[derive(Serialize, ToSchema)]
pub struct DiscussionShape {
    pub number: i64,
    pub title: String,
    pub status: Status,
    /// The project's key.
    pub project: String,
    /// The mail address of who looks after it.
    pub assignee: Option<String>,
    pub urgent: bool,
    pub source: Source,
    pub opened_at: String,
    pub last_post_at: String,
    /// Its page.
    pub url: String,
    /// It is no matter: it holds what was said in its chat and belongs to none. Lists have it only where words are looked for.
    pub other: bool,
}

/// One matter with everything said in it.
#[derive(Serialize, ToSchema)]
pub struct DiscussionWithPosts {
    #[serde(flatten)]
    pub discussion: DiscussionShape,
    /// In the order in which they were said.
    pub posts: Vec<PostShape>,
    /// What was changed about it, in order; of very many the last.
    pub events: Vec<EventShape>,
    /// After a correction: by which it can be undone (`POST /corrections/{id}/undo`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction: Option<i64>,
    /// Who follows it beside its staff and those who wrote in it: for staff.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watchers: Vec<WatcherShape>,
}

/// Somebody who is told of a discussion by mail as its writer is.
#[derive(Serialize, ToSchema)]
pub struct WatcherShape {
    pub name: String,
    pub since: String,
}

/// Watchers that one answer tells.
const WATCHERS_MAX: i64 = 200;

/// A change, by whom, when and through which door.
#[derive(Serialize, ToSchema)]
pub struct EventShape {
    pub at: String,
    /// Their name; empty where LINE does not tell.
    pub by: String,
    pub via: Source,
    #[serde(flatten)]
    pub what: Happening,
}

/// Changes that one answer tells.
const EVENTS_MAX: i64 = 1000;

/// Who said it.
#[derive(Serialize, ToSchema)]
pub struct AuthorShape {
    pub name: String,
    pub role: Role,
}

/// One thing said.
#[derive(Serialize, ToSchema)]
pub struct PostShape {
    pub id: String,
    pub author: AuthorShape,
    pub source: Source,
    /// `text`, `image`, `sticker`, `mail`, …; `unsupported:KIND` for what cannot be shown.
    pub kind: String,
    pub body_text: String,
    pub body_html: String,
    pub attachments: Vec<AttachmentShape>,
    /// Files that are still being fetched.
    pub attachments_waiting: usize,
    /// Files that are not kept.
    pub attachments_absent: Vec<AbsentShape>,
    pub created_at: String,
    /// Since when it has read as it does.
    pub edited_at: Option<String>,
    /// How it read before and reads now, the oldest first: for staff, where it was edited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<VersionShape>,
    /// Its author took it back.
    pub retracted: bool,
    /// For staff alone.
    pub internal: bool,
    /// Why it is where it is, for staff: `rule`, and by rule what belongs to it; of the threader's `percent` (so many of a hundred like it
    /// are right), `why` and `alternatives`, the numbers of the next best discussions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<serde_json::Value>,
    /// How sure that is, for staff: `sure`, `likely` (a person should look), `new`, `other`, `waits`, or `confirmed` or `corrected` by a
    /// person; absent where nothing had to be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
}

/// How a post read from then on.
#[derive(Serialize, ToSchema)]
pub struct VersionShape {
    pub at: String,
    pub body_text: String,
}

/// A file beside a post.
#[derive(Serialize, ToSchema)]
pub struct AttachmentShape {
    pub name: String,
    pub content_type: String,
    /// Octets.
    pub size: i64,
    pub url: String,
    /// A small picture of it, of at most 480 pixels an edge: JPEG or WebP.
    pub thumbnail_url: Option<String>,
    /// Of a picture as people see it, in pixels; of a film its preview's.
    pub width: Option<i64>,
    pub height: Option<i64>,
}

/// A file that was sent and is not kept.
#[derive(Serialize, ToSchema)]
pub struct AbsentShape {
    pub id: String,
    pub name: String,
    /// Octets, where that is known.
    pub size: Option<i64>,
    /// `withdrawn`, `failed`, `external` or `too_large`. What failed or was too large, staff can have fetched again: `POST /files/{id}`.
    pub status: AttachmentStatus,
}

/// A discussion as lists show it.
pub async fn discussion(c: &mut AnyConnection, app: &App, d: &Discussion) -> Result<DiscussionShape> {
    let assignee = match d.assignee {
        Some(id) => persons::email(c, id).await?,
        None => None,
    };
    Ok(DiscussionShape {
        number: d.number,
        title: d.title.clone(),
        status: d.status,
        project: projects::get(c, d.project).await?.key,
        assignee,
        urgent: d.urgent,
        source: d.source,
        opened_at: time(d.opened_at),
        last_post_at: time(d.last_post_at),
        url: app.config.server.discussion_url(d.number),
        other: d.other,
    })
}

/// A discussion with what the viewer's part in it lets them see.
pub async fn with_posts(c: &mut AnyConnection, app: &App, d: &Discussion, role: Role) -> Result<DiscussionWithPosts> {
    let said = posts::of_discussion(c, d.id, role.is_staff()).await?;
    let files = attachments::of_discussion(c, d.id).await?;
    let wordings = if role.is_staff() { versions::of_discussion(c, d.id).await? } else { vec![] };
    let shapes = said.iter().map(|p| post(app, p, &files, &wordings, role)).collect();
    let events = discussion_events::of_discussion(c, d.id, EVENTS_MAX).await?;
    let events = events
        .into_iter()
        .filter(|e| role.is_staff() || !e.what.is_for_staff())
        .map(|e| EventShape { at: time(e.at), by: e.by, via: e.via, what: e.what })
        .collect();
    let all = if role.is_staff() { watchers::all(c, d.id, WATCHERS_MAX).await? } else { vec![] };
    let watchers = all.into_iter().map(|w| WatcherShape { name: w.name, since: time(w.since) }).collect();
    Ok(DiscussionWithPosts { discussion: discussion(c, app, d).await?, posts: shapes, events, correction: None, watchers })
}

/// One post with its files and versions, of which `files` and `versions` may hold more.
pub fn post(app: &App, p: &Post, files: &[Attachment], versions: &[Version], viewer: Role) -> PostShape {
    let mine = || files.iter().filter(|a| a.post == p.id && p.retracted_at.is_none());
    let ready = mine().filter(|a| a.status == AttachmentStatus::Ready);
    let texts = app.texts();
    let body = match p.kind.strip_prefix("unsupported:") {
        Some(kind) if p.body.is_empty() && p.retracted_at.is_none() => texts.fill("post.unsupported", &[("kind", kind)]),
        _ => p.body.clone(),
    };
    let name = if p.author.is_empty() { texts.get("person.unknown").to_owned() } else { p.author.clone() };
    PostShape {
        id: p.id.to_string(),
        author: AuthorShape { name, role: p.role },
        source: p.source,
        kind: p.kind.clone(),
        body_html: html(&body),
        body_text: body,
        attachments: ready
            .map(|a| AttachmentShape {
                name: a.name.clone(),
                content_type: a.content_type.clone(),
                size: a.size.unwrap_or(0),
                url: file_url(&app.config.server, a),
                thumbnail_url: a.thumbnail.sha256.as_ref().map(|_| format!("{}/thumbnails/{}", app.config.server.public_url, a.id)),
                width: a.thumbnail.size.map(|(width, _)| width),
                height: a.thumbnail.size.map(|(_, height)| height),
            })
            .collect(),
        attachments_absent: mine()
            .filter(|a| !matches!(a.status, AttachmentStatus::Ready | AttachmentStatus::Waiting))
            .map(|a| AbsentShape { id: a.id.to_string(), name: a.name.clone(), size: a.size, status: a.status })
            .collect(),
        attachments_waiting: mine().filter(|a| a.status == AttachmentStatus::Waiting).count(),
        created_at: time(p.created_at),
        edited_at: p.edited_at.map(time),
        versions: versions
            .iter()
            .filter(|v| v.post == p.id && p.retracted_at.is_none())
            .map(|v| VersionShape { at: time(v.at), body_text: v.body.clone() })
            .collect(),
        retracted: p.retracted_at.is_some(),
        internal: p.internal,
        why: serde_json::from_str(&p.evidence).ok().filter(|_| viewer.is_staff()),
        class: p.class.clone().filter(|_| viewer.is_staff()),
    }
}

/// The text, escaped, with its line breaks.
fn html(text: &str) -> String {
    let escaped = maud::html! { (text) }.into_string();
    if escaped.is_empty() { escaped } else { format!("<p>{}</p>", escaped.replace("\r\n", "\n").replace('\n', "<br>")) }
}

/// Only staff of a project may do something.
pub fn staff_only(role: Role) -> std::result::Result<(), crate::web::error::Problem> {
    if role.is_staff() { Ok(()) } else { Err(crate::web::error::Problem::forbidden("only staff of the project may do this")) }
}
