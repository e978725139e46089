//! Mails of ours that came back: the delivery failed, the address is marked, staff hear of it once.

use super::place::Placed;
use crate::App;
use crate::discussions as acts;
use crate::domain::{Bounce, DeliveryStatus, Happening, Source};
use crate::store::discussion_events::By;
use crate::store::{self, Tx, deliveries, discussion_events, discussions, identities};

/// A bounce turns the delivery that came back into a failed one. The Message-ID of a mail is known to its reader alone, so that nobody
/// can mark another's address.
pub(super) async fn bounced(tx: &mut Tx, app: &App, bounce: &Bounce) -> Result<Placed, store::Error> {
    let mut reason = String::from("bounced");
    for part in [&bounce.recipient, &bounce.status, &bounce.diagnostic].into_iter().flatten() {
        reason.push_str(": ");
        reason.push_str(part);
    }
    let Some(original) = &bounce.original else {
        return Ok(Placed::ignored(format!("{reason}; it does not say which mail")));
    };
    let Some(back) = deliveries::bounced(tx, original.as_str(), &reason).await? else {
        return Ok(Placed::ignored(format!("{reason}; not a mail of ours")));
    };
    let now = app.clock.now();
    let newly = identities::mark_bounced(tx, &back.target, &reason, now).await?;
    let Some(id) = back.discussion else { return Ok(Placed { note: Some(reason), ..Placed::done(None) }) };
    let found = discussions::get(tx, id).await?;
    let discussion = discussions::follow(tx, found).await?;
    // Told twice of the same mail, it came back once.
    if back.status != DeliveryStatus::Failed {
        let said = [&bounce.status, &bounce.diagnostic].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ");
        let what = Happening::Bounced { address: back.target.clone(), reason: said };
        discussion_events::add(tx, discussion.id, By { person: back.person, via: Source::Email }, now, &what).await?;
    }
    if newly {
        acts::tell_bounced(tx, app, &discussion, back.person, &back.target).await?;
    }
    Ok(Placed { note: Some(reason), ..Placed::done(Some((discussion.id, discussion.number))) })
}
