//! Discussions and posts.

use super::words;

words! {
    /// Where a discussion stands.
    Status { Open = "open", InProgress = "in_progress", Waiting = "waiting", Resolved = "resolved", Closed = "closed" }
}

impl Status {
    /// Resolved and closed ones need nobody's attention; a client's new post reopens them.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed)
    }
}

words! {
    /// The door that a post came in by.
    Source { Line = "line", Email = "email", Web = "web", Api = "api" }
}

/// The longest title that is drawn from what was said, and the longest that a card shows, in grapheme clusters.
pub const TITLE_GRAPHEMES_MAX: usize = 40;

/// The longest title that a person gives (on the page, through the API, as a mail's subject), in grapheme clusters.
pub const GIVEN_TITLE_GRAPHEMES_MAX: usize = 120;

/// The longest post body, in bytes; what is longer is refused at the page and the API.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
