//! Saying something in a discussion: by LINE, by mail, on the page or through the API.

use jiff::Timestamp;

use super::audience::{Told, promise};
use crate::App;
use crate::domain::{ChatId, InboundId, PersonId, PostId, Role, Source, Status};
use crate::store::discussions::Discussion;
use crate::store::posts::NewPost;
use crate::store::{Result, Tx, discussions, posts};
use crate::threading::Evidence;

/// What somebody said.
#[derive(Clone, Debug)]
pub struct NewWords<'a> {
    pub person: Option<PersonId>,
    pub role: Role,
    pub source: Source,
    pub internal: bool,
    /// The chat that it was said in.
    pub chat: Option<ChatId>,
    /// LINE's message id, or the mail's Message-ID.
    pub external_id: Option<&'a str>,
    pub inbound: Option<InboundId>,
    /// `text`, `image`, … `mail`; `unsupported:KIND`.
    pub kind: &'a str,
    pub body: &'a str,
    /// The whole text of a mail, where the body is a part of it.
    pub whole: Option<&'a str>,
    pub evidence: &'a Evidence,
    /// When it was said; what is told of it counts from now.
    pub at: Timestamp,
    /// Whether it is a discussion's first post.
    pub opens: bool,
    /// Nothing may be sent to the chat (LINE's standby mode).
    pub silent: bool,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Written {
    pub discussion: Discussion,
    /// `None`: the LINE message has a post already.
    pub post: Option<PostId>,
}

/// Adds the post, reopens what was done if a client speaks, and promises to tell everybody concerned.
pub async fn post(tx: &mut Tx, app: &App, mut discussion: Discussion, words: NewWords<'_>) -> Result<Written> {
    let now = app.clock.now();
    let added = posts::add(
        tx,
        &NewPost {
            discussion: discussion.id,
            person: words.person,
            role: words.role,
            source: words.source,
            internal: words.internal,
            chat: words.chat,
            external_id: words.external_id,
            inbound: words.inbound,
            kind: words.kind,
            body: words.body,
            whole: words.whole,
            evidence: &words.evidence.to_json(),
            created_at: words.at,
            recorded_at: now,
        },
    )
    .await?;
    let Some(post) = added else { return Ok(Written { discussion, post: None }) };
    discussions::touch(tx, discussion.id, words.at).await?;
    if discussion.status.is_done() && !words.role.is_staff() {
        discussions::set_status(tx, discussion.id, Status::Open).await?;
        discussion.status = Status::Open;
    }
    let told = Told {
        post,
        by: words.person,
        by_staff: words.role.is_staff(),
        source: words.source,
        internal: words.internal,
        opens: words.opens,
        silent: words.silent,
    };
    promise(tx, app, &discussion, &told).await?;
    Ok(Written { discussion, post: Some(post) })
}
