//! Waiting for what others do, with an end.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// What should happen happens within this time, even on a busy machine.
const HAPPENS_WITHIN: Duration = Duration::from_mins(1);
/// What must not happen would have happened within this time: longer than every pause of the loops that a test may meet.
const STAYS_FOR: Duration = Duration::from_millis(1500);
/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Looks until there is an answer.
///
/// # Panics
/// If there is none in the end; `what` tells what was waited for.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(HAPPENS_WITHIN, what, look).await
}

/// As [`eventually`], with an end of its own.
pub async fn eventually_within<T>(within: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + within;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "waited {} s in vain: {what}", within.as_secs());
        sleep(LOOK_EVERY).await;
    }
}

/// Looks again and again for a while: what is so stays so.
///
/// # Panics
/// As soon as it is not so any more.
pub async fn stays(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + STAYS_FOR;
    while Instant::now() < until {
        assert!(look().await, "it did not stay so: {what}");
        sleep(LOOK_EVERY).await;
    }
}
