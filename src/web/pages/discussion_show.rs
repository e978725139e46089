//! `GET /d/{number}`: where every notice's link leads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sqlx::AnyConnection;
use uuid::Uuid;

use super::{Answer, QueryOf, Refusal, answer, correct, html, notices_list, number_of, person_picture, staff_or_client};
use crate::App;
use crate::config::MB_OCTETS;
use crate::discussions::{self as acts, Viewer};
use crate::domain::{ChatId, ChatKind, NoticeKind, PersonId, PostId, Role, Way};
use crate::store::attachments::{Attachment, AttachmentStatus};
use crate::store::chats::Chat;
use crate::store::discussions::Discussion;
use crate::store::mail_posts::FromElsewhere;
use crate::store::posts::Post;
use crate::store::projects::Project;
use crate::store::versions::Version;
use crate::store::{
    self, attachments, chats, corrections, discussion_events, friends, held_mails, identities, listening, mail_posts, notice_lists,
    notices, persons, posts, presence, projects, versions, watchers,
};
use crate::web::file_url;
use crate::web::templates::Look;
use crate::web::templates::cost::{Cost, Waiting};
use crate::web::templates::discussion::{Draft, Mails, Shown, discussion as draw};
use crate::web::templates::files::FileView;
use crate::web::templates::post::{Beside, PostView};
use crate::web::templates::told::NoticeView;

/// Posts on the page at first; the reader may ask for all.
const POSTS_SHOWN: usize = 200;
/// Posts on the page at most: the last ones.
const POSTS_MAX: usize = 5000;
/// Changes on the page at most: the last ones.
const EVENTS_MAX: i64 = 1000;
/// Notices that are looked at for one page: the last ones.
const NOTICES_MAX: i64 = 2000;
/// Corrections that are offered to be undone: the last ones.
const UNDOABLE_MAX: i64 = 20;
/// Authors whose pictures are shown; the others have their initials.
const PICTURES_MAX: usize = 500;

/// Held mails on the page at most: the last ones.
const HELD_MAX: i64 = 50;
/// People who are mentioned and whose names are looked up for one page.
const MENTIONED_MAX: usize = 1000;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Params {
    #[serde(default)]
    all: String,
}

/// The discussion's page.
pub(super) async fn show(State(app): State<Arc<App>>, Path(number): Path<String>, params: QueryOf<Params>, headers: HeaderMap) -> Response {
    let all = params.is_ok_and(|Query(p)| !p.all.is_empty());
    answer(&app, page(&app, &number, all, &headers).await)
}

async fn page(app: &App, number: &str, all: bool, headers: &HeaderMap) -> Answer {
    let number = number_of(number)?;
    let viewer = staff_or_client(app, headers, &format!("/d/{number}")).await?;
    let mut c = app.db.snapshot().await?;
    let (discussion, role) = viewer.discussion(&mut c, number).await?.ok_or(Refusal::NotFound)?;
    if discussion.number != number {
        return Err(Refusal::Elsewhere(format!("/d/{}", discussion.number)));
    }
    let draft = Draft { form_id: Uuid::new_v4().to_string(), ..Draft::default() };
    let limit = if all { POSTS_MAX } else { POSTS_SHOWN };
    let shown = gather(&mut c, app, &viewer, (discussion, role), limit, draft).await?;
    drop(c);
    Ok(html(StatusCode::OK, draw(&Look::by(app, &viewer), &shown)))
}

/// The page again, for somebody whose form was refused: with what they wrote, or why a change failed.
pub(super) async fn again(app: &App, viewer: &Viewer, number: i64, draft: Option<Draft>, trouble: Option<String>) -> Answer {
    let mut c = app.db.read().await?;
    let found = viewer.discussion(&mut c, number).await?.ok_or(Refusal::NotFound)?;
    let draft = draft.unwrap_or_else(|| Draft { form_id: Uuid::new_v4().to_string(), ..Draft::default() });
    let shown = Shown { trouble, ..gather(&mut c, app, viewer, found, POSTS_SHOWN, draft).await? };
    drop(c);
    Ok(html(StatusCode::UNPROCESSABLE_ENTITY, draw(&Look::by(app, viewer), &shown)))
}

/// The page with something in the reply box.
pub(super) async fn with_draft(app: &App, viewer: &Viewer, number: i64, draft: Draft) -> Answer {
    let mut c = app.db.snapshot().await?;
    let found = viewer.discussion(&mut c, number).await?.ok_or(Refusal::NotFound)?;
    let shown = gather(&mut c, app, viewer, found, POSTS_SHOWN, draft).await?;
    drop(c);
    Ok(html(StatusCode::OK, draw(&Look::by(app, viewer), &shown)))
}

