//! What travels together: everything that waits for one chat, everything about one discussion for one person,
//! all news of one group for one person, all that waits for one person's digest.

use crate::App;
use crate::domain::REPLY_TOKEN_GOOD_FOR;
use crate::store::{self, notices};

use super::{digest_bundle, line_bundle, mail_bundle, news_bundle, weekly_bundle};

/// Destinations looked at in one round.
const DESTINATIONS_PER_ROUND: i64 = 200;

/// Freezes what is due and may leave. How many deliveries were made.
pub(super) async fn all_due(app: &App) -> Result<usize, store::Error> {
    let now = app.clock.now();
    let (chats, mails, news, digests, weeklies) = {
        let mut c = app.db.read().await?;
        (
            notices::chats_due(&mut c, now, now - REPLY_TOKEN_GOOD_FOR, DESTINATIONS_PER_ROUND).await?,
            notices::mails_due(&mut c, now, DESTINATIONS_PER_ROUND).await?,
            notices::news_due(&mut c, now, DESTINATIONS_PER_ROUND).await?,
            notices::digests_due(&mut c, now, DESTINATIONS_PER_ROUND).await?,
            notices::weeklies_due(&mut c, now, DESTINATIONS_PER_ROUND).await?,
        )
    };
    let mut made = 0;
    for chat in chats {
        made += usize::from(line_bundle::freeze(app, chat).await?);
    }
    for (person, discussion) in mails {
        made += usize::from(mail_bundle::freeze(app, person, discussion).await?);
    }
    for person in news {
        made += news_bundle::freeze(app, person).await?;
    }
    for person in digests {
        made += usize::from(digest_bundle::freeze(app, person).await?);
    }
    for weekly in weeklies {
        made += usize::from(weekly_bundle::freeze(app, &weekly).await?);
    }
    Ok(made)
}
