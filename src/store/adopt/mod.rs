//! Taking rows over from another hub: whole rows, written and read back outside the writer's queue, by a program that
//! has the database for itself. A row that is already here is never touched.

mod accounts;
mod machines;
mod messages;
mod notes;
mod sessions;
mod tables;

use std::path::{Path, PathBuf};

use diesel::{SqliteConnection, result::Error::RollbackTransaction};
use diesel_migrations::MigrationHarness;

pub use accounts::{Device, PushSubscription, User};
pub use accounts::{device, insert_device, insert_push_subscription, insert_user, push_subscription, user};
pub use machines::insert_machine;
pub use messages::{each_message, insert_message, message_exists};
pub use notes::{Note, insert_note, note};
pub use sessions::{Adopted, insert_session, session, settle_session};
pub use tables::{Table, count};

use super::{
    Access, MIGRATIONS, checkpoint, connect,
    error::{Error, Result},
    forget_epoch,
    lock::InstanceLock,
    restrict,
};

/// A database that no hub uses meanwhile. The file is made when it is missing.
pub struct Target {
    conn: SqliteConnection,
    path: PathBuf,
    is_new: bool,
    lock: InstanceLock,
}

/// What becomes of a transaction that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Discard,
}

impl Target {
    pub fn open(path: &Path) -> Result<Self> {
        let lock = InstanceLock::acquire(path)?;
        let is_new = !path.exists();
        let conn = connect(path, Access::Write)?;
        restrict(path);
        Ok(Self { conn, path: path.to_owned(), is_new, lock })
    }

    /// Runs `work` on up-to-date tables, all in one transaction: whatever fails leaves the file as it was.
    pub fn transaction<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<(T, Verdict), E>,
    ) -> Result<T, E> {
        let path = &self.path;
        let mut outcome = None;
        let committed = self.conn.immediate_transaction(|conn| {
            let migrated = conn.run_pending_migrations(MIGRATIONS).map(|_| ());
            let done = match migrated {
                Ok(()) => work(conn),
                Err(source) => Err(Error::Damaged { path: path.clone(), source }.into()),
            };
            let (done, verdict) = match done {
                Ok((value, verdict)) => (Ok(value), verdict),
                Err(error) => (Err(error), Verdict::Discard),
            };
            outcome = Some(done);
            if verdict == Verdict::Keep { Ok(()) } else { Err(RollbackTransaction) }
        });
        match (committed, outcome) {
            (Ok(()) | Err(RollbackTransaction), Some(done)) => done,
            (Ok(()), None) => Err(Error::Commit(RollbackTransaction).into()),
            (Err(error), _) => Err(Error::Commit(error).into()),
        }
    }

    /// Folds the log into the file and frees it.
    pub fn close(mut self) -> Result<()> {
        checkpoint(&mut self.conn)
    }

    /// Frees the file; one that was made for nothing goes away.
    pub fn abandon(self) {
        let Self { conn, path, is_new, lock } = self;
        drop(conn);
        // The lock is held until the last of them is gone.
        let _held = lock;
        if is_new {
            for suffix in ["", "-wal", "-shm"] {
                let mut file = path.as_os_str().to_owned();
                file.push(suffix);
                // What stays is an empty database, which the next start fills.
                let _ = std::fs::remove_file(PathBuf::from(file));
            }
        }
    }
}

/// Names the journal anew: whoever resumes by an old number is told to read everything again.
pub fn renew_epoch(conn: &mut SqliteConnection) -> Result<()> {
    forget_epoch(conn)
}
