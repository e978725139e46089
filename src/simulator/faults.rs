//! What goes wrong on demand: one fault at a time for a test of one case, chaos for the test that kills the server.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::api::Endpoint;
use super::platform::Platform;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Refused with this status; nothing was done.
    Status(u16),
    /// 429, too many requests.
    Rate,
    /// 429, the month's quota.
    Monthly,
    /// Done, but only after this long.
    Slow(Duration),
    /// The connection is cut; nothing was done.
    DropBefore,
    /// Done, then the connection is cut: the client cannot know.
    DropAfter,
    /// Done, then silence for this long, then the connection is cut.
    StallAfter(Duration),
    /// A download breaks off half-way.
    HalfBody,
}

/// A fault that waits for its requests.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// `None` = any.
    pub endpoint: Option<Endpoint>,
    pub kind: FaultKind,
    /// How many requests it meets; `None` = all until [`Platform::clear_faults`].
    pub times: Option<u32>,
}

impl Fault {
    /// Meets the next request to `endpoint`.
    pub fn once(endpoint: Endpoint, kind: FaultKind) -> Self {
        Self { endpoint: Some(endpoint), kind, times: Some(1) }
    }

    /// Meets the next `times` requests to `endpoint`.
    pub fn times(endpoint: Endpoint, kind: FaultKind, times: u32) -> Self {
        Self { endpoint: Some(endpoint), kind, times: Some(times) }
    }

    /// Meets every request to `endpoint` until the faults are cleared.
    pub fn always(endpoint: Endpoint, kind: FaultKind) -> Self {
        Self { endpoint: Some(endpoint), kind, times: None }
    }
}

/// Shares of all replies and pushes, each from 0 to 1 and together at most 1, that meet a fault at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chaos {
    pub seed: u64,
    /// 500 and nothing done.
    pub refused: f64,
    /// 429 and nothing done.
    pub rate_limited: f64,
    /// Done late, by up to `delay_max`.
    pub delayed: f64,
    pub delay_max: Duration,
    /// Connection cut, nothing done.
    pub dropped_before: f64,
    /// Done, connection cut.
    pub dropped_after: f64,
}

#[derive(Default)]
pub(super) struct Faults {
    waiting: Vec<Fault>,
    chaos: Option<(Chaos, StdRng)>,
}

impl Faults {
    /// What befalls a request to `endpoint` that arrives now.
    pub(super) fn take(&mut self, endpoint: Endpoint) -> Option<FaultKind> {
        let meets = |f: &Fault| f.endpoint.is_none_or(|e| e == endpoint) && f.times != Some(0);
        if let Some(fault) = self.waiting.iter_mut().find(|f| meets(f)) {
            fault.times = fault.times.map(|left| left - 1);
            let kind = fault.kind;
            self.waiting.retain(|f| f.times != Some(0));
            return Some(kind);
        }
        if !matches!(endpoint, Endpoint::Reply | Endpoint::Push) {
            return None;
        }
        let (chaos, rng) = self.chaos.as_mut()?;
        let mut lot: f64 = rng.random();
        let delay = chaos.delay_max.mul_f64(rng.random());
        let fates = [
            (chaos.refused, FaultKind::Status(500)),
            (chaos.rate_limited, FaultKind::Rate),
            (chaos.delayed, FaultKind::Slow(delay)),
            (chaos.dropped_before, FaultKind::DropBefore),
            (chaos.dropped_after, FaultKind::DropAfter),
        ];
        for (share, kind) in fates {
            if lot < share {
                return Some(kind);
            }
            lot -= share;
        }
        None
    }
}

impl Platform {
    /// Adds a fault; those added earlier are met first.
    pub fn fault(&self, fault: Fault) {
        self.state().faults.waiting.push(fault);
    }

    /// From now on nothing goes wrong on purpose.
    pub fn clear_faults(&self) {
        self.state().faults = Faults::default();
    }

    /// From now on a share of all sends meets a fault at random.
    pub fn chaos(&self, chaos: Chaos) {
        self.state().faults.chaos = Some((chaos, StdRng::seed_from_u64(chaos.seed)));
    }
}
