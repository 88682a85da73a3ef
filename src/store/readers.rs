//! Read-only connections for blocking threads. Reads never wait behind the writer: the write-ahead log lets them see
//! the last committed state meanwhile.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use diesel::SqliteConnection;
use tokio::sync::Semaphore;

use super::error::{Error, Result};

/// Reads at one time. More would only take turns on the disk.
const READERS: u32 = 4;

/// What a stop waits at most for reads under way.
const LAST_READS: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub struct Readers {
    path: Arc<PathBuf>,
    // A plain mutex is right: it is held for a push or a pop, never across a query.
    // Nothing is kept once the store is closed.
    idle: Arc<Mutex<Option<Vec<SqliteConnection>>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        let idle = Arc::new(Mutex::new(Some(Vec::new())));
        Self { path: Arc::new(path), idle, permits: Arc::new(Semaphore::new(READERS as usize)) }
    }

    pub async fn run<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let readers = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let outcome = readers.read(work);
            drop(permit);
            outcome
        });
        read.await.map_err(|_| Error::Closed)?
    }

    fn read<T>(&self, work: impl FnOnce(&mut SqliteConnection) -> Result<T>) -> Result<T> {
        let idle = self.idle().as_mut().and_then(Vec::pop);
        let mut conn = match idle {
            Some(conn) => conn,
            None => super::connect(&self.path, super::Access::Read)?,
        };
        // A connection on which a read panicked is not used again.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut conn))).map_err(|_| Error::Panicked)?;
        if let Some(idle) = self.idle().as_mut() {
            idle.push(conn);
        }
        outcome
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<SqliteConnection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the reads under way end and closes their connections. A read that goes on for longer closes its own.
    pub async fn close(&self) {
        let ended = tokio::time::timeout(LAST_READS, self.permits.acquire_many(READERS)).await;
        if ended.is_err() {
            tracing::warn!("closed the database while it was still being read");
        }
        self.permits.close();
        *self.idle() = None;
    }
}
