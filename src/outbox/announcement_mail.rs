//! Freezing announcements for clients whose LINE groups could not be told: a mail each.

use uuid::Uuid;

use super::news_bundle::{self, Written};
use crate::App;
use crate::channels::email::render::{self, MailPost, OutgoingMail};
use crate::domain::{MailAddress, MessageId, PersonId, Why};
use crate::store::announcements::Announcement;
use crate::store::notices::Notice;
use crate::store::persons::Person;
use crate::store::{self, Tx, announcements, notices};

/// Characters of an announcement that its subject shows.
const SUBJECT_CHARS_MAX: usize = 40;

/// Freezes those that are due. How many deliveries were made.
pub(super) async fn freeze(tx: &mut Tx, app: &App, person: PersonId, told: Vec<Notice>) -> Result<usize, store::Error> {
    let mut made = 0;
    for notice in told.into_iter().filter(|n| n.due_at <= app.clock.now()) {
        let all = [notice.id];
        let announcement = match announcements::of_notice(tx, notice.id).await? {
            Some(id) => announcements::find(tx, id).await?,
            None => None,
        };
        let Some(announcement) = announcement else {
            notices::fail_all(tx, &all, Why::Unreadable.as_str()).await?;
            continue;
        };
        if announcement.withdrawn_at.is_some() {
            notices::drop_all(tx, &all, Why::Withdrawn.as_str()).await?;
            continue;
        }
        let Some((reader, address)) = news_bundle::reader_of(tx, app, person, &all).await? else { continue };
        let mail = write(app, &announcement, &reader, &address);
        news_bundle::freeze_mail(tx, app, (reader.id, &address), mail, &all).await?;
        made += 1;
    }
    Ok(made)
}

fn write(app: &App, announcement: &Announcement, reader: &Person, address: &str) -> Written {
    let server = &app.config.server;
    let texts = app.texts();
    let smtp = app.config.smtp.as_ref().expect("the caller looked");
    let domain = smtp.from_address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let uuid = Uuid::new_v4();
    let message_id = MessageId(format!("{uuid}.announcement@{domain}"));
    let author = if announcement.by_name.is_empty() { texts.get("person.unknown") } else { &announcement.by_name };
    let post = MailPost {
        author: author.to_owned(),
        when: announcement.created_at.to_zoned(server.time_zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        body: announcement.body.clone(),
        files: vec![],
        internal: false,
        unsure: None,
    };
    let raw = render::mail(&OutgoingMail {
        locale: server.locale,
        from_name: format!("{author} · {}", smtp.from_name),
        from_address: smtp.from_address.clone(),
        to: MailAddress { name: reader.name.clone(), address: address.to_owned() },
        // Who has a question opens a discussion with it.
        reply_to: app.config.mailbox.first().map(|m| m.address.clone()),
        subject: texts.fill("mail.announced_subject", &[("text", &beginning(&announcement.body))]),
        message_id: message_id.clone(),
        in_reply_to: None,
        references: vec![],
        date: app.clock.now(),
        list_id: Some(format!("announcements.{domain}")),
        switch: None,
        delivery: uuid.to_string(),
        alert: None,
        intro: texts.get("mail.announced_intro").to_owned(),
        posts: vec![post],
        link: format!("{}/discussions", server.public_url),
        link_label: texts.get("mail.discussions_link").to_owned(),
        with_marker: false,
        footer: vec![texts.get("mail.footer_announced").to_owned()],
        switch_label: String::new(),
    });
    Written { uuid, message_id, raw }
}

/// The first line, cut where it is long.
fn beginning(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    if line.chars().count() <= SUBJECT_CHARS_MAX {
        return line.to_owned();
    }
    line.chars().take(SUBJECT_CHARS_MAX).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_the_first_line_and_not_all_of_a_long_one() {
        assert_eq!(beginning("\n 停水公告 \n明天"), "停水公告");
        assert_eq!(beginning(&"水".repeat(60)), format!("{}…", "水".repeat(40)));
    }
}
