//! All SQL, one file a table. The caller owns the transaction; a function takes the connection that it is to run on.
//!
//! SQLite and PostgreSQL run the same text through `sqlx::Any`; [`Dialect`] is asked in the few places where they differ.
//! On SQLite there is one writer, taken in turns: a second would only wait inside SQLite, unfairly. No network call is made while
//! a [`Tx`] is open, and no second one is begun.

pub mod announcements;
pub mod attachments;
pub mod bills;
pub mod chats;
pub mod codes;
pub mod corrections;
pub mod days_off;
pub mod deliveries;
pub mod discussion_events;
pub mod discussions;
pub mod dump;
pub mod examples;
pub mod friends;
pub mod held_mails;
pub mod identities;
pub mod inbound;
pub mod leases;
pub mod line_quotas;
pub mod listening;
pub mod mail_posts;
pub mod mailboxes;
pub mod members;
pub mod notice_lists;
pub mod notices;
pub mod notify_tokens;
pub mod outages;
pub mod persons;
pub mod posts;
pub mod presence;
pub mod project_times;
pub mod projects;
pub mod recalled;
pub mod reply_taps;
pub mod reply_tokens;
pub mod rosters;
mod schema;
pub mod scripts;
pub mod sessions;
pub mod settings;
pub(crate) mod sql;
pub mod tokens;
pub mod versions;
pub mod watchers;
pub mod weeks;

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use schema::VERSION;
pub use sql::Result;
pub use sqlx::Error;

/// PostgreSQL's words for two transactions in each other's way: `serialization_failure`, `deadlock_detected`, and a row that came or went
/// meanwhile (`foreign_key_violation`). Source: PostgreSQL manual, appendix A.
const CONFLICTS: [&str; 3] = ["40001", "40P01", "23503"];

/// Whether the transaction that failed so may simply be tried again.
pub fn is_conflict(error: &Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| CONFLICTS.contains(&code.as_ref()))
}

/// Readers beside the one writer on SQLite.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a request waits for a connection before it is told that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);

