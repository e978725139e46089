//! People's addresses: what a network tells of a person (their name there, those before it, their picture), and LINE accounts that are
//! linked to a colleague, or parted from them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::sql::{self, Columns, FromRow, Result, Value, args};
use crate::domain::{Channel, ChatId, DiscussionId, PersonId};

/// What their network calls them, as just asked; `None` = it was asked in vain. A new name ends the one before, which is remembered. The
/// person goes by it too, unless people of ours gave them a name, or they go by another network's.
pub async fn record_name(c: &mut AnyConnection, channel: Channel, external_id: &str, name: Option<&str>, now: Timestamp) -> Result<()> {
    let known: Option<(i64, PersonId, String)> = sql::find(
        c,
        "SELECT id, person_id, name FROM identities WHERE channel = $1 AND external_id = $2",
        args![channel.as_str(), external_id],
    )
    .await?;
    let Some((id, person, before)) = known else { return Ok(()) };
    sql::run(c, "UPDATE identities SET named_at = $2, name = COALESCE($3, name) WHERE id = $1", args![id, now, name]).await?;
    let Some(name) = name.filter(|n| !n.is_empty()) else { return Ok(()) };
    let remembered: i64 = sql::one(c, "SELECT COUNT(*) FROM identity_names WHERE identity_id = $1", args![id]).await?;
    if before != name || remembered == 0 {
        if remembered == 0 && before != name && !before.is_empty() {
            // Known since before names were remembered.
            add_name(c, id, Timestamp::UNIX_EPOCH, &before).await?;
        }
        add_name(c, id, now, name).await?;
    }
    sql::run(c, "UPDATE persons SET name = $2 WHERE id = $1 AND (name = '' OR (name_given = 0 AND name = $3))", args![person, name, before])
        .await
        .map(drop)
}

async fn add_name(c: &mut AnyConnection, identity: i64, since: Timestamp, name: &str) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO identity_names (identity_id, since, name) VALUES ($1, $2, $3) ON CONFLICT (identity_id, since) DO UPDATE SET name = $3",
        args![identity, since, name],
    )
    .await
    .map(drop)
}

/// The LINE names that people seen in the chat bore before: each once, the latest first.
pub async fn former_names(c: &mut AnyConnection, chat: ChatId) -> Result<BTreeMap<PersonId, Vec<String>>> {
    let all: Vec<(PersonId, String)> = sql::all(
        c,
        "SELECT i.person_id, n.name FROM identity_names n JOIN identities i ON i.id = n.identity_id JOIN persons p ON p.id = i.person_id \
         JOIN chat_members m ON m.person_id = i.person_id \
         WHERE m.chat_id = $1 AND i.channel = 'line' AND n.name <> i.name AND n.name <> p.name ORDER BY n.since DESC",
        args![chat],
    )
    .await?;
    let mut names: BTreeMap<PersonId, Vec<String>> = BTreeMap::new();
    for (person, name) in all {
        let of_person = names.entry(person).or_default();
        if !of_person.contains(&name) {
            of_person.push(name);
        }
    }
    Ok(names)
}

/// Where their picture lies, as just told; `None` = they have none. A new address is to be fetched; what is no longer shown is returned
/// if nothing else refers to it.
pub async fn record_picture(
    c: &mut AnyConnection,
    channel: Channel,
    external_id: &str,
    url: Option<&str>,
    now: Timestamp,
) -> Result<Option<String>> {
    let known: Option<(i64, Option<String>, Option<String>)> = sql::find(
        c,
        "SELECT id, picture_url, picture_sha256 FROM identities WHERE channel = $1 AND external_id = $2",
        args![channel.as_str(), external_id],
    )
    .await?;
    let Some((id, before, sha256)) = known else { return Ok(None) };
    if before.as_deref() == url {
        return Ok(None);
    }
    let due_at = url.map(|_| now);
    // The old one stays until the new one is there.
    let kept = sha256.as_deref().filter(|_| url.is_some());
    sql::run(
        c,
        "UPDATE identities SET picture_url = $2, picture_sha256 = $3, picture_due_at = $4 WHERE id = $1",
        args![id, url, kept, due_at],
    )
    .await?;
    match sha256.filter(|_| url.is_none()) {
        Some(old) => unused(c, old).await,
        None => Ok(None),
    }
}

