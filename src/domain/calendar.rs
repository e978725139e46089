//! When a project's chats may be disturbed: quiet hours, days off, and when the day's digest leaves.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Why;

/// When the day's digest leaves, unless a project says otherwise.
pub const DIGEST_AT: Time = Time::constant(17, 0, 0, 0);
/// The longest list of days off.
pub const DAYS_OFF_MAX: usize = 1000;
/// The longest name of a day off, in characters.
pub const DAY_OFF_NAME_CHARS_MAX: usize = 60;
/// How far ahead an open day is looked for.
const DAYS_AHEAD_MAX: usize = 1100;

/// From and until, within a day or over midnight; the two differ.
pub type Hours = (Time, Time);

/// The days of a week, Monday first, as their words.
pub const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// What people do on a day, as a [`Calendar`] knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DayKind {
    Working,
    /// Nobody works, but whoever does is heard: a weekend.
    Free,
    /// Nothing is pushed.
    Off,
}

/// A project's calendar, in its time zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub zone: TimeZone,
    /// Nothing is pushed in them.
    pub quiet_hours: Option<Hours>,
    /// Nothing is pushed on them at all; what each is called.
    pub days_off: BTreeMap<Date, String>,
    /// The digest leaves on these. Pushes of answers are not bound to them.
    pub working_days: Vec<Weekday>,
    pub digest_at: Time,
}

/// Why nothing is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    QuietHours,
    /// The day's name.
    DayOff(String),
}

impl Closed {
    /// As it stands beside a notice.
    pub fn reason(&self) -> String {
        match self {
            Self::QuietHours => Why::QuietHours.as_str().to_owned(),
            Self::DayOff(name) => Why::DayOff.quoting(name),
        }
    }
}

impl Calendar {
    /// Monday to Friday, no day off.
    pub fn plain(zone: TimeZone, quiet_hours: Option<Hours>) -> Self {
        let working_days = WEEKDAYS[..5].iter().map(|(_, day)| *day).collect();
        Self { zone, quiet_hours, days_off: BTreeMap::new(), working_days, digest_at: DIGEST_AT }
    }

    /// What people do on that day.
    pub fn kind_of(&self, day: Date) -> DayKind {
        if self.days_off.contains_key(&day) {
            DayKind::Off
        } else if self.working_days.contains(&day.weekday()) {
            DayKind::Working
        } else {
            DayKind::Free
        }
    }

    /// Until when nothing may be pushed, and why, if so now: quiet hours, days off, and what follows on each other of them. The clocks'
    /// changes are the time zone's.
    pub fn closed_until(&self, now: Timestamp) -> Option<(Timestamp, Closed)> {
        let mut at = now;
        let mut first = None;
        for _ in 0..DAYS_AHEAD_MAX {
            let Some((end, why)) = self.closed_at(at) else { break };
            at = end;
            first.get_or_insert(why);
        }
        first.map(|why| (at, why))
    }

    /// When the span ends in which `at` lies, if it is closed then.
    fn closed_at(&self, at: Timestamp) -> Option<(Timestamp, Closed)> {
        let local = at.to_zoned(self.zone.clone());
        let later = |time: Timestamp| time.max(at + SignedDuration::from_secs(1));
        if let Some(name) = self.days_off.get(&local.date()) {
            let next = self.instant(local.date().tomorrow().ok()?, Time::midnight())?;
            return Some((later(next), Closed::DayOff(name.clone())));
        }
        let (from, until) = self.quiet_hours?;
        let time = local.time();
        let is_quiet = if from <= until { from <= time && time < until } else { time >= from || time < until };
        if !is_quiet {
            return None;
        }
        let day = if time < until { local.date() } else { local.date().tomorrow().ok()? };
        Some((later(self.instant(day, until)?), Closed::QuietHours))
    }

