//! `threadline serve`: everything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::intake::{mailbox, media, place, thumbnails};
use crate::{App, outbox, schedule, web};

/// How long requests and loops may take to finish what is in hand. What does not is taken up again at the next start.
const FINISH_WITHIN: Duration = Duration::from_secs(6);

/// Runs everything until SIGTERM or SIGINT.
pub(super) async fn serve(config: Config) -> anyhow::Result<()> {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    web::start_metrics();
    let listen = config.server.listen;
    let app = App::open(config, Clock::wall()).await?;
    let (listener, addr) = bind(listen).await?;
    let router = web::router(app.clone(), false);
    run(app, listener, addr, router, stop_on_signal()?).await
}

/// A listener and where it listens.
pub(super) async fn bind(listen: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("server.listen: cannot listen on {listen}"))?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

/// Starts the loops beside the web.
pub fn start_loops(app: &Arc<App>, stop: &CancellationToken) -> JoinSet<()> {
    let mut loops = JoinSet::new();
    macro_rules! start {
        ($run:path $(, $arg:expr)*) => {{
            let (app, stop) = (app.clone(), stop.clone());
            loops.spawn(async move { $run(&app, $($arg,)* &stop).await });
        }};
    }
    start!(place::run);
    start!(media::run);
    start!(thumbnails::run);
    start!(outbox::run);
    start!(schedule::run);
    for mailbox in app.config.mailbox.clone() {
        start!(mailbox::run, &mailbox);
    }
    loops
}

/// Serves until `stop` rings, then finishes what is in hand.
pub(super) async fn run(
    app: Arc<App>,
    listener: TcpListener,
    addr: SocketAddr,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut loops = start_loops(&app, &stop);
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let ringing = stop.clone();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { ringing.cancelled().await });
    let ended = stop.clone();
    let mut server = tokio::spawn(async move {
        let outcome = server.await;
        ended.cancel();
        outcome
    });
    println!("listening on http://{addr}");
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::debug!(%error, "nobody to tell that we are ready");
    }
    stop.cancelled().await;
    tracing::info!("stopping: finishing what is in hand");
    let all_loops = async { while loops.join_next().await.is_some() {} };
    // Open pages listen for changes for ever; they are not waited for as long.
    let (in_hand, web) = tokio::join!(tokio::time::timeout(FINISH_WITHIN, all_loops), tokio::time::timeout(FINISH_WITHIN / 2, &mut server));
    if in_hand.is_err() || web.is_err() {
        tracing::info!("something was still under way; it is taken up at the next start");
    }
    server.abort();
    loops.abort_all();
    if tokio::time::timeout(Duration::from_secs(2), app.db.close()).await.is_err() {
        tracing::info!("the database was not closed in time; nothing is lost by that");
    }
    match web {
        Ok(ended) => ended.context("the web server ended")?.context("the web server failed"),
        Err(_) => Ok(()),
    }
}

/// A token that SIGTERM and SIGINT ring.
pub(super) fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ring = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        ring.cancel();
    });
    Ok(stop)
}
