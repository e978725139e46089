//! Freezing what a person is told by mail about one discussion: one mail, one thread in their program.

use jiff::SignedDuration;
use uuid::Uuid;

use super::mail_pictures::{self, Pictures};
use crate::App;
use crate::channels::email::render::{self, MailFile, MailPost, OutgoingMail};
use crate::discussions::role_in;
use crate::domain::{DiscussionId, MailAddress, MessageId, NoticeId, NoticeKind, PersonId, Via, Why};
use crate::store::attachments::{Attachment, AttachmentStatus};
use crate::store::deliveries::NewDelivery;
use crate::store::discussions::Discussion;
use crate::store::notices::Notice;
use crate::store::persons::Person;
use crate::store::posts::Post;
use crate::store::{self, Tx, attachments, deliveries, discussions, notices, persons, posts, watchers};

/// Posts of one mail; further ones travel in the next.
const POSTS_MAX: i64 = 50;
/// A burst that lasts longer is told in several mails.
const BURST_MAX: SignedDuration = SignedDuration::from_secs(60);
/// Ids in References: the first, which begins the thread, and the latest.
const REFERENCES_MAX: usize = 20;

/// Freezes what is due for the person about the discussion. Whether a delivery was made.
pub(super) async fn freeze(app: &App, person: PersonId, discussion: DiscussionId) -> Result<bool, store::Error> {
    let pictures = mail_pictures::gather(app, person, discussion, POSTS_MAX).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    persons::lock(&mut tx, app.db.dialect, person).await?;
    let (due, later): (Vec<Notice>, Vec<Notice>) =
        notices::of_mail(&mut tx, person, discussion, POSTS_MAX).await?.into_iter().partition(|n| n.due_at <= now);
    let Some(first) = due.first() else { return Ok(false) };
    // The burst goes on: the mail waits for its end and takes all of it, but no burst keeps a mail back for long.
    if !later.is_empty() && now.duration_since(first.created_at) < BURST_MAX {
        return Ok(false);
    }
    let all: Vec<NoticeId> = due.iter().map(|n| n.id).collect();
    let found = discussions::get(&mut tx, discussion).await?;
    let discussion = discussions::follow(&mut tx, found).await?;
    let reader = persons::find(&mut tx, person).await?;
    let address = persons::email(&mut tx, person).await?;
    let (Some(reader), Some(address), Some(smtp)) = (reader, address, &app.config.smtp) else {
        notices::fail_all(&mut tx, &all, Why::NoAddress.as_str()).await?;
        tx.commit().await?;
        return Ok(false);
    };
    // An answer to what they wrote to us themselves is no news.
    let asked = due.iter().any(|n| n.kind == NoticeKind::CommandRefused);
    if !asked && watchers::wants_no_mail(&mut tx, discussion.id, person).await? {
        notices::drop_all(&mut tx, &all, Why::MailsTurnedOff.as_str()).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let is_staff = role_in(&mut tx, discussion.project, &reader).await?.is_staff();
    let mut told = vec![];
    for notice in &due {
        if let Some(id) = notice.post
            && let Some(post) = posts::find(&mut tx, id).await?
            && post.retracted_at.is_none()
            && (is_staff || !post.internal)
        {
            told.push(post);
        }
    }
    let notes: Vec<String> = due.iter().filter_map(|n| note(app, n)).collect();
    if told.is_empty() && notes.is_empty() {
        notices::drop_all(&mut tx, &all, Why::TakenBack.as_str()).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let uuid = Uuid::new_v4();
    let domain = smtp.from_address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let message_id = MessageId(format!("{uuid}.{}@{domain}", discussion.number));
    let thread = thread(&mut tx, &discussion, person, is_staff, domain).await?;
    let files = attachments::of_discussion(&mut tx, discussion.id).await?;
    let said = Said { posts: &told, notes: &notes, files: &files, pictures: &pictures };
    let letter = Letter { app, discussion: &discussion, reader: &reader, address: &address, is_staff, said };
    let raw = letter.write(uuid, &message_id, thread);
    let body = String::from_utf8(raw).expect("a mail that we write is ASCII");
    let new = NewDelivery {
        uuid,
        via: Via::Email,
        target: &address,
        chat: None,
        person: Some(person),
        discussion: Some(discussion.id),
        body: &body,
        reply_token: None,
        message_id: Some(message_id.as_str()),
        heads: 0,
        now,
    };
    let delivery = deliveries::add(&mut tx, &new).await?;
    notices::freeze(&mut tx, &all, delivery).await?;
    tx.commit().await?;
    Ok(true)
}

/// What a notice tells that is no post.
fn note(app: &App, notice: &Notice) -> Option<String> {
    if notice.kind == NoticeKind::Bounced {
        return Some(app.texts().fill("mail.bounced", &[("address", notice.detail.as_deref().unwrap_or_default())]));
    }
    if notice.kind == NoticeKind::CommandRefused {
        return Some(app.texts().fill("mail.order_refused", &[("line", notice.detail.as_deref().unwrap_or_default())]));
    }
    if notice.kind != NoticeKind::NotSolved {
        return None;
    }
    let time = notice.created_at.to_zoned(app.config.server.time_zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let texts = app.texts();
    Some(match notice.detail.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => texts.fill("mail.not_solved", &[("name", name), ("time", &time)]),
        None => texts.fill("mail.not_solved_by_somebody", &[("time", &time)]),
    })
}

/// How a mail hangs in the reader's thread.
struct Thread {
    in_reply_to: Option<MessageId>,
    references: Vec<MessageId>,
    /// The reader has had, or written, a mail about this before.
    is_answer: bool,
}

async fn thread(tx: &mut Tx, discussion: &Discussion, reader: PersonId, is_staff: bool, domain: &str) -> Result<Thread, store::Error> {
    let ours = deliveries::mail_ids(tx, discussion.id, reader).await?;
    let theirs: Vec<_> = posts::mail_ids(tx, discussion.id)
        .await?
        .into_iter()
        .filter(|(_, _, person)| *person == Some(reader))
        .map(|(id, at, _)| (id, at))
        .collect();
    let latest_of_theirs = theirs.last().map(|(id, _)| id.clone());
    let mut all: Vec<_> = ours.into_iter().chain(theirs).collect();
    all.sort_by_key(|(_, at)| *at);
    let is_answer = !all.is_empty();
    let mut ids: Vec<String> = all.into_iter().map(|(id, _)| id).collect();
    if is_staff {
        // A mail that does not exist begins the thread, so that all of it hangs together even if one goes missing.
        ids.insert(0, format!("discussion.{}@{domain}", discussion.number));
    }
    if ids.len() > REFERENCES_MAX {
        ids.drain(1..=ids.len() - REFERENCES_MAX);
    }
    let in_reply_to = latest_of_theirs.filter(|_| !is_staff).or_else(|| ids.last().cloned()).map(MessageId);
    Ok(Thread { in_reply_to, references: ids.into_iter().map(MessageId).collect(), is_answer })
}

/// How much of a mail is for staff alone.
enum Inside {
    Nothing,
    Part,
    All,
}

struct Letter<'a> {
    app: &'a App,
    discussion: &'a Discussion,
    reader: &'a Person,
    address: &'a str,
    is_staff: bool,
    said: Said<'a>,
}

/// What a mail tells.
struct Said<'a> {
    posts: &'a [Post],
    /// What happened beside what was said, a sentence each.
    notes: &'a [String],
    files: &'a [Attachment],
    pictures: &'a Pictures,
}

