//! Identities. Ours are numbers given out by the database; theirs are opaque strings in types of their own.

/// A row's id: a number of ours, never shown to be guessed from.
macro_rules! row_id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

row_id! {
    /// A row of `inbound`.
    InboundId,
    /// A row of `projects`.
    ProjectId,
    /// A row of `persons`.
    PersonId,
    /// A row of `chats`.
    ChatId,
    /// A row of `discussions`; people see its number instead.
    DiscussionId,
    /// A row of `posts`.
    PostId,
    /// A row of `attachments`.
    AttachmentId,
    /// A row of `notices`.
    NoticeId,
    /// A row of `deliveries`.
    DeliveryId,
    /// A row of `notify_tokens`.
    NotifyTokenId,
    /// A row of `announcements`.
    AnnouncementId,
}

/// A string that somebody else made and that only they understand.
macro_rules! external_id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub String);

        impl $name {
            /// The string as they wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(s: &str) -> Self {
                Self(s.to_owned())
            }
        }
    )+};
}

external_id! {
    /// LINE's id of a person, as one provider sees them (`U` + 32 hex digits).
    LineUserId,
    /// LINE's id of a group (`C…`), a room (`R…`) or a user's own chat (`U…`).
    LineChatId,
    /// LINE's id of a message (decimal digits in practice; opaque to us).
    LineMessageId,
    /// A mail's Message-ID without its angle brackets (RFC 5322, 3.6.4).
    MessageId,
}

/// One account on a channel, as it is kept in the database: `line/main`, `mail/support`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inbox(String);

impl Inbox {
    /// The inbox of the LINE Official Account `name` in the configuration.
    pub fn line(name: &str) -> Self {
        Self(format!("line/{name}"))
    }

    /// The inbox of the mailbox `name` in the configuration.
    pub fn mail(name: &str) -> Self {
        Self(format!("mail/{name}"))
    }

    /// As the database has it.
    pub fn stored(s: String) -> Self {
        Self(s)
    }

    /// `line/main`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `main`: the name in the configuration.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }
}
