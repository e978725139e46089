//! The door.

use maud::{Markup, html};

use super::{Look, icons, page, trouble};

/// What the login page shows.
#[derive(Clone, Debug, Default)]
pub struct Login<'a> {
    /// Where to go afterwards: a local path.
    pub next: &'a str,
    /// What was typed.
    pub email: &'a str,
    /// Why the last try failed.
    pub trouble: Option<&'a str>,
    /// Where LINE Login starts, where it is configured.
    pub line: Option<&'a str>,
}

/// The page.
pub fn login(look: &Look<'_>, login: &Login<'_>) -> Markup {
    let main = html! {
        section.door {
            div.door-brand { (icons::logo()) span { (look.t("page.product")) } }
            h1 { (look.t("login.heading")) }
            p.muted { (look.t("login.intro")) }
            @if let Some(text) = login.trouble { (trouble(text)) }
            @if let Some(line) = login.line {
                a.button.line-button href=(line) { (look.t("login.with_line")) }
                p.door-hint { (look.t("login.with_line_hint")) }
                div.or { span { (look.t("login.or")) } }
            }
            // With LINE on offer most readers type nothing, and a keyboard would hide the button from them.
            form method="post" action="/login" {
                input type="hidden" name="next" value=(login.next);
                label for="email" { (look.t("login.email")) }
                input #email type="email" name="email" value=(login.email) autocomplete="username" required maxlength="254" autofocus[login.email.is_empty() && login.line.is_none()];
                label for="password" { (look.t("login.password")) }
                input #password type="password" name="password" autocomplete="current-password" required maxlength="1024" autofocus[!login.email.is_empty()];
                button.button type="submit" { (look.t("login.button")) }
            }
        }
    };
    page(look, "page-login", look.t("login.heading"), &main)
}
