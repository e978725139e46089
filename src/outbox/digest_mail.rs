//! Writing a mail over many discussions, and keeping it for sending.

use uuid::Uuid;

use super::news_bundle::{Written, freeze_mail};
use crate::App;
use crate::channels::email::render::{self, OutgoingMail, Section};
use crate::domain::{MailAddress, MessageId, NoticeId};
use crate::store::persons::Person;
use crate::store::{self, Tx};

/// What such a mail is, beside its sections.
pub(super) struct Cover<'a> {
    pub reader: &'a Person,
    pub address: &'a str,
    pub subject: String,
    pub intro: String,
    pub sections: &'a [Section],
}

/// Freezes the mail, and the notices that travel in it.
pub(super) async fn freeze(tx: &mut Tx, app: &App, cover: &Cover<'_>, notices: &[NoticeId]) -> Result<(), store::Error> {
    let uuid = Uuid::new_v4();
    let (message_id, raw) = write(app, cover, uuid);
    freeze_mail(tx, app, (cover.reader.id, cover.address), Written { uuid, message_id, raw }, notices).await
}

/// It is about no one discussion: no number in its subject, no reply address of anybody's.
fn write(app: &App, cover: &Cover<'_>, uuid: Uuid) -> (MessageId, Vec<u8>) {
    let server = &app.config.server;
    let texts = app.texts();
    let smtp = app.config.smtp.as_ref().expect("the caller looked");
    let domain = smtp.from_address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let message_id = MessageId(format!("{uuid}.digest@{domain}"));
    let mail = OutgoingMail {
        locale: server.locale,
        from_name: smtp.from_name.clone(),
        from_address: smtp.from_address.clone(),
        to: MailAddress { name: cover.reader.name.clone(), address: cover.address.to_owned() },
        reply_to: app.config.mailbox.first().map(|m| m.address.clone()),
        subject: cover.subject.clone(),
        message_id: message_id.clone(),
        in_reply_to: None,
        references: vec![],
        date: app.clock.now(),
        list_id: Some(format!("digest.{domain}")),
        switch: Some(format!("{}/me#listening", server.public_url)),
        delivery: uuid.to_string(),
        alert: None,
        intro: cover.intro.clone(),
        posts: vec![],
        link: format!("{}/discussions", server.public_url),
        link_label: texts.get("digest.link").to_owned(),
        with_marker: false,
        footer: vec![texts.get("digest.footer").to_owned()],
        switch_label: texts.get("digest.change").to_owned(),
    };
    (message_id, render::digest(&mail, cover.sections))
}
