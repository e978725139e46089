//! Tokens of `/api/notify` on a project's page.

use maud::{Markup, html};

use super::Look;
use super::icons::{self, Icon};
use super::projects::chat_name;
use crate::store::chats::Chat;
use crate::store::notify_tokens::Listed;

/// What the page shows of scripts.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    pub tokens: Vec<Listed>,
    /// A token that was just made; shown this once.
    pub made: Option<String>,
    /// The name that was asked for and cannot be.
    pub name: String,
    pub trouble: Option<String>,
}

/// The tokens of the project with this key, and the form that makes one.
pub(super) fn scripts(look: &Look<'_>, key: &str, chats: &[Chat], view: &Scripts) -> Markup {
    html! {
        section.card #scripts {
            h2 { (look.t("page.scripts")) }
            p.muted { (look.t("page.scripts_hint")) }
            p.muted { (look.t("page.scripts_waits")) }
            @if view.tokens.is_empty() { p.muted { (look.t("page.scripts_none")) } } @else { (tokens(look, key, &view.tokens)) }
            @if let Some(token) = &view.made { (just_made(look, token)) }
            @if let Some(trouble) = &view.trouble { (super::trouble(trouble)) }
            @if !chats.is_empty() { (form(look, key, chats, &view.name)) }
        }
    }
}

fn tokens(look: &Look<'_>, key: &str, tokens: &[Listed]) -> Markup {
    html! {
        ul.lines {
            @for token in tokens {
                li {
                    (icons::icon(Icon::Chat))
                    span.grow {
                        (token.name)
                        br;
                        span.faint {
                            @if token.chat_name.is_empty() { (look.word("chat", token.chat_kind.as_str())) } @else { (token.chat_name) }
                            " · "
                            @if let Some(at) = token.last_used_at {
                                (look.fill("page.scripts_used", &[("when", &look.when().ago(at)), ("count", &token.calls.to_string())]))
                            } @else { (look.t("page.scripts_unused")) }
                        }
                    }
                    form method="post" action={ "/projects/" (key) "/notify-tokens/" (token.id) "/revoke" } {
                        button.quiet type="submit" { (look.t("page.scripts_revoke")) }
                    }
                }
            }
        }
    }
}

fn just_made(look: &Look<'_>, token: &str) -> Markup {
    html! {
        div.code-box role="status" {
            p { (look.t("page.scripts_made")) }
            output.code-text.long { (token) }
            p.faint { (look.t("page.scripts_once")) }
        }
    }
}

fn form(look: &Look<'_>, key: &str, chats: &[Chat], name: &str) -> Markup {
    html! {
        form.bind method="post" action={ "/projects/" (key) "/notify-tokens#scripts" } {
            select name="chat" aria-label=(look.t("page.scripts_chat")) {
                @for chat in chats { option value=(chat.id) { (chat_name(look, chat)) } }
            }
            input type="text" name="name" value=(name) required maxlength="100" aria-label=(look.t("page.scripts_name"))
                placeholder=(look.t("page.scripts_name_hint"));
            button.button.plain type="submit" { (look.t("page.scripts_make")) }
        }
    }
}
