//! Freezing a week's mail: what each project of a colleague's has seen, and what is still open in it.

use jiff::{Span, SpanRound, Timestamp, Unit};

use super::digest_mail::{self, Cover};
use crate::App;
use crate::channels::email::render::{Entry, Section};
use crate::discussions::{Week, weekly_projects};
use crate::domain::{Status, Why};
use crate::store::notices::Notice;
use crate::store::weeks::{Figures, StillOpen};
use crate::store::{self, notices, persons, weeks};

/// Projects of one mail; further ones are counted.
const PROJECTS_MAX: usize = 40;
/// Open discussions of a project that it lists; further ones are counted.
const OPEN_MAX: i64 = 10;

/// Freezes the mail that the notice promises. Whether a delivery was made.
pub(super) async fn freeze(app: &App, notice: &Notice) -> Result<bool, store::Error> {
    let Some(person) = notice.person else { return Ok(false) };
    let mut tx = app.db.begin().await?;
    persons::lock(&mut tx, app.db.dialect, person).await?;
    if !notices::waits(&mut tx, notice.id).await? {
        return Ok(false);
    }
    let all = [notice.id];
    let reader = persons::find(&mut tx, person).await?;
    let address = persons::email(&mut tx, person).await?;
    let week = Week::read(notice.detail.as_deref());
    let (Some(reader), Some(address), Some(week), Some(_)) = (reader, address, week, &app.config.smtp) else {
        notices::fail_all(&mut tx, &all, Why::NoAddress.as_str()).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let (mut sections, mut more) = (vec![], 0);
    for project in weekly_projects(&mut tx, &reader).await? {
        let figures = weeks::figures(&mut tx, project.id, week.from(), week.to()).await?;
        if figures.is_empty() {
            continue;
        }
        if sections.len() == PROJECTS_MAX {
            more += 1;
            continue;
        }
        let open = weeks::still_open(&mut tx, project.id, week.to(), OPEN_MAX).await?;
        sections.push(section(app, project.name, &figures, &open));
    }
    if sections.is_empty() {
        notices::drop_all(&mut tx, &all, Why::NothingToTell.as_str()).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let texts = app.texts();
    if let Some(last) = sections.last_mut().filter(|_| more > 0) {
        last.more = texts.fill("weekly.more_projects", &[("count", &more.to_string())]);
    }
    let day = |at: Timestamp| at.to_zoned(app.config.server.time_zone.clone()).date().to_string();
    let (from, to) = (day(week.from()), day(week.to() - jiff::SignedDuration::from_secs(1)));
    let values = [("from", from.as_str()), ("to", to.as_str())];
    let cover = Cover {
        reader: &reader,
        address: &address,
        subject: texts.fill("weekly.subject", &values),
        intro: texts.fill("weekly.intro", &values),
        sections: &sections,
    };
    digest_mail::freeze(&mut tx, app, &cover, &all).await?;
    tx.commit().await?;
    Ok(true)
}

fn section(app: &App, heading: String, figures: &Figures, open: &[StillOpen]) -> Section {
    let texts = app.texts();
    let n = |n: i64| n.to_string();
    let (opened, answered, solved) = (n(figures.opened), n(figures.answered), n(figures.solved));
    let mut lines = vec![texts.fill("weekly.figures", &[("opened", &opened), ("answered", &answered), ("solved", &solved)])];
    if let Some(us) = figures.first_answer_us {
        lines.push(texts.fill("weekly.first_answer", &[("time", &took(app, us))]));
    }
    if figures.pushes > 0 {
        lines.push(texts.fill("weekly.pushes", &[("pushes", &n(figures.pushes)), ("heads", &n(figures.heads))]));
    }
    if figures.open > 0 {
        lines.push(texts.fill("weekly.open", &[("count", &n(figures.open))]));
    }
    let more = figures.open - i64::try_from(open.len()).unwrap_or(i64::MAX);
    Section {
        heading,
        lines,
        entries: open.iter().map(|d| entry(app, d)).collect(),
        more: if more > 0 { texts.fill("digest.more_discussions", &[("count", &n(more))]) } else { String::new() },
    }
}

fn entry(app: &App, open: &StillOpen) -> Entry {
    let texts = app.texts();
    let days = app.clock.now().duration_since(open.opened_at).as_hours() / 24;
    let name = open.assignee_name.as_deref().filter(|n| !n.is_empty());
    // Who is waited for.
    let whom = match (open.status, name) {
        (Status::Waiting, _) => texts.get("weekly.waits_for_client").to_owned(),
        (_, Some(name)) => texts.fill("weekly.waits_for", &[("name", name)]),
        (_, None) => texts.get("weekly.waits_for_nobody").to_owned(),
    };
    let status = texts.get(&format!("status.{}", open.status)).to_owned();
    let since = texts.fill("weekly.open_since", &[("days", &days.to_string())]);
    Entry {
        title: format!("#{} {}", open.number, open.title),
        link: app.config.server.discussion_url(open.number),
        notes: vec![[status, since, whom].join(" · ")],
        ..Entry::default()
    }
}

/// `3 小時 20 分鐘`.
fn took(app: &App, us: i64) -> String {
    let minutes = us / 60_000_000;
    let round = SpanRound::new().largest(Unit::Hour).smallest(Unit::Minute);
    let span = Span::new().try_minutes(minutes).and_then(|s| s.round(round)).unwrap_or_default();
    let (hours, minutes) = (span.get_hours().to_string(), span.get_minutes().to_string());
    let texts = app.texts();
    if span.get_hours() > 0 {
        texts.fill("weekly.hours", &[("hours", &hours), ("minutes", &minutes)])
    } else {
        texts.fill("weekly.minutes", &[("minutes", &minutes)])
    }
}
