//! What was changed about a discussion.

use super::{CorrectionKind, Status, words};

words! {
    /// The kind of a change.
    HappeningKind {
        Status = "status",
        Assignee = "assignee",
        Title = "title",
        Urgent = "urgent",
        /// Somebody tapped that an answer did not solve it.
        NotSolved = "not_solved",
        /// Everything of another discussion came here.
        Merged = "merged",
        /// Some of its posts became a discussion of their own.
        Split = "split",
        /// It was made of some of another's posts.
        SplitFrom = "split_from",
        /// A post came from another discussion.
        MovedHere = "moved_here",
        /// A post went to another discussion.
        MovedAway = "moved_away",
        /// A correction was taken back.
        Undone = "undone",
        /// A mail that waited for a person was taken as a post.
        MailAccepted = "mail_accepted",
        /// It was decided against.
        MailDismissed = "mail_dismissed",
        /// One of the two was taken back.
        MailHeldAgain = "mail_held_again",
        /// A mail address became a person's.
        AddressLinked = "address_linked",
        /// It is theirs no more.
        AddressUnlinked = "address_unlinked",
        /// Somebody's mail program answered by itself.
        AutoReplied = "auto_replied",
        /// A mail of ours came back.
        Bounced = "bounced",
        /// A colleague passed a client's mail on.
        PassedOn = "passed_on",
        /// It goes on with what a discussion began that was done long ago.
        Continues = "continues",
        /// Another goes on with it.
        ContinuedIn = "continued_in",
    }
}

/// One change with what it changed to; kept as JSON. Numbers are discussions'. An old title is not kept: it may have been drawn from
/// words that were taken back since.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    Status {
        from: Status,
        to: Status,
    },
    /// `to`: the name of who looks after it from now on.
    Assignee {
        to: Option<String>,
    },
    Title {
        to: String,
    },
    Urgent {
        to: bool,
    },
    NotSolved {},
    Merged {
        from: i64,
    },
    Split {
        to: i64,
    },
    SplitFrom {
        from: i64,
    },
    MovedHere {
        from: i64,
    },
    MovedAway {
        to: i64,
    },
    /// `other`: the discussion that it was corrected with.
    Undone {
        of: CorrectionKind,
        other: i64,
    },
    /// `from`: the address that the mail came from, here and below.
    MailAccepted {
        from: String,
    },
    MailDismissed {
        from: String,
    },
    MailHeldAgain {
        from: String,
    },
    AddressLinked {
        address: String,
    },
    AddressUnlinked {
        address: String,
    },
    /// The beginning of what it says.
    AutoReplied {
        text: String,
    },
    /// Whom the mail was to, and the other server's words.
    Bounced {
        address: String,
        reason: String,
    },
    PassedOn {},
    Continues {
        from: i64,
    },
    ContinuedIn {
        to: i64,
    },
}

impl Happening {
    /// Its kind: what it is looked for by.
    pub fn kind(&self) -> HappeningKind {
        match self {
            Self::Status { .. } => HappeningKind::Status,
            Self::Assignee { .. } => HappeningKind::Assignee,
            Self::Title { .. } => HappeningKind::Title,
            Self::Urgent { .. } => HappeningKind::Urgent,
            Self::NotSolved {} => HappeningKind::NotSolved,
            Self::Merged { .. } => HappeningKind::Merged,
            Self::Split { .. } => HappeningKind::Split,
            Self::SplitFrom { .. } => HappeningKind::SplitFrom,
            Self::MovedHere { .. } => HappeningKind::MovedHere,
            Self::MovedAway { .. } => HappeningKind::MovedAway,
            Self::Undone { .. } => HappeningKind::Undone,
            Self::MailAccepted { .. } => HappeningKind::MailAccepted,
            Self::MailDismissed { .. } => HappeningKind::MailDismissed,
            Self::MailHeldAgain { .. } => HappeningKind::MailHeldAgain,
            Self::AddressLinked { .. } => HappeningKind::AddressLinked,
            Self::AddressUnlinked { .. } => HappeningKind::AddressUnlinked,
            Self::AutoReplied { .. } => HappeningKind::AutoReplied,
            Self::Bounced { .. } => HappeningKind::Bounced,
            Self::PassedOn {} => HappeningKind::PassedOn,
            Self::Continues { .. } => HappeningKind::Continues,
            Self::ContinuedIn { .. } => HappeningKind::ContinuedIn,
        }
    }

    /// Whether clients are not shown it: it names addresses, or what is only our concern.
    pub fn is_for_staff(&self) -> bool {
        matches!(
            self,
            Self::MailAccepted { .. }
                | Self::MailDismissed { .. }
                | Self::MailHeldAgain { .. }
                | Self::AddressLinked { .. }
                | Self::AddressUnlinked { .. }
                | Self::AutoReplied { .. }
                | Self::Bounced { .. }
                // Clients see the result as if it had always been so.
                | Self::Merged { .. }
                | Self::Split { .. }
                | Self::SplitFrom { .. }
                | Self::MovedHere { .. }
                | Self::MovedAway { .. }
                | Self::Undone { .. }
                | Self::Title { .. }
        )
    }

    /// As it is kept.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a happening is plain words and numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_happening_is_kept_under_its_kind() {
        let all = [
            Happening::Status { from: Status::Open, to: Status::Resolved },
            Happening::Assignee { to: None },
            Happening::Title { to: "報價".into() },
            Happening::Urgent { to: true },
            Happening::NotSolved {},
            Happening::Merged { from: 1 },
            Happening::Split { to: 2 },
            Happening::SplitFrom { from: 3 },
            Happening::MovedHere { from: 4 },
            Happening::MovedAway { to: 5 },
            Happening::Undone { of: CorrectionKind::Merge, other: 6 },
            Happening::MailAccepted { from: "a@b".into() },
            Happening::MailDismissed { from: "a@b".into() },
            Happening::MailHeldAgain { from: "a@b".into() },
            Happening::AddressLinked { address: "a@b".into() },
            Happening::AddressUnlinked { address: "a@b".into() },
            Happening::AutoReplied { text: "休假中".into() },
            Happening::Bounced { address: "a@b".into(), reason: "5.1.1".into() },
            Happening::PassedOn {},
            Happening::Continues { from: 6 },
            Happening::ContinuedIn { to: 7 },
        ];
        assert_eq!(all.iter().map(Happening::kind).collect::<Vec<_>>(), HappeningKind::ALL);
        for one in all {
            let json = one.to_json();
            assert!(json.starts_with(&format!(r#"{{"kind":"{}""#, one.kind())), "{json}");
            assert_eq!(serde_json::from_str::<Happening>(&json).unwrap(), one);
        }
    }
}
