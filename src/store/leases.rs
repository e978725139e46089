//! What one node at a time may do.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Result, args};

/// Takes or renews `name` for `holder` until `until`; false while another holds it.
pub async fn take(c: &mut AnyConnection, name: &str, holder: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
    let taken = sql::run(
        c,
        "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET holder = $2, until = $3 \
         WHERE leases.holder = $2 OR leases.until < $4",
        args![name, holder, until, now],
    )
    .await?;
    Ok(taken > 0)
}

/// Lets go of `name`.
pub async fn release(c: &mut AnyConnection, name: &str, holder: &str) -> Result<()> {
    sql::run(c, "DELETE FROM leases WHERE name = $1 AND holder = $2", args![name, holder]).await.map(drop)
}
