//! A stand-in for the outside world: the LINE platform with its people and groups ([`Platform`]), and the page from which a
//! visitor plays them ([`demo`]). The tests, the benches and `threadline demo` use it; `serve` never does.
//!
//! The platform is held to LINE's documentation by its own tests, and keeps a list of what a well-behaved client never does
//! ([`Platform::violations`]).

mod api;
mod content;
pub mod demo;
mod demo_mail;
mod faults;
mod people;
mod platform;
mod sending;
mod webhook;

#[cfg(test)]
mod tests;

pub use api::Endpoint;
pub use content::Upload;
pub use faults::{Chaos, Fault, FaultKind};
pub use people::{Event, Say};
pub use platform::{Entry, Platform, RequestSeen, Sent, Settings, Speaker, Violation, serve};
pub use webhook::{Delivered, How};
