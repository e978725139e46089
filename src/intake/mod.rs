//! From bytes to posts: what arrives is made durable ([`accept`]), then placed ([`place`]); files are fetched beside it ([`media`]), small
//! pictures made of them ([`thumbnails`]) and mailboxes read ([`mailbox`]).

pub mod accept;
pub mod learn;
pub mod mailbox;
pub mod media;
pub mod place;
mod place_line;
mod place_mail;
mod place_said;
pub mod thumbnails;
