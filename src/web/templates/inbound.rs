//! What arrived, and what became of it: for admins.

use std::collections::BTreeMap;

use maud::{Markup, html};
use url::form_urlencoded::Serializer;

use super::icons::{self, Icon};
use super::{Look, held, page};
use crate::domain::InboundId;
use crate::store::held_mails::HeldMail;
use crate::store::inbound::{InboundStatus, Listed};

/// Kinds of event and message that have a name in the texts (`inbound.kind_…`); others are shown as LINE calls them.
const NAMED_KINDS: [&str; 18] = [
    "accountLink",
    "audio",
    "file",
    "follow",
    "image",
    "join",
    "leave",
    "location",
    "mail",
    "memberJoined",
    "memberLeft",
    "messageEdited",
    "postback",
    "sticker",
    "text",
    "unfollow",
    "unsend",
    "video",
];

/// Reasons that people should understand in their own language, by what `intake` writes (a test holds the two together).
const REASONS: [(&str, &str); 14] = [
    ("an automatic answer", "auto_answer"),
    ("our own mail came back", "own_mail"),
    ("the mail names no sender", "no_sender"),
    ("the mail has a post already", "known"),
    ("it answers a colleague's mail from an address that is not known as theirs", "strange_address"),
    ("it says it is from a colleague, and neither a reply address of theirs nor authentication proves it", "unproven"),
    ("programs at its address opened many discussions within an hour", "too_many_opened"),
    ("programs at its address wrote much in this discussion within an hour", "too_many_posts"),
    ("it answers a digest, which is about many discussions", "answers_digest"),
    ("somebody decided against it", "dismissed"),
    ("this is no mail: it has neither headers nor a body that can be read", "no_mail"),
    ("orders alone", "orders"),
    ("the message was taken back before it arrived", "taken_back"),
    ("the message has a post already", "known"),
];

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Shown {
    pub status: Option<InboundStatus>,
    pub rows: Vec<Listed>,
    /// How many wait for a person, and how many failed.
    pub held: i64,
    pub failed: i64,
    /// Where the next page begins.
    pub next: Option<String>,
    /// This is not the first page.
    pub continued: bool,
    /// What those among the rows are that were ever held.
    pub mails: BTreeMap<InboundId, HeldMail>,
}

/// `/inbound?status=held&cursor=12`.
pub fn address(status: Option<InboundStatus>, cursor: Option<&str>) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in [("status", status.map(InboundStatus::as_str)), ("cursor", cursor)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { "/inbound".to_owned() } else { format!("/inbound?{query}") }
}

/// The page.
pub fn inbound(look: &Look<'_>, shown: &Shown) -> Markup {
    let main = html! {
        div.list-head {
            h1 { (look.t("inbound.title")) }
            p.muted { (look.t("inbound.intro")) }
        }
        (tabs(look, shown))
        @if shown.rows.is_empty() {
            section.nothing { (icons::logo()) h2 { (look.t("inbound.none")) } }
        } @else {
            ol.arrived { @for row in &shown.rows { (arrived(look, row, shown)) } }
        }
        @if shown.next.is_some() || shown.continued {
            nav.pager {
                @if shown.continued { a href=(address(shown.status, None)) { (look.t("inbound.first")) } }
                @if let Some(next) = &shown.next { a.button.plain href=(address(shown.status, Some(next))) { (look.t("inbound.more")) } }
            }
        }
    };
    page(look, "page-inbound", look.t("inbound.title"), &main)
}

fn tabs(look: &Look<'_>, shown: &Shown) -> Markup {
    // What needs a person comes first.
    let order = [InboundStatus::Held, InboundStatus::Failed, InboundStatus::Received, InboundStatus::Done, InboundStatus::Ignored];
    let count = |status| match status {
        InboundStatus::Held => Some(shown.held),
        InboundStatus::Failed => Some(shown.failed),
        _ => None,
    };
    html! {
        nav.tabs aria-label=(look.t("page.status")) {
            a href=(address(None, None)) aria-current=[shown.status.is_none().then_some("page")] { (look.t("page.all")) }
            @for status in order {
                a href=(address(Some(status), None)) aria-current=[(shown.status == Some(status)).then_some("page")] {
                    span class={ "dot in-" (status) } {}
                    (look.word("inbound", &format!("status_{status}")))
                    @if let Some(count) = count(status) { span.count { (count) } }
                }
            }
        }
    }
}

fn arrived(look: &Look<'_>, row: &Listed, shown: &Shown) -> Markup {
    let by_mail = row.kind == "mail";
    let reason = row.error.as_deref().or(row.note.as_deref());
    html! {
        li class={ "in-row in-" (row.status) } {
            span.in-kind { (icons::icon(if by_mail { Icon::Mail } else { Icon::Chat })) (kind(look, &row.kind)) }
            span class={ "pill in-" (row.status) } { (look.word("inbound", &format!("status_{}", row.status))) }
            span.in-where {
                @if let Some(number) = row.discussion_number { a href={ "/d/" (number) } { @if number > 0 { "#" (number) } @else { (look.t("discussion.other")) } } }
            }
            span.in-time { (look.ago(row.received_at)) }
            @if let Some(reason) = reason { p.in-reason { (in_words(look, reason)) } }
            @if let Some(held) = shown.mails.get(&row.id) { div.in-mail { (held::card(look, held, &address(shown.status, None))) } }
            p.in-id {
                span { (row.inbox.name()) }
                code title=(row.external_id) { (row.external_id) }
                @if row.attempts > 1 { span { (look.fill("inbound.attempts", &[("count", &row.attempts.to_string())])) } }
            }
        }
    }
}

fn kind(look: &Look<'_>, kind: &str) -> String {
    if NAMED_KINDS.contains(&kind) {
        return look.word("inbound", &format!("kind_{kind}"));
    }
    if kind.is_empty() { look.t("inbound.kind_forgotten").to_owned() } else { look.fill("inbound.kind_other", &[("kind", kind)]) }
}

fn in_words(look: &Look<'_>, reason: &str) -> String {
    match REASONS.iter().find(|(written, _)| *written == reason) {
        Some((_, key)) => look.word("inbound", &format!("reason_{key}")),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Locale;

    #[test]
    fn an_address_says_what_was_asked_for() {
        assert_eq!(address(None, None), "/inbound");
        assert_eq!(address(Some(InboundStatus::Held), Some("12")), "/inbound?status=held&cursor=12");
    }

    #[test]
    fn reasons_are_those_that_are_written_and_every_name_has_its_text() {
        let intake = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/intake")).unwrap();
        let written: String = intake.filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok()).collect();
        let texts = Locale::ZhTw.texts();
        let has = |key: String| texts.keys().any(|k| k == key);
        for (reason, key) in REASONS {
            assert!(written.contains(&format!("\"{reason}\"")), "nothing writes {reason:?}");
            assert!(has(format!("inbound.reason_{key}")), "{key}");
        }
        assert!(NAMED_KINDS.iter().all(|k| has(format!("inbound.kind_{k}"))));
        assert!(InboundStatus::ALL.iter().all(|s| has(format!("inbound.status_{s}"))));
    }
}
