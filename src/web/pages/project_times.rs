//! `/projects/{key}/times` and `/days-off`: when LINE chats are told what waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::SignedDuration;
use jiff::civil::{Date, Weekday};
use sqlx::AnyConnection;

use super::projects::{address, as_staff};
use super::{Answer, FormOf, Refusal, answer, html, staff_or_client, to};
use crate::App;
use crate::discussions::{NewTimes, Setting, Viewer, calendar_of, patience_of, set_days_off, set_times};
use crate::domain::{
    BadDayOff, DAY_OFF_NAME_CHARS_MAX, DAYS_OFF_MAX, DIGEST_AT, DayOffError, Hours, NoticeKind, PATIENT_KINDS, Patience, Role,
    WAIT_MINUTES_MAX, WEEKDAYS, Wait, days_off_text, hours_text, parse_days_off, parse_time, time_text, weekday_word,
};
use crate::store::projects::Project;
use crate::store::{self, days_off, project_times};
use crate::web::templates::Look;
use crate::web::templates::project_times::{DaysOffView, Fields, TimesView, days_off as draw_days_off, kind_name, times as draw};

const DAYS_OFF: &str = "/days-off";

/// What stands in the form: what the project says, as it was saved.
async fn saved(c: &mut AnyConnection, app: &App, project: &Project) -> store::Result<Fields> {
    let patience = patience_of(c, &app.config, project.id).await?;
    let own = project_times::times(c, project.id).await?;
    let mut fields = Fields::new();
    for kind in PATIENT_KINDS {
        let (word, minutes) = match patience.own.get(&kind) {
            None => ("default", None),
            Some(Wait::For(time)) => ("minutes", Some(time.as_mins())),
            Some(Wait::NextDigest) => ("next_digest", None),
            Some(Wait::FreeOnly) => ("free_only", None),
        };
        fields.insert(format!("wait_{kind}"), word.to_owned());
        fields.extend(minutes.map(|m| (format!("minutes_{kind}"), m.to_string())));
    }
    let calendar = calendar_of(c, &app.config, project.id).await?;
    fields.insert("digest_at".into(), time_text(calendar.digest_at));
    let quiet = match own.quiet_hours.as_deref() {
        None => "default",
        Some("") => "none",
        Some(_) => "own",
    };
    fields.insert("quiet".into(), quiet.into());
    if let Some((from, until)) = calendar.quiet_hours {
        fields.insert("quiet_from".into(), time_text(from));
        fields.insert("quiet_until".into(), time_text(until));
    }
    fields.extend(calendar.working_days.iter().map(|day| (format!("day_{}", weekday_word(*day)), "1".to_owned())));
    Ok(fields)
}

async fn gather(c: &mut AnyConnection, app: &App, project: Project, role: Role) -> store::Result<TimesView> {
    let own: BTreeMap<Date, String> = days_off::of(c, Some(project.id)).await?;
    let answers = SignedDuration::try_from(app.config.notify.coalesce).unwrap_or(SignedDuration::ZERO);
    Ok(TimesView {
        fields: saved(c, app, &project).await?,
        defaults: Patience { answers, own: BTreeMap::new() },
        quiet_by_default: hours_text(app.config.notify.quiet_hours),
        days: days_off_text(&own),
        common: days_off::of(c, None).await?.into_iter().collect(),
        is_owner: role == Role::Owner,
        trouble: None,
        days_trouble: None,
        project,
    })
}

/// The page.
pub(super) async fn show(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    let page = async {
        let viewer = staff_or_client(&app, &headers, &format!("{}/times", address(&key)?)).await?;
        let mut c = app.db.read().await?;
        let (project, role) = as_staff(&mut c, &viewer, &key).await?;
        let view = gather(&mut c, &app, project, role).await?;
        Ok(html(StatusCode::OK, draw(&Look::by(&app, &viewer), &view)))
    };
    answer(&app, page.await)
}

/// Sets the patience and the hours.
pub(super) async fn save(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap, form: FormOf<Fields>) -> Response {
    answer(&app, saved_as(&app, &key, &headers, form, false).await)
}

/// Sets the project's own days off.
pub(super) async fn save_days(State(app): State<Arc<App>>, Path(key): Path<String>, headers: HeaderMap, form: FormOf<Fields>) -> Response {
    answer(&app, saved_as(&app, &key, &headers, form, true).await)
}

async fn saved_as(app: &App, key: &str, headers: &HeaderMap, form: FormOf<Fields>, of_days: bool) -> Answer {
    let here = format!("{}/times", address(key)?);
    let viewer = staff_or_client(app, headers, &here).await?;
    let Form(fields) = form?;
    let mut tx = app.db.begin().await?;
    let (project, role) = as_staff(&mut tx, &viewer, key).await?;
    if role != Role::Owner {
        return Err(Refusal::Forbidden);
    }
    let look = Look::by(app, &viewer);
    let asked = if of_days { days_asked(&look, &fields) } else { times_asked(&look, &fields) };
    match asked {
        Ok(new) => set_times(&mut tx, app, project.id, &new).await?,
        Err(trouble) => {
            // Back to the form, with what was typed and what is wrong with it.
            let view = gather(&mut tx, app, project, role).await?;
            let view = if of_days {
                TimesView { days: field(&fields, "days_off").to_owned(), days_trouble: Some(trouble), ..view }
            } else {
                TimesView { fields, trouble: Some(trouble), ..view }
            };
            return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, draw(&look, &view)));
        }
    }
    tx.commit().await?;
    app.wake.outbox.notify_one();
    Ok(to(&here))
}

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", |value| value.trim())
}

