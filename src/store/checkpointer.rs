//! Folds the write-ahead log into the database beside the writer, so that nobody waits for it. What was written since
//! the last fold is little when the writer's own turn comes, at the latest when the log has reached its bound.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use diesel::{SqliteConnection, connection::SimpleConnection};

use super::error::Result;

/// So many jobs are worth a fold.
const JOBS: usize = 1_024;

pub struct Checkpointer {
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
    jobs: usize,
}

impl Checkpointer {
    pub fn start(open: impl Fn() -> Result<SqliteConnection> + Send + 'static) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = thread::Builder::new().name("store-fold".into()).spawn(move || fold(&woken, open))?;
        Ok(Self { wake, thread, jobs: 0 })
    }

    /// So many jobs were committed.
    pub fn note(&mut self, jobs: usize) {
        self.jobs += jobs;
        // While a fold is under way, the next already waits.
        if self.jobs >= JOBS && self.wake.try_send(()).is_ok() {
            self.jobs = 0;
        }
    }

    /// Returns when the connection is closed.
    pub fn stop(self) {
        drop(self.wake);
        if self.thread.join().is_err() {
            tracing::error!("the thread that folds the write-ahead log has panicked");
        }
    }
}

fn fold(woken: &Receiver<()>, open: impl Fn() -> Result<SqliteConnection>) {
    let mut conn = None;
    while woken.recv().is_ok() {
        let folded = match &mut conn {
            Some(conn) => SqliteConnection::batch_execute(conn, "PRAGMA wal_checkpoint(PASSIVE)"),
            none => match open() {
                Ok(fresh) => none.insert(fresh).batch_execute("PRAGMA wal_checkpoint(PASSIVE)"),
                // The writer says so where it matters.
                Err(_) => continue,
            },
        };
        if let Err(error) = folded {
            tracing::warn!(%error, "could not fold the write-ahead log into the database");
            conn = None;
        }
    }
}
