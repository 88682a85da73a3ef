//! Conversations that come in from agents' machines.

use diesel::sqlite::SqliteConnection;

use super::{
    error::Result,
    messages::{self, Message},
};
use crate::domain::{ids::Millis, import::Stored, json, session::Position};

/// Rows that are read at a time.
const BATCH: i64 = 500;

/// Everything that was said in a session, in the order of the conversation.
pub fn transcript(conn: &mut SqliteConnection, key: i64) -> Result<Vec<Stored>> {
    let end = Position { at: Millis::MAX, seq: i64::MAX };
    let mut cursor = Position { at: Millis::MIN, seq: i64::MIN };
    let mut found = Vec::new();
    loop {
        let rows: Vec<Message> = messages::after(conn, key, cursor, end, BATCH)?;
        let Some(last) = rows.last() else { return Ok(found) };
        cursor = last.position();
        found.extend(rows.into_iter().map(|row| Stored {
            local_id: row.local_id,
            content: json::read(&row.content).unwrap_or_default(),
        }));
    }
}
