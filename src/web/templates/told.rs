//! One notice as people read it: what it tells, to whom, and what became of it. Every state has its sentence.

use jiff::Timestamp;
use maud::{Markup, html};

use super::Look;
use super::icons::{self, Icon};
use crate::discussions::may_send_now;
use crate::domain::{DeliveryStatus, NoticeKind, Via, Why};
use crate::store::notice_lists::{Listed, Ride};

/// A notice with what only the calendar knows.
#[derive(Clone, Debug)]
pub struct NoticeView {
    pub row: Listed,
    /// When a push for it leaves at the latest: its deadline, or the end of the quiet hours that it falls in. `None`: never.
    pub pushed_at: Option<Timestamp>,
}

impl NoticeView {
    fn why(&self) -> Option<Why> {
        self.row.why().and_then(Why::read).map(|(why, _)| why)
    }

    /// Nothing holds it: the outbox is about to take it.
    fn is_leaving(&self, now: Timestamp) -> bool {
        self.row.due_at <= now && (self.row.chat.is_none() || self.pushed_at.is_some_and(|at| at <= now))
    }
}

/// Whom it is for: a chat's or a person's name.
pub fn whom(look: &Look<'_>, row: &Listed) -> String {
    let named = |name: &Option<String>| name.clone().filter(|n| !n.is_empty());
    if row.chat.is_some() {
        return named(&row.chat_name).unwrap_or_else(|| look.t("page.to_chat").to_owned());
    }
    named(&row.person_name).or_else(|| named(&row.email)).unwrap_or_else(|| look.word("person", "unknown"))
}

/// What it tells, in a word: `回覆`.
pub fn kind(look: &Look<'_>, kind: NoticeKind) -> String {
    look.word("kind", kind.as_str())
}

/// When it leaves by push with everything else that waits for its chat, if no free ride comes before.
pub fn rides_until(look: &Look<'_>, view: &NoticeView) -> Option<Timestamp> {
    let row = &view.row;
    let put_off = row.reason.as_deref().and_then(Why::read).is_some_and(|(why, _)| why.is_about_money());
    let waits = row.status == DeliveryStatus::Pending && row.ride.is_none() && row.chat.is_some();
    let rides = waits && !put_off && row.kind != NoticeKind::Replied && row.due_at <= look.now && !view.is_leaving(look.now);
    view.pushed_at.filter(|_| rides)
}

/// Where it stands, as a sentence without its reason.
pub fn state(look: &Look<'_>, view: &NoticeView) -> String {
    let row = &view.row;
    match (row.status, &row.ride) {
        (DeliveryStatus::Pending, Some(ride)) => under_way(look, ride),
        (DeliveryStatus::Pending, None) => waits(look, view),
        (DeliveryStatus::Sent, Some(ride)) => sent(look, ride),
        (DeliveryStatus::Sent, None) => look.t("page.told_sent").to_owned(),
        (DeliveryStatus::Failed, _) => look.t("told.failed").to_owned(),
        (DeliveryStatus::Dropped, _) => look.t("told.dropped").to_owned(),
    }
}

fn sent(look: &Look<'_>, ride: &Ride) -> String {
    let how = match ride.via {
        Via::LineReply => look.t("told.by_reply").to_owned(),
        Via::LinePush => look.fill("told.by_push", &[("count", &ride.heads.to_string())]),
        Via::Email => look.t("page.via_email").to_owned(),
    };
    match ride.sent_at {
        Some(at) => format!("{how} · {}", look.when().until(at)),
        None => how,
    }
}

fn under_way(look: &Look<'_>, ride: &Ride) -> String {
    if ride.attempts == 0 || ride.last_error.is_none() {
        return look.t("told.sending").to_owned();
    }
    let at = look.when().until(ride.next_try_at);
    look.fill("told.again_at", &[("count", &ride.attempts.to_string()), ("time", &at)])
}

/// Until when it waits, and what for.
fn waits(look: &Look<'_>, view: &NoticeView) -> String {
    let row = &view.row;
    let time = |at: Timestamp| look.when().until(at);
    if row.digest {
        return look.fill("told.in_digest", &[("time", &time(row.due_at))]);
    }
    if row.chat.is_none() {
        return if row.due_at > look.now {
            look.fill("told.mail_at", &[("time", &time(row.due_at))])
        } else {
            look.t("told.leaving").to_owned()
        };
    }
    if view.is_leaving(look.now) {
        return look.t("told.leaving").to_owned();
    }
    let put_off = row.reason.as_deref().and_then(Why::read).map(|(why, _)| why);
    let Some(pushed_at) = view.pushed_at else { return look.t("told.free_only").to_owned() };
    let until = time(pushed_at);
    match put_off {
        Some(why) if why.is_about_money() && row.deadline_at > look.now => look.fill("told.free_until", &[("time", &until)]),
        _ if row.due_at > look.now && row.kind == NoticeKind::Answered => look.fill("told.held_until", &[("time", &time(row.due_at))]),
        _ if row.due_at > look.now && row.kind == NoticeKind::Opened => look.fill("told.quiet_until", &[("time", &time(row.due_at))]),
        _ if row.due_at > look.now => look.fill("told.leaves_at", &[("time", &time(row.due_at))]),
        _ => look.fill("told.free_then_push", &[("time", &until), ("count", &row.push_heads().to_string())]),
    }
}

