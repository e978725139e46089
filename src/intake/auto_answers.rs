//! Mails that programs write: a vacation answer is a quiet line in its discussion's history, and what goes round in circles is held.

use jiff::{SignedDuration, Timestamp};

use super::place::Placed;
use super::place_mail::{self, ReadMail};
use crate::App;
use crate::domain::{AutoMail, DiscussionId, Happening, HappeningKind, PersonId, Source};
use crate::store::discussion_events::By;
use crate::store::held_mails::HeldWhy;
use crate::store::inbound::Inbound;
use crate::store::{self, Tx, discussion_events, mail_posts};
use crate::threading::{Evidence, excerpt};

/// How much of an automatic answer is kept, in graphemes.
const ANSWER_GRAPHEMES_MAX: usize = 160;
/// One automatic answer of a person is shown in a discussion within so long.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Discussions that programs at one address may open within [`COUNTED_WITHIN`].
const OPENINGS_MAX: i64 = 10;
/// Posts that they may write in one discussion within it.
const POSTS_MAX: i64 = 10;
const COUNTED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// An automatic answer: shown small in the discussion that it belongs to. It reopens nothing, and nobody is told.
pub(super) async fn note(tx: &mut Tx, app: &App, row: &Inbound, read: &ReadMail) -> Result<Placed, store::Error> {
    const WHY: &str = "an automatic answer";
    let mail = &read.mail;
    let Some(from) = mail.from.clone().filter(|f| f.address.contains('@')) else { return Ok(Placed::ignored(WHY)) };
    let sender = place_mail::sender(tx, app, mail, from).await?;
    // Nobody puts words into a colleague's mouth by calling them an automatic answer.
    if let Some(person) = sender.known.as_ref().filter(|_| !sender.proven)
        && place_mail::is_colleague(tx, person).await?
    {
        return Ok(Placed::ignored(WHY));
    }
    let Some((discussion, _)) = place_mail::find_discussion(tx, mail, &sender).await? else { return Ok(Placed::ignored(WHY)) };
    let person = sender.known.as_ref().or(sender.colleague.as_ref()).map(|p| p.id);
    let before = discussion_events::last_by(tx, discussion.id, HappeningKind::AutoReplied, person).await?;
    let at = row.received_at;
    if before.is_none_or(|b| at.duration_since(b.at) >= ANSWERED_WITHIN) {
        let said = mail.said();
        let words = if said.trim().is_empty() { mail.subject.as_str() } else { said.as_ref() };
        let what = Happening::AutoReplied { text: excerpt(words, ANSWER_GRAPHEMES_MAX) };
        discussion_events::add(tx, discussion.id, By { person, via: Source::Email }, at, &what).await?;
    }
    Ok(Placed { discussion: Some(discussion.id), changed: vec![discussion.number], ..Placed::ignored(WHY) })
}

/// Why a mail of this client's is one too many, if it looks like a program's: it says that it is, or it repeats what was just said.
pub(super) async fn one_too_many(
    tx: &mut Tx,
    read: &ReadMail,
    person: PersonId,
    found: Option<DiscussionId>,
    now: Timestamp,
) -> Result<Option<HeldWhy>, store::Error> {
    let since = now - COUNTED_WITHIN;
    let by_program = read.mail.auto == AutoMail::List || mail_posts::was_said_since(tx, person, &read.body(), since).await?;
    if !by_program {
        return Ok(None);
    }
    let opening = Evidence::Nothing {}.to_json();
    let count = mail_posts::count_since(tx, person, found, &opening, since).await?;
    let (max, why) = if found.is_some() { (POSTS_MAX, HeldWhy::TooManyPosts) } else { (OPENINGS_MAX, HeldWhy::TooManyOpened) };
    Ok((count >= max).then_some(why))
}
