//! Placing mails: whose it is, which discussion it belongs to, and whether it may speak.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::held_mail::{self, Holding};
use super::mailbox::TOO_LARGE;
use super::place::{PlaceError, Placed};
use super::{auto_answers, bounces, copied_in, mail_orders, passed_on, reopening};
use crate::App;
use crate::channels::email::address::{base_subject, subject_tag};
use crate::channels::email::connection::MAIL_BYTES_MAX;
use crate::channels::email::parse::{self, Own};
use crate::config::Mailbox;
use crate::discussions::{self as acts, Tell};
use crate::domain::{
    Authenticity, AutoMail, Channel, GIVEN_TITLE_GRAPHEMES_MAX, IncomingMail, MailAddress, PersonId, PostId, ProjectId, ProjectKind, Role,
    Source, TRIAGE_KEY,
};
use crate::files::Kept;
use crate::store::attachments::{AttachmentStatus, NewAttachment};
use crate::store::discussion_events::By;
use crate::store::discussions::{Discussion, Opening};
use crate::store::held_mails::{HeldMail, HeldWhy};
use crate::store::inbound::Inbound;
use crate::store::persons::Person;
use crate::store::posts::NewPost;
use crate::store::{self, Tx, attachments, deliveries, discussions, identities, mail_posts, members, persons, posts, projects};
use crate::threading::{Evidence, title_of};

/// Attachments of one mail that are kept; the raw mail keeps the rest.
const ATTACHMENTS_MAX: usize = 100;
/// Ids of References that are looked up: the nearest ones say most.
const REFERENCES_MAX: usize = 30;
/// A mail's Date is believed if it is not further from its arrival.
const DATE_TRUSTED_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 7);

/// A mail that was read, with its files kept.
pub(super) struct ReadMail {
    pub mail: IncomingMail,
    pub files: Vec<(String, String, Kept)>,
}

impl ReadMail {
    /// What its post says: what is new in it; all of it, if nothing is and it brings no file.
    pub(super) fn body(&self) -> Cow<'_, str> {
        let said = self.mail.said();
        if said.trim().is_empty() && self.files.is_empty() { Cow::Borrowed(&self.mail.text) } else { said }
    }
}

/// Reads the raw mail and keeps its files. The error is for the inbound row.
pub(super) async fn read(app: &App, row: &Inbound) -> Result<ReadMail, String> {
    if let Some(bytes) = row.body.strip_prefix(TOO_LARGE) {
        return Err(format!("with {bytes} bytes it is larger than the {MAIL_BYTES_MAX} that are taken; it stays in the mailbox"));
    }
    let raw = app.files.read(&row.body).await.map_err(|e| format!("reading the raw mail {}: {e}", row.body))?;
    let addresses = own_addresses(app);
    let authserv_id = mailbox(app, row).and_then(|m| m.authserv_id.clone());
    let parsed = tokio::task::spawn_blocking(move || {
        parse::parse(&raw, &Own { addresses: &addresses, authserv_id: authserv_id.as_deref(), ..Own::default() })
    });
    // A panic of a parser is a mail's fault, not the program's.
    let mail = parsed.await.map_err(|_| "the mail broke the parser".to_owned())?;
    let mut mail = mail.ok_or("this is no mail: it has neither headers nor a body that can be read")?;
    let mut files = vec![];
    for attachment in std::mem::take(&mut mail.attachments).into_iter().take(ATTACHMENTS_MAX) {
        let kept =
            app.files.put(attachment.bytes.into()).await.map_err(|e| format!("keeping the attachment {:?}: {e}", attachment.name))?;
        files.push((attachment.name, attachment.content_type, kept));
    }
    Ok(ReadMail { mail, files })
}

fn own_addresses(app: &App) -> Vec<String> {
    let from = app.config.smtp.iter().map(|s| s.from_address.clone());
    app.config.mailbox.iter().map(|m| m.address.clone()).chain(from).collect()
}

fn mailbox<'a>(app: &'a App, row: &Inbound) -> Option<&'a Mailbox> {
    app.config.mailbox.iter().find(|m| m.name == row.inbox.name())
}

/// Who a mail's author is to us.
pub(super) struct Sender {
    address: MailAddress,
    /// Somebody we know.
    pub known: Option<Person>,
    /// They are known by the reply address that was issued to them alone: they write from an address that is not known as theirs.
    elsewhere: bool,
    /// Likewise, but they are a colleague, as whom nobody speaks so easily.
    pub colleague: Option<Person>,
    /// The person that the reply address was issued to, and the discussion's number.
    token: Option<(i64, PersonId)>,
    /// The mail is theirs: by their own token, or by passed authentication.
    pub proven: bool,
}

