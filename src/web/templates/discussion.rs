//! One discussion: its facts, what was said, and the box for an answer.

use jiff::SignedDuration;
use maud::{Markup, html};

use super::icons::{self, Icon};
use super::post::{Beside, PostView, stream};
use super::{Look, cost, held, page, status_pill, trouble, urgent_pill, within};
use crate::domain::{BODY_BYTES_MAX, GIVEN_TITLE_GRAPHEMES_MAX, PersonId, Role, Status};
use crate::store::corrections::Correction;
use crate::store::discussion_events::DiscussionEvent;
use crate::store::discussions::Discussion;
use crate::store::held_mails::HeldMail;
use crate::store::identities::Bounced;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Shown {
    pub discussion: Discussion,
    pub project: String,
    pub project_key: String,
    /// The chat's name; empty until LINE has told it.
    pub chat: Option<String>,
    pub assignee: Option<String>,
    /// The reader's part.
    pub role: Role,
    /// Who could look after it, the reader first if they are staff.
    pub staff: Vec<(PersonId, String)>,
    pub mails: Mails,
    pub posts: Vec<PostView>,
    pub beside: Beside,
    /// What was changed, in order.
    pub events: Vec<DiscussionEvent>,
    /// Corrections that can be taken back, the latest first; for staff.
    pub undoable: Vec<Correction>,
    /// Posts before the first one shown.
    pub earlier: usize,
    pub draft: Draft,
    /// Why the last change failed.
    pub trouble: Option<String>,
    /// Mails that wait for staff, or waited; none for a client's view.
    pub held: Vec<HeldMail>,
    /// Whose mail comes back; likewise.
    pub bounced: Vec<Bounced>,
}

/// Who hears of the discussion by mail.
#[derive(Clone, Debug, Default)]
pub struct Mails {
    /// Whether the reader does; `None` where they have no address, or we send no mail.
    pub to_reader: Option<bool>,
    /// Who else follows it; for staff.
    pub watchers: Vec<(PersonId, String)>,
}

/// What stands in the reply box.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Makes the second of two submits recognisable.
    pub form_id: String,
    pub body: String,
    pub internal: bool,
    pub status: Option<Status>,
    /// Why it was not sent.
    pub trouble: Option<String>,
    /// Where it comes from.
    pub told: Option<String>,
}

/// What was corrected so shortly ago is offered to be undone at once.
const JUST_NOW: SignedDuration = SignedDuration::from_mins(3);

/// Characters of a body that are always within [`BODY_BYTES_MAX`].
pub const BODY_CHARS_SAFE: usize = BODY_BYTES_MAX / 4;

/// The page.
pub fn discussion(look: &Look<'_>, shown: &Shown) -> Markup {
    let d = &shown.discussion;
    let main = html! {
        div #discussion data-live={ "/d/" (d.number) "/live" } data-new=(look.t("page.new_posts")) {
            a.back href="/discussions" { (icons::icon(Icon::Back)) (look.t("page.back_to_list")) }
            div.columns {
                div.column-main {
                    (head(look, shown))
                    @if shown.earlier > 0 {
                        p.earlier { a href={ "/d/" (d.number) "?all=1" } { (look.fill("page.earlier", &[("count", &shown.earlier.to_string())])) } }
                    }
                    ol #posts aria-label=(look.t("page.posts")) {
                        @if shown.posts.is_empty() { li.day { span { (look.t("page.no_posts")) } } }
                        (stream(look, &shown.posts, &shown.events, &shown.beside, shown.role))
                    }
                    @if shown.role.is_staff() { (held::of_discussion(look, d.number, &shown.held)) }
                    @if !d.other { (composer(look, shown)) }
                }
                (facts(look, shown))
            }
            div #toast role="status" {}
        }
    };
    let title = if d.other { d.title.clone() } else { format!("#{} {}", d.number, d.title) };
    page(look, "page-discussion", &title, &main)
}

fn head(look: &Look<'_>, shown: &Shown) -> Markup {
    let d = &shown.discussion;
    if d.other {
        return html! {
            header #head .head {
                h1 { (d.title) }
                p.muted {
                    (look.t("page.other_hint"))
                    @if shown.role.is_staff() { " " (look.t("page.other_hint_staff")) }
                }
                @if let Some(text) = &shown.trouble { (trouble(text)) }
            }
        };
    }
    html! {
        header #head .head {
            div.head-line {
                span.number { "#" (d.number) }
                (status_pill(look, d.status))
                @if d.urgent { (urgent_pill(look)) }
            }
            h1 { (d.title) }
            @if let Some(text) = &shown.trouble { (trouble(text)) }
            @if shown.role.is_staff() {
                details.retitle id="retitle" {
                    summary { (icons::icon(Icon::Pencil)) (look.t("page.edit_title")) }
                    form method="post" action={ "/d/" (d.number) "/title" } {
                        input type="text" name="title" value=(d.title) aria-label=(look.t("page.title")) maxlength=(GIVEN_TITLE_GRAPHEMES_MAX * 2) required;
                        button.button.plain type="submit" { (look.t("page.save")) }
                    }
                }
            }
        }
    }
}

