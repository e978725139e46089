//! Durable acceptance. Concurrent requests hand their rows to one loop; it writes all that wait in one transaction and answers each
//! once that is on disk, so that a busy moment costs one sync and not one a request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::domain::Inbox;

use crate::store::inbound::{self, NewInbound};
use crate::store::{self, Db};

/// Requests that may wait for the loop; a further one waits at the door.
const REQUESTS_WAITING_MAX: usize = 4096;
/// Rows of one commit. More would make the first wait for the last.
const ROWS_PER_COMMIT: usize = 512;
/// A commit larger than this tells that the intake is under load.
const BUSY_ROWS: usize = 8;
/// How long after such a commit the intake counts as busy.
const BUSY_FOR: Duration = Duration::from_millis(200);

/// The door: cheap to clone.
#[derive(Clone)]
pub struct Intake {
    requests: mpsc::Sender<Request>,
    busy_until_ms: Arc<AtomicU64>,
    started: Instant,
    refusals: Arc<Refusals>,
}

/// What could not be made durable, by inbox: since when. Kept in memory, since the database is what failed.
#[derive(Default)]
struct Refusals {
    since: Mutex<BTreeMap<Inbox, Timestamp>>,
    /// Rung when something is durable again.
    over: Notify,
}

struct Request {
    rows: Vec<NewInbound>,
    done: oneshot::Sender<Result<(), AcceptError>>,
}

/// Why something is not durable. Whoever sent it must send it again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("writing what arrived to the database")]
    Store(#[source] Arc<sqlx::Error>),
    #[error("the program is stopping")]
    Stopping,
}

impl Intake {
    /// Starts the loop; it ends when the last clone is dropped.
    pub fn start(db: Db) -> Self {
        let (requests, waiting) = mpsc::channel(REQUESTS_WAITING_MAX);
        let intake = Self { requests, busy_until_ms: Arc::default(), started: Instant::now(), refusals: Arc::default() };
        tokio::spawn(write_what_waits(db, waiting, intake.busy_until_ms.clone(), intake.started));
        intake
    }

    /// Makes the rows durable, each once. Returns when they are on disk.
    pub async fn accept(&self, rows: Vec<NewInbound>) -> Result<(), AcceptError> {
        let first = rows.first().map(|r| (r.inbox.clone(), r.received_at));
        let outcome = self.try_accept(rows).await;
        match (&outcome, first) {
            (Err(_), Some((inbox, at))) => {
                self.refused().entry(inbox).or_insert(at);
            }
            (Ok(()), Some((inbox, _))) if self.refused().contains_key(&inbox) => self.refusals.over.notify_one(),
            _ => {}
        }
        outcome
    }

    async fn try_accept(&self, rows: Vec<NewInbound>) -> Result<(), AcceptError> {
        let (done, answer) = oneshot::channel();
        self.requests.send(Request { rows, done }).await.map_err(|_| AcceptError::Stopping)?;
        answer.await.map_err(|_| AcceptError::Stopping)?
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, BTreeMap<Inbox, Timestamp>> {
        // Nothing in here is left half done by a panic.
        self.refusals.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when what arrived was refused, by inbox: handed over once. Whoever cannot write it down gives it back.
    pub fn take_refusals(&self) -> BTreeMap<Inbox, Timestamp> {
        std::mem::take(&mut *self.refused())
    }

    /// Takes refusals back that could not be written down.
    pub fn give_back(&self, refusals: BTreeMap<Inbox, Timestamp>) {
        let mut kept = self.refused();
        for (inbox, since) in refusals {
            let known = kept.entry(inbox).or_insert(since);
            *known = since.min(*known);
        }
    }

    /// Waits until something is durable again after a refusal.
    pub async fn refusals_are_over(&self) {
        self.refusals.over.notified().await;
    }

    /// Whether requests come faster than one at a time: placing then steps back, since LINE waits two seconds and a post may take longer.
    pub fn is_busy(&self) -> bool {
        millis(self.started) < self.busy_until_ms.load(Ordering::Relaxed)
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

async fn write_what_waits(db: Db, mut waiting: mpsc::Receiver<Request>, busy_until_ms: Arc<AtomicU64>, started: Instant) {
    while let Some(first) = waiting.recv().await {
        let mut requests = vec![first];
        let mut rows = requests[0].rows.len();
        while rows < ROWS_PER_COMMIT
            && let Ok(next) = waiting.try_recv()
        {
            rows += next.rows.len();
            requests.push(next);
        }
        if rows > BUSY_ROWS {
            busy_until_ms.store(millis(started) + u64::try_from(BUSY_FOR.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        let mut all: Vec<NewInbound> = Vec::with_capacity(rows);
        for request in &mut requests {
            all.append(&mut request.rows);
        }
        let outcome = write(&db, all).await;
        match &outcome {
            Ok(new) => {
                metrics::counter!("threadline_inbound_accepted_total").increment(*new);
                metrics::counter!("threadline_inbound_duplicates_total").increment((rows as u64).saturating_sub(*new));
            }
            Err(error) => tracing::error!(%error, rows, "what arrived could not be made durable"),
        }
        for request in requests {
            let answer = outcome.as_ref().map(drop).map_err(|e| AcceptError::Store(Arc::clone(e)));
            // Whoever asked may have gone away; the rows are durable all the same.
            drop(request.done.send(answer));
        }
    }
}

async fn write(db: &Db, mut rows: Vec<NewInbound>) -> Result<u64, Arc<store::Error>> {
    // In one order on every node: two that insert the same ids the other way round would wait for each other.
    rows.sort_unstable_by(|a, b| a.external_id.cmp(&b.external_id));
    let attempt = async {
        let mut tx = db.begin().await?;
        let new = inbound::add_all(&mut tx, rows).await?;
        tx.commit().await?;
        Ok(new)
    };
    attempt.await.map_err(Arc::new)
}
