//! A hub in a folder of its own on a free port of the loopback, ended by the id of its process group.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

use crate::{
    process::{self, Usage},
    web::Web,
};

const START_LIMIT: Duration = Duration::from_secs(120);

/// Which program is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Wheelhouse,
    Released,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Wheelhouse => "wheelhouse",
            Self::Released => "released",
        }
    }

    fn command(self, program: &Path, home: &Path, port: u16) -> Command {
        let mut command = Command::new(program);
        command.arg("hub");
        match self {
            Self::Wheelhouse => {
                command.arg("--home").arg(home).arg("--port").arg(port.to_string());
                // One token asks for all, faster than any honest one.
                for rate in ["RATE_PER_NAMESPACE", "RATE_PER_TOKEN", "RATE_PER_ADDRESS"] {
                    command.env(format!("WHEELHOUSE__LIMITS__{rate}"), "0");
                }
            }
            Self::Released => {
                command.env("HAPI_HOME", home).env("HAPI_LISTEN_PORT", port.to_string());
            }
        }
        command
    }
}

pub struct Hub {
    child: Child,
    pub port: u16,
    /// The base token, as the CLI presents it.
    pub token: String,
    /// From the start of the process to the first good answer of `/health`.
    pub started_in: Duration,
}

impl Hub {
    pub async fn start(kind: Kind, program: &Path, home: &Path) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start_on(port, kind, program, home).await
    }

    pub async fn start_on(port: u16, kind: Kind, program: &Path, home: &Path) -> Result<Self> {
        let log = File::create(home.join("load-hub.log"))?;
        let begun = Instant::now();
        let child = kind
            .command(program, home, port)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("failed to start {}", program.display()))?;
        let mut hub = Self { child, port, token: String::new(), started_in: Duration::ZERO };
        while !hub.is_healthy().await {
            if let Some(status) = hub.child.try_wait()? {
                bail!("the hub ended with {status}, see {}", home.join("load-hub.log").display());
            }
            if begun.elapsed() > START_LIMIT {
                bail!("the hub does not answer");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        hub.started_in = begun.elapsed();
        let settings: Value = serde_json::from_slice(&std::fs::read(home.join("settings.json"))?)?;
        let token = settings.get("cliApiToken").and_then(Value::as_str);
        hub.token = token.context("settings.json has no cliApiToken")?.to_owned();
        Ok(hub)
    }

    async fn is_healthy(&self) -> bool {
        let Ok(mut web) = Web::connect(self.port, "").await else { return false };
        web.get("/health").await.is_ok_and(|(status, _)| status == 200)
    }

    /// Tells this process from its successor.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn usage(&self) -> Result<Usage> {
        process::usage(self.child.id())
    }

    fn signal(&self, name: &str) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args([name, "--", &group]).stderr(Stdio::null()).status();
    }

    /// As a crash ends it.
    pub fn kill(mut self) -> Result<()> {
        self.signal("-KILL");
        self.child.wait()?;
        Ok(())
    }

    pub async fn stop(mut self) -> Result<()> {
        self.signal("-TERM");
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() && begun.elapsed() < Duration::from_secs(15) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Once the process is collected its id may belong to somebody else.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("-KILL");
            let _ = self.child.wait();
        }
    }
}
