//! `threadline token add`.

use anyhow::bail;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::Channel;
use crate::store::{Db, persons, tokens};
use crate::web::viewer::{digest, fresh_secret};

/// Makes a token for the account and prints it, and nothing else.
pub(super) async fn add(config: Config, email: &str, label: &str) -> anyhow::Result<()> {
    let db = Db::open(config.database.url.expose()).await?;
    let email = email.trim().to_lowercase();
    let mut tx = db.begin().await?;
    let Some(person) = persons::find_by_identity(&mut tx, Channel::Email, &email).await? else {
        bail!("there is no account {email:?}; make it with `threadline user add`");
    };
    let token = format!("tl_{}", fresh_secret());
    tokens::add(&mut tx, person.id, label, &digest(&token), Clock::wall().now()).await?;
    tx.commit().await?;
    db.close().await;
    println!("{token}");
    Ok(())
}
