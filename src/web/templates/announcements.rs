//! Announcements: the form, what it would cost, and what became of one.

use maud::{Markup, html};

use super::icons::{self, Icon};
use super::{Look, page, trouble};
use crate::discussions::AnnouncementCost;
use crate::domain::{ANNOUNCEMENT_UNITS_MAX, ChatKind, DeliveryStatus, Via, Why};
use crate::store::announcements::{Announcement, Became, Reach};

/// What stands for every project among the chosen ones.
pub const ALL: &str = "*";
/// Characters of an announcement that a list shows.
const BEGINNING_CHARS_MAX: usize = 80;
/// Groups that the preview names.
const NAMED_MAX: usize = 200;

/// What somebody is about to announce.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The form's own name: sent twice, it is one announcement.
    pub form: String,
    pub text: String,
    /// Keys of projects, or [`ALL`].
    pub projects: Vec<String>,
    pub urgent: bool,
    /// Its author wants to go on writing.
    pub back: bool,
}

impl Draft {
    /// The chosen projects' keys; `None` = all.
    pub fn keys(&self) -> Option<&[String]> {
        (!self.projects.iter().any(|p| p == ALL)).then_some(&self.projects)
    }
}

/// An announcement of before, and the names of the projects whose groups it was for.
#[derive(Clone, Debug)]
pub struct Earlier {
    pub announcement: Announcement,
    pub projects: Vec<String>,
}

/// What the form's page shows.
#[derive(Clone, Debug)]
pub struct Form {
    pub draft: Draft,
    pub reach: Vec<Reach>,
    pub earlier: Vec<Earlier>,
    pub trouble: Option<String>,
}

/// What the preview shows.
#[derive(Clone, Debug)]
pub struct Preview {
    pub draft: Draft,
    pub reach: Vec<Reach>,
    pub costs: Vec<AnnouncementCost>,
}

/// What an announcement's page shows.
#[derive(Clone, Debug)]
pub struct Whole {
    pub announcement: Announcement,
    pub groups: Vec<Became>,
}

/// The form, and what was announced before.
pub fn form(look: &Look<'_>, shown: &Form) -> Markup {
    let draft = &shown.draft;
    let main = html! {
        div.sheet {
            a.back href="/notices" { (icons::icon(Icon::Back)) (look.t("told.title")) }
            h1 { (look.t("announce.title")) }
            form.card.announce method="post" action="/announcements/preview" {
                p.muted { (look.t("announce.lead")) }
                @if let Some(why) = &shown.trouble { (trouble(why)) }
                input type="hidden" name="form" value=(draft.form);
                label for="announce-text" { (look.t("announce.text")) }
                textarea #announce-text name="text" rows="6" required maxlength=(ANNOUNCEMENT_UNITS_MAX) placeholder=(look.t("announce.placeholder")) { (draft.text) }
                (projects(look, draft, &shown.reach))
                (when(look, draft.urgent))
                @if !shown.reach.is_empty() { button.button type="submit" { (look.t("announce.preview")) } }
            }
            @if !shown.earlier.is_empty() { (earlier(look, &shown.earlier)) }
        }
    };
    page(look, "page-announcements", look.t("announce.title"), &main)
}

fn projects(look: &Look<'_>, draft: &Draft, reach: &[Reach]) -> Markup {
    let chosen = |key: &str| draft.projects.iter().any(|p| p == key);
    html! {
        fieldset.choices {
            legend { (look.t("announce.projects")) }
            @if reach.is_empty() { p.muted { (look.t("announce.no_projects")) } } @else {
                label.choice {
                    input type="checkbox" name="project" value=(ALL) checked[chosen(ALL)];
                    span.grow { strong { (look.t("announce.all")) } }
                    span.faint { (sum(look, reach)) }
                }
            }
            @for of_one in reach.chunk_by(|a, b| a.project == b.project) {
                label.choice {
                    input type="checkbox" name="project" value=(of_one[0].project_key) checked[chosen(&of_one[0].project_key)];
                    span.grow { (of_one[0].project_name) }
                    span.faint { (sum(look, of_one)) }
                }
            }
        }
    }
}

