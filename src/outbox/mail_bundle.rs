//! Freezing what a person is told by mail about one discussion: one mail, one thread in their program.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::mail_pictures::{self, Pictures};
use super::notes;
use crate::App;
use crate::channels::email::render::{self, MailFile, MailPost, OutgoingMail};
use crate::discussions::{MENTIONED, part_in};
use crate::domain::{DiscussionId, MAIL_PAUSES_WITHIN, MailAddress, MessageId, NoticeId, NoticeKind, PersonId, Via, Why, mail_pause};
use crate::store::attachments::{Attachment, AttachmentStatus};
use crate::store::deliveries::NewDelivery;
use crate::store::discussions::Discussion;
use crate::store::notices::Notice;
use crate::store::persons::Person;
use crate::store::posts::Post;
use crate::store::{self, Tx, attachments, deliveries, discussions, notices, persons, posts, watchers};
use crate::threading::Class;

/// Posts of one mail; further ones travel in the next.
const POSTS_MAX: i64 = 50;
/// A burst that lasts longer is told in several mails.
const BURST_MAX: SignedDuration = SignedDuration::from_secs(60);
/// Ids in References: the first, which begins the thread, and the latest.
const REFERENCES_MAX: usize = 20;
/// Mails about one discussion that are counted to say how long the next one waits.
const MAILS_COUNTED_MAX: i64 = 20;

