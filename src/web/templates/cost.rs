//! What an answer costs in LINE, before it is sent and while it waits.

use jiff::Timestamp;
use maud::{Markup, html};

use super::Look;
use super::icons::{self, Icon};
use crate::discussions::Held;
use crate::domain::{PostId, is_never_paid};

/// What a push into the discussion's chat would cost.
#[derive(Clone, Debug)]
pub struct Cost {
    /// People in the chat.
    pub people: i64,
    /// Messages left this month; `None` = no limit is known.
    pub left: Option<i64>,
    /// Nothing can be told there: the account was removed, or LINE does not reach it.
    pub out_of_reach: bool,
    /// The project wants its groups not to be told of answers.
    pub unwanted: bool,
    /// Why and until when no push is paid.
    pub held_back: Option<Held>,
}

/// An answer that waits, and of which nothing has left.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Nothing leaves before.
    pub due_at: Timestamp,
    /// A push may be paid for it from here on.
    pub deadline_at: Timestamp,
    /// Why that is later than it was to be.
    pub reason: Option<String>,
    /// The reader may take it back.
    pub may_undo: bool,
}

/// "8 people · 8 billed (or free on the next message) · 412 left this month".
pub fn line(look: &Look<'_>, cost: &Cost) -> String {
    let people = cost.people.to_string();
    if cost.out_of_reach {
        return look.t("page.cost_out_of_reach").to_owned();
    }
    if cost.unwanted {
        return look.t("page.cost_unwanted").to_owned();
    }
    if let Some(held) = &cost.held_back {
        let until = look.when().until(held.until);
        return look.fill("page.cost_held_back", &[("people", &people), ("why", &look.reason(held.why.as_str())), ("until", &until)]);
    }
    match cost.left {
        Some(left) => look.fill("page.cost", &[("people", &people), ("left", &left.to_string())]),
        None => look.fill("page.cost_unlimited", &[("people", &people)]),
    }
}

/// Under an answer that waits: when it leaves, what it costs, and the way back.
pub fn waiting(look: &Look<'_>, post: PostId, waiting: &Waiting, cost: Option<&Cost>) -> Markup {
    let seconds = waiting.due_at.duration_since(look.now).as_secs();
    let until = if is_never_paid(waiting.due_at, waiting.deadline_at) {
        look.t("told.free_only").to_owned()
    } else {
        look.fill("page.leaves_free", &[("time", &look.when().moment(waiting.deadline_at))])
    };
    html! {
        div.waits role="status" {
            p {
                (icons::icon(Icon::Clock))
                @if seconds > 0 {
                    span data-seconds=(seconds) { (look.fill("page.leaves_in", &[("seconds", &seconds.to_string())])) }
                } @else if let Some(why) = &waiting.reason {
                    span { (look.reason(why)) " · " (until) }
                } @else {
                    span { (until) }
                }
            }
            @if let Some(cost) = cost.filter(|_| waiting.reason.is_none()) { p.faint { (line(look, cost)) } }
            @if waiting.may_undo {
                form method="post" action={ "/posts/" (post) "/undo" } { button.button.plain type="submit" { (look.t("page.undo_answer")) } }
            }
        }
    }
}
