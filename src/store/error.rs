//! What can go wrong in the store, said so that the reader of a log knows what was being tried.

use std::path::PathBuf;

/// Failure of the store. Clients see it as 503; nothing of what failed was kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("query the database")]
    Query(#[from] diesel::result::Error),
    #[error("commit to the database")]
    Commit(#[source] diesel::result::Error),
    #[error("open the database {path}")]
    Open { path: PathBuf, source: diesel::ConnectionError },
    #[error("the database {path} is damaged or not a database of this hub")]
    Damaged { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the database {path} may not be written")]
    ReadOnly { path: PathBuf, source: std::io::Error },
    #[error("another hub already uses the database {path}")]
    Locked { path: PathBuf },
    #[error("use the lock file {path}")]
    LockFile { path: PathBuf, source: std::io::Error },
    #[error("decompress stored content")]
    Content(#[source] std::io::Error),
    #[error("a store job panicked")]
    Panicked,
    #[error("the store is shut down")]
    Closed,
    #[error("the stored version is not the expected one")]
    VersionConflict,
}

impl Error {
    /// Whether the same may succeed later: the disk is full, or the file is locked or may not be written for a while.
    pub fn is_passing(&self) -> bool {
        use diesel::result::{DatabaseErrorKind as Kind, Error::DatabaseError};
        match self {
            // The whole transaction failed, so it was not for what this job wrote.
            Self::Commit(_) | Self::Open { .. } => true,
            Self::Query(DatabaseError(kind, _)) => !matches!(
                kind,
                Kind::UniqueViolation
                    | Kind::ForeignKeyViolation
                    | Kind::NotNullViolation
                    | Kind::CheckViolation
            ),
            Self::Query(error) => matches!(error, diesel::result::Error::BrokenTransactionManager),
            _ => false,
        }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
