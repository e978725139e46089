//! Freezing what a LINE chat is told: what waits is gathered ([`facts`]), [`policy`] decides, and what leaves is written as one delivery.

mod facts;
mod line_card;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use self::facts::Fact;
use super::mail_instead::mail_instead;
use super::policy::{self, Act, Chances, Decision, Held, Means, Pointless, Waiting};
use super::{budget, calendar, line_replies, own_chat, script_parts, targets};
use crate::App;
use crate::channels::line::render;
use crate::domain::{ChatId, DiscussionId, NoticeId, NoticeKind, ProjectId, REPLY_TOKEN_GOOD_FOR, Via, Why};
use crate::store::chats::Chat;
use crate::store::deliveries::NewDelivery;
use crate::store::notices::Notice;
use crate::store::projects::Project;
use crate::store::{self, Tx, chats, deliveries, notices, projects, reply_tokens};

/// Notices looked at for one chat; what is left for later rounds presses less than these.
const NOTICES_MAX: i64 = 200;

/// A delivery's frozen body: the message objects, and which discussions each is about.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Frozen {
    pub messages: Vec<Value>,
    pub about: Vec<Vec<i64>>,
    /// Nobody's telephone rings.
    #[serde(default)]
    pub quiet: bool,
}

/// Freezes what waits for the chat if it may leave now, as [`policy::decide`] says. Whether a delivery was made.
pub(super) async fn freeze(app: &App, id: ChatId) -> Result<bool, store::Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    chats::lock(&mut tx, app.db.dialect, id).await?;
    let chat = chats::get(&mut tx, id).await?;
    let promised = notices::of_chat(&mut tx, id, now, NOTICES_MAX).await?;
    if let Some(why) = targets::out_of_reach(&mut tx, &chat).await? {
        let due: Vec<Notice> = promised.into_iter().filter(|n| n.due_at <= now).collect();
        targets::refuse(&mut tx, app, &chat, &due, &why).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let facts = facts::gather(&mut tx, app, &chat, promised, now).await?;
    let waiting: Vec<Waiting> = facts.iter().map(|fact| fact.waiting(&chat)).collect();
    let chances = chances(&mut tx, app, &chat, &waiting).await?;
    let Decision { dropped, act } = policy::decide(now, &waiting, &chances);
    drop_pointless(&mut tx, &dropped).await?;
    let left = match act {
        Act::Wait => false,
        Act::Postpone { these, until, why } => {
            postpone(&mut tx, app, &facts, &these, (until, &why)).await?;
            false
        }
        Act::Leave { these, free, payer } => leave(&mut tx, app, &chat, &facts, (&these, free, payer)).await?,
    };
    tx.commit().await?;
    Ok(left)
}

/// What the world offers: a fresh token; where there is none and something may be paid for, each payer's calendar and money.
async fn chances(tx: &mut Tx, app: &App, chat: &Chat, waiting: &[Waiting]) -> Result<Chances, store::Error> {
    let now = app.clock.now();
    let fresh = reply_tokens::freshest(tx, chat.id, now - REPLY_TOKEN_GOOD_FOR).await?;
    let mut chances = Chances { free_until: fresh.map(|at| at + REPLY_TOKEN_GOOD_FOR), ..Chances::default() };
    if fresh.is_some() {
        return Ok(chances);
    }
    let payers: BTreeSet<ProjectId> = waiting.iter().filter(|n| policy::is_ripe(n, now)).map(|n| n.payer).collect();
    for payer in payers {
        let mut means = Means { closed_until: calendar::closed_until(tx, app, payer, now).await?, spent: None };
        if means.closed_until.is_none() || waiting.iter().any(|n| n.urgent) {
            means.spent = budget::held_back(tx, app, chat, payer).await?.map(|held| (held.until, held.why));
        }
        chances.of.insert(payer, means);
    }
    Ok(chances)
}

async fn drop_pointless(tx: &mut Tx, dropped: &[(NoticeId, Pointless)]) -> Result<(), store::Error> {
    for (id, why) in dropped {
        notices::drop_all(tx, &[*id], Why::from(*why).as_str()).await?;
    }
    Ok(())
}