/// What a mail leads to.
pub(super) async fn place(tx: &mut Tx, app: &App, row: &Inbound, read: &ReadMail) -> Result<Placed, PlaceError> {
    let mail = &read.mail;
    match &mail.auto {
        AutoMail::Bounce(bounce) => return Ok(bounces::bounced(tx, app, bounce).await?),
        AutoMail::AutoReply => return Ok(auto_answers::note(tx, app, row, read).await?),
        AutoMail::Loop => return Ok(Placed::ignored("our own mail came back")),
        AutoMail::List | AutoMail::None => {}
    }
    let Some(from) = mail.from.clone().filter(|f| f.address.contains('@')) else {
        let project = default_project(tx, app, row).await?;
        return Ok(held_mail::hold(tx, row, read, &Holding { why: HeldWhy::NoSender, person: None, project, found: None }).await?);
    };
    let sender = sender(tx, app, mail, from).await?;
    let found = find_discussion(tx, mail, &sender).await?;
    let project = match &found {
        Some((discussion, _)) => discussion.project,
        None => project_for(tx, app, row, &sender).await?,
    };
    let role = match &sender.known {
        Some(person) => acts::role_in(tx, project, person).await?,
        None => Role::Client,
    };
    if let Some((why, person)) = to_hold(tx, app, read, (&sender, role), found.as_ref().map(|(d, _)| d)).await? {
        let found = found.as_ref().map(|(d, _)| d);
        return Ok(held_mail::hold(tx, row, read, &Holding { why, person: Some(person), project, found }).await?);
    }
    identities::clear_bounced(tx, &sender.address.address).await?;
    if let Some(colleague) = sender.known.as_ref().filter(|_| found.is_none() && sender.proven)
        && let Some(passed) = passed_on::find(tx, mail, colleague).await?
    {
        return passed_on::open(tx, app, row, read, colleague, &passed).await;
    }
    let person = match &sender.known {
        Some(person) => person.clone(),
        None => add_client(tx, app, project, &sender.address).await?,
    };
    let from_address = sender.elsewhere.then_some(sender.address.address);
    let (found, evidence) = found.map_or((None, Evidence::Nothing {}), |(discussion, evidence)| (Some(discussion), evidence));
    write(tx, app, row, read, Decided { person: Some(person.id), role, project, found, evidence, from_address }).await
}

/// A mail that was held, and who takes it.
pub(super) struct Taking<'a> {
    pub held: &'a HeldMail,
    /// Their name.
    pub by: &'a str,
}

/// The mail is what it says it is: a colleague has decided so.
pub(super) async fn take(tx: &mut Tx, app: &App, row: &Inbound, read: &ReadMail, taking: &Taking<'_>) -> Result<Placed, PlaceError> {
    let held = taking.held;
    let found = match held.discussion {
        Some(id) => {
            let found = discussions::get(tx, id).await?;
            leads_to(tx, found).await?
        }
        None => None,
    };
    let project = found.as_ref().map_or(held.project, |d| d.project);
    let person = match (held.person, &read.mail.from) {
        (Some(id), _) => Some(persons::find(tx, id).await?.ok_or(sqlx::Error::RowNotFound)?),
        (None, Some(from)) if from.address.contains('@') => Some(add_client(tx, app, project, from).await?),
        (None, _) => None,
    };
    let role = match &person {
        Some(person) => acts::role_in(tx, project, person).await?,
        None => Role::Client,
    };
    let from_address = (held.why == HeldWhy::OtherAddress).then(|| held.from_address.clone());
    let evidence = Evidence::Accepted { by: taking.by.to_owned() };
    write(tx, app, row, read, Decided { person: person.map(|p| p.id), role, project, found, evidence, from_address }).await
}

/// Whether nobody knows its author: then the mailbox says where it belongs.
pub(super) async fn is_strangers(tx: &mut Tx, app: &App, mail: &IncomingMail) -> Result<bool, store::Error> {
    let Some(from) = mail.from.clone() else { return Ok(true) };
    let sender = sender(tx, app, mail, from).await?;
    let is_known = sender.known.is_some() || sender.token.is_some();
    Ok(!is_known && projects::of_sender(tx, &sender.address.address).await?.is_none())
}