/// Why it stands so, where there is something to say: ours in words, the other side's as a quote.
pub fn reason(look: &Look<'_>, view: &NoticeView) -> Option<Markup> {
    // What was sent says nothing more, but that a part of it was not.
    let is_cut = view.row.kind == NoticeKind::Scripted
        && view.row.reason.as_deref().and_then(Why::read).is_some_and(|(why, _)| why == Why::ExtrasRefused);
    let written = match view.row.status {
        DeliveryStatus::Sent => view.row.reason.as_deref().filter(|_| is_cut)?,
        _ => view.row.why()?,
    };
    // What put it off may be over.
    let over = view.row.status == DeliveryStatus::Pending
        && view.row.deadline_at <= look.now
        && view.why().is_some_and(|w| w.is_about_money() || w.is_about_the_calendar());
    if over {
        return None;
    }
    let (words, quoted) = look.texts().reason(written);
    Some(html! { span.reason { (words) @if let Some(quoted) = quoted { " " q { (quoted) } } } })
}

/// What may be done about it: `next` is the page that the buttons come back to.
pub fn buttons(look: &Look<'_>, view: &NoticeView, next: &str) -> Option<Markup> {
    let row = &view.row;
    let to_chat = row.chat.is_some();
    let cost = row.push_heads().to_string();
    let button = |what: &str, label: &str| {
        html! {
            form method="post" action={ "/notices/" (row.id) "/" (what) } {
                input type="hidden" name="next" value=(next);
                button.quiet type="submit" { (label) }
            }
        }
    };
    match (row.status, &row.ride) {
        (DeliveryStatus::Pending, None) if view.is_leaving(look.now) => None,
        (DeliveryStatus::Pending, Some(ride)) if ride.unanswered > 0 => None,
        (DeliveryStatus::Pending, ride) => {
            let now = match ride {
                Some(_) => look.t("told.try_now").to_owned(),
                None if to_chat => look.fill("told.push_now", &[("count", &cost)]),
                None => look.t("told.send_now").to_owned(),
            };
            Some(html! {
                @if may_send_now(row, look.now).is_ok() { (button("send-now", &now)) }
                (button("cancel", look.t("told.cancel")))
            })
        }
        (DeliveryStatus::Failed, _) if row.kind != NoticeKind::Replied => {
            let again = if to_chat { look.fill("told.retry_push", &[("count", &cost)]) } else { look.t("told.retry").to_owned() };
            Some(html! {
                (button("retry", &again))
                @if view.why().is_some_and(Why::may_have_arrived) { span.twice { (look.t("told.twice")) } }
            })
        }
        (DeliveryStatus::Dropped, None) if view.why() == Some(Why::Cancelled) => Some(button("restore", look.t("told.restore"))),
        _ => None,
    }
}

/// The sign of where it stands.
pub fn sign(row: &Listed) -> Markup {
    icons::icon(match row.status {
        DeliveryStatus::Pending => Icon::Clock,
        DeliveryStatus::Sent => Icon::Check,
        DeliveryStatus::Failed => Icon::Alert,
        DeliveryStatus::Dropped => Icon::Info,
    })
}

/// One line under a post: whom, where it stands, why, and what may be done.
pub fn line(look: &Look<'_>, view: &NoticeView) -> Markup {
    let row = &view.row;
    let post = row.post.map(|post| format!("#post-{post}")).unwrap_or_default();
    let next = row.discussion_number.map_or_else(|| "/notices".to_owned(), |number| format!("/d/{number}{post}"));
    html! {
        li.bad[row.status == DeliveryStatus::Failed].faint[row.status == DeliveryStatus::Dropped] {
            (whom(look, row)) " · " (state(look, view))
            @if let Some(reason) = reason(look, view) { " · " (reason) }
            @if let Some(buttons) = buttons(look, view, &next) { span.told-buttons { (buttons) } }
        }
    }
}
