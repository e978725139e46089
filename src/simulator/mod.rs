//! A stand-in for the outside world: the LINE platform with its people and groups ([`Platform`]), and the page from which a
//! visitor plays them ([`demo`]). The tests, the benches and `threadline demo` use it; `serve` never does.
//!
//! The platform is held to LINE's documentation by its own tests, and keeps a list of what a well-behaved client never does
//! ([`Platform::violations`]).

mod api;
mod comings;
mod content;
mod cord;
pub mod demo;
mod events;
mod faults;
mod kept;
mod people;
mod pictures;
mod platform;
mod rarer;
mod reading;
mod sending;
mod sent;
mod state;
mod tokens;
mod webhook;

#[cfg(test)]
mod tests;

pub use api::Endpoint;
pub use content::Upload;
pub use events::Event;
pub use faults::{Chaos, Fault, FaultKind};
pub use people::Say;
pub use platform::{Platform, Settings, serve};
pub use sent::{Entry, RequestSeen, Sent, Speaker, Violation};
pub use webhook::{Delivered, How};