/// `synchronous=FULL`: what was acknowledged survives a power cut. `busy_timeout` is for the command line beside a running server.
const PRAGMAS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000; PRAGMA cache_size=-16384; \
                       PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY";

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// ` FOR NO KEY UPDATE SKIP LOCKED` where several nodes may claim; SQLite has one writer and needs nothing.
    pub(crate) fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR NO KEY UPDATE SKIP LOCKED",
        }
    }

    /// ` FOR NO KEY UPDATE`, likewise: one at a time holds the row, while others may still write rows that refer to it.
    pub(crate) fn hold(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR NO KEY UPDATE",
        }
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("making the folder {}", .0.display())]
    Folder(PathBuf, #[source] std::io::Error),
    #[error("connecting to the database")]
    Connect(#[source] sqlx::Error),
    #[error("migrating the database")]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

/// The database: cheap to clone.
#[derive(Clone)]
pub struct Db {
    pub dialect: Dialect,
    pool: AnyPool,
    /// SQLite's one writer.
    writer: Option<Arc<Mutex<Writer>>>,
}

/// The writing connection, made anew after one that could not be rolled back.
struct Writer {
    url: String,
    connection: Option<AnyConnection>,
}

impl Writer {
    async fn ready(&mut self) -> Result<&mut AnyConnection> {
        if self.connection.is_none() {
            let mut fresh = AnyConnection::connect(&self.url).await?;
            sqlx::raw_sql(PRAGMAS).execute(&mut fresh).await?;
            self.connection = Some(fresh);
        }
        Ok(self.connection.as_mut().expect("it was just made"))
    }
}

/// A reading connection that sees one moment, given back when dropped.
pub type Snapshot = Transaction<'static, Any>;

/// A reading connection, given back when dropped.
pub type Reader = PoolConnection<Any>;

impl Db {
    /// Opens `sqlite://PATH` (made where it is not there) or `postgres://…` and brings its schema up to date.
    pub async fn open(url: &str) -> std::result::Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let dialect = if url.starts_with("sqlite:") { Dialect::Sqlite } else { Dialect::Postgres };
        let db = match dialect {
            Dialect::Sqlite => Self::open_sqlite(url).await?,
            Dialect::Postgres => {
                let pool = AnyPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT).connect(url).await;
                let pool = match pool {
                    Ok(pool) => pool,
                    // The pool does not say why.
                    Err(sqlx::Error::PoolTimedOut) => {
                        let one = tokio::time::timeout(ACQUIRE_TIMEOUT, AnyConnection::connect(url)).await;
                        return Err(OpenError::Connect(one.ok().and_then(Result::err).unwrap_or(sqlx::Error::PoolTimedOut)));
                    }
                    Err(error) => return Err(OpenError::Connect(error)),
                };
                Self { dialect, pool, writer: None }
            }
        };
        db.migrate().await?;
        Ok(db)
    }

    async fn open_sqlite(url: &str) -> std::result::Result<Self, OpenError> {
        let path = PathBuf::from(url.trim_start_matches("sqlite:").trim_start_matches("//"));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| OpenError::Folder(folder.to_owned(), e))?;
        }
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let mut writer = Writer { url: url.clone(), connection: None };
        writer.ready().await.map_err(OpenError::Connect)?;
        let pool = AnyPoolOptions::new()
            .max_connections(SQLITE_READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // A stray write through a reader fails instead of waiting for the writer's lock.
                    sqlx::raw_sql(PRAGMAS).execute(&mut *connection).await?;
                    sqlx::raw_sql("PRAGMA query_only=ON").execute(&mut *connection).await?;
                    Ok(())
                })
            })
            .connect(&url)
            .await
            .map_err(OpenError::Connect)?;
        Ok(Self { dialect: Dialect::Sqlite, pool, writer: Some(Arc::new(Mutex::new(writer))) })
    }

    async fn migrate(&self) -> std::result::Result<(), OpenError> {
        if let Some(writer) = &self.writer {
            let mut writer = writer.lock().await;
            let connection = writer.ready().await.map_err(OpenError::Connect)?;
            return schema::run(connection, self.dialect).await.map_err(OpenError::Migrate);
        }
        let mut connection = self.pool.acquire().await.map_err(OpenError::Connect)?;
        schema::run(&mut connection, self.dialect).await.map_err(OpenError::Migrate)
    }

    /// A connection to read with.
    pub async fn read(&self) -> Result<Reader> {
        self.pool.acquire().await
    }

    /// The database as it is at this moment, however many statements look at it.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let mut snapshot = self.pool.begin().await?;
        if self.dialect == Dialect::Postgres {
            sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *snapshot).await?;
        }
        Ok(snapshot)
    }

    /// Begins a writing transaction, waiting for the turn on SQLite.
    pub async fn begin(&self) -> Result<Tx> {
        let Some(writer) = &self.writer else {
            return Ok(Tx(Inner::Postgres(self.pool.begin().await?)));
        };
        let mut turn = writer.clone().lock_owned().await;
        sqlx::query("BEGIN IMMEDIATE").execute(turn.ready().await?).await?;
        Ok(Tx(Inner::Sqlite(turn)))
    }

    /// Whether a statement gets an answer.
    pub async fn ping(&self) -> Result<()> {
        let mut c = self.read().await?;
        sql::one::<i64>(&mut c, "SELECT CAST(1 AS BIGINT)", vec![]).await.map(drop)
    }

    /// Gives the connections back; on SQLite the log is folded into the file.
    pub async fn close(&self) {
        self.pool.close().await;
        if let Some(writer) = &self.writer
            && let Some(connection) = writer.lock().await.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "closing the database");
        }
    }
}

/// A writing transaction. [`Tx::commit`] returns once it is on disk; dropped, it is undone.
pub struct Tx(Inner);

enum Inner {
    Sqlite(OwnedMutexGuard<Writer>),
    Postgres(Transaction<'static, Any>),
    Ended,
}

impl Tx {
    /// Makes it durable.
    pub async fn commit(mut self) -> Result<()> {
        match std::mem::replace(&mut self.0, Inner::Ended) {
            Inner::Postgres(tx) => tx.commit().await,
            Inner::Sqlite(turn) => {
                // In a task of its own, so that a caller who goes away cannot leave it half done.
                let done = tokio::spawn(async move {
                    let mut turn = turn;
                    let result = sqlx::query("COMMIT").execute(turn.ready().await?).await.map(drop);
                    if result.is_err() {
                        turn.connection = None;
                    }
                    result
                });
                done.await.map_err(|_| sqlx::Error::WorkerCrashed)?
            }
            Inner::Ended => unreachable!("commit takes the transaction"),
        }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Inner::Sqlite(mut turn) = std::mem::replace(&mut self.0, Inner::Ended) {
            tokio::spawn(async move {
                let undone = match turn.connection.as_mut() {
                    Some(connection) => sqlx::query("ROLLBACK").execute(connection).await,
                    None => return,
                };
                if undone.is_err() {
                    turn.connection = None;
                }
            });
        }
    }
}

impl Deref for Tx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match &self.0 {
            Inner::Sqlite(turn) => turn.connection.as_ref().expect("begin made it"),
            Inner::Postgres(tx) => tx,
            Inner::Ended => unreachable!("nothing is run on an ended transaction"),
        }
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match &mut self.0 {
            Inner::Sqlite(turn) => turn.connection.as_mut().expect("begin made it"),
            Inner::Postgres(tx) => tx,
            Inner::Ended => unreachable!("nothing is run on an ended transaction"),
        }
    }
}
