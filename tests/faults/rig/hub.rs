//! The hub itself: the real binary as a process of its own.

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// What the process may not do.
#[derive(Clone, Copy, Default)]
pub struct Limits {
    /// Files may not grow beyond this many bytes, as if the disk were full.
    pub file_bytes: Option<u64>,
    /// It runs as somebody whom file permissions bind, also where the tests run as root.
    pub is_ordinary: bool,
}

/// Whoever is nobody in particular.
pub const ORDINARY: u32 = 65_534;

pub struct HubProcess {
    pub address: String,
    home: PathBuf,
    port: u16,
    limits: Limits,
    child: Option<Child>,
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

impl HubProcess {
    /// A hub on a port of its own, which stays the same when it is started again.
    pub fn new(home: &Path, limits: Limits) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        Ok(Self { address, home: home.to_owned(), port, limits, child: None })
    }

    /// From the next start on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub fn log(&self) -> PathBuf {
        self.home.join("hub.log")
    }

    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn command(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_wheelhouse");
        let mut command = match (self.limits.file_bytes, self.limits.is_ordinary && is_root()) {
            (Some(bytes), _) => {
                // A write beyond the limit fails; without the trap it would end the process.
                let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"", bytes / 512);
                let mut command = Command::new("sh");
                command.args(["-c", &script, binary]);
                command
            }
            (None, true) => {
                let mut command = Command::new("setpriv");
                let user = ORDINARY.to_string();
                command.args(["--reuid", &user, "--regid", &user, "--clear-groups", binary]);
                command
            }
            (None, false) => Command::new(binary),
        };
        let port = self.port.to_string();
        command.args(["hub", "--host", "127.0.0.1", "--port", &port]).env_clear();
        command.env("WHEELHOUSE_HOME", &self.home).env("PATH", std::env::var("PATH").unwrap_or_default());
        command
    }

    /// Starts it and waits until it answers.
    pub async fn start(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().context("start the hub")?);
        let client = reqwest::Client::new();
        let url = format!("http://{}/health", self.address);
        for _ in 0..1_000 {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                bail!("the hub ended at its start: {status}; {}", std::fs::read_to_string(self.log())?);
            }
            if client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        bail!("the hub does not answer: {}", std::fs::read_to_string(self.log())?)
    }

    /// Runs it to its end and answers what it said, for starts that cannot work.
    pub fn refused(&self) -> Result<String> {
        let done = self.command().stdin(Stdio::null()).output()?;
        if done.status.success() {
            bail!("it started");
        }
        Ok(String::from_utf8_lossy(&done.stderr).into_owned())
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        for _ in 0..1_500 {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let _ = child.kill();
        let _ = child.wait();
        bail!("the hub did not stop when it was asked to")
    }

    /// The token that CLIs use, as the hub keeps it.
    pub fn token(&self) -> Result<String> {
        let text = std::fs::read_to_string(self.home.join("settings.json"))?;
        let settings: serde_json::Value = serde_json::from_str(&text)?;
        Ok(settings["cliApiToken"].as_str().context("no token")?.to_owned())
    }
}
