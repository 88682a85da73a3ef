//! What the two ends of one websocket share: how much of what it sent still waits in actors, and the means to cut it.
//!
//! A `message` has no acknowledgement, so it must neither be refused nor dropped. When too much waits, the hub stops
//! reading from the socket, and TCP slows the sender down.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Bytes that may wait in actors before the socket is no longer read.
const BUDGET: usize = 8 * 1024 * 1024;
/// What an event weighs beside its text.
const OVERHEAD: usize = 512;

#[derive(Default)]
pub struct Wire {
    waiting: AtomicUsize,
    eased: Notify,
    cut: CancellationToken,
    last: OnceLock<Bytes>,
}

impl Wire {
    /// Counts an event until the guard is dropped.
    pub fn hold(self: &Arc<Self>, bytes: usize) -> Held {
        let weight = bytes + OVERHEAD;
        self.waiting.fetch_add(weight, Ordering::AcqRel);
        Held { wire: self.clone(), weight }
    }

    pub fn is_paused(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > BUDGET
    }

    /// Waits until there is room again.
    pub async fn eased(&self) {
        loop {
            let eased = self.eased.notified();
            if !self.is_paused() {
                return;
            }
            eased.await;
        }
    }

    pub fn cut(&self) {
        self.cut.cancel();
    }

    /// What the peer gets behind everything else, when the line is cut.
    pub fn say_last(&self, frame: Bytes) {
        let _ = self.last.set(frame);
    }

    pub fn last(&self) -> Option<&Bytes> {
        self.last.get()
    }

    pub async fn is_cut(&self) {
        self.cut.cancelled().await;
    }
}

pub struct Held {
    wire: Arc<Wire>,
    weight: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.wire.waiting.fetch_sub(self.weight, Ordering::AcqRel);
        self.wire.eased.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reading_goes_on_when_enough_has_been_taken() {
        let wire = Arc::new(Wire::default());
        let small = wire.hold(100);
        let large = wire.hold(BUDGET);
        assert!(wire.is_paused());
        let reader = tokio::spawn({
            let wire = wire.clone();
            async move { wire.eased().await }
        });
        drop(large);
        reader.await.unwrap();
        assert!(!wire.is_paused());
        drop(small);
    }
}
