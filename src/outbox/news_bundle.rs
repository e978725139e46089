//! Freezing what staff are told by mail of a group itself: who came, that its record stopped, that LINE does not reach it any more. One mail
//! a group and kind. What an account's or a project's month is about is for [`budget_news`], what was announced
//! for [`announcement_mail`].

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{announcement_mail, budget_news};
use crate::App;
use crate::channels::email::render::{self, OutgoingMail};
use crate::discussions::{ChatNews, role_in};
use crate::domain::{ChatId, GapKind, MailAddress, MessageId, NoticeId, NoticeKind, PersonId, Via, Why};
use crate::store::chats::Chat;
use crate::store::deliveries::NewDelivery;
use crate::store::notices::Notice;
use crate::store::persons::Person;
use crate::store::{self, Tx, chats, deliveries, notices, persons, presence, projects, rosters};
use crate::web::templates::When;

/// News of one mail; further ones travel in the next.
const NEWS_MAX: i64 = 200;
/// Names in one sentence; the others are counted.
const NAMES_MAX: usize = 10;

/// What one mail says.
pub(super) struct Letter {
    pub subject: String,
    pub intro: String,
    /// Where it leads: a local path, and the key of what that is called.
    pub link: (String, &'static str),
}

/// Freezes the news that is due for this person, each with what waits beside it. How many deliveries were made.
pub(super) async fn freeze(app: &App, person: PersonId) -> Result<usize, store::Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    persons::lock(&mut tx, app.db.dialect, person).await?;
    let mut groups: BTreeMap<(ChatId, NoticeKind), Vec<(Notice, ChatNews)>> = BTreeMap::new();
    let (mut odd, mut of_budgets, mut announced) = (vec![], vec![], vec![]);
    for notice in notices::news_of(&mut tx, person, NEWS_MAX).await? {
        if notice.kind == NoticeKind::BudgetNear {
            of_budgets.push(notice);
            continue;
        }
        if notice.kind == NoticeKind::Announced {
            announced.push(notice);
            continue;
        }
        match ChatNews::read(notice.detail.as_deref()) {
            Some(news) => groups.entry((news.chat(), notice.kind)).or_default().push((notice, news)),
            None => odd.push(notice.id),
        }
    }
    notices::fail_all(&mut tx, &odd, Why::Unreadable.as_str()).await?;
    let mut made = budget_news::freeze(&mut tx, app, person, of_budgets).await?;
    made += announcement_mail::freeze(&mut tx, app, person, announced).await?;
    for ((chat, kind), told) in groups.into_iter().filter(|(_, told)| told.iter().any(|(n, _)| n.due_at <= now)) {
        let all: Vec<NoticeId> = told.iter().map(|(n, _)| n.id).collect();
        let news: Vec<ChatNews> = told.into_iter().map(|(_, news)| news).collect();
        made += usize::from(freeze_one(&mut tx, app, person, (chat, kind, &news), &all).await?);
    }
    tx.commit().await?;
    Ok(made)
}

async fn freeze_one(
    tx: &mut Tx,
    app: &App,
    person: PersonId,
    (chat, kind, news): (ChatId, NoticeKind, &[ChatNews]),
    all: &[NoticeId],
) -> Result<bool, store::Error> {
    let Some((reader, address)) = reader_of(tx, app, person, all).await? else { return Ok(false) };
    let chat = chats::get(tx, chat).await?;
    if !role_in(tx, chat.project, &reader).await?.is_staff() {
        notices::drop_all(tx, all, Why::NotTheirs.as_str()).await?;
        return Ok(false);
    }
    let letter = match kind {
        NoticeKind::Newcomer => newcomers(tx, app, &chat, news).await?,
        NoticeKind::TargetGone => target_gone(tx, app, &chat).await?,
        _ => gap(tx, app, &chat, news).await?,
    };
    let Some(letter) = letter else {
        notices::drop_all(tx, all, Why::NoLongerSo.as_str()).await?;
        return Ok(false);
    };
    send(tx, app, &letter, (&reader, &address), all).await?;
    Ok(true)
}

/// Who reads it, and where; its notices have failed where they cannot be written to.
pub(super) async fn reader_of(
    tx: &mut Tx,
    app: &App,
    person: PersonId,
    all: &[NoticeId],
) -> Result<Option<(Person, String)>, store::Error> {
    let reader = persons::find(tx, person).await?;
    let address = persons::email(tx, person).await?;
    let (Some(reader), Some(address), Some(_)) = (reader, address, &app.config.smtp) else {
        notices::fail_all(tx, all, Why::NoAddress.as_str()).await?;
        return Ok(None);
    };
    Ok(Some((reader, address)))
}

/// Freezes the letter; the notices travel in it.
pub(super) async fn send(
    tx: &mut Tx,
    app: &App,
    letter: &Letter,
    (reader, address): (&Person, &str),
    all: &[NoticeId],
) -> Result<(), store::Error> {
    let uuid = Uuid::new_v4();
    let (message_id, raw) = write(app, letter, reader, address, uuid);
    freeze_mail(tx, app, (reader.id, address), Written { uuid, message_id, raw }, all).await
}

/// A mail as it leaves.
pub(super) struct Written {
    pub uuid: Uuid,
    pub message_id: MessageId,
    pub raw: Vec<u8>,
}

