//! `wheelhouse import`: takes over the database of a released hub. Makes no secrets of its own, so that those beside
//! the database can come along.

use std::path::PathBuf;

use clap::Args;

use crate::{
    clock::Clock,
    config::{Config, Error, Sources},
    import::Options,
};

#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The database of the released hub, usually hapi.db; it is only read
    #[arg(value_name = "DATABASE")]
    pub source: PathBuf,
    /// Do everything, say what would come of it, and keep nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Also take a database that is newer than known, damaged or in use
    #[arg(long)]
    pub force: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// What to import into the home and the database that are configured.
pub fn options(args: &ImportArgs, sources: Sources, clock: Clock) -> Result<Options, Error> {
    let config = Config::load(sources)?;
    Ok(Options {
        source: args.source.clone(),
        home: config.home.value,
        database: config.database.value,
        dry_run: args.dry_run,
        force: args.force,
        clock,
    })
}
