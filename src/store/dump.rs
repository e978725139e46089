//! The whole database as lines of JSON, the same for both engines, and back.

use std::io::{BufRead, Write};

use serde_json::{Map, Value as Json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Column, Row};

use super::sql::{self, Result, Value, args};
use super::{Dialect, Tx};

/// In an order in which each table's references exist before it.
pub const TABLES: [&str; 48] = [
    "settings",
    "counters",
    "persons",
    "identities",
    "identity_names",
    "api_tokens",
    "sessions",
    "projects",
    "project_waits",
    "project_times",
    "days_off",
    "members",
    "email_senders",
    "listening",
    "weeklies",
    "chats",
    "chat_members",
    "chat_presence",
    "outages",
    "friends",
    "one_time_codes",
    "wrong_codes",
    "discussions",
    "discussion_events",
    "watchers",
    "inbound",
    "held_mails",
    "posts",
    "reply_taps",
    "corrections",
    "correction_posts",
    "examples",
    "post_versions",
    "unsent_messages",
    "attachments",
    "reply_tokens",
    "sent_messages",
    "deliveries",
    "notices",
    "notify_tokens",
    "script_calls",
    "script_pictures",
    "announcements",
    "announcement_notices",
    "mailbox_places",
    "line_quotas",
    "budgets_told",
    "leases",
];

/// Rows read at a time.
const ROWS_PER_READ: i64 = 1000;

/// Writes the table's rows, a JSON object a line. How many there were.
pub async fn write_table(c: &mut AnyConnection, table: &str, out: &mut impl Write) -> anyhow::Result<u64> {
    let mut rows = 0;
    for page in 0.. {
        // Within one snapshot, an offset is stable; every table has a primary key to go by.
        let sql = format!("SELECT * FROM {table} ORDER BY {} LIMIT $1 OFFSET $2", key_of(table));
        let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ROWS_PER_READ).bind(page * ROWS_PER_READ).fetch_all(&mut *c).await?;
        for row in &found {
            serde_json::to_writer(&mut *out, &Json::Object(object(row)?))?;
            out.write_all(b"\n")?;
            rows += 1;
        }
        if found.len() < usize::try_from(ROWS_PER_READ).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(rows)
}

fn key_of(table: &str) -> &'static str {
    match table {
        "settings" | "counters" | "leases" => "name",
        "sessions" | "one_time_codes" => "digest",
        "members" => "project_id, person_id",
        "project_waits" => "project_id, kind",
        "project_times" => "project_id",
        "held_mails" => "inbound_id",
        "email_senders" => "pattern",
        "chat_members" => "chat_id, person_id",
        "identity_names" => "identity_id, since",
        "chat_presence" => "chat_id, at, present",
        "friends" => "inbox, person_id",
        "examples" => "post_id",
        "correction_posts" => "correction_id, post_id",
        "watchers" => "discussion_id, person_id",
        "weeklies" => "person_id, week",
        "post_versions" => "post_id, at",
        "unsent_messages" => "chat_id, external_id",
        "reply_taps" => "chat_id, person_id, at",
        "reply_tokens" => "token",
        "sent_messages" => "chat_id, external_id, discussion_id",
        "mailbox_places" | "line_quotas" => "inbox",
        "budgets_told" => "payer, month, percent",
        "script_calls" => "notice_id",
        "announcement_notices" => "announcement_id, notice_id",
        _ => "id",
    }
}

/// What is NULL is left out.
fn object(row: &AnyRow) -> Result<Map<String, Json>> {
    let mut object = Map::new();
    for column in row.columns() {
        let at = column.ordinal();
        let value = match row.try_get::<Option<i64>, _>(at) {
            Ok(number) => number.map(Json::from),
            Err(_) => row.try_get::<Option<String>, _>(at)?.map(Json::from),
        };
        if let Some(value) = value {
            object.insert(column.name().to_owned(), value);
        }
    }
    Ok(object)
}

/// Whether nothing has been kept yet.
pub async fn is_empty(c: &mut AnyConnection) -> Result<bool> {
    for table in ["persons", "projects", "inbound", "discussions", "chats"] {
        if sql::one::<i64>(c, format!("SELECT COUNT(*) FROM {table}"), args![]).await? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes away what a fresh database has: its counter, and keys made at its first start.
pub async fn clear_fresh(tx: &mut Tx) -> Result<()> {
    for table in ["counters", "settings", "leases"] {
        sql::run(tx, format!("DELETE FROM {table}"), args![]).await?;
    }
    Ok(())
}

/// Puts the lines of [`write_table`] back. How many there were.
pub async fn read_table(tx: &mut Tx, table: &str, lines: impl BufRead) -> anyhow::Result<u64> {
    let mut rows = 0;
    let mut merged = vec![];
    for line in lines.lines() {
        let Json::Object(mut object) = serde_json::from_str(&line?)? else { anyhow::bail!("{table}: line {} is no JSON object", rows + 1) };
        if table == "discussions" {
            // May name a discussion that comes later.
            if let (Some(id), Some(into)) = (object.get("id").and_then(Json::as_i64), object.remove("merged_into").and_then(|v| v.as_i64()))
            {
                merged.push((id, into));
            }
        }
        insert(tx, table, &object).await?;
        rows += 1;
    }
    for (id, into) in merged {
        sql::run(tx, "UPDATE discussions SET merged_into = $2 WHERE id = $1", args![id, into]).await?;
    }
    Ok(rows)
}

async fn insert(tx: &mut Tx, table: &str, object: &Map<String, Json>) -> anyhow::Result<()> {
    let plain = |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    anyhow::ensure!(object.keys().all(plain), "{table}: a column's name is not one of ours");
    let columns = object.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut values = Vec::with_capacity(object.len());
    for (name, value) in object {
        values.push(match value {
            Json::Number(n) => Value::Int(Some(n.as_i64().ok_or_else(|| anyhow::anyhow!("{table}.{name} is no whole number"))?)),
            Json::String(s) => Value::from(s.as_str()),
            _ => anyhow::bail!("{table}.{name} is neither a number nor a text"),
        });
    }
    let places = sql::places(1, values.len());
    sql::run(tx, format!("INSERT INTO {table} ({columns}) VALUES ({places})"), values).await?;
    Ok(())
}

/// Lets the next ids follow those that were put back.
pub async fn restart_ids(tx: &mut Tx, dialect: Dialect) -> Result<()> {
    if dialect == Dialect::Sqlite {
        return Ok(());
    }
    for table in TABLES.into_iter().filter(|t| key_of(t) == "id") {
        let sql = format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), COALESCE((SELECT MAX(id) FROM {table}), 0) + 1, false)");
        sql::one::<i64>(tx, sql, args![]).await?;
    }
    Ok(())
}

/// The SHA-256 of every file that something refers to: attachments, pictures and raw mails.
pub async fn files(c: &mut AnyConnection) -> Result<Vec<String>> {
    sql::all(
        c,
        "SELECT sha256 FROM attachments WHERE sha256 IS NOT NULL \
         UNION SELECT thumbnail_sha256 FROM attachments WHERE thumbnail_sha256 IS NOT NULL \
         UNION SELECT picture_sha256 FROM identities WHERE picture_sha256 IS NOT NULL \
         UNION SELECT sha256 FROM script_pictures UNION SELECT preview_sha256 FROM script_pictures \
         UNION SELECT SUBSTR(body, 1, 64) FROM inbound WHERE inbox LIKE 'mail/%' AND LENGTH(body) >= 64",
        args![],
    )
    .await
}
