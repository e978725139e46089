//! Access tokens for the mail servers that want OAuth, and the refresh tokens that their providers have put in place of the
//! configured ones, kept in the database, where every node finds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};

use crate::channels::email::connection::MailError;
use crate::channels::email::oauth::{AccessTokens, Keeper};
use crate::config::{self, Config, MailServer, MailSink, OAuth, Secret};
use crate::files::hex;
use crate::store::{Db, settings};

/// By the account's name; empty where none wants OAuth.
#[derive(Default)]
pub struct MailTokens(BTreeMap<String, Arc<AccessTokens>>);

impl MailTokens {
    /// Asks for none yet.
    ///
    /// # Errors
    /// `NoToken` where the HTTP client cannot be built.
    pub fn open(config: &Config, db: &Db) -> Result<Self, MailError> {
        let tokens = config.oauth().map(|oauth| {
            let tokens = AccessTokens::new(oauth.clone(), Box::new(Kept::new(oauth, db)))?;
            Ok((oauth.name.clone(), Arc::new(tokens)))
        });
        tokens.collect::<Result<_, _>>().map(Self)
    }

    /// Those for this server, if it wants any.
    pub fn find(&self, server: &MailServer) -> Option<Arc<AccessTokens>> {
        self.0.get(&server.oauth.as_ref()?.name).cloned()
    }

    /// Those for the way out, if it wants any.
    pub fn for_smtp(&self, smtp: &config::Smtp) -> Option<Arc<AccessTokens>> {
        match &smtp.sink {
            MailSink::Smtp(server) => self.find(server),
            MailSink::Maildir(_) => None,
        }
    }
}

/// One account's newest refresh token, under `oauth/NAME` of the settings.
struct Kept {
    db: Db,
    setting: String,
    /// SHA-256 of the configured one, in hex: an operator who writes a new one there means it.
    in_place_of: String,
}

impl Kept {
    fn new(oauth: &OAuth, db: &Db) -> Self {
        let in_place_of = hex(&Sha256::digest(oauth.refresh_token.expose().as_bytes()));
        Self { db: db.clone(), setting: format!("oauth/{}", oauth.name), in_place_of }
    }
}

impl Keeper for Kept {
    fn find(&self) -> BoxFuture<'_, anyhow::Result<Option<Secret>>> {
        async {
            let kept = settings::find(&mut *self.db.read().await?, &self.setting).await?;
            let newest = kept.as_deref().and_then(|k| k.split_once(' ')).filter(|(of, _)| *of == self.in_place_of);
            Ok(newest.map(|(_, token)| Secret::new(token)))
        }
        .boxed()
    }

    fn keep<'a>(&'a self, refresh_token: &'a Secret) -> BoxFuture<'a, anyhow::Result<()>> {
        async {
            let mut tx = self.db.begin().await?;
            settings::put(&mut tx, &self.setting, &format!("{} {}", self.in_place_of, refresh_token.expose())).await?;
            tx.commit().await?;
            Ok(())
        }
        .boxed()
    }
}
