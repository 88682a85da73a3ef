//! Drives a hub over the wire and prints what it does: one line for each measurement. It knows only the protocol, so
//! the same run measures this hub and the released one. `docs/performance.md` explains the lines.

mod append_at_rest;
mod at_rest;
mod chunked;
mod cli;
mod content;
mod fairness;
mod fanout;
mod herd;
mod hub;
mod list;
mod memory;
mod messages;
mod process;
mod prompts;
mod report;
mod rpc;
mod soak;
mod stalled;
mod start;
mod stream;
mod updates;
mod web;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use tempfile::TempDir;

use hub::{Hub, Kind};
use report::Row;

/// No scenario takes longer than this, whatever the hub does.
const SCENARIO_LIMIT: Duration = Duration::from_secs(900);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    Messages,
    Updates,
    Prompts,
    Rpc,
    List,
    Fanout,
    FanoutAtRest,
    Stalled,
    Fairness,
    Herd,
    AppendAtRest,
    Memory,
    Start,
    /// Not part of `all`: it takes `--soak-seconds`
    Soak,
    All,
}

/// Measures a hub from the outside.
#[derive(Debug, Parser)]
pub struct Options {
    /// Which program `--hub` is
    #[arg(long, value_enum, default_value = "wheelhouse")]
    kind: Kind,
    /// The program to start
    #[arg(long, default_value = "target/release/wheelhouse")]
    hub: PathBuf,
    /// What to run, in this order
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all")]
    scenario: Vec<Scenario>,
    /// How long each measurement counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=20))]
    seconds: u64,
    /// CLI sockets in `messages` and `updates`
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    sockets: u16,
    /// Messages between two barriers in `messages`
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: u16,
    /// Event streams in `fanout`
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    streams: u16,
    /// Events offered each second in `fanout`
    #[arg(long, default_value_t = 70, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rate: u32,
    /// How long `soak` goes on
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(10..=800))]
    soak_seconds: u64,
    /// Stored sessions in `start`
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    stored_sessions: u32,
    /// Messages in each stored session in `start`
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100))]
    stored_messages: u32,
    /// Folder below which the hubs get their homes; its disk is what is measured
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Also write the lines as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

impl Options {
    fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn home(&self) -> Result<TempDir> {
        let folder = self.folder.clone().unwrap_or_else(std::env::temp_dir);
        tempfile::Builder::new().prefix("load-").tempdir_in(folder).context("failed to make a home folder")
    }

    /// A hub that has seen nothing yet. It ends when dropped, before its folder goes.
    async fn fresh_hub(&self) -> Result<(Hub, TempDir)> {
        let home = self.home()?;
        let hub = Hub::start(self.kind, &self.hub, home.path()).await?;
        Ok((hub, home))
    }
}

async fn run(scenario: Scenario, options: &Options) -> Result<Vec<Row>> {
    match scenario {
        Scenario::Messages => messages::run(options).await,
        Scenario::Updates => updates::run(options).await,
        Scenario::Prompts => prompts::run(options).await,
        Scenario::Rpc => rpc::run(options).await,
        Scenario::List => list::run(options).await,
        Scenario::Fanout => fanout::run(options).await,
        Scenario::FanoutAtRest => at_rest::run(options).await,
        Scenario::Stalled => stalled::run(options).await,
        Scenario::Fairness => fairness::run(options).await,
        Scenario::Herd => herd::run(options).await,
        Scenario::Soak => soak::run(options).await,
        Scenario::AppendAtRest => append_at_rest::run(options).await,
        Scenario::Memory => memory::run(options).await,
        Scenario::Start => start::run(options).await,
        Scenario::All => Ok(Vec::new()),
    }
}

/// One thread: the generator must leave the processors to the hub.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let chosen = |scenario: &Scenario| {
        *scenario != Scenario::All
            && (options.scenario.contains(scenario)
                || (*scenario != Scenario::Soak && options.scenario.contains(&Scenario::All)))
    };
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for scenario in Scenario::value_variants().iter().copied().filter(chosen) {
        eprintln!("{scenario:?} …");
        let measured = tokio::time::timeout(SCENARIO_LIMIT, run(scenario, &options)).await;
        match measured.context("took too long").and_then(|rows| rows) {
            Ok(measured) => {
                rows.extend(measured.into_iter().map(|row| Row { hub: options.kind.name(), ..row }))
            }
            Err(error) => failures.push(error.context(format!("{scenario:?} failed"))),
        }
    }
    print!("{}", report::table(&rows));
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&rows)?)?;
    }
    for failure in &failures {
        eprintln!("{failure:#}");
    }
    if failures.is_empty() { Ok(()) } else { Err(anyhow::anyhow!("{} scenarios failed", failures.len())) }
}
