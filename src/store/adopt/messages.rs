//! Whole rows of messages.

use diesel::{connection::DefaultLoadingMode, prelude::*, sqlite::SqliteConnection};

use crate::store::{
    Error, Result,
    messages::{Message, MessageRow, NewRow},
    schema::messages,
};

pub fn message_exists(conn: &mut SqliteConnection, id: &str) -> Result<bool> {
    let found: Option<i64> =
        messages::table.filter(messages::id.eq(id)).select(messages::key).first(conn).optional()?;
    Ok(found.is_some())
}

/// Says whether the row is new; one with the same id may already be here, in this session or in another.
pub fn insert_message(conn: &mut SqliteConnection, session_key: i64, message: &Message) -> Result<bool> {
    let inserted = diesel::insert_into(messages::table)
        .values(NewRow::of(session_key, message))
        .on_conflict(messages::id)
        .do_nothing()
        .execute(conn)?;
    Ok(inserted == 1)
}

/// Reads the messages of a session back, one after the other.
pub fn each_message<E: From<Error>>(
    conn: &mut SqliteConnection,
    session_key: i64,
    mut show: impl FnMut(Message) -> Result<(), E>,
) -> Result<(), E> {
    let rows = messages::table
        .filter(messages::session_key.eq(session_key))
        .select(MessageRow::as_select())
        .load_iter::<MessageRow, DefaultLoadingMode>(conn)
        .map_err(Error::from)?;
    for row in rows {
        show(row.map_err(Error::from)?.into_message()?)?;
    }
    Ok(())
}
