//! The LINE chats.

use jiff::SignedDuration;
use maud::{Markup, html};

use super::icons::{self, Icon};
use super::{Look, page};
use crate::domain::{ChatKind, Gap, GapKind, Role};
use crate::store::chats::Chat;
use crate::store::projects::Project;

/// A gap that ended longer ago is not the first thing to be told of a chat.
const GAP_IS_NEWS_FOR: SignedDuration = SignedDuration::from_hours(24 * 7);

/// One chat.
#[derive(Clone, Debug)]
pub struct Row {
    pub chat: Chat,
    pub project: Project,
    /// What its record lacks, oldest first.
    pub gaps: Vec<Gap>,
}

/// What the list shows.
#[derive(Clone, Debug)]
pub struct Groups {
    pub rows: Vec<Row>,
    /// Where an admin may bind a chat to.
    pub to_choose: Vec<Project>,
    pub is_admin: bool,
    /// The next page's number.
    pub next: Option<usize>,
    /// This is not the first page.
    pub continued: bool,
}

/// The page.
pub fn groups(look: &Look<'_>, shown: &Groups) -> Markup {
    let (unbound, bound): (Vec<&Row>, Vec<&Row>) = shown.rows.iter().partition(|r| !r.chat.bound);
    let main = html! {
        a.back href="/discussions" { (icons::icon(Icon::Back)) (look.t("page.back_to_list")) }
        h1.page-title { (look.t("groups.heading")) }
        p.lead { (look.t("groups.lead")) }
        @if shown.rows.is_empty() {
            section.nothing {
                (icons::logo())
                h2 { (look.t("groups.none_title")) }
                p { (look.t("groups.none_text")) }
            }
        }
        @if !unbound.is_empty() {
            section.cards-of aria-labelledby="unbound" {
                h2 #unbound { (look.t("groups.unbound")) span.count { (unbound.len()) } }
                p.hint { (look.t("groups.unbound_hint")) }
                div.chats { @for row in unbound { (card(look, row, Some(&shown.to_choose).filter(|_| shown.is_admin))) } }
            }
        }
        @if !bound.is_empty() {
            section.cards-of aria-labelledby="bound" {
                h2 #bound { (look.t("groups.bound")) span.count { (bound.len()) } }
                div.chats { @for row in bound { (card(look, row, None)) } }
            }
        }
        @if shown.next.is_some() || shown.continued {
            nav.pager {
                @if shown.continued { a href="/groups" { (look.t("page.first")) } }
                @if let Some(next) = shown.next { a.button.plain href={ "/groups?page=" (next) } { (look.t("groups.more")) } }
            }
        }
    };
    page(look, "page-groups", look.t("groups.heading"), &main)
}

/// What a chat is called.
pub fn name(look: &Look<'_>, chat: &Chat) -> String {
    if chat.name.is_empty() { look.word("chat", chat.kind.as_str()) } else { chat.name.clone() }
}

fn card(look: &Look<'_>, row: &Row, to_choose: Option<&Vec<Project>>) -> Markup {
    let chat = &row.chat;
    html! {
        article.chat id={ "chat-" (chat.id) } {
            div.chat-head {
                a.chat-name href={ "/groups/" (chat.id) } { (name(look, chat)) }
                (state(look, row))
            }
            p.chat-facts { (facts(look, row)) }
            @if let Some(projects) = to_choose { (bind_form(look, chat, projects)) }
        }
    }
}

/// `LINE 群組 · 帳號 main · 5 位成員 · 專案 … · 3 分鐘前`
pub fn facts(look: &Look<'_>, row: &Row) -> Markup {
    let chat = &row.chat;
    html! {
        @if !chat.name.is_empty() { span { (look.word("chat", chat.kind.as_str())) } }
        span { (look.fill("groups.account", &[("name", chat.inbox.name())])) }
        @if let Some(count) = chat.member_count.filter(|_| chat.kind != ChatKind::User) {
            span { (look.fill("groups.members", &[("count", &count.to_string())])) }
        }
        @if chat.bound { span { (look.t("page.project")) " " strong { (row.project.name) } } }
        @if let Some(at) = chat.last_event_at { span { (look.t("groups.last_activity")) " " (look.ago(at)) } }
    }
}

/// Whether it is being recorded, as a pill.
pub fn state(look: &Look<'_>, row: &Row) -> Markup {
    let lasting = row.gaps.iter().rfind(|g| g.to.is_none());
    let recent = row.gaps.iter().rfind(|g| g.to.is_some_and(|to| look.now.duration_since(to) < GAP_IS_NEWS_FOR));
    let title = |gap: &Gap| super::gap::sentence(look, gap, Role::Staff);
    html! {
        @match (lasting, recent) {
            (Some(gap), _) if gap.kind == GapKind::Left => span.pill.is-left title=(title(gap)) { (look.t("groups.state_left")) " · " (look.when().moment(gap.from)) },
            (Some(gap), _) => span.pill.is-left title=(title(gap)) { (icons::icon(Icon::Alert)) (look.t("groups.state_silent")) },
            (None, Some(gap)) => span.pill.is-gap title=(title(gap)) { (icons::icon(Icon::Alert)) (look.t("groups.state_gap")) },
            (None, None) => span.pill.is-in { (look.t("groups.state_in")) },
        }
    }
}

/// Binds the chat: to a new project of its name with one tap, or to one that is there.
pub fn bind_form(look: &Look<'_>, chat: &Chat, projects: &[Project]) -> Markup {
    let id = chat.id;
    html! {
        form.bind method="post" action={ "/groups/" (id) "/bind" } {
            label.sr for={ "project-" (id) } { (look.t("page.project")) }
            select id={ "project-" (id) } name="project" {
                option value="" selected { (look.t("groups.new_project")) }
                @for project in projects { option value=(project.key) { (project.name) } }
            }
            label.sr for={ "name-" (id) } { (look.t("groups.new_name")) }
            input.new-name id={ "name-" (id) } type="text" name="name" value=(name(look, chat)) placeholder=(look.t("groups.new_name")) maxlength="100";
            button.button type="submit" { (look.t("groups.bind")) }
        }
    }
}
