//! What was changed about a discussion, as a quiet line between what was said.

use maud::{Markup, html};

use super::Look;
use crate::domain::Happening;
use crate::store::discussion_events::DiscussionEvent;

/// One change.
pub(super) fn line(look: &Look<'_>, event: &DiscussionEvent) -> Markup {
    html! {
        li.happening id={ "event-" (event.id) } { span { (linked(&words(look, event))) " · " (look.clock(event.at)) } }
    }
}

/// Stands around a discussion's number; no text of ours or name has it.
const NUMBER: char = '\u{1}';

/// The words, with a number as the link to its discussion.
fn linked(words: &str) -> Markup {
    html! {
        @for (n, piece) in words.split(NUMBER).enumerate() {
            @if n % 2 == 1 { a href={ "/d/" (piece) } { "#" (piece) } } @else { (piece) }
        }
    }
}

fn words(look: &Look<'_>, event: &DiscussionEvent) -> String {
    let unknown = look.word("person", "unknown");
    let by = if event.by.is_empty() { &unknown } else { &event.by };
    let by_alone = |key: &str| look.fill(key, &[("by", by)]);
    let by = &by.replace(NUMBER, "");
    // The texts have the number sign already, for where there are no links.
    let numbered = |key: &str, number: &i64| {
        if *number < 0 {
            return by_name(look, &look.fill(key, &[("by", by), ("number", &number.to_string())]), *number);
        }
        look.fill(key, &[("by", by), ("number", &format!("{NUMBER}{number}{NUMBER}"))]).replace(&format!("#{NUMBER}"), &NUMBER.to_string())
    };
    match &event.what {
        Happening::Status { from, to } => {
            let (from, to) = (look.word("status", from.as_str()), look.word("status", to.as_str()));
            look.fill("page.history_status", &[("by", by), ("from", &from), ("to", &to)])
        }
        Happening::Assignee { to: Some(name) } => look.fill("page.history_assignee", &[("by", by), ("to", name)]),
        Happening::Assignee { to: None } => by_alone("page.history_nobody"),
        Happening::Title { to } => look.fill("page.history_title", &[("by", by), ("to", to)]),
        Happening::Urgent { to: true } => by_alone("page.history_urgent"),
        Happening::Urgent { to: false } => by_alone("page.history_not_urgent"),
        Happening::NotSolved {} => by_alone("page.history_not_solved"),
        Happening::Merged { from } => numbered("page.history_merged", from),
        Happening::Split { to } => numbered("page.history_split", to),
        Happening::SplitFrom { from } => numbered("page.history_split_from", from),
        Happening::MovedHere { from } => numbered("page.history_moved_here", from),
        Happening::Undone { of, other } => {
            let what = look.word("page", &format!("undone_{}", of.as_str()));
            by_name(look, &look.fill("page.history_undone", &[("by", by), ("what", &what), ("number", &other.to_string())]), *other)
        }
        Happening::MovedAway { to } => numbered("page.history_moved_away", to),
        Happening::MailAccepted { from } => from_whom(look, "held.history_accepted", by, from),
        Happening::MailDismissed { from } => from_whom(look, "held.history_dismissed", by, from),
        Happening::MailHeldAgain { from } => from_whom(look, "held.history_again", by, from),
        Happening::AddressLinked { address } => from_whom(look, "held.history_linked", by, address),
        Happening::AddressUnlinked { address } => from_whom(look, "held.history_unlinked", by, address),
        Happening::AutoReplied { text } => look.fill("held.history_auto_replied", &[("by", by), ("text", text)]),
        Happening::Bounced { address, reason } => look.fill("held.history_bounced", &[("address", address), ("reason", reason)]),
        Happening::PassedOn {} => by_alone("page.history_passed_on"),
        Happening::Continues { from } => numbered("page.history_continues", from),
        Happening::ContinuedIn { to } => numbered("page.history_continued_in", to),
    }
}

/// A sentence about the discussion with this number; the place of what is no matter has a name instead.
pub fn by_name(look: &Look<'_>, sentence: &str, number: i64) -> String {
    if number < 0 { sentence.replace(&format!("#{number}"), look.t("discussion.other")) } else { sentence.to_owned() }
}

/// A sentence about a mail address; one without is called so.
fn from_whom(look: &Look<'_>, key: &str, by: &str, address: &str) -> String {
    let nobody = look.t("held.nobody");
    look.fill(key, &[("by", by), ("address", if address.is_empty() { nobody } else { address })])
}
