//! One process of the program with all that it starts: a process group of its own, so that an end reaches everybody.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

use super::plan::Plan;

/// How long the program may take to say goodbye to Cloudflare.
const GRACE: Duration = Duration::from_secs(3);
/// How long what it said last may take to be read.
const TAIL: Duration = Duration::from_millis(500);
/// More bytes without a line break count as a line.
const LINE: u64 = 8 * 1024;
const WAITING: usize = 64;

/// Runs what follows so that it is told to end when the hub is gone, however that ended.
const GUARD: [&str; 4] = ["setpriv", "--pdeathsig", "TERM", "--"];

/// What has to stand before the program; empty where the system has nothing of the kind.
pub async fn guard() -> &'static [&'static str] {
    let [program, arguments @ ..] = GUARD;
    let mut probe = Command::new(program);
    probe.args(arguments).arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match probe.status().await {
        Ok(status) if status.success() => &GUARD,
        _ => {
            tracing::debug!("no `setpriv` here: a hub that is killed leaves its tunnel running");
            &[]
        }
    }
}

/// Whether it was the guard that ended, since there is nothing to run.
pub fn is_not_found(how: ExitStatus, last_lines: &str) -> bool {
    how.code() == Some(127) && last_lines.contains("setpriv:")
}

pub struct Running {
    child: Child,
    group: Option<Pid>,
    lines: mpsc::Receiver<String>,
}

impl Running {
    /// Starts it. The caller's thread must last as long as the hub: for the guard it stands for the hub.
    pub fn start(plan: &Plan, before: &[&str]) -> io::Result<Self> {
        let mut command = plan.command(before);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (told, lines) = mpsc::channel(WAITING);
        if let Some(output) = child.stdout.take() {
            actix_rt::spawn(pass_on(output, told.clone()));
        }
        if let Some(output) = child.stderr.take() {
            actix_rt::spawn(pass_on(output, told));
        }
        Ok(Self { child, group, lines })
    }

    /// The next thing that it does: says a line, or ends.
    pub async fn next(&mut self) -> Next {
        tokio::select! {
            biased;
            Some(line) = self.lines.recv() => Next::Line(line),
            how = self.child.wait() => Next::End(how),
        }
    }

    /// What is left of a program that has ended: nothing it started goes on, and its last lines.
    pub async fn remains(mut self) -> Vec<String> {
        self.signal(Signal::KILL);
        let mut left = Vec::new();
        while let Ok(Some(line)) = tokio::time::timeout(TAIL, self.lines.recv()).await {
            left.push(line);
        }
        left
    }

    /// Ends it with all that it started.
    pub async fn end(mut self) {
        self.lines.close();
        self.signal(Signal::TERM);
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            tracing::warn!("the tunnel's program does not end when it is told to; it is killed");
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait().await;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // Nobody left to tell is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

/// What a process does next.
pub enum Next {
    Line(String),
    End(io::Result<ExitStatus>),
}

async fn pass_on(output: impl AsyncRead + Unpin, told: mpsc::Sender<String>) {
    let mut reader = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let read = (&mut reader).take(LINE).read_until(b'\n', &mut line).await;
        let is_over = !matches!(read, Ok(1..));
        if is_over || told.send(String::from_utf8_lossy(&line).trim_end().to_owned()).await.is_err() {
            return;
        }
    }
}
