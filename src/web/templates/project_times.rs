//! When a project's LINE chats are told what waits: the forms.

use std::collections::BTreeMap;

use jiff::civil::Date;
use maud::{Markup, html};

use super::icons::{self, Icon};
use super::{Look, page, trouble};
use crate::domain::{DIGEST_AT, NoticeKind, PATIENT_KINDS, Patience, WAIT_MINUTES_MAX, WEEKDAYS, Wait, time_text};
use crate::store::projects::Project;

/// What stands in a form, by the names of its fields.
pub type Fields = BTreeMap<String, String>;

/// What one project's page shows.
#[derive(Clone, Debug)]
pub struct TimesView {
    pub project: Project,
    pub fields: Fields,
    /// What holds where the project says nothing.
    pub defaults: Patience,
    /// `21:00-08:00`; empty: none.
    pub quiet_by_default: String,
    /// The project's own days off, a line each.
    pub days: String,
    /// The installation's.
    pub common: Vec<(Date, String)>,
    /// The reader may change it.
    pub is_owner: bool,
    /// Why the times were not saved.
    pub trouble: Option<String>,
    /// Why the days off were not saved.
    pub days_trouble: Option<String>,
}

/// What the page of the installation's days off shows.
#[derive(Clone, Debug)]
pub struct DaysOffView {
    pub days: String,
    pub trouble: Option<String>,
}

impl TimesView {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// One project's times.
pub fn times(look: &Look<'_>, view: &TimesView) -> Markup {
    let project = &view.project;
    let here = format!("/projects/{}/times", project.key);
    let main = html! {
        div.sheet {
            a.back href={ "/projects/" (project.key) } { (icons::icon(Icon::Back)) (project.name) }
            h1 { (look.t("times.title")) }
            p.muted { (look.t("times.intro")) }
            @if !view.is_owner { p.muted { (look.t("times.read_only")) } }
            form.times-form method="post" action=(here) {
                @if let Some(text) = &view.trouble { (trouble(text)) }
                fieldset.card disabled[!view.is_owner] {
                    h2 { (look.t("times.waits")) }
                    p.muted { (look.t("times.waits_hint")) }
                    div.waits { @for kind in PATIENT_KINDS { (wait_row(look, view, kind)) } }
                }
                (digest(look, view))
                (quiet(look, view))
                @if view.is_owner { div { button.button type="submit" { (look.t("page.save")) } } }
            }
            section.card #days-off {
                h2 { (look.t("times.days_off")) }
                p.muted { (look.t("times.days_off_hint")) }
                (days_form(look, &format!("{here}/days-off"), &view.days, view.days_trouble.as_deref(), view.is_owner))
                @if !view.common.is_empty() {
                    details {
                        summary { (look.fill("times.common", &[("count", &view.common.len().to_string())])) }
                        ul.plain-list { @for (day, name) in &view.common { li { (day) " " (name) } } }
                    }
                }
            }
        }
    };
    page(look, "page-project", look.t("times.title"), &main)
}

/// What a kind is called where its patience is said. Of a new discussion, the group is told that it was received.
pub fn kind_name(look: &Look<'_>, kind: NoticeKind) -> String {
    if kind == NoticeKind::Opened { look.t("times.acknowledged").to_owned() } else { super::told::kind(look, kind) }
}

fn wait_row(look: &Look<'_>, view: &TimesView, kind: NoticeKind) -> Markup {
    let (wait, minutes) = (format!("wait_{kind}"), format!("minutes_{kind}"));
    let chosen = view.field(&wait);
    let default = look.fill("times.default", &[("value", &wait_word(look, view.defaults.wait(kind)))]);
    let choices = [
        ("default", default.as_str()),
        ("minutes", look.t("times.minutes_choice")),
        ("next_digest", look.t("times.next_digest")),
        ("free_only", look.t("times.free_only")),
    ];
    html! {
        div.wait {
            label for=(wait) { (kind_name(look, kind)) }
            select #(wait) name=(wait) {
                @for (word, text) in choices { option value=(word) selected[word == chosen || (chosen.is_empty() && word == "default")] { (text) } }
            }
            span.wait-minutes {
                input type="number" name=(minutes) min="0" max=(WAIT_MINUTES_MAX) value=(view.field(&minutes)) aria-label=(look.t("times.minutes_label"));
                span.faint { (look.t("times.minutes_label")) }
            }
        }
    }
}

