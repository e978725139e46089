//! What the month's pushes will have cost at its end, from its days so far.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};

/// Fewer whole days than this say nothing.
const DAYS_MIN: i64 = 3;
/// A day's heads above this are counted as this, so that no product overflows.
const DAY_HEADS_MAX: i64 = 10_000_000;
/// Standard deviations to either side, in hundredths: four months of five end within them, as far as days resemble each other.
const SPREAD_HUNDREDTHS: i64 = 128;

/// Heads billed from the first of the month to its end, as far as can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Billed so far, today among it.
    pub so_far: i64,
    /// What the month is expected to come to; never less than `so_far`.
    pub expected: i64,
    /// It may well come to as little…
    pub low: i64,
    /// …or to as much: wide at the month's beginning, nothing at its end.
    pub high: i64,
    /// What is expected to have been billed by the end of each day, from today to the month's last.
    pub path: Vec<(Date, i64)>,
}

/// Whether people usually work on it, holidays aside.
pub fn is_weekday(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Working days go on as the month's working days so far, free days as its free days; today, which is not over, comes to no less than it
/// has. `since`: the first day of the record, earlier days say nothing. `heads`: by day, a day without any may be absent. `None` before
/// three whole days, or where no day yet tells what one of those to come will be like.
pub fn forecast(heads: &BTreeMap<Date, i64>, since: Date, today: Date, works: impl Fn(Date) -> bool) -> Option<Forecast> {
    let first = since.max(today.first_of_month());
    let of = |date: Date| heads.get(&date).copied().unwrap_or_default().clamp(0, DAY_HEADS_MAX);
    let (mut working, mut free) = (Kind::default(), Kind::default());
    for date in days(first, today).filter(|d| *d < today) {
        if works(date) { working.add(of(date)) } else { free.add(of(date)) }
    }
    if working.days + free.days < DAYS_MIN {
        return None;
    }
    let so_far: i64 = days(today.first_of_month(), today).map(of).sum();
    let (mut working_left, mut free_left) = (0, 0);
    // In hundredths, so that a push every few days is not rounded away.
    let mut hundredths = so_far * 100;
    let mut path = vec![];
    for date in days(today, today.last_of_month()) {
        let (kind, left) = if works(date) { (&working, &mut working_left) } else { (&free, &mut free_left) };
        // Free days of which none has been seen are taken to bring nothing; of working days nothing may be taken.
        let usual = match kind.mean_hundredths() {
            Some(mean) => mean,
            None if works(date) => return None,
            None => 0,
        };
        if date == today {
            hundredths += (usual - of(today) * 100).max(0);
        } else {
            hundredths += usual;
            *left += 1;
        }
        path.push((date, (hundredths + 50) / 100));
    }
    let expected = (hundredths + 50) / 100;
    let spread = (working.variance_of_sum(working_left) + free.variance_of_sum(free_left)).isqrt() * SPREAD_HUNDREDTHS / 100;
    Some(Forecast { so_far, expected, low: (expected - spread).max(so_far), high: expected + spread, path })
}

/// Both included.
fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(from), |d| d.tomorrow().ok()).take_while(move |d| *d <= to)
}

/// Days of one kind so far.
#[derive(Default)]
struct Kind {
    days: i64,
    sum: i64,
    squares: i64,
}

impl Kind {
    fn add(&mut self, heads: i64) {
        self.days += 1;
        self.sum += heads;
        self.squares += heads * heads;
    }

    fn mean_hundredths(&self) -> Option<i64> {
        (self.days > 0).then(|| self.sum * 100 / self.days)
    }

