//! One LINE chat: whose it is, who is in it, what its record lacks.

use maud::{Markup, html};

use super::groups::{Row, bind_form, facts, name, state};
use super::icons::{self, Icon};
use super::post::avatar;
use super::{Look, page};
use crate::domain::ChatKind;
use crate::store::projects::Project;
use crate::store::rosters::{Friendship, InChat};

/// Somebody on the roster.
#[derive(Clone, Debug)]
pub struct Person {
    pub known: InChat,
    /// The address of their picture.
    pub picture: Option<String>,
    /// Names that they bore before, the latest first.
    pub former_names: Vec<String>,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Group {
    pub row: Row,
    pub people: Vec<Person>,
    /// Where an admin may bind it to.
    pub to_choose: Vec<Project>,
    pub is_admin: bool,
    /// Its LINE account is still in the configuration.
    pub is_configured: bool,
    /// It has just been bound.
    pub just_bound: bool,
}

/// The page.
pub fn group(look: &Look<'_>, shown: &Group) -> Markup {
    let chat = &shown.row.chat;
    let title = name(look, chat);
    let main = html! {
        a.back href="/groups" { (icons::icon(Icon::Back)) (look.t("groups.back")) }
        header.chat-title {
            h1 { (title) }
            (state(look, &shown.row))
        }
        p.chat-facts { (facts(look, &shown.row)) }
        @if !shown.is_configured { p.trouble role="alert" { (icons::icon(Icon::Alert)) span { (look.t("groups.not_configured")) } } }
        @if shown.just_bound && chat.bound { (bound_note(look, shown)) }
        @if shown.is_admin { (binding(look, shown)) }
        div.chat-columns {
            (roster(look, shown))
            (gaps(look, shown))
        }
    };
    page(look, "page-group", &title, &main)
}

fn bound_note(look: &Look<'_>, shown: &Group) -> Markup {
    html! {
        div.done-note role="status" {
            span { (icons::icon(Icon::Check)) (look.fill("groups.bound_to", &[("project", &shown.row.project.name)])) }
            @if shown.is_admin {
                form method="post" action={ "/groups/" (shown.row.chat.id) "/unbind" } { button.button.plain type="submit" { (look.t("groups.undo")) } }
            }
        }
    }
}

fn binding(look: &Look<'_>, shown: &Group) -> Markup {
    let chat = &shown.row.chat;
    html! {
        @if chat.bound {
            details.rebind {
                summary { (icons::icon(Icon::Pencil)) (look.t("groups.rebind")) }
                (bind_form(look, chat, &shown.to_choose))
                form.unbind method="post" action={ "/groups/" (chat.id) "/unbind" } {
                    button.quiet type="submit" { (look.t("groups.unbind")) }
                    span.hint { (look.t("groups.unbind_hint")) }
                }
            }
        } @else {
            section.unbound-note {
                p { (look.t("groups.unbound_hint")) }
                (bind_form(look, chat, &shown.to_choose))
            }
        }
    }
}

fn roster(look: &Look<'_>, shown: &Group) -> Markup {
    let (here, gone): (Vec<&Person>, Vec<&Person>) = shown.people.iter().partition(|p| p.known.left_at.is_none());
    html! {
        section.roster aria-labelledby="roster" {
            h2 #roster { (look.t("groups.roster")) span.count { (here.len()) } }
            @if shown.row.chat.kind != ChatKind::User { p.hint { (look.t("groups.roster_hint")) } }
            @if here.is_empty() { p.faint { (look.t("groups.roster_empty")) } }
            ul { @for person in here { (person_row(look, person)) } }
            @if !gone.is_empty() {
                details.gone-people {
                    summary { (look.fill("groups.gone", &[("count", &gone.len().to_string())])) }
                    ul { @for person in gone { (person_row(look, person)) } }
                }
            }
        }
    }
}

fn person_row(look: &Look<'_>, person: &Person) -> Markup {
    let known = &person.known;
    let when = look.when();
    let name = if known.name.is_empty() { look.word("person", "unknown") } else { known.name.clone() };
    html! {
        li.person {
            (avatar(&name, Some(known.person), person.picture.as_deref()))
            div.person-in {
                div.person-head {
                    strong { (name) }
                    @match known.friendship {
                        Some(Friendship::Friend) => span.mark title=(look.t("groups.friend_hint")) { (look.t("groups.friend")) },
                        Some(Friendship::Blocked) => span.mark.is-blocked title=(look.t("groups.blocked_hint")) { (look.t("groups.blocked")) },
                        None => {},
                    }
                }
                p.person-facts {
                    @if !person.former_names.is_empty() {
                        span { (look.fill("groups.former_names", &[("names", &person.former_names.join(look.t("mail.name_separator")))])) }
                    }
                    @if let Some(at) = known.joined_at { span { (look.fill("groups.joined_at", &[("time", &when.moment(at))])) } }
                    @if let Some(at) = known.left_at {
                        span { (look.fill("groups.left_at", &[("time", &when.moment(at))])) }
                    } @else {
                        span { (look.t("groups.last_seen")) " " (look.ago(known.seen_at)) }
                    }
                }
            }
        }
    }
}

fn gaps(look: &Look<'_>, shown: &Group) -> Markup {
    let when = look.when();
    html! {
        section.gaps aria-labelledby="gaps" {
            h2 #gaps { (look.t("groups.gaps")) @if !shown.row.gaps.is_empty() { span.count { (shown.row.gaps.len()) } } }
            @if shown.row.gaps.is_empty() {
                p.faint { (look.t("groups.no_gaps")) }
            } @else {
                p.hint { (look.t("groups.gaps_hint")) }
                ol {
                    @for gap in shown.row.gaps.iter().rev() {
                        li.lasting[gap.to.is_none()] { strong { (when.span(gap.from, gap.to)) } span { (look.word("gap", gap.kind.as_str())) } }
                    }
                }
            }
        }
    }
}
