//! What can be wrong before the hub runs. Each reads as one line and names the file or variable to look at.

use std::{io, path::PathBuf};

use super::Source;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no home folder: set --home, WHEELHOUSE_HOME or HOME")]
    NoHome,
    #[error("cannot use the home folder {}", path.display())]
    Home { path: PathBuf, source: io::Error },
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is held by another program; delete it if none is running", path.display())]
    Locked { path: PathBuf },
    #[error("{} cannot be understood and is left as it is: {reason}", path.display())]
    Unparsable { path: PathBuf, reason: String },
    #[error("unknown key `{key}` ({origin})")]
    UnknownKey { key: String, origin: Source },
    #[error("settings.json has the old key `{key}`; use `{instead}`")]
    OldKey { key: &'static str, instead: &'static str },
    #[error("`{key}` ({origin}) must be {expected}")]
    BadValue { key: String, origin: Source, expected: &'static str },
    #[error("the access token ({origin}) must not contain `:`; clients add their namespace behind it")]
    TokenWithColon { origin: Source },
    #[error("the access token ({origin}) is weak: {weakness}; with one, listen only on a loopback address")]
    WeakToken { origin: Source, weakness: &'static str },
    #[error(
        "`auth.legacy_handshake` lets everybody in, so it works on a loopback address only, not on {host}"
    )]
    OpenHandshake { host: String },
    #[error("`tunnel.token` ({origin}) leads to an address of yours: set it as `public_url`")]
    TunnelWithoutAddress { origin: Source },
    #[error("{} must hold {expected}", path.display())]
    BadSecret { path: PathBuf, expected: &'static str },
    #[error("cannot listen on {address}")]
    Listen { address: String, source: io::Error },
    #[error("`log.filter` cannot be understood: {reason}")]
    LogFilter { reason: String },
    #[error("logging is already set up")]
    LogTwice,
    #[error("the built-in settings are broken: {0}")]
    BuiltIn(String),
}
