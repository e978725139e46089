//! How people want to hear of what: a way for each kind of notice, by default, by project, by person, and by both.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{NoticeKind, Role, words};

words! {
    /// How a notice reaches somebody.
    Way {
        /// The project's LINE group: for the group's own row alone.
        Group = "group",
        /// A person's own chat with the account, where LINE lets it through; by mail where it does not.
        Line = "line",
        /// By mail, at once.
        Mail = "mail",
        /// With everything else of the hour in one mail.
        Hourly = "hourly",
        /// With everything else of the day in one mail, at the person's own time.
        Daily = "daily",
        /// Not told: it stands on the page.
        Web = "web",
    }
}

words! {
    /// Whom a project's setting is for.
    Audience {
        /// Its owners and staff.
        Staff = "staff",
        /// Its clients, each for themselves.
        Client = "client",
        /// Its LINE groups.
        Group = "group",
    }
}

impl Audience {
    /// The audience that somebody with this part belongs to.
    pub fn of(role: Role) -> Self {
        if role.is_staff() { Self::Staff } else { Self::Client }
    }
}

/// The kinds that somebody can set, in the order in which they are shown. Others go to whom they concern, by the only way there is.
pub const LISTENED: [NoticeKind; 11] = [
    NoticeKind::Opened,
    NoticeKind::ClientPosted,
    NoticeKind::Answered,
    NoticeKind::StatusChanged,
    NoticeKind::Assigned,
    NoticeKind::NotSolved,
    NoticeKind::Moved,
    NoticeKind::Bounced,
    NoticeKind::Newcomer,
    NoticeKind::Gap,
    NoticeKind::Weekly,
];

/// The ways that an audience may choose for a kind; none where the kind is not for it.
pub fn ways(kind: NoticeKind, audience: Audience) -> &'static [Way] {
    const ALL: &[Way] = &[Way::Line, Way::Mail, Way::Hourly, Way::Daily, Way::Web];
    // A mail of its own, or none.
    const MAIL: &[Way] = &[Way::Mail, Way::Web];
    use NoticeKind::{
        Answered, Assigned, Bounced, ClientPosted, Gap, Moved, Newcomer, NotSolved, Opened, StatusChanged, Task, TaskDue, Weekly,
    };
    match (audience, kind) {
        (Audience::Group, Opened | Answered | StatusChanged | Moved) => &[Way::Group, Way::Web],
        // Who is given something to do hears of it.
        (Audience::Staff, Assigned) => &[Way::Line, Way::Mail],
        (Audience::Staff, Newcomer | Gap | Weekly) => MAIL,
        (Audience::Staff, Opened | ClientPosted | NotSolved | Task | TaskDue | Bounced)
        | (Audience::Staff | Audience::Client, Answered | StatusChanged | Moved) => ALL,
        _ => &[],
    }
}

/// The way of a kind that nobody has set. `role`: the listener's part in the project; for the group, anybody's.
pub fn usual(kind: NoticeKind, audience: Audience, role: Role) -> Way {
    match (audience, kind) {
        (Audience::Group, _) => Way::Group,
        (Audience::Staff, NoticeKind::StatusChanged | NoticeKind::Moved) => Way::Web,
        (Audience::Staff, NoticeKind::Weekly) if role != Role::Owner => Way::Web,
        _ => Way::Mail,
    }
}

/// What has been set for one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// By the person, for this project alone.
    pub here: Option<Way>,
    /// By the person, for all projects.
    pub own: Option<Way>,
    /// By the project, for people with such a part.
    pub project: Option<Way>,
}

impl Set {
    /// The way that counts: the person's own for this project, their own, the project's, the usual one. What a kind does not offer
    /// (any more) does not count.
    pub fn way(self, kind: NoticeKind, role: Role) -> Way {
        let audience = Audience::of(role);
        let offered = |way: &Way| ways(kind, audience).contains(way);
        [self.here, self.own, self.project].into_iter().flatten().find(offered).unwrap_or_else(|| usual(kind, audience, role))
    }
}

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// It is in a project of theirs, or in a discussion that they wrote in.
    Part,
    /// They follow the discussion.
    Follows,
    /// They look after the discussion.
    LooksAfter,
    /// They are spoken to by name.
    Mentioned,
}

