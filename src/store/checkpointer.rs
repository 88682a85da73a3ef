//! Folds the write-ahead log into the database beside the writer, so that nobody waits for it. What was written since
//! the last fold is little when the writer's own turn comes, at the latest when the log has reached its bound.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types::Integer};

use super::error::Result;

/// So many pages are worth a fold: a page that is written again and again is then written to the database once.
const PAGES: usize = 12_000;
/// Jobs that are taken to write so many pages, until it is known better.
const FIRST: usize = 1_024;
const LEAST: usize = 64;
const MOST: usize = 16_384;

pub struct Checkpointer {
    wake: SyncSender<usize>,
    thread: JoinHandle<()>,
    jobs: usize,
    worth: Arc<AtomicUsize>,
}

impl Checkpointer {
    pub fn start(open: impl Fn() -> Result<SqliteConnection> + Send + 'static) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let worth = Arc::new(AtomicUsize::new(FIRST));
        let told = worth.clone();
        let thread =
            thread::Builder::new().name("store-fold".into()).spawn(move || fold(&woken, &told, open))?;
        Ok(Self { wake, thread, jobs: 0, worth })
    }

    /// So many jobs were committed.
    pub fn note(&mut self, jobs: usize) {
        self.jobs += jobs;
        // While a fold is under way, the next already waits.
        if self.jobs >= self.worth.load(Ordering::Relaxed) && self.wake.try_send(self.jobs).is_ok() {
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

#[derive(QueryableByName)]
struct Folded {
    /// Pages in the log; -1 when that is not known.
    #[diesel(sql_type = Integer)]
    log: i32,
}

fn fold(woken: &Receiver<usize>, worth: &AtomicUsize, open: impl Fn() -> Result<SqliteConnection>) {
    let mut conn: Option<SqliteConnection> = None;
    let mut pages_before = 0;
    while let Ok(jobs) = woken.recv() {
        let opened = match &mut conn {
            Some(conn) => conn,
            none => match open() {
                Ok(fresh) => none.insert(fresh),
                // The writer says so where it matters.
                Err(_) => continue,
            },
        };
        match sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Folded>(opened) {
            Ok(Folded { log }) => {
                let pages = usize::try_from(log).unwrap_or(0);
                worth.store(jobs_worth(jobs, pages_before, pages), Ordering::Relaxed);
                pages_before = pages;
            }
            Err(error) => {
                tracing::warn!(%error, "could not fold the write-ahead log into the database");
                conn = None;
            }
        }
    }
}

/// How many jobs write the pages that are worth a fold, by what the last ones wrote. The log begins anew now and then.
fn jobs_worth(jobs: usize, pages_before: usize, pages: usize) -> usize {
    let written = pages.checked_sub(pages_before).filter(|written| *written > 0).unwrap_or(pages).max(1);
    (jobs * PAGES / written).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_jobs_are_folded_less_often_than_large_ones() {
        assert_eq!(jobs_worth(1_000, 0, 12_000), 1_000);
        assert_eq!(jobs_worth(1_000, 12_000, 15_000), 4_000);
        assert_eq!(jobs_worth(1_000, 20_000, 6_000), 2_000, "the log has begun anew");
        assert_eq!(jobs_worth(1_000, 5, 5_000_000), LEAST);
        assert_eq!(jobs_worth(1_000, 5, 5), MOST);
        assert_eq!(jobs_worth(1_000, 0, 0), MOST);
    }
}
