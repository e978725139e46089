//! Small drawings, part of the page so that nothing is fetched for them. They say nothing that the text beside them does not.

use maud::{Markup, PreEscaped, html};

use crate::domain::Source;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Chat,
    Mail,
    Globe,
    Code,
    File,
    Lock,
    Flame,
    Alert,
    Search,
    Back,
    Pencil,
    Clock,
    Check,
    Info,
    Picture,
    Film,
    Sound,
}

impl Icon {
    /// The door that a post came in by.
    pub fn of(source: Source) -> Self {
        match source {
            Source::Line => Self::Chat,
            Source::Email => Self::Mail,
            Source::Web => Self::Globe,
            Source::Api => Self::Code,
        }
    }

    /// Paths on a field of 16 by 16, drawn with a round pen.
    fn paths(self) -> &'static str {
        match self {
            Self::Chat => "M8 2.5c3.3 0 6 2.1 6 4.8s-2.7 4.8-6 4.8l-.9-.05L4.3 14v-2.7C2.9 10.4 2 9 2 7.3c0-2.7 2.7-4.8 6-4.8z",
            Self::Mail => "M2.5 3.5h11v9h-11zM2.7 4l5.3 4.5L13.3 4",
            Self::Globe => "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM2 8h12M8 2c2 1.8 2.6 3.8 2.6 6S10 12.2 8 14c-2-1.8-2.6-3.8-2.6-6S6 3.8 8 2z",
            Self::Code => "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5",
            Self::File => "M4 1.8h5l3.2 3.2v9.2H4zM9 1.8V5h3.2",
            Self::Lock => "M4 7.2h8v6H4zM5.5 7.2V5a2.5 2.5 0 0 1 5 0v2.2",
            Self::Flame => "M8.3 1.8c.5 2.3 3.7 3.6 3.7 7.2a4 4 0 0 1-8 0c0-1.6.8-2.7 1.7-3.5.1 1.2.6 1.9 1.3 2.2-.2-2.3.3-4.3 1.3-5.9z",
            Self::Alert => "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3.8M8 11v.1",
            Self::Search => "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3l3.4 3.4",
            Self::Back => "M9.5 3.5 5 8l4.5 4.5",
            Self::Pencil => "M3 13l.6-2.8L10.8 3 13 5.2l-7.2 7.2z",
            Self::Clock => "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.8V8l2.2 1.6",
            Self::Info => "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 7.3V11M8 5v.1",
            Self::Picture => "M2.5 3h11v10h-11zM2.7 11.5l3.2-3.4 2.4 2.4 2-1.9 3 2.9M10.6 5.8v.1",
            Self::Film => "M2.5 3.5h11v9h-11zM6.7 6v4l3.4-2z",
            Self::Sound => "M3 6.3h2.2L8.5 3.5v9L5.2 9.7H3zM11 6a3 3 0 0 1 0 4M12.8 4.2a5.5 5.5 0 0 1 0 7.6",
            Self::Check => "M3 8.5l3.3 3.3L13 4.8",
        }
    }
}

/// The drawing, as large as the text around it.
pub fn icon(which: Icon) -> Markup {
    html! {
        svg.icon viewBox="0 0 16 16" aria-hidden="true" { path d=(which.paths()) {} }
    }
}

/// The product's mark: a thread that ties.
pub fn logo() -> Markup {
    PreEscaped(include_str!("../assets/icon.svg").replacen("<svg ", "<svg class=\"logo\" aria-hidden=\"true\" ", 1))
}
