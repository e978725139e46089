//! One mail in several mailboxes of the installation: whoever writes to two of our addresses has written once.

use super::place::{PlaceError, Placed};
use super::place_mail::{self, ReadMail};
use crate::App;
use crate::domain::{Authenticity, InboundId, Inbox};
use crate::store::inbound::{self, Inbound, InboundStatus};
use crate::store::{self, Tx};

/// The rows of other mailboxes that hold the same mail: its Message-ID, which anybody may write who has seen it, and its author and words.
pub(super) async fn of(app: &App, row: &Inbound, read: &ReadMail) -> Result<Vec<InboundId>, store::Error> {
    let mut found = vec![];
    // What has no Message-ID is named after its bytes, which each mailbox marks in its own way.
    if app.config.mailbox.len() < 2 || read.mail.message_id.is_none() {
        return Ok(found);
    }
    for mailbox in app.config.mailbox.iter().filter(|m| m.name != row.inbox.name()) {
        let inbox = Inbox::mail(&mailbox.name);
        let copy = inbound::find_in(&mut *app.db.read().await?, &inbox, &row.external_id).await?;
        if let Some(copy) = copy
            && let Ok(other) = place_mail::read(app, &copy).await
            && says_the_same(&other, read)
        {
            found.push(copy.id);
        }
    }
    Ok(found)
}

fn says_the_same(one: &ReadMail, other: &ReadMail) -> bool {
    let author = |read: &ReadMail| read.mail.from.as_ref().map(|f| f.address.clone());
    let files = |read: &ReadMail| read.files.iter().map(|(_, _, kept)| kept.sha256.clone()).collect::<Vec<_>>();
    author(one) == author(other) && one.mail.text == other.mail.text && files(one) == files(other)
}

/// What is done with a mail of which one of the `copies` has been dealt with; `None` where none has.
///
/// Of two that are placed at the same moment by two nodes the later row steps back, so that neither waits for the other.
pub(super) async fn dealt_with(
    tx: &mut Tx,
    app: &App,
    (row, read): (&Inbound, &ReadMail),
    copies: &[InboundId],
) -> Result<Option<Placed>, PlaceError> {
    for copy in copies {
        // The earlier one is looked at, the later one held: the other way round each would wait for the other.
        if *copy < row.id && inbound::is_being_placed(tx, app.db.dialect, *copy).await? {
            return Err(PlaceError::NotYet("the same mail is being placed from another mailbox"));
        }
        let became = inbound::became(tx, app.db.dialect, *copy, *copy > row.id).await?;
        let project = |inbox: &Inbox| app.config.mailbox.iter().find(|m| m.name == inbox.name()).and_then(|m| m.project.as_deref());
        if project(&became.inbox) != project(&row.inbox) && place_mail::is_strangers(tx, app, &read.mail).await? {
            // A stranger has written to two projects.
            continue;
        }
        if became.status == InboundStatus::Held && read.mail.authenticity == Authenticity::Pass {
            // This one proves its author: nobody needs to decide about the other any more.
            let note = format!("the same mail came to the mailbox {}, with its author proven", row.inbox.name());
            inbound::settle(tx, *copy, InboundStatus::Ignored, Some(&note), None, None).await?;
        } else if matches!(became.status, InboundStatus::Done | InboundStatus::Ignored | InboundStatus::Held) {
            let note = format!("the same mail came to the mailbox {} already", became.inbox.name());
            return Ok(Some(Placed { discussion: became.discussion, ..Placed::ignored(note) }));
        }
    }
    Ok(None)
}
