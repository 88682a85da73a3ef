//! `wheelhouse import`: takes over the database of a released hub, with the files and secrets beside it.
//!
//! The source is copied and only the copy opened. Everything is written in one transaction, read back and compared
//! before it is kept, so an import either happens as a whole or not at all. Rows, files and settings that are already
//! here win; so a second import changes nothing.

mod account;
mod attachments;
mod check;
mod content;
mod convert;
mod error;
mod home;
mod in_use;
mod progress;
mod report;
mod snapshot;
mod tally;
mod transfer;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use attachments::Attachments;
pub use convert::Repairs;
pub use error::{Error, Result};
pub use home::Carried;
pub use report::{NotCarried, Report, TableReport};

use crate::{
    clock::Clock,
    config,
    store::{
        Connection,
        adopt::{self, Target, Verdict},
        hapi::{self, Source},
    },
};
use progress::Progress;
use snapshot::WorkFolder;

/// What to import, and where to.
#[derive(Clone, Debug)]
pub struct Options {
    pub source: PathBuf,
    pub home: PathBuf,
    pub database: PathBuf,
    /// Does everything but keep it.
    pub dry_run: bool,
    /// Also takes what is newer than known, damaged or in use.
    pub force: bool,
    pub clock: Clock,
}

/// Imports, telling meanwhile how far it is. Blocks the thread.
pub fn run(options: &Options, tell: &mut dyn FnMut(&str)) -> Result<Report> {
    let mut progress = Progress::new(tell);
    let real = real_file(&options.source)?;
    if let (false, Some(process)) = (options.force, in_use::holder(&real, &snapshot::beside(&real, "-shm"))) {
        return Err(Error::InUse { path: options.source.clone(), process });
    }
    let work = work_folder(options)?;
    // A trial makes no database where there is none.
    let is_elsewhere = options.dry_run && !options.database.exists();
    let database = if is_elsewhere { work.path().join("trial.db") } else { options.database.clone() };
    let mut target = Target::open(&database)?;
    if !is_elsewhere {
        work.sweep_others(&database);
    }
    let done = from_copy(options, &real, work.path(), &mut target, &mut progress);
    if done.as_ref().is_ok_and(|report| !report.dry_run) {
        target.close()?;
    } else {
        target.abandon();
    }
    done
}

fn work_folder(options: &Options) -> Result<WorkFolder> {
    if !options.dry_run {
        config::home::ensure(&options.home)?;
    }
    if options.database.parent().is_some_and(Path::is_dir) {
        return WorkFolder::beside(&options.database);
    }
    WorkFolder::beside(&std::env::temp_dir().join("wheelhouse.db"))
}

fn real_file(path: &Path) -> Result<PathBuf> {
    let real = fs::canonicalize(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if real.is_file() { Ok(real) } else { Err(Error::NoFile { path: path.to_owned() }) }
}

fn from_copy(
    options: &Options,
    real: &Path,
    work: &Path,
    target: &mut Target,
    progress: &mut Progress<'_>,
) -> Result<Report> {
    progress.say(&format!("copying {}", options.source.display()));
    let copy = snapshot::take(real, work)?;
    let mut source = open(options, &copy)?;
    target.transaction(|conn| {
        let verdict = if options.dry_run { Verdict::Discard } else { Verdict::Keep };
        Ok((transfer(options, &mut source, conn, progress)?, verdict))
    })
}

/// Opens the copy and makes sure that it is what it should be.
fn open(options: &Options, copy: &Path) -> Result<Source> {
    let path = || options.source.clone();
    let unreadable = |source| Error::Unreadable { path: path(), source };
    let mut source = Source::open(copy).map_err(unreadable)?;
    if !source.is_known() || !source.is_utf8().map_err(unreadable)? {
        return Err(Error::Unknown { path: path() });
    }
    let version = source.version().map_err(unreadable)?;
    if version > hapi::NEWEST && !options.force {
        return Err(Error::TooNew { path: path(), version, newest: hapi::NEWEST });
    }
    if let (false, Some(found)) = (options.force, source.damage().map_err(unreadable)?) {
        return Err(Error::Damaged { path: path(), found });
    }
    source.prepare().map_err(unreadable)?;
    Ok(source)
}

fn transfer(
    options: &Options,
    source: &mut Source,
    conn: &mut Connection,
    progress: &mut Progress<'_>,
) -> Result<Report> {
    let before = check::rows(conn)?;
    let moved = transfer::all(source, conn, progress)?;
    check::all(source, conn, &moved, &before, progress)?;
    let changed = moved.adds_something();
    if changed {
        adopt::renew_epoch(conn)?;
    }
    // Links may lead to the database from where the rest lies.
    let source_home = options.source.parent().unwrap_or(Path::new(""));
    let source_home = if source_home.as_os_str().is_empty() { Path::new(".") } else { source_home };
    let (attachments, copies) =
        attachments::bring(&moved.attachments, source_home, &options.home, options.dry_run)?;
    let home = home::carry(source_home, &options.home, &options.clock, options.dry_run)?;
    copies.keep();
    let mut notices = report::notices(&moved, &home, source_home);
    notices.extend(unread(source));
    Ok(Report {
        source: options.source.display().to_string(),
        schema_version: source.version()?,
        database: options.database.display().to_string(),
        dry_run: options.dry_run,
        changed,
        tables: report::tables(&moved),
        not_carried: not_carried(source)?,
        repairs: moved.repairs,
        home,
        attachments,
        notices,
    })
}

/// Tables that stay behind, and why.
fn not_carried(source: &mut Source) -> Result<Vec<NotCarried>> {
    let mut left = Vec::new();
    let tables: Vec<String> = source.tables().map(str::to_owned).collect();
    for table in tables {
        let reason = match table.as_str() {
            "events" | "event_links" => "this hub keeps no work graph",
            "usage_events" | "usage_scan_state" => "usage is counted anew from the messages",
            "message_epochs" => continue,
            known if check::TABLES.iter().any(|(name, _)| *name == known) => continue,
            internal if internal.starts_with("sqlite_") => continue,
            _ => "it is unknown here",
        };
        let rows = transfer::count(source.count(&table)?);
        left.push(NotCarried { table, rows, reason });
    }
    Ok(left)
}

/// Columns of newer files that nobody here knows.
fn unread(source: &Source) -> Vec<String> {
    let unread = source.unread_columns();
    unread.into_iter().map(|column| format!("the column {column} is unknown here and stays behind")).collect()
}
