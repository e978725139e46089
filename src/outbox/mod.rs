//! Telling people: what waits is bundled by destination ([`bundle`]), frozen as a delivery, claimed under a lease, sent ([`send`]) and
//! settled ([`settle`]). What leaves for LINE when is for [`policy`] to say, with what [`calendar`] and [`budget`] know; whether LINE reaches
//! a chat at all, [`targets`] finds out.

mod announcement_mail;
mod budget;
mod budget_news;
mod bundle;
mod calendar;
mod digest_bundle;
mod digest_mail;
mod line_bundle;
mod line_replies;
mod mail_bundle;
mod mail_instead;
mod mail_pictures;
mod news_bundle;
mod notes;
mod own_chat;
pub mod policy;
mod script_parts;
mod send;
mod settle;
mod targets;
mod weekly_bundle;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use budget::ask_due;

use crate::App;
use crate::store::{self, deliveries, notices};

/// Requests to LINE under way at once.
const LINE_SENDS_MAX: usize = 16;
/// Mails under way at once.
const MAIL_SENDS_MAX: usize = 4;
/// How long a try is ours alone. A call to LINE ends sooner; a long mail renews it. A process that dies in the middle leaves the delivery
/// to the next one no later than this, within a reply token's minute.
const LEASE: SignedDuration = SignedDuration::from_secs(25);
/// How often a long try renews it.
const RENEW_EVERY: Duration = Duration::from_secs(8);
/// How long the loop sleeps if no bell rings and nothing becomes due.
const POLL: Duration = Duration::from_secs(1);
/// How long it sleeps after the database failed.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// One round of bundling: freezes what is due and may leave. How many deliveries were made. For those who measure it; [`run`] does it.
pub async fn bundle_due(app: &App) -> Result<usize, store::Error> {
    bundle::all_due(app).await
}

/// Tells what is to be told until `stop` rings, then finishes what is under way.
pub async fn run(app: &Arc<App>, stop: &CancellationToken) {
    let mut sending = Sending { line: JoinSet::new(), mail: JoinSet::new() };
    while !stop.is_cancelled() {
        let pause = match step(app, &mut sending).await {
            Ok(0) => pause(app).await,
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::error!(%error, "telling stopped; it goes on when the database answers");
                AFTER_FAILURE
            }
        };
        if pause.is_zero() && !sending.is_full() {
            continue;
        }
        tokio::select! {
            Some(_) = sending.line.join_next(), if !sending.line.is_empty() => {}
            Some(_) = sending.mail.join_next(), if !sending.mail.is_empty() => {}
            () = app.wake.outbox.notified() => {}
            () = tokio::time::sleep(pause.max(Duration::from_millis(10))) => {}
            () = stop.cancelled() => {}
        }
    }
    while sending.line.join_next().await.is_some() {}
    while sending.mail.join_next().await.is_some() {}
}

struct Sending {
    line: JoinSet<()>,
    mail: JoinSet<()>,
}

impl Sending {
    fn is_full(&self) -> bool {
        self.line.len() >= LINE_SENDS_MAX && self.mail.len() >= MAIL_SENDS_MAX
    }
}

/// Bundles what is due and begins to send what is frozen. How much it did.
async fn step(app: &Arc<App>, sending: &mut Sending) -> Result<usize, store::Error> {
    targets::count_heads(app, app.clock.now()).await?;
    let bundled = bundle::all_due(app).await?;
    let mut claimed = 0;
    for mail in [false, true] {
        let (set, max) = if mail { (&mut sending.mail, MAIL_SENDS_MAX) } else { (&mut sending.line, LINE_SENDS_MAX) };
        while set.try_join_next().is_some() {}
        let free = max.saturating_sub(set.len());
        if free == 0 {
            continue;
        }
        let now = app.clock.now();
        if !deliveries::is_any_due(&mut *app.db.read().await?, mail, now).await? {
            continue;
        }
        let mut tx = app.db.begin().await?;
        let taken = deliveries::claim(&mut tx, app.db.dialect, mail, now, now + LEASE, i64::try_from(free).unwrap_or(1)).await?;
        tx.commit().await?;
        claimed += taken.len();
        for delivery in taken {
            let app = app.clone();
            set.spawn(async move { send::one(&app, delivery).await });
        }
    }
    Ok(bundled + claimed)
}

async fn pause(app: &App) -> Duration {
    let now = app.clock.now();
    let next = async {
        let mut c = app.db.read().await?;
        let due = [
            notices::next_due(&mut c, now).await?,
            notices::next_deadline(&mut c, now).await?,
            deliveries::next_due(&mut c).await?.filter(|at| *at > now),
        ];
        Ok::<_, store::Error>(due.into_iter().flatten().min())
    };
    match next.await {
        Ok(Some(at)) => Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO).min(POLL),
        Ok(None) => POLL,
        Err(_) => AFTER_FAILURE,
    }
}
