//! Freezing what a LINE chat is told: for free with a fresh reply token, paid once a deadline has passed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::line_replies;
use super::{budget, calendar};
use crate::App;
use crate::channels::line::render::{self, Card};
use crate::domain::{ChatId, DiscussionId, NoticeId, NoticeKind, PostId, REPLY_TOKEN_GOOD_FOR, Via};
use crate::store::chats::Chat;
use crate::store::deliveries::NewDelivery;
use crate::store::discussions::Discussion;
use crate::store::notices::{NewNotice, Notice, Target};
use crate::store::{self, Tx, chats, deliveries, discussions, members, notices, posts, projects, reply_tokens};

/// Notices looked at for one chat.
const NOTICES_MAX: i64 = 200;

/// A delivery's frozen body: the message objects, and which discussions each is about.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Frozen {
    pub messages: Vec<Value>,
    pub about: Vec<Vec<i64>>,
}

/// Freezes what waits for the chat if it may leave now. Whether a delivery was made.
pub(super) async fn freeze(app: &App, id: ChatId) -> Result<bool, store::Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    chats::lock(&mut tx, app.db.dialect, id).await?;
    let chat = chats::get(&mut tx, id).await?;
    let waiting = notices::of_chat(&mut tx, id, NOTICES_MAX).await?;
    let (expired, waiting): (Vec<Notice>, Vec<Notice>) = waiting.into_iter().partition(|n| n.expires_at.is_some_and(|at| at <= now));
    if !expired.is_empty() {
        let expired: Vec<NoticeId> = expired.iter().map(|n| n.id).collect();
        notices::drop_all(&mut tx, &expired, "it was of no use any more when it could have left").await?;
    }
    let (due, later): (Vec<Notice>, Vec<Notice>) = waiting.into_iter().partition(|n| n.due_at <= now);
    if due.is_empty() {
        tx.commit().await?;
        return Ok(false);
    }
    let all: Vec<NoticeId> = due.iter().map(|n| n.id).collect();
    if chat.left_at.is_some() {
        notices::fail_all(&mut tx, &all, "the account is no longer in this chat").await?;
        tx.commit().await?;
        return Ok(false);
    }
    // An acknowledgement is on its way to leave within the minute: what waits goes along, on the same token. Who tapped or asked is not
    // kept waiting; their event brought a token of its own.
    let soon = |n: &Notice| n.kind == NoticeKind::Opened && n.due_at.duration_since(now) < REPLY_TOKEN_GOOD_FOR;
    if later.iter().any(soon) && due.iter().all(|n| n.kind != NoticeKind::Replied) {
        return Ok(false);
    }
    let bundle = gather(&mut tx, app, &chat, &due).await?;
    if bundle.parts.is_empty() {
        notices::drop_all(&mut tx, &all, "what it told of was taken back").await?;
        tx.commit().await?;
        return Ok(false);
    }
    let not_before = now - REPLY_TOKEN_GOOD_FOR;
    let token = reply_tokens::take_freshest(&mut tx, id, not_before, now).await?;
    if token.is_none() && !may_pay(&mut tx, app, &chat, &due, bundle.urgent).await? {
        tx.commit().await?;
        return Ok(false);
    }
    let messages = render::combine(bundle.parts.iter().map(|(message, _)| message.clone()).collect());
    let about = bundle.parts.into_iter().map(|(_, about)| about.into_iter().map(|d| d.0).collect()).collect();
    let body = serde_json::to_string(&Frozen { messages, about }).expect("message objects are JSON");
    let new = NewDelivery {
        uuid: Uuid::new_v4(),
        via: if token.is_some() { Via::LineReply } else { Via::LinePush },
        target: chat.external_id.as_str(),
        chat: Some(id),
        person: None,
        discussion: None,
        body: &body,
        reply_token: token.as_ref().map(|(token, _)| token.as_str()),
        message_id: None,
        heads: if token.is_some() { 0 } else { chat.member_count.unwrap_or(1) },
        now,
    };
    let delivery = deliveries::add(&mut tx, &new).await?;
    notices::freeze(&mut tx, &all, delivery).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whether something due may cost a push now. Where the month's money is spent, clients with an address get a mail instead, once, and the
