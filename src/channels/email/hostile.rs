//! For tests: text that is made to take long is read in a time that grows with its length alone.

use rustix::time::{ClockId, clock_gettime};

/// What takes time in the square of its length takes minutes for the texts that the tests read.
const CPU_SECONDS_MAX: i64 = 30;

/// Does it, and counts what this thread alone computes meanwhile, however busy the machine is.
pub(super) fn takes_no_square_of_time(what: &str, work: impl FnOnce()) {
    let began = clock_gettime(ClockId::ThreadCPUTime).tv_sec;
    work();
    let spent = clock_gettime(ClockId::ThreadCPUTime).tv_sec - began;
    assert!(spent < CPU_SECONDS_MAX, "{what:?} took {spent} s");
}
