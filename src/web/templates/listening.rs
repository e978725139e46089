//! The forms by which people say how they want to hear of what.

use maud::{Markup, html};

use super::Look;
use crate::discussions::Wish;
use crate::domain::{Audience, NoticeKind, Way};
use crate::store::projects::Project;

/// One's own settings, for all projects or for one.
#[derive(Clone, Debug, Default)]
pub struct Listening {
    pub wishes: Vec<Wish>,
    /// `09:00`; shown where the settings are for all projects.
    pub digest_at: String,
    /// The project that they are for; `None` = all.
    pub here: Option<Project>,
    pub is_staff: bool,
    /// Whether a message into their own LINE chat would arrive.
    pub has_line: bool,
    /// They have just been saved.
    pub saved: bool,
}

/// What a way is called.
fn way(look: &Look<'_>, kind: NoticeKind, audience: Audience, way: Way) -> String {
    let nothing = way == Way::Web && (audience == Audience::Group || kind == NoticeKind::Weekly);
    look.word("listening", &format!("way_{}", if nothing { "off" } else { way.as_str() }))
}

fn kind(look: &Look<'_>, kind: NoticeKind) -> String {
    look.word("kind", kind.as_str())
}

/// The select box of one wish. `otherwise`: what its first line says, with the way that counts where nothing is set.
fn choice(look: &Look<'_>, wish: &Wish, audience: Audience, (name, otherwise, can): (&str, &str, bool)) -> Markup {
    let usual = look.fill(otherwise, &[("way", &way(look, wish.kind, audience, wish.otherwise))]);
    html! {
        select id=(name) name=(name) disabled[!can] {
            option value="" selected[wish.set.is_none()] { (usual) }
            @for one in wish.ways { option value=(one.as_str()) selected[wish.set == Some(*one)] { (way(look, wish.kind, audience, *one)) } }
        }
    }
}

/// The card on one's own page.
pub fn mine(look: &Look<'_>, listening: &Listening, projects: &[Project]) -> Markup {
    let audience = if listening.is_staff { Audience::Staff } else { Audience::Client };
    let otherwise = if listening.here.is_some() { "listening.as_elsewhere" } else { "listening.usual" };
    let wants_line = listening.wishes.iter().any(|w| w.way() == Way::Line);
    html! {
        section.card #listening {
            h2 { (look.t("listening.heading")) }
            @if listening.saved { p.saved role="status" { (look.t("listening.saved")) } }
            p.muted { (look.t(if listening.is_staff { "listening.hint" } else { "listening.hint_client" })) }
            @if !projects.is_empty() {
                form.inline-form method="get" action="/me#listening" {
                    label for="listening-where" { (look.t("listening.scope")) }
                    div.inline-row {
                        select #listening-where name="listening" {
                            option value="" { (look.t("listening.everywhere")) }
                            @for project in projects {
                                option value=(project.key) selected[listening.here.as_ref().is_some_and(|h| h.id == project.id)] { (project.name) }
                            }
                        }
                        button.button.plain type="submit" { (look.t("listening.show")) }
                    }
                }
            }
            @if let Some(here) = &listening.here { p.muted { (look.fill("listening.only_here", &[("project", &here.name)])) } }
            @if wants_line && !listening.has_line { p.needs { (look.t("listening.no_line")) } }
            form.wishes method="post" action="/me/listening" {
                @if let Some(here) = &listening.here { input type="hidden" name="project" value=(here.key); }
                ul {
                    @for wish in &listening.wishes {
                        @let name = format!("way_{}", wish.kind);
                        li {
                            label for=(name) { (kind(look, wish.kind)) }
                            (choice(look, wish, audience, (&name, otherwise, true)))
                        }
                    }
                    @if listening.here.is_none() {
                        li {
                            label for="digest_at" { (look.t("listening.digest_at")) }
                            input #digest_at type="time" name="digest_at" value=(listening.digest_at) required;
                        }
                    }
                }
                p.faint { (look.t("listening.digest_hint")) }
                button.button type="submit" { (look.t("page.save")) }
            }
        }
    }
}

/// A project's settings, by audience.
pub type OfProject = Vec<(Audience, Vec<Wish>)>;

/// The card on a project's page.
pub fn of_project(look: &Look<'_>, key: &str, settings: &OfProject, can: bool) -> Markup {
    let mut kinds: Vec<NoticeKind> = vec![];
    for wish in settings.iter().flat_map(|(_, wishes)| wishes) {
        if !kinds.contains(&wish.kind) {
            kinds.push(wish.kind);
        }
    }
    html! {
        section.card #listening {
            h2 { (look.t("listening.project_heading")) }
            p.muted { (look.t("listening.project_hint")) }
            details.wishes-all {
            summary { (look.t("listening.see_and_change")) }
            form.wishes.of-project method="post" action={ "/projects/" (key) "/listening" } {
                ul {
                    @for of in kinds {
                        li {
                            span.wish-kind { (kind(look, of)) }
                            div.wish-ways {
                                @for (audience, wishes) in settings {
                                    @for wish in wishes.iter().filter(|w| w.kind == of) {
                                        @let name = format!("{audience}_{of}");
                                        label for=(name) { (look.word("listening", &format!("audience_{audience}"))) }
                                        (choice(look, wish, *audience, (&name, "listening.usual", can)))
                                    }
                                }
                            }
                        }
                    }
                }
                @if can { button.button type="submit" { (look.t("page.save")) } }
            }
            }
        }
    }
}
