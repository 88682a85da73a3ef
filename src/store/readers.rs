//! Read-only connections for blocking threads. Reads never wait behind the writer: the write-ahead log lets them see
//! the last committed state meanwhile.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use diesel::SqliteConnection;
use tokio::sync::Semaphore;

use super::error::{Error, Result};

/// Reads at one time. More would only take turns on the disk.
const READERS: usize = 4;

#[derive(Clone)]
pub struct Readers {
    path: Arc<PathBuf>,
    // A plain mutex is right: it is held for a push or a pop, never across a query.
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        Self { path: Arc::new(path), idle: Arc::default(), permits: Arc::new(Semaphore::new(READERS)) }
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
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => super::connect(&self.path, super::Access::Read)?,
        };
        // A connection on which a read panicked is not used again.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut conn))).map_err(|_| Error::Panicked)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        outcome
    }

    pub fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