/// They are not paid for before `until`. Where the month's money is spent, clients with an address get a mail instead, once, and the
/// notice goes on waiting for a free ride.
async fn postpone(
    tx: &mut Tx,
    app: &App,
    facts: &[Fact],
    these: &[NoticeId],
    (until, why): (Timestamp, &Held),
) -> Result<(), store::Error> {
    let reason = match why {
        Held::Closed(why) => why.reason(),
        Held::Spent(why) => why.as_str().to_owned(),
    };
    for fact in facts.iter().filter(|f| these.contains(&f.notice.id)) {
        notices::postpone(tx, fact.notice.id, until, &reason).await?;
        if matches!(why, Held::Spent(_)) {
            mail_instead(tx, app, &fact.notice).await?;
        }
    }
    Ok(())
}

/// Freezes them, the most pressing of which come first, as one delivery. Whether there was anything to say.
async fn leave(
    tx: &mut Tx,
    app: &App,
    chat: &Chat,
    facts: &[Fact],
    (these, free, payer): (&[NoticeId], bool, ProjectId),
) -> Result<bool, store::Error> {
    let now = app.clock.now();
    let leaving: Vec<&Fact> = facts.iter().filter(|f| these.contains(&f.notice.id)).collect();
    let parts = parts(tx, app, chat, &leaving).await?;
    let pressing = these.iter().filter_map(|id| leaving.iter().find(|f| f.notice.id == *id)).map(|f| &f.notice);
    let ride = script_parts::ride(tx, app, pressing, parts.len()).await?;
    let these: Vec<NoticeId> = these.iter().copied().filter(|id| !ride.left_behind.contains(id)).collect();
    if parts.is_empty() && ride.messages.is_empty() {
        notices::drop_all(tx, &these, Why::from(Pointless::TakenBack).as_str()).await?;
        return Ok(false);
    }
    let token = if free { reply_tokens::take_freshest(tx, chat.id, now - REPLY_TOKEN_GOOD_FOR, now).await? } else { None };
    if free && token.is_none() {
        return Ok(false);
    }
    let quiet = ride.quiet && parts.is_empty();
    let mut messages = render::combine(parts.iter().map(|(message, _)| message.clone()).collect());
    messages.extend(ride.messages);
    let about = parts.into_iter().map(|(_, about)| about.into_iter().map(|d| d.0).collect()).collect();
    let body = serde_json::to_string(&Frozen { messages, about, quiet }).expect("message objects are JSON");
    let new = NewDelivery {
        uuid: Uuid::new_v4(),
        via: if free { Via::LineReply } else { Via::LinePush },
        target: chat.external_id.as_str(),
        chat: Some(chat.id),
        person: None,
        discussion: None,
        // Whose the chat is may change; what is told of another project stays with that.
        payer: Some(payer),
        body: &body,
        reply_token: token.as_ref().map(|(token, _)| token.as_str()),
        message_id: None,
        heads: if free { 0 } else { chat.heads() },
        now,
    };
    let delivery = deliveries::add(tx, &new).await?;
    notices::freeze(tx, &these, delivery).await?;
    Ok(true)
}

/// A message object with the discussions that it is about.
type Part = (Value, Vec<DiscussionId>);

/// What these say in the chat: what is an object of its own in the order in which it was promised, then one card for all discussions.
async fn parts(tx: &mut Tx, app: &App, chat: &Chat, leaving: &[&Fact]) -> Result<Vec<Part>, store::Error> {
    let project = projects::get(tx, chat.project).await?;
    let own = leaving.iter().filter(|f| f.personal).map(|f| &f.notice);
    let mut parts: Vec<Part> = own_chat::message(tx, app, chat, own).await?.map(|message| (message, vec![])).into_iter().collect();
    for fact in leaving {
        match fact.notice.kind {
            NoticeKind::Joined => parts.push(joined(app, chat, &project)),
            NoticeKind::Replied => parts.extend(line_replies::part(tx, app, chat, &fact.notice).await?),
            _ => {}
        }
    }
    parts.extend(line_card::part(app, &project, leaving));
    Ok(parts)
}

fn joined(app: &App, chat: &Chat, project: &Project) -> Part {
    let name = chat.bound.then_some(project.name.as_str());
    (render::joined(app.config.server.locale, &app.config.server.public_url, name), vec![])
}
