//! The indexes over messages, of usage and of words: kept up when somebody asks, and when the hub has nothing better
//! to do. One actor does it, a bounded batch at a time, so that two who ask do not do the same work twice. Contents are
//! read and looked into on a reader's thread; the writer only takes down what was found.

mod usage;

use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::{app::Env, store};

pub use usage::ScanUsage;

/// How long somebody who asks is kept waiting. What is there until then is answered, and that it is not all.
pub const PATIENCE: Duration = Duration::from_secs(8);

pub struct Indexer {
    env: Env,
}

impl Indexer {
    pub fn new(env: Env) -> Self {
        Self { env }
    }
}

impl Actor for Indexer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Every request for a search or a summary waits here once.
        ctx.set_mailbox_capacity(1_024);
    }
}

/// Whether an index is complete as of the question.
type Outcome = store::Result<bool>;
type Atomic = AtomicResponse<Indexer, Outcome>;

/// The moment until which somebody who asks now is kept waiting.
pub fn until() -> Instant {
    Instant::now() + PATIENCE
}