pub(super) async fn sender(tx: &mut Tx, app: &App, mail: &IncomingMail, from: MailAddress) -> Result<Sender, store::Error> {
    // Whichever mailbox it came to: with another in Cc, either may be read first.
    let read = |to: &MailAddress| app.config.mailbox.iter().find_map(|m| app.reply_key.read(&m.address, &to.address));
    let token = mail.recipients.iter().find_map(read);
    let known = persons::find_by_identity(tx, Channel::Email, &from.address).await?;
    let proven = mail.authenticity == Authenticity::Pass;
    let sender = Sender { address: from, known: None, elsewhere: false, colleague: None, token, proven };
    if let Some(person) = known {
        let own_token = token.is_some_and(|(_, issued_to)| issued_to == person.id);
        return Ok(Sender { known: Some(person), proven: own_token || proven, ..sender });
    }
    let Some((number, issued_to)) = token else { return Ok(sender) };
    let Some(issued_to) = persons::find(tx, issued_to).await? else { return Ok(sender) };
    if is_colleague(tx, &issued_to).await? {
        return Ok(Sender { colleague: Some(issued_to), ..sender });
    }
    // Whom the project knows by their address speak for themselves, with somebody else's reply address too.
    let project = discussions::find(tx, number).await?.map(|d| d.project);
    if project.is_some() && projects::of_sender(tx, &sender.address.address).await? == project {
        return Ok(sender);
    }
    Ok(Sender { known: Some(issued_to), elsewhere: true, ..sender })
}

/// Whether somebody may do what clients may not, anywhere.
pub(super) async fn is_colleague(tx: &mut Tx, person: &Person) -> Result<bool, store::Error> {
    Ok(person.is_admin || members::is_staff_anywhere(tx, person.id).await?)
}

/// Why the mail has to wait for a person, and as whom it would speak.
async fn to_hold(
    tx: &mut Tx,
    app: &App,
    read: &ReadMail,
    (sender, role): (&Sender, Role),
    found: Option<&Discussion>,
) -> Result<Option<(HeldWhy, PersonId)>, store::Error> {
    // A colleague's reply address in a stranger's hands: it was forwarded, or it is them from a second address.
    if let Some(colleague) = &sender.colleague {
        return Ok(Some((HeldWhy::OtherAddress, colleague.id)));
    }
    let Some(person) = &sender.known else { return Ok(None) };
    if let Some(answered) = read.mail.in_reply_to.as_ref().filter(|_| found.is_none())
        && deliveries::is_digest(tx, answered.as_str()).await?
    {
        return Ok(Some((HeldWhy::AnswersDigest, person.id)));
    }
    if role.is_staff() || is_colleague(tx, person).await? {
        return Ok((!sender.proven).then_some((HeldWhy::Unproven, person.id)));
    }
    let too_many = auto_answers::one_too_many(tx, read, person.id, found.map(|d| d.id), app.clock.now()).await?;
    Ok(too_many.map(|why| (why, person.id)))
}

/// By reply address, then In-Reply-To and References, then the subject's tag. Without a token of theirs, only within what the sender may
/// see: a forged header must not lead into another client's project.
pub(super) async fn find_discussion(
    tx: &mut Tx,
    mail: &IncomingMail,
    sender: &Sender,
) -> Result<Option<(Discussion, Evidence)>, store::Error> {
    if let Some((number, issued_to)) = sender.token
        && let Some(found) = discussions::find(tx, number).await?
        && let Some(discussion) = leads_to(tx, found).await?
        && (!is_anothers(tx, sender, issued_to).await? || may_write(tx, &discussion, sender).await?)
    {
        return Ok(Some((discussion, Evidence::ReplyAddress { number })));
    }
    let mut seen = BTreeSet::new();
    let ids = mail.in_reply_to.iter().chain(mail.references.iter().rev().take(REFERENCES_MAX));
    for id in ids.filter(|id| seen.insert(id.as_str().to_owned())) {
        for candidate in posts::discussions_of_mails(tx, std::slice::from_ref(&id.0)).await? {
            let found = discussions::get(tx, candidate).await?;
            if let Some(discussion) = leads_to(tx, found).await?
                && may_write(tx, &discussion, sender).await?
            {
                return Ok(Some((discussion, Evidence::AnswersMail { message_id: id.0.clone() })));
            }
        }
    }
    if let Some(number) = subject_tag(&mail.subject)
        && let Some(found) = discussions::find(tx, number).await?
        && let Some(discussion) = leads_to(tx, found).await?
        && may_write(tx, &discussion, sender).await?
    {
        return Ok(Some((discussion, Evidence::SubjectTag { number })));
    }
    Ok(None)
}

