//! What a person is told in their own chat with the account of discussions that are held elsewhere.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value;

use super::mail_bundle::readable;
use crate::App;
use crate::channels::line::render::{self, Card};
use crate::discussions::{MENTIONED, part_in};
use crate::domain::{Channel, ChatKind, DiscussionId, NoticeKind, PersonId, Why};
use crate::store::chats::Chat;
use crate::store::discussions::Discussion;
use crate::store::notices::{NewNotice, Notice, Target};
use crate::store::posts::Post;
use crate::store::{self, Tx, chats, discussions, notices, persons, posts, projects, watchers};

/// Whether what tells of this discussion in this chat is for the one person whose own chat it is: the discussion is not held in it.
pub(super) fn is_personal(chat: &Chat, discussion: &Discussion) -> bool {
    chat.kind == ChatKind::User && discussion.chat != Some(chat.id)
}

/// Whose own chat the notice goes to, if it is for them alone.
pub(super) async fn reader(tx: &mut Tx, notice: &Notice) -> Result<Option<PersonId>, store::Error> {
    let (Some(chat), Some(discussion)) = (notice.chat, notice.discussion) else { return Ok(None) };
    let chat = chats::get(tx, chat).await?;
    if !is_personal(&chat, &discussions::get(tx, discussion).await?) {
        return Ok(None);
    }
    reader_of(tx, &chat).await
}

/// LINE cannot be paid to tell them: they are told by mail, and in LINE no more. Who has no address goes on waiting for a free ride.
pub(super) async fn mail_instead(tx: &mut Tx, app: &App, notice: &Notice, reader: PersonId) -> Result<(), store::Error> {
    if persons::email(tx, reader).await?.is_none() {
        return Ok(());
    }
    let now = app.clock.now();
    let new = NewNotice {
        kind: notice.kind,
        discussion: notice.discussion,
        post: notice.post,
        target: Target::Person(reader),
        due_at: now,
        deadline_at: now,
        now,
        detail: notice.detail.clone(),
        expires_at: None,
    };
    notices::add(tx, &new).await?;
    notices::drop_all(tx, &[notice.id], Why::MailedInstead.as_str()).await
}

/// What one discussion's card shows: the news that speaks to its reader, or else the latest, and how much else there is.
struct Shown {
    discussion: Discussion,
    news: News,
    more: usize,
}

/// What one notice tells its reader.
struct News {
    heading: String,
    post: Option<Post>,
    /// It speaks to them by name, or gives them the discussion.
    to_them: bool,
}

/// Whether the notice still has something to tell the person whose own chat it is.
pub(super) async fn has_something(tx: &mut Tx, app: &App, chat: &Chat, notice: &Notice) -> Result<bool, store::Error> {
    let Some(reader) = reader_of(tx, chat).await? else { return Ok(false) };
    Ok(about(tx, app, reader, notice).await?.is_some())
}

