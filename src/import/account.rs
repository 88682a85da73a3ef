//! The account of an import: what became of every row.

use std::fmt::Debug;

use super::{convert::Repairs, error::Result, tally::Tally};
use crate::{
    domain::ids::MachineId,
    store::adopt::{Device, PushSubscription, User},
};

/// What became of the rows of one table.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub read: u64,
    pub already_here: u64,
    /// Rows that are not here, but whose session is: it goes on as it is here.
    pub left_out: u64,
    pub without_session: u64,
    /// Rows that lack what names them.
    pub unusable: u64,
    /// The rows that were added, as they were read.
    pub added: Tally,
}

impl Account {
    /// Enters a row that lacks what names it.
    pub fn skip(&mut self) -> Result<()> {
        self.read += 1;
        self.unusable += 1;
        Ok(())
    }

    /// Enters a row that is new or was already here. Says again which.
    pub fn enter(&mut self, row: &impl Debug, is_new: bool) -> bool {
        self.read += 1;
        if is_new {
            self.added.add(row);
        } else {
            self.already_here += 1;
        }
        is_new
    }

    /// Enters a row that was not looked at, because its session is already here.
    pub fn enter_known(&mut self, is_here: bool) {
        self.read += 1;
        *(if is_here { &mut self.already_here } else { &mut self.left_out }) += 1;
    }
}

/// What became of everything, and what to read back.
#[derive(Debug, Default)]
pub struct Moved {
    pub sessions: Account,
    pub messages: Account,
    pub notes: Account,
    pub machines: Account,
    pub users: Account,
    pub push_subscriptions: Account,
    pub devices: Account,
    pub repairs: Repairs,
    pub new_sessions: Vec<(String, i64)>,
    pub new_notes: Vec<(i64, String)>,
    /// The attachments of the new notes, as JSON.
    pub attachments: Vec<String>,
    pub new_machines: Vec<MachineId>,
    pub new_users: Vec<User>,
    pub new_push_subscriptions: Vec<PushSubscription>,
    pub new_devices: Vec<Device>,
}

impl Moved {
    pub fn accounts(&self) -> [&Account; 7] {
        let Self { sessions, messages, notes, machines, users, push_subscriptions, devices, .. } = self;
        [sessions, messages, notes, machines, users, push_subscriptions, devices]
    }

    /// Whether there is anything here now that was not before.
    pub fn adds_something(&self) -> bool {
        self.accounts().iter().any(|account| account.added.rows > 0)
    }
}
