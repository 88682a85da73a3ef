//! Reading the journal back. A row that refers to a message is told with the message as it is now; one whose message
//! was deleted or moved since is skipped, for the event that removed it follows.

use bytes::Bytes;
use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{Committed, EventKind};
use crate::{
    domain::ids::{MachineId, Namespace, SessionId},
    store::{
        error::Result,
        messages::MessageRow,
        schema::{journal, messages, sessions},
    },
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = journal)]
struct Row {
    seq: i64,
    at: i64,
    kind: String,
    session_id: Option<String>,
    machine_id: Option<String>,
    body: Option<String>,
}

type Joined = (Row, Option<MessageRow>);

/// How much is read at a time. One row is read in any case.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub rows: i64,
    pub bytes: usize,
}

/// A part of the journal, oldest first.
#[derive(Debug)]
pub struct Page {
    pub events: Vec<Committed>,
    /// The last number looked at.
    pub last: i64,
    /// Whether that was all there was.
    pub is_end: bool,
}

/// The end of the journal: every event after `after` up to `last`.
#[derive(Debug)]
pub struct Newest {
    pub events: Vec<Committed>,
    pub after: i64,
    pub last: i64,
}

macro_rules! rows {
    ($namespace:expr) => {
        // A message that was moved belongs to another session now.
        journal::table
            .left_join(
                messages::table.inner_join(sessions::table.on(sessions::key.eq(messages::session_key))).on(
                    messages::id
                        .nullable()
                        .eq(journal::message_id)
                        .and(sessions::id.nullable().eq(journal::session_id)),
                ),
            )
            .filter(journal::namespace.eq($namespace.as_str()))
            .select((Row::as_select(), Option::<MessageRow>::as_select()))
    };
}

/// The events after `after`, of one session or of all.
pub fn replay(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    after: i64,
    session: Option<&SessionId>,
    window: Window,
) -> Result<Page> {
    let mut query = rows!(namespace).filter(journal::seq.gt(after)).order(journal::seq.asc()).into_boxed();
    if let Some(session) = session {
        query = query.filter(journal::session_id.eq(session.as_str()));
    }
    let mut page = Page { events: Vec::new(), last: after, is_end: false };
    let (mut rows, mut bytes) = (0, 0);
    for joined in query.limit(window.rows).load_iter::<Joined, _>(conn)? {
        let (row, message) = joined?;
        page.last = row.seq;
        rows += 1;
        if let Some(event) = event(namespace, row, message)? {
            bytes += event.json.len();
            page.events.push(event);
        }
        if bytes >= window.bytes {
            return Ok(page);
        }
    }
    page.is_end = rows < window.rows;
    Ok(page)
}

/// As much of the newest events as fits.
pub fn newest(conn: &mut SqliteConnection, namespace: &Namespace, window: Window) -> Result<Newest> {
    let last = super::head(conn, namespace)?;
    let mut newest = Newest { events: Vec::new(), after: last, last };
    let mut bytes = 0;
    let query = rows!(namespace).filter(journal::seq.le(last)).order(journal::seq.desc()).limit(window.rows);
    for joined in query.load_iter::<Joined, _>(conn)? {
        let (row, message) = joined?;
        let before = row.seq - 1;
        // Numbers are without holes but where history was trimmed: what lies before cannot be held.
        let follows = row.seq == newest.after;
        let event = event(namespace, row, message)?;
        bytes += event.as_ref().map_or(0, |event| event.json.len());
        if !follows || bytes > window.bytes {
            break;
        }
        newest.events.extend(event);
        newest.after = before;
    }
    newest.events.reverse();
    Ok(newest)
}

fn event(namespace: &Namespace, row: Row, message: Option<MessageRow>) -> Result<Option<Committed>> {
    let session = row.session_id.map(SessionId::from);
    let is_message = message.is_some();
    let json = match (row.body, message, &session) {
        (Some(body), _, _) => Bytes::from(body),
        (None, Some(message), Some(session)) => {
            crate::wire::events::message_received(namespace, session, &message.into_message()?)
        }
        _ => return Ok(None),
    };
    Ok(Some(Committed {
        seq: row.seq,
        at: row.at,
        kind: EventKind::of(&row.kind),
        session,
        machine: row.machine_id.map(MachineId::from),
        is_message,
        json,
    }))
}
