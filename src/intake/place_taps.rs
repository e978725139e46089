//! What taps on the bot's buttons lead to. Each counts once, however often it is tapped or delivered.

use jiff::Timestamp;

use super::place::{PlaceError, Placed, at};
use super::place_line::Arrived;
use super::place_people;
use crate::App;
use crate::channels::line::commands::{self, Tap};
use crate::discussions::{self as acts, Apart, ChangeError};
use crate::domain::{PersonId, Reply, Source};
use crate::store::chats::Chat;
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::{self, Tx, chats, discussions, persons};

/// Somebody tapped a button that carries `data`.
pub(super) async fn tapped(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, data: &str) -> Result<Placed, PlaceError> {
    if arrived.incoming.standby {
        return Ok(Placed::ignored("a tap while another program is in charge (standby)"));
    }
    let Some(tap) = commands::tap(data) else { return Ok(Placed::ignored("a tap on a button that is none of ours")) };
    let happened = at(arrived.incoming.at, arrived.row.received_at);
    let who = match who(tx, app, arrived, chat).await? {
        Who::Gone => return Ok(Placed::ignored(format!("a tap ({}) by somebody who has left the chat", tap.word()))),
        Who::Unknown => None,
        Who::Is(person, name) => Some((person, name)),
    };
    let number = match tap {
        Tap::Progress => {
            acts::reply(tx, app, chat.id, &Reply::Progress {}, arrived.row.received_at).await?;
            return Ok(Placed::ignored("a tap: progress"));
        }
        Tap::Solved(number) | Tap::NotSolved(number) | Tap::Reply(number) | Tap::Apart(number) | Tap::Join(number) => number,
    };
    let named = discussions::find(tx, number).await?;
    let leads_to = match named.clone() {
        Some(named) => acts::meant(tx, chat.project, named).await?,
        None => None,
    };
    let (Some(named), Some(mut discussion)) = (named, leads_to) else {
        return Ok(Placed::ignored(format!("a tap ({}) on a discussion that is not of this chat's project", tap.word())));
    };
    let mut changed = vec![];
    if let (Tap::Reply(_), Some((person, _))) = (tap, &who) {
        // The group sees by what the button shows which matter it is; what follows speaks for itself.
        changed = acts::reply_here(tx, app, (chat, *person), &named, happened).await?;
    }
    if let Some(reply) = lead(tx, app, (tap, &mut discussion), chat, who, happened).await? {
        acts::reply(tx, app, chat.id, &reply, arrived.row.received_at).await?;
    }
    let note = Some(format!("a tap: {}", tap.word()));
    let mut placed = Placed { note, ..Placed::done(Some((discussion.id, discussion.number))) };
    placed.changed.extend(changed);
    Ok(placed)
}

/// What the tap leads to, and what the bot answers, if anything.
async fn lead(
    tx: &mut Tx,
    app: &App,
    (tap, discussion): (Tap, &mut Discussion),
    chat: &Chat,
    who: Option<(PersonId, String)>,
    happened: Timestamp,
) -> Result<Option<Reply>, PlaceError> {
    let (person, name) = who.map_or((None, String::new()), |(person, name)| (Some(person), name));
    let by = By { person, via: Source::Line };
    let number = discussion.number;
    Ok(Some(match tap {
        // All of it was put aside as no matter.
        Tap::Solved(_) if discussion.merged_into.is_some() => return Ok(None),
        Tap::Solved(_) => {
            acts::solved(tx, app, discussion, by, happened).await.map_err(in_store)?;
            Reply::Solved { number, by: name }
        }
        Tap::NotSolved(_) => {
            acts::live_again(tx, discussion, by, happened).await?;
            acts::not_solved(tx, app, discussion, by, happened).await.map_err(in_store)?;
            Reply::NotSolved { number, by: name }
        }
        Tap::Apart(_) => match acts::set_apart(tx, app, discussion, chat.id, person, happened).await? {
            Apart::Done(to) => Reply::Apart { from: number, number: to.number },
            Apart::Before(to) => Reply::Apart { from: number, number: to },
            Apart::Nothing => Reply::NothingApart { number },
        },
        // Tapped before, or joined by a colleague: its number leads on.
        Tap::Join(tapped) if tapped != number => Reply::Moved { from: tapped, number },
        // All of it was put aside as no matter.
        Tap::Join(_) if discussion.merged_into.is_some() => Reply::NothingBefore { number },
        Tap::Join(_) => match acts::join_before(tx, app, discussion, chat.id, by, happened).await? {
            Some(into) => {
                *discussion = into;
                Reply::Moved { from: number, number: discussion.number }
            }
            None => Reply::NothingBefore { number },
        },
        Tap::Progress | Tap::Reply(_) => return Ok(None),
    }))
}

/// A status is never refused.
fn in_store(error: ChangeError) -> PlaceError {
    match error {
        ChangeError::Store(error) => error.into(),
        other => store::Error::Protocol(other.to_string()).into(),
    }
}

enum Who {
    Is(PersonId, String),
    /// LINE does not tell.
    Unknown,
    /// They have left the chat.
    Gone,
}

async fn who(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat) -> Result<Who, store::Error> {
    let Some(id) = &arrived.incoming.author else { return Ok(Who::Unknown) };
    let person = place_people::met(tx, app, arrived.names, id).await?;
    if chats::has_left(tx, chat.id, person.id).await? {
        return Ok(Who::Gone);
    }
    // LINE brings taps from a chat's members only: whoever never wrote here is one all the same.
    place_people::acting(tx, app, arrived, chat, id).await?;
    let name = persons::find(tx, person.id).await?.map(|p| p.name).unwrap_or_default();
    Ok(Who::Is(person.id, name))
}
