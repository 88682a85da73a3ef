//! The one thread that writes. It takes every job that waits, runs each in a savepoint so that a bad one fails
//! alone, commits once, publishes what was journaled, then answers each: one disk sync carries many changes.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use diesel::{Connection, SqliteConnection, result::Error::RollbackTransaction};
use tokio::sync::{mpsc, oneshot};

use super::{
    checkpointer::Checkpointer,
    error::{Error, Result},
    journal::{self, Committed, NewEntry},
};
use crate::domain::ids::Namespace;

/// Jobs that may wait before senders are made to wait.
const QUEUE: usize = 8_192;
/// Jobs that share one transaction at the most.
const BATCH: usize = 256;

/// Told of every journal entry of one namespace, in order, once it is durable.
pub type Publish = Box<dyn FnMut(Vec<Committed>) + Send>;

/// What a job may use: the connection inside the shared transaction, and the journal.
pub struct Tx<'a> {
    pub conn: &'a mut SqliteConnection,
    journal: &'a mut Outbox,
}

impl Tx<'_> {
    /// Writes an event into the namespace's journal, in the same transaction as the change it tells of.
    pub fn journal(&mut self, namespace: &Namespace, entry: NewEntry) -> Result<i64> {
        self.journal.append(self.conn, namespace, entry)
    }
}

/// Numbers entries and holds them back until their transaction is committed.
#[derive(Default)]
struct Outbox {
    heads: HashMap<Namespace, i64>,
    waiting: Vec<(Namespace, Committed)>,
    readers: HashMap<Namespace, Publish>,
    trimmer: journal::Trimmer,
}

impl Outbox {
    fn head(&mut self, conn: &mut SqliteConnection, namespace: &Namespace) -> Result<i64> {
        if let Some(head) = self.heads.get(namespace) {
            return Ok(*head);
        }
        let head = journal::head(conn, namespace)?;
        self.heads.insert(namespace.clone(), head);
        Ok(head)
    }

    fn append(&mut self, conn: &mut SqliteConnection, namespace: &Namespace, entry: NewEntry) -> Result<i64> {
        let seq = self.head(conn, namespace)? + 1;
        journal::insert(conn, namespace, seq, &entry)?;
        self.heads.insert(namespace.clone(), seq);
        self.waiting.push((namespace.clone(), entry.committed(seq)));
        Ok(seq)
    }

    /// Forgets what a failed job had journaled; its numbers are given to the next.
    fn roll_back(&mut self, kept: usize) {
        for (namespace, entry) in self.waiting.drain(kept..).rev() {
            self.heads.insert(namespace, entry.seq - 1);
        }
    }

    fn publish(&mut self) {
        let mut by_namespace: Vec<(Namespace, Vec<Committed>)> = Vec::new();
        for (namespace, entry) in self.waiting.drain(..) {
            match by_namespace.iter_mut().find(|(known, _)| *known == namespace) {
                Some((_, entries)) => entries.push(entry),
                None => by_namespace.push((namespace, vec![entry])),
            }
        }
        for (namespace, entries) in by_namespace {
            self.trimmer.note(&namespace, &entries);
            if let Some(reader) = self.readers.get_mut(&namespace) {
                reader(entries);
            }
        }
    }
}

trait Job: Send {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()>;
    fn answer(self: Box<Self>, commit: Result<()>);
}

struct Call<F, T> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Job for Call<F, T>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(tx))).unwrap_or(Err(Error::Panicked));
        match outcome {
            Ok(value) => {
                self.outcome = Some(Ok(value));
                Ok(())
            }
            Err(error) => {
                self.outcome = Some(Err(error));
                Err(Error::Query(diesel::result::Error::RollbackTransaction))
            }
        }
    }

    fn answer(self: Box<Self>, commit: Result<()>) {
        let outcome = match (commit, self.outcome) {
            (Err(error), Some(Ok(_)) | None) => Err(error),
            (_, Some(outcome)) => outcome,
            (Ok(()), None) => Err(Error::Closed),
        };
        // Whoever asked may have gone; the change stands all the same.
        let _ = self.reply.send(outcome);
    }
}

enum Order {
    Run(Box<dyn Job>),
    Subscribe(Namespace, Publish, oneshot::Sender<Result<i64>>),
    Stop(oneshot::Sender<()>),
}

/// Sends jobs to the writer thread. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    orders: mpsc::Sender<Order>,
}

impl Writer {
    /// Starts the thread. `reopen` gives a fresh connection after a failure.
    pub fn start(
        conn: SqliteConnection,
        retention: journal::Retention,
        reopen: impl Fn() -> Result<SqliteConnection> + Clone + Send + 'static,
    ) -> std::io::Result<Self> {
        let (orders, incoming) = mpsc::channel(QUEUE);
        let checkpointer = Checkpointer::start(reopen.clone())?;
        thread::Builder::new().name("store-writer".into()).spawn(move || {
            let outbox = Outbox { trimmer: journal::Trimmer::new(retention), ..Outbox::default() };
            Thread { conn, outbox, incoming, checkpointer }.run(reopen);
        })?;
        Ok(Self { orders })
    }

