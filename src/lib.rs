//! Threadline: a client writes in the LINE group as usual, a colleague answers from the mail program, and every matter
//! becomes a tracked discussion with a number, a status and a page.
//!
//! Five forms, each made once and handed on: what arrived ([`store::inbound`]), the same in our words ([`domain::Incoming`],
//! [`domain::IncomingMail`]), a placement ([`threading::Placement`]: which discussion, and why), a post with its notices (the fact and
//! the promise to tell), and a delivery with its outcome. `docs/ARCHITECTURE.md` is the map.

pub mod channels;
pub mod cli;
pub mod clock;
pub mod config;
pub mod discussions;
pub mod domain;
pub mod files;
pub mod i18n;
pub mod intake;
pub mod mail_tokens;
pub mod outbox;
pub mod schedule;
pub mod simulator;
pub mod store;
pub mod threading;
pub mod web;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::{Notify, broadcast};

use channels::email::address::ReplyKey;
use channels::email::smtp::Smtp;
use channels::line::client::Line;
use clock::Clock;
use config::Config;
use files::Files;
use i18n::Texts;
use intake::accept::Intake;
use mail_tokens::MailTokens;
use store::Db;

/// What every part works with: the configuration and what it opened. Shared by reference count.
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub db: Db,
    pub files: Files,
    /// By the account's name in the configuration.
    pub line: BTreeMap<String, Line>,
    pub smtp: Option<Smtp>,
    /// For mail servers that want OAuth.
    pub mail_tokens: MailTokens,
    /// Signs and reads reply addresses.
    pub reply_key: ReplyKey,
    pub intake: Intake,
    pub wake: Wake,
    /// This program's own file: it is run again for what must not be able to break the server.
    pub program: PathBuf,
    /// Numbers of discussions in which something changed, for open pages, and [`App::ACCESS`]. Slow listeners miss some and look for
    /// themselves.
    pub changes: broadcast::Sender<i64>,
    /// The threader's weights.
    pub threader: discussions::InUse,
    /// This process among several on one database.
    pub node: String,
}

/// Bells between the loops: whoever makes work rings, whoever waits looks at once. A missed ring costs a poll's delay, never work.
#[derive(Default)]
pub struct Wake {
    /// Something is to be placed.
    pub place: Notify,
    /// Something is to be told.
    pub outbox: Notify,
    /// A file is to be fetched.
    pub media: Notify,
    /// A small picture is to be made.
    pub thumbnails: Notify,
    /// Something that the clock starts is to be started now.
    pub schedule: Notify,
}

/// Changes that an open page may miss before it is told that it missed some.
const CHANGES_KEPT: usize = 256;

impl App {
    /// Opens what the configuration names. The intake's loop is started; the others are [`cli::serve`]'s.
    pub async fn open(config: Config, clock: Clock) -> anyhow::Result<Arc<Self>> {
        Self::open_as(config, clock, own_file()?).await
    }

    /// As [`App::open`], where the process is not the program itself but `program` is.
    pub async fn open_as(config: Config, clock: Clock, program: PathBuf) -> anyhow::Result<Arc<Self>> {
        let db = Db::open(config.database.url.expose()).await?;
        let files = Files::open(&config.storage)?;
        if db.dialect == store::Dialect::Sqlite {
            // This is the only node: what another run had in hand when it ended is nobody's now.
            let mut tx = db.begin().await?;
            store::deliveries::free_leases(&mut tx, clock.now()).await?;
            store::attachments::free_leases(&mut tx, clock.now()).await?;
            tx.commit().await?;
        }
        let threader = discussions::InUse::load(&db).await?;
        let line = config.line.iter().map(|account| Ok((account.name.clone(), Line::new(account)?))).collect::<anyhow::Result<_>>()?;
        let mail_tokens = MailTokens::open(&config, &db)?;
        let smtp = config.smtp.as_ref().map(|smtp| Smtp::new(smtp, mail_tokens.for_smtp(smtp))).transpose()?;
        let reply_key = ReplyKey::new(Self::secret(&db, "reply_key").await?);
        Ok(Arc::new(Self {
            intake: Intake::start(db.clone()),
            config,
            clock,
            db,
            files,
            line,
            smtp,
            mail_tokens,
            reply_key,
            wake: Wake::default(),
            program,
            threader,
            changes: broadcast::channel(CHANGES_KEPT).0,
            node: uuid::Uuid::new_v4().to_string(),
        }))
    }

    /// A key of the installation's own: 32 random octets in hex, made at the first start.
    async fn secret(db: &Db, name: &str) -> store::Result<[u8; 32]> {
        let fresh: [u8; 32] = rand::random();
        let mut tx = db.begin().await?;
        let kept = store::settings::get_or_make(&mut tx, name, files::hex(&fresh)).await?;
        tx.commit().await?;
        Ok(Sha256::digest(kept.as_bytes()).into())
    }

    /// The threader's weights in use.
    pub fn weights(&self) -> Arc<threading::Table> {
        self.threader.get()
    }

    /// Takes other weights into use.
    pub fn use_weights(&self, table: threading::Table) {
        self.threader.set(table);
    }

    /// The installation's language.
    pub fn texts(&self) -> &'static Texts {
        self.config.server.locale.texts()
    }

    /// Stands among the numbers in [`App::changes`] for: somebody may have lost the right to read.
    pub const ACCESS: i64 = 0;

    /// Tells open pages to see whether they may still be read.
    pub fn access_changed(&self) {
        self.changed(Self::ACCESS);
    }

    /// Tells open pages that a discussion changed.
    pub fn changed(&self, number: i64) {
        // Nobody listening is no error.
        drop(self.changes.send(number));
    }
}

/// Where this program can be run from again.
fn own_file() -> std::io::Result<PathBuf> {
    // The kernel's own name for it still leads to this version after another was put in its place.
    let kernels = PathBuf::from("/proc/self/exe");
    if kernels.exists() { Ok(kernels) } else { std::env::current_exe() }
}