fn wait_word(look: &Look<'_>, wait: Wait) -> String {
    match wait {
        Wait::For(time) if time.as_secs() % 60 == 0 => look.fill("times.minutes", &[("count", &time.as_mins().to_string())]),
        Wait::For(time) => look.fill("times.minutes", &[("count", &format!("{:.1}", time.as_secs_f64() / 60.0))]),
        Wait::NextDigest => look.t("times.next_digest").to_owned(),
        Wait::FreeOnly => look.t("times.free_only").to_owned(),
    }
}

fn digest(look: &Look<'_>, view: &TimesView) -> Markup {
    html! {
        fieldset.card disabled[!view.is_owner] {
            h2 { (look.t("times.digest")) }
            p.muted { (look.fill("times.digest_hint", &[("time", &time_text(DIGEST_AT))])) }
            div.times-row {
                label for="digest-at" { (look.t("times.digest_at")) }
                input #digest-at type="time" name="digest_at" value=(view.field("digest_at"));
            }
            div.times-row role="group" aria-label=(look.t("times.working_days")) {
                span.times-label { (look.t("times.working_days")) }
                span.weekdays {
                    @for (word, _) in WEEKDAYS {
                        @let name = format!("day_{word}");
                        label.weekday {
                            input type="checkbox" name=(name) value="1" checked[!view.field(&name).is_empty()];
                            (look.word("times", &name))
                        }
                    }
                }
            }
        }
    }
}

fn quiet(look: &Look<'_>, view: &TimesView) -> Markup {
    let chosen = view.field("quiet");
    let by_default = if view.quiet_by_default.is_empty() { look.t("times.none") } else { view.quiet_by_default.as_str() };
    let default = look.fill("times.default", &[("value", by_default)]);
    let choices = [("default", default.as_str()), ("none", look.t("times.quiet_none")), ("own", look.t("times.quiet_own"))];
    html! {
        fieldset.card disabled[!view.is_owner] {
            h2 { (look.t("times.quiet")) }
            p.muted { (look.t("times.quiet_hint")) }
            div.wait {
                label for="quiet" { (look.t("times.quiet_hours")) }
                select #quiet name="quiet" {
                    @for (word, text) in choices { option value=(word) selected[word == chosen] { (text) } }
                }
                span.quiet-hours {
                    input type="time" name="quiet_from" value=(view.field("quiet_from")) aria-label=(look.t("times.quiet_from"));
                    span.faint { "–" }
                    input type="time" name="quiet_until" value=(view.field("quiet_until")) aria-label=(look.t("times.quiet_until"));
                }
            }
        }
    }
}

fn days_form(look: &Look<'_>, action: &str, days: &str, why_not: Option<&str>, may: bool) -> Markup {
    html! {
        form.inline-form method="post" action=(action) {
            @if let Some(text) = why_not { (trouble(text)) }
            label for="days-off-lines" { (look.t("times.days_off_lines")) }
            textarea #days-off-lines name="days_off" rows="8" placeholder=(look.t("times.days_off_sample")) disabled[!may] { (days) }
            @if may { button.button.plain type="submit" { (look.t("page.save")) } }
        }
    }
}

/// The installation's days off.
pub fn days_off(look: &Look<'_>, view: &DaysOffView) -> Markup {
    let main = html! {
        div.sheet {
            a.back href="/projects" { (icons::icon(Icon::Back)) (look.t("page.projects")) }
            h1 { (look.t("times.all_days_off")) }
            section.card {
                p.muted { (look.t("times.all_days_off_hint")) }
                (days_form(look, "/days-off", &view.days, view.trouble.as_deref(), true))
            }
        }
    };
    page(look, "page-project", look.t("times.all_days_off"), &main)
}
