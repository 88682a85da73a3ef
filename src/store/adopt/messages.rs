//! Whole rows of messages.

use diesel::{connection::DefaultLoadingMode, prelude::*, sqlite::SqliteConnection};

use crate::store::{
    Error, Result, codec,
    messages::{Message, MessageRow},
    schema::messages,
};

pub fn message_exists(conn: &mut SqliteConnection, id: &str) -> Result<bool> {
    let found: Option<i64> =
        messages::table.filter(messages::id.eq(id)).select(messages::key).first(conn).optional()?;
    Ok(found.is_some())
}

/// Says whether the row is new; one with the same id may already be here, in this session or in another.
pub fn insert_message(conn: &mut SqliteConnection, session_key: i64, message: &Message) -> Result<bool> {
    let (encoding, content) = codec::encode(message.content.get());
    let inserted = diesel::insert_into(messages::table)
        .values((
            messages::id.eq(&message.id),
            messages::session_key.eq(session_key),
            messages::seq.eq(message.seq),
            messages::local_id.eq(&message.local_id),
            messages::created_at.eq(message.created_at),
            messages::invoked_at.eq(message.invoked_at),
            messages::scheduled_at.eq(message.scheduled_at),
            messages::position_at.eq(message.position().at),
            messages::delivery_state.eq(message.delivery_state.as_str()),
            messages::encoding.eq(encoding),
            messages::content.eq(content),
        ))
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
