//! Words: caught up with when somebody searches, and in the background while the hub is quiet. In a busy hour nothing is
//! indexed unasked: whoever stores messages has the writer for himself.

use std::time::{Duration, Instant};

use actix::prelude::*;

use super::{Atomic, MAILBOX, Outcome};
use crate::store::{self, Store, search::Batch};

/// More new messages than this between two looks, and the hub is busy.
const BUSY: i64 = 500;
/// The background works so long at a time, then lets others.
const SLICE: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(400);

pub struct WordIndex {
    store: Store,
    /// How often to look whether the hub has time.
    every: Duration,
    newest_key: i64,
}

impl WordIndex {
    pub fn new(store: Store, every: Duration) -> Self {
        Self { store, every, newest_key: 0 }
    }
}

impl Actor for WordIndex {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_later(self.every, Self::look);
    }
}

/// Brings the index of words up to date. Answers whether that was done in time.
#[derive(Message)]
#[rtype(result = "Outcome")]
pub struct IndexWords {
    pub until: Instant,
}

impl Handler<IndexWords> for WordIndex {
    type Result = Atomic<Self>;

    fn handle(&mut self, IndexWords { until }: IndexWords, _: &mut Self::Context) -> Self::Result {
        let store = self.store.clone();
        AtomicResponse::new(Box::pin(catch_up(store, until).into_actor(self)))
    }
}

impl WordIndex {
    /// Indexes for a little while if the hub is quiet, then looks again.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let store = self.store.clone();
        let known = self.newest_key;
        let work = async move {
            let newest = store.read(store::search::newest_key).await?;
            if newest - known > BUSY {
                return Ok((newest, true));
            }
            Ok((newest, catch_up(store, Instant::now() + SLICE).await?))
        };
        ctx.wait(work.into_actor(self).map(|outcome: store::Result<(i64, bool)>, this, ctx| {
            let pause = match outcome {
                Ok((newest, is_done)) => {
                    this.newest_key = newest;
                    if is_done { this.every } else { PAUSE.min(this.every) }
                }
                Err(store::Error::Closed) => return,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "could not index messages");
                    this.every
                }
            };
            ctx.run_later(pause, Self::look);
        }));
    }
}

async fn catch_up(store: Store, until: Instant) -> Outcome {
    for next in [store::search::next_titles, store::search::next_messages] {
        loop {
            let batch: Batch = store.read(next).await?;
            if batch.is_empty() {
                break;
            }
            store.write(move |tx| store::search::keep(tx.conn, batch)).await?;
            if Instant::now() >= until {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
