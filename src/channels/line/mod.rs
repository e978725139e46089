//! LINE: its webhook's wire form, what its events mean to us, what the bot says, and the calls to its API.
//!
//! The flow in is [`signature::verify`] → [`wire::events`] (kept as received) → [`normalise::normalise`] (ours, total). The
//! flow out is [`render`] (message objects, checked with [`limits`]) → [`client::Line`].

mod access;
pub mod client;
pub mod commands;
mod details;
pub mod limits;
pub mod login;
pub mod normalise;
pub mod render;
pub mod signature;
pub mod wire;

pub use client::{ContentOutcome, Line, LineError, SendOutcome};
pub use normalise::normalise;
