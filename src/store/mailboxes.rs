//! How far each mailbox has been read.

use sqlx::AnyConnection;

use super::sql::{self, Result, args};
use crate::domain::Inbox;

/// `(UIDVALIDITY, last UID taken)` of the mailbox, if it was ever read.
pub async fn find(c: &mut AnyConnection, inbox: &Inbox) -> Result<Option<(i64, i64)>> {
    sql::find(c, "SELECT uid_validity, last_uid FROM mailbox_places WHERE inbox = $1", args![inbox.as_str()]).await
}

/// Remembers that everything up to `last_uid` is durable.
pub async fn record(c: &mut AnyConnection, inbox: &Inbox, uid_validity: u32, last_uid: u32) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO mailbox_places (inbox, uid_validity, last_uid) VALUES ($1, $2, $3) \
         ON CONFLICT (inbox) DO UPDATE SET uid_validity = $2, last_uid = $3",
        args![inbox.as_str(), uid_validity, last_uid],
    )
    .await
    .map(drop)
}
