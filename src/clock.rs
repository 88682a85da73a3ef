//! The one place that asks the system for the time, so that tests own it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::domain::ids::Millis;

/// Tells the time. Clones of a manual clock show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that stands still until it is told to move.
    pub fn manual(start: Millis) -> Self {
        Self(Kind::Manual(Arc::new(AtomicI64::new(start))))
    }

    pub fn now(&self) -> Millis {
        match &self.0 {
            Kind::System => system_now(),
            Kind::Manual(now) => now.load(Ordering::SeqCst),
        }
    }

    /// Moves a manual clock. The system's own clock cannot be moved, so there this does nothing.
    pub fn advance(&self, ms: Millis) {
        if let Kind::Manual(now) = &self.0 {
            now.fetch_add(ms, Ordering::SeqCst);
        }
    }

    /// Puts a manual clock at a moment. The system's own clock cannot be moved, so there this does nothing.
    pub fn set(&self, to: Millis) {
        if let Kind::Manual(now) = &self.0 {
            now.store(to, Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
fn system_now() -> Millis {
    since_epoch(SystemTime::now())
}

/// A file time on the same scale. Times before 1970 count as 1970.
pub fn since_epoch(time: SystemTime) -> Millis {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(elapsed.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_show_the_same_time() {
        let clock = Clock::manual(1_000);
        let other = clock.clone();
        clock.advance(500);
        assert_eq!(other.now(), 1_500);
        other.set(7);
        assert_eq!(clock.now(), 7);
    }

    #[test]
    fn the_system_clock_runs_on_its_own() {
        let clock = Clock::system();
        let before = clock.now();
        clock.set(0);
        assert!(before > 1_600_000_000_000 && clock.now() >= before);
    }
}
