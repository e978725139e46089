//! What people do, one file an act. Each takes the transaction that it is part of.

mod access;
mod apart;
mod audience;
mod bind;
mod change;
mod chat_news;
mod codes;
mod correct;
mod link;
mod open;
mod post;
mod quotes;
mod reply;
mod solved;
mod unsend;
mod urgent;

pub use access::{Viewer, role_in};
pub use apart::{Apart, set_apart};
pub use audience::{Told, promise};
pub use bind::{bind_chat, own_project_key, unbind_chat};
pub use change::{Change, ChangeError, assignable, change, plain_title};
pub use chat_news::{ChatNews, tell_of_gap, tell_of_newcomer};
pub use codes::{is_waiting_link, make_code, use_code};
pub use correct::{CorrectError, Splitting, merge, move_post, split};
pub use link::{Linking, link, unlink};
pub use open::open;
pub use post::{Tell, Written, begin, post};
pub use quotes::{bring, follow_quote};
pub use reply::{answer, reply};
pub use solved::{not_solved, solved};
pub use unsend::{Wording, edit, unsend, word_of_kind};