fn times_asked(look: &Look<'_>, fields: &Fields) -> Result<NewTimes, String> {
    let waits = PATIENT_KINDS.into_iter().map(|kind| Ok((kind, wait_asked(look, fields, kind)?)));
    let digest_at = match field(fields, "digest_at") {
        "" => Setting::ByDefault,
        text => {
            let own = parse_time(text).ok_or_else(|| look.t("times.bad_time").to_owned())?;
            if own == DIGEST_AT { Setting::ByDefault } else { Setting::Own(own) }
        }
    };
    let days: Vec<Weekday> =
        WEEKDAYS.iter().filter(|(word, _)| !field(fields, &format!("day_{word}")).is_empty()).map(|(_, d)| *d).collect();
    if days.is_empty() {
        return Err(look.t("times.bad_days").to_owned());
    }
    let monday_to_friday = days.iter().eq(WEEKDAYS[..5].iter().map(|(_, day)| day));
    Ok(NewTimes {
        waits: waits.collect::<Result<_, String>>()?,
        digest_at,
        quiet_hours: quiet_asked(look, fields)?,
        working_days: Some(if monday_to_friday { vec![] } else { days }),
        days_off: None,
    })
}

fn wait_asked(look: &Look<'_>, fields: &Fields, kind: NoticeKind) -> Result<Option<Wait>, String> {
    Ok(match field(fields, &format!("wait_{kind}")) {
        "minutes" => {
            let minutes = field(fields, &format!("minutes_{kind}")).parse().ok().filter(|m| (0..=WAIT_MINUTES_MAX).contains(m));
            let bad = || look.fill("times.bad_minutes", &[("kind", &kind_name(look, kind)), ("max", &WAIT_MINUTES_MAX.to_string())]);
            Some(Wait::For(SignedDuration::from_mins(minutes.ok_or_else(bad)?)))
        }
        "next_digest" => Some(Wait::NextDigest),
        "free_only" => Some(Wait::FreeOnly),
        _ => None,
    })
}

fn quiet_asked(look: &Look<'_>, fields: &Fields) -> Result<Setting<Option<Hours>>, String> {
    match field(fields, "quiet") {
        "none" => Ok(Setting::Own(None)),
        "own" => match (parse_time(field(fields, "quiet_from")), parse_time(field(fields, "quiet_until"))) {
            (Some(from), Some(until)) if from != until => Ok(Setting::Own(Some((from, until)))),
            _ => Err(look.t("times.bad_quiet").to_owned()),
        },
        _ => Ok(Setting::ByDefault),
    }
}

fn days_asked(look: &Look<'_>, fields: &Fields) -> Result<NewTimes, String> {
    let days = parse_days_off(field(fields, "days_off")).map_err(|bad| line_trouble(look, &bad))?;
    Ok(NewTimes { days_off: Some(days), ..NewTimes::default() })
}

fn line_trouble(look: &Look<'_>, bad: &BadDayOff) -> String {
    let line = bad.line.to_string();
    let (key, max) = match bad.what {
        DayOffError::NoDate => ("times.bad_line", 0),
        DayOffError::NoSuchDay => ("times.bad_line_day", 0),
        DayOffError::Twice => ("times.bad_line_twice", 0),
        DayOffError::LongName => ("times.bad_line_name", DAY_OFF_NAME_CHARS_MAX),
        DayOffError::TooMany => ("times.bad_line_many", DAYS_OFF_MAX),
    };
    look.fill(key, &[("line", &line), ("max", &max.to_string())])
}

async fn admin(app: &App, headers: &HeaderMap) -> Answer<Viewer> {
    let viewer = staff_or_client(app, headers, DAYS_OFF).await?;
    if viewer.is_admin { Ok(viewer) } else { Err(Refusal::Forbidden) }
}

/// The installation's days off, for admins.
pub(super) async fn show_common(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let page = async {
        let viewer = admin(&app, &headers).await?;
        let days = days_off_text(&days_off::of(&mut *app.db.read().await?, None).await?);
        let view = DaysOffView { days, trouble: None };
        Ok(html(StatusCode::OK, draw_days_off(&Look::by(&app, &viewer), &view)))
    };
    answer(&app, page.await)
}

/// Sets them.
pub(super) async fn save_common(State(app): State<Arc<App>>, headers: HeaderMap, form: FormOf<Fields>) -> Response {
    answer(&app, saved_common(&app, &headers, form).await)
}

async fn saved_common(app: &App, headers: &HeaderMap, form: FormOf<Fields>) -> Answer {
    let viewer = admin(app, headers).await?;
    let Form(fields) = form?;
    let look = Look::by(app, &viewer);
    let typed = field(&fields, "days_off");
    let days = match parse_days_off(typed) {
        Ok(days) => days,
        Err(bad) => {
            let view = DaysOffView { days: typed.to_owned(), trouble: Some(line_trouble(&look, &bad)) };
            return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, draw_days_off(&look, &view)));
        }
    };
    let mut tx = app.db.begin().await?;
    set_days_off(&mut tx, app, &days).await?;
    tx.commit().await?;
    app.wake.outbox.notify_one();
    Ok(to(DAYS_OFF))
}
