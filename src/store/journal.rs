//! The journal: every event of a namespace under a gapless number, written with the change it tells of.

use bytes::Bytes;
use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{
    error::Result,
    messages,
    schema::{journal, messages as message_rows, sessions},
};
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
    pub kind: EventKind,
    pub session: Option<SessionId>,
    pub machine: Option<MachineId>,
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
            kind: EventKind::of(self.kind),
            session: self.session,
            machine: self.machine,
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

#[derive(Queryable, Selectable)]
#[diesel(table_name = journal)]
struct Row {
    seq: i64,
    kind: String,
    session_id: Option<String>,
    machine_id: Option<String>,
    message_id: Option<String>,
    body: Option<String>,
}

/// The last number given in the namespace, 0 when none was.
pub fn head(conn: &mut SqliteConnection, namespace: &Namespace) -> Result<i64> {
    let head: Option<i64> = journal::table
        .filter(journal::namespace.eq(namespace.as_str()))
        .select(diesel::dsl::max(journal::seq))
        .first(conn)?;
    Ok(head.unwrap_or(0))
}

/// The oldest number still kept.
pub fn oldest(conn: &mut SqliteConnection, namespace: &Namespace) -> Result<Option<i64>> {
    Ok(journal::table
        .filter(journal::namespace.eq(namespace.as_str()))
        .select(diesel::dsl::min(journal::seq))
        .first(conn)?)
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

/// The events after `after`, oldest first, at most `limit` rows. An event whose message was deleted or moved since is
/// skipped: the event that removed it follows. The second value is the last number looked at.
pub fn replay(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    after: i64,
    limit: i64,
) -> Result<(Vec<Committed>, i64)> {
    let rows: Vec<Row> = journal::table
        .filter(journal::namespace.eq(namespace.as_str()).and(journal::seq.gt(after)))
        .order(journal::seq.asc())
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?;
    let last = rows.last().map_or(after, |row| row.seq);
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let json = match (&row.body, &row.message_id, &row.session_id) {
            (Some(body), _, _) => Some(Bytes::from(body.clone())),
            (None, Some(message), Some(session)) => message_event(conn, namespace, session, message)?,
            _ => None,
        };
        if let Some(json) = json {
            events.push(Committed {
                seq: row.seq,
                kind: EventKind::of(&row.kind),
                session: row.session_id.map(SessionId::from),
                machine: row.machine_id.map(MachineId::from),
                json,
            });
        }
    }
    Ok((events, last))
}

fn message_event(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    session: &str,
    message: &str,
) -> Result<Option<Bytes>> {
    let row = message_rows::table
        .inner_join(sessions::table.on(sessions::key.eq(message_rows::session_key)))
        .filter(message_rows::id.eq(message).and(sessions::id.eq(session)))
        .select(messages::MessageRow::as_select())
        .first(conn)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let message = row.into_message()?;
    Ok(Some(crate::wire::events::message_received(namespace, &SessionId::from(session), &message)))
}

/// How much history each namespace keeps.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    pub rows: i64,
    pub age: Millis,
}

impl Default for Retention {
    fn default() -> Self {
        Self { rows: 50_000, age: 7 * 24 * 3_600_000 }
    }
}

impl Retention {
    /// Rows are trimmed in steps, so that the cost is one small delete every so many inserts.
    const STEP: i64 = 512;

    pub(super) fn enforce(
        self,
        conn: &mut SqliteConnection,
        namespace: &Namespace,
        seq: i64,
        now: Millis,
    ) -> Result<()> {
        if seq % Self::STEP != 0 {
            return Ok(());
        }
        let of_namespace = journal::table.filter(journal::namespace.eq(namespace.as_str()));
        // From the old end, so that nothing is looked at that stays.
        let young: Option<i64> = of_namespace
            .filter(journal::at.ge(now - self.age))
            .order(journal::seq.asc())
            .select(journal::seq)
            .first(conn)
            .optional()?;
        let keep_after = (young.unwrap_or(seq) - 1).max(seq - self.rows).min(seq - 1);
        diesel::delete(of_namespace.filter(journal::seq.le(keep_after))).execute(conn)?;
        Ok(())
    }
}
