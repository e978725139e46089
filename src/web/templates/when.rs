//! Times as people say them, in the server's time zone.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::i18n::Texts;

/// Reads times off for somebody who looks now.
#[derive(Clone)]
pub struct When<'a> {
    pub texts: &'a Texts,
    pub zone: &'a TimeZone,
    pub now: Timestamp,
}

impl When<'_> {
    fn local(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.zone.clone())
    }

    /// How long ago: `5 分鐘前`, `昨天 14:05`, `11月18日`. What lies in the future by more than a minute is shown by its day.
    pub fn ago(&self, at: Timestamp) -> String {
        let minutes = self.now.duration_since(at).as_mins();
        let (today, day) = (self.local(self.now).date(), self.local(at).date());
        match minutes {
            0 => self.texts.get("page.just_now").to_owned(),
            1..60 => self.texts.fill("page.minutes_ago", &[("count", &minutes.to_string())]),
            60.. if day == today => self.texts.fill("page.hours_ago", &[("count", &(minutes / 60).to_string())]),
            60.. if today.yesterday().is_ok_and(|y| y == day) => self.texts.fill("page.yesterday_at", &[("time", &self.clock(at))]),
            _ => self.date(at, "page.day_short"),
        }
    }

    /// The day: `今天`, `昨天`, `11月18日（週三）`, `2025年11月18日`.
    pub fn day(&self, at: Timestamp) -> String {
        let (today, day) = (self.local(self.now).date(), self.local(at).date());
        if day == today {
            self.texts.get("page.today").to_owned()
        } else if today.yesterday().is_ok_and(|y| y == day) {
            self.texts.get("page.yesterday").to_owned()
        } else {
            self.date(at, "page.day")
        }
    }

    /// A moment in a sentence: `11月3日 14:02`.
    pub fn moment(&self, at: Timestamp) -> String {
        format!("{} {}", self.date(at, "page.day_short"), self.clock(at))
    }

    /// From one moment to another: `11月3日 14:02 – 11月4日 09:30`, `11月3日 14:02 – 14:20`, `11月3日 14:02` where they are one; without an
    /// end `11月3日 14:02 起`.
    pub fn span(&self, from: Timestamp, to: Option<Timestamp>) -> String {
        let began = self.moment(from);
        let Some(to) = to else { return self.texts.fill("gap.since", &[("from", &began)]) };
        let ended = if self.same_day(from, to) { self.clock(to) } else { self.moment(to) };
        if self.moment(to) == began { began } else { format!("{began} – {ended}") }
    }

    /// The date by the text under `this_year`, or with the year where it was another.
    fn date(&self, at: Timestamp, this_year: &'static str) -> String {
        let local = self.local(at);
        let key = if local.year() == self.local(self.now).year() { this_year } else { "page.day_year" };
        let month = self.texts.get(&format!("page.month_{}", local.month())).to_owned();
        let weekday = self.texts.get(&format!("page.weekday_{}", local.weekday().to_monday_one_offset())).to_owned();
        let (year, day) = (local.year().to_string(), local.day().to_string());
        self.texts.fill(key, &[("year", &year), ("month", &month), ("day", &day), ("weekday", &weekday)])
    }

    /// A moment to come: `14:05` today, `11月23日 08:00` later.
    pub fn until(&self, at: Timestamp) -> String {
        if self.same_day(self.now, at) { self.clock(at) } else { self.moment(at) }
    }

    /// `14:05`.
    pub fn clock(&self, at: Timestamp) -> String {
        self.local(at).strftime("%H:%M").to_string()
    }

    /// `2026-11-21 14:05`.
    pub fn absolute(&self, at: Timestamp) -> String {
        self.local(at).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Whether both are on one day here.
    pub fn same_day(&self, a: Timestamp, b: Timestamp) -> bool {
        self.local(a).date() == self.local(b).date()
    }
}

/// Whether `later` follows within `span` (a clock that was set back counts as no time).
pub fn within(earlier: Timestamp, later: Timestamp, span: SignedDuration) -> bool {
    later.duration_since(earlier) <= span
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Locale;

    fn said(now: &str, at: &str, locale: Locale) -> (String, String) {
        let zone = TimeZone::get("Asia/Taipei").unwrap();
        let when = When { texts: locale.texts(), zone: &zone, now: now.parse().unwrap() };
        let at = at.parse().unwrap();
        (when.ago(at), when.day(at))
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        // 14:05 on Saturday in Taipei.
        let now = "2026-11-21T06:05:00Z";
        let zh = |at| said(now, at, Locale::ZhTw);
        assert_eq!(zh("2026-11-21T06:04:31Z"), ("剛剛".into(), "今天".into()));
        assert_eq!(zh("2026-11-21T06:05:20Z"), ("剛剛".into(), "今天".into()));
        assert_eq!(zh("2026-11-21T05:06:00Z"), ("59 分鐘前".into(), "今天".into()));
        assert_eq!(zh("2026-11-20T16:00:00Z"), ("14 小時前".into(), "今天".into()));
        assert_eq!(zh("2026-11-20T15:59:00Z"), ("昨天 23:59".into(), "昨天".into()));
        assert_eq!(zh("2026-11-18T03:00:00Z"), ("11月18日".into(), "11月18日（週三）".into()));
        assert_eq!(zh("2025-12-31T03:00:00Z"), ("2025年12月31日".into(), "2025年12月31日".into()));
        assert_eq!(said(now, "2026-11-18T03:00:00Z", Locale::En), ("18 Nov".into(), "Wed, 18 Nov".into()));
        assert_eq!(said(now, "2026-11-18T03:00:00Z", Locale::Ja).1, "11月18日（水）");
    }

    #[test]
    fn a_span_says_the_day_once_and_a_moment_once() {
        let zone = TimeZone::get("Asia/Taipei").unwrap();
        let when = When { texts: Locale::ZhTw.texts(), zone: &zone, now: "2026-11-21T06:05:00Z".parse().unwrap() };
        let span = |from: &str, to: Option<&str>| when.span(from.parse().unwrap(), to.map(|t| t.parse().unwrap()));
        assert_eq!(span("2026-11-03T06:02:00Z", Some("2026-11-04T01:30:00Z")), "11月3日 14:02 – 11月4日 09:30");
        assert_eq!(span("2026-11-03T06:02:00Z", Some("2026-11-03T06:20:00Z")), "11月3日 14:02 – 14:20");
        assert_eq!(span("2026-11-03T06:02:00Z", Some("2026-11-03T06:02:59Z")), "11月3日 14:02");
        assert_eq!(span("2026-11-03T06:02:00Z", None), "11月3日 14:02 起");
    }
}
