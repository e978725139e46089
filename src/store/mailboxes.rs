//! How far each mailbox has been read.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::Inbox;

/// How far a folder has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// UIDs mean something else under another one.
    pub uid_validity: u32,
    /// Everything up to here is durable and settled, or was not to be taken.
    pub last_uid: u32,
    /// The first look, as long as it is not over.
    pub look: Option<Look>,
}

/// What the first look at a folder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The last mail that was there when it began; later ones are taken in any case.
    pub to_uid: u32,
    /// What is unread, and what came after this; None = everything.
    pub since: Option<Timestamp>,
}

impl FromRow for Place {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        let number = |n: i64| u32::try_from(n).map_err(|e| sqlx::Error::Decode(Box::new(e)));
        let (uid_validity, last_uid) = (number(c.get()?)?, number(c.get()?)?);
        let (to_uid, since) = (c.get::<Option<i64>>()?, c.get()?);
        let look = to_uid.map(number).transpose()?.map(|to_uid| Look { to_uid, since });
        Ok(Self { uid_validity, last_uid, look })
    }
}

/// The mailbox's place, if it was ever read.
pub async fn find(c: &mut AnyConnection, inbox: &Inbox) -> Result<Option<Place>> {
    sql::find(c, "SELECT uid_validity, last_uid, look_to, look_since FROM mailbox_places WHERE inbox = $1", args![inbox.as_str()]).await
}

/// Remembers how far the mailbox has been read.
pub async fn record(c: &mut AnyConnection, inbox: &Inbox, place: &Place) -> Result<()> {
    let (to, since) = (place.look.map(|l| i64::from(l.to_uid)), place.look.and_then(|l| l.since));
    sql::run(
        c,
        "INSERT INTO mailbox_places (inbox, uid_validity, last_uid, look_to, look_since) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (inbox) DO UPDATE SET uid_validity = $2, last_uid = $3, look_to = $4, look_since = $5",
        args![inbox.as_str(), place.uid_validity, place.last_uid, to, since],
    )
    .await
    .map(drop)
}
