//! A copy of the source to read from. SQLite may write beside a database that it only reads, so the source itself is
//! never opened by it: it is copied with its logs, and these are folded in in the copy.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::error::{Error, Result};

/// How often a file that changes meanwhile is copied anew.
const TRIES: u32 = 3;

/// A folder beside a database for the time of an import, closed to others. It goes away with this value.
#[derive(Debug)]
pub struct WorkFolder(PathBuf);

impl WorkFolder {
    pub fn beside(database: &Path) -> Result<Self> {
        let path = database.with_file_name(format!("{}{}", prefix(database), uuid::Uuid::new_v4()));
        let failed = |source| Error::Write { path: path.clone(), source };
        DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Removes what imports left behind that were killed. Only for who holds the database.
    pub fn sweep_others(&self, database: &Path) {
        let Some(Ok(entries)) = self.0.parent().map(fs::read_dir) else { return };
        for entry in entries.flatten() {
            let is_one = entry.file_name().to_string_lossy().starts_with(&prefix(database));
            if is_one && entry.path() != self.0 {
                // It is in nobody's way.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next import.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn prefix(database: &Path) -> String {
    format!(".{}.import-", database.file_name().unwrap_or_default().to_string_lossy())
}

/// A file beside the database.
pub fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Copies the database with its logs as they are at one moment, and answers where the copy lies.
pub fn take(database: &Path, folder: &Path) -> Result<PathBuf> {
    let copy = folder.join("source.db");
    for _ in 0..TRIES {
        let before = stamps(database)?;
        for suffix in ["", "-wal", "-journal"] {
            copy_file(&beside(database, suffix), &beside(&copy, suffix))?;
        }
        if stamps(database)? == before {
            return Ok(copy);
        }
    }
    Err(Error::Changing { path: database.to_owned() })
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    match fs::copy(from, to) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::remove_file(to) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    Err(Error::Write { path: to.to_owned(), source })
                }
                _ => Ok(()),
            };
        }
        Err(source) => return Err(Error::Copy { from: from.to_owned(), to: to.to_owned(), source }),
    }
    fs::set_permissions(to, Permissions::from_mode(0o600))
        .map_err(|source| Error::Write { path: to.to_owned(), source })
}

/// Size and time of each file; whoever writes to one changes these.
fn stamps(database: &Path) -> Result<Vec<Option<(u64, i64, i64)>>> {
    let stamp = |suffix: &&str| {
        let path = beside(database, suffix);
        match fs::metadata(&path) {
            Ok(file) => Ok(Some((file.len(), file.mtime(), file.mtime_nsec()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Read { path, source }),
        }
    };
    ["", "-wal", "-journal"].iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_logs_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("hapi.db");
        fs::write(&database, "db").unwrap();
        fs::write(beside(&database, "-wal"), "log").unwrap();
        let work = WorkFolder::beside(&folder.path().join("wheelhouse.db")).unwrap();
        let copy = take(&database, work.path()).unwrap();
        assert_eq!(fs::read_to_string(&copy).unwrap(), "db");
        assert_eq!(fs::read_to_string(beside(&copy, "-wal")).unwrap(), "log");
        assert!(!beside(&copy, "-journal").exists());
        assert_eq!(fs::metadata(work.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let path = work.path().to_owned();
        drop(work);
        assert!(!path.exists() && database.exists());
    }

    #[test]
    fn only_what_imports_into_this_database_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("wheelhouse.db");
        let others = [".wheelhouse.db.import-x", ".other.db.import-x", "wheelhouse.db"];
        others.iter().for_each(|name| fs::create_dir_all(folder.path().join(name).join("inner")).unwrap());
        let ours = WorkFolder::beside(&database).unwrap();
        ours.sweep_others(&database);
        assert!(ours.path().exists());
        let left = others.map(|name| folder.path().join(name).exists());
        assert_eq!(left, [false, true, true]);
    }
}
