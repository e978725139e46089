//! One mail in several mailboxes of the installation: whoever writes to two of our addresses has written once.

use super::place::{PlaceError, Placed};
use super::place_mail::{self, ReadMail};
use crate::App;
use crate::domain::{Authenticity, Inbox};
use crate::store::Tx;
use crate::store::inbound::{self, Inbound, InboundStatus};

/// What is done with a mail that another mailbox brought as well and that has been dealt with there; `None` where there is none.
///
/// Of two copies that are placed at the same moment by two nodes the later row steps back, so that neither waits for the other.
pub(super) async fn find(tx: &mut Tx, app: &App, row: &Inbound, read: &ReadMail) -> Result<Option<Placed>, PlaceError> {
    // What has no Message-ID is named after its bytes, which each mailbox marks in its own way.
    if app.config.mailbox.len() < 2 || read.mail.message_id.is_none() {
        return Ok(None);
    }
    for mailbox in app.config.mailbox.iter().filter(|m| m.name != row.inbox.name()) {
        let inbox = Inbox::mail(&mailbox.name);
        let Some(mut copy) = inbound::copy(tx, app.db.dialect, &inbox, row).await? else { continue };
        if copy.status == InboundStatus::Received && copy.row.id < row.id && !inbound::claim(tx, app.db.dialect, copy.row.id).await? {
            let Some(now) = inbound::copy(tx, app.db.dialect, &inbox, row).await? else { continue };
            if now.status == InboundStatus::Received {
                return Err(PlaceError::NotYet("the same mail is being placed from another mailbox"));
            }
            copy = now;
        }
        let proves_more = copy.status == InboundStatus::Held && read.mail.authenticity == Authenticity::Pass;
        let is_dealt_with = matches!(copy.status, InboundStatus::Done | InboundStatus::Ignored | InboundStatus::Held);
        if is_dealt_with && !proves_more && says_the_same(app, &copy.row, read).await {
            let note = format!("the same mail came to the mailbox {} already", mailbox.name);
            return Ok(Some(Placed { discussion: copy.discussion, ..Placed::ignored(note) }));
        }
    }
    Ok(None)
}

/// Whether the other mail has the same author and words: anybody can write a Message-ID that they have seen.
async fn says_the_same(app: &App, copy: &Inbound, read: &ReadMail) -> bool {
    let Ok(other) = place_mail::read(app, copy).await else { return false };
    let author = |read: &ReadMail| read.mail.from.as_ref().map(|f| f.address.clone());
    let files = |read: &ReadMail| read.files.iter().map(|(_, _, kept)| kept.sha256.clone()).collect::<Vec<_>>();
    author(&other) == author(read) && other.mail.text == read.mail.text && files(&other) == files(read)
}
