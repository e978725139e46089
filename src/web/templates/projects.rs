//! Projects: the list, and what one consists of.

use maud::{Markup, html};

use super::icons::{self, Icon};
use super::listening::{self, OfProject};
use super::scripts::{Scripts, scripts};
use super::{Look, held, page};
use crate::domain::{CODE_GOOD_FOR, ChatId, ChatKind, PROJECT_BUDGET_MAX, ProjectKind, REOPEN_DAYS_MAX};
use crate::store::chats::Chat;
use crate::store::held_mails::HeldMail;
use crate::store::members::Member;
use crate::store::projects::Project;

/// What one project's page shows.
#[derive(Clone, Debug)]
pub struct ProjectView {
    pub project: Project,
    pub members: Vec<Member>,
    pub chats: Vec<Chat>,
    /// Where its chats keep what is no matter of its own: the chat, the number, and how many posts.
    pub others: Vec<(ChatId, i64, i64)>,
    /// Addresses and domains.
    pub senders: Vec<String>,
    /// Mails that wait for staff and belong to no discussion yet.
    pub held: Vec<HeldMail>,
    /// LINE messages that its chats have cost this month.
    pub spent: i64,
    /// How its people and groups hear of things.
    pub listening: OfProject,
    /// The reader may change it.
    pub is_owner: bool,
    /// A code that was just made; shown this once.
    pub code: Option<String>,
    /// What scripts may speak in its chats.
    pub scripts: Scripts,
}

/// The reader's projects.
pub fn list(look: &Look<'_>, projects: &[Project], is_staff: bool) -> Markup {
    let main = html! {
        div.sheet {
            div.sheet-head {
                h1 { (look.t("page.projects")) }
                @if is_staff { a.button.plain href="/announcements" { (look.t("announce.make")) } }
            }
            section.card {
                @if projects.is_empty() { p.muted { (look.t("page.no_projects")) } } @else { (project_rows(look, projects, is_staff)) }
            }
            @if look.is_admin { p { a href="/days-off" { (look.t("times.all_days_off")) } } }
        }
    };
    page(look, "page-projects", look.t("page.projects"), &main)
}

/// A row a project, with the way to its discussions and, for staff, to its page.
pub(super) fn project_rows(look: &Look<'_>, projects: &[Project], is_staff: bool) -> Markup {
    html! {
        ul.lines {
            @for project in projects {
                li {
                    a.grow href={ "/discussions?project=" (project.key) } { (project.name) }
                    @if is_staff { a.quiet href={ "/projects/" (project.key) } { (look.t("page.settings")) } }
                }
            }
        }
    }
}

/// One project.
pub fn project(look: &Look<'_>, view: &ProjectView) -> Markup {
    let project = &view.project;
    let main = html! {
        div.sheet {
            a.back href="/projects" { (icons::icon(Icon::Back)) (look.t("page.projects")) }
            div.sheet-head {
                h1 { (project.name) }
                div.sheet-ways {
                    @if project.kind == ProjectKind::Client { a.button.plain href={ "/announcements?project=" (project.key) } { (look.t("announce.make")) } }
                    a.button.plain href={ "/discussions?project=" (project.key) } { (look.t("page.see_discussions")) }
                }
            }
            @if !view.held.is_empty() {
                section.held #held {
                    h2 { (look.t("held.heading")) }
                    @for mail in &view.held { (held::card(look, mail, &format!("/projects/{}", project.key))) }
                }
            }
            (groups(look, view))
            section.card {
                h2 { (look.t("times.title")) }
                p.muted { (look.t("times.intro")) }
                a.button.plain href={ "/projects/" (project.key) "/times" } { (look.t("times.link")) }
            }
            (excerpts(look, view))
            (budget(look, view))
            (reopening(look, view))
            (listening::of_project(look, &project.key, &view.listening, view.is_owner))
            (scripts(look, &project.key, &view.chats, &view.scripts))
            section.card {
                h2 { (look.t("page.members")) }
                @if view.members.is_empty() { p.muted { (look.t("page.no_members")) } }
                ul.lines {
                    @for member in &view.members {
                        li {
                            span.grow { @if member.name.is_empty() { (look.word("person", "unknown")) } @else { (member.name) } }
                            span.role { (look.word("role", member.role.as_str())) }
                        }
                    }
                }
            }
            section.card {
                h2 { (look.t("page.senders")) }
                @if view.senders.is_empty() {
                    p.muted { (look.t("page.no_senders")) }
                } @else {
                    p.muted { (look.t("page.senders_hint")) }
                    ul.plain-list { @for sender in &view.senders { li { (sender) } } }
                }
            }
        }
    };
    page(look, "page-project", &project.name, &main)
}

