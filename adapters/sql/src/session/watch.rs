//! The deadline of the statement that runs on a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// In milliseconds of a shared clock; for SQLite, which knows no statement timeout and asks this
/// from inside its loop.
#[derive(Clone)]
pub(crate) struct Watch {
    origin: Instant,
    deadline_ms: Arc<AtomicU64>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch { origin: Instant::now(), deadline_ms: Arc::new(AtomicU64::new(u64::MAX)) }
    }
}

impl Watch {
    pub fn set(&self, timeout: Duration) {
        let deadline = (self.origin.elapsed() + timeout).as_millis();
        self.deadline_ms.store(u64::try_from(deadline).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn rest(&self) {
        self.deadline_ms.store(u64::MAX, Ordering::Relaxed);
    }

    /// The running statement ends at its next look at the watch.
    pub fn stop(&self) {
        self.deadline_ms.store(0, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        let deadline = self.deadline_ms.load(Ordering::Relaxed);
        deadline != u64::MAX && self.origin.elapsed().as_millis() >= u128::from(deadline)
    }
}
