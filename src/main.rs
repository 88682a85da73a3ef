//! The `wheelhouse` binary: arguments, configuration, logging. The only place that exits.

use std::{io::Write, process::ExitCode, time::Duration};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use wheelhouse::{
    app::{Hub, Options},
    clock::Clock,
    command::{self, Cli, Command, ConfigCommand, StartArgs, banner, import::ImportArgs},
    telemetry,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli { command, start } = Cli::parse();
    let done = match command {
        None | Some(Command::Hub) => hub(start),
        Some(Command::Openapi) => openapi(),
        Some(Command::Import(args)) => import(&args, start),
        Some(Command::Config { action: ConfigCommand::Show }) => config_show(start),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The alternate form has the causes in the same line.
            eprintln!("wheelhouse: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn hub(args: StartArgs) -> anyhow::Result<()> {
    let start = command::hub::prepare(args.with_environment(), Clock::system())?;
    telemetry::init(&start.config.log)?;
    let system = actix_rt::System::new();
    system.block_on(async move {
        let drain = Duration::from_millis(*start.config.stop.drain_ms);
        let hub = Hub::start(start, Options::default()).await?;
        print!("{}", banner::text(&hub.start));
        std::io::stdout().flush()?;
        if let Some(tunnel) = hub.tunnel.clone() {
            actix_rt::spawn(command::tunnel::announce(tunnel, hub.start.clone()));
        }
        asked_to_stop().await?;
        tracing::info!("stopping");
        tokio::select! {
            done = tokio::time::timeout(drain * 2, hub.stop()) => {
                if done.is_err() {
                    tracing::warn!("did not stop in good time");
                }
            }
            again = asked_to_stop() => {
                again?;
                tracing::warn!("stopped at once");
            }
        }
        Ok(())
    })
}

/// Waits for the first of the signals by which people and supervisors end a program.
async fn asked_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn openapi() -> anyhow::Result<()> {
    println!("{}", wheelhouse::http::document().to_pretty_json()?);
    Ok(())
}

fn import(args: &ImportArgs, start: StartArgs) -> anyhow::Result<()> {
    let options = command::import::options(args, start.with_environment(), Clock::system())?;
    let report = wheelhouse::import::run(&options, &mut |line| eprintln!("{line}"))?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.text());
    }
    Ok(())
}

fn config_show(args: StartArgs) -> anyhow::Result<()> {
    print!("{}", command::config::show(args.with_environment())?);
    Ok(())
}