/// notice goes on waiting for a free ride.
async fn may_pay(tx: &mut Tx, app: &App, chat: &Chat, due: &[Notice], urgent: bool) -> Result<bool, store::Error> {
    let now = app.clock.now();
    let ripe: Vec<&Notice> = due.iter().filter(|n| n.deadline_at <= now).collect();
    if ripe.is_empty() {
        return Ok(false);
    }
    if !urgent && let Some(until) = calendar::closed_until(app, now) {
        for notice in ripe {
            notices::postpone(tx, notice.id, until, "quiet hours").await?;
        }
        return Ok(false);
    }
    let Some(until) = budget::spent_until(tx, app, chat).await? else { return Ok(true) };
    for notice in ripe {
        notices::postpone(tx, notice.id, until, "the month's LINE budget is spent; waiting for a free reply").await?;
        mail_instead(tx, app, notice).await?;
    }
    Ok(false)
}

/// The project's clients who have a mail address are told by mail what LINE cannot be paid to tell.
pub(super) async fn mail_instead(tx: &mut Tx, app: &App, notice: &Notice) -> Result<(), store::Error> {
    let now = app.clock.now();
    let (Some(discussion), Some(_), Some(_)) = (notice.discussion, notice.post, &app.smtp) else { return Ok(()) };
    if notice.kind != NoticeKind::Answered {
        return Ok(());
    }
    let project = discussions::get(tx, discussion).await?.project;
    for client in members::clients_with_email(tx, project).await? {
        let new = NewNotice {
            kind: notice.kind,
            discussion: notice.discussion,
            post: notice.post,
            target: Target::Person(client),
            due_at: now,
            deadline_at: now,
            now,
            detail: None,
            expires_at: None,
        };
        notices::add(tx, &new).await?;
    }
    Ok(())
}

/// Message objects with the discussions that each is about.
struct Bundle {
    parts: Vec<(Value, Vec<DiscussionId>)>,
    urgent: bool,
}

/// What one discussion's card shows.
struct Shown {
    discussion: Discussion,
    answered: bool,
    said_by: Option<String>,
    excerpt: Option<String>,
}

async fn gather(tx: &mut Tx, app: &App, chat: &Chat, due: &[Notice]) -> Result<Bundle, store::Error> {
    let locale = app.config.server.locale;
    let project = projects::get(tx, chat.project).await?;
    let mut shown: BTreeMap<DiscussionId, Shown> = BTreeMap::new();
    let mut parts = vec![];
    for notice in due {
        let Some(id) = notice.discussion else {
            match notice.kind {
                NoticeKind::Joined => {
                    let name = chat.bound.then_some(project.name.as_str());
                    parts.push((render::joined(locale, &app.config.server.public_url, name), vec![]));
                }
                NoticeKind::Replied => parts.extend(line_replies::part(tx, app, chat, notice).await?),
                _ => {}
            }
            continue;
        };
        let Some(post) = post_of(tx, notice.post).await? else { continue };
        let found = discussions::get(tx, id).await?;
        let discussion = discussions::follow(tx, found).await?;
        let answered = notice.kind == NoticeKind::Answered;
        let card = shown.entry(discussion.id).or_insert(Shown { discussion, answered, said_by: None, excerpt: None });
        card.answered |= answered;
        if answered {
            card.said_by = Some(post.author);
            card.excerpt = Some(post.body).filter(|_| project.excerpts);
        }
    }
    let urgent = shown.values().any(|s| s.discussion.urgent);
    for answered in [false, true] {
        let of_kind: Vec<&Shown> = shown.values().filter(|s| s.answered == answered).collect();
        if of_kind.is_empty() {
            continue;
        }
        let urls: Vec<String> = of_kind.iter().map(|s| app.config.server.discussion_url(s.discussion.number)).collect();
        let cards: Vec<Card<'_>> = of_kind
            .iter()
            .zip(&urls)
            .map(|(s, url)| Card {
                number: s.discussion.number,
                title: &s.discussion.title,
                status: s.discussion.status,
                url,
                said_by: s.said_by.as_deref().filter(|n| !n.is_empty()),
                excerpt: s.excerpt.as_deref(),
            })
            .collect();
        let message = if answered { render::answered(locale, &cards) } else { render::opened(locale, &cards) };
        parts.push((message, of_kind.iter().map(|s| s.discussion.id).collect()));
    }
    Ok(Bundle { parts, urgent })
}

/// The post, unless it was taken back or is internal.
async fn post_of(tx: &mut Tx, id: Option<PostId>) -> Result<Option<posts::Post>, store::Error> {
    let Some(id) = id else { return Ok(None) };
    Ok(posts::find(tx, id).await?.filter(|p| p.retracted_at.is_none() && !p.internal))
}
