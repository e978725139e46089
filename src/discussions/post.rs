//! Saying something in a discussion: by LINE, by mail, on the page or through the API.

use jiff::Timestamp;

use super::audience::{Told, promise};
use super::titles::entitle;
use crate::App;
use crate::domain::{Happening, PostId, Status};
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::posts::NewPost;
use crate::store::{Result, Tx, discussion_events, discussions, posts};

/// Who is to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// Everybody concerned.
    Everybody,
    /// Everybody, but nothing may be sent to the chat (LINE's standby mode).
    NotTheChat,
    /// Nobody: it was taken back before it arrived. Of what is no matter of its own nobody is told anyway.
    Nobody,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Written {
    pub discussion: Discussion,
    /// `None`: the LINE message has a post already.
    pub post: Option<PostId>,
}

/// Adds the post, reopens what was done if a client speaks, and promises to tell everybody concerned.
pub async fn post(tx: &mut Tx, app: &App, discussion: Discussion, new: &NewPost<'_>, tell: Tell) -> Result<Written> {
    write(tx, app, discussion, new, (tell, false)).await
}

/// Likewise, with the first words of a discussion.
pub async fn begin(tx: &mut Tx, app: &App, discussion: Discussion, new: &NewPost<'_>, tell: Tell) -> Result<Written> {
    write(tx, app, discussion, new, (tell, true)).await
}

/// A client spoke: what was done is open again.
pub(super) async fn reopen(tx: &mut Tx, discussion: &mut Discussion, by: By, at: Timestamp) -> Result<()> {
    if discussion.status.is_done() {
        discussions::set_status(tx, discussion.id, Status::Open).await?;
        let what = Happening::Status { from: discussion.status, to: Status::Open };
        discussion_events::add(tx, discussion.id, by, at, &what).await?;
        discussion.status = Status::Open;
    }
    Ok(())
}

async fn write(tx: &mut Tx, app: &App, mut discussion: Discussion, new: &NewPost<'_>, (tell, opens): (Tell, bool)) -> Result<Written> {
    let Some(post) = posts::add(tx, discussion.id, new, app.clock.now()).await? else { return Ok(Written { discussion, post: None }) };
    discussions::touch(tx, discussion.id, new.at).await?;
    // Until now it held notes for staff alone.
    if !new.internal && !discussion.other && discussion.title == app.texts().get("discussion.untitled") {
        entitle(tx, app, discussion.id).await?;
        discussion = discussions::get(tx, discussion.id).await?;
    }
    if tell == Tell::Nobody || discussion.other {
        return Ok(Written { discussion, post: Some(post) });
    }
    if !new.role.is_staff() {
        reopen(tx, &mut discussion, By { person: new.person, via: new.source }, new.at).await?;
    }
    let told = Told {
        post,
        by: new.person,
        by_staff: new.role.is_staff(),
        source: new.source,
        internal: new.internal,
        opens,
        silent: tell == Tell::NotTheChat,
    };
    promise(tx, app, &discussion, &told).await?;
    Ok(Written { discussion, post: Some(post) })
}
