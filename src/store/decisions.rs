//! Rows of decisions: one per question an agent asked.

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{error::Result, schema::decisions};
use crate::domain::ids::Millis;

/// A decision as stored. `answer` is the JSON of what was answered.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = decisions)]
pub struct DecisionRow {
    pub session_key: i64,
    pub request_id: String,
    pub request_created_at: Millis,
    pub answer: String,
    pub decided_by: String,
    pub decided_from: String,
    pub decided_at: Millis,
    pub state: String,
}

/// Keeps a decision. A decision on the same question that was released before is replaced.
pub fn put(conn: &mut SqliteConnection, row: &DecisionRow) -> Result<()> {
    diesel::replace_into(decisions::table).values(row).execute(conn)?;
    Ok(())
}

pub fn of_session(conn: &mut SqliteConnection, session_key: i64) -> Result<Vec<DecisionRow>> {
    Ok(decisions::table
        .filter(decisions::session_key.eq(session_key))
        .order(decisions::decided_at.asc())
        .select(DecisionRow::as_select())
        .load(conn)?)
}

pub fn set_state(
    conn: &mut SqliteConnection,
    session_key: i64,
    request_id: &str,
    request_created_at: Millis,
    state: &str,
) -> Result<()> {
    diesel::update(decisions::table.find((session_key, request_id, request_created_at)))
        .set(decisions::state.eq(state))
        .execute(conn)?;
    Ok(())
}
