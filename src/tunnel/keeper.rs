//! Keeps the program running: starts it, follows what it says, and starts it again when it has ended.

use std::{io, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Failure, Plan, Progress, State, Status,
    child::{self, Next, Running},
};
use crate::clock::Clock;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Who keeps a tunnel. Its task must run on a thread that lasts as long as the hub.
pub struct Keeper {
    plan: Plan,
    clock: Clock,
    told: watch::Sender<Status>,
}

/// How a run of the program ended.
enum Ended {
    /// The hub stops.
    Asked,
    Failed(Failure, Progress),
}

impl Keeper {
    pub(super) fn new(plan: Plan, clock: Clock, told: watch::Sender<Status>) -> Self {
        Self { plan, clock, told }
    }

    /// Returns when the hub stops and the program has ended.
    pub async fn keep(self, stopping: CancellationToken) {
        let before = child::guard().await;
        let mut failures = 0;
        let mut said = String::new();
        loop {
            let begin = Instant::now();
            let (failure, progress) = match self.run(before, &stopping).await {
                Ended::Asked => return,
                Ended::Failed(failure, progress) => (failure, progress),
            };
            // A long life is forgiven its end.
            let has_lasted = progress.has_been_up() && begin.elapsed() >= LONGEST_PAUSE;
            failures = if has_lasted { 1 } else { failures + 1 };
            let pause = pause(failures);
            let text = failure.to_string();
            let (seconds, last_lines) = (pause.as_secs(), progress.last_lines());
            if text == said {
                tracing::debug!(last_lines, "the tunnel is down as before; next try in {seconds} s: {text}");
            } else {
                tracing::warn!(last_lines, "the tunnel is down; next try in {seconds} s: {text}");
            }
            self.tell(State::Down, None, Some(text.clone()));
            said = text;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopping.cancelled() => return,
            }
        }
    }

    async fn run(&self, before: &[&str], stopping: &CancellationToken) -> Ended {
        let mut progress = Progress::new(self.plan.address.clone());
        self.begin();
        let mut running = match Running::start(&self.plan, before) {
            Ok(running) => running,
            Err(error) => return Ended::Failed(self.not_started(error), progress),
        };
        let deadline = Instant::now() + self.plan.patience;
        let mut is_awaited = true;
        loop {
            tokio::select! {
                () = stopping.cancelled() => {
                    running.end().await;
                    return Ended::Asked;
                }
                next = running.next() => match next {
                    Next::Line(line) => self.take(&mut progress, line),
                    Next::End(how) => {
                        for line in running.remains().await {
                            self.take(&mut progress, line);
                        }
                        return Ended::Failed(self.ended(how, &progress), progress);
                    }
                },
                () = sleep_until(deadline), if is_awaited => {
                    is_awaited = false;
                    let seconds = self.plan.patience.as_secs();
                    if progress.address.is_none() {
                        running.end().await;
                        let trouble = progress.trouble.map(Failure::Troubled);
                        return Ended::Failed(trouble.unwrap_or(Failure::NoAddress { seconds }), progress);
                    }
                    if progress.state() == State::Starting {
                        // It goes on trying by itself, so it may.
                        let trouble = progress.trouble.map(Failure::Troubled);
                        let text = trouble.unwrap_or(Failure::NoConnection { seconds }).to_string();
                        tracing::warn!(last_lines = progress.last_lines(), "the tunnel is not up yet: {text}");
                        self.tell(State::Down, progress.address.clone(), Some(text));
                    }
                }
            }
        }
    }

    fn take(&self, progress: &mut Progress, line: String) {
        let line = self.plan.masked(line);
        tracing::debug!("cloudflared: {line}");
        progress.take(&line);
        let trouble = progress.trouble.map(|trouble| trouble.to_string());
        match progress.state() {
            State::Up => self.tell(State::Up, progress.address.clone(), trouble),
            State::Down => {
                let error = trouble.unwrap_or_else(|| Failure::Lost.to_string());
                self.tell(State::Down, progress.address.clone(), Some(error));
            }
            // It may be called down already, since it takes too long.
            State::Starting => {
                let state = self.told.borrow().state;
                self.tell(state, progress.address.clone(), trouble);
            }
        }
    }

    /// A quick tunnel's next address will be another.
    fn begin(&self) {
        let now = self.clock.now();
        self.told.send_modify(|status| {
            if status.state != State::Starting {
                (status.state, status.since) = (State::Starting, now);
            }
            status.address.clone_from(&self.plan.address);
        });
    }

    /// What is `None` stays as it was, but a tunnel that is up has no error.
    fn tell(&self, state: State, address: Option<String>, error: Option<String>) {
        let now = self.clock.now();
        self.told.send_if_modified(|status| {
            let mut next = status.clone();
            if next.state != state {
                (next.state, next.since) = (state, now);
            }
            next.address = address.or(next.address);
            next.last_error = if state == State::Up { error } else { error.or(next.last_error) };
            if next == *status {
                return false;
            }
            if next.state != status.state {
                match (next.state, &next.address) {
                    (State::Up, Some(address)) => tracing::info!(address, "the tunnel is up"),
                    (state, _) => tracing::info!("the tunnel is {}", state.name()),
                }
            }
            *status = next;
            true
        });
    }

    fn not_started(&self, source: io::Error) -> Failure {
        let program = self.plan.program.clone();
        match source.kind() {
            io::ErrorKind::NotFound => Failure::NotFound { program },
            _ => Failure::NotStarted { program, source },
        }
    }

    fn ended(&self, how: io::Result<std::process::ExitStatus>, progress: &Progress) -> Failure {
        match (how, progress.trouble) {
            (Ok(how), _) if child::is_not_found(how, &progress.last_lines()) => {
                Failure::NotFound { program: self.plan.program.clone() }
            }
            (_, Some(trouble)) => Failure::Troubled(trouble),
            (Ok(how), None) => Failure::Ended { how: how.to_string() },
            (Err(error), None) => Failure::Ended { how: error.to_string() },
        }
    }
}

/// Twice as long after each failure, up to a minute.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(6)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        let pauses: Vec<u64> = (1..=9).map(|failures| pause(failures).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
