//! The nouns and their rules. No IO, no clock, no SQL.

mod budget;
mod calendar;
mod code;
mod correction;
mod details;
mod forecast;
mod gap;
mod happening;
mod ids;
mod incoming;
mod listening;
mod mail;
mod mentions;
mod notice;
mod patience;
mod project;
mod reply;
mod script;
mod thread;
mod why;

pub use budget::*;
pub use calendar::*;
pub use code::*;
pub use correction::*;
pub use details::*;
pub use forecast::*;
pub use gap::*;
pub use happening::*;
pub use ids::*;
pub use incoming::*;
pub use listening::*;
pub use mail::*;
pub use mentions::*;
pub use notice::*;
pub use patience::*;
pub use project::*;
pub use reply::*;
pub use script::*;
pub use thread::*;
pub use why::*;

/// Gives an enum its one spelling in the database, in JSON and in URLs.
macro_rules! words {
    // The words are `tt`: of a `literal`, the derives that read attributes see nothing.
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:tt),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word for it in the database, in JSON and in URLs.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The value that `word` stands for.
            pub fn find(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;
