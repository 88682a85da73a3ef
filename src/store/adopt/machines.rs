//! Whole rows of machines. They are read back like any other.

use diesel::{prelude::*, sqlite::SqliteConnection};

use crate::store::{Result, machines::Machine, schema::machines};

/// Answers the key of the new row; `None` when a machine of this id is already here.
pub fn insert_machine(conn: &mut SqliteConnection, machine: &Machine) -> Result<Option<i64>> {
    let known: Option<i64> = machines::table
        .filter(machines::id.eq(machine.id.as_str()))
        .select(machines::key)
        .first(conn)
        .optional()?;
    if known.is_some() {
        return Ok(None);
    }
    let key = diesel::insert_into(machines::table)
        .values((
            machines::id.eq(machine.id.as_str()),
            machines::namespace.eq(machine.namespace.as_str()),
            machines::created_at.eq(machine.created_at),
            machines::updated_at.eq(machine.updated_at),
            machines::seq.eq(machine.seq),
            machines::metadata.eq(machine.metadata.as_deref().map(|raw| raw.get())),
            machines::metadata_version.eq(machine.metadata_version),
            machines::runner_state.eq(machine.runner_state.as_deref().map(|raw| raw.get())),
            machines::runner_state_version.eq(machine.runner_state_version),
            machines::active.eq(false),
            machines::active_at.eq(machine.active_at),
        ))
        .returning(machines::key)
        .get_result(conn)?;
    Ok(Some(key))
}
