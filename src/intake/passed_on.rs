//! A colleague passes a client's mail on to us: it becomes the client's discussion, opened by the colleague.

use jiff::Timestamp;

use super::mail_orders;
use super::place::{PlaceError, Placed};
use super::place_mail::{ReadMail, add_client, keep_files, said_at};
use crate::App;
use crate::channels::email::address::base_subject;
use crate::channels::email::reply_text::{Forwarded, forwarded};
use crate::discussions::{self as acts, Tell};
use crate::domain::{Channel, GIVEN_TITLE_GRAPHEMES_MAX, Happening, IncomingMail, MailAddress, PersonId, ProjectId, Role, Source};
use crate::store::discussion_events::By;
use crate::store::discussions::{Discussion, Opening};
use crate::store::inbound::Inbound;
use crate::store::persons::Person;
use crate::store::posts::NewPost;
use crate::store::{self, Tx, discussion_events, members, persons, projects};
use crate::threading::{Evidence, excerpt, title_of};

/// A client's mail in a colleague's.
#[derive(Debug)]
pub(super) struct PassedOn {
    mail: Forwarded,
    /// As it was passed on, with its header lines.
    block: String,
    /// The colleague's own words above it.
    own: String,
    project: ProjectId,
}

/// What the colleague passes on, if it is a mail of a client of a project that they look after.
pub(super) async fn find(tx: &mut Tx, mail: &IncomingMail, colleague: &Person) -> store::Result<Option<PassedOn>> {
    let (own, block) =
        if mail.passed_on.trim().is_empty() { ("", mail.reply.as_str()) } else { (mail.reply.as_str(), mail.passed_on.as_str()) };
    let Some(found) = forwarded(block) else { return Ok(None) };
    let Some(project) = project_of(tx, &found.from, colleague).await? else { return Ok(None) };
    Ok(Some(PassedOn { mail: found, block: block.to_owned(), own: own.to_owned(), project }))
}

/// The project that the client belongs to, as far as it is one of the colleague's and the client is no colleague there.
async fn project_of(tx: &mut Tx, client: &MailAddress, colleague: &Person) -> store::Result<Option<ProjectId>> {
    let known = persons::find_by_identity(tx, Channel::Email, &client.address).await?;
    let project = match (projects::of_sender(tx, &client.address).await?, &known) {
        (Some(project), _) => Some(project),
        (None, Some(person)) => members::only_project_of_client(tx, person.id).await?,
        (None, None) => None,
    };
    let Some(project) = project else { return Ok(None) };
    if let Some(person) = &known
        && (person.id == colleague.id || acts::role_in(tx, project, person).await?.is_staff())
    {
        return Ok(None);
    }
    Ok(acts::role_in(tx, project, colleague).await?.is_staff().then_some(project))
}

/// Opens the client's discussion. What the colleague wrote above it is a note for staff.
pub(super) async fn open(
    tx: &mut Tx,
    app: &App,
    row: &Inbound,
    read: &ReadMail,
    colleague: &Person,
    passed: &PassedOn,
) -> Result<Placed, PlaceError> {
    let at = said_at(read.mail.date, row.received_at);
    let client = add_client(tx, app, passed.project, &passed.mail.from).await?;
    let subject = if passed.mail.subject.is_empty() { &read.mail.subject } else { &passed.mail.subject };
    let subject = base_subject(subject);
    let title = if subject.trim().is_empty() {
        title_of(&passed.mail.text, app.texts().get("discussion.untitled"))
    } else {
        excerpt(&subject, GIVEN_TITLE_GRAPHEMES_MAX)
    };
    let evidence = Evidence::PassedOn { by: colleague.name.clone() }.to_json();
    let words = NewPost {
        external_id: Some(read.mail.message_id.as_ref().map_or(row.external_id.as_str(), |id| id.as_str())),
        inbound: Some(row.id),
        kind: "mail",
        // The colleague's own words are not the client's to read.
        whole: Some(passed.block.as_str()),
        ..NewPost::words(client.id, Role::Client, Source::Email, &passed.mail.text, &evidence, at)
    };
    let new = Opening { project: passed.project, title: &title, chat: None, source: Source::Email, at };
    let written = acts::open(tx, app, &new, &words, Tell::Everybody).await?;
    let Some(post) = written.post else { return Ok(Placed::ignored("the mail has a post already")) };
    keep_files(tx, app, post, &read.files).await?;
    let mut discussion = written.discussion;
    let by = By { person: Some(colleague.id), via: Source::Email };
    discussion_events::add(tx, discussion.id, by, at, &Happening::PassedOn {}).await?;
    add_note(tx, app, &mut discussion, (colleague.id, &passed.own), at).await?;
    Ok(Placed::done(Some((discussion.id, discussion.number))))
}

/// The colleague's own words, with what they order.
async fn add_note(
    tx: &mut Tx,
    app: &App,
    discussion: &mut Discussion,
    (colleague, own): (PersonId, &str),
    at: Timestamp,
) -> Result<(), PlaceError> {
    let ordered = mail_orders::read(tx, discussion.project, colleague, Role::Staff, own).await?;
    let note = ordered.as_ref().map_or(own, |o| o.body.as_str());
    if !note.trim().is_empty() {
        let evidence = Evidence::Directly {}.to_json();
        let words = NewPost { internal: true, kind: "mail", ..NewPost::words(colleague, Role::Staff, Source::Email, note, &evidence, at) };
        acts::post(tx, app, discussion.clone(), &words, Tell::Everybody).await?;
    }
    if let Some(ordered) = &ordered {
        mail_orders::carry_out(tx, app, discussion, colleague, ordered).await?;
    }
    Ok(())
}
