//! What LINE messages may cost: a month, what stops pushes, and how the month will end.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// Staff are told once so much of a month's budget is spent, in per cent.
pub const BUDGET_NEAR_PERCENT: i64 = 80;
/// And once it is spent.
pub const BUDGET_SPENT_PERCENT: i64 = 100;
/// The largest monthly budget of a project, in messages.
pub const PROJECT_BUDGET_MAX: i64 = 10_000_000;
/// The largest monthly budget of a LINE account, in messages.
pub const ACCOUNT_BUDGET_MAX: i64 = 10_000_000;
/// How long pushes stop where LINE refuses one for the quota although some of it is left: messages that are scheduled in LINE's own
/// manager reserve it.
pub const QUOTA_RESERVED_STOPS: SignedDuration = SignedDuration::from_hours(1);

/// A month of the server's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    pub first: Date,
    pub from: Timestamp,
    /// When the next one begins.
    pub until: Timestamp,
}

impl Month {
    /// The month that `now` is in.
    pub fn of(now: Timestamp, zone: &TimeZone) -> Self {
        let first = now.to_zoned(zone.clone()).date().first_of_month();
        let at = |date: Date| date.to_zoned(zone.clone()).map_or(now, |z| z.timestamp());
        let next = first.checked_add(Span::new().months(1)).unwrap_or(first);
        Self { first, from: at(first), until: at(next) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_month_begins_and_ends_at_midnight_of_the_servers_zone() {
        let zone = TimeZone::get("Asia/Taipei").unwrap();
        let month = Month::of("2026-11-30T15:59:59Z".parse().unwrap(), &zone);
        assert_eq!(month.from, "2026-10-31T16:00:00Z".parse().unwrap());
        assert_eq!(month.until, "2026-11-30T16:00:00Z".parse().unwrap());
        assert_eq!(Month::of(month.until, &zone).first, date(2026, 12, 1));
    }
}