/// Whether the reply address is a colleague's, in the hands of somebody else whom we know: it lets nobody in.
async fn is_anothers(tx: &mut Tx, sender: &Sender, issued_to: PersonId) -> Result<bool, store::Error> {
    if sender.known.as_ref().is_none_or(|known| known.id == issued_to) {
        return Ok(false);
    }
    match persons::find(tx, issued_to).await? {
        Some(person) => is_colleague(tx, &person).await,
        None => Ok(false),
    }
}

/// Where the discussion that a mail names leads by now; itself, ended, where it was put aside as no matter. `None`: to no matter at all.
async fn leads_to(tx: &mut Tx, named: Discussion) -> Result<Option<Discussion>, store::Error> {
    match acts::meant(tx, named.project, named.clone()).await? {
        Some(meant) => Ok(Some(meant)),
        None => Ok(Some(discussions::follow(tx, named).await?).filter(|d| !d.other)),
    }
}

/// Whether the sender belongs to the discussion's project, or has written in it.
async fn may_write(tx: &mut Tx, discussion: &Discussion, sender: &Sender) -> Result<bool, store::Error> {
    if let Some(person) = &sender.known
        && (person.is_admin
            || members::role(tx, discussion.project, person.id).await?.is_some()
            || posts::has_written(tx, discussion.id, person.id).await?)
    {
        return Ok(true);
    }
    Ok(projects::of_sender(tx, &sender.address.address).await? == Some(discussion.project))
}

/// The project that knows the sender, else the mailbox's, else the one for strangers.
async fn project_for(tx: &mut Tx, app: &App, row: &Inbound, sender: &Sender) -> Result<ProjectId, store::Error> {
    if let Some(project) = projects::of_sender(tx, &sender.address.address).await? {
        return Ok(project);
    }
    if let Some(person) = &sender.known
        && let Some(project) = members::only_project_of_client(tx, person.id).await?
    {
        return Ok(project);
    }
    default_project(tx, app, row).await
}

/// The mailbox's project, else the one for strangers.
async fn default_project(tx: &mut Tx, app: &App, row: &Inbound) -> Result<ProjectId, store::Error> {
    if let Some(key) = mailbox(app, row).and_then(|m| m.project.as_deref())
        && let Some(project) = projects::find(tx, key).await?
    {
        return Ok(project.id);
    }
    let name = app.texts().get("project.triage");
    projects::find_or_add(tx, TRIAGE_KEY, name, ProjectKind::Triage, app.clock.now()).await
}

/// A client who writes for the first time. One whom the project knows by address becomes its member; a stranger does not.
pub(super) async fn add_client(tx: &mut Tx, app: &App, project: ProjectId, from: &MailAddress) -> Result<Person, store::Error> {
    let name = if from.name.trim().is_empty() { &from.address } else { from.name.trim() };
    let person = persons::find_or_add(tx, Channel::Email, &from.address, name, app.clock.now()).await?;
    if projects::of_sender(tx, &from.address).await? == Some(project) {
        members::put_if_none(tx, project, person.id, Role::Client).await?;
    }
    Ok(person)
}

/// Who says it, as what, and where.
struct Decided {
    /// `None`: the mail does not say.
    person: Option<PersonId>,
    role: Role,
    project: ProjectId,
    found: Option<Discussion>,
    evidence: Evidence,
    /// Where it came from, if that is not known as their address.
    from_address: Option<String>,
}

