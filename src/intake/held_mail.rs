//! Mails that wait for a person: held here, then taken as a post, or not, by a colleague. Both can be taken back.

use unicode_segmentation::UnicodeSegmentation;

use super::place::{PlaceError, Placed};
use super::place_mail::{self, ReadMail, Taking};
use crate::App;
use crate::discussions::{self as acts, AddressLinking, Viewer};
use crate::domain::{Happening, InboundId, PersonId, PostId, ProjectId, Source, Status, Why};
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::held_mails::{HeldMail, HeldWhy, MailDecision, NewHeldMail};
use crate::store::inbound::{self, Inbound, InboundStatus};
use crate::store::{self, Tx, attachments, deliveries, discussion_events, discussions, held_mails, identities, notices, posts, versions};

/// How much of a held mail is shown, in graphemes.
const WORDS_GRAPHEMES_MAX: usize = 1200;
/// Tries of taking a decision back that the outbox gets in the way of.
const TRIES_MAX: u32 = 4;
/// How much of its subject and of its author's name is.
const LINE_GRAPHEMES_MAX: usize = 200;

/// Why a mail is held, and where it would go.
pub(super) struct Holding<'a> {
    pub why: HeldWhy,
    /// As whom it would speak.
    pub person: Option<PersonId>,
    pub project: ProjectId,
    pub found: Option<&'a Discussion>,
}

/// Keeps the mail for a person to decide.
pub(super) async fn hold(tx: &mut Tx, row: &Inbound, read: &ReadMail, holding: &Holding<'_>) -> Result<Placed, store::Error> {
    let mail = &read.mail;
    let (address, name) = mail.from.as_ref().map_or(("", ""), |f| (f.address.as_str(), f.name.as_str()));
    let said = mail.said();
    let words = if said.trim().is_empty() { mail.text.as_str() } else { said.as_ref() };
    let new = NewHeldMail {
        inbound: row.id,
        why: holding.why,
        person: holding.person,
        project: holding.project,
        from_address: address,
        from_name: &crate::threading::excerpt(name, LINE_GRAPHEMES_MAX),
        subject: &crate::threading::excerpt(&mail.subject, LINE_GRAPHEMES_MAX),
        words: &beginning(words.trim()),
        files: read.files.len(),
    };
    held_mails::put(tx, &new).await?;
    let changed = holding.found.map(|d| d.number).into_iter().collect();
    Ok(Placed { changed, ..Placed::held(note(holding.why), holding.found.map(|d| d.id)) })
}

/// The text, its lines as they are, cut with an ellipsis where it is long.
fn beginning(text: &str) -> String {
    match text.grapheme_indices(true).nth(WORDS_GRAPHEMES_MAX) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text.to_owned(),
    }
}

/// What the inbound row says of it.
fn note(why: HeldWhy) -> &'static str {
    match why {
        HeldWhy::Unproven => "it says it is from a colleague, and neither a reply address of theirs nor authentication proves it",
        HeldWhy::OtherAddress => "it answers a colleague's mail from an address that is not known as theirs",
        HeldWhy::NoSender => "the mail names no sender",
        HeldWhy::TooManyOpened => "programs at its address opened many discussions within an hour",
        HeldWhy::TooManyPosts => "programs at its address wrote much in this discussion within an hour",
        HeldWhy::AnswersDigest => "it answers a digest, which is about many discussions",
    }
}

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    #[error("there is no such mail, or it is not yours to decide")]
    NotFound,
    #[error("{0}")]
    Refused(&'static str),
    #[error("the mail cannot be read: {0}")]
    Unreadable(String),
    #[error("writing what was decided")]
    Store(#[from] store::Error),
}

impl From<PlaceError> for DecideError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::NotYet(why) => Self::Refused(why),
            PlaceError::Store(error) => Self::Store(error),
        }
    }
}

/// The mail, if this person may decide about it: staff of the project that it belongs to.
async fn to_decide(c: &mut sqlx::AnyConnection, viewer: &Viewer, id: InboundId) -> Result<HeldMail, DecideError> {
    let held = held_mails::find(c, id).await?.ok_or(DecideError::NotFound)?;
    match viewer.role(c, held.project).await? {
        Some(role) if role.is_staff() => Ok(held),
        _ => Err(DecideError::NotFound),
    }
}

