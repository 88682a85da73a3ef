//! `wheelhouse hub`: everything up to the point where the hub can run.

use crate::{
    clock::Clock,
    config::{Config, Error, Sources},
    identity::Secrets,
};

/// What the hub runs with.
#[derive(Clone, Debug)]
pub struct Start {
    pub config: Config,
    pub secrets: Secrets,
    pub clock: Clock,
}

/// Checks the configuration, then makes the home folder and what is missing in it.
pub fn prepare(sources: Sources, clock: Clock) -> Result<Start, Error> {
    let config = Config::load(sources)?;
    let secrets = Secrets::load_or_create(&config, &clock)?;
    Ok(Start { config, secrets, clock })
}