async fn gather(
    c: &mut AnyConnection,
    app: &App,
    viewer: &Viewer,
    (discussion, role): (Discussion, Role),
    limit: usize,
    draft: Draft,
) -> store::Result<Shown> {
    let mut said = posts::of_discussion(c, discussion.id, role.is_staff()).await?;
    let earlier = said.len().saturating_sub(limit);
    said.drain(..earlier);
    let files = attachments::of_discussion(c, discussion.id).await?;
    let told = if role.is_staff() { notice_lists::of_posts(c, discussion.id, NOTICES_MAX).await? } else { vec![] };
    let told = notices_list::views(c, app, told).await?;
    let wordings = if role.is_staff() { versions::of_discussion(c, discussion.id).await? } else { vec![] };
    let mentioned: BTreeSet<String> = said.iter().flat_map(|p| p.details.mentioned_users()).map(str::to_owned).collect();
    let mentioned: Vec<String> = mentioned.into_iter().take(MENTIONED_MAX).collect();
    let names = posts::names_of_mentioned(c, &mentioned).await?.into_iter().collect();
    let chat = match discussion.chat {
        Some(id) => Some(chats::get(c, id).await?),
        None => None,
    };
    let gaps = match &chat {
        Some(chat) => presence::gaps_of(c, chat).await?,
        None => vec![],
    };
    let project = projects::get(c, discussion.project).await?;
    let concerned = acts::chats_concerned(c, &discussion).await?;
    let heard_in = match concerned.first() {
        Some(first) => Some(chats::get(c, *first).await?),
        None => None,
    };
    let (waiting, cost) = match &heard_in {
        Some(chat) if role.is_staff() => {
            (waiting(c, viewer, &discussion, &said).await?, Some(cost(c, app, (chat, &concerned), &project).await?))
        }
        _ => (BTreeMap::new(), None),
    };
    let beside = Beside { number: discussion.number, gaps, pictures: pictures(c, &said).await?, waiting, cost };
    let assignee = match discussion.assignee {
        Some(id) => persons::find(c, id).await?.map(|p| p.name),
        None => None,
    };
    let mut staff = if role.is_staff() { acts::assignable(c, &discussion, viewer.person).await? } else { vec![] };
    for (_, name) in staff.iter_mut().filter(|(person, _)| *person == viewer.person) {
        *name = app.texts().fill("page.me", &[("name", name)]);
    }
    let others = if role.is_staff() { correct::others(c, &said).await? } else { BTreeMap::new() };
    let undoable = if role.is_staff() {
        corrections::of_discussion(c, discussion.id, app.clock.now() - acts::UNDO_WITHIN, UNDOABLE_MAX).await?
    } else {
        vec![]
    };
    let mails = mails(c, app, viewer, &discussion, role).await?;
    let first = said.first().filter(|_| earlier == 0).map(|p| p.id);
    let mut events = discussion_events::of_discussion(c, discussion.id, EVENTS_MAX).await?;
    let (mut held, mut bounced) = (vec![], vec![]);
    if role.is_staff() {
        held = held_mails::of_discussion(c, discussion.id, HELD_MAX).await?;
        bounced = identities::bounced_in(c, discussion.id).await?;
    } else {
        events.retain(|e| !e.what.is_for_staff());
    }
    let elsewhere = mail_posts::from_elsewhere(c, discussion.id).await?;
    let may_rest = discussion.chat.is_some() && !discussion.other;
    Ok(Shown {
        project: project.name,
        project_key: project.key,
        events,
        posts: views(app, role, said, Around { files, told, wordings, names, others, elsewhere, first, may_rest }),
        undoable,
        beside,
        discussion,
        chat: chat.map(|c| c.name),
        assignee,
        role,
        staff,
        mails,
        earlier,
        draft,
        trouble: None,
        held,
        bounced,
    })
}

/// Answers of which nothing has left yet.
async fn waiting(
    c: &mut AnyConnection,
    viewer: &Viewer,
    discussion: &Discussion,
    said: &[Post],
) -> store::Result<BTreeMap<PostId, Waiting>> {
    let found = notices::answers_waiting(c, discussion.id).await?.into_iter();
    let view = |w: notices::AnswerWaiting| {
        let post = said.iter().find(|p| p.id == w.post && p.retracted_at.is_none())?;
        let may_undo = acts::may_take_back(viewer, post);
        Some((w.post, Waiting { due_at: w.due_at, deadline_at: w.deadline_at, reason: w.reason, may_undo }))
    };
    Ok(found.filter_map(view).collect())
}

/// What pushes into the chats cost that hear of the discussion; `chat` is the first of them.
async fn cost(c: &mut AnyConnection, app: &App, (chat, concerned): (&Chat, &[ChatId]), project: &Project) -> store::Result<Cost> {
    let mut reached: Vec<i64> = vec![];
    for id in concerned {
        let chat = chats::get(c, *id).await?;
        let has_blocked = chat.kind == ChatKind::User && friends::blocks(c, &chat.inbox, &chat.external_id).await?;
        if chat.left_at.is_none() && chat.unreachable.is_none() && !has_blocked {
            reached.push(chat.heads());
        }
    }
    Ok(Cost {
        people: if reached.is_empty() { chat.heads() } else { reached.iter().sum() },
        left: acts::left_for(c, app, chat, project).await?,
        out_of_reach: reached.is_empty(),
        unwanted: listening::of_group(c, project.id, NoticeKind::Answered).await? == Some(Way::Web),
        held_back: acts::held_back(c, app, chat, chat.project).await?,
    })
}

