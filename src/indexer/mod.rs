//! The indexes over messages, of usage and of words: kept up when somebody asks, and words also when the hub has nothing
//! better to do. Each has one actor, which works in bounded batches, so that two who ask do not do the same work twice.
//! Contents are read and looked into on a reader's thread; the writer only takes down what was found.

mod usage;
mod words;

use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::store;

pub use usage::{ScanUsage, UsageIndex};
pub use words::{IndexWords, WordIndex};

/// How long somebody who asks for a summary is kept waiting, and somebody who searches. What is there until then is
/// answered, and that it is not all.
pub const FOR_A_SUMMARY: Duration = Duration::from_secs(8);
pub const FOR_A_SEARCH: Duration = Duration::from_millis(1_500);

/// Every request for a search or a summary waits in a mailbox once.
const MAILBOX: usize = 1_024;

/// Whether an index is complete as of the question.
type Outcome = store::Result<bool>;
type Atomic<A> = AtomicResponse<A, Outcome>;

/// The moment until which somebody who asks now is kept waiting.
pub fn until(patience: Duration) -> Instant {
    Instant::now() + patience
}
