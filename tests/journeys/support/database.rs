//! A database for one journey: a file, or one of its own in a `PostgreSQL` cluster.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

/// URL of a `PostgreSQL` database whose user may make others; absent: `SQLite`.
const WHERE: &str = "THREADLINE_TEST_DATABASE";

/// A database of a journey's own.
pub struct Database {
    url: String,
    /// Where it is taken away, and its name.
    cluster: Option<(String, String)>,
}

impl Database {
    /// An empty one, in the engine that the environment names.
    pub async fn new(folder: &Path) -> Self {
        match cluster() {
            Some(cluster) => Self::in_cluster(cluster).await,
            None => Self::in_folder(folder),
        }
    }

    fn in_folder(folder: &Path) -> Self {
        Self { url: format!("sqlite://{}", folder.join(format!("{}.db", Uuid::new_v4().simple())).display()), cluster: None }
    }

    /// An empty one in the other engine, where there is one.
    pub fn of_the_other_kind(folder: &Path) -> Option<Self> {
        cluster().map(|_| Self::in_folder(folder))
    }

    async fn in_cluster(cluster: String) -> Self {
        let name = format!("journey_{}", Uuid::new_v4().simple());
        run(&cluster, format!("CREATE DATABASE {name}")).await;
        let (server, _) = cluster.rsplit_once('/').expect("the URL names a database");
        Self { url: format!("{server}/{name}"), cluster: Some((cluster, name)) }
    }

    /// Its URL, as it stands in the configuration.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes it away. A file goes with its folder.
    pub async fn drop(self) {
        if let Some((cluster, name)) = self.cluster {
            run(&cluster, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

/// Whether the journeys run on a server rather than on files.
pub fn is_on_a_server() -> bool {
    cluster().is_some()
}

fn cluster() -> Option<String> {
    std::env::var(WHERE).ok().filter(|url| !url.is_empty())
}

async fn run(url: &str, sql: String) {
    let mut connection = PgConnection::connect(url).await.unwrap_or_else(|e| panic!("{WHERE}: {e}"));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap_or_else(|e| panic!("{WHERE}: {e}"));
    connection.close().await.expect("the connection can be closed");
}
