//! People and their identities.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::Dialect;
use super::sql::{self, Columns, FromRow, Result, args};
use crate::domain::{Channel, PersonId};

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    pub name: String,
    pub is_admin: bool,
}

const COLUMNS: &str = "p.id, p.name, p.is_admin";
/// That the identity `i` is the mail address `$1`, or one of the `@domain` `$1`.
pub(super) const MATCHES_PATTERN: &str = "i.channel = 'email' AND (i.external_id = $1 OR SUBSTR($1, 1, 1) = '@' \
                                          AND SUBSTR(i.external_id, LENGTH(i.external_id) - LENGTH($1) + 1) = $1)";

impl FromRow for Person {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { id: c.get()?, name: c.get()?, is_admin: c.get()? })
    }
}

/// The person, if there is one.
pub async fn find(c: &mut AnyConnection, id: PersonId) -> Result<Option<Person>> {
    sql::find(c, format!("SELECT {COLUMNS} FROM persons p WHERE p.id = $1"), args![id]).await
}

/// Holds the person until the transaction ends, so that two nodes never bundle their mails side by side.
pub async fn lock(c: &mut AnyConnection, dialect: Dialect, id: PersonId) -> Result<()> {
    sql::find::<i64>(c, format!("SELECT id FROM persons WHERE id = $1{}", dialect.hold()), args![id]).await.map(drop)
}

/// Whose LINE user id or mail address (lower case) it is.
pub async fn find_by_identity(c: &mut AnyConnection, channel: Channel, external_id: &str) -> Result<Option<Person>> {
    sql::find(
        c,
        format!("SELECT {COLUMNS} FROM persons p JOIN identities i ON i.person_id = p.id WHERE i.channel = $1 AND i.external_id = $2"),
        args![channel.as_str(), external_id],
    )
    .await
}

/// A new person.
pub async fn add(c: &mut AnyConnection, name: &str, now: Timestamp) -> Result<PersonId> {
    sql::one(c, "INSERT INTO persons (name, created_at) VALUES ($1, $2) RETURNING id", args![name, now]).await
}

/// Gives the person an address. False where it belongs to somebody already.
pub async fn add_identity(c: &mut AnyConnection, person: PersonId, channel: Channel, external_id: &str, name: &str) -> Result<bool> {
    let added = sql::run(
        c,
        "INSERT INTO identities (person_id, channel, external_id, name) VALUES ($1, $2, $3, $4) ON CONFLICT (channel, external_id) DO NOTHING",
        args![person, channel.as_str(), external_id, name],
    )
    .await?;
    Ok(added > 0)
}

/// Whose identity it is, made on the spot where nobody's. `name` is given to a new person only.
pub async fn find_or_add(c: &mut AnyConnection, channel: Channel, external_id: &str, name: &str, now: Timestamp) -> Result<Person> {
    if let Some(person) = find_by_identity(c, channel, external_id).await? {
        return Ok(person);
    }
    let id = add(c, name, now).await?;
    if add_identity(c, id, channel, external_id, name).await? {
        return Ok(Person { id, name: name.to_owned(), is_admin: false });
    }
    // Another node was faster between the look and the insert: theirs stands, ours is an unused row.
    sql::run(c, "DELETE FROM persons WHERE id = $1", args![id]).await?;
    find_by_identity(c, channel, external_id).await?.ok_or(sqlx::Error::RowNotFound)
}

/// Names the person: from now on they go by this name, whatever their networks call them.
pub async fn rename(c: &mut AnyConnection, id: PersonId, name: &str) -> Result<()> {
    sql::run(c, "UPDATE persons SET name = $2, name_given = 1 WHERE id = $1", args![id, name]).await.map(drop)
}

/// Of these LINE user ids, those whose name is known or was asked for after `since`.
pub async fn named(c: &mut AnyConnection, external_ids: &[String], since: Timestamp) -> Result<Vec<String>> {
    if external_ids.is_empty() {
        return Ok(vec![]);
    }
    let mut values = args![Channel::Line.as_str(), since];
    values.extend(external_ids.iter().map(sql::Value::from));
    let places = sql::places(3, external_ids.len());
    sql::all(
        c,
        format!("SELECT external_id FROM identities WHERE channel = $1 AND (name <> '' OR named_at > $2) AND external_id IN ({places})"),
        values,
    )
    .await
}

/// The person's first mail address.
pub async fn email(c: &mut AnyConnection, id: PersonId) -> Result<Option<String>> {
    sql::find(c, "SELECT external_id FROM identities WHERE person_id = $1 AND channel = 'email' ORDER BY id LIMIT 1", args![id]).await
}

/// A staff account's password hash (PHC string) by mail address.
pub async fn password_hash(c: &mut AnyConnection, email: &str) -> Result<Option<(PersonId, Option<String>)>> {
    sql::find(
        c,
        "SELECT p.id, p.password_hash FROM persons p JOIN identities i ON i.person_id = p.id WHERE i.channel = 'email' AND i.external_id = $1",
        args![email],
    )
    .await
}

/// Whether they can log in with a password, or have a token.
pub async fn has_account(c: &mut AnyConnection, id: PersonId) -> Result<bool> {
    let found: Option<i64> = sql::find(
        c,
        "SELECT p.id FROM persons p WHERE p.id = $1 AND (p.password_hash IS NOT NULL OR EXISTS (SELECT 1 FROM api_tokens t WHERE t.person_id = p.id))",
        args![id],
    )
    .await?;
    Ok(found.is_some())
}

/// Whether an admin has this address, or one of this `@domain`.
pub async fn admin_writes_from(c: &mut AnyConnection, pattern: &str) -> Result<bool> {
    let sql =
        format!("SELECT p.id FROM persons p JOIN identities i ON i.person_id = p.id WHERE p.is_admin = 1 AND {MATCHES_PATTERN} LIMIT 1");
    Ok(sql::find::<i64>(c, sql, args![pattern]).await?.is_some())
}

/// Makes somebody a staff account.
pub async fn set_account(c: &mut AnyConnection, id: PersonId, name: &str, is_admin: bool, password_hash: Option<&str>) -> Result<()> {
    sql::run(
        c,
        "UPDATE persons SET name = $2, name_given = 1, is_admin = $3, password_hash = COALESCE($4, password_hash) WHERE id = $1",
        args![id, name, is_admin, password_hash],
    )
    .await
    .map(drop)
}

/// Admins, and everybody who is staff of a project, who can be reached by mail.
pub async fn staff_with_email(c: &mut AnyConnection) -> Result<Vec<Person>> {
    sql::all(
        c,
        format!(
            "SELECT {COLUMNS} FROM persons p WHERE (p.is_admin = 1 OR EXISTS (SELECT 1 FROM members m WHERE m.person_id = p.id \
             AND m.role IN ('owner', 'staff'))) AND EXISTS \
             (SELECT 1 FROM identities i WHERE i.person_id = p.id AND i.channel = 'email') ORDER BY p.id"
        ),
        args![],
    )
    .await
}

/// Admins who can be reached by mail.
pub async fn admins(c: &mut AnyConnection) -> Result<Vec<PersonId>> {
    sql::all(
        c,
        "SELECT id FROM persons WHERE is_admin = 1 AND EXISTS \
         (SELECT 1 FROM identities i WHERE i.person_id = persons.id AND i.channel = 'email') ORDER BY id",
        args![],
    )
    .await
}
