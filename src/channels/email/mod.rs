//! Email without any IO: raw bytes to [`IncomingMail`](crate::domain::IncomingMail) and posts to raw bytes.
//!
//! [`parse`] reads a mail, with the help of [`charset`] and [`html`]; [`reply_text`] finds what is new in it, [`auto_mail`]
//! whether a person wrote it, [`authenticity`] whether its author is who they say. [`address`] makes and reads the tokens
//! and tags by which an answer finds its discussion, [`render`] builds the mails that we send, with pictures that [`picture`]
//! knows, [`orders`] are what a colleague tells us in the first lines of an answer, and [`as_sent`] makes a mail's HTML safe to show.

pub mod address;
pub mod as_sent;
pub mod authenticity;
pub mod auto_mail;
mod auto_words;
pub mod charset;
pub mod connection;
pub mod dkim;
pub mod header;
mod hops;
pub mod html;
pub mod imap;
pub mod maildir;
pub mod oauth;
pub mod orders;
pub mod parse;
pub mod picture;
pub mod render;
pub mod reply_text;
pub mod smtp;

pub use header::HeaderField;

/// The header of our own mails that carries the delivery's id; its presence in an incoming mail means a loop.
pub const DELIVERY_HEADER: &str = "X-Threadline-Delivery";

#[cfg(test)]
mod hostile;

#[cfg(test)]
#[path = "../../../tests/journeys/support/dovecot.rs"]
#[expect(dead_code, reason = "the journeys use more of it")]
mod dovecot;
#[cfg(test)]
#[path = "../../../tests/journeys/support/tokens.rs"]
mod tokens;