/// Pictures to fetch by now: the identity and its address.
pub async fn pictures_due(c: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<(i64, String)>> {
    sql::all(
        c,
        "SELECT id, picture_url FROM identities WHERE picture_due_at <= $1 AND picture_url IS NOT NULL ORDER BY picture_due_at, id LIMIT $2",
        args![now, limit],
    )
    .await
}

/// The picture at `url` is kept under `sha256`. The old one, if nothing refers to it any more; the new one, if they changed it meanwhile.
pub async fn picture_kept(c: &mut AnyConnection, identity: i64, url: &str, sha256: &str) -> Result<Option<String>> {
    let before: Option<Option<String>> =
        sql::find(c, "SELECT picture_sha256 FROM identities WHERE id = $1 AND picture_url = $2", args![identity, url]).await?;
    let Some(before) = before else { return unused(c, sha256.to_owned()).await };
    sql::run(
        c,
        "UPDATE identities SET picture_sha256 = $3, picture_due_at = NULL WHERE id = $1 AND picture_url = $2",
        args![identity, url, sha256],
    )
    .await?;
    match before.filter(|b| b != sha256) {
        Some(old) => unused(c, old).await,
        None => Ok(None),
    }
}

/// The picture at `url` could not be had; tried again at `due_at`, or never (`None`).
pub async fn picture_not_had(c: &mut AnyConnection, identity: i64, url: &str, due_at: Option<Timestamp>) -> Result<()> {
    sql::run(c, "UPDATE identities SET picture_due_at = $3 WHERE id = $1 AND picture_url = $2", args![identity, url, due_at])
        .await
        .map(drop)
}

/// The file, if neither a person's picture nor an attachment is it.
async fn unused(c: &mut AnyConnection, sha256: String) -> Result<Option<String>> {
    Ok(if super::attachments::is_used(c, &sha256).await? { None } else { Some(sha256) })
}

/// A person's picture, by its SHA-256.
pub async fn picture(c: &mut AnyConnection, person: PersonId) -> Result<Option<String>> {
    sql::one(c, "SELECT MIN(picture_sha256) FROM identities WHERE person_id = $1", args![person]).await
}

/// These people's pictures, by their SHA-256; who has none is left out.
pub async fn pictures(c: &mut AnyConnection, people: &[PersonId]) -> Result<BTreeMap<PersonId, String>> {
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let values: Vec<Value> = people.iter().map(|p| Value::from(*p)).collect();
    let places = sql::places(1, people.len());
    let found: Vec<(PersonId, String)> = sql::all(
        c,
        format!(
            "SELECT person_id, MIN(picture_sha256) FROM identities WHERE picture_sha256 IS NOT NULL AND person_id IN ({places}) GROUP BY person_id"
        ),
        values,
    )
    .await?;
    Ok(found.into_iter().collect())
}

/// An address of somebody's on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub id: i64,
    pub external_id: String,
    /// What its network calls them; empty until it was told.
    pub name: String,
}

impl FromRow for Identity {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { id: c.get()?, external_id: c.get()?, name: c.get()? })
    }
}

/// The person's addresses on the channel, the oldest first.
pub async fn of_person(c: &mut AnyConnection, person: PersonId, channel: Channel) -> Result<Vec<Identity>> {
    sql::all(
        c,
        "SELECT id, external_id, name FROM identities WHERE person_id = $1 AND channel = $2 ORDER BY id",
        args![person, channel.as_str()],
    )
    .await
}

/// The address belongs to `to` from now on.
pub async fn give(c: &mut AnyConnection, identity: i64, to: PersonId) -> Result<()> {
    sql::run(c, "UPDATE identities SET person_id = $2 WHERE id = $1", args![identity, to]).await.map(drop)
}

/// What `from` said in LINE was said by `to`: as staff, where they are. Also what they changed there.
pub async fn give_line_posts(c: &mut AnyConnection, from: PersonId, to: PersonId) -> Result<()> {
    sql::run(
        c,
        "UPDATE posts SET person_id = $2, role = CASE WHEN role = 'client' AND (EXISTS (SELECT 1 FROM persons a WHERE a.id = $2 \
         AND a.is_admin = 1) OR EXISTS (SELECT 1 FROM members m JOIN discussions d ON d.project_id = m.project_id \
         WHERE d.id = posts.discussion_id AND m.person_id = $2 AND m.role IN ('owner', 'staff'))) THEN 'staff' ELSE role END \
         WHERE person_id = $1 AND source = 'line'",
        args![from, to],
    )
    .await?;
    sql::run(c, "UPDATE discussion_events SET person_id = $2 WHERE person_id = $1 AND via = 'line'", args![from, to]).await.map(drop)
}