fn sum(look: &Look<'_>, reach: &[Reach]) -> String {
    let in_reach: Vec<&Reach> = reach.iter().filter(|r| r.in_reach).collect();
    let heads: i64 = in_reach.iter().map(|r| r.heads.unwrap_or(1)).sum();
    look.fill("announce.sum", &[("groups", &in_reach.len().to_string()), ("heads", &heads.to_string())])
}

fn when(look: &Look<'_>, urgent: bool) -> Markup {
    html! {
        fieldset.choices {
            legend { (look.t("announce.when")) }
            label.choice {
                input type="radio" name="urgent" value="0" checked[!urgent];
                span.grow { (look.t("announce.free")) br; span.faint { (look.t("announce.free_hint")) } }
            }
            label.choice {
                input type="radio" name="urgent" value="1" checked[urgent];
                span.grow { (look.t("announce.urgent")) br; span.faint { (look.t("announce.urgent_hint")) } }
            }
        }
    }
}

/// Names in one line; the others are counted.
const LINE_NAMES_MAX: usize = 3;

/// `林宅裝修、何宅、王宅等 5 個專案`.
fn whose(look: &Look<'_>, projects: &[String]) -> String {
    let names = projects.iter().take(LINE_NAMES_MAX).map(String::as_str).collect::<Vec<_>>().join(look.t("mail.name_separator"));
    if projects.len() <= LINE_NAMES_MAX {
        return names;
    }
    look.fill("announce.names_and_more", &[("names", &names), ("count", &projects.len().to_string())])
}

fn earlier(look: &Look<'_>, announcements: &[Earlier]) -> Markup {
    html! {
        section.card {
            h2 { (look.t("announce.earlier")) }
            ul.lines {
                @for Earlier { announcement: a, projects } in announcements {
                    li {
                        a.grow href={ "/announcements/" (a.id) } {
                            (beginning(&a.body))
                            @if !projects.is_empty() { br; span.faint { (whose(look, projects)) } }
                            br;
                            span.faint { (standing(look, a)) }
                        }
                        span.faint { (look.ago(a.created_at)) }
                    }
                }
            }
        }
    }
}

fn beginning(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= BEGINNING_CHARS_MAX {
        return line;
    }
    line.chars().take(BEGINNING_CHARS_MAX).chain(['…']).collect()
}

/// How far it has come: what there is none of is not told.
fn standing(look: &Look<'_>, a: &Announcement) -> String {
    let counts = [
        ("announce.n_waiting", a.waiting),
        ("announce.n_free", a.free),
        ("announce.n_pushed", a.pushed),
        ("announce.n_failed", a.failed),
        ("announce.n_dropped", a.dropped),
        ("announce.n_mailed", a.mailed),
    ];
    let told =
        counts.iter().filter(|(_, n)| *n > 0).map(|(key, n)| look.fill(key, &[("count", &n.to_string()), ("heads", &a.heads.to_string())]));
    told.collect::<Vec<_>>().join(look.t("announce.joint"))
}

/// What would leave, and what it would cost.
pub fn preview(look: &Look<'_>, shown: &Preview) -> Markup {
    let draft = &shown.draft;
    let main = html! {
        div.sheet {
            h1 { (look.t("announce.preview_title")) }
            section.card {
                @for cost in &shown.costs { (price(look, cost, shown.costs.len() > 1)) }
                p.muted { (look.t(if draft.urgent { "announce.urgent_hint" } else { "announce.free_hint" })) }
            }
            section.card {
                h2 { (look.t("announce.seen_as")) }
                div.bubble-chat { p.bubble { (draft.text.trim()) } }
            }
            section.card {
                h2 { (look.t("announce.groups")) }
                ul.lines {
                    @for r in shown.reach.iter().take(NAMED_MAX) {
                        li {
                            (icons::icon(Icon::Chat))
                            span.grow { (named(look, &r.chat_name, r.chat_kind)) br; span.faint { (r.project_name) } }
                            @if let Some(heads) = r.heads { span.faint { (look.fill("page.heads", &[("count", &heads.to_string())])) } }
                        }
                    }
                }
                @if shown.reach.len() > NAMED_MAX {
                    p.muted { (look.fill("announce.more", &[("count", &(shown.reach.len() - NAMED_MAX).to_string())])) }
                }
            }
            form.announce-send method="post" action="/announcements" {
                input type="hidden" name="form" value=(draft.form);
                input type="hidden" name="text" value=(draft.text);
                input type="hidden" name="urgent" value=(if draft.urgent { "1" } else { "0" });
                @for key in &draft.projects { input type="hidden" name="project" value=(key); }
                button.button.plain type="submit" name="back" value="1" { (look.t("announce.back")) }
                button.button type="submit" { (look.t(if draft.urgent { "announce.push" } else { "announce.send" })) }
            }
        }
    };
    page(look, "page-announcements", look.t("announce.preview_title"), &main)
}

