//! The `wheelhouse` binary: arguments, configuration, logging. The only place that exits.

use std::process::ExitCode;

use clap::Parser;
use wheelhouse::{
    clock::Clock,
    command::{self, Cli, Command, ConfigCommand, StartArgs, banner},
    telemetry,
};

fn main() -> ExitCode {
    let Cli { command, start } = Cli::parse();
    let done = match command {
        None | Some(Command::Hub) => hub(start),
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
    print!("{}", banner::text(&start));
    Ok(())
}

fn config_show(args: StartArgs) -> anyhow::Result<()> {
    print!("{}", command::config::show(args.with_environment())?);
    Ok(())
}
