//! What people do, one file an act. Each takes the transaction that it is part of.

mod access;
mod audience;
mod bind;
mod chat_news;
mod correct;
mod open;
mod post;
mod quotes;
mod unsend;
mod urgent;

pub use access::{Viewer, role_in};
pub use audience::{Told, promise};
pub use bind::{bind_chat, own_project_key, unbind_chat};
pub use chat_news::{ChatNews, tell_of_gap, tell_of_newcomer};
pub use correct::{CorrectError, merge, move_post, split};
pub use open::open;
pub use post::{Tell, Written, begin, post};
pub use quotes::{bring, follow_quote};
pub use unsend::{Wording, edit, unsend, word_of_kind};
pub use urgent::set_urgent;