/// The cards of what leaves for somebody's own chat, as one message object. Neither who may not read (any more) nor who turned the
/// discussion off is told; internal posts are for staff alone. No quote of such a card says where a message belongs: it is not the chat
/// that the discussion is held in.
pub(super) async fn message(
    tx: &mut Tx,
    app: &App,
    chat: &Chat,
    leaving: impl Iterator<Item = &Notice>,
) -> Result<Option<Value>, store::Error> {
    let Some(reader) = reader_of(tx, chat).await? else { return Ok(None) };
    let mut shown: BTreeMap<DiscussionId, Shown> = BTreeMap::new();
    for notice in leaving {
        let Some((discussion, news)) = about(tx, app, reader, notice).await? else { continue };
        match shown.entry(discussion.id) {
            Entry::Vacant(first) => drop(first.insert(Shown { discussion, news, more: 0 })),
            Entry::Occupied(mut card) => {
                let card = card.get_mut();
                card.more += 1;
                if news.to_them || !card.news.to_them {
                    card.news = news;
                }
            }
        }
    }
    if shown.is_empty() {
        return Ok(None);
    }
    let mut told = Vec::with_capacity(shown.len());
    for Shown { discussion, news, more } in shown.into_values() {
        let excerpts = projects::get(tx, discussion.project).await?.excerpts;
        let excerpt = news.post.filter(|p| excerpts && !p.internal).map(|p| p.body);
        let heading = match more {
            0 => news.heading,
            _ => app.texts().fill("line.own_more", &[("told", &news.heading), ("count", &more.to_string())]),
        };
        told.push((app.config.server.discussion_url(discussion.number), discussion, heading, excerpt));
    }
    let cards: Vec<(Card<'_>, &str)> = told
        .iter()
        .map(|(url, discussion, heading, excerpt)| {
            let Discussion { number, title, status, .. } = discussion;
            let card = Card { number: *number, title, status: *status, url, said_by: None, excerpt: excerpt.as_deref() };
            (card, heading.as_str())
        })
        .collect();
    Ok(Some(render::personal(app.config.server.locale, &cards)))
}

async fn reader_of(tx: &mut Tx, chat: &Chat) -> Result<Option<PersonId>, store::Error> {
    if chat.kind != ChatKind::User {
        return Ok(None);
    }
    Ok(persons::find_by_identity(tx, Channel::Line, chat.external_id.as_str()).await?.map(|p| p.id))
}

/// What the notice tells its reader, and the discussion that it is about.
async fn about(tx: &mut Tx, app: &App, reader: PersonId, notice: &Notice) -> Result<Option<(Discussion, News)>, store::Error> {
    let post = match notice.post {
        Some(id) => posts::find(tx, id).await?,
        None => None,
    };
    let Some(id) = post.map(|p| p.discussion).or(notice.discussion) else { return Ok(None) };
    let found = discussions::get(tx, id).await?;
    let discussion = discussions::follow(tx, found).await?;
    let told = told(tx, app, notice, &discussion, reader).await?;
    Ok(told.map(|news| (discussion, news)))
}

/// What the notice tells its reader; `None` where there is nothing (any more) that they may know, or want to.
async fn told(tx: &mut Tx, app: &App, notice: &Notice, discussion: &Discussion, reader: PersonId) -> Result<Option<News>, store::Error> {
    let Some(role) = part_in(tx, discussion.project, reader).await? else { return Ok(None) };
    let mentioned = notice.detail.as_deref() == Some(MENTIONED);
    let to_them = role.is_staff() && (mentioned || notice.kind == NoticeKind::Assigned);
    if !to_them && watchers::wants_no_mail(tx, discussion.id, reader).await? {
        return Ok(None);
    }
    let post = readable(tx, notice, role.is_staff()).await?;
    if notice.post.is_some() && post.is_none() {
        return Ok(None);
    }
    let texts = app.texts();
    let name = post.as_ref().map(|p| p.author.as_str()).filter(|a| !a.is_empty()).unwrap_or(texts.get("person.unknown"));
    let detail = notice.detail.as_deref().unwrap_or_default();
    let key = match notice.kind {
        _ if mentioned => "line.own_mentioned",
        _ if post.as_ref().is_some_and(|p| p.internal) => "line.own_internal",
        NoticeKind::Opened => "line.own_opened",
        NoticeKind::ClientPosted => "line.own_posted",
        NoticeKind::Answered => "line.answered_by",
        NoticeKind::StatusChanged => "line.status_changed",
        NoticeKind::Assigned => "line.own_assigned",
        NoticeKind::Moved => "line.own_moved",
        NoticeKind::NotSolved => "line.own_not_solved",
        NoticeKind::Bounced => "line.own_bounced",
        NoticeKind::Task | NoticeKind::TaskDue => "line.own_task",
        _ => return Ok(None),
    };
    let heading = texts.fill(key, &[("name", name), ("what", detail)]);
    Ok(Some(News { heading, post, to_them }))
}
