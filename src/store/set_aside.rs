//! Messages that arrived while their session could not be brought up. They are appended when it is well again.

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{error::Result, schema::set_aside};
use crate::domain::ids::{Millis, SessionId};

pub fn put(conn: &mut SqliteConnection, session: &SessionId, payload: &str, now: Millis) -> Result<()> {
    diesel::insert_into(set_aside::table)
        .values((
            set_aside::session_id.eq(session.as_str()),
            set_aside::at.eq(now),
            set_aside::payload.eq(payload),
        ))
        .execute(conn)?;
    Ok(())
}

/// What was set aside for a session, oldest first, with the key that [`delete`] wants.
pub fn of_session(conn: &mut SqliteConnection, session: &SessionId) -> Result<Vec<(i64, String)>> {
    Ok(set_aside::table
        .filter(set_aside::session_id.eq(session.as_str()))
        .order(set_aside::key.asc())
        .select((set_aside::key, set_aside::payload))
        .load(conn)?)
}

pub fn delete(conn: &mut SqliteConnection, key: i64) -> Result<()> {
    diesel::delete(set_aside::table.find(key)).execute(conn)?;
    Ok(())
}
