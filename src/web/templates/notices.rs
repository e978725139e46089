//! The desk: what waits to be told and until when, what left and how, what failed, and what the month has cost.

use maud::{Markup, html};
use url::form_urlencoded::Serializer;

use super::bill::{Bill, bill};
use super::icons::{self, Icon};
use super::told::{NoticeView, buttons, kind, reason, rides_until, sign, state, whom};
use super::{Look, page};
use crate::domain::{DeliveryStatus, NoticeId, NoticeKind};
use crate::store::notice_lists::Listed;
use crate::store::projects::Project;

/// Counts beyond this are shown as this and a plus.
pub const COUNTED_MAX: i64 = 999;

/// Kinds that nothing promises yet: they are not offered to choose from.
const TO_COME: [NoticeKind; 2] = [NoticeKind::Task, NoticeKind::TaskDue];

/// What the reader asked for, as it stands in the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub status: DeliveryStatus,
    pub kind: Option<NoticeKind>,
    /// A project's key.
    pub project: Option<String>,
    /// Words of the name or address of whom it is for.
    pub to: String,
    /// A discussion's number.
    pub number: Option<i64>,
}

impl Asked {
    /// `/notices?status=failed&…`.
    pub fn address(&self, cursor: Option<&str>) -> String {
        let number = self.number.map(|n| n.to_string());
        let mut query = Serializer::new(String::new());
        let pairs = [
            ("status", Some(self.status.as_str()).filter(|_| self.status != DeliveryStatus::Pending)),
            ("kind", self.kind.map(NoticeKind::as_str)),
            ("project", self.project.as_deref()),
            ("to", Some(self.to.as_str()).filter(|t| !t.is_empty())),
            ("number", number.as_deref()),
            ("cursor", cursor),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { "/notices".to_owned() } else { format!("/notices?{query}") }
    }

    fn is_filtered(&self) -> bool {
        self.kind.is_some() || self.project.is_some() || !self.to.is_empty() || self.number.is_some()
    }
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Notices {
    pub asked: Asked,
    pub rows: Vec<NoticeView>,
    /// How many wait, and how many failed of late; counted to one above [`COUNTED_MAX`].
    pub waiting: i64,
    pub failed: i64,
    /// To choose from.
    pub projects: Vec<Project>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// This is not the first page.
    pub continued: bool,
    /// On the first page.
    pub bill: Option<Bill>,
    /// What the reader cancelled just now, and may want back.
    pub cancelled: Option<NoticeId>,
}

/// The page.
pub fn notices(look: &Look<'_>, shown: &Notices) -> Markup {
    let main = html! {
        div.desk-head {
            div.sheet-head {
                h1.page-title { (look.t("told.title")) }
                a.button.plain href={ "/announcements" @if let Some(key) = &shown.asked.project { "?project=" (key) } } { (look.t("announce.make")) }
            }
            p.lead { (look.t("told.lead")) }
        }
        div.desk.with-bill[shown.bill.is_some()] {
            @if let Some(of_month) = &shown.bill { (bill(look, of_month)) }
            div.desk-list {
                (tabs(look, shown))
                (filters(look, shown))
                @if let Some(id) = shown.cancelled { (just_cancelled(look, id, &shown.asked)) }
                @if shown.rows.is_empty() {
                    (nothing(look, &shown.asked))
                } @else if shown.asked.status == DeliveryStatus::Pending {
                    (waiting(look, shown))
                } @else {
                    ol.tellings { @for (i, view) in shown.rows.iter().enumerate() {
                        @let went_along = i > 0 && is_same_ride(&shown.rows[i - 1].row, &view.row);
                        (row(look, view, &shown.asked, !went_along))
                    } }
                }
                @if shown.next.is_some() || shown.continued {
                    nav.pager {
                        @if shown.continued { a href=(shown.asked.address(None)) { (look.t("inbound.first")) } }
                        @if let Some(next) = &shown.next { a.button.plain href=(shown.asked.address(Some(next))) { (look.t("told.more")) } }
                    }
                }
            }
        }
    };
    page(look, "page-notices", look.t("told.title"), &main)
}

fn just_cancelled(look: &Look<'_>, id: NoticeId, asked: &Asked) -> Markup {
    html! {
        div.done-note role="status" {
            span { (icons::icon(Icon::Check)) (look.t("told.is_cancelled")) }
            form method="post" action={ "/notices/" (id) "/restore" } {
                input type="hidden" name="next" value=(asked.address(None));
                button.button.plain type="submit" { (look.t("told.restore")) }
            }
        }
    }
}

fn counted(count: i64) -> String {
    if count > COUNTED_MAX { format!("{COUNTED_MAX}+") } else { count.to_string() }
}

fn tabs(look: &Look<'_>, shown: &Notices) -> Markup {
    // What needs a person stands beside what is to come.
    let order = [DeliveryStatus::Pending, DeliveryStatus::Failed, DeliveryStatus::Sent, DeliveryStatus::Dropped];
    let count = |status| match status {
        DeliveryStatus::Pending => Some(shown.waiting),
        DeliveryStatus::Failed => Some(shown.failed),
        _ => None,
    };
    html! {
        nav.tabs aria-label=(look.t("page.status")) {
            @for status in order {
                @let address = Asked { status, ..shown.asked.clone() }.address(None);
                a href=(address) aria-current=[(shown.asked.status == status).then_some("page")] {
                    span class={ "dot told-" (status) } {}
                    (look.word("told", &format!("tab_{status}")))
                    @if let Some(count) = count(status) { span.count { (counted(count)) } }
                }
            }
        }
    }
}

fn filters(look: &Look<'_>, shown: &Notices) -> Markup {
    let asked = &shown.asked;
    html! {
        form.desk-filters method="get" action="/notices" role="search" {
            @if asked.status != DeliveryStatus::Pending { input type="hidden" name="status" value=(asked.status); }
            @if shown.projects.len() > 1 {
                select name="project" aria-label=(look.t("page.project")) data-submit {
                    option value="" { (look.t("page.all_projects")) }
                    @for project in &shown.projects {
                        option value=(project.key) selected[asked.project.as_ref() == Some(&project.key)] { (project.name) }
                    }
                }
            }
            select name="kind" aria-label=(look.t("told.kind")) data-submit {
                option value="" { (look.t("told.all_kinds")) }
                @for of in NoticeKind::ALL.iter().filter(|k| !TO_COME.contains(k)) { option value=(of) selected[asked.kind == Some(*of)] { (kind(look, *of)) } }
            }
            input type="search" name="to" value=(asked.to) placeholder=(look.t("told.to")) aria-label=(look.t("told.to")) maxlength="100";
            input.desk-number type="text" inputmode="numeric" name="number" value=[asked.number] placeholder="#" aria-label=(look.t("page.place_number")) maxlength="12";
            button.button.plain type="submit" { (look.t("page.search_button")) }
            @if asked.is_filtered() {
                a.quiet href=(Asked { kind: None, project: None, to: String::new(), number: None, status: asked.status }.address(None)) { (look.t("page.clear")) }
            }
        }
    }
}

fn nothing(look: &Look<'_>, asked: &Asked) -> Markup {
    let key = if asked.is_filtered() { "none_found".to_owned() } else { format!("none_{}", asked.status) };
    html! { section.nothing { (icons::logo()) h2 { (look.word("told", &key)) } } }
}

/// What waits, by destination: it leaves together.
fn waiting(look: &Look<'_>, shown: &Notices) -> Markup {
    let mut groups: Vec<Vec<&NoticeView>> = vec![];
    let destination = |view: &NoticeView| (view.row.chat, view.row.person);
    for view in &shown.rows {
        match groups.iter_mut().find(|g| destination(g[0]) == destination(view)) {
            Some(group) => group.push(view),
            None => groups.push(vec![view]),
        }
    }
    html! { @for group in &groups { (destination_card(look, group, &shown.asked)) } }
}

/// Everything on the page that waits for one destination. What rides together says so once.
fn destination_card(look: &Look<'_>, group: &[&NoticeView], asked: &Asked) -> Markup {
    let first = &group[0].row;
    let name = whom(look, first);
    let riding: Vec<&NoticeView> = group.iter().copied().filter(|v| rides_until(look, v).is_some()).collect();
    let together = riding.iter().copied().min_by_key(|v| v.pushed_at).filter(|_| riding.len() > 1);
    let is_said_above = |view: &NoticeView| together.is_some() && rides_until(look, view).is_some();
    html! {
        section.destination {
            header {
                h2 {
                    (icons::icon(if first.chat.is_some() { Icon::Chat } else { Icon::Mail }))
                    (name)
                }
                span.faint {
                    @if first.chat.is_some() {
                        @if let Some(project) = first.project_name.as_ref().filter(|p| **p != name) { (project) " · " }
                        @if let Some(heads) = first.members { (look.fill("page.heads", &[("count", &heads.to_string())])) }
                    } @else if let Some(email) = first.email.as_ref().filter(|e| **e != name) { (email) }
                }
                @if let Some(soonest) = together {
                    p.telling-state { (state(look, soonest)) @if let Some(reason) = reason(look, soonest) { " · " (reason) } }
                }
            }
            ol.tellings { @for (i, view) in group.iter().enumerate() {
                @let goes_along = i > 0 && is_same_ride(&group[i - 1].row, &view.row);
                (row(look, view, asked, !goes_along && !is_said_above(view)))
            } }
        }
    }
}

/// Whether both go or went in one delivery, which costs what it costs once.
fn is_same_ride(a: &Listed, b: &Listed) -> bool {
    let goes = matches!(a.status, DeliveryStatus::Sent | DeliveryStatus::Pending);
    goes && a.ride.as_ref().zip(b.ride.as_ref()).is_some_and(|(a, b)| a.delivery == b.delivery)
}

/// One notice. `whole`: with where it stands, which may have been said above it already.
fn row(look: &Look<'_>, view: &NoticeView, asked: &Asked, whole: bool) -> Markup {
    let row = &view.row;
    let alone = asked.status != DeliveryStatus::Pending;
    html! {
        li class={ "telling told-" (row.status) } id={ "notice-" (row.id) } {
            p.telling-what {
                @if alone { span.telling-sign { (sign(row)) } }
                strong { (kind(look, row.kind)) }
                @if let Some(script) = &row.script { " " (script) }
                @if let Some(number) = row.discussion_number {
                    @let anchor = row.post.map(|post| format!("#post-{post}")).unwrap_or_default();
                    " " a href={ "/d/" (number) (anchor) } {
                        @if number > 0 { "#" (number) " " (row.discussion_title.as_deref().unwrap_or_default()) } @else { (look.t("discussion.other")) }
                    }
                }
            }
            @if alone {
                p.telling-whom {
                    (icons::icon(if row.chat.is_some() { Icon::Chat } else { Icon::Mail }))
                    (whom(look, row))
                    @if let Some(project) = row.project_name.as_ref().filter(|p| Some(*p) != row.chat_name.as_ref()) { span.faint { " · " (project) } }
                }
            }
            // What was sent says when.
            @if row.status != DeliveryStatus::Sent { span.telling-time { (look.ago(row.created_at)) } }
            @if whole {
                p.telling-state {
                    (state(look, view))
                    @if let Some(ride) = row.ride.as_ref().filter(|r| r.attempts > 1 && alone) {
                        span.faint { " · " (look.fill("inbound.attempts", &[("count", &ride.attempts.to_string())])) }
                    }
                    @if let Some(reason) = reason(look, view) { " · " (reason) }
                }
            } @else if alone {
                p.telling-state.faint { (look.t("told.same_ride")) }
            }
            @if let Some(buttons) = buttons(look, view, &asked.address(None)) { div.telling-buttons { (buttons) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_was_asked_for_and_nothing_else() {
        let none = Asked { status: DeliveryStatus::Pending, kind: None, project: None, to: String::new(), number: None };
        assert_eq!(none.address(None), "/notices");
        let all = Asked {
            status: DeliveryStatus::Failed,
            kind: Some(NoticeKind::Answered),
            project: Some("acme".into()),
            to: "林 &".into(),
            number: Some(7),
        };
        let address = "/notices?status=failed&kind=answered&project=acme&to=%E6%9E%97+%26&number=7&cursor=12-3";
        assert_eq!(all.address(Some("12-3")), address);
    }

    #[test]
    fn what_is_too_many_to_count_says_so() {
        assert_eq!((counted(999), counted(1000)), ("999".to_owned(), "999+".to_owned()));
    }
}