    /// Runs `work` in the next transaction and answers when it is on disk.
    pub async fn run<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Call { work: Some(work), outcome: None, reply });
        self.orders.send(Order::Run(job)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// From now on `publish` hears every journal entry of the namespace. Answers the last number before that.
    pub async fn subscribe(&self, namespace: Namespace, publish: Publish) -> Result<i64> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order::Subscribe(namespace, publish, reply)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Finishes what waits, folds the write-ahead log into the database and ends the thread.
    pub async fn stop(&self) {
        let (reply, done) = oneshot::channel();
        if self.orders.send(Order::Stop(reply)).await.is_ok() {
            let _ = done.await;
        }
    }
}

struct Thread {
    conn: SqliteConnection,
    outbox: Outbox,
    incoming: mpsc::Receiver<Order>,
    checkpointer: Checkpointer,
}

impl Thread {
    fn run(mut self, reopen: impl Fn() -> Result<SqliteConnection>) {
        while let Some(first) = self.incoming.blocking_recv() {
            let mut jobs = Vec::new();
            let mut next = Some(first);
            // A subscription or a stop closes the batch, so that it stands exactly between two transactions.
            let mut then = None;
            while let Some(order) = next.take() {
                match order {
                    Order::Run(job) => jobs.push(job),
                    other => {
                        then = Some(other);
                        break;
                    }
                }
                if jobs.len() < BATCH {
                    next = self.incoming.try_recv().ok();
                }
            }
            if !jobs.is_empty() {
                self.checkpointer.note(jobs.len());
                if self.commit(jobs) {
                    match reopen() {
                        Ok(conn) => self.conn = conn,
                        // The old connection fails again, and this is tried again.
                        Err(error) => {
                            tracing::error!(%error, "could not reopen the database after a failure")
                        }
                    }
                }
                // Nobody waits for it, and it is tried again with the next events.
                if let Err(error) = self.outbox.trimmer.trim(&mut self.conn) {
                    tracing::warn!(%error, "could not trim the journal");
                }
            }
            match then {
                Some(Order::Subscribe(namespace, publish, reply)) => {
                    let head = self.outbox.head(&mut self.conn, &namespace);
                    self.outbox.readers.insert(namespace, publish);
                    let _ = reply.send(head);
                }
                Some(Order::Stop(done)) => {
                    self.checkpointer.stop();
                    if let Err(error) = super::checkpoint(&mut self.conn) {
                        tracing::warn!(%error, "could not fold the write-ahead log into the database");
                    }
                    // Closed before the answer: whoever asked may open the file anew.
                    drop(self.conn);
                    let _ = done.send(());
                    return;
                }
                Some(Order::Run(_)) | None => {}
            }
        }
    }

    /// Runs a batch as one transaction. Says whether the connection may have been left in a state that is not known:
    /// a job panicked, or the database failed, which may end a transaction from within.
    fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) -> bool {
        let outbox = &mut self.outbox;
        let batch = catch_unwind(AssertUnwindSafe(|| {
            self.conn.immediate_transaction(|conn| {
                if let [only] = jobs.as_mut_slice() {
                    // Alone in its transaction a job needs no savepoint: what fails takes nothing else along.
                    return only.run(&mut Tx { conn, journal: outbox }).map_err(|_| RollbackTransaction);
                }
                for job in &mut jobs {
                    let kept = outbox.waiting.len();
                    let ran = conn.transaction(|conn| job.run(&mut Tx { conn, journal: outbox }));
                    if ran.is_err() {
                        outbox.roll_back(kept);
                    }
                }
                Ok(())
            })
        }));
        let (outcome, panicked) = match batch {
            Ok(outcome) => (outcome, false),
            Err(_) => (Err(diesel::result::Error::BrokenTransactionManager), true),
        };
        match outcome {
            Ok(()) => {
                self.outbox.publish();
                jobs.into_iter().for_each(|job| job.answer(Ok(())));
                panicked
            }
            Err(RollbackTransaction) => {
                // The one job of the batch failed; it answers with its own error.
                self.outbox.roll_back(0);
                jobs.into_iter().for_each(|job| job.answer(Ok(())));
                panicked
            }
            Err(error) => {
                tracing::error!(%error, jobs = jobs.len(), "a transaction was not committed");
                self.outbox.roll_back(0);
                self.outbox.heads.clear();
                let mut error = Some(error);
                for job in jobs {
                    let cause = error.take().unwrap_or(diesel::result::Error::RollbackTransaction);
                    job.answer(Err(Error::Commit(cause)));
                }
                true
            }
        }
    }
}