    /// When the next digest leaves after `after`: at its time on the next working day that is no day off.
    pub fn next_digest(&self, after: Timestamp) -> Timestamp {
        let mut day = after.to_zoned(self.zone.clone()).date();
        for _ in 0..DAYS_AHEAD_MAX {
            if self.kind_of(day) == DayKind::Working
                && let Some(at) = self.instant(day, self.digest_at).filter(|at| *at > after)
            {
                return at;
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        after
    }

    /// A time that the clocks skip is the same stretch later; one that comes twice is the first.
    fn instant(&self, day: Date, time: Time) -> Option<Timestamp> {
        day.to_datetime(time).to_zoned(self.zone.clone()).ok().map(|z| z.timestamp())
    }
}

/// `21:00-08:00` as hours; empty = none. An error says what will not do.
pub fn parse_hours(text: &str) -> Result<Option<Hours>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    match text.split_once('-').and_then(|(from, until)| Some((parse_time(from)?, parse_time(until)?))) {
        Some((from, until)) if from != until => Ok(Some((from, until))),
        Some(_) => Err("begins and ends at one time; write \"\" for no quiet hours".to_owned()),
        None => Err("is not a span of hours; write \"21:00-08:00\" (00:00 to 23:59), or \"\" for none".to_owned()),
    }
}

/// `21:00-08:00`; empty for none.
pub fn hours_text(hours: Option<Hours>) -> String {
    hours.map(|(from, until)| format!("{}-{}", time_text(from), time_text(until))).unwrap_or_default()
}

/// `17:00` as a time of day.
pub fn parse_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |n: &str| (n.len() == 2 && n.bytes().all(|b| b.is_ascii_digit())).then(|| n.parse::<i8>().ok())?;
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// `17:00`.
pub fn time_text(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// The weekday that a word of [`WEEKDAYS`] means.
pub fn weekday(word: &str) -> Option<Weekday> {
    WEEKDAYS.iter().find(|(name, _)| *name == word).map(|(_, day)| *day)
}

/// Its word.
pub fn weekday_word(day: Weekday) -> &'static str {
    WEEKDAYS.iter().find(|(_, of)| *of == day).map_or("", |(name, _)| name)
}

/// What is wrong with a list of days off: in which line (from 1), and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDayOff {
    pub line: usize,
    pub what: DayOffError,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayOffError {
    /// It does not begin with a date as `2026-02-16`.
    NoDate,
    /// The calendar has no such day.
    NoSuchDay,
    /// An earlier line names the day.
    Twice,
    /// The name is longer than [`DAY_OFF_NAME_CHARS_MAX`].
    LongName,
    /// It is one of more than [`DAYS_OFF_MAX`] lines.
    TooMany,
}

impl std::fmt::Display for BadDayOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self.line;
        match self.what {
            DayOffError::NoDate => write!(f, "line {line} does not begin with a date; write it as \"2026-02-16 New Year's Eve\""),
            DayOffError::NoSuchDay => write!(f, "line {line} names a day that the calendar does not have"),
            DayOffError::Twice => write!(f, "line {line} names a day that an earlier line names"),
            DayOffError::LongName => write!(f, "line {line}: the name is longer than {DAY_OFF_NAME_CHARS_MAX} characters"),
            DayOffError::TooMany => write!(f, "line {line}: the list may have {DAYS_OFF_MAX} days"),
        }
    }
}

/// Days off, one a line: a date as `2026-02-16` (or `2026/2/16`, `20260216`), then what it is called. Empty lines and those that begin with `#`
/// are left out. The list of Taiwan's Directorate-General of Personnel Administration can be pasted as it is: `20260216,一,2,小年夜`, where 2
/// is a day off; what it has beside holidays, working days and weekends without a name, is left out too.
pub fn parse_days_off(text: &str) -> Result<BTreeMap<Date, String>, BadDayOff> {
    let mut days = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let bad = |what| BadDayOff { line: at + 1, what };
        let (date, name) = match of_the_state(line) {
            Some(StateDay::Holiday { date, name }) => (date, name),
            Some(StateDay::Other) => continue,
            None => line.split_once(|c: char| c.is_whitespace() || c == ',').unwrap_or((line, "")),
        };
        let day = day_of(date).map_err(bad)?;
        let name = name.trim_matches(|c: char| c.is_whitespace() || c == ',');
        if name.chars().count() > DAY_OFF_NAME_CHARS_MAX {
            return Err(bad(DayOffError::LongName));
        }
        if days.len() == DAYS_OFF_MAX {
            return Err(bad(DayOffError::TooMany));
        }
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        if days.insert(day, name).is_some() {
            return Err(bad(DayOffError::Twice));
        }
    }
    Ok(days)
}

/// A line of the state's list.
enum StateDay<'a> {
    Holiday {
        date: &'a str,
        name: &'a str,
    },
    /// Its headings, a working day, or a weekend.
    Other,
}

/// The first heading of the state's list.
const STATE_HEADING: &str = "西元日期";

