//! Whose CPU time it was, as Linux counts it. On another system every figure is 0.

use std::fs;

/// Ticks of `/proc` in a second: `USER_HZ`, 100 on every Linux of today (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;
/// Where `utime` and `stime` stand behind the command's name in `/proc/self/stat` (proc(5): fields 14 and 15).
const UTIME_AFTER_NAME: usize = 11;

/// CPU seconds, of all cores together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// By this process, all threads.
    pub own: f64,
    /// By the whole machine, this process included; stolen time too.
    pub machine: f64,
    /// What there was to be had.
    pub available: f64,
}

impl Spent {
    /// Since the start.
    pub fn now() -> Self {
        let own = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| {
            let behind_name = stat.rsplit_once(") ")?.1.split(' ').map(str::parse::<f64>).collect::<Vec<_>>();
            let field = |at: usize| behind_name.get(at)?.as_ref().ok().copied();
            Some((field(UTIME_AFTER_NAME)? + field(UTIME_AFTER_NAME + 1)?) / TICKS_PER_SECOND)
        });
        // user nice system idle iowait irq softirq steal
        let whole = fs::read_to_string("/proc/stat").unwrap_or_default();
        let ticks: Vec<f64> = whole.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8).flat_map(str::parse).collect();
        let idle: f64 = ticks.iter().skip(3).take(2).sum();
        let all: f64 = ticks.iter().sum();
        Self { own: own.unwrap_or_default(), machine: (all - idle) / TICKS_PER_SECOND, available: all / TICKS_PER_SECOND }
    }

    /// What was spent in between.
    pub fn since(self, before: Self) -> Self {
        Self { own: self.own - before.own, machine: self.machine - before.machine, available: self.available - before.available }
    }

    /// The part of the machine that others had, 0 to 1.
    pub fn others(self) -> f64 {
        if self.available > 0.0 { ((self.machine - self.own) / self.available).max(0.0) } else { 0.0 }
    }
}

/// CPU seconds of the calling thread.
pub fn of_this_thread() -> f64 {
    // The first number is nanoseconds on a CPU (Documentation/scheduler/sched-stats.rst).
    fs::read_to_string("/proc/thread-self/schedstat").ok().and_then(|s| s.split(' ').next()?.parse::<f64>().ok()).map_or(0.0, |ns| ns / 1e9)
}

/// The machine's load averages, and whether they can be had.
pub fn load_average() -> String {
    fs::read_to_string("/proc/loadavg").map_or_else(|_| "unknown".to_owned(), |s| s.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
