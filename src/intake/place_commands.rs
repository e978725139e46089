//! What typed commands lead to. A command is no post: what it led to stands with its inbound row, and its text is not kept.

use super::place::{PlaceError, Placed};
use super::place_line::Arrived;
use crate::App;
use crate::channels::line::commands::Typed;
use crate::discussions as acts;
use crate::domain::{ChatKind, CodePurpose, Reply};
use crate::store::chats::Chat;
use crate::store::{Tx, inbound};

/// Does what was typed; `None` where it is something said after all.
pub(super) async fn obey(tx: &mut Tx, app: &App, arrived: &Arrived<'_>, chat: &Chat, typed: &Typed) -> Result<Option<Placed>, PlaceError> {
    let alone = chat.kind == ChatKind::User;
    let (purpose, code) = match typed {
        Typed::Progress => {
            acts::answer(tx, app, chat.id, &Reply::Progress {}, arrived.row.received_at).await?;
            return done(tx, arrived, "a command: progress").await.map(Some);
        }
        Typed::Bind { code } => (CodePurpose::Bind, code.as_deref()),
        Typed::Link { code } => (CodePurpose::Link, code.as_deref()),
        Typed::Code { code } => {
            // Eight letters and digits may be a part number: only a code that waits is one.
            if !acts::is_waiting_link(tx, app, chat, code).await? {
                return Ok(None);
            }
            (CodePurpose::Link, Some(code.as_str()))
        }
    };
    let author = arrived.incoming.author.as_ref();
    let Some(reply) = acts::use_code(tx, app, chat, (purpose, code), author, alone).await? else {
        return done(tx, arrived, "a command: too many wrong codes were typed here lately").await.map(Some);
    };
    acts::reply(tx, app, chat.id, &reply, arrived.row.received_at).await?;
    let note = match reply {
        Reply::Bound { .. } => "a command: the chat was bound",
        Reply::Linked { .. } => "a command: a LINE account was linked",
        Reply::NoSuchCode {} => "a command: the code is wrong or too old",
        Reply::NotHere {} => "a command: a code to link with does not belong into a group",
        _ => "a command: refused",
    };
    done(tx, arrived, note).await.map(Some)
}

async fn done(tx: &mut Tx, arrived: &Arrived<'_>, note: &str) -> Result<Placed, PlaceError> {
    inbound::forget_own_body(tx, arrived.row.id).await?;
    Ok(Placed::ignored(note))
}
