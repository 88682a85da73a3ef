//! The indexes over messages, of usage and of words: kept up when somebody asks, and when the hub has nothing better
//! to do. One actor does it, a bounded batch at a time, so that two who ask do not do the same work twice. Contents are
//! read and looked into on a reader's thread; the writer only takes down what was found.

mod usage;
mod words;

use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::{app::Env, store};

pub use usage::ScanUsage;
pub use words::IndexWords;

/// How long somebody who asks for a summary is kept waiting, and somebody who searches. What is there until then is
/// answered, and that it is not all.
pub const FOR_A_SUMMARY: Duration = Duration::from_secs(8);
pub const FOR_A_SEARCH: Duration = Duration::from_millis(1_500);

pub struct Indexer {
    env: Env,
    /// How often to look whether the hub has time for the index of words.
    every: Duration,
    newest_key: i64,
}

impl Indexer {
    pub fn new(env: Env, every: Duration) -> Self {
        Self { env, every, newest_key: 0 }
    }
}

impl Actor for Indexer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Every request for a search or a summary waits here once.
        ctx.set_mailbox_capacity(1_024);
        ctx.run_later(self.every, Self::look);
    }
}

/// Whether an index is complete as of the question.
type Outcome = store::Result<bool>;
type Atomic = AtomicResponse<Indexer, Outcome>;

/// The moment until which somebody who asks now is kept waiting.
pub fn until(patience: Duration) -> Instant {
    Instant::now() + patience
}
