//! Cutting conversations: the copy of one up to a point, and the end of one taken off.

use std::collections::HashSet;

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{
    error::Result,
    messages::{self, Message},
    schema::messages as table,
    sessions,
};
use crate::domain::{
    content,
    ids::Millis,
    json::{self, Json},
    session::Position,
    todos,
};

/// Rows that are read or written at a time.
const BATCH: i64 = 500;

/// What a copy consists of, in the order of the conversation.
pub struct Copied {
    pub local_ids: HashSet<String>,
    pub last_seq: i64,
    pub head: Option<Position>,
    pub has_content: bool,
}

/// Copies what the agent has taken of one session into another, empty one: everything before a place, or everything.
/// Rows keep their times and local ids, and get new ids and numbers.
pub fn copy_before(
    conn: &mut SqliteConnection,
    from: i64,
    to: i64,
    boundary: Option<Position>,
) -> Result<Copied> {
    let mut copied = Copied { local_ids: HashSet::new(), last_seq: 0, head: None, has_content: false };
    let mut cursor = Position { at: Millis::MIN, seq: i64::MIN };
    let end = Position { at: Millis::MAX, seq: i64::MAX };
    loop {
        let rows = messages::after(conn, from, cursor, boundary.unwrap_or(end), BATCH)?;
        let Some(last) = rows.last() else { break };
        cursor = last.position();
        for row in rows {
            if boundary == Some(row.position()) || row.invoked_at.is_none() {
                continue;
            }
            copied.last_seq += 1;
            let row = Message { id: uuid::Uuid::now_v7().to_string(), seq: copied.last_seq, ..row };
            messages::insert(conn, to, &row)?;
            copied.has_content |=
                json::read(&row.content).as_ref().is_some_and(content::has_conversation_content);
            copied.head = copied.head.max(Some(row.position()));
            copied.local_ids.extend(row.local_id);
        }
    }
    Ok(copied)
}

/// What is left of a conversation.
pub struct Left {
    pub local_ids: HashSet<String>,
    pub last_seq: i64,
    pub head: Option<Position>,
    pub has_content: bool,
    /// The newest to-do list in it.
    pub todos: Option<Json>,
}

/// Takes off everything from a message on, named by its local id, and puts `replacements` at the end.
pub fn truncate_from(
    conn: &mut SqliteConnection,
    key: i64,
    local_id: &str,
    replacements: &[Message],
) -> Result<Left> {
    let first = messages::by_local_id(conn, key, local_id)?.ok_or(diesel::result::Error::NotFound)?;
    let from = first.position();
    let mut last_seq = sessions::keep_numbers(conn, key)?;
    let later =
        table::position_at.gt(from.at).or(table::position_at.eq(from.at).and(table::seq.ge(from.seq)));
    diesel::delete(table::table.filter(table::session_key.eq(key).and(later))).execute(conn)?;
    for row in replacements {
        last_seq += 1;
        let taken = match &row.local_id {
            Some(id) => messages::by_local_id(conn, key, id)?.is_some(),
            None => false,
        };
        let local_id = row.local_id.clone().filter(|_| !taken);
        messages::insert(conn, key, &Message { seq: last_seq, local_id, ..row.clone() })?;
    }
    look_through(conn, key, last_seq)
}

/// Reads a conversation from its end on, as far as is needed to know what it says of its session.
fn look_through(conn: &mut SqliteConnection, key: i64, last_seq: i64) -> Result<Left> {
    let local_ids: Vec<Option<String>> = table::table
        .filter(table::session_key.eq(key).and(table::local_id.is_not_null()))
        .select(table::local_id)
        .load(conn)?;
    let mut left = Left {
        local_ids: local_ids.into_iter().flatten().collect(),
        last_seq,
        head: messages::head(conn, key)?,
        has_content: false,
        todos: None,
    };
    let mut cursor = None;
    while left.todos.is_none() || !left.has_content {
        let rows = messages::before(conn, key, cursor, BATCH)?;
        let Some(last) = rows.last() else { break };
        cursor = Some(last.position());
        for message in rows.iter().filter_map(|row| json::read(&row.content)) {
            left.has_content |= content::has_conversation_content(&message);
            if left.todos.is_none() {
                left.todos = todos::from_message(&message).map(|list| json::write(&list));
            }
        }
    }
    Ok(left)
}

/// Whether a conversation has any content but that of one message.
pub fn has_content_beside(conn: &mut SqliteConnection, key: i64, message: &str) -> Result<bool> {
    let mut cursor = None;
    loop {
        let rows = messages::before(conn, key, cursor, BATCH)?;
        let Some(last) = rows.last() else { return Ok(false) };
        cursor = Some(last.position());
        let others = rows.iter().filter(|row| row.id != message);
        if others
            .filter_map(|row| json::read(&row.content))
            .any(|row| content::has_conversation_content(&row))
        {
            return Ok(true);
        }
    }
}

/// The newest to-do list of a conversation.
pub fn newest_todos(conn: &mut SqliteConnection, key: i64) -> Result<Option<Json>> {
    Ok(look_through(conn, key, 0)?.todos)
}
