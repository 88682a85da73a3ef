//! Rows of sessions.

use diesel::{connection::DefaultLoadingMode, prelude::*, sqlite::SqliteConnection};

use super::{
    error::{Error, Result},
    schema::{messages, sessions},
    scratchlist,
};
use crate::domain::{
    ids::{Millis, Namespace, SessionId},
    json::{self, Json},
    session::{Changes, Pin, Position, Record, Session, Settings},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    key: i64,
    id: String,
    namespace: String,
    tag: Option<String>,
    created_at: i64,
    updated_at: i64,
    seq: i64,
    metadata: Option<String>,
    metadata_version: i64,
    agent_state: Option<String>,
    agent_state_version: i64,
    todos: Option<String>,
    todos_updated_at: i64,
    team_state: Option<String>,
    team_state_updated_at: i64,
    model: Option<String>,
    model_reasoning_effort: Option<String>,
    effort: Option<String>,
    service_tier: Option<String>,
    permission_mode: Option<String>,
    collaboration_mode: Option<String>,
    agent_mode: Option<String>,
    pin: String,
    active: bool,
    active_at: i64,
    has_content: bool,
    message_epoch: i64,
    seen_at: i64,
}

impl From<SessionRow> for Record {
    fn from(row: SessionRow) -> Self {
        Self {
            key: row.key,
            id: row.id.into(),
            namespace: row.namespace.as_str().into(),
            tag: row.tag,
            created_at: row.created_at,
            updated_at: row.updated_at,
            seq: row.seq,
            metadata: row.metadata.and_then(json::raw),
            metadata_version: row.metadata_version,
            agent_state: row.agent_state.and_then(json::raw),
            agent_state_version: row.agent_state_version,
            todos: row.todos.and_then(json::raw),
            todos_updated_at: row.todos_updated_at,
            team_state: row.team_state.and_then(json::raw),
            team_state_updated_at: row.team_state_updated_at,
            settings: Settings {
                model: row.model,
                model_reasoning_effort: row.model_reasoning_effort,
                effort: row.effort,
                service_tier: row.service_tier,
                permission_mode: row.permission_mode,
                collaboration_mode: row.collaboration_mode,
                agent_mode: row.agent_mode,
            },
            pin: Pin::parse(&row.pin).unwrap_or_default(),
            active: row.active,
            active_at: row.active_at,
            has_content: row.has_content,
            message_epoch: row.message_epoch,
            seen_at: row.seen_at,
        }
    }
}

/// A session about to be made.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub id: SessionId,
    pub namespace: Namespace,
    pub tag: String,
    pub now: Millis,
    pub metadata: Option<Json>,
    pub agent_state: Option<Json>,
    pub model: Option<String>,
    pub model_reasoning_effort: Option<String>,
    pub effort: Option<String>,
}

pub fn insert(conn: &mut SqliteConnection, new: &NewSession) -> Result<Record> {
    let row = diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(new.id.as_str()),
            sessions::namespace.eq(new.namespace.as_str()),
            sessions::tag.eq(&new.tag),
            sessions::created_at.eq(new.now),
            sessions::updated_at.eq(new.now),
            sessions::active_at.eq(new.now),
            sessions::metadata.eq(new.metadata.as_deref().map(|raw| raw.get())),
            sessions::agent_state.eq(new.agent_state.as_deref().map(|raw| raw.get())),
            sessions::model.eq(&new.model),
            sessions::model_reasoning_effort.eq(&new.model_reasoning_effort),
            sessions::effort.eq(&new.effort),
        ))
        .returning(SessionRow::as_returning())
        .get_result(conn)?;
    Ok(row.into())
}

/// The newest session with this tag.
pub fn by_tag(conn: &mut SqliteConnection, namespace: &Namespace, tag: &str) -> Result<Option<Record>> {
    let row = sessions::table
        .filter(sessions::namespace.eq(namespace.as_str()).and(sessions::tag.eq(tag)))
        .order((sessions::created_at.desc(), sessions::key.desc()))
        .select(SessionRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Record::from))
}

pub fn by_id(conn: &mut SqliteConnection, id: &SessionId) -> Result<Option<Record>> {
    let row = sessions::table
        .filter(sessions::id.eq(id.as_str()))
        .select(SessionRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Record::from))
}

/// Shows every session of a namespace, one at a time: a namespace may have more than are wanted in memory at once.
pub fn each_of_namespace(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    mut show: impl FnMut(Record),
) -> Result<()> {
    let rows = sessions::table
        .filter(sessions::namespace.eq(namespace.as_str()))
        .select(SessionRow::as_select())
        .load_iter::<SessionRow, DefaultLoadingMode>(conn)?;
    for row in rows {
        show(row?.into());
    }
    Ok(())
}

/// Sessions that were in contact when the hub went down.
pub fn left_active(conn: &mut SqliteConnection) -> Result<Vec<Record>> {
    let rows: Vec<SessionRow> =
        sessions::table.filter(sessions::active).select(SessionRow::as_select()).load(conn)?;
    Ok(rows.into_iter().map(Record::from).collect())
}

pub fn namespace_of(conn: &mut SqliteConnection, id: &SessionId) -> Result<Option<Namespace>> {
    let namespace: Option<String> = sessions::table
        .filter(sessions::id.eq(id.as_str()))
        .select(sessions::namespace)
        .first(conn)
        .optional()?;
    Ok(namespace.map(Namespace::from))
}

