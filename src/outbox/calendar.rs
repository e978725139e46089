//! When nobody wants to hear: quiet hours.

use jiff::{SignedDuration, Timestamp};

use crate::App;

/// When the quiet hours end, if it is quiet now. They may span midnight.
pub(super) fn closed_until(app: &App, now: Timestamp) -> Option<Timestamp> {
    let (from, until) = app.config.notify.quiet_hours?;
    let zoned = now.to_zoned(app.config.server.time_zone.clone());
    let time = zoned.time();
    let is_quiet = if from <= until { from <= time && time < until } else { time >= from || time < until };
    if !is_quiet {
        return None;
    }
    let day = if time < until { zoned.date() } else { zoned.date().tomorrow().ok()? };
    let end = day.to_datetime(until).to_zoned(app.config.server.time_zone.clone()).ok()?.timestamp();
    Some(end.max(now + SignedDuration::from_secs(1)))
}
