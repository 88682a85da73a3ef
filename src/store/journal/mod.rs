//! The journal: every event of a namespace under a gapless number, written with the change it tells of.

mod replay;
mod retention;

use bytes::Bytes;
use diesel::{prelude::*, sqlite::SqliteConnection};

pub use replay::{Newest, Page, Window, newest, replay};
pub(super) use retention::Trimmer;
pub use retention::{Retention, floor};

use super::{error::Result, schema::journal};
use crate::domain::ids::{MachineId, Millis, Namespace, SessionId};

/// An event about to be journaled. `json` is the whole event as browsers read it.
pub struct NewEntry {
    pub at: Millis,
    pub kind: &'static str,
    pub session: Option<SessionId>,
    pub machine: Option<MachineId>,
    /// The message that the event carries: the row refers to it instead of keeping a copy.
    pub message: Option<String>,
    pub json: Bytes,
}

/// An event that is durable, with its number.
#[derive(Clone, Debug)]
pub struct Committed {
    pub seq: i64,
    pub at: Millis,
    pub kind: EventKind,
    pub session: Option<SessionId>,
    pub machine: Option<MachineId>,
    /// Whether the row refers to a message instead of holding the event.
    pub is_message: bool,
    pub json: Bytes,
}

/// As much of an event's type as decides who receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Only for streams of everything and of this very session.
    Chat,
    /// For streams of the session or the machine as well.
    State,
}

impl EventKind {
    pub fn of(kind: &str) -> Self {
        if matches!(kind, "message-received" | "scheduled-matured") { Self::Chat } else { Self::State }
    }
}

impl NewEntry {
    pub(super) fn committed(self, seq: i64) -> Committed {
        Committed {
            seq,
            at: self.at,
            kind: EventKind::of(self.kind),
            session: self.session,
            machine: self.machine,
            is_message: self.message.is_some(),
            json: self.json,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = journal)]
struct NewRow<'a> {
    namespace: &'a str,
    seq: i64,
    at: i64,
    kind: &'a str,
    session_id: Option<&'a str>,
    machine_id: Option<&'a str>,
    message_id: Option<&'a str>,
    body: Option<&'a str>,
}

/// The last number given in the namespace, 0 when none was.
pub fn head(conn: &mut SqliteConnection, namespace: &Namespace) -> Result<i64> {
    let head: Option<i64> = journal::table
        .filter(journal::namespace.eq(namespace.as_str()))
        .select(diesel::dsl::max(journal::seq))
        .first(conn)?;
    Ok(head.unwrap_or(0))
}

pub(super) fn insert(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    seq: i64,
    entry: &NewEntry,
) -> Result<()> {
    let body = match entry.message {
        Some(_) => None,
        None => std::str::from_utf8(&entry.json).ok(),
    };
    diesel::insert_into(journal::table)
        .values(NewRow {
            namespace: namespace.as_str(),
            seq,
            at: entry.at,
            kind: entry.kind,
            session_id: entry.session.as_ref().map(SessionId::as_str),
            machine_id: entry.machine.as_ref().map(MachineId::as_str),
            message_id: entry.message.as_deref(),
            body,
        })
        .execute(conn)?;
    Ok(())
}
