//! Steps of which one at a time may be taken, however many ask: whoever takes it holds a guard for as long as it lasts.

use std::sync::{Arc, Weak};

/// Lives as long as the step.
pub type Guard = Arc<()>;

#[derive(Default)]
pub(super) struct Exclusive(Weak<()>);

impl Exclusive {
    /// `None` while another one is under way.
    pub(super) fn begin(&mut self) -> Option<Guard> {
        if self.is_running() {
            return None;
        }
        let guard = Guard::default();
        self.0 = Arc::downgrade(&guard);
        Some(guard)
    }

    pub(super) fn is_running(&self) -> bool {
        self.0.strong_count() > 0
    }
}