/// The highest message number ever given in the session, and its newest position.
pub fn tail(conn: &mut SqliteConnection, key: i64) -> Result<(i64, Option<Position>)> {
    let floor: i64 =
        sessions::table.find(key).select(sessions::message_seq_floor).first(conn).optional()?.unwrap_or(0);
    let of_session = messages::table.filter(messages::session_key.eq(key));
    let highest: Option<i64> = of_session.select(diesel::dsl::max(messages::seq)).first(conn)?;
    let head: Option<(i64, i64)> = of_session
        .order((messages::position_at.desc(), messages::seq.desc()))
        .select((messages::position_at, messages::seq))
        .first(conn)
        .optional()?;
    Ok((floor.max(highest.unwrap_or(0)), head.map(|(at, seq)| Position { at, seq })))
}

/// Remembers every number that was given, before rows that hold them are deleted. Answers the highest.
pub fn keep_numbers(conn: &mut SqliteConnection, key: i64) -> Result<i64> {
    let (highest, _) = tail(conn, key)?;
    raise_message_seq_floor(conn, key, highest)?;
    Ok(highest)
}

/// Remembers that numbers up to `seq` were given, before rows that hold them are deleted.
pub fn raise_message_seq_floor(conn: &mut SqliteConnection, key: i64, seq: i64) -> Result<()> {
    diesel::update(sessions::table.find(key).filter(sessions::message_seq_floor.lt(seq)))
        .set(sessions::message_seq_floor.eq(seq))
        .execute(conn)?;
    Ok(())
}

#[derive(AsChangeset, Default)]
#[diesel(table_name = sessions)]
struct Changeset {
    updated_at: Option<i64>,
    seq: Option<i64>,
    metadata: Option<Option<String>>,
    metadata_version: Option<i64>,
    agent_state: Option<Option<String>>,
    agent_state_version: Option<i64>,
    todos: Option<Option<String>>,
    todos_updated_at: Option<i64>,
    team_state: Option<Option<String>>,
    team_state_updated_at: Option<i64>,
    model: Option<Option<String>>,
    model_reasoning_effort: Option<Option<String>>,
    effort: Option<Option<String>>,
    service_tier: Option<Option<String>>,
    permission_mode: Option<Option<String>>,
    collaboration_mode: Option<Option<String>>,
    agent_mode: Option<Option<String>>,
    pin: Option<String>,
    active: Option<bool>,
    active_at: Option<i64>,
    has_content: Option<bool>,
    message_epoch: Option<i64>,
    seen_at: Option<i64>,
}

/// The row of an [`update`], taken from a session and its changes before the job is sent to the writer.
pub struct Update {
    key: i64,
    expected: (i64, i64),
    changeset: Changeset,
}

impl Update {
    /// `None` when nothing that is stored changes.
    pub fn of(session: &Session, changes: &Changes) -> Option<Self> {
        if !changes.is_stored(session) {
            return None;
        }
        let record = &session.record;
        let text = |value: &Option<Json>| value.as_deref().map(|raw| raw.get().to_owned());
        let mut changeset = Changeset {
            updated_at: changes.updated_at,
            seq: Some(record.seq + 1),
            metadata: changes.metadata.as_ref().map(text),
            metadata_version: changes.metadata.as_ref().map(|_| record.metadata_version + 1),
            agent_state: changes.agent_state.as_ref().map(text),
            agent_state_version: changes.agent_state.as_ref().map(|_| record.agent_state_version + 1),
            todos: changes.todos.as_ref().map(|(value, _)| Some(value.get().to_owned())),
            todos_updated_at: changes.todos.as_ref().map(|(_, at)| *at),
            team_state: changes.team_state.as_ref().map(|(value, _)| text(value)),
            team_state_updated_at: changes.team_state.as_ref().map(|(_, at)| *at),
            pin: changes.pin.map(|pin| pin.as_str().to_owned()),
            active: changes.turn.as_ref().map(|turn| turn.active),
            active_at: changes.turn.as_ref().map(|turn| turn.active_at),
            has_content: changes.has_content,
            message_epoch: changes.message_epoch,
            seen_at: changes.seen_at,
            ..Changeset::default()
        };
        if let Some(settings) = changes.settings.clone() {
            changeset.model = Some(settings.model);
            changeset.model_reasoning_effort = Some(settings.model_reasoning_effort);
            changeset.effort = Some(settings.effort);
            changeset.service_tier = Some(settings.service_tier);
            changeset.permission_mode = Some(settings.permission_mode);
            changeset.collaboration_mode = Some(settings.collaboration_mode);
            changeset.agent_mode = Some(settings.agent_mode);
        }
        let expected = (record.metadata_version, record.agent_state_version);
        Some(Self { key: record.key, expected, changeset })
    }
}

/// Writes changes. The versions are guarded here too, so that two hubs on one database cannot overwrite each other.
pub fn update(conn: &mut SqliteConnection, update: &Update) -> Result<()> {
    let (metadata_version, agent_state_version) = update.expected;
    let changed = diesel::update(
        sessions::table.find(update.key).filter(
            sessions::metadata_version
                .eq(metadata_version)
                .and(sessions::agent_state_version.eq(agent_state_version)),
        ),
    )
    .set(&update.changeset)
    .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::VersionConflict) }
}

/// Marks a session as out of contact without touching anything else of it.
pub fn set_inactive(conn: &mut SqliteConnection, key: i64) -> Result<()> {
    diesel::update(sessions::table.find(key)).set(sessions::active.eq(false)).execute(conn)?;
    Ok(())
}

/// Deletes the session; its messages, decisions and notes go with it.
pub fn delete(conn: &mut SqliteConnection, key: i64) -> Result<()> {
    scratchlist::desert(conn, key)?;
    diesel::delete(sessions::table.find(key)).execute(conn)?;
    Ok(())
}
