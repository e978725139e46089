//! What people do, one file an act. Each takes the transaction that it is part of.

mod access;
mod audience;
mod bind;
mod correct;
mod open;
mod post;
mod unsend;
mod urgent;

pub use access::{Viewer, role_in};
pub use audience::{Told, promise};
pub use bind::bind_chat;
pub use correct::{CorrectError, merge, move_post, split};
pub use open::open;
pub use post::{NewWords, Written, post};
pub use unsend::{edit, unsend};
pub use urgent::set_urgent;
