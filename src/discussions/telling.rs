//! What staff do about a notice: let it leave now, cancel it, take that back, have it tried once more.

use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::App;
use crate::domain::{NoticeId, NoticeKind, Role, Why};
use crate::store::notice_lists::{self, Listed};
use crate::store::{self, Tx, announcements, chats, deliveries, discussions, notices, persons, posts};

use super::Viewer;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// It leaves now, whatever the hour, and is paid for if no free ride is there.
    SendNow,
    /// Nobody is told of it.
    Cancel,
    /// What was cancelled waits again.
    Restore,
    /// What failed is tried once more, with what failed beside it.
    Retry,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum TellingError {
    #[error("there is no such notice, or it is not yours to change")]
    NotFound,
    #[error("{0}")]
    Refused(&'static str),
    #[error("writing what was done about a notice")]
    Store(#[from] store::Error),
}

/// Does it, for those who [may](may_change). The notice as it stands then. The caller commits, rings
/// the outbox's bell and tells open pages of the discussion.
pub async fn tell_otherwise(tx: &mut Tx, app: &App, viewer: &Viewer, id: NoticeId, what: Telling) -> Result<Listed, TellingError> {
    let notice = notice_lists::find(tx, id).await?.ok_or(TellingError::NotFound)?;
    // What is being frozen at this moment is looked at when that is done.
    match (notice.chat, notice.person) {
        (Some(chat), _) => chats::lock(tx, app.db.dialect, chat).await?,
        (None, Some(person)) => persons::lock(tx, app.db.dialect, person).await?,
        (None, None) => {}
    }
    let notice = notice_lists::find(tx, id).await?.ok_or(TellingError::NotFound)?;
    if !may_change(tx, viewer, &notice).await? {
        return Err(TellingError::NotFound);
    }
    if matches!(what, Telling::Restore | Telling::Retry) {
        tells_where_it_is(tx, &notice).await?;
    }
    match what {
        Telling::SendNow => send_now(tx, app, &notice).await?,
        Telling::Cancel => cancel(tx, viewer, &notice).await?,
        Telling::Restore => {
            if !notices::uncancel(tx, id).await? {
                return Err(TellingError::Refused("it was not cancelled, or what it tells was withdrawn"));
            }
        }
        Telling::Retry => retry(tx, app, viewer, &notice).await?,
    }
    notice_lists::find(tx, id).await?.ok_or(TellingError::NotFound)
}

/// What failed or was cancelled did not go along when its post was moved. Of what is no matter any more nobody is told.
async fn tells_where_it_is(tx: &mut Tx, notice: &Listed) -> Result<(), TellingError> {
    let post = match notice.post {
        Some(id) => posts::find(tx, id).await?,
        None => None,
    };
    let now_in = match (&post, notice.discussion_number) {
        (Some(post), _) => discussions::get(tx, post.discussion).await?,
        (None, Some(number)) => match discussions::find(tx, number).await? {
            Some(found) => discussions::follow(tx, found).await?,
            None => return Ok(()),
        },
        (None, None) => return Ok(()),
    };
    if now_in.other {
        return Err(TellingError::Refused("what it tells of was put aside"));
    }
    Ok(notices::tell_of(tx, notice.id, now_in.id).await?)
}

/// Whether the notice is theirs to change: staff of its project; what is of no project is for admins.
pub async fn may_change(c: &mut AnyConnection, viewer: &Viewer, notice: &Listed) -> store::Result<bool> {
    match notice.project {
        Some(project) => Ok(viewer.role(c, project).await?.is_some_and(Role::is_staff)),
        None => Ok(viewer.is_admin),
    }
}

/// Whether it may be told to leave now; the reason otherwise.
pub fn may_send_now(notice: &Listed, now: Timestamp) -> Result<(), &'static str> {
    if notice.kind == NoticeKind::Replied {
        return Err("an answer to a tap or a typed command rides for free or not at all");
    }
    let why = notice.reason.as_deref().and_then(Why::read).map(|(why, _)| why);
    if notice.ride.is_some() || notice.deadline_at <= now {
        return Ok(());
    }
    match why {
        Some(Why::ProjectBudgetSpent) => Err("the project's budget of the month does not cover it; it leaves with the next free reply"),
        Some(why) if why.is_about_money() => Err("the month's LINE messages are spent; it leaves with the next free reply"),
        _ => Ok(()),
    }
}

async fn send_now(tx: &mut Tx, app: &App, notice: &Listed) -> Result<(), TellingError> {
    let now = app.clock.now();
    may_send_now(notice, now).map_err(TellingError::Refused)?;
    let leaves = match &notice.ride {
        Some(ride) => deliveries::try_now(tx, ride.delivery, now).await?,
        None => notices::urge(tx, notice.id, now).await?,
    };
    if leaves { Ok(()) } else { Err(TellingError::Refused("it does not wait: it has left, is being sent, or was given up")) }
}

/// What is frozen and has certainly not left is given up; what was to travel with it takes another ride.
async fn cancel(tx: &mut Tx, viewer: &Viewer, notice: &Listed) -> Result<(), TellingError> {
    let why = Why::Cancelled.quoting(&viewer.name);
    if let Some(ride) = &notice.ride
        && deliveries::withdraw(tx, ride.delivery, &why).await?
    {
        notices::unfreeze(tx, ride.delivery).await?;
    }
    if notices::cancel(tx, notice.id, &why).await? {
        Ok(())
    } else {
        Err(TellingError::Refused("it does not wait: it has left, is being sent, or was given up"))
    }
}

/// A new delivery with a key of its own: what LINE may have taken by the old one it would take again.
async fn retry(tx: &mut Tx, app: &App, viewer: &Viewer, notice: &Listed) -> Result<(), TellingError> {
    if notice.kind == NoticeKind::Replied {
        return Err(TellingError::Refused("an answer to a tap or a typed command is of no use any more"));
    }
    if announcements::is_withdrawn(tx, notice.id).await? {
        return Err(TellingError::Refused("the announcement was withdrawn"));
    }
    let why = Why::AskedAgain.quoting(&viewer.name);
    if notices::try_again(tx, notice.id, app.clock.now(), &why).await? == 0 {
        return Err(TellingError::Refused("it has not failed"));
    }
    Ok(())
}
