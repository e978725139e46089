//! When a project's LINE chats are told what waits: how long each kind waits for a free ride, and the calendar.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::SignedDuration;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::AnyConnection;
use utoipa::ToSchema;

use super::Body;
use crate::App;
use crate::discussions::{NewTimes, Setting, calendar_of, patience_of, set_days_off};
use crate::domain::{
    NoticeKind, PATIENT_KINDS, ProjectId, WAIT_MINUTES_MAX, WEEKDAYS, Wait, hours_text, parse_days_off, parse_hours, parse_time, time_text,
    weekday, weekday_word,
};
use crate::store::{self, days_off as kept};
use crate::web::error::Problem;
use crate::web::viewer::ByToken;

/// Back to what holds where a project says nothing.
const DEFAULT: &str = "default";

/// How long a notice waits: minutes, or a word.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes the JSON, which is read by hand so that a refusal can say what was meant")]
enum Deadline {
    Minutes(f64),
    Word(String),
}

/// What is to change; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NotifyChange {
    /// By kind (`answered`, `status_changed`, `opened`, `moved`, `announced`, `scripted`): how many minutes a notice waits for a free ride
    /// before a push is paid for it (0 to 10080), or `"next_digest"`, `"free_only"` (no push is ever paid), `"default"`. It holds for what
    /// is promised from then on.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Deadline>)]
    deadlines: BTreeMap<String, Value>,
    /// `17:00`, in the server's time zone, or `default`.
    digest_at: Option<String>,
    /// `21:00-08:00`, empty for none, or `default`.
    quiet_hours: Option<String>,
    /// When the digest leaves: of `mon tue wed thu fri sat sun`; none of them: as by default.
    working_days: Option<Vec<String>>,
    /// The project's own days off, a line each: `2026-02-16 除夕`. They take the place of all that it had; the installation's hold beside them.
    days_off: Option<String>,
}

/// What holds now.
#[derive(Serialize, ToSchema)]
pub(super) struct NotifyShape {
    /// By kind: minutes, `next_digest` or `free_only`.
    #[schema(value_type = BTreeMap<String, Deadline>)]
    deadlines: BTreeMap<&'static str, Value>,
    digest_at: String,
    /// Empty: none.
    quiet_hours: String,
    working_days: Vec<&'static str>,
    /// The project's own.
    days_off: Vec<DayOffShape>,
}

/// A day without pushes.
#[derive(Serialize, ToSchema)]
pub(super) struct DayOffShape {
    /// `2026-02-16`
    date: String,
    name: String,
}

fn shapes(days: BTreeMap<Date, String>) -> Vec<DayOffShape> {
    days.into_iter().map(|(day, name)| DayOffShape { date: day.to_string(), name }).collect()
}

pub(super) async fn notify_shape(c: &mut AnyConnection, app: &App, project: ProjectId) -> store::Result<NotifyShape> {
    let patience = patience_of(c, &app.config, project).await?;
    let calendar = calendar_of(c, &app.config, project).await?;
    let deadlines = PATIENT_KINDS.into_iter().map(|kind| (kind.as_str(), written(patience.wait(kind)))).collect();
    Ok(NotifyShape {
        deadlines,
        digest_at: time_text(calendar.digest_at),
        quiet_hours: hours_text(calendar.quiet_hours),
        working_days: calendar.working_days.iter().map(|day| weekday_word(*day)).collect(),
        days_off: shapes(kept::of(c, Some(project)).await?),
    })
}

/// Whole minutes as a whole number.
fn written(wait: Wait) -> Value {
    match wait {
        Wait::For(time) if time == SignedDuration::from_mins(time.as_mins()) => json!(time.as_mins()),
        Wait::For(time) => json!(time.as_secs_f64() / 60.0),
        Wait::NextDigest => json!("next_digest"),
        Wait::FreeOnly => json!("free_only"),
    }
}

