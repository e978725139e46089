//! Which discussion? Pure: no IO, no clock, no randomness.
//!
//! A decision comes about in this order:
//!
//! 1. [`stream::Stream`] remembers the chat: its latest lines, its discussions, its people.
//! 2. [`words`] reads the new text: its words, what they are about ([`subjects`]), and whether it greets, asks, thanks, brings something up,
//!    promises, reports (word lists, one file a language, in `lexicon`). What one person says in one go is read as one ([`burst`]).
//! 3. [`decide()`] takes what is certain: a quote, a sticker right after one's own words.
//! 4. Otherwise [`features`] says of each recent line, of "new" and of "rest" what speaks for it, [`model`] adds it up with the weights of
//!    `weights.toml` and shares out one chance among all, summed per discussion.
//! 5. [`decide()`] keeps small talk from opening anything, gives the class and the [`title_of`] a new discussion; [`explain`] names the
//!    strongest terms.
//!
//! [`file_together`] says what the server and a replay do with it: [`file()`] puts aside no words of a client that may be a matter, and what
//! is said in one go stands in one place.
//!
//! [`recorded`] runs a recorded chat through this, for measuring and for [`fit`]ting the weights (`examples/fit_threader.rs`).

pub mod burst;
pub mod decide;
mod evidence;
pub mod explain;
pub mod features;
mod filing;
pub mod fit;
pub mod kept;
mod lexicon;
pub mod model;
pub mod recorded;
pub mod stream;
pub mod subjects;
mod title;
pub mod words;

#[cfg(test)]
mod tests;

pub use burst::Burst;
pub use decide::{ALTERNATIVES_MAX, Choice, Class, Placement, decide, seen, title, typed_numbers};
pub use evidence::Evidence;
pub use explain::Reason;
pub use filing::{Begun, Filed, file, file_together, is_smalltalk, together};
pub use model::{Table, Weights};
pub use stream::{Heard, Place, Stream};
pub use title::{excerpt, one_line, possible_titles, said_alone, said_in, title_of};
