//! What is shown where a page cannot be.

use maud::{Markup, html};

use super::{Look, page};

/// What went wrong, as the reader is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    NotFound,
    Forbidden,
    TooMany,
    TooLarge,
    Bad,
    Broken,
}

impl Wrong {
    pub const ALL: [Self; 6] = [Self::NotFound, Self::Forbidden, Self::TooMany, Self::TooLarge, Self::Bad, Self::Broken];

    /// Keys of the title and the text.
    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::NotFound => ("error.not_found_title", "error.not_found_text"),
            Self::Forbidden => ("error.forbidden_title", "error.forbidden_text"),
            Self::TooMany => ("error.too_many_title", "error.too_many_text"),
            Self::TooLarge => ("error.too_large_title", "error.too_large_text"),
            Self::Bad => ("error.bad_title", "error.bad_text"),
            Self::Broken => ("error.broken_title", "error.broken_text"),
        }
    }
}

/// The page; `status` is the HTTP status, for those who ask for help.
pub fn error(look: &Look<'_>, wrong: Wrong, status: u16) -> Markup {
    let (title, text) = wrong.keys();
    let main = html! {
        section.message {
            p.message-code { (status) }
            h1 { (look.t(title)) }
            p { (look.t(text)) }
            p { a.button href="/discussions" { (look.t("error.home")) } }
        }
    };
    page(look, "page-message", look.t(title), &main)
}
