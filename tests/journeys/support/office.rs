//! The real program with nothing but mail: mailboxes to read and a way out.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::Connection as _;
use tempfile::TempDir;

use super::api::Api;
use super::database::Database;
use super::program::{self, Server};
use super::waiting::eventually_within;
use super::{PUBLIC_URL, eventually};

/// Taking hundreds of mails on a busy machine.
pub const TAKES_WITHIN: Duration = Duration::from_mins(2);

/// Runs a journey to its end.
pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built").block_on(test);
}

/// The program with nothing but mail.
pub struct Office {
    pub folder: TempDir,
    pub config: PathBuf,
    /// An admin's.
    pub api: Api,
    /// What is logged, as `RUST_LOG` says it.
    level: &'static str,
    database: Database,
    server: Option<Server>,
}

impl Office {
    /// Runs with this in its configuration, beside what every configuration needs.
    pub async fn open(mail: &str) -> Self {
        Self::open_telling(mail, "warn").await
    }

    /// Likewise, and logs as `level` says.
    pub async fn open_telling(mail: &str, level: &'static str) -> Self {
        // Losing a race with another journey that installs the same provider changes nothing.
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let database = Database::new(folder.path()).await;
        let config = folder.path().join("bot-config.toml");
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"{PUBLIC_URL}\"\n[database]\nurl = \"{}\"\n\
             [storage]\nurl = \"file://files\"\n{mail}",
            database.url()
        );
        fs::write(&config, text).expect("the configuration can be written");
        let boss = program::account(&config, "boss@example.com", "老闆", true).await;
        let mut office = Self { folder, config, api: Api::new("", &boss), level, database, server: None };
        office.start().await;
        office
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join("serve.log")
    }

    /// Everything that it has logged.
    pub fn told(&self) -> String {
        fs::read_to_string(self.log()).expect("it writes one")
    }

    pub async fn start(&mut self) {
        let server = Server::start_telling(&self.config, &self.log(), self.level).await;
        self.api = self.api.at(&server.base);
        self.server = Some(server);
    }

    pub async fn stop(&mut self) {
        self.server.take().expect("it is running").stop().await;
    }

    pub async fn kill(&mut self) {
        self.server.take().expect("it is running").kill().await;
    }

    /// Changes something behind the program's back.
    pub async fn change_database(&self, sql: &'static str) {
        let mut c = sqlx::AnyConnection::connect(self.database.url()).await.expect("the database can be had");
        sqlx::raw_sql(sql).execute(&mut c).await.expect("the statement is right");
        c.close().await.expect("the connection can be closed");
    }

    pub async fn close(mut self) {
        self.stop().await;
        self.database.drop().await;
    }

    pub async fn metrics(&self) -> String {
        String::from_utf8_lossy(&self.api.file(&format!("{PUBLIC_URL}/metrics")).await.bytes).into_owned()
    }

    /// What comes from now on came after the first look began.
    pub async fn until_it_reads(&self) {
        eventually("the mailbox is read", async || {
            self.metrics().await.contains("threadline_mailbox_up{mailbox=\"support\"} 1").then_some(())
        })
        .await;
    }

    /// How often each Message-ID is listed.
    pub async fn taken(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in self.api.items("/inbound").await {
            *counts.entry(row["external_id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        counts
    }

    pub async fn eventually_taken(&self, ids: &[String]) {
        let expected: BTreeMap<String, usize> = ids.iter().map(|id| (id.clone(), 1)).collect();
        eventually_within(TAKES_WITHIN, &format!("{} mails are taken, once each", ids.len()), async || {
            let taken = self.taken().await;
            assert!(taken.values().all(|n| *n == 1), "{taken:?}");
            (taken == expected).then_some(())
        })
        .await;
    }
}
