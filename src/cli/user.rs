//! `threadline user add`.

use std::io::BufRead;

use anyhow::{Context, bail};

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Channel, PersonId};
use crate::store::{self, Db, Tx, identities, persons, sessions};
use crate::web::password;

/// The shortest password.
const PASSWORD_CHARS_MIN: usize = 8;
/// The longest line that is read for one.
const PASSWORD_BYTES_MAX: usize = 1024;

pub(super) struct Account {
    pub email: String,
    pub name: String,
    pub admin: bool,
    pub password_stdin: bool,
}

/// Makes the account, or changes it.
pub(super) async fn add(config: Config, account: &Account) -> anyhow::Result<()> {
    let email = account.email.trim().to_lowercase();
    if email.parse::<lettre::Address>().is_err() {
        bail!("{:?} is no mail address", account.email);
    }
    let name = account.name.trim();
    if name.is_empty() || name.contains(char::is_control) {
        bail!("--name must be some plain text");
    }
    let hash = if account.password_stdin { Some(password::hash(&read_password()?)?) } else { None };
    let db = Db::open(config.database.url.expose()).await?;
    let now = Clock::wall().now();
    let mut tx = db.begin().await?;
    let person = persons::find_or_add(&mut tx, Channel::Email, &email, name, now).await?;
    persons::set_account(&mut tx, person.id, name, account.admin, hash.as_deref()).await?;
    if hash.is_some() {
        // Whoever logged in with the old one logs in again.
        sessions::end_others(&mut tx, person.id, None).await?;
    }
    let also: Vec<String> = known_as(&mut tx, person.id).await?.into_iter().filter(|known| *known != email).collect();
    tx.commit().await?;
    db.close().await;
    eprintln!(
        "{email} is {}{}",
        if account.admin { "an admin account" } else { "a staff account" },
        if hash.is_some() { "" } else { "; without --password-stdin its password is as it was (a new account has none and cannot log in)" }
    );
    if !also.is_empty() {
        eprintln!(
            "note: known as the same person, and logged in as this account: {}; a LINE account that is not theirs is parted on the page /me",
            also.join(", ")
        );
    }
    Ok(())
}

/// The mail addresses and LINE user ids by which somebody is known, speaks, and logs in.
async fn known_as(tx: &mut Tx, person: PersonId) -> store::Result<Vec<String>> {
    let mut known = identities::of_person(tx, person, Channel::Email).await?;
    known.extend(identities::of_person(tx, person, Channel::Line).await?);
    Ok(known.into_iter().map(|i| i.external_id).collect())
}

fn read_password() -> anyhow::Result<String> {
    let mut line = String::new();
    let mut limited = std::io::Read::take(std::io::stdin().lock(), PASSWORD_BYTES_MAX as u64);
    limited.read_line(&mut line).context("reading the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.chars().count() < PASSWORD_CHARS_MIN {
        bail!("the password on standard input must have at least {PASSWORD_CHARS_MIN} characters");
    }
    Ok(password.to_owned())
}
