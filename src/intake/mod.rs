//! From bytes to posts: what arrives is made durable ([`accept`]), then placed ([`place`]); files are fetched beside it ([`media`]), small
//! pictures made of them ([`thumbnails`]) and mailboxes read ([`mailbox`]). What is not in an event is asked of LINE ([`learn`],
//! [`pictures`]); [`watch`] notices when events may be lost.

pub mod accept;
mod auto_answers;
mod bounces;
mod copied_in;
mod copies;
mod deciding;
pub mod held_mail;
pub mod learn;
mod mail_orders;
pub mod mailbox;
pub mod media;
mod passed_on;
pub mod pictures;
pub mod place;
mod place_commands;
mod place_line;
mod place_mail;
mod place_people;
mod place_said;
mod place_taps;
mod reopening;
pub mod thumbnails;
pub mod watch;