async fn write(tx: &mut Tx, app: &App, row: &Inbound, read: &ReadMail, decided: Decided) -> Result<Placed, PlaceError> {
    let Decided { person, role, project, found, mut evidence, from_address } = decided;
    let mail = &read.mail;
    let at = said_at(mail.date, row.received_at);
    let (found, long_done) = match found {
        None => (None, None),
        Some(found) => match reopening::goal(tx, found, role, row.received_at).await? {
            reopening::Goal::Joins(mut discussion) => {
                acts::live_again(tx, &mut discussion, By { person, via: Source::Email }, at).await?;
                (Some(discussion), None)
            }
            reopening::Goal::OpensAfter(old) => (None, Some(old)),
        },
    };
    if let Some(old) = &long_done
        && !matches!(evidence, Evidence::Accepted { .. })
    {
        evidence = Evidence::LongDone { number: old.number };
    }
    let said = mail.said();
    let ordered = match person {
        Some(person) => mail_orders::read(tx, project, person, role, &said).await?.map(|ordered| (person, ordered)),
        None => None,
    };
    let said = ordered.as_ref().map_or(said.as_ref(), |(_, o)| o.body.as_str());
    let files = fresh_files(tx, read, found.as_ref()).await?;
    let says_nothing = said.trim().is_empty() && files.is_empty();
    if let (Some((person, ordered)), Some(discussion), true) = (&ordered, &found, says_nothing) {
        let mut discussion = discussion.clone();
        mail_orders::carry_out(tx, app, &mut discussion, *person, ordered).await?;
        return Ok(Placed { note: Some("orders alone".to_owned()), ..Placed::done(Some((discussion.id, discussion.number))) });
    }
    let body = if says_nothing { mail.text.as_str() } else { said };
    let evidence = evidence.to_json();
    let words = NewPost {
        external_id: Some(mail.message_id.as_ref().map_or(row.external_id.as_str(), |id| id.as_str())),
        inbound: Some(row.id),
        kind: "mail",
        whole: (mail.text.trim() != body.trim()).then_some(mail.text.as_str()),
        // Nobody's, where the mail names no sender.
        person,
        internal: ordered.as_ref().is_some_and(|(_, o)| o.internal) || role.is_staff() && answers_a_note(tx, mail).await?,
        ..NewPost::words(person.unwrap_or(PersonId(0)), role, Source::Email, body, &evidence, at)
    };
    let written = if let Some(discussion) = found {
        acts::post(tx, app, discussion, &words, Tell::Everybody).await?
    } else {
        let subject = base_subject(&mail.subject);
        let drawn = title_of(body, app.texts().get("discussion.untitled"));
        let title = if subject.trim().is_empty() { drawn } else { crate::threading::excerpt(&subject, GIVEN_TITLE_GRAPHEMES_MAX) };
        let new = Opening { project, title: &title, chat: None, source: Source::Email, at };
        acts::open(tx, app, &new, &words, Tell::Everybody).await?
    };
    let Some(post) = written.post else { return Ok(Placed::ignored("the mail has a post already")) };
    if let Some(address) = from_address {
        mail_posts::set_from_address(tx, post, &address).await?;
    }
    keep_files(tx, app, post, &files).await?;
    let mut discussion = written.discussion;
    let mut placed = Placed::done(Some((discussion.id, discussion.number)));
    if let Some(old) = &long_done {
        reopening::link(tx, old, &discussion, person, at).await?;
        placed.changed.push(old.number);
    }
    if let Some(person) = person {
        copied_in::follow(tx, app, mail, &discussion, person).await?;
    }
    if let Some((person, ordered)) = &ordered {
        mail_orders::carry_out(tx, app, &mut discussion, *person, ordered).await?;
    }
    Ok(placed)
}

/// The mail's files, but for pictures that the discussion has: they come back with every answer that quotes our mail.
async fn fresh_files(tx: &mut Tx, read: &ReadMail, discussion: Option<&Discussion>) -> Result<Vec<(String, String, Kept)>, store::Error> {
    let known = match discussion {
        Some(discussion) => attachments::pictures_of_discussion(tx, discussion.id).await?,
        None => vec![],
    };
    Ok(read.files.iter().filter(|(_, _, kept)| !known.contains(&kept.sha256)).cloned().collect())
}

/// Whether it answers a mail of ours that held nothing but notes for staff: what answers a note is one.
async fn answers_a_note(tx: &mut Tx, mail: &IncomingMail) -> Result<bool, store::Error> {
    match &mail.in_reply_to {
        Some(id) => deliveries::told_only_inside(tx, id.as_str()).await,
        None => Ok(false),
    }
}

/// The post has these files: name, type, bytes.
pub(super) async fn keep_files(tx: &mut Tx, app: &App, post: PostId, files: &[(String, String, Kept)]) -> Result<(), store::Error> {
    for (name, content_type, kept) in files {
        let new = NewAttachment {
            post,
            name,
            content_type,
            size: i64::try_from(kept.size).ok(),
            sha256: Some(&kept.sha256),
            status: AttachmentStatus::Ready,
            inbox: None,
            message_id: None,
            position: 0,
            due_at: app.clock.now(),
        };
        attachments::add(tx, &new).await?;
    }
    Ok(())
}

/// The Date header where it can be believed, and never after the mail arrived.
pub(super) fn said_at(date: Option<Timestamp>, received_at: Timestamp) -> Timestamp {
    match date {
        Some(date) if date <= received_at && received_at.duration_since(date) < DATE_TRUSTED_WITHIN => date,
        _ => received_at,
    }
}
