//! The hub as a program, with a script named `cloudflared` first on its path.

use std::{
    cell::RefCell,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    rc::Rc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
};

use crate::support::{Answer, Log, Web, within};

/// Where the shell, and what ends a program with its parent, are found.
const SYSTEM: &str = "/usr/bin:/bin";

/// What every script can use: `note` keeps what it was called with, `told` prints what cloudflared would.
const PRELUDE: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
echo "$$ $*" >> runs
echo "$TUNNEL_TOKEN" > token
env > environment
run=$(wc -l < runs | tr -d ' ')
tell() { echo "2025-02-11T09:30:14Z INF |  https://run-$run-stand-in.trycloudflare.com  |" >&2; }
connect() { echo "2025-02-11T09:30:15Z INF Registered tunnel connection connIndex=0 protocol=quic" >&2; }
"#;

/// A folder with a home for the hub and with the script.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// With no script there is no `cloudflared`.
    pub fn new(script: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        let this = Self { folder };
        if let Some(script) = script {
            this.install(script);
        }
        this
    }

    pub fn install(&self, script: &str) {
        let (written, path) = (self.path("bin/written"), self.path("bin/cloudflared"));
        std::fs::write(&written, format!("{PRELUDE}{script}\n")).unwrap();
        std::fs::set_permissions(&written, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(written, path).unwrap();
    }

    pub fn configure(&self, toml: &str) {
        std::fs::create_dir_all(self.path("home")).unwrap();
        std::fs::write(self.path("home/wheelhouse.toml"), toml).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The id and the arguments of each run so far.
    pub fn runs(&self) -> Vec<(i32, String)> {
        let runs = self.text("bin/runs");
        let run = |line: &str| {
            let (id, arguments) = line.split_once(' ')?;
            Some((id.parse().ok()?, arguments.to_owned()))
        };
        runs.lines().filter_map(run).collect()
    }

    pub async fn start(&self) -> Program {
        self.start_with(&["--tunnel", "cloudflared"], SYSTEM, &[]).await
    }

    pub async fn start_with(&self, flags: &[&str], system: &str, env: &[(&str, &str)]) -> Program {
        let path = format!("{}:{system}", self.path("bin").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse"));
        command.env_clear().env("PATH", path).env("WHEELHOUSE_HOME", self.path("home"));
        command.envs(env.iter().copied()).args(["hub", "--port", "0"]).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let (said, logged) = (Rc::new(Log::default()), Rc::new(Log::default()));
        actix_rt::spawn(keep(child.stdout.take().unwrap(), Rc::clone(&said)));
        actix_rt::spawn(keep(child.stderr.take().unwrap(), Rc::clone(&logged)));
        let find = |lines: &[String]| {
            lines.iter().find_map(|line| line.trim().strip_prefix("listen    ").map(str::to_owned))
        };
        let line: String = said.until("where it listens", find).await;
        let address = line.split(' ').next().unwrap().to_owned();
        Program { web: Web::new(&address), address, said, logged, child: RefCell::new(child) }
    }
}

async fn keep(output: impl AsyncRead + Unpin, log: Rc<Log<String>>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        log.push(line);
    }
    log.close();
}

/// A hub that runs as a process of its own.
pub struct Program {
    pub address: String,
    pub web: Web,
    pub said: Rc<Log<String>>,
    pub logged: Rc<Log<String>>,
    child: RefCell<Child>,
}

impl Program {
    /// What `/health` says of the tunnel, as soon as it is as wanted.
    pub async fn tunnel(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let answer: Answer = self.web.until("/health", what, |answer| is_so(&answer.body["tunnel"])).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &"ok".into()));
        answer.body["tunnel"].clone()
    }

    pub async fn until_up(&self) -> Value {
        self.tunnel("the tunnel is up", |tunnel| tunnel["state"] == "up").await
    }

    /// The tunnel, once it is down with an error that contains this.
    pub async fn until_down(&self, error: &str) -> Value {
        let is_so = |tunnel: &Value| {
            tunnel["state"] == "down" && tunnel["lastError"].as_str().is_some_and(|text| text.contains(error))
        };
        self.tunnel(error, is_so).await
    }

    pub async fn until_said(&self, text: &str) {
        let find = |lines: &[String]| lines.iter().any(|line| line.contains(text)).then_some(());
        self.said.until(text, find).await;
    }

    pub async fn until_logged(&self, text: &str) {
        let find = |lines: &[String]| lines.iter().any(|line| line.contains(text)).then_some(());
        self.logged.until(text, find).await;
    }

    /// Everything that it printed.
    pub fn printed(&self) -> String {
        [self.said.all(), self.logged.all()].concat().join("\n")
    }

    pub fn signal(&self, signal: Signal) {
        let id = self.child.borrow().id().and_then(|id| i32::try_from(id).ok()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    pub async fn until_ended(&self) -> ExitStatus {
        let mut child = self.child.borrow_mut();
        within("the hub ends", child.wait()).await.unwrap()
    }

    pub async fn stop(&self) {
        self.signal(Signal::TERM);
        assert!(self.until_ended().await.success());
    }
}

pub fn end(process: i32) {
    kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
}

/// A process that waits for its parent to take note of its end is gone too.
pub fn is_gone(process: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")) else {
        return true;
    };
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

pub async fn until_gone(process: i32) {
    within("a process is gone", async {
        while !is_gone(process) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
