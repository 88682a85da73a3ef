//! Usage: read out of messages when a summary is asked for.

use std::time::Instant;

use actix::prelude::*;

use super::{Atomic, MAILBOX, Outcome};
use crate::store::{self, Store, usage::Scope};

/// Messages looked through at a time, and the most rows that one write takes down.
const BATCH: usize = 500;

pub struct UsageIndex {
    store: Store,
}

impl UsageIndex {
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Actor for UsageIndex {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

/// Brings the usage of a namespace or a session up to date. Answers whether that was done in time.
#[derive(Message)]
#[rtype(result = "Outcome")]
pub struct ScanUsage {
    pub scope: Scope,
    pub until: Instant,
}

impl Handler<ScanUsage> for UsageIndex {
    type Result = Atomic<Self>;

    fn handle(&mut self, ScanUsage { scope, until }: ScanUsage, _: &mut Self::Context) -> Self::Result {
        let store = self.store.clone();
        AtomicResponse::new(Box::pin(scan(store, scope, until).into_actor(self)))
    }
}

async fn scan(store: Store, scope: Scope, until: Instant) -> Outcome {
    loop {
        let wanted = scope.clone();
        let found = store.read(move |conn| store::usage::scan(conn, &wanted, BATCH)).await?;
        if found.is_empty() {
            return Ok(true);
        }
        store
            .write(move |tx| found.into_iter().try_for_each(|scan| store::usage::keep(tx.conn, scan)))
            .await?;
        if Instant::now() >= until {
            return Ok(false);
        }
    }
}
