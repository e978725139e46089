//! What LINE told us, in our words: made by `channels::line::normalise`, never failing on an authentic event.

use jiff::Timestamp;

use super::{LineChatId, LineMessageId, LineUserId, words};

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
    /// Somebody changed a text of theirs; the newest [`Incoming::at`] wins.
    Edit { message: LineMessageId, text: String },
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
    /// A kind of event that we do not know or have no use for: kept and shown as its `type`.
    Unsupported { kind: String },
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
