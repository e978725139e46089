//! The only reader of time. Everything else is handed a [`Timestamp`] or asks a [`Clock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Wall time, or a time that a test moves by hand.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    stopped_at_us: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock.
    pub fn wall() -> Self {
        Self::default()
    }

    /// A clock that stands at `at` until [`Clock::advance`] moves it.
    pub fn stopped(at: Timestamp) -> Self {
        Self { stopped_at_us: Some(Arc::new(AtomicI64::new(at.as_microsecond()))) }
    }

    /// Now, in whole microseconds (what the database keeps).
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        let us = match &self.stopped_at_us {
            Some(at) => at.load(Ordering::SeqCst),
            None => Timestamp::now().as_microsecond(),
        };
        Timestamp::from_microsecond(us).expect("a clock's microseconds are in jiff's range")
    }

    /// Moves a stopped clock on.
    ///
    /// # Panics
    /// On a clock that runs by itself.
    pub fn advance(&self, by: std::time::Duration) {
        let at = self.stopped_at_us.as_ref().expect("only a stopped clock can be moved");
        at.fetch_add(i64::try_from(by.as_micros()).expect("a test's step is short"), Ordering::SeqCst);
    }
}