fn groups(look: &Look<'_>, view: &ProjectView) -> Markup {
    html! {
        section.card #groups {
            h2 { (look.t("page.groups")) }
            @if view.chats.is_empty() { p.muted { (look.t("page.no_groups")) } }
            ul.lines {
                @for chat in &view.chats {
                    li {
                        (icons::icon(Icon::Chat))
                        span.grow { (chat_name(look, chat)) }
                        @if let Some((_, number, posts)) = view.others.iter().find(|(of, _, _)| *of == chat.id) {
                            a.quiet href={ "/d/" (number) } { (look.fill("page.other_count", &[("count", &posts.to_string())])) }
                        }
                        @if chat.left_at.is_some() { span.role { (look.t("page.chat_left")) } }
                        @else if chat.unreachable.is_some() { span.role { (look.t("page.chat_unreachable")) } }
                        @if let Some(heads) = chat.member_count.filter(|_| chat.kind != ChatKind::User) {
                            span.faint { (look.fill("page.heads", &[("count", &heads.to_string())])) }
                        }
                    }
                }
            }
            @if let Some(code) = &view.code {
                (code_box(look, look.t("page.bind_code_use"), &format!("/bind {code}")))
            } @else {
                p.muted { (look.t("page.bind_hint")) }
                form method="post" action={ "/projects/" (view.project.key) "/code#groups" } {
                    button.button.plain type="submit" { (look.t("page.bind_group")) }
                }
            }
        }
    }
}

pub(super) fn chat_name(look: &Look<'_>, chat: &Chat) -> String {
    if chat.name.is_empty() { look.word("chat", chat.kind.as_str()) } else { chat.name.clone() }
}

fn excerpts(look: &Look<'_>, view: &ProjectView) -> Markup {
    let on = view.project.excerpts;
    html! {
        section.card {
            h2 { (look.t("page.excerpts")) }
            p.muted { (look.t(if on { "page.excerpts_on" } else { "page.excerpts_off" })) }
            @if view.is_owner {
                form method="post" action={ "/projects/" (view.project.key) "/excerpts" } {
                    input type="hidden" name="excerpts" value=(if on { "0" } else { "1" });
                    button.button.plain type="submit" { (look.t(if on { "page.turn_excerpts_off" } else { "page.turn_excerpts_on" })) }
                }
            }
        }
    }
}

fn budget(look: &Look<'_>, view: &ProjectView) -> Markup {
    let spent = view.spent.to_string();
    html! {
        section.card #budget {
            h2 { (look.t("page.budget")) }
            p.muted {
                @match view.project.monthly_budget {
                    Some(heads) => (look.fill("page.budget_is", &[("spent", &spent), ("count", &heads.to_string())])),
                    None => (look.fill("page.budget_none", &[("spent", &spent)])),
                }
            }
            @if view.is_owner {
                form.inline-form method="post" action={ "/projects/" (view.project.key) "/budget" } {
                    label for="budget-heads" { (look.t("page.budget_heads")) }
                    div.inline-row {
                        input #budget-heads type="number" name="heads" min="0" max=(PROJECT_BUDGET_MAX) value=[view.project.monthly_budget];
                        button.button.plain type="submit" { (look.t("page.save")) }
                    }
                }
            }
        }
    }
}

fn reopening(look: &Look<'_>, view: &ProjectView) -> Markup {
    let days = view.project.reopen_days;
    html! {
        section.card {
            h2 { (look.t("page.reopening")) }
            p.muted { (look.fill("page.reopening_is", &[("days", &days.to_string())])) }
            @if view.is_owner {
                form.inline-form method="post" action={ "/projects/" (view.project.key) "/reopen" } {
                    label for="reopen-days" { (look.t("page.reopen_days")) }
                    div.inline-row {
                        input #reopen-days type="number" name="days" min="0" max=(REOPEN_DAYS_MAX) value=(days) required;
                        button.button.plain type="submit" { (look.t("page.save")) }
                    }
                }
            }
        }
    }
}

/// A code that was just made, with what to do with it.
pub(super) fn code_box(look: &Look<'_>, usage: &str, code: &str) -> Markup {
    html! {
        div.code-box role="status" {
            p { (usage) }
            output.code-text { (code) }
            p.faint { (look.fill("page.code_once", &[("minutes", &CODE_GOOD_FOR.as_mins().to_string())])) }
        }
    }
}
