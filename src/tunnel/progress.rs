//! How far one run of the program has come, by the lines that it has printed.

use std::collections::{BTreeSet, VecDeque};

use super::{
    failure::Trouble,
    lines::{self, Line},
};

/// Lines kept for when the program ends.
const LAST: usize = 6;
/// A longer line is cut; nobody reads on.
const LENGTH: usize = 400;

/// What people are told of the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Starting,
    Up,
    Down,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// Everything that is known of a run.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub address: Option<String>,
    /// What it complained about since it last connected.
    pub trouble: Option<Trouble>,
    connected: BTreeSet<u32>,
    has_been_up: bool,
    last: VecDeque<String>,
}

impl Progress {
    /// A named tunnel's address is known beforehand.
    pub fn new(address: Option<String>) -> Self {
        Self { address, ..Self::default() }
    }

    pub fn take(&mut self, line: &str) {
        match lines::read(line) {
            Line::Address(address) => {
                self.address.get_or_insert(address);
            }
            Line::Connected(number) => {
                self.connected.insert(number);
                self.trouble = None;
            }
            Line::Lost(number) => {
                self.connected.remove(&number);
            }
            Line::Trouble(trouble) => self.trouble = Some(trouble),
            Line::Other => {}
        }
        self.has_been_up |= self.state() == State::Up;
        let shown: String = line.chars().filter(|letter| !letter.is_control()).take(LENGTH).collect();
        if !shown.trim().is_empty() {
            self.last.push_back(shown);
        }
        while self.last.len() > LAST {
            self.last.pop_front();
        }
    }

    pub fn state(&self) -> State {
        match (&self.address, self.connected.is_empty(), self.has_been_up) {
            (Some(_), false, _) => State::Up,
            (_, _, true) => State::Down,
            (_, _, false) => State::Starting,
        }
    }

    pub fn has_been_up(&self) -> bool {
        self.has_been_up
    }

    pub fn last_lines(&self) -> String {
        self.last.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" | ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(address: Option<&str>, lines: &[&str]) -> Progress {
        let mut progress = Progress::new(address.map(str::to_owned));
        lines.iter().for_each(|line| progress.take(line));
        progress
    }

    const TOLD: &str = "INF |  https://a-b.trycloudflare.com  |";
    const CONNECTED: &str = "INF Registered tunnel connection connIndex=0";
    const ALSO: &str = "INF Registered tunnel connection connIndex=1";
    const LOST: &str = "INF Unregistered tunnel connection connIndex=0";

    #[test]
    fn a_tunnel_is_up_while_it_has_an_address_and_a_connection() {
        let state = |lines: &[&str]| after(None, lines).state();
        assert_eq!(state(&[]), State::Starting);
        assert_eq!(state(&[TOLD]), State::Starting);
        assert_eq!(state(&[CONNECTED]), State::Starting);
        assert_eq!(state(&[TOLD, CONNECTED]), State::Up);
        assert_eq!(state(&[TOLD, CONNECTED, ALSO, LOST]), State::Up, "one is enough");
        assert_eq!(state(&[TOLD, CONNECTED, LOST]), State::Down);
        assert_eq!(state(&[TOLD, CONNECTED, LOST, CONNECTED]), State::Up);
        assert_eq!(after(Some("https://hub.example"), &[CONNECTED]).state(), State::Up);
    }

    #[test]
    fn the_first_address_stays_and_a_connection_ends_a_complaint() {
        let progress = after(None, &[TOLD, "https://other.trycloudflare.com"]);
        assert_eq!(progress.address.as_deref(), Some("https://a-b.trycloudflare.com"));
        let progress = after(None, &["dial tcp 198.41.200.33:7844: i/o timeout"]);
        assert_eq!(progress.trouble, Some(Trouble::EdgeUnreachable));
        assert_eq!(after(None, &["error 198.41.200.33:7844", CONNECTED]).trouble, None);
    }

    #[test]
    fn few_lines_are_kept_and_none_can_disturb_a_log() {
        let long = "x".repeat(10_000);
        let lines: Vec<String> = (0..20).map(|number| format!("{number}\u{1b}[31m\r{long}")).collect();
        let progress = after(None, &lines.iter().map(String::as_str).collect::<Vec<_>>());
        let shown = progress.last_lines();
        assert!(shown.starts_with("14[31mx") && !shown.contains(char::is_control), "{shown}");
        assert!(shown.len() < LAST * (LENGTH + 4));
    }
}
