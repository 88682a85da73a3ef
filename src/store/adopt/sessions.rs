//! Whole rows of sessions.

use diesel::{prelude::*, sqlite::SqliteConnection};

use crate::{
    domain::session::Record,
    store::{Result, schema::sessions, sessions as rows},
};

/// A session as it is taken over.
#[derive(Clone, Debug)]
pub struct Adopted {
    pub record: Record,
    /// The highest message number that may have been given to a row since deleted.
    pub seq_floor: i64,
}

#[derive(Insertable)]
#[diesel(table_name = sessions)]
struct NewRow<'a> {
    id: &'a str,
    namespace: &'a str,
    tag: Option<&'a str>,
    created_at: i64,
    updated_at: i64,
    seq: i64,
    metadata: Option<&'a str>,
    metadata_version: i64,
    agent_state: Option<&'a str>,
    agent_state_version: i64,
    todos: Option<&'a str>,
    todos_updated_at: i64,
    team_state: Option<&'a str>,
    team_state_updated_at: i64,
    model: Option<&'a str>,
    model_reasoning_effort: Option<&'a str>,
    effort: Option<&'a str>,
    service_tier: Option<&'a str>,
    permission_mode: Option<&'a str>,
    collaboration_mode: Option<&'a str>,
    agent_mode: Option<&'a str>,
    pin: &'a str,
    active: bool,
    active_at: i64,
    has_content: bool,
    message_epoch: i64,
    message_seq_floor: i64,
    seen_at: i64,
}

impl<'a> From<&'a Adopted> for NewRow<'a> {
    fn from(Adopted { record, seq_floor }: &'a Adopted) -> Self {
        Self {
            id: record.id.as_str(),
            namespace: record.namespace.as_str(),
            tag: record.tag.as_deref(),
            created_at: record.created_at,
            updated_at: record.updated_at,
            seq: record.seq,
            metadata: record.metadata.as_deref().map(|raw| raw.get()),
            metadata_version: record.metadata_version,
            agent_state: record.agent_state.as_deref().map(|raw| raw.get()),
            agent_state_version: record.agent_state_version,
            todos: record.todos.as_deref().map(|raw| raw.get()),
            todos_updated_at: record.todos_updated_at,
            team_state: record.team_state.as_deref().map(|raw| raw.get()),
            team_state_updated_at: record.team_state_updated_at,
            model: record.settings.model.as_deref(),
            model_reasoning_effort: record.settings.model_reasoning_effort.as_deref(),
            effort: record.settings.effort.as_deref(),
            service_tier: record.settings.service_tier.as_deref(),
            permission_mode: record.settings.permission_mode.as_deref(),
            collaboration_mode: record.settings.collaboration_mode.as_deref(),
            agent_mode: record.settings.agent_mode.as_deref(),
            pin: record.pin.as_str(),
            active: record.active,
            active_at: record.active_at,
            has_content: record.has_content,
            message_epoch: record.message_epoch,
            message_seq_floor: *seq_floor,
            seen_at: record.seen_at,
        }
    }
}

/// Answers the key of the new row; `None` when a session of this id is already here.
pub fn insert_session(conn: &mut SqliteConnection, session: &Adopted) -> Result<Option<i64>> {
    let row = NewRow::from(session);
    let known: Option<i64> =
        sessions::table.filter(sessions::id.eq(row.id)).select(sessions::key).first(conn).optional()?;
    if known.is_some() {
        return Ok(None);
    }
    Ok(Some(diesel::insert_into(sessions::table).values(row).returning(sessions::key).get_result(conn)?))
}

/// Puts in what is known only after the session's messages were seen.
pub fn settle_session(conn: &mut SqliteConnection, session: &Adopted) -> Result<()> {
    diesel::update(sessions::table.find(session.record.key))
        .set((
            sessions::has_content.eq(session.record.has_content),
            sessions::message_seq_floor.eq(session.seq_floor),
        ))
        .execute(conn)?;
    Ok(())
}

/// Reads a session back.
pub fn session(conn: &mut SqliteConnection, id: &str) -> Result<Option<Adopted>> {
    let Some(record) = rows::by_id(conn, &id.into())? else { return Ok(None) };
    let seq_floor = sessions::table.find(record.key).select(sessions::message_seq_floor).first(conn)?;
    Ok(Some(Adopted { record, seq_floor }))
}
