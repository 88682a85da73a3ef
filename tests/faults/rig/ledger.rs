//! What every client did, and what it was told of that.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap},
};

use serde_json::Value;

/// A message of an agent: told to be stored once a `ping` behind it was answered.
#[derive(Clone, Debug)]
pub struct Said {
    pub session: String,
    /// Which of the session's processes said it.
    pub life: u64,
    pub number: u64,
    pub is_acknowledged: bool,
}

#[derive(Clone, Debug)]
pub struct Prompt {
    pub session: String,
    pub person: usize,
    pub number: u64,
    pub local_id: String,
    pub is_acknowledged: bool,
}

/// A versioned write that was answered with `success`.
#[derive(Clone, Debug)]
pub struct Written {
    /// Which value of which row.
    pub what: String,
    pub version: i64,
    pub value: u64,
}

#[derive(Clone, Debug)]
pub struct Decided {
    pub approved: bool,
    pub status: u16,
    pub winner: Option<bool>,
}

/// A message as the event stream told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub session: String,
    pub seq: i64,
    pub text: String,
}

#[derive(Default)]
pub struct Ledger {
    pub said: RefCell<Vec<Said>>,
    pub prompts: RefCell<Vec<Prompt>>,
    pub written: RefCell<Vec<Written>>,
    /// By session and request.
    pub decided: RefCell<BTreeMap<(String, String), Vec<Decided>>>,
    /// What agents heard of decisions.
    pub heard: RefCell<BTreeMap<(String, String), Vec<bool>>>,
    /// Requests that died with their process.
    pub dropped: RefCell<BTreeSet<(String, String)>>,
    /// Prompts of which the hub acknowledged that they were taken, by session and local id.
    pub taken: RefCell<BTreeSet<(String, String)>>,
    pub delivered: RefCell<BTreeSet<(String, String)>>,
    pub told: RefCell<HashMap<String, Told>>,
    /// The sessions that were poisoned: only they may lose their order.
    pub poisoned: RefCell<BTreeSet<String>>,
    pub violations: RefCell<Vec<String>>,
    /// Messages without an acknowledgement that came after later ones of the same process.
    pub late: Cell<usize>,
    /// The stream has begun, so that it tells everything from here on.
    pub is_watched: Cell<bool>,
    pub connections: Cell<usize>,
}

impl Ledger {
    pub fn violation(&self, text: impl Into<String>) {
        self.violations.borrow_mut().push(text.into());
    }

    pub fn write_acknowledged(&self, what: String, ack: &Value, value: u64) {
        if let Some(version) = ack["version"].as_i64() {
            self.written.borrow_mut().push(Written { what, version, value });
        }
    }

    pub fn count(cell: &Cell<usize>) {
        cell.set(cell.get() + 1);
    }
}