    /// Of the heads of `left` more such days: of what they differ by, and of how little is known of what is usual.
    fn variance_of_sum(&self, left: i64) -> i64 {
        if self.days == 0 || left == 0 {
            return 0;
        }
        let mean = self.sum / self.days;
        // One day tells nothing of how days differ: it is taken that they may differ by themselves.
        let of_one = if self.days == 1 { mean * mean } else { (self.squares - mean * self.sum).max(0) / (self.days - 1) };
        // Pushes are whole: as many as these differ by their root at least.
        of_one.max(mean) * (left + left * left / self.days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn november(day: i8) -> Date {
        jiff::civil::date(2026, 11, day)
    }

    /// November 2026 begins on a Sunday and has 21 weekdays.
    fn heads(of: impl Fn(i8) -> i64) -> BTreeMap<Date, i64> {
        (1..=30).map(|d| (november(d), of(d))).filter(|(_, n)| *n > 0).collect()
    }

    fn at(today: i8, of: impl Fn(i8) -> i64) -> Option<Forecast> {
        let until_now: BTreeMap<Date, i64> = heads(of).into_iter().filter(|(d, _)| *d <= november(today)).collect();
        forecast(&until_now, november(1), november(today), is_weekday)
    }

    #[test]
    fn a_steady_month_is_foretold_from_its_fourth_day_on() {
        let steady = |d: i8| if is_weekday(november(d)) { 40 } else { 0 };
        assert_eq!(at(3, steady), None);
        for today in 4..=30 {
            let told = at(today, steady).unwrap();
            assert_eq!(told.expected, 21 * 40, "on the {today}th");
            assert!(told.low <= told.expected && told.expected <= told.high);
            assert_eq!(told.path.last(), Some(&(november(30), 840)));
            assert_eq!(told.path.len(), usize::try_from(31 - today).unwrap());
        }
    }

    #[test]
    fn weekends_are_not_expected_to_be_like_weekdays() {
        let friday = at(6, |d| if is_weekday(november(d)) { 10 } else { 2 }).unwrap();
        assert_eq!(friday.path[..4], [(november(6), 52), (november(7), 54), (november(8), 56), (november(9), 66)]);
        assert_eq!(friday.expected, 21 * 10 + 9 * 2);
    }

    #[test]
    fn it_is_wide_at_the_beginning_and_certain_at_the_end() {
        let uneven = |d: i8| if is_weekday(november(d)) { 20 + i64::from(d % 3) * 20 } else { 0 };
        let width = |today: i8| at(today, uneven).map(|f| f.high - f.low).unwrap();
        assert!(width(5) > width(12) && width(12) > width(20) && width(20) > width(27), "{} {} {}", width(5), width(12), width(20));
        let last = at(30, uneven).unwrap();
        assert_eq!((last.low, last.high), (last.expected, last.expected));
    }

    #[test]
    fn today_counts_for_no_less_than_it_has() {
        let burst = |d: i8| if d == 10 { 500 } else { i64::from(is_weekday(november(d))) * 10 };
        let told = at(10, burst).unwrap();
        assert_eq!(told.so_far, 60 + 500);
        assert_eq!(told.path[0], (november(10), 560));
        assert_eq!(told.expected, 560 + 14 * 10);
    }

    #[test]
    fn days_before_the_record_say_nothing_but_what_was_billed_counts() {
        let heads: BTreeMap<Date, i64> = (16..=20).map(|d| (november(d), 30)).collect();
        let told = forecast(&heads, november(16), november(20), is_weekday).unwrap();
        assert_eq!((told.so_far, told.expected), (150, 150 + 6 * 30));
        assert_eq!(forecast(&heads, november(18), november(20), is_weekday), None);
    }

    #[test]
    fn a_month_of_holidays_so_far_foretells_no_working_day() {
        let new_year = |d: Date| is_weekday(d) && d.day() > 6;
        assert_eq!(forecast(&BTreeMap::new(), november(1), november(6), new_year), None);
        let quiet = forecast(&BTreeMap::new(), november(1), november(12), new_year).unwrap();
        assert_eq!((quiet.expected, quiet.high), (0, 0));
    }

    #[test]
    fn sums_without_end_do_not_overflow() {
        let told = at(20, |_| i64::MAX).unwrap();
        assert!(told.expected > told.so_far && told.high > told.expected);
    }
}
