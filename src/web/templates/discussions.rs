//! The list of discussions.

use maud::{Markup, html};
use url::form_urlencoded::Serializer;

use super::icons::{self, Icon};
use super::{Look, page, status_pill, urgent_pill};
use crate::domain::Status;
use crate::store::discussions::Discussion;
use crate::store::projects::Project;

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    pub discussion: Discussion,
    pub project: String,
    pub assignee: Option<String>,
}

/// What the reader asked for, as it stands in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub status: Option<Status>,
    /// A project's key.
    pub project: Option<String>,
    pub q: String,
    /// Only what the reader looks after.
    pub mine: bool,
}

impl Asked {
    /// `/discussions?status=open&q=…`.
    pub fn address(&self, cursor: Option<&str>) -> String {
        let mut query = Serializer::new(String::new());
        let pairs = [
            ("status", self.status.map(Status::as_str)),
            ("project", self.project.as_deref()),
            ("q", Some(self.q.as_str()).filter(|q| !q.is_empty())),
            ("mine", self.mine.then_some("1")),
            ("cursor", cursor),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { "/discussions".to_owned() } else { format!("/discussions?{query}") }
    }

    fn is_filtered(&self) -> bool {
        self.project.is_some() || !self.q.is_empty() || self.mine || self.status.is_some()
    }
}

/// What the list shows.
#[derive(Clone, Debug)]
pub struct List {
    pub asked: Asked,
    pub rows: Vec<Row>,
    /// How many stand where, whatever is looked for.
    pub counts: Vec<(Status, i64)>,
    pub projects: Vec<Project>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// This is not the first page.
    pub continued: bool,
    /// The reader is staff somewhere, and may look after discussions.
    pub is_staff: bool,
    /// Posts that the threader was not sure of, for staff.
    pub unsure: i64,
}

/// The page.
pub fn list(look: &Look<'_>, list: &List) -> Markup {
    let main = html! {
        div.list-head {
            div.list-title {
                h1 { (look.t("page.discussions")) }
                @if list.is_staff { a.aside-link href="/groups" { (look.t("groups.heading")) } }
                @if list.unsure > 0 { a.aside-link href="/unsure" { (look.t("page.unsure")) " " span.unsure-count { (list.unsure) } } }
            }
            (search(look, list))
        }
        (tabs(look, list))
        @if list.rows.is_empty() {
            (nothing(look, &list.asked))
        } @else {
            (table(look, &list.rows))
        }
        @if list.next.is_some() || list.continued {
            nav.pager {
                @if list.continued { a href=(list.asked.address(None)) { (look.t("page.first")) } }
                @if let Some(next) = &list.next { a.button.plain href=(list.asked.address(Some(next))) { (look.t("page.more")) } }
            }
        }
    };
    page(look, "page-list", look.t("page.discussions"), &main)
}

fn search(look: &Look<'_>, list: &List) -> Markup {
    let asked = &list.asked;
    html! {
        form.search method="get" action="/discussions" role="search" {
            @if let Some(status) = asked.status { input type="hidden" name="status" value=(status); }
            @if asked.mine { input type="hidden" name="mine" value="1"; }
            @if list.projects.len() > 1 {
                select name="project" aria-label=(look.t("page.project")) data-submit {
                    option value="" { (look.t("page.all_projects")) }
                    @for project in &list.projects {
                        option value=(project.key) selected[asked.project.as_ref() == Some(&project.key)] { (project.name) }
                    }
                }
            }
            div.search-field {
                (icons::icon(Icon::Search))
                input #search type="search" name="q" value=(asked.q) placeholder=(look.t("page.search")) aria-label=(look.t("page.search")) maxlength="200";
            }
            button.button.plain type="submit" { (look.t("page.search_button")) }
        }
    }
}

fn tabs(look: &Look<'_>, list: &List) -> Markup {
    let asked = &list.asked;
    let with = |status: Option<Status>| Asked { status, ..asked.clone() }.address(None);
    let total: i64 = list.counts.iter().map(|(_, n)| n).sum();
    let count = |status: Status| list.counts.iter().find(|(s, _)| *s == status).map_or(0, |(_, n)| *n);
    html! {
        nav.tabs aria-label=(look.t("page.status")) {
            a href=(with(None)) aria-current=[asked.status.is_none().then_some("page")] { (look.t("page.all")) span.count { (total) } }
            @for status in Status::ALL {
                a href=(with(Some(*status))) aria-current=[(asked.status == Some(*status)).then_some("page")] {
                    span class={ "dot st-" (status) } {}
                    (look.word("status", status.as_str()))
                    span.count { (count(*status)) }
                }
            }
            @if list.is_staff {
                a.mine href=(Asked { mine: !asked.mine, ..asked.clone() }.address(None)) aria-current=[asked.mine.then_some("true")] { (look.t("page.mine")) }
            }
        }
    }
}

fn table(look: &Look<'_>, rows: &[Row]) -> Markup {
    html! {
        div.rows {
            div.row.row-head aria-hidden="true" {
                span.r-number {}
                span.r-title { (look.t("page.column_title")) }
                span.r-status { (look.t("page.column_status")) }
                span.r-project { (look.t("page.column_project")) }
                span.r-who { (look.t("page.column_assignee")) }
                span.r-time { (look.t("page.column_activity")) }
            }
            @for row in rows {
                @let d = &row.discussion;
                a.row href={ "/d/" (d.number) } {
                    span.r-number { @if !d.other { "#" (d.number) } }
                    span.r-title {
                        @if d.urgent { (urgent_pill(look)) " " }
                        span.r-text { (d.title) }
                    }
                    span.r-status { @if !d.other { (status_pill(look, d.status)) } }
                    span.r-project { (icons::icon(Icon::of(d.source))) span { (row.project) } }
                    span.r-who {
                        @match &row.assignee {
                            Some(name) => (name),
                            None => span.faint { (look.t("page.nobody")) },
                        }
                    }
                    span.r-time { (look.ago(d.last_post_at)) }
                }
            }
        }
    }
}

fn nothing(look: &Look<'_>, asked: &Asked) -> Markup {
    let filtered = asked.is_filtered();
    let (title, text) = if filtered { ("page.none_found_title", "page.none_found_text") } else { ("page.none_title", "page.none_text") };
    html! {
        section.nothing {
            (icons::logo())
            h2 { (look.t(title)) }
            p { (look.t(text)) }
            @if filtered { p { a.button.plain href="/discussions" { (look.t("page.clear")) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_was_asked_for_and_nothing_else() {
        assert_eq!(Asked::default().address(None), "/discussions");
        let asked = Asked { status: Some(Status::Open), project: Some("acme".into()), q: "發票 &x".into(), mine: true };
        assert_eq!(asked.address(Some("12.3")), "/discussions?status=open&project=acme&q=%E7%99%BC%E7%A5%A8+%26x&mine=1&cursor=12.3");
    }
}