fn facts(look: &Look<'_>, shown: &Shown) -> Markup {
    let d = &shown.discussion;
    let when = look.when();
    let opened = format!("{} {}", when.day(d.opened_at), when.clock(d.opened_at));
    html! {
        aside #facts .facts aria-label=(look.t("page.details")) {
            @if shown.role.is_staff() && !d.other {
                div.levers {
                    (set_status(look, d))
                    (set_assignee(look, shown))
                    form.lever.lever-urgent method="post" action={ "/d/" (d.number) "/urgent" } title=(look.t("page.urgent_hint")) {
                        input type="hidden" name="urgent" value=(if d.urgent { "0" } else { "1" });
                        button.button.plain.is-urgent[d.urgent] type="submit" aria-pressed=(d.urgent) {
                            (icons::icon(Icon::Flame))
                            (look.t(if d.urgent { "page.unset_urgent" } else { "page.set_urgent" }))
                        }
                    }
                }
            }
            @if shown.role.is_staff() && !d.other { (merger(look, d)) }
            @if !shown.undoable.is_empty() { (undoing(look, &shown.undoable)) }
            dl {
                @if !shown.role.is_staff() && !d.other {
                    dt { (look.t("page.status")) } dd { (status_pill(look, d.status)) }
                    dt { (look.t("page.assignee")) } dd { (shown.assignee.as_deref().unwrap_or(look.t("page.nobody"))) }
                }
                dt { (look.t("page.project")) }
                dd {
                    @if shown.role.is_staff() { a href={ "/projects/" (shown.project_key) } { (shown.project) } } @else { (shown.project) }
                }
                dt { (look.t("page.came_by")) } dd.with-icon { (icons::icon(Icon::of(d.source))) (look.word("source", d.source.as_str())) }
                @if let Some(chat) = shown.chat.as_ref().filter(|c| !c.is_empty()) {
                    dt { (look.t("page.held_in")) } dd { (chat) }
                }
                @for bounced in &shown.bounced {
                    dt.bad { (icons::icon(Icon::Alert)) (look.t("held.bounced")) }
                    dd title=(bounced.reason) { (bounced.name) " " span.faint { (bounced.address) " · " (when.ago(bounced.at)) } }
                }
                dt { (look.t("page.opened_at")) } dd { time datetime=(d.opened_at.to_string()) title=(when.absolute(d.opened_at)) { (opened) } }
            }
            (mails(look, shown))
        }
    }
}

