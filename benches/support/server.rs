//! The four servers, each set up as `threadline serve` sets up its own.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as Segment, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use threadline::App;
use threadline::channels::line::{signature, wire};
use threadline::clock::Clock;
use threadline::config::{self, Config, Secret};
use threadline::domain::Inbox;
use threadline::intake::place;
use threadline::store::Db;
use threadline::store::inbound::{self, NewInbound};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

/// Name of the LINE account, and its channel secret.
pub const ACCOUNT: &str = "bench";
pub const SECRET: &str = "4f2d8c1a9b7e6035d4c3b2a190f8e7d6";
const DATABASE: &str = "THREADLINE_BENCH_DATABASE";
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    Empty,
    CommitEach,
    Ours,
    OursPlacing,
}

impl Contender {
    pub const ALL: [Self; 4] = [Self::Empty, Self::CommitEach, Self::Ours, Self::OursPlacing];

    pub fn letter(self) -> char {
        match self {
            Self::Empty => 'a',
            Self::CommitEach => 'b',
            Self::Ours => 'c',
            Self::OursPlacing => 'd',
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Empty => "a  empty handler",
            Self::CommitEach => "b  a commit a request",
            Self::Ours => "c  threadline",
            Self::OursPlacing => "d  threadline, placing",
        })
    }
}

/// What stands in the database in the end.
pub struct Kept {
    pub rows: u64,
    /// Rows dealt with; `None` where nothing deals with them.
    pub placed: Option<u64>,
}

/// A running server.
pub struct Server {
    pub addr: SocketAddr,
    contender: Contender,
    serving: AbortHandle,
    db: Option<Db>,
    placing: Option<(CancellationToken, JoinHandle<()>)>,
    place: Place,
}

impl Server {
    /// Starts it on a fresh database.
    pub async fn start(contender: Contender) -> anyhow::Result<Self> {
        let place = Place::make().await?;
        let config = place.config()?;
        let (mut db, mut placing) = (None, None);
        let router = match contender {
            Contender::Empty => Router::new()
                .route("/webhooks/line/{name}", post(async |_: Bytes| StatusCode::OK))
                .layer(DefaultBodyLimit::max(BODY_BYTES_MAX)),
            Contender::CommitEach => {
                let opened = Db::open(config.database.url.expose()).await?;
                db = Some(opened.clone());
                Router::new()
                    .route("/webhooks/line/{name}", post(commit_each))
                    .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
                    .with_state(Arc::new(Reference { db: opened, secret: Secret::new(SECRET), clock: Clock::wall() }))
            }
            Contender::Ours | Contender::OursPlacing => {
                let app = App::open(config, Clock::wall()).await?;
                db = Some(app.db.clone());
                if contender == Contender::OursPlacing {
                    let (app, stop) = (app.clone(), CancellationToken::new());
                    let stopped = stop.clone();
                    placing = Some((stop, tokio::spawn(async move { place::run(&app, &stopped).await })));
                }
                threadline::web::router(app, false)
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).expect("loopback takes the option"));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(axum::serve(listener, service).into_future()).abort_handle();
        Ok(Self { addr, contender, serving, db, placing, place })
    }

    /// Stops it, counts what it kept and removes it.
    pub async fn stop(self) -> anyhow::Result<Option<Kept>> {
        self.serving.abort();
        if let Some((stop, run)) = self.placing {
            stop.cancel();
            run.await?;
        }
        let mut kept = None;
        if let Some(db) = self.db {
            {
                let mut c = db.read().await?;
                let (rows, placed): (i64, i64) =
                    sqlx::query_as("SELECT COUNT(*), COUNT(CASE WHEN status <> 'received' THEN 1 END) FROM inbound")
                        .fetch_one(&mut *c)
                        .await?;
                let placed = (self.contender == Contender::OursPlacing).then_some(u64::try_from(placed)?);
                kept = Some(Kept { rows: u64::try_from(rows)?, placed });
            }
            db.close().await;
        }
        self.place.remove().await?;
        Ok(kept)
    }
}

/// A folder of its own, and a schema in the database that the environment names.
struct Place {
    folder: TempDir,
    /// The operator's URL and the schema.
    schema: Option<(String, String)>,
}

impl Place {
    async fn make() -> anyhow::Result<Self> {
        // Beside the build, since a temporary folder may be memory, where a sync costs nothing.
        let folder = tempfile::Builder::new().prefix("bench").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let schema = match std::env::var(DATABASE) {
            Ok(url) => {
                sqlx::any::install_default_drivers();
                let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
                run_sql(&url, format!("CREATE SCHEMA {name}")).await.with_context(|| format!("making a schema in {DATABASE}"))?;
                Some((url, name))
            }
            Err(_) => None,
        };
        Ok(Self { folder, schema })
    }

    fn config(&self) -> anyhow::Result<Config> {
        let database = match &self.schema {
            Some((url, schema)) => format!("{url}{}options[search_path]={schema}", if url.contains('?') { '&' } else { '?' }),
            None => "sqlite://bench.db".to_owned(),
        };
        // Nobody listens on port 9 (discard) of any machine of today: a call to it fails at once.
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\n[database]\nurl = \"{database}\"\n\
             [storage]\nurl = \"file://attachments\"\n[[line]]\nname = \"{ACCOUNT}\"\nchannel_secret = \"{SECRET}\"\n\
             channel_access_token = \"bench\"\napi_url = \"http://127.0.0.1:9\"\ndata_api_url = \"http://127.0.0.1:9\"\n"
        );
        Ok(config::parse(&text, Path::new(self.folder.path()))?)
    }

    async fn remove(self) -> anyhow::Result<()> {
        if let Some((url, schema)) = &self.schema {
            run_sql(url, format!("DROP SCHEMA {schema} CASCADE")).await?;
        }
        Ok(self.folder.close()?)
    }
}

async fn run_sql(url: &str, sql: String) -> anyhow::Result<()> {
    let mut c = AnyConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut c).await?;
    Ok(c.close().await?)
}

/// What the reference server works with.
struct Reference {
    db: Db,
    secret: Secret,
    clock: Clock,
}

/// The plain way: verify, cut, one transaction, answer.
async fn commit_each(
    State(reference): State<Arc<Reference>>,
    Segment(name): Segment<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let header = headers.get("x-line-signature").and_then(|v| v.to_str().ok());
    if !header.is_some_and(|signed| signature::verify([&reference.secret], &body, signed)) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(events) = wire::events(&body) else { return StatusCode::BAD_REQUEST };
    let now = reference.clock.now();
    let rows: Vec<NewInbound> = events
        .into_iter()
        .map(|event| NewInbound {
            inbox: Inbox::line(&name),
            external_id: event.external_id,
            received_at: now,
            happened_at: jiff::Timestamp::from_millisecond(event.at_ms).unwrap_or(now),
            body: event.raw,
        })
        .collect();
    let kept = async {
        let mut tx = reference.db.begin().await?;
        inbound::add_all(&mut tx, rows).await?;
        tx.commit().await
    };
    if kept.await.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