/// Freezes what is due for the person about the discussion. Whether a delivery was made.
pub(super) async fn freeze(app: &App, person: PersonId, discussion: DiscussionId) -> Result<bool, store::Error> {
    let pictures = mail_pictures::gather(app, person, discussion, POSTS_MAX).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    persons::lock(&mut tx, app.db.dialect, person).await?;
    let waiting = notices::of_mail(&mut tx, person, discussion, POSTS_MAX).await?;
    if waiting.iter().all(|n| n.due_at > now) {
        return Ok(false);
    }
    let found = discussions::get(&mut tx, discussion).await?;
    let discussion = discussions::follow(&mut tx, found).await?;
    if let Some(until) = waits_until(&mut tx, app, person, &discussion, &waiting).await? {
        let due: Vec<NoticeId> = waiting.iter().filter(|n| n.due_at <= now).map(|n| n.id).collect();
        notices::put_off(&mut tx, &due, until).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let all: Vec<NoticeId> = waiting.iter().map(|n| n.id).collect();
    if discussion.other {
        notices::drop_all(&mut tx, &all, Why::PutAside.as_str()).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let reader = persons::find(&mut tx, person).await?;
    let address = persons::email(&mut tx, person).await?;
    let (Some(reader), Some(address), Some(smtp)) = (reader, address, &app.config.smtp) else {
        notices::fail_all(&mut tx, &all, Why::NoAddress.as_str()).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let Some(part) = part_in(&mut tx, discussion.project, person).await? else {
        notices::drop_all(&mut tx, &all, Why::MayNotRead.as_str()).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let is_staff = part.is_staff();
    // An answer that can still be taken back is not taken along to a client.
    let waiting = waiting.into_iter().filter(|n| is_staff || n.due_at <= now || n.kind != NoticeKind::Answered).collect();
    let told_of = wanted(&mut tx, &discussion, (person, is_staff), waiting).await?;
    let mut told = vec![];
    for notice in &told_of {
        if let Some(post) = readable(&mut tx, notice, is_staff).await?
            && told.iter().all(|p: &Post| p.id != post.id)
        {
            told.push(post);
        }
    }
    let notes = notes::of(app, &discussion, &told_of);
    if told.is_empty() && notes.is_empty() {
        let rest: Vec<NoticeId> = told_of.iter().map(|n| n.id).collect();
        notices::drop_all(&mut tx, &rest, Why::TakenBack.as_str()).await?;
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
        payer: None,
        body: &body,
        reply_token: None,
        message_id: Some(message_id.as_str()),
        heads: 0,
        now,
    };
    let delivery = deliveries::add(&mut tx, &new).await?;
    let frozen: Vec<NoticeId> = told_of.iter().map(|n| n.id).collect();
    notices::freeze(&mut tx, &frozen, delivery).await?;
    tx.commit().await?;
    Ok(true)
}

/// The post that the notice tells, where its reader may read it and it is still there.
pub(super) async fn readable(tx: &mut Tx, notice: &Notice, is_staff: bool) -> Result<Option<Post>, store::Error> {
    let Some(id) = notice.post else { return Ok(None) };
    Ok(posts::find(tx, id).await?.filter(|p| p.retracted_at.is_none() && (is_staff || !p.internal)))
}

/// Until when the mail waits, if it does; once it leaves it takes along all that waits. A burst that goes on is told as a whole, but none
/// keeps a mail back for long. The next mail after one waits for others; not so while its reader is writing in the discussion too, and
/// not what is for them alone.
async fn waits_until(
    tx: &mut Tx,
    app: &App,
    person: PersonId,
    discussion: &Discussion,
    waiting: &[Notice],
) -> Result<Option<Timestamp>, store::Error> {
    let now = app.clock.now();
    let (due, later): (Vec<&Notice>, Vec<&Notice>) = waiting.iter().partition(|n| n.due_at <= now);
    if discussion.urgent || due.iter().any(|n| presses(n)) {
        return Ok(None);
    }
    let burst_goes_on = later.iter().filter(|n| n.kind != NoticeKind::StatusChanged).map(|n| n.due_at).min();
    if let Some(next) = burst_goes_on
        && due.iter().all(|n| now.duration_since(n.created_at) < BURST_MAX)
    {
        return Ok(Some(next));
    }
    let lately = deliveries::mails_since(tx, discussion.id, person, now - MAIL_PAUSES_WITHIN, MAILS_COUNTED_MAX).await?;
    let Some(last) = lately.first().copied() else { return Ok(None) };
    let longest = SignedDuration::try_from(app.config.notify.mail_together).unwrap_or(SignedDuration::MAX);
    let until = last + mail_pause(lately.len(), longest);
    Ok((until > now && !posts::has_written_since(tx, discussion.id, person, last).await?).then_some(until))
}

/// What is for its reader alone, who is waiting for it or is waited for.
fn presses(notice: &Notice) -> bool {
    matches!(notice.kind, NoticeKind::CommandRefused | NoticeKind::Assigned) || is_mention(notice)
}

fn is_mention(notice: &Notice) -> bool {
    notice.detail.as_deref() == Some(MENTIONED)
}

/// What the reader wants to know of it. Who turned the mails about the discussion off gets none: but for the answer to what they wrote to
/// us themselves, which is no news, and, where they are staff, for what a colleague asks of them by name.
async fn wanted(
    tx: &mut Tx,
    discussion: &Discussion,
    (person, is_staff): (PersonId, bool),
    waiting: Vec<Notice>,
) -> Result<Vec<Notice>, store::Error> {
    if !watchers::wants_no_mail(tx, discussion.id, person).await? {
        return Ok(waiting);
    }
    let asked = |n: &Notice| n.kind == NoticeKind::CommandRefused || (is_staff && (n.kind == NoticeKind::Assigned || is_mention(n)));
    let (wanted, unwanted): (Vec<Notice>, Vec<Notice>) = waiting.into_iter().partition(asked);
    let unwanted: Vec<NoticeId> = unwanted.iter().map(|n| n.id).collect();
    notices::drop_all(tx, &unwanted, Why::MailsTurnedOff.as_str()).await?;
    Ok(wanted)
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
        let intro_key = match (self.is_staff, self.said.posts.is_empty()) {
            (true, _) => "mail.intro_staff",
            (false, false) => "mail.intro_client",
            (false, true) => "mail.intro_client_news",
        };
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
        let unsure = self.is_staff && post.class.as_deref() == Some(Class::Likely.as_str());
        let files = self.said.files.iter().filter(|a| a.post == post.id && a.status != AttachmentStatus::Withdrawn);
        MailPost {
            author: self.name(post).to_owned(),
            when,
            body: post.body.clone(),
            files: files.map(|a| MailFile { name: a.name.clone(), url: crate::web::file_url(server, a), picture: picture(a) }).collect(),
            internal: post.internal,
            unsure: unsure.then(|| format!("{}/posts/{}", server.public_url, post.id)),
        }
    }
}
