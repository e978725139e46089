//! Pages as functions: what is to be shown in, HTML out. Every value is escaped; nothing is read from anywhere.

pub mod announcements;
pub mod bill;
pub mod cost;
pub mod discussion;
pub mod discussions;
pub mod error;
pub mod files;
pub mod gap;
pub mod group;
pub mod groups;
pub mod held;
mod history;
pub mod icons;
pub mod inbound;
pub mod line_accounts;
mod links;
pub mod listening;
pub mod login;
pub mod mail;
pub mod mail_switch;
pub mod me;
pub mod notices;
pub mod post;
pub mod project_times;
pub mod projects;
pub mod scripts;
pub mod told;
pub mod unsure;
mod when;
mod words;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};

use super::assets;
use crate::App;
use crate::discussions::Viewer;
use crate::domain::Status;
use crate::i18n::{Locale, Texts};
use icons::Icon;
pub use links::linked;
pub use when::{When, within};

/// What every page is drawn with.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub locale: Locale,
    pub zone: &'a TimeZone,
    pub now: Timestamp,
    /// Whose session it is, for the page's head.
    pub viewer: Option<&'a str>,
    /// Whether the head shows what is for admins.
    pub is_admin: bool,
    /// Whether the head shows what is for staff.
    pub is_staff: bool,
    /// How many held mails wait for the viewer's decision.
    pub held: i64,
}

impl<'a> Look<'a> {
    /// The installation's language and time zone, now; for nobody in particular.
    pub fn of(app: &'a App) -> Self {
        let server = &app.config.server;
        Self {
            locale: server.locale,
            zone: &server.time_zone,
            now: app.clock.now(),
            viewer: None,
            is_admin: false,
            is_staff: false,
            held: 0,
        }
    }

    /// Likewise, for somebody whose session it is.
    pub fn by(app: &'a App, viewer: &'a Viewer) -> Self {
        Self { viewer: Some(&viewer.name), is_admin: viewer.is_admin, is_staff: viewer.is_staff, held: viewer.held, ..Self::of(app) }
    }

    pub fn texts(&self) -> &'static Texts {
        self.locale.texts()
    }

    /// The text under `key`.
    pub fn t(&self, key: &'static str) -> &'static str {
        self.texts().get(key)
    }

    /// The text under `key` with its places filled.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.texts().fill(key, values)
    }

    /// A word of ours in this language: `word("status", "open")`.
    pub fn word(&self, section: &str, word: &str) -> String {
        self.texts().get(&format!("{section}.{word}")).to_owned()
    }

    /// A notice's reason in words, with the other side's after a colon.
    pub fn reason(&self, written: &str) -> String {
        match self.texts().reason(written) {
            (words, Some(quoted)) => format!("{words}: {quoted}"),
            (words, None) => words,
        }
    }

    pub fn when(&self) -> When<'a> {
        When { texts: self.texts(), zone: self.zone, now: self.now }
    }

    /// `5 分鐘前`, with the exact time as its title.
    fn ago(&self, at: Timestamp) -> Markup {
        let when = self.when();
        html! { time datetime=(at.to_string()) title=(when.absolute(at)) { (when.ago(at)) } }
    }

    /// `14:05`, with the exact time as its title.
    fn clock(&self, at: Timestamp) -> Markup {
        let when = self.when();
        html! { time datetime=(at.to_string()) title=(when.absolute(at)) { (when.clock(at)) } }
    }
}

/// A whole page. `kind` is its class, for the style sheet.
pub fn page(look: &Look<'_>, kind: &str, title: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(look.locale.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                meta name="referrer" content="same-origin";
                title { (title) " · " (look.t("page.product")) }
                link rel="icon" type="image/svg+xml" href=(assets::path("icon.svg"));
                link rel="stylesheet" href=(assets::path("app.css"));
                script type="module" src=(assets::path("app.js")) {}
            }
            body class=(kind) {
                a.skip href="#main" { (look.t("page.skip")) }
                @if let Some(name) = look.viewer { (head(look, name)) }
                main #main { (main) }
            }
        }
    }
}

fn head(look: &Look<'_>, name: &str) -> Markup {
    html! {
        header.top {
            div.top-in {
                a.brand href="/discussions" { (icons::logo()) span { (look.t("page.product")) } }
                nav.menu aria-label=(look.t("page.menu")) {
                    a href="/discussions" { (look.t("page.discussions")) }
                    a href="/projects" { (look.t("page.projects")) }
                    @if look.is_staff { a href="/notices" { (look.t("told.title")) } }
                    @if look.is_admin {
                        a href="/line-accounts" { (look.t("accounts.title")) }
                        a href="/inbound" { (look.t("page.menu_inbound")) }
                    }
                    @if look.held > 0 { a href="/held" title=(look.t("held.title")) { (look.t("page.menu_held")) span.waiting { (look.held) } } }
                }
                div.account {
                    a.account-name href="/me" title=(look.t("page.account")) { (name) }
                    form method="post" action="/logout" { button.quiet type="submit" { (look.t("page.logout")) } }
                }
            }
        }
    }
}

/// Where a discussion stands, as a coloured pill.
pub fn status_pill(look: &Look<'_>, status: Status) -> Markup {
    html! { span class={ "pill st-" (status) } { (look.word("status", status.as_str())) } }
}

/// The mark of an urgent discussion.
pub fn urgent_pill(look: &Look<'_>) -> Markup {
    html! { span.pill.urgent { (icons::icon(Icon::Flame)) (look.t("page.urgent")) } }
}

/// A message about what the reader just did.
pub fn trouble(text: &str) -> Markup {
    html! { p.trouble role="alert" { (icons::icon(Icon::Alert)) span { (text) } } }
}
