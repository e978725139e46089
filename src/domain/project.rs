//! Projects, people and their parts in them.

use super::words;

words! {
    /// A person's part in a project.
    Role { Owner = "owner", Staff = "staff", Client = "client" }
}

impl Role {
    /// Owners and staff answer clients and see internal posts.
    pub fn is_staff(self) -> bool {
        self != Self::Client
    }
}

words! {
    /// A network that messages come from.
    Channel { Line = "line", Email = "email" }
}

words! {
    /// What a project was made for.
    ProjectKind {
        /// Somebody made it for a client.
        Client = "client",
        /// Made for a chat that nobody has bound; only admins see it.
        Chat = "chat",
        /// The one for mail from strangers; only admins see it.
        Triage = "triage",
    }
}

/// The most days after its end that a discussion can be reopened by mail.
pub const REOPEN_DAYS_MAX: i64 = 3650;

/// Key of the project that mail from strangers goes to.
pub const TRIAGE_KEY: &str = "triage";

/// Whether `key` may name a project: 1 to 64 of `a-z 0-9 - _`, beginning with a letter or digit.
pub fn is_project_key(key: &str) -> bool {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    (1..=64).contains(&key.len()) && key.chars().all(ok) && !key.starts_with(['-', '_'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_key_is_short_lower_case_and_plain() {
        for good in ["alpha", "a", "client-2", "7-eleven", "a_b"] {
            assert!(is_project_key(good), "{good}");
        }
        for bad in ["", "Alpha", "-a", "a b", "專案", "a/b", &"x".repeat(65)] {
            assert!(!is_project_key(bad), "{bad}");
        }
    }
}
