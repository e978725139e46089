//! One folder a network; its wire types never leave it.

pub mod email;
pub mod line;