/// What is asked for, or what is wrong with it.
pub(super) fn new_times(change: &NotifyChange) -> Result<NewTimes, Problem> {
    let refused = |field: &str, why: String| Problem::unprocessable(format!("notify.{field} {why}"));
    let mut new = NewTimes::default();
    for (kind, wait) in &change.deadlines {
        new.waits.push(deadline(kind, wait).map_err(|why| refused(&format!("deadlines.{kind}"), why))?);
    }
    if let Some(at) = &change.digest_at {
        let bad = || refused("digest_at", format!("is {at:?}; write \"17:00\" (00:00 to 23:59), or \"default\""));
        new.digest_at = if at == DEFAULT { Setting::ByDefault } else { Setting::Own(parse_time(at).ok_or_else(bad)?) };
    }
    if let Some(text) = &change.quiet_hours {
        let hours = || parse_hours(text).map_err(|why| refused("quiet_hours", why));
        new.quiet_hours = if text == DEFAULT { Setting::ByDefault } else { Setting::Own(hours()?) };
    }
    if let Some(words) = &change.working_days {
        let days = words.iter().map(|word| {
            let all = || WEEKDAYS.map(|(word, _)| word).join(", ");
            weekday(word).ok_or_else(|| refused("working_days", format!("has {word:?}; the days are {}", all())))
        });
        new.working_days = Some(days.collect::<Result<_, _>>()?);
    }
    if let Some(lines) = &change.days_off {
        new.days_off = Some(parse_days_off(lines).map_err(|bad| refused("days_off", format!("has a bad line: {bad}")))?);
    }
    Ok(new)
}

fn deadline(kind: &str, wait: &Value) -> Result<(NoticeKind, Option<Wait>), String> {
    let all = || PATIENT_KINDS.map(NoticeKind::as_str).join(", ");
    let kind = NoticeKind::find(kind).filter(|k| PATIENT_KINDS.contains(k)).ok_or_else(|| format!("is no kind; they are {}", all()))?;
    let wait = match (wait.as_str(), wait.as_i64()) {
        (Some(DEFAULT), _) => None,
        (Some("next_digest"), _) => Some(Wait::NextDigest),
        (Some("free_only"), _) => Some(Wait::FreeOnly),
        (_, Some(minutes)) if (0..=WAIT_MINUTES_MAX).contains(&minutes) => Some(Wait::For(SignedDuration::from_mins(minutes))),
        _ => {
            return Err(format!("is {wait}; write minutes (0 to {WAIT_MINUTES_MAX}), \"next_digest\", \"free_only\" or \"default\""));
        }
    };
    Ok((kind, wait))
}

/// The installation's days off.
#[derive(Serialize, ToSchema)]
pub(super) struct DaysOff {
    items: Vec<DayOffShape>,
}

/// The installation's days off, which hold for every project: nothing that is not urgent is pushed on them.
#[utoipa::path(get, path = "/api/v1/days-off", responses((status = 200, body = DaysOff)))]
pub(super) async fn days_off(State(app): State<Arc<App>>, ByToken(_viewer): ByToken) -> Result<Json<DaysOff>, Problem> {
    let mut c = app.db.read().await?;
    Ok(Json(DaysOff { items: shapes(kept::of(&mut c, None).await?) }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDaysOff {
    /// A line each: `2026-02-16 除夕`. They take the place of all that there were.
    days_off: String,
}

/// Puts other days in their place.
#[utoipa::path(put, path = "/api/v1/days-off", request_body = NewDaysOff, responses((status = 200, body = DaysOff), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn put_days_off(
    State(app): State<Arc<App>>,
    ByToken(viewer): ByToken,
    Body(new): Body<NewDaysOff>,
) -> Result<Json<DaysOff>, Problem> {
    if !viewer.is_admin {
        return Err(Problem::forbidden("only an admin may change the installation's days off"));
    }
    let days = parse_days_off(&new.days_off).map_err(|bad| Problem::unprocessable(format!("days_off: {bad}")))?;
    let mut tx = app.db.begin().await?;
    set_days_off(&mut tx, &app, &days).await?;
    tx.commit().await?;
    app.wake.outbox.notify_one();
    Ok(Json(DaysOff { items: shapes(days) }))
}
