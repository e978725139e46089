//! How long a notice for a LINE chat may wait for a free ride before a push is paid for it.

use jiff::civil::Time;
use jiff::{SignedDuration, Span, Timestamp};

use crate::App;
use crate::domain::{NoticeKind, ProjectId};
use crate::store::{Result, Tx};

/// How long news of a status waits.
const STATUS_WAITS: SignedDuration = SignedDuration::from_mins(30);
/// When the day's digest leaves, in the server's time zone.
const DIGEST_AT: Time = Time::constant(17, 0, 0, 0);

/// From when on a push may be paid for a notice of this kind into a chat of the project, where nothing about it is urgent; counted from
/// `due_at`, before which it does not leave at all.
pub async fn deadline(_tx: &mut Tx, app: &App, _project: ProjectId, kind: NoticeKind, due_at: Timestamp) -> Result<Timestamp> {
    Ok(match kind {
        NoticeKind::Answered => due_at + app.config.notify.coalesce,
        NoticeKind::StatusChanged => due_at + STATUS_WAITS,
        _ => next_digest(app, due_at),
    })
}

fn next_digest(app: &App, after: Timestamp) -> Timestamp {
    let zone = &app.config.server.time_zone;
    let now = after.to_zoned(zone.clone());
    let day = if now.time() < DIGEST_AT { now.date() } else { now.date().saturating_add(Span::new().days(1)) };
    day.to_datetime(DIGEST_AT).to_zoned(zone.clone()).map_or(after, |z| z.timestamp())
}