/// Freezes a mail that is about no one discussion, to a person at an address; the notices travel in it.
pub(super) async fn freeze_mail(
    tx: &mut Tx,
    app: &App,
    (person, address): (PersonId, &str),
    mail: Written,
    notices: &[NoticeId],
) -> Result<(), store::Error> {
    let body = String::from_utf8(mail.raw).expect("a mail that we write is ASCII");
    let new = NewDelivery {
        uuid: mail.uuid,
        via: Via::Email,
        target: address,
        chat: None,
        person: Some(person),
        discussion: None,
        payer: None,
        body: &body,
        reply_token: None,
        message_id: Some(mail.message_id.as_str()),
        heads: 0,
        now: app.clock.now(),
    };
    let delivery = deliveries::add(tx, &new).await?;
    notices::freeze(tx, notices, delivery).await.map(drop)
}

fn groups_link() -> (String, &'static str) {
    ("/groups".to_owned(), "mail.groups_link")
}

fn name_of(app: &App, chat: &Chat) -> String {
    if chat.name.is_empty() { app.texts().get("chat.group").to_owned() } else { chat.name.clone() }
}

/// `None` where everybody has gone again.
async fn newcomers(tx: &mut Tx, app: &App, chat: &Chat, news: &[ChatNews]) -> Result<Option<Letter>, store::Error> {
    let texts = app.texts();
    let mut names: Vec<String> = vec![];
    for id in news.iter().filter_map(ChatNews::person) {
        if !rosters::is_in(tx, chat.id, id).await? {
            continue;
        }
        let name = persons::find(tx, id).await?.map(|p| p.name).unwrap_or_default();
        names.push(if name.is_empty() { texts.get("person.unknown").to_owned() } else { name });
    }
    if names.is_empty() {
        return Ok(None);
    }
    let count = names.len().to_string();
    let mut said = names.iter().take(NAMES_MAX).map(String::as_str).collect::<Vec<_>>().join(texts.get("mail.name_separator"));
    if names.len() > NAMES_MAX {
        said = texts.fill("mail.names_and_more", &[("names", &said), ("count", &count)]);
    }
    let (group, project) = (name_of(app, chat), projects::get(tx, chat.project).await?.name);
    let values = [("names", said.as_str()), ("group", &group), ("project", &project), ("count", &count)];
    let (subject, intro) = (texts.fill("mail.newcomer_subject", &values), texts.fill("mail.newcomer_intro", &values));
    Ok(Some(Letter { subject, intro, link: groups_link() }))
}

/// `None` where something was heard from there meanwhile.
async fn target_gone(tx: &mut Tx, app: &App, chat: &Chat) -> Result<Option<Letter>, store::Error> {
    let Some((since, _)) = chat.unreachable else { return Ok(None) };
    let texts = app.texts();
    let server = &app.config.server;
    let since = When { texts, zone: &server.time_zone, now: app.clock.now() }.absolute(since);
    let (group, project) = (name_of(app, chat), projects::get(tx, chat.project).await?.name);
    let values = [("group", group.as_str()), ("project", &project), ("since", &since)];
    let (subject, intro) = (texts.fill("mail.target_gone_subject", &values), texts.fill("mail.target_gone_intro", &values));
    Ok(Some(Letter { subject, intro, link: groups_link() }))
}

/// `None` where there is no such gap: the account came back in the same instant.
async fn gap(tx: &mut Tx, app: &App, chat: &Chat, news: &[ChatNews]) -> Result<Option<Letter>, store::Error> {
    let texts = app.texts();
    let Some(at) = news.iter().map(ChatNews::at).max() else { return Ok(None) };
    let all = presence::gaps_of(tx, chat).await?;
    let covers = |g: &&crate::domain::Gap| g.kind == GapKind::Left && g.from <= at && g.to.is_none_or(|to| to > at);
    let Some(gap) = all.iter().find(covers) else { return Ok(None) };
    let server = &app.config.server;
    let when = When { texts, zone: &server.time_zone, now: app.clock.now() };
    let (from, to) = (when.absolute(gap.from), gap.to.map(|to| when.absolute(to)).unwrap_or_default());
    let (group, project) = (name_of(app, chat), projects::get(tx, chat.project).await?.name);
    let values = [("group", group.as_str()), ("project", &project), ("from", &from), ("to", &to)];
    let (subject, intro) =
        if gap.to.is_some() { ("mail.gap_subject_over", "mail.gap_intro_over") } else { ("mail.gap_subject", "mail.gap_intro") };
    Ok(Some(Letter { subject: texts.fill(subject, &values), intro: texts.fill(intro, &values), link: groups_link() }))
}

fn write(app: &App, letter: &Letter, reader: &Person, address: &str, uuid: Uuid) -> (MessageId, Vec<u8>) {
    let server = &app.config.server;
    let texts = app.texts();
    let smtp = app.config.smtp.as_ref().expect("the caller looked");
    let domain = smtp.from_address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let message_id = MessageId(format!("{uuid}.group@{domain}"));
    let raw = render::mail(&OutgoingMail {
        locale: server.locale,
        from_name: smtp.from_name.clone(),
        from_address: smtp.from_address.clone(),
        to: MailAddress { name: reader.name.clone(), address: address.to_owned() },
        reply_to: None,
        subject: letter.subject.clone(),
        message_id: message_id.clone(),
        in_reply_to: None,
        references: vec![],
        date: app.clock.now(),
        list_id: Some(format!("groups.{domain}")),
        switch: None,
        delivery: uuid.to_string(),
        alert: None,
        intro: letter.intro.clone(),
        posts: vec![],
        link: format!("{}{}", server.public_url, letter.link.0),
        link_label: texts.get(letter.link.1).to_owned(),
        with_marker: false,
        footer: vec![texts.get("mail.footer_news").to_owned()],
        switch_label: String::new(),
    });
    (message_id, raw)
}