impl Concern {
    /// Who listens to little hears of this all the same: who follows is told, in a digest if that is their way; who looks after it or
    /// is spoken to is told at once.
    pub fn raise(self, way: Way) -> Way {
        match (self, way) {
            (Self::Follows | Self::LooksAfter | Self::Mentioned, Way::Web)
            | (Self::LooksAfter | Self::Mentioned, Way::Hourly | Way::Daily) => Way::Mail,
            _ => way,
        }
    }
}

/// Minutes of a day.
pub const MINUTES_A_DAY: i64 = 24 * 60;
/// When a day's digest leaves where its reader has not said: 09:00, in minutes after midnight.
pub const DAILY_AT_MINUTE: i64 = 9 * 60;

/// The end of the hour that `now` lies in.
pub fn next_hour(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let zoned = now.to_zoned(zone.clone());
    let into = SignedDuration::from_mins(i64::from(zoned.minute()))
        + SignedDuration::from_secs(i64::from(zoned.second()))
        + SignedDuration::from_nanos(i64::from(zoned.subsec_nanosecond()));
    now - into + SignedDuration::from_hours(1)
}

/// The next time that it is so many minutes after midnight in `zone`. A time that a change of the clocks leaves out is the next that there is.
pub fn next_daily(now: Timestamp, minute: i64, zone: &TimeZone) -> Timestamp {
    let time = time_of(minute);
    let today = now.to_zoned(zone.clone()).date();
    let mut day = today;
    // Today, tomorrow, or the day after where a zone leaves out a whole day.
    for _ in 0..3 {
        if let Ok(at) = day.to_datetime(time).to_zoned(zone.clone())
            && at.timestamp() > now
        {
            return at.timestamp();
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    now + SignedDuration::from_hours(24)
}

/// `09:05` for 545 minutes after midnight.
pub fn minute_text(minute: i64) -> String {
    let time = time_of(minute);
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// Minutes after midnight for `09:05`; `None` for what is no such time.
pub fn minute_of(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |n: &str| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
    let number = |n: &str, max: i64| n.parse::<i64>().ok().filter(|v| digits(n) && *v < max);
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

fn time_of(minute: i64) -> Time {
    let minute = minute.clamp(0, MINUTES_A_DAY - 1);
    let part = |n: i64| i8::try_from(n).unwrap_or(0);
    Time::new(part(minute / 60), part(minute % 60), 0, 0).unwrap_or(Time::midnight())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_wish_counts() {
        let web = Some(Way::Web);
        for (here, own, project, expected) in [
            (None, None, None, Way::Mail),
            (None, None, web, Way::Web),
            (None, Some(Way::Daily), web, Way::Daily),
            (Some(Way::Line), Some(Way::Daily), web, Way::Line),
            (Some(Way::Mail), web, web, Way::Mail),
            (web, None, Some(Way::Mail), Way::Web),
            // The group's way is nobody's own.
            (Some(Way::Group), None, web, Way::Web),
        ] {
            assert_eq!(Set { here, own, project }.way(NoticeKind::Opened, Role::Staff), expected, "{here:?} {own:?} {project:?}");
        }
    }

    #[test]
    fn what_nobody_has_set_is_told_as_the_house_thinks_best() {
        let way = |kind, role| Set::default().way(kind, role);
        for (kind, owner, staff, client) in [
            (NoticeKind::Opened, Way::Mail, Way::Mail, Way::Mail),
            (NoticeKind::Answered, Way::Mail, Way::Mail, Way::Mail),
            (NoticeKind::StatusChanged, Way::Web, Way::Web, Way::Mail),
            (NoticeKind::Moved, Way::Web, Way::Web, Way::Mail),
            (NoticeKind::Assigned, Way::Mail, Way::Mail, Way::Mail),
            (NoticeKind::Weekly, Way::Mail, Way::Web, Way::Mail),
        ] {
            assert_eq!((way(kind, Role::Owner), way(kind, Role::Staff), way(kind, Role::Client)), (owner, staff, client), "{kind}");
        }
        assert_eq!(usual(NoticeKind::Opened, Audience::Group, Role::Client), Way::Group);
    }

    #[test]
    fn whatever_is_usual_can_be_chosen_too() {
        for kind in LISTENED {
            for audience in Audience::ALL {
                let offered = ways(kind, *audience);
                for role in Role::ALL.iter().filter(|r| *audience == Audience::Group || Audience::of(**r) == *audience) {
                    assert!(offered.is_empty() || offered.contains(&usual(kind, *audience, *role)), "{kind} {audience} {role}");
                }
            }
        }
    }

    #[test]
    fn who_is_given_something_to_do_cannot_look_away() {
        let set = Set { own: Some(Way::Web), ..Set::default() };
        assert_eq!(set.way(NoticeKind::Assigned, Role::Staff), Way::Mail);
        assert_eq!(Set { own: Some(Way::Line), ..set }.way(NoticeKind::Assigned, Role::Staff), Way::Line);
    }

    #[test]
    fn whom_it_concerns_is_told_however_little_they_listen_to() {
        use Concern::{Follows, LooksAfter, Mentioned, Part};
        for (way, part, follows, looks_after, mentioned) in [
            (Way::Line, Way::Line, Way::Line, Way::Line, Way::Line),
            (Way::Mail, Way::Mail, Way::Mail, Way::Mail, Way::Mail),
            (Way::Hourly, Way::Hourly, Way::Hourly, Way::Mail, Way::Mail),
            (Way::Daily, Way::Daily, Way::Daily, Way::Mail, Way::Mail),
            (Way::Web, Way::Web, Way::Mail, Way::Mail, Way::Mail),
        ] {
            let told = [Part, Follows, LooksAfter, Mentioned].map(|c| c.raise(way));
            assert_eq!(told, [part, follows, looks_after, mentioned], "{way}");
        }
    }

    #[test]
    fn digests_leave_on_the_hour_and_at_the_readers_own_time() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let taipei = TimeZone::get("Asia/Taipei").expect("a zone");
        assert_eq!(next_hour(at("2026-11-22T01:59:59.5Z"), &taipei), at("2026-11-22T02:00:00Z"));
        assert_eq!(next_hour(at("2026-11-22T02:00:00Z"), &taipei), at("2026-11-22T03:00:00Z"));
        assert_eq!(next_hour(at("2026-11-22T02:20:00Z"), &TimeZone::get("Asia/Kolkata").expect("a zone")), at("2026-11-22T02:30:00Z"));
        assert_eq!(next_daily(at("2026-11-22T00:59:59Z"), 540, &taipei), at("2026-11-22T01:00:00Z"));
        assert_eq!(next_daily(at("2026-11-22T01:00:00Z"), 540, &taipei), at("2026-11-23T01:00:00Z"));
        // On 28 March 2027 there is no 02:30 in Berlin.
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        assert_eq!(next_daily(at("2027-03-28T00:00:00Z"), 150, &berlin), at("2027-03-28T01:30:00Z"));
    }

    #[test]
    fn times_of_day_are_read_as_they_are_written() {
        assert_eq!(minute_of("09:05"), Some(545));
        assert_eq!(minute_of(" 7:00"), Some(420));
        assert_eq!(minute_text(545), "09:05");
        for bad in ["", "9", "24:00", "09:60", "-1:00", "09:5x", "123:00", "+9:00"] {
            assert_eq!(minute_of(bad), None, "{bad}");
        }
    }
}
