//! How far a large mailbox has been taken: for the log and the gauge.

use std::time::Duration;

use tokio::time::Instant;

/// Fewer mails than this are taken without a word.
const WORTH_TELLING: usize = 200;
/// How often it is told.
const EVERY: Duration = Duration::from_secs(5);

/// One run over many mails.
pub(super) struct Progress<'a> {
    mailbox: &'a str,
    total: usize,
    done: usize,
    began: Instant,
    told: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn begin(mailbox: &'a str, total: usize) -> Self {
        let now = Instant::now();
        let progress = Self { mailbox, total, done: 0, began: now, told: now };
        if total >= WORTH_TELLING {
            tracing::info!(mailbox, mails = total, "taking mails");
        }
        progress.gauge();
        progress
    }

    /// So many more are durable, or not to be taken.
    pub(super) fn add(&mut self, mails: usize) {
        self.done = (self.done + mails).min(self.total);
        self.gauge();
        if self.total >= WORTH_TELLING && (self.told.elapsed() >= EVERY || self.done == self.total) {
            self.told = Instant::now();
            let seconds = self.began.elapsed().as_secs_f64();
            let (rate, left) = estimate(self.done, self.total, seconds);
            tracing::info!(
                mailbox = self.mailbox,
                taken = self.done,
                total = self.total,
                mails_per_second = format!("{rate:.0}"),
                seconds_left = format!("{left:.0}"),
                "taking mails"
            );
        }
    }

    fn gauge(&self) {
        #[expect(clippy::cast_precision_loss, reason = "a folder holds fewer than 2^32 mails")]
        metrics::gauge!("threadline_mailbox_waiting", "mailbox" => self.mailbox.to_owned()).set((self.total - self.done) as f64);
    }
}

/// Mails a second, and about how many seconds are left.
#[expect(clippy::cast_precision_loss, reason = "a folder holds fewer than 2^32 mails")]
fn estimate(done: usize, total: usize, seconds: f64) -> (f64, f64) {
    let rate = done as f64 / seconds.max(0.001);
    (rate, if done == 0 { f64::INFINITY } else { (total - done) as f64 / rate })
}

#[cfg(test)]
mod tests {
    use super::estimate;

    #[test]
    fn the_rest_takes_as_long_as_what_was_done_did() {
        let (rate, left) = estimate(5_000, 20_000, 10.0);
        assert!((rate - 500.0).abs() < 1e-9 && (left - 30.0).abs() < 1e-9, "{rate} {left}");
        assert!(estimate(0, 10, 1.0).1.is_infinite());
        assert!(estimate(10, 10, 1.0).1.abs() < 1e-9);
    }
}
