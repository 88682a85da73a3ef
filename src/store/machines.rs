//! Rows of machines.

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{
    error::{Error, Result},
    schema::machines,
};
use crate::domain::{
    ids::{MachineId, Millis, Namespace},
    json::{self, Json},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = machines)]
struct MachineRow {
    key: i64,
    id: String,
    namespace: String,
    created_at: i64,
    updated_at: i64,
    seq: i64,
    metadata: Option<String>,
    metadata_version: i64,
    runner_state: Option<String>,
    runner_state_version: i64,
    active_at: i64,
}

/// A machine as stored.
#[derive(Clone, Debug)]
pub struct Machine {
    pub key: i64,
    pub id: MachineId,
    pub namespace: Namespace,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub seq: i64,
    pub metadata: Option<Json>,
    pub metadata_version: i64,
    pub runner_state: Option<Json>,
    pub runner_state_version: i64,
    pub active_at: Millis,
}

impl From<MachineRow> for Machine {
    fn from(row: MachineRow) -> Self {
        Self {
            key: row.key,
            id: row.id.into(),
            namespace: row.namespace.into(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            seq: row.seq,
            metadata: row.metadata.and_then(json::raw),
            metadata_version: row.metadata_version,
            runner_state: row.runner_state.and_then(json::raw),
            runner_state_version: row.runner_state_version,
            active_at: row.active_at,
        }
    }
}

/// Makes a row if the id is new; answers the row as it now stands.
pub fn get_or_insert(
    conn: &mut SqliteConnection,
    id: &MachineId,
    namespace: &Namespace,
    metadata: &Json,
    runner_state: Option<&Json>,
    now: Millis,
) -> Result<(Machine, bool)> {
    let inserted = diesel::insert_into(machines::table)
        .values((
            machines::id.eq(id.as_str()),
            machines::namespace.eq(namespace.as_str()),
            machines::created_at.eq(now),
            machines::updated_at.eq(now),
            machines::active_at.eq(now),
            machines::metadata.eq((!json::is_null(metadata)).then(|| metadata.get())),
            machines::runner_state.eq(runner_state.map(|raw| raw.get())),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let row: MachineRow =
        machines::table.filter(machines::id.eq(id.as_str())).select(MachineRow::as_select()).first(conn)?;
    Ok((row.into(), inserted == 1))
}

pub fn by_id(conn: &mut SqliteConnection, id: &MachineId) -> Result<Option<Machine>> {
    let row = machines::table
        .filter(machines::id.eq(id.as_str()))
        .select(MachineRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Machine::from))
}

pub fn of_namespace(conn: &mut SqliteConnection, namespace: &Namespace) -> Result<Vec<Machine>> {
    let rows: Vec<MachineRow> = machines::table
        .filter(machines::namespace.eq(namespace.as_str()))
        .order(machines::key.asc())
        .select(MachineRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Machine::from).collect())
}

pub fn left_active(conn: &mut SqliteConnection) -> Result<Vec<Machine>> {
    let rows: Vec<MachineRow> =
        machines::table.filter(machines::active).select(MachineRow::as_select()).load(conn)?;
    Ok(rows.into_iter().map(Machine::from).collect())
}

#[derive(AsChangeset, Default)]
#[diesel(table_name = machines)]
pub struct MachineChanges {
    pub updated_at: Option<i64>,
    pub seq: Option<i64>,
    pub metadata: Option<Option<String>>,
    pub metadata_version: Option<i64>,
    pub runner_state: Option<Option<String>>,
    pub runner_state_version: Option<i64>,
    pub active: Option<bool>,
    pub active_at: Option<i64>,
}

/// Writes changes if both versions are still the expected ones.
pub fn update(conn: &mut SqliteConnection, machine: &Machine, changes: &MachineChanges) -> Result<()> {
    let changed = diesel::update(
        machines::table.find(machine.key).filter(
            machines::metadata_version
                .eq(machine.metadata_version)
                .and(machines::runner_state_version.eq(machine.runner_state_version)),
        ),
    )
    .set(changes)
    .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::VersionConflict) }
}

pub fn set_active(conn: &mut SqliteConnection, key: i64, active: bool, at: Millis) -> Result<()> {
    diesel::update(machines::table.find(key))
        .set((machines::active.eq(active), machines::active_at.eq(at)))
        .execute(conn)?;
    Ok(())
}
