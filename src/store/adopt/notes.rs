//! Whole rows of the notes beside sessions.

use diesel::{prelude::*, sqlite::SqliteConnection};

use crate::store::{Result, schema::scratchlist};

#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = scratchlist)]
pub struct Note {
    pub session_key: i64,
    pub entry_id: String,
    pub text: String,
    pub created_at: i64,
    pub updated_at: i64,
    /// JSON array.
    pub attachments: String,
}

/// Says whether the row is new.
pub fn insert_note(conn: &mut SqliteConnection, note: &Note) -> Result<bool> {
    Ok(diesel::insert_into(scratchlist::table).values(note).on_conflict_do_nothing().execute(conn)? == 1)
}

pub fn note(conn: &mut SqliteConnection, session_key: i64, entry_id: &str) -> Result<Option<Note>> {
    Ok(scratchlist::table.find((session_key, entry_id)).select(Note::as_select()).first(conn).optional()?)
}