/// Watchers on the page at most.
const WATCHERS_SHOWN: i64 = 100;

/// Whether mails go to the reader, and who follows the discussion, which is for staff.
async fn mails(c: &mut AnyConnection, app: &App, viewer: &Viewer, discussion: &Discussion, role: Role) -> store::Result<Mails> {
    if app.smtp.is_none() {
        return Ok(Mails::default());
    }
    let to_reader = acts::hears_by_mail(c, discussion, viewer.person).await?;
    let all = if role.is_staff() { watchers::all(c, discussion.id, WATCHERS_SHOWN).await? } else { vec![] };
    Ok(Mails { to_reader, watchers: all.into_iter().filter(|w| w.person != viewer.person).map(|w| (w.person, w.name)).collect() })
}

/// The addresses of the authors' pictures.
async fn pictures(c: &mut AnyConnection, said: &[Post]) -> store::Result<BTreeMap<PersonId, String>> {
    let authors: BTreeSet<PersonId> = said.iter().filter_map(|p| p.person).collect();
    let authors: Vec<PersonId> = authors.into_iter().take(PICTURES_MAX).collect();
    let found = identities::pictures(c, &authors).await?;
    Ok(found.into_iter().map(|(person, sha256)| (person, person_picture::address(person, &sha256))).collect())
}

/// What belongs to posts, of all of them together.
struct Around {
    files: Vec<Attachment>,
    told: Vec<NoticeView>,
    wordings: Vec<Version>,
    /// Of those who are mentioned, by LINE's id.
    names: BTreeMap<String, String>,
    /// The next best discussions of what is marked.
    others: BTreeMap<PostId, Vec<(i64, String)>>,
    elsewhere: Vec<FromElsewhere>,
    /// The post that the discussion began with, where it is on the page.
    first: Option<PostId>,
    /// There is a place for what is no matter, and this is not it.
    may_rest: bool,
}

/// Whether another try could bring the file: it failed, or the limit was raised since.
fn may_come(file: &Attachment, bytes_max: u64) -> bool {
    let limit_then = || file.error.as_deref().and_then(|mb| mb.parse::<u64>().ok()).unwrap_or_default();
    let fits = match file.size.and_then(|s| u64::try_from(s).ok()) {
        Some(size) => size <= bytes_max,
        None => limit_then() < bytes_max / MB_OCTETS,
    };
    let from_line = file.message_id.is_some() && file.inbox.is_some();
    from_line && (file.status == AttachmentStatus::Failed || (file.status == AttachmentStatus::TooLarge && fits))
}

/// A file, and where its bytes are.
pub(super) fn file_view(app: &App, role: Role, file: Attachment) -> FileView {
    // Relative, so that the page also works under another name of this server.
    let url = file_url(&app.config.server, &file);
    let path = url.strip_prefix(app.config.server.public_url.as_str()).unwrap_or(&url).to_owned();
    let again = role.is_staff() && may_come(&file, app.config.file_bytes_max);
    FileView { file, url: path, again }
}

fn views(app: &App, role: Role, said: Vec<Post>, around: Around) -> Vec<PostView> {
    let Around { files, told, wordings, names, mut others, elsewhere, first, may_rest } = around;
    let mut files_of: BTreeMap<PostId, Vec<FileView>> = BTreeMap::new();
    for file in files {
        files_of.entry(file.post).or_default().push(file_view(app, role, file));
    }
    let mut told_of: BTreeMap<PostId, Vec<NoticeView>> = BTreeMap::new();
    for notice in told {
        if let Some(post) = notice.row.post {
            told_of.entry(post).or_default().push(notice);
        }
    }
    let mut versions_of: BTreeMap<PostId, Vec<Version>> = BTreeMap::new();
    for version in wordings {
        versions_of.entry(version.post).or_default().push(version);
    }
    let name = |id: &str| names.get(id).map(|name| (id.to_owned(), name.clone()));
    let mut elsewhere: BTreeMap<PostId, FromElsewhere> = elsewhere.into_iter().map(|e| (e.post, e)).collect();
    let view = |post: Post| PostView {
        others: others.remove(&post.id).unwrap_or_default(),
        may_move: role.is_staff(),
        may_rest: role.is_staff() && may_rest,
        elsewhere: elsewhere.remove(&post.id),
        opens: Some(post.id) == first,
        versions: versions_of.remove(&post.id).unwrap_or_default(),
        names: post.details.mentioned_users().filter_map(name).collect(),
        files: files_of.remove(&post.id).unwrap_or_default(),
        told: told_of.remove(&post.id).unwrap_or_default(),
        post,
    };
    said.into_iter().map(view).collect()
}