impl Letter<'_> {
    fn write(&self, uuid: Uuid, message_id: &MessageId, thread: Thread) -> Vec<u8> {
        let server = &self.app.config.server;
        let texts = server.locale.texts();
        let smtp = self.app.config.smtp.as_ref().expect("the caller looked");
        let number = self.discussion.number.to_string();
        let re = if thread.is_answer { "Re: " } else { "" };
        let authors: Vec<&str> = self.said.posts.iter().map(|p| self.name(p)).collect();
        let one_author = authors.first().filter(|first| authors.iter().all(|a| a == *first));
        let from_name = one_author.map_or_else(|| smtp.from_name.clone(), |author| format!("{author} · {}", smtp.from_name));
        let reply_to =
            self.app.config.mailbox.first().map(|m| self.app.reply_key.reply_address(&m.address, self.discussion.number, self.reader.id));
        let domain = smtp.from_address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let intro_key = if self.is_staff { "mail.intro_staff" } else { "mail.intro_client" };
        let (alert_key, footer_key) = match self.inside() {
            Inside::All => (Some("mail.all_internal"), "mail.footer_internal"),
            Inside::Part => (Some("mail.some_internal"), "mail.footer_staff"),
            Inside::Nothing if self.is_staff => (None, "mail.footer_staff"),
            Inside::Nothing => (None, "mail.footer_client"),
        };
        let switch = self.app.reply_key.switch_token(self.discussion.number, self.reader.id);
        render::mail(&OutgoingMail {
            locale: server.locale,
            from_name,
            from_address: smtp.from_address.clone(),
            to: MailAddress { name: self.reader.name.clone(), address: self.address.to_owned() },
            with_marker: reply_to.is_some(),
            reply_to,
            subject: format!("{re}[#{number}] {}", self.discussion.title),
            message_id: message_id.clone(),
            in_reply_to: thread.in_reply_to,
            references: thread.references,
            date: self.app.clock.now(),
            list_id: Some(format!("discussion-{number}.{domain}")),
            switch: Some(format!("{}/mail/{switch}", server.public_url)),
            delivery: uuid.to_string(),
            alert: alert_key.map(|key| texts.get(key).to_owned()),
            intro: [texts.fill(intro_key, &[("number", &number), ("title", &self.discussion.title)])]
                .into_iter()
                .chain(self.said.notes.iter().cloned())
                .collect::<Vec<_>>()
                .join("\n"),
            posts: self.said.posts.iter().map(|p| self.post(p, uuid)).collect(),
            link: server.discussion_url(self.discussion.number),
            link_label: texts.fill("mail.link", &[("number", &number)]),
            footer: vec![texts.get(footer_key).to_owned()],
            switch_label: texts.get("mail.switch_off").to_owned(),
        })
    }

    fn inside(&self) -> Inside {
        match self.said.posts.iter().filter(|p| p.internal).count() {
            0 => Inside::Nothing,
            n if n == self.said.posts.len() => Inside::All,
            _ => Inside::Part,
        }
    }

    fn name<'p>(&'p self, post: &'p Post) -> &'p str {
        if post.author.is_empty() { self.app.texts().get("person.unknown") } else { &post.author }
    }

    fn post(&self, post: &Post, delivery: Uuid) -> MailPost {
        let server = &self.app.config.server;
        let when = post.created_at.to_zoned(server.time_zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let picture = |a: &Attachment| {
            let bytes = self.said.pictures.get(&a.id)?.clone();
            Some((format!("picture-{}.{delivery}@threadline", a.id), bytes))
        };
        let files = self.said.files.iter().filter(|a| a.post == post.id && a.status != AttachmentStatus::Withdrawn);
        MailPost {
            author: self.name(post).to_owned(),
            when,
            body: post.body.clone(),
            files: files.map(|a| MailFile { name: a.name.clone(), url: crate::web::file_url(server, a), picture: picture(a) }).collect(),
            internal: post.internal,
        }
    }
}
