//! How long a notice for a LINE chat waits for a free ride before a push is paid for it: what the project says, read from where it is
//! kept. The rule itself is [`Patience::deadline`].

use std::collections::BTreeMap;

use jiff::civil::{Date, Time, Weekday};
use jiff::{SignedDuration, Timestamp};
use sqlx::AnyConnection;

use crate::App;
use crate::config::Config;
use crate::domain::{
    Calendar, Hours, NoticeKind, Patience, ProjectId, Wait, Why, hours_text, parse_hours, parse_time, time_text, weekday, weekday_word,
};
use crate::store::project_times::OwnWait;
use crate::store::{Result, Tx, days_off, notices, project_times};

/// From when on a push may be paid for a notice of this kind into a chat of the project, where nothing about it is urgent; counted from
/// `due_at`, before which it does not leave at all.
pub async fn deadline(tx: &mut Tx, app: &App, project: ProjectId, kind: NoticeKind, due_at: Timestamp) -> Result<Timestamp> {
    let patience = patience_of(tx, &app.config, project).await?;
    let calendar = calendar_of(tx, &app.config, project).await?;
    Ok(patience.deadline(&calendar, kind, due_at))
}

/// How long each kind waits in the project.
pub async fn patience_of(c: &mut AnyConnection, config: &Config, project: ProjectId) -> Result<Patience> {
    let own: BTreeMap<NoticeKind, Wait> =
        project_times::waits(c, project).await?.iter().filter_map(|own| Some((own.kind, read_wait(own)?))).collect();
    let answers = SignedDuration::try_from(config.notify.coalesce).unwrap_or(SignedDuration::ZERO);
    Ok(Patience { answers, own })
}

fn read_wait(own: &OwnWait) -> Option<Wait> {
    match (own.wait.as_str(), own.minutes) {
        ("minutes", Some(minutes)) => Some(Wait::For(SignedDuration::from_mins(minutes))),
        ("next_digest", _) => Some(Wait::NextDigest),
        ("free_only", _) => Some(Wait::FreeOnly),
        _ => None,
    }
}

/// How it is kept.
fn kept_wait(kind: NoticeKind, wait: Wait) -> OwnWait {
    let (word, minutes) = match wait {
        Wait::For(time) => ("minutes", Some(time.as_mins())),
        Wait::NextDigest => ("next_digest", None),
        Wait::FreeOnly => ("free_only", None),
    };
    OwnWait { kind, wait: word.to_owned(), minutes }
}

/// The project's calendar: its own times where it has some, the configuration's otherwise; its days off and the installation's.
pub async fn calendar_of(c: &mut AnyConnection, config: &Config, project: ProjectId) -> Result<Calendar> {
    let own = project_times::times(c, project).await?;
    let mut calendar = Calendar::plain(config.server.time_zone.clone(), config.notify.quiet_hours);
    calendar.days_off = days_off::for_project(c, project).await?;
    // What cannot be read was kept by another version: the default holds.
    if let Some(Ok(hours)) = own.quiet_hours.as_deref().map(parse_hours) {
        calendar.quiet_hours = hours;
    }
    if let Some(at) = own.digest_at.as_deref().and_then(parse_time) {
        calendar.digest_at = at;
    }
    let days: Vec<_> = own.working_days.iter().flat_map(|days| days.split(',')).filter_map(weekday).collect();
    if !days.is_empty() {
        calendar.working_days = days;
    }
    Ok(calendar)
}

/// The calendar of the installation, which holds where no project says otherwise: Monday to Friday, but for its days off.
pub async fn common_calendar(c: &mut AnyConnection, config: &Config) -> Result<Calendar> {
    let plain = Calendar::plain(config.server.time_zone.clone(), config.notify.quiet_hours);
    Ok(Calendar { days_off: days_off::of(c, None).await?, ..plain })
}

/// What becomes of one setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting<T> {
    /// It stays.
    #[default]
    AsItIs,
    /// Back to what holds where a project says nothing.
    ByDefault,
    Own(T),
}

/// What a project changes of its times.
#[derive(Clone, Debug, Default)]
pub struct NewTimes {
    /// `None`: by default.
    pub waits: Vec<(NoticeKind, Option<Wait>)>,
    pub digest_at: Setting<Time>,
    /// Its own may be none.
    pub quiet_hours: Setting<Option<Hours>>,
    /// None of them: back to the default.
    pub working_days: Option<Vec<Weekday>>,
    /// The project's own, beside the installation's.
    pub days_off: Option<BTreeMap<Date, String>>,
}

/// Changes them. Deadlines hold for what is promised from now on; the calendar also for what waits. The caller rings the outbox's bell
/// after the commit.
pub async fn set_times(tx: &mut Tx, app: &App, project: ProjectId, new: &NewTimes) -> Result<()> {
    for (kind, wait) in &new.waits {
        match wait {
            Some(wait) => project_times::put_wait(tx, project, &kept_wait(*kind, *wait)).await?,
            None => project_times::forget_wait(tx, project, *kind).await?,
        }
    }
    let mut own = project_times::times(tx, project).await?;
    let before = own.clone();
    put(&mut own.digest_at, new.digest_at, time_text);
    put(&mut own.quiet_hours, new.quiet_hours, hours_text);
    if let Some(days) = &new.working_days {
        let words: Vec<&str> = days.iter().map(|day| weekday_word(*day)).collect();
        own.working_days = Some(words.join(",")).filter(|words| !words.is_empty());
    }
    if own != before {
        project_times::put_times(tx, project, &own).await?;
    }
    if let Some(days) = &new.days_off {
        days_off::put(tx, Some(project), days).await?;
    }
    look_again(tx, app, Some(project)).await
}

fn put<T>(kept: &mut Option<String>, setting: Setting<T>, text: impl Fn(T) -> String) {
    match setting {
        Setting::AsItIs => {}
        Setting::ByDefault => *kept = None,
        Setting::Own(value) => *kept = Some(text(value)),
    }
}

/// Puts these days in the place of the installation's days off, which hold for every project. The caller rings the outbox's bell.
pub async fn set_days_off(tx: &mut Tx, app: &App, days: &BTreeMap<Date, String>) -> Result<()> {
    days_off::put(tx, None, days).await?;
    look_again(tx, app, None).await
}

async fn look_again(tx: &mut Tx, app: &App, project: Option<ProjectId>) -> Result<()> {
    notices::look_again(tx, project, (Why::QuietHours.as_str(), Why::DayOff.as_str()), app.clock.now()).await
}