fn of_the_state(line: &str) -> Option<StateDay<'_>> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    match fields[..] {
        [STATE_HEADING, ..] => Some(StateDay::Other),
        [date, _, "2", name] if !name.is_empty() => Some(StateDay::Holiday { date, name }),
        [date, _, "0" | "2", _] if day_of(date).is_ok() => Some(StateDay::Other),
        _ => None,
    }
}

fn day_of(text: &str) -> Result<Date, DayOffError> {
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return day_of(&format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]));
    }
    let mut parts = text.split(['-', '/']);
    let mut number = |digits: std::ops::RangeInclusive<usize>| {
        let part = parts.next().filter(|p| digits.contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()));
        part.and_then(|p| p.parse::<i16>().ok()).ok_or(DayOffError::NoDate)
    };
    let (year, month, day) = (number(4..=4)?, number(1..=2)?, number(1..=2)?);
    if parts.next().is_some() {
        return Err(DayOffError::NoDate);
    }
    let small = |n: i16| i8::try_from(n).map_err(|_| DayOffError::NoSuchDay);
    Date::new(year, small(month)?, small(day)?).map_err(|_| DayOffError::NoSuchDay)
}

/// The list as it is pasted: a line a day.
pub fn days_off_text(days: &BTreeMap<Date, String>) -> String {
    days.iter().map(|(day, name)| format!("{day} {name}").trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_list_of_holidays_is_pasted_as_it_is() {
        let list = "\u{feff}西元日期,星期,是否放假,備註\r\n20260101,四,2,開國紀念日\r\n20260102,五,0,\r\n20260103,六,2,\r\n20260216,一,2,小年夜\r\n";
        let days = parse_days_off(list).unwrap();
        assert_eq!(days_off_text(&days), "2026-01-01 開國紀念日\n2026-02-16 小年夜\n");
        assert_eq!(days_off_text(&parse_days_off("20270101 元旦").unwrap()), "2027-01-01 元旦\n");
        assert_eq!(parse_days_off("20261301 x").unwrap_err().what, DayOffError::NoSuchDay);
        assert_eq!(parse_days_off("20261301,x,0,").unwrap_err().what, DayOffError::NoSuchDay);
    }

    fn calendar(zone: &str) -> Calendar {
        let hours = parse_hours("21:00-08:00").unwrap();
        Calendar::plain(TimeZone::get(zone).unwrap(), hours)
    }

    fn at(calendar: &Calendar, local: &str) -> Timestamp {
        let local: jiff::civil::DateTime = local.parse().unwrap();
        local.to_zoned(calendar.zone.clone()).unwrap().timestamp()
    }

    fn opens(calendar: &Calendar, local: &str) -> Option<String> {
        let (until, _) = calendar.closed_until(at(calendar, local))?;
        Some(until.to_zoned(calendar.zone.clone()).datetime().to_string())
    }

    #[test]
    fn quiet_hours_end_in_the_morning_and_may_span_midnight() {
        let taipei = calendar("Asia/Taipei");
        assert_eq!(opens(&taipei, "2026-03-04T20:59:59"), None);
        assert_eq!(opens(&taipei, "2026-03-04T21:00:00").as_deref(), Some("2026-03-05T08:00:00"));
        assert_eq!(opens(&taipei, "2026-03-05T00:00:00").as_deref(), Some("2026-03-05T08:00:00"));
        assert_eq!(opens(&taipei, "2026-03-05T08:00:00"), None);
        let noon = Calendar { quiet_hours: parse_hours("12:00-13:30").unwrap(), ..taipei };
        assert_eq!(opens(&noon, "2026-03-04T12:10:00").as_deref(), Some("2026-03-04T13:30:00"));
        assert_eq!(opens(&noon, "2026-03-04T22:00:00"), None);
        let none = Calendar { quiet_hours: None, ..noon };
        assert_eq!(opens(&none, "2026-03-04T03:00:00"), None);
    }

    #[test]
    fn days_off_close_from_the_evening_before_to_the_morning_after_them_all() {
        let mut taipei = calendar("Asia/Taipei");
        taipei.days_off = parse_days_off("2026-02-16 除夕\n2026-02-17 春節\n2026-02-19").unwrap();
        for within in ["2026-02-15T21:30:00", "2026-02-16T11:00:00", "2026-02-17T23:00:00"] {
            assert_eq!(opens(&taipei, within).as_deref(), Some("2026-02-18T08:00:00"), "{within}");
        }
        assert_eq!(opens(&taipei, "2026-02-18T12:00:00"), None);
        assert_eq!(opens(&taipei, "2026-02-18T21:00:00").as_deref(), Some("2026-02-20T08:00:00"));
        let why = |local: &str| taipei.closed_until(at(&taipei, local)).map(|c| c.1);
        assert_eq!(why("2026-02-16T11:00:00"), Some(Closed::DayOff("除夕".into())));
        assert_eq!(why("2026-02-15T21:30:00"), Some(Closed::QuietHours));
        assert_eq!(opens(&taipei, "2026-02-21T11:00:00"), None, "a Saturday is open unless somebody says otherwise");
        let never_quiet = Calendar { quiet_hours: None, ..taipei };
        assert_eq!(opens(&never_quiet, "2026-02-16T11:00:00").as_deref(), Some("2026-02-18T00:00:00"));
    }

    #[test]
    fn clocks_that_are_put_forward_or_back_move_the_end_of_the_quiet_hours() {
        let berlin = calendar("Europe/Berlin");
        let night = |local: &str| {
            let from = at(&berlin, local);
            berlin.closed_until(from).unwrap().0.duration_since(from)
        };
        assert_eq!(night("2026-03-27T21:00:00"), SignedDuration::from_hours(11));
        assert_eq!(night("2026-03-28T21:00:00"), SignedDuration::from_hours(10));
        assert_eq!(night("2026-10-24T21:00:00"), SignedDuration::from_hours(12));
        let skipped = Calendar { quiet_hours: parse_hours("21:00-02:30").unwrap(), ..berlin };
        assert_eq!(opens(&skipped, "2026-03-28T22:00:00").as_deref(), Some("2026-03-29T03:30:00"));
    }

    #[test]
    fn the_digest_leaves_on_the_next_working_day_that_is_no_day_off() {
        let mut taipei = calendar("Asia/Taipei");
        taipei.days_off = parse_days_off("2026-02-16 除夕").unwrap();
        let next = |calendar: &Calendar, local: &str| {
            calendar.next_digest(at(calendar, local)).to_zoned(calendar.zone.clone()).datetime().to_string()
        };
        assert_eq!(next(&taipei, "2026-02-12T16:59:59"), "2026-02-12T17:00:00");
        assert_eq!(next(&taipei, "2026-02-12T17:00:00"), "2026-02-13T17:00:00");
        assert_eq!(next(&taipei, "2026-02-13T18:00:00"), "2026-02-17T17:00:00", "a weekend and New Year's Eve lie between");
        taipei.working_days = vec![Weekday::Saturday];
        taipei.digest_at = parse_time("09:30").unwrap();
        assert_eq!(next(&taipei, "2026-02-13T18:00:00"), "2026-02-14T09:30:00");
    }

    #[test]
    fn a_pasted_list_names_the_line_that_will_not_do() {
        let good = parse_days_off("\u{feff}# 2026\n2026-02-16 除夕\n\n 2026/2/17\t春節 初一 \n2026-02-28,和平紀念日\n").unwrap();
        assert_eq!(days_off_text(&good), "2026-02-16 除夕\n2026-02-17 春節 初一\n2026-02-28 和平紀念日\n");
        assert_eq!(parse_days_off(&days_off_text(&good)).unwrap(), good);
        let long = format!("2026-01-01 {}", "年".repeat(61));
        for (text, line, what) in [
            ("2026-02-16 除夕\n除夕 2026-02-17", 2, DayOffError::NoDate),
            ("2026-02-16-1 x", 1, DayOffError::NoDate),
            ("26-02-16 x", 1, DayOffError::NoDate),
            ("\n\n2026-02-30 x", 3, DayOffError::NoSuchDay),
            ("2026-02-16 a\n2026-02-16 b", 2, DayOffError::Twice),
            (long.as_str(), 1, DayOffError::LongName),
        ] {
            assert_eq!(parse_days_off(text), Err(BadDayOff { line, what }), "{text}");
            assert!(BadDayOff { line, what }.to_string().starts_with(&format!("line {line}")));
        }
    }

    #[test]
    fn hours_are_read_as_they_are_written() {
        assert_eq!(parse_hours(" "), Ok(None));
        assert_eq!(hours_text(parse_hours("21:00-08:00").unwrap()), "21:00-08:00");
        for bad in ["25:00-8", "21:00", "08:00-08:00", "x-y", "8:00-21:00"] {
            assert!(parse_hours(bad).is_err(), "{bad}");
        }
        assert!(WEEKDAYS.iter().all(|(word, day)| weekday(word) == Some(*day) && weekday_word(*day) == *word));
    }
}
