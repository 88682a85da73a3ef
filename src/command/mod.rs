//! The commands of the binary. Each parses nothing itself: arguments come in as typed and leave as [`Sources`].

pub mod banner;
pub mod config;
pub mod hub;
pub mod import;
pub mod tunnel;

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config::{Flags, Sources};

/// The hub from which people steer AI coding sessions that run on their own machines.
#[derive(Debug, Parser)]
#[command(
    name = "wheelhouse",
    version,
    after_help = "Without a command the hub is started. `wheelhouse config show` tells every setting and its source."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub start: StartArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the hub until it is told to stop
    #[command(alias = "server")]
    Hub,
    /// Print the OpenAPI document of the HTTP surface
    Openapi,
    /// Take over the sessions, messages, accounts and secrets of a released hub
    Import(import::ImportArgs),
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        action: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print each setting in effect and where it comes from; secrets are hidden
    Show,
}

/// Flags beat the environment, and both beat the files.
#[derive(Clone, Debug, Default, Args)]
pub struct StartArgs {
    /// Folder for settings, secrets and the database [default: ~/.hapi]
    #[arg(long, value_name = "FOLDER", global = true)]
    pub home: Option<PathBuf>,
    /// Address to listen on, with or without a port [default: 127.0.0.1:3006]
    #[arg(long, value_name = "HOST[:PORT]", global = true)]
    pub listen: Option<String>,
    /// Host to listen on
    #[arg(long, global = true)]
    pub host: Option<String>,
    /// Port to listen on; 0 takes any free one
    #[arg(long, global = true)]
    pub port: Option<String>,
    /// Make the hub reachable from outside by this program: `cloudflared`, or its path
    #[arg(long, value_name = "PROGRAM", global = true)]
    pub tunnel: Option<String>,
    /// What to log, such as `info` or `warn,wheelhouse=debug`
    #[arg(long, value_name = "FILTER", global = true)]
    pub log: Option<String>,
}

impl StartArgs {
    /// Puts the environment beside what was typed. The only place that reads the environment.
    pub fn with_environment(self) -> Sources {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        self.with(std::env::vars_os().filter_map(text).collect())
    }

    pub fn with(self, env: BTreeMap<String, String>) -> Sources {
        let Self { home, listen, host, port, tunnel, log } = self;
        Sources { home, flags: Flags { listen, host, port, log, tunnel }, env }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn typed(words: &str) -> Cli {
        Cli::try_parse_from(words.split(' ')).unwrap()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_before_or_behind_the_command() {
        assert!(typed("wheelhouse").command.is_none());
        assert_eq!(typed("wheelhouse --port 80").start.port.as_deref(), Some("80"));
        let cli = typed("wheelhouse --home /h server --listen=0.0.0.0:80 --host ::1");
        assert!(matches!(cli.command, Some(Command::Hub)));
        let sources = cli.start.with(BTreeMap::new());
        assert_eq!(sources.home, Some(PathBuf::from("/h")));
        assert_eq!(sources.flags.listen.as_deref(), Some("0.0.0.0:80"));
        assert_eq!(sources.flags.host.as_deref(), Some("::1"));
    }

    #[test]
    fn help_explains_and_does_nothing_else() {
        for words in ["wheelhouse --help", "wheelhouse hub --help", "wheelhouse config show --help"] {
            let shown = Cli::try_parse_from(words.split(' ')).unwrap_err();
            assert_eq!(shown.kind(), clap::error::ErrorKind::DisplayHelp);
            assert_eq!(shown.exit_code(), 0);
        }
    }
}