/// Where `from` is in LINE (chats, friendships), and what they tapped there a moment ago, `to` is instead.
pub async fn give_places(c: &mut AnyConnection, from: PersonId, to: PersonId) -> Result<()> {
    for (table, key) in [("chat_members", "chat_id"), ("friends", "inbox")] {
        // Where both are, the row of who takes over stands.
        let both = format!("DELETE FROM {table} WHERE person_id = $1 AND {key} IN (SELECT t.{key} FROM {table} t WHERE t.person_id = $2)");
        sql::run(c, both, args![from, to]).await?;
        sql::run(c, format!("UPDATE {table} SET person_id = $2 WHERE person_id = $1"), args![from, to]).await?;
    }
    super::reply_taps::give(c, from, to).await
}

/// `from` has become `to` altogether: parts in projects go along, sessions end.
pub async fn give_the_rest(c: &mut AnyConnection, from: PersonId, to: PersonId) -> Result<()> {
    sql::run(
        c,
        "INSERT INTO members (project_id, person_id, role) SELECT project_id, $2, role FROM members WHERE person_id = $1 \
         ON CONFLICT (project_id, person_id) DO NOTHING",
        args![from, to],
    )
    .await?;
    sql::run(c, "DELETE FROM members WHERE person_id = $1", args![from]).await?;
    sql::run(c, "UPDATE discussions SET assignee_id = $2 WHERE assignee_id = $1", args![from, to]).await?;
    super::watchers::give(c, from, to).await?;
    super::listening::give(c, from, to).await?;
    sql::run(c, "DELETE FROM sessions WHERE person_id = $1", args![from]).await.map(drop)
}

/// An address that mail comes back from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounced {
    pub name: String,
    pub address: String,
    pub at: Timestamp,
    /// Its server's words.
    pub reason: String,
}

impl FromRow for Bounced {
    fn from_row(c: &mut Columns<'_>) -> Result<Self> {
        Ok(Self { name: c.get()?, address: c.get()?, at: c.get()?, reason: c.get()? })
    }
}

/// Mail to the address comes back. False where that is known, or the address is nobody's.
pub async fn mark_bounced(c: &mut AnyConnection, address: &str, reason: &str, now: Timestamp) -> Result<bool> {
    let marked = sql::run(
        c,
        "UPDATE identities SET bounced_at = $2, bounce = $3 WHERE channel = 'email' AND external_id = $1 AND bounced_at IS NULL",
        args![address, now, reason],
    )
    .await?;
    Ok(marked > 0)
}

/// Somebody wrote from the address: it works.
pub async fn clear_bounced(c: &mut AnyConnection, address: &str) -> Result<()> {
    sql::run(
        c,
        "UPDATE identities SET bounced_at = NULL, bounce = NULL WHERE channel = 'email' AND external_id = $1 AND bounced_at IS NOT NULL",
        args![address],
    )
    .await
    .map(drop)
}

/// Of those who wrote in the discussion, or are told of it: addresses that mail comes back from.
pub async fn bounced_in(c: &mut AnyConnection, discussion: DiscussionId) -> Result<Vec<Bounced>> {
    sql::all(
        c,
        "SELECT a.name, i.external_id, i.bounced_at, COALESCE(i.bounce, '') FROM identities i JOIN persons a ON a.id = i.person_id \
         WHERE i.bounced_at IS NOT NULL AND i.channel = 'email' AND (i.person_id IN (SELECT x.person_id FROM posts x WHERE x.discussion_id = $1) \
         OR i.person_id IN (SELECT v.person_id FROM deliveries v WHERE v.discussion_id = $1)) ORDER BY i.bounced_at, i.id",
        args![discussion],
    )
    .await
}

/// Takes a mail address from the person, unless it is their only one. False where it is not theirs, or stays.
pub async fn take_address(c: &mut AnyConnection, person: PersonId, address: &str) -> Result<bool> {
    let taken = sql::run(
        c,
        "DELETE FROM identities WHERE person_id = $1 AND channel = 'email' AND external_id = $2 AND EXISTS \
         (SELECT 1 FROM identities o WHERE o.person_id = $1 AND o.channel = 'email' AND o.external_id <> $2) AND NOT EXISTS \
         (SELECT 1 FROM identity_names n WHERE n.identity_id = identities.id)",
        args![person, address],
    )
    .await?;
    Ok(taken > 0)
}