/// Likewise, while nobody else decides.
async fn claimed(tx: &mut Tx, app: &App, viewer: &Viewer, id: InboundId) -> Result<HeldMail, DecideError> {
    held_mails::claim(tx, app.db.dialect, id).await?.ok_or(DecideError::NotFound)?;
    to_decide(tx, viewer, id).await
}

/// The mail becomes a post of the person that it says it is from, with its files. `link`: its address is theirs from now on. The
/// discussion's number.
pub async fn accept(app: &App, viewer: &Viewer, id: InboundId, link: bool, via: Source) -> Result<i64, DecideError> {
    let row = {
        let mut c = app.db.read().await?;
        to_decide(&mut c, viewer, id).await?;
        inbound::find(&mut c, id).await?.ok_or(DecideError::NotFound)?
    };
    let read = place_mail::read(app, &row).await.map_err(DecideError::Unreadable)?;
    let mut tx = app.db.begin().await?;
    let held = claimed(&mut tx, app, viewer, id).await?;
    if held.status != InboundStatus::Held {
        return Err(DecideError::Refused("somebody has decided about this mail already"));
    }
    let linked = match held.person.filter(|_| link) {
        Some(person) => link_address(&mut tx, viewer, person, &held.from_address).await?,
        None => false,
    };
    let placed = place_mail::take(&mut tx, app, &row, &read, &Taking { held: &held, by: &viewer.name }).await?;
    let (Some(discussion), InboundStatus::Done) = (placed.discussion, placed.status) else {
        return Err(DecideError::Refused("this mail is a post already"));
    };
    let by = By { person: Some(viewer.person), via };
    let now = app.clock.now();
    let from = held.from_address.clone();
    discussion_events::add(&mut tx, discussion, by, now, &Happening::MailAccepted { from: from.clone() }).await?;
    if linked {
        discussion_events::add(&mut tx, discussion, by, now, &Happening::AddressLinked { address: from }).await?;
    }
    held_mails::settle(&mut tx, id, InboundStatus::Done, None, Some(discussion)).await?;
    held_mails::decide(&mut tx, id, Some(MailDecision::Accepted), viewer.person, now, linked).await?;
    let number = discussions::get(&mut tx, discussion).await?.number;
    tx.commit().await?;
    for bell in [&app.wake.outbox, &app.wake.thumbnails] {
        bell.notify_one();
    }
    app.changed(number);
    Ok(number)
}

/// Whether the address was made the person's just now.
async fn link_address(tx: &mut Tx, viewer: &Viewer, person: PersonId, address: &str) -> Result<bool, DecideError> {
    match acts::give_address(tx, viewer, person, address).await? {
        AddressLinking::Done => Ok(true),
        AddressLinking::Known => Ok(false),
        AddressLinking::Elsewhere => Err(DecideError::Refused("the address belongs to somebody else")),
        AddressLinking::NotYours => Err(DecideError::Refused("only the colleague or an admin may give a colleague another address")),
    }
}

/// The mail becomes nothing. The number of the discussion that it belonged to.
pub async fn dismiss(app: &App, viewer: &Viewer, id: InboundId, via: Source) -> Result<Option<i64>, DecideError> {
    let mut tx = app.db.begin().await?;
    let held = claimed(&mut tx, app, viewer, id).await?;
    if held.status != InboundStatus::Held {
        return Err(DecideError::Refused("somebody has decided about this mail already"));
    }
    held_mails::settle(&mut tx, id, InboundStatus::Ignored, Some("somebody decided against it"), held.discussion).await?;
    held_mails::decide(&mut tx, id, Some(MailDecision::Dismissed), viewer.person, app.clock.now(), false).await?;
    let what = Happening::MailDismissed { from: held.from_address.clone() };
    finish(tx, app, viewer, &held, (via, what), vec![]).await
}

