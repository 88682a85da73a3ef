//! The store: the only module that sees SQL. One thread writes ([`writer`]), a few connections read ([`readers`]).
//! Queries are plain functions on a connection, one file per table.

pub mod adopt;
mod checkpointer;
mod codec;
pub mod decisions;
mod error;
pub mod export;
pub mod hapi;
pub mod history;
pub mod imports;
pub mod intents;
pub mod journal;
mod lock;
pub mod machines;
pub mod merge;
pub mod messages;
pub mod moves;
pub mod prompts;
pub mod push;
mod readers;
mod schema;
pub mod scratchlist;
pub mod search;
pub mod sessions;
pub mod set_aside;
pub mod told;
pub mod usage;
pub mod users;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use diesel::{SqliteConnection, connection::SimpleConnection, prelude::*};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub use diesel::SqliteConnection as Connection;
pub use error::{Error, Result};
pub use writer::{Publish, Tx};

use crate::domain::ids::Namespace;
use lock::InstanceLock;
use readers::Readers;
use writer::Writer;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The way to the database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    readers: Readers,
    epoch: Arc<str>,
    lock: Arc<InstanceLock>,
}

impl Store {
    /// Opens (or makes) the database, brings its tables up to date, and takes it for this process alone.
    pub fn open(path: &Path, retention: journal::Retention) -> Result<Self> {
        let lock = InstanceLock::acquire(path)?;
        check_writable(path)?;
        let mut conn = connect(path, Access::Write)?;
        let damaged = |source| Error::Damaged { path: path.to_owned(), source };
        conn.run_pending_migrations(MIGRATIONS).map_err(damaged)?;
        restrict(path);
        let mark = mark(&mut conn)?;
        if mark < lock.mark() {
            // The file was put back from a copy: numbers given since that copy would name other events.
            forget_epoch(&mut conn)?;
        }
        let mark = mark.max(lock.mark()) + 1;
        set_mark(&mut conn, mark)?;
        lock.set_mark(mark);
        let epoch = epoch(&mut conn)?;
        let reopened = path.to_owned();
        let writer = Writer::start(conn, retention, move || connect(&reopened, Access::Write))
            .map_err(|source| Error::LockFile { path: path.to_owned(), source })?;
        let readers = Readers::new(path.to_owned());
        Ok(Self { writer, readers, epoch: epoch.into(), lock: Arc::new(lock) })
    }

    /// Names this database's journal: numbers of one epoch mean nothing in another.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Runs `work` in the next transaction and answers when it is on disk.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.writer.run(work).await
    }

    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.readers.run(work).await
    }

    /// From now on `publish` hears every journal entry of the namespace. Answers the last number before that.
    pub async fn subscribe(&self, namespace: Namespace, publish: Publish) -> Result<i64> {
        self.writer.subscribe(namespace, publish).await
    }

    /// Ends every use of the database. From the answer on another hub may open it.
    pub async fn close(&self) {
        // A copy made while this hub ran is older than what it leaves behind.
        let mark = self.lock.mark() + 1;
        if self.writer.run(move |tx| set_mark(tx.conn, mark)).await.is_ok() {
            self.lock.set_mark(mark);
        }
        self.readers.close().await;
        // The last connection to be closed: it takes the write-ahead log with it.
        self.writer.stop().await;
        self.lock.release();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

fn connect(path: &Path, access: Access) -> Result<SqliteConnection> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    let mut conn =
        <SqliteConnection as diesel::Connection>::establish(&path.to_string_lossy()).map_err(failed)?;
    // FULL: what was acknowledged survives a power cut. Readers are kept from writing by mistake.
    let pragmas = match access {
        Access::Write => {
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA cache_size = -8000; PRAGMA wal_autocheckpoint = 24000;"
        }
        Access::Read => "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA cache_size = -2000;",
    };
    let damaged =
        |source: diesel::result::Error| Error::Damaged { path: path.to_owned(), source: Box::new(source) };
    conn.batch_execute(pragmas).map_err(damaged)?;
    Ok(conn)
}

/// SQLite opens a file that may only be read without a word, and leaves files beside it that may only be read either.
fn check_writable(path: &Path) -> Result<()> {
    match std::fs::File::options().write(true).open(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::ReadOnly { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn checkpoint(conn: &mut SqliteConnection) -> Result<()> {
    Ok(conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize;")?)
}

/// The files hold everything people typed: they are for their owner alone.
fn restrict(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for suffix in ["", "-wal", "-shm"] {
            let mut file = path.as_os_str().to_owned();
            file.push(suffix);
            let _ = std::fs::set_permissions(PathBuf::from(file), std::fs::Permissions::from_mode(0o600));
        }
    }
}

/// Grows with each start and stop.
fn mark(conn: &mut SqliteConnection) -> Result<i64> {
    use schema::hub::dsl::{hub, key, value};
    let known: Option<String> = hub.filter(key.eq("mark")).select(value).first(conn).optional()?;
    Ok(known.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn set_mark(conn: &mut SqliteConnection, mark: i64) -> Result<()> {
    use schema::hub::dsl::{hub, key, value};
    diesel::replace_into(hub).values((key.eq("mark"), value.eq(mark.to_string()))).execute(conn)?;
    Ok(())
}

fn forget_epoch(conn: &mut SqliteConnection) -> Result<()> {
    use schema::hub::dsl::{hub, key};
    diesel::delete(hub.filter(key.eq("epoch"))).execute(conn)?;
    Ok(())
}

fn epoch(conn: &mut SqliteConnection) -> Result<String> {
    use schema::hub::dsl::{hub, key, value};
    let known: Option<String> = hub.filter(key.eq("epoch")).select(value).first(conn).optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    let fresh: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
    diesel::insert_into(hub).values((key.eq("epoch"), value.eq(&fresh))).execute(conn)?;
    Ok(fresh)
}

#[cfg(test)]
mod tests;