fn mails(look: &Look<'_>, shown: &Shown) -> Markup {
    let here = format!("/d/{}/watch", shown.discussion.number);
    let mails = &shown.mails;
    html! {
        // Nobody is told of what is no matter.
        @if !shown.discussion.other && (mails.to_reader.is_some() || !mails.watchers.is_empty()) {
            div.mails {
                @if let Some(on) = mails.to_reader {
                    form.mails-own method="post" action=(here) {
                        input type="hidden" name="watch" value=(if on { "0" } else { "1" });
                        span { (icons::icon(Icon::Mail)) (look.t(if on { "page.mails_on" } else { "page.mails_off" })) }
                        button.quiet type="submit" { (look.t(if on { "page.turn_mails_off" } else { "page.turn_mails_on" })) }
                    }
                }
                @if !mails.watchers.is_empty() {
                    p.mails-head { (look.t("page.watchers")) }
                    ul.mails-list {
                        @for (person, name) in &mails.watchers {
                            li {
                                span { @if name.is_empty() { (look.word("person", "unknown")) } @else { (name) } }
                                form method="post" action=(here) {
                                    input type="hidden" name="person" value=(person);
                                    button.quiet type="submit" { (look.t("page.take_off")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Everything of this discussion goes into another.
fn merger(look: &Look<'_>, d: &Discussion) -> Markup {
    html! {
        details.merger id="merger" {
            summary { (look.t("page.merge_into")) }
            form method="post" action={ "/d/" (d.number) "/merge" } {
                input type="text" name="number" inputmode="numeric" size="6" maxlength="12" placeholder="#123" required aria-label=(look.t("page.place_number"));
                button.button.plain type="submit" { (look.t("page.merge")) }
            }
        }
    }
}

/// What was corrected and can be taken back.
fn undoing(look: &Look<'_>, undoable: &[Correction]) -> Markup {
    html! {
        details.undoing id="undoing" open[undoable.iter().any(|c| within(c.at, look.now, JUST_NOW))] {
            summary { (look.t("page.corrected")) }
            ul {
                @for correction in undoable {
                    li {
                        span { (what_was_corrected(look, correction)) " · " (look.ago(correction.at)) }
                        form method="post" action={ "/corrections/" (correction.id) "/undo" } { button.quiet type="submit" { (look.t("page.undo")) } }
                    }
                }
            }
        }
    }
}

/// Who put what where.
fn what_was_corrected(look: &Look<'_>, c: &Correction) -> String {
    let by = if c.by.is_empty() { look.word("person", "unknown") } else { c.by.clone() };
    // What is no matter of its own has a number below zero, which nobody knows.
    let place = |number: i64| if number < 0 { look.t("page.other_place").to_owned() } else { format!("#{number}") };
    let (from, to, count) = (place(c.numbers.0), place(c.numbers.1), c.posts.to_string());
    let key = format!("page.undo_of_{}", c.kind.as_str());
    look.fill(&key, &[("by", &by), ("from", &from), ("to", &to), ("count", &count)])
}

fn set_status(look: &Look<'_>, d: &Discussion) -> Markup {
    html! {
        form.lever method="post" action={ "/d/" (d.number) "/status" } {
            label for="set-status" { (look.t("page.status")) }
            div.lever-row {
                select #set-status name="status" data-submit {
                    @for status in Status::ALL {
                        option value=(status) selected[*status == d.status] { (look.word("status", status.as_str())) }
                    }
                }
                button.button.plain type="submit" { (look.t("page.save")) }
            }
        }
    }
}

fn set_assignee(look: &Look<'_>, shown: &Shown) -> Markup {
    let d = &shown.discussion;
    html! {
        form.lever method="post" action={ "/d/" (d.number) "/assign" } {
            label for="set-assignee" { (look.t("page.assignee")) }
            div.lever-row {
                select #set-assignee name="assignee" data-submit {
                    option value="" selected[d.assignee.is_none()] { (look.t("page.nobody")) }
                    @for (person, name) in &shown.staff {
                        option value=(person) selected[d.assignee == Some(*person)] { (name) }
                    }
                }
                button.button.plain type="submit" { (look.t("page.save")) }
            }
        }
    }
}

fn composer(look: &Look<'_>, shown: &Shown) -> Markup {
    let d = &shown.discussion;
    let draft = &shown.draft;
    let is_staff = shown.role.is_staff();
    html! {
        form #reply .composer method="post" action={ "/d/" (d.number) "/reply" } {
            input type="hidden" name="id" value=(draft.form_id);
            @if let Some(text) = &draft.trouble { (trouble(text)) }
            @if let Some(text) = &draft.told { p.done-note role="status" { span { (icons::icon(Icon::Check)) (text) } } }
            label.sr for="body" { (look.t("page.reply")) }
            // The line break after the tag keeps a first empty line of the draft (HTML, "the textarea element").
            textarea #body name="body" rows="3" placeholder=(look.t("page.reply_placeholder")) required maxlength=(BODY_BYTES_MAX)
                aria-describedby="reply-hint" autofocus[draft.trouble.is_some() || draft.told.is_some()] { "\n" (draft.body) }
            div.composer-row {
                @if is_staff {
                    label.check { input #internal type="checkbox" name="internal" value="1" checked[draft.internal]; (icons::icon(Icon::Lock)) (look.t("page.internal")) }
                    label.then {
                        span { (look.t("page.reply_status")) }
                        select name="status" {
                            option value="" { (look.t("page.reply_status_keep")) }
                            @for status in Status::ALL {
                                @if *status != d.status {
                                    option value=(status) selected[draft.status == Some(*status)] { (look.word("status", status.as_str())) }
                                }
                            }
                        }
                    }
                }
                button.button.send type="submit" title=(look.t("page.send_keys")) { (look.t("page.send")) }
            }
            @if let Some(cost) = shown.beside.cost.as_ref().filter(|_| is_staff) {
                p.cost #reply-cost { (icons::icon(Icon::Chat)) span { (cost::line(look, cost)) } }
            }
            p.hint #reply-hint {
                @if is_staff { (look.t("page.reply_hint_staff")) } @else if d.status.is_done() { (look.t("page.reply_reopens")) } @else { (look.t("page.reply_hint_client")) }
            }
        }
    }
}
