//! Which mails there are.

use std::collections::BTreeSet;
use std::time::Duration;

use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::fetch::uid_of;
use super::{COMMAND_MAX, Imap, LOOK_SECONDS_MAX, MailError, uid_set};

const LOOK_MAX: Duration = Duration::from_secs(LOOK_SECONDS_MAX);
/// Mails whose time is asked for in one command.
const TIMES_BATCH_MAX: usize = 500;
/// No clock in the world is further behind UTC, or ahead of it.
const BEHIND_MAX: SignedDuration = SignedDuration::from_hours(12);
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(14);

impl Imap {
    /// UIDs of mails without `\Seen`, ascending.
    pub async fn unseen(&mut self) -> Result<Vec<u32>, MailError> {
        self.find(COMMAND_MAX, "UID SEARCH UNSEEN").await
    }

    /// UIDs above `uid`, ascending.
    pub async fn after(&mut self, uid: u32) -> Result<Vec<u32>, MailError> {
        let Some(first) = uid.checked_add(1) else { return Ok(Vec::new()) };
        let mut uids = self.find(COMMAND_MAX, &format!("UID SEARCH UID {first}:*")).await?;
        // "n:*" also names the last mail where that is below n (RFC 3501, section 6.4.8).
        uids.retain(|u| *u > uid);
        Ok(uids)
    }

    /// UIDs from `first` to `last`, ascending, of the mails without `\Seen` and of those that arrived at `since` or later; of all of
    /// them where that is None.
    pub async fn between(&mut self, first: u32, last: u32, since: Option<Timestamp>) -> Result<Vec<u32>, MailError> {
        if first > last {
            return Ok(Vec::new());
        }
        let Some(since) = since else { return self.find(LOOK_MAX, &format!("UID SEARCH UID {first}:{last}")).await };
        let (from, to) = (date_before(since), date_after(since));
        let mut uids = self.find(LOOK_MAX, &format!("UID SEARCH UID {first}:{last} OR UNSEEN SINCE {from}")).await?;
        // A search knows only days, of a clock that is not ours. Of the mails of those few days each one's own time tells.
        let doubtful = self.find(LOOK_MAX, &format!("UID SEARCH UID {first}:{last} SEEN SINCE {from} BEFORE {to}")).await?;
        let older = self.older(&doubtful, since).await?;
        uids.retain(|uid| !older.contains(uid));
        Ok(uids)
    }

    /// Those that arrived before `since`.
    async fn older(&mut self, uids: &[u32], since: Timestamp) -> Result<BTreeSet<u32>, MailError> {
        let mut older = BTreeSet::new();
        for batch in uids.chunks(TIMES_BATCH_MAX) {
            let command = format!("UID FETCH {} (UID INTERNALDATE)", uid_set(batch));
            self.command_within(LOOK_MAX, "UID FETCH INTERNALDATE", &command, |response| {
                if let Response::Fetch(_, attributes) = response
                    && let (Some(uid), Some(at)) = (uid_of(attributes), arrived_at(attributes))
                    && at < since
                {
                    older.insert(uid);
                }
            })
            .await?;
        }
        Ok(older)
    }

    async fn find(&mut self, limit: Duration, search: &str) -> Result<Vec<u32>, MailError> {
        self.is_news = false;
        let mut uids = Vec::new();
        self.command_within(limit, "UID SEARCH", search, |response| {
            if let Response::MailboxData(MailboxDatum::Search(found)) = response {
                uids.extend_from_slice(found);
            }
        })
        .await?;
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }
}

/// `INTERNALDATE` (RFC 3501, `date-time`); None where it is absent or none.
fn arrived_at(attributes: &[AttributeValue<'_>]) -> Option<Timestamp> {
    attributes.iter().find_map(|a| match a {
        AttributeValue::InternalDate(text) => moment(text),
        _ => None,
    })
}

pub(super) fn moment(date_time: &str) -> Option<Timestamp> {
    Timestamp::strptime("%d-%b-%Y %H:%M:%S %z", date_time.trim()).ok()
}

/// The date for `SEARCH SINCE` (RFC 3501, `date-text`) that every mail after `since` meets, wherever the server's clock stands:
/// `SINCE` looks at the date alone, in the server's time zone.
pub(super) fn date_before(since: Timestamp) -> String {
    date_text(since.checked_sub(BEHIND_MAX).unwrap_or(Timestamp::MIN))
}

/// The date for `SEARCH BEFORE` that every mail before `since` meets, wherever the server's clock stands.
pub(super) fn date_after(since: Timestamp) -> String {
    date_text(since.checked_add(AHEAD_MAX + SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX))
}

fn date_text(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = at.to_zoned(TimeZone::UTC).date();
    let month = MONTHS[usize::from(date.month().unsigned_abs()).clamp(1, 12) - 1];
    format!("{}-{month}-{:04}", date.day(), date.year())
}
