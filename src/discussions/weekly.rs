//! The week in one mail: who is told of it, once.

use jiff::civil::{Time, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::App;
use crate::domain::{Audience, NoticeKind, PersonId, Role, Way};
use crate::store::notices::{NewNotice, Target};
use crate::store::persons::Person;
use crate::store::projects::Project;
use crate::store::{Result, listening, members, notices, persons, projects, settings};

/// When on Monday the week before is told of, in the server's time zone.
const TOLD_AT: Time = Time::constant(9, 0, 0, 0);
/// Who was not running by then tells it so much later at most; after that it is no news.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(36);
/// The week that everybody has been told of.
const LAST: &str = "weekly_told";
/// Projects of one person that are looked at.
const PROJECTS_MAX: i64 = 500;

/// A week, from Monday to Monday at midnight: the detail of a notice of kind weekly, as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    /// In microseconds since 1970.
    from_us: i64,
    to_us: i64,
}

impl Week {
    /// Reads a notice's `detail`; `None` where it is something else.
    pub fn read(detail: Option<&str>) -> Option<Self> {
        serde_json::from_str(detail?).ok()
    }

    pub fn from(&self) -> Timestamp {
        Timestamp::from_microsecond(self.from_us).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub fn to(&self) -> Timestamp {
        Timestamp::from_microsecond(self.to_us).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// The week that is to be told of now, and the name of its Monday; `None` = it is not the time.
fn due(app: &App) -> Option<(Week, String)> {
    let now = app.clock.now();
    let zone = &app.config.server.time_zone;
    let today = now.to_zoned(zone.clone()).date();
    let back = i64::from(today.weekday().since(Weekday::Monday));
    let monday = today.checked_sub(back.days()).ok()?;
    let told_at = monday.to_datetime(TOLD_AT).to_zoned(zone.clone()).ok()?.timestamp();
    if now < told_at || now.duration_since(told_at) > TOLD_WITHIN {
        return None;
    }
    let before = monday.checked_sub(7.days()).ok()?;
    let midnight = |day: jiff::civil::Date| day.to_zoned(zone.clone()).ok().map(|z| z.timestamp().as_microsecond());
    Some((Week { from_us: midnight(before)?, to_us: midnight(monday)? }, before.to_string()))
}

/// Promises the week's mail to whoever listens, each person once, whichever node comes first and however often it looks.
pub async fn promise_weeklies(app: &App) -> Result<()> {
    let Some((week, monday)) = due(app).filter(|_| app.smtp.is_some()) else { return Ok(()) };
    if settings::find(&mut *app.db.read().await?, LAST).await?.as_deref() == Some(monday.as_str()) {
        return Ok(());
    }
    let now = app.clock.now();
    let detail = serde_json::to_string(&week).expect("numbers are JSON");
    let mut tx = app.db.begin().await?;
    for person in persons::staff_with_email(&mut tx).await? {
        if weekly_projects(&mut tx, &person).await?.is_empty() || !listening::begin_week(&mut tx, person.id, &monday).await? {
            continue;
        }
        let new = NewNotice {
            kind: NoticeKind::Weekly,
            discussion: None,
            post: None,
            target: Target::Person(person.id),
            due_at: now,
            deadline_at: now,
            now,
            detail: Some(detail.clone()),
            expires_at: None,
        };
        notices::add(&mut tx, &new).await?;
    }
    settings::put(&mut tx, LAST, &monday).await?;
    tx.commit().await?;
    app.wake.outbox.notify_one();
    Ok(())
}

/// The projects whose week the person wants to hear of: of those that they are staff of, an admin of all.
pub async fn weekly_projects(c: &mut AnyConnection, person: &Person) -> Result<Vec<Project>> {
    let limit: Option<PersonId> = (!person.is_admin).then_some(person.id);
    let mut wanted = vec![];
    for project in projects::page(c, limit, 0, PROJECTS_MAX).await? {
        let role = match members::role(c, project.id, person.id).await? {
            Some(role) => role,
            None if person.is_admin => Role::Owner,
            None => continue,
        };
        if !role.is_staff() {
            continue;
        }
        let set = listening::set_for(c, person.id, (project.id, Audience::Staff), NoticeKind::Weekly).await?;
        if set.way(NoticeKind::Weekly, role) == Way::Mail {
            wanted.push(project);
        }
    }
    Ok(wanted)
}
