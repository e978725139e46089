//! What the installation knows about itself: keys made at the first start.

use sqlx::AnyConnection;

use super::sql::{self, Result, args};

/// The value under `name`; the first caller's `fresh` is kept for ever.
pub async fn get_or_make(c: &mut AnyConnection, name: &str, fresh: String) -> Result<String> {
    sql::run(c, "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", args![name, fresh]).await?;
    sql::one(c, "SELECT value FROM settings WHERE name = $1", args![name]).await
}

/// The value under `name`.
pub async fn find(c: &mut AnyConnection, name: &str) -> Result<Option<String>> {
    sql::find(c, "SELECT value FROM settings WHERE name = $1", args![name]).await
}

/// Puts the value under `name`.
pub async fn put(c: &mut AnyConnection, name: &str, value: &str) -> Result<()> {
    sql::run(c, "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2", args![name, value])
        .await
        .map(drop)
}

/// Puts `fresh` where `old` stands. False where something else does by now.
pub async fn replace(c: &mut AnyConnection, name: &str, old: &str, fresh: &str) -> Result<bool> {
    let replaced = sql::run(c, "UPDATE settings SET value = $3 WHERE name = $1 AND value = $2", args![name, old, fresh]).await?;
    Ok(replaced > 0)
}