fn price(look: &Look<'_>, cost: &AnnouncementCost, of_several: bool) -> Markup {
    let (groups, heads) = (cost.groups.to_string(), cost.heads.to_string());
    html! {
        p.price {
            @if of_several { strong { (cost.account) } " " }
            (look.fill("announce.price", &[("groups", &groups), ("heads", &heads)]))
            @if let Some(left) = cost.left { (look.t("announce.joint")) (look.fill("announce.left", &[("count", &left.to_string())])) }
        }
        @if cost.left.is_some_and(|left| left < cost.heads) { (trouble(look.t("announce.too_dear"))) }
        @if cost.uncounted > 0 { p.faint { (look.fill("announce.uncounted", &[("count", &cost.uncounted.to_string())])) } }
    }
}

fn named(look: &Look<'_>, name: &str, kind: ChatKind) -> String {
    if name.is_empty() { look.word("chat", kind.as_str()) } else { name.to_owned() }
}

/// What became of it, group by group.
pub fn whole(look: &Look<'_>, shown: &Whole) -> Markup {
    let a = &shown.announcement;
    let main = html! {
        div.sheet {
            a.back href="/announcements" { (icons::icon(Icon::Back)) (look.t("announce.title")) }
            section.card {
                p.faint {
                    @if a.by_name.is_empty() { (look.word("person", "unknown")) } @else { (a.by_name) }
                    " · " (look.ago(a.created_at))
                    @if a.urgent { " · " (look.t("announce.urgent")) }
                }
                div.bubble-chat { p.bubble { (a.body) } }
                p.price { (standing(look, a)) }
                @if let Some(at) = a.withdrawn_at { p.muted { (look.fill("announce.withdrawn_at", &[("when", &look.when().ago(at))])) } }
                @if a.waiting > 0 && a.withdrawn_at.is_none() {
                    form method="post" action={ "/announcements/" (a.id) "/withdraw" } {
                        button.button.plain type="submit" { (look.t("announce.withdraw")) }
                    }
                    p.faint { (look.t("announce.withdraw_hint")) }
                }
            }
            section.card {
                h2 { (look.t("announce.groups")) }
                ul.lines {
                    @for group in &shown.groups {
                        li {
                            (icons::icon(Icon::Chat))
                            span.grow { (named(look, &group.chat_name, group.chat_kind)) br; span.faint { (group.project_name) } }
                            span.became { (became(look, group)) }
                        }
                    }
                }
            }
        }
    };
    page(look, "page-announcements", look.t("announce.title"), &main)
}

fn became(look: &Look<'_>, group: &Became) -> Markup {
    let reason = group.reason.as_deref().unwrap_or_default();
    let heads = group.heads.to_string();
    match (group.status, group.via) {
        (DeliveryStatus::Pending, Some(_)) => html! { (look.t("announce.leaving")) },
        (DeliveryStatus::Pending, None) => html! {
            @if group.deadline_at > look.now { (look.fill("announce.waits_until", &[("when", &look.when().absolute(group.deadline_at))])) }
            @else { (look.t("announce.waits")) }
            @if !reason.is_empty() { br; span.faint { (look.reason(reason)) } }
        },
        (DeliveryStatus::Sent, Some(Via::LinePush)) => html! { (look.fill("announce.was_pushed", &[("heads", &heads)])) },
        (DeliveryStatus::Sent, _) => html! { (look.t("announce.was_free")) },
        (DeliveryStatus::Dropped, _) if reason == Why::Withdrawn.as_str() => html! { (look.t("announce.was_withdrawn")) },
        (DeliveryStatus::Failed | DeliveryStatus::Dropped, _) => {
            html! { span.bad { (look.t("announce.failed")) } @if !reason.is_empty() { br; span.faint { (look.reason(reason)) } } }
        }
    }
}
