//! One's own account: name, addresses, LINE accounts, projects.

use maud::{Markup, html};

use super::listening::{self, Listening};
use super::projects::{code_box, project_rows};
use super::{Look, page, trouble};
use crate::store::identities::Identity;
use crate::store::projects::Project;

/// The longest name, in grapheme clusters.
pub const NAME_GRAPHEMES_MAX: usize = 60;

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Me {
    pub name: String,
    pub emails: Vec<String>,
    pub line: Vec<Identity>,
    /// Staff somewhere, or an admin: whose LINE account matters.
    pub is_staff: bool,
    pub projects: Vec<Project>,
    pub listening: Listening,
    /// A code that was just made; shown this once.
    pub code: Option<String>,
    /// Why the name was not changed.
    pub trouble: Option<String>,
}

/// The page.
pub fn me(look: &Look<'_>, me: &Me) -> Markup {
    let main = html! {
        div.sheet {
            h1 { (look.t("page.me_title")) }
            section.card {
                @if let Some(text) = &me.trouble { (trouble(text)) }
                form.inline-form method="post" action="/me/name" {
                    label for="name" { (look.t("page.name")) }
                    div.inline-row {
                        input #name type="text" name="name" value=(me.name) required maxlength=(NAME_GRAPHEMES_MAX * 4) autocomplete="name";
                        button.button.plain type="submit" { (look.t("page.save")) }
                    }
                }
                @if !me.emails.is_empty() {
                    h2 { (look.t("page.emails")) }
                    ul.plain-list { @for email in &me.emails { li { (email) } } }
                }
            }
            @if me.is_staff { (line_accounts(look, me)) }
            (listening::mine(look, &me.listening, &me.projects))
            section.card {
                h2 { (look.t("page.my_projects")) }
                @if me.projects.is_empty() { p.muted { (look.t("page.no_projects")) } } @else { (project_rows(look, &me.projects, me.is_staff)) }
            }
        }
    };
    page(look, "page-me", look.t("page.me_title"), &main)
}

fn line_accounts(look: &Look<'_>, me: &Me) -> Markup {
    html! {
        section.card #line {
            h2 { (look.t("page.line_accounts")) }
            p.muted { (look.t(if me.line.is_empty() { "page.line_not_linked" } else { "page.line_linked_hint" })) }
            @if !me.line.is_empty() {
                ul.lines {
                    @for account in &me.line {
                        li {
                            span.grow { @if account.name.is_empty() { (look.t("page.line_nameless")) } @else { (account.name) } }
                            form method="post" action="/me/unlink" {
                                input type="hidden" name="identity" value=(account.id);
                                button.quiet type="submit" { (look.t("page.unlink")) }
                            }
                        }
                    }
                }
            }
            @if let Some(code) = &me.code {
                (code_box(look, look.t("page.link_code_use"), code))
            } @else {
                form method="post" action="/me/code#line" { button.button.plain type="submit" { (look.t("page.link_line")) } }
            }
        }
    }
}
