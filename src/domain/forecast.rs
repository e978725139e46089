//! What the month's pushes will have cost at its end, from its days so far.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::DayKind;

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

/// Working days go on as the month's working days so far, and free days and days off each as theirs; today, which is not over, comes to no
/// less than it has. `since`: the first day of the record, earlier days say nothing. `heads`: by day, a day without any may be absent.
/// `None` before three whole days, or where no day yet tells what a working day to come will be like.
pub fn forecast(heads: &BTreeMap<Date, i64>, since: Date, today: Date, kind: impl Fn(Date) -> DayKind) -> Option<Forecast> {
    let first = since.max(today.first_of_month());
    let of = |date: Date| heads.get(&date).copied().unwrap_or_default().clamp(0, DAY_HEADS_MAX);
    let mut seen: BTreeMap<DayKind, Days> = BTreeMap::new();
    for date in days(first, today).filter(|d| *d < today) {
        seen.entry(kind(date)).or_default().add(of(date));
    }
    if seen.values().map(|days| days.count).sum::<i64>() < DAYS_MIN {
        return None;
    }
    let so_far: i64 = days(today.first_of_month(), today).map(of).sum();
    let mut left: BTreeMap<DayKind, i64> = BTreeMap::new();
    // In hundredths, so that a push every few days is not rounded away.
    let mut hundredths = so_far * 100;
    let mut path = vec![];
    for date in days(today, today.last_of_month()) {
        // Days on which nobody works, and of which none has been seen, are taken to bring nothing; of working days nothing may be taken.
        let usual = match seen.get(&kind(date)) {
            Some(days) => days.mean_hundredths(),
            None if kind(date) == DayKind::Working => return None,
            None => 0,
        };
        if date == today {
            hundredths += (usual - of(today) * 100).max(0);
        } else {
            hundredths += usual;
            *left.entry(kind(date)).or_default() += 1;
        }
        path.push((date, (hundredths + 50) / 100));
    }
    let expected = (hundredths + 50) / 100;
    let variance: i64 = seen.iter().map(|(kind, days)| days.variance_of_sum(left.get(kind).copied().unwrap_or_default())).sum();
    let spread = variance.isqrt() * SPREAD_HUNDREDTHS / 100;
    Some(Forecast { so_far, expected, low: (expected - spread).max(so_far), high: expected + spread, path })
}

/// Both included.
fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(from), |d| d.tomorrow().ok()).take_while(move |d| *d <= to)
}

/// Days of one kind so far.
#[derive(Default)]
struct Days {
    /// One at least, once they are added.
    count: i64,
    sum: i64,
    squares: i64,
}

impl Days {
    fn add(&mut self, heads: i64) {
        self.count += 1;
        self.sum += heads;
        self.squares += heads * heads;
    }

    fn mean_hundredths(&self) -> i64 {
        self.sum * 100 / self.count.max(1)
    }

    /// Of the heads of `left` more such days: of what they differ by, and of how little is known of what is usual.
    fn variance_of_sum(&self, left: i64) -> i64 {
        if self.count == 0 || left == 0 {
            return 0;
        }
        let mean = self.sum / self.count;
        // One day tells nothing of how days differ: it is taken that they may differ by themselves.
        let of_one = if self.count == 1 { mean * mean } else { (self.squares - mean * self.sum).max(0) / (self.count - 1) };
        // Pushes are whole: as many as these differ by their root at least.
        of_one.max(mean) * (left + left * left / self.count)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Weekday;

    use super::*;

    fn is_weekday(date: Date) -> bool {
        !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    fn plain(date: Date) -> DayKind {
        if is_weekday(date) { DayKind::Working } else { DayKind::Free }
    }

    fn november(day: i8) -> Date {
        jiff::civil::date(2026, 11, day)
    }

    /// November 2026 begins on a Sunday and has 21 weekdays.
    fn heads(of: impl Fn(i8) -> i64) -> BTreeMap<Date, i64> {
        (1..=30).map(|d| (november(d), of(d))).filter(|(_, n)| *n > 0).collect()
    }

    fn at(today: i8, of: impl Fn(i8) -> i64) -> Option<Forecast> {
        let until_now: BTreeMap<Date, i64> = heads(of).into_iter().filter(|(d, _)| *d <= november(today)).collect();
        forecast(&until_now, november(1), november(today), plain)
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
        let told = forecast(&heads, november(16), november(20), plain).unwrap();
        assert_eq!((told.so_far, told.expected), (150, 150 + 6 * 30));
        assert_eq!(forecast(&heads, november(18), november(20), plain), None);
    }

    #[test]
    fn a_month_of_holidays_so_far_foretells_no_working_day() {
        let new_year = |d: Date| if d.day() > 6 { plain(d) } else { DayKind::Off };
        assert_eq!(forecast(&BTreeMap::new(), november(1), november(6), new_year), None);
        let quiet = forecast(&BTreeMap::new(), november(1), november(12), new_year).unwrap();
        assert_eq!((quiet.expected, quiet.high), (0, 0));
    }

    #[test]
    fn holidays_to_come_bring_nothing_and_those_over_make_no_working_day_look_quiet() {
        let steady = |d: i8| if is_weekday(november(d)) { 40 } else { 6 };
        // Thursday the 26th and the Friday after it are holidays, of which none has been seen yet.
        let ahead = |d: Date| if matches!(d.day(), 26 | 27) { DayKind::Off } else { plain(d) };
        let heads_until = |day: i8, of: &dyn Fn(i8) -> i64| heads(of).into_iter().filter(|(d, _)| d.day() <= day).collect();
        let without = forecast(&heads_until(13, &steady), november(1), november(13), plain).unwrap();
        let with = forecast(&heads_until(13, &steady), november(1), november(13), ahead).unwrap();
        assert_eq!((without.expected, with.expected), (21 * 40 + 9 * 6, 19 * 40 + 9 * 6));
        // Monday to Wednesday were holidays: the other days go on as they were.
        let over = |d: Date| if matches!(d.day(), 9..=11) { DayKind::Off } else { plain(d) };
        let silent = |d: i8| if matches!(d, 9..=11) { 0 } else { steady(d) };
        let told = forecast(&heads_until(13, &silent), november(1), november(13), over).unwrap();
        assert_eq!(told.expected, 18 * 40 + 9 * 6);
    }

    #[test]
    fn sums_without_end_do_not_overflow() {
        let told = at(20, |_| i64::MAX).unwrap();
        assert!(told.expected > told.so_far && told.high > told.expected);
    }
}
