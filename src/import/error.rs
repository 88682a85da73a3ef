//! Why an import did not happen. Nothing of it is kept then.

use std::{io, path::PathBuf};

use crate::{config, store};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("copy {} to {}", from.display(), to.display())]
    Copy { from: PathBuf, to: PathBuf, source: io::Error },
    #[error("{} is no file", path.display())]
    NoFile { path: PathBuf },
    #[error("{} is no database of the released hub", path.display())]
    Unknown { path: PathBuf },
    #[error("{} cannot be read as a database", path.display())]
    Unreadable { path: PathBuf, source: store::Error },
    #[error("{} is damaged ({found}); with --force what can be read is taken", path.display())]
    Damaged { path: PathBuf, found: String },
    #[error(
        "{} has schema version {version}, and {newest} is the newest that is known; with --force it is read all the same",
        path.display()
    )]
    TooNew { path: PathBuf, version: i64, newest: i64 },
    #[error(
        "{} is in use by process {process}; stop the other hub first (with --force what it has stored so far is taken)",
        path.display()
    )]
    InUse { path: PathBuf, process: String },
    #[error("{} changes while it is read; stop the other hub first", path.display())]
    Changing { path: PathBuf },
    #[error("of {table}, {expected} rows were expected and {found} found, so nothing was kept")]
    Count { table: &'static str, expected: u64, found: u64 },
    #[error("what was stored of {table} differs from what was read, so nothing was kept")]
    Differs { table: &'static str },
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
