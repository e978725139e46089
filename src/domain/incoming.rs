//! What LINE told us, in our words: made by `channels::line::normalise`, never failing on an authentic event.

use jiff::Timestamp;

use super::{Details, LineChatId, LineMessageId, LineUserId, words};

words! {
    /// The kind of a chat (LINE's `source.type`).
    ChatKind { Group = "group", Room = "room", User = "user" }
}

/// One event of a LINE webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// `webhookEventId`, or a hash of the event's bytes where an old console left it out.
    pub external_id: String,
    /// LINE's time of the event; the same on a redelivery.
    pub at: Timestamp,
    /// Where it happened; absent in events that belong to no chat (a failed account link, module events).
    pub chat: Option<IncomingChat>,
    /// Who did it. LINE may leave it out anywhere (no profile consent).
    pub author: Option<LineUserId>,
    /// What happened.
    pub act: Act,
    /// Answers for free, once, within a minute of its arrival.
    pub reply_token: Option<String>,
    /// Another module channel is in charge: we record and never send.
    pub standby: bool,
}

impl Incoming {
    /// The message whose words it brings.
    pub fn message(&self) -> Option<&LineMessageId> {
        match &self.act {
            Act::Say(said) | Act::Edit(said) => Some(&said.message),
            _ => None,
        }
    }
}

/// Which chat, by LINE's id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IncomingChat {
    /// Group, room or one user's own chat.
    pub kind: ChatKind,
    /// `groupId`, `roomId` or `userId`.
    pub id: LineChatId,
}

/// What happened in a LINE event.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Somebody wrote, or sent a picture, a file, a sticker, a place.
    Say(Said),
    /// Somebody changed a text of theirs: the message as it reads now. The newest [`Incoming::at`] wins.
    Edit(Said),
    /// Somebody took a message back: it may no longer be shown or kept.
    Unsend { message: LineMessageId },
    /// The bot was invited.
    BotJoined,
    /// The bot was removed.
    BotLeft,
    /// People came.
    MembersJoined(Vec<LineUserId>),
    /// People went.
    MembersLeft(Vec<LineUserId>),
    /// A user added the account as a friend (or unblocked it).
    Followed,
    /// A user blocked the account.
    Unfollowed,
    /// A button was tapped; `data` is what we put on it.
    Tapped { data: String },
    /// Something that LINE tells of an account or a user and that is no part of a record of words.
    Signal(Signal),
    /// A kind of event that we do not know, or one without what makes it that: kept and shown as its `type`.
    Unsupported { kind: String },
}

/// What LINE tells beside what is said. Source: Messaging API reference, "Webhook event objects"; partner docs, "Module channel-specific
/// webhook events".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A user linked, or failed to link, their LINE account with a service's (`accountLink`).
    AccountLink { ok: bool },
    /// A user saw a video to its end (`videoPlayComplete`).
    VideoSeen { tracking: String },
    /// A user is near a beacon (`beacon`); `kind` is LINE's word for how.
    Beacon { hardware: String, kind: String },
    /// A user joined, left or renewed a membership of the account (`membership`); `kind` is LINE's word for which.
    Membership { kind: String },
    /// A notification message was delivered (`delivery`).
    NotificationDelivered,
    /// A module channel was attached to, or detached from, the account (`module`).
    Module { attached: bool },
    /// A module channel was given a chat to answer (`activated`).
    Activated,
    /// It is no longer to answer (`deactivated`).
    Deactivated,
    /// LINE stopped the account (`botSuspended`).
    BotSuspended,
    /// LINE lets it work again (`botResumed`).
    BotResumed,
}

impl Signal {
    /// LINE's `type` of the event.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AccountLink { .. } => "accountLink",
            Self::VideoSeen { .. } => "videoPlayComplete",
            Self::Beacon { .. } => "beacon",
            Self::Membership { .. } => "membership",
            Self::NotificationDelivered => "delivery",
            Self::Module { .. } => "module",
            Self::Activated => "activated",
            Self::Deactivated => "deactivated",
            Self::BotSuspended => "botSuspended",
            Self::BotResumed => "botResumed",
        }
    }

    /// What happened, for the list of what arrived.
    pub fn in_words(&self) -> String {
        let said = match self {
            Self::AccountLink { ok: true } => "a user linked their account; no part of the record".to_owned(),
            Self::AccountLink { ok: false } => "a user could not link their account; no part of the record".to_owned(),
            Self::VideoSeen { tracking } => format!("a user saw the video {tracking:?} to its end; no part of the record"),
            Self::Beacon { hardware, kind } => format!("a user met the beacon {hardware:?} ({kind}); no part of the record"),
            Self::Membership { kind } => format!("a user's membership changed ({kind}); no part of the record"),
            Self::NotificationDelivered => "a notification message was delivered; no part of the record".to_owned(),
            Self::Module { attached: true } => "a module channel was attached to the account".to_owned(),
            Self::Module { attached: false } => "a module channel was detached from the account".to_owned(),
            Self::Activated => "a module channel answers in this chat from now on".to_owned(),
            Self::Deactivated => "the module channel no longer answers in this chat".to_owned(),
            Self::BotSuspended => "LINE has suspended the account".to_owned(),
            Self::BotResumed => "LINE lets the account work again".to_owned(),
        };
        format!("{}: {said}", self.kind())
    }
}

/// A message's content.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// LINE's id of the message: what quotes, edits and unsends refer to.
    pub message: LineMessageId,
    /// `text`, `sticker`, `image`, `video`, `audio`, `file`, `location`, or whatever LINE called it.
    pub kind: String,
    /// What a person reads: the text; for a location its title, address and coordinates; for a sticker its text or keywords; empty
    /// where an attachment says it all.
    pub text: String,
    /// The message that this one quotes.
    pub quotes: Option<LineMessageId>,
    /// Whether the bot itself is mentioned.
    pub mentions_bot: bool,
    /// The file that comes with it, not yet fetched.
    pub attachment: Option<LineAttachment>,
    /// A message kind that we cannot show: its post says so.
    pub unsupported: bool,
    /// What belongs to it beside its characters.
    pub details: Details,
}

/// A file in a LINE message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineAttachment {
    /// The file's name, made from kind and message id where LINE gives none (`image-6123.jpg`).
    pub name: String,
    /// As far as the kind tells; the download's own header replaces it.
    pub content_type: String,
    /// Octets, where LINE tells.
    pub size: Option<u64>,
    /// Where it lies.
    pub at: LineContent,
}

/// Where a LINE message's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineContent {
    /// At LINE: `GET /v2/bot/message/{id}/content` with the channel's token.
    Line,
    /// Elsewhere (`contentProvider.type: external`); never fetched, since our token may not go there.
    External { url: String },
}
