//! One hub per database: a lock file beside it, held for the life of the process and freed by its death.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::error::{Error, Result};

#[derive(Debug)]
pub struct InstanceLock(File);

impl InstanceLock {
    pub fn acquire(database: &Path) -> Result<Self> {
        let path = beside(database);
        let fail = |source| Error::LockFile { path: path.clone(), source };
        let file =
            File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path: database.to_owned() }),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }

    /// The number last kept here; 0 when none was.
    pub fn mark(&self) -> i64 {
        let mut text = String::new();
        let mut file = &self.0;
        match file.rewind().and_then(|()| file.read_to_string(&mut text)) {
            Ok(_) => text.trim().parse().unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// Keeps a number beside the database, so that a file put back from an older copy is known.
    pub fn set_mark(&self, mark: i64) {
        let mut file = &self.0;
        let kept = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{mark}"));
        if let Err(error) = kept {
            tracing::warn!(%error, "could not keep the mark beside the database");
        }
    }

    /// Frees the database at once, also while somebody still holds the store: what they ask of it fails.
    pub fn release(&self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "could not free the lock on the database");
        }
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_hub_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("wheelhouse.db");
        let first = InstanceLock::acquire(&database).unwrap();
        assert!(matches!(InstanceLock::acquire(&database), Err(Error::Locked { .. })));
        drop(first);
        InstanceLock::acquire(&database).unwrap();
    }
}
