//! Mails that wait for a person: what they are, and a button for each decision.

use maud::{Markup, html};

use super::icons::{self, Icon};
use super::{Look, linked, page};
use crate::domain::Role;
use crate::store::held_mails::{HeldMail, HeldWhy, MailDecision};
use crate::store::inbound::InboundStatus;
use crate::store::mail_posts::FromElsewhere;

/// The page of everything that waits for the viewer, and what was decided last.
pub fn list(look: &Look<'_>, waiting: &[HeldMail], decided: &[HeldMail]) -> Markup {
    let main = html! {
        div.sheet {
            h1 { (look.t("held.title")) }
            p.muted { (look.t("held.intro")) }
            @if waiting.is_empty() { section.nothing { (icons::logo()) h2 { (look.t("held.none")) } } }
            section.held #held { @for mail in waiting { (card(look, mail, "/held")) } }
            (past(look, decided, "/held"))
        }
    };
    page(look, "page-held", look.t("held.title"), &main)
}

/// On a discussion's page: what waits, then what was decided.
pub fn of_discussion(look: &Look<'_>, number: i64, all: &[HeldMail]) -> Markup {
    let here = format!("/d/{number}");
    let (waiting, decided): (Vec<&HeldMail>, Vec<&HeldMail>) = all.iter().partition(|mail| mail.status == InboundStatus::Held);
    let decided: Vec<HeldMail> = decided.into_iter().filter(|mail| mail.decision.is_some()).cloned().collect();
    html! {
        section.held #held {
            @if !waiting.is_empty() { h2 { (look.t("held.heading")) } }
            @for mail in waiting { (card(look, mail, &here)) }
            (past(look, &decided, &here))
        }
    }
}

fn past(look: &Look<'_>, decided: &[HeldMail], next: &str) -> Markup {
    html! {
        @if !decided.is_empty() {
            details.held-past id="held-past" {
                summary { (look.fill("held.past", &[("count", &decided.len().to_string())])) }
                @for mail in decided { (card(look, mail, next)) }
            }
        }
    }
}

/// One mail. `next`: the page that it stands on, to come back to.
pub fn card(look: &Look<'_>, mail: &HeldMail, next: &str) -> Markup {
    let waits = mail.status == InboundStatus::Held;
    html! {
        article.held-mail.waits[waits] id={ "mail-" (mail.inbound) } {
            header {
                strong { (icons::icon(Icon::Mail)) (look.fill("held.from", &[("address", &sender(look, mail))])) }
                @if !mail.from_name.is_empty() { span.faint { (mail.from_name) } }
                (look.ago(mail.received_at))
            }
            @if mail.discussion.is_none() { p.faint { (look.fill("held.would_open", &[("project", &mail.project_name)])) } }
            @if !mail.subject.is_empty() { p.held-subject { (mail.subject) } }
            @if !mail.words.is_empty() { div.words { (linked(&mail.words)) } }
            @if mail.files > 0 { p.faint { (look.fill("held.files", &[("count", &mail.files.to_string())])) } }
            @if waits {
                p.held-why { (look.word("held", &format!("why_{}", mail.why))) }
                (buttons(look, mail, next))
            } @else {
                (outcome(look, mail, next))
            }
        }
    }
}

fn sender(look: &Look<'_>, mail: &HeldMail) -> String {
    if mail.from_address.is_empty() { look.t("held.nobody").to_owned() } else { mail.from_address.clone() }
}

fn buttons(look: &Look<'_>, mail: &HeldMail, next: &str) -> Markup {
    let as_whom = mail.person_name.as_str();
    html! {
        div.held-buttons {
            @if mail.why == HeldWhy::OtherAddress {
                (button(mail, ("link", next), &look.fill("held.accept_and_link", &[("name", as_whom)]), false))
            }
            @if as_whom.is_empty() {
                (button(mail, ("accept", next), look.t("held.accept"), false))
            } @else {
                (button(mail, ("accept", next), &look.fill("held.accept_as", &[("name", as_whom)]), mail.why == HeldWhy::OtherAddress))
            }
            (button(mail, ("dismiss", next), look.t("held.dismiss"), true))
        }
    }
}

fn button(mail: &HeldMail, (decision, next): (&str, &str), label: &str, plain: bool) -> Markup {
    html! {
        form method="post" action={ "/held/" (mail.inbound) "/" (decision) } {
            input type="hidden" name="next" value=(next);
            button.button.plain[plain] type="submit" { (label) }
        }
    }
}

fn outcome(look: &Look<'_>, mail: &HeldMail, next: &str) -> Markup {
    let key = match mail.decision {
        Some(MailDecision::Accepted) => "held.accepted_by",
        Some(MailDecision::Dismissed) => "held.dismissed_by",
        None => return html! {},
    };
    html! {
        div.held-buttons {
            p.faint { (look.fill(key, &[("by", &mail.decided_by)])) }
            @if let Some(post) = mail.post { a href={ "#post-" (post) } { (look.t("held.see_post")) } }
            (button(mail, ("undo", next), look.t("held.undo"), true))
        }
    }
}

/// Under a post's head: it came from an address that was not known as its author's. Staff may say that it is.
pub fn elsewhere(look: &Look<'_>, elsewhere: &FromElsewhere, author: &str, viewer: Role) -> Markup {
    html! {
        div.elsewhere {
            span { (icons::icon(Icon::Mail)) (look.t("held.elsewhere")) }
            @if viewer.is_staff() {
                span.faint { (elsewhere.address) }
                form method="post" action={ "/posts/" (elsewhere.post) "/" (if elsewhere.linked { "unlink-address" } else { "link-address" }) } {
                    @if elsewhere.linked {
                        button.quiet type="submit" { (look.t("held.unlink")) }
                    } @else {
                        button.quiet type="submit" { (look.fill("held.link", &[("name", author)])) }
                    }
                }
            }
        }
    }
}