/// The mail waits again, as though nothing had been decided. What had been sent of its post stays sent; the post is then a tombstone.
pub async fn undo(app: &App, viewer: &Viewer, id: InboundId, via: Source) -> Result<Option<i64>, DecideError> {
    let mut tries = 1;
    loop {
        match take_decision_back(app, viewer, id, via).await {
            // The post was just being told of.
            Err(DecideError::Store(error)) if tries < TRIES_MAX && store::is_conflict(&error) => tries += 1,
            outcome => return outcome,
        }
    }
}

async fn take_decision_back(app: &App, viewer: &Viewer, id: InboundId, via: Source) -> Result<Option<i64>, DecideError> {
    let mut tx = app.db.begin().await?;
    let mut held = claimed(&mut tx, app, viewer, id).await?;
    let unused = match (held.decision, held.post) {
        (None, _) => return Err(DecideError::Refused("nothing has been decided about this mail")),
        (Some(MailDecision::Accepted), Some(post)) => take_back(&mut tx, app, &mut held, post).await?,
        (Some(_), _) => vec![],
    };
    // A discussion that is empty now is not where the mail belongs.
    let belongs = match held.discussion {
        Some(discussion) if held.decision == Some(MailDecision::Accepted) => {
            posts::has_living(&mut tx, discussion).await?.then_some(discussion)
        }
        other => other,
    };
    held_mails::settle(&mut tx, id, InboundStatus::Held, Some(note(held.why)), belongs).await?;
    held_mails::decide(&mut tx, id, None, viewer.person, app.clock.now(), false).await?;
    let what = Happening::MailHeldAgain { from: held.from_address.clone() };
    finish(tx, app, viewer, &held, (via, what), unused).await
}

/// Takes the post back that the mail became: wherever it is by now, `held` belongs there. Files that nothing refers to any more.
async fn take_back(tx: &mut Tx, app: &App, held: &mut HeldMail, post: PostId) -> Result<Vec<String>, DecideError> {
    let found = posts::find(tx, post).await?.ok_or(DecideError::NotFound)?;
    let unused = attachments::withdraw(tx, post, None).await?;
    deliveries::take_back(tx, post, &[]).await?;
    if !held_mails::take_post_away(tx, post).await? {
        posts::retract(tx, post, app.clock.now()).await?;
        versions::forget(tx, post).await?;
        notices::drop_of_post(tx, post, Why::TakenBack.as_str()).await?;
        held_mails::part_post(tx, post).await?;
    }
    if !posts::has_living(tx, found.discussion).await? {
        // Its title came from the mail.
        discussions::set_title(tx, found.discussion, app.texts().get("post.unsent")).await?;
        discussions::set_status(tx, found.discussion, Status::Closed).await?;
    }
    discussions::refresh_last_post(tx, found.discussion).await?;
    if held.linked
        && let Some(person) = held.person
    {
        identities::take_address(tx, person, &held.from_address).await?;
    }
    held.discussion = Some(found.discussion);
    Ok(unused)
}

/// Keeps it in the discussion's history, and tells open pages. The discussion's number.
async fn finish(
    mut tx: Tx,
    app: &App,
    viewer: &Viewer,
    held: &HeldMail,
    (via, what): (Source, Happening),
    unused: Vec<String>,
) -> Result<Option<i64>, DecideError> {
    let mut number = None;
    if let Some(id) = held.discussion {
        let by = By { person: Some(viewer.person), via };
        let found = discussions::get(&mut tx, id).await?;
        let discussion = discussions::follow(&mut tx, found).await?;
        discussion_events::add(&mut tx, discussion.id, by, app.clock.now(), &what).await?;
        number = Some(discussion.number);
    }
    tx.commit().await?;
    for file in unused {
        if let Err(error) = app.files.delete(&file).await {
            tracing::error!(%error, "a file that was taken back could not be deleted");
        }
    }
    if let Some(number) = number {
        app.changed(number);
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_mail_is_cut_between_graphemes() {
        assert_eq!(beginning("短\n信"), "短\n信");
        let long = beginning(&"👩‍👩‍👧".repeat(WORDS_GRAPHEMES_MAX + 1));
        assert_eq!(long.graphemes(true).count(), WORDS_GRAPHEMES_MAX + 1);
        assert!(long.ends_with("👩‍👩‍👧…"));
    }
}
