//! Rows of messages: appended, taken by the agent, cancelled, and read in pages.

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{codec, error::Result, schema::messages};
use crate::domain::{
    ids::Millis,
    json::{self, Json},
    prompt::DeliveryState,
    session::Position,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
pub(super) struct MessageRow {
    id: String,
    seq: i64,
    local_id: Option<String>,
    created_at: i64,
    invoked_at: Option<i64>,
    scheduled_at: Option<i64>,
    delivery_state: String,
    encoding: i16,
    content: Vec<u8>,
}

/// A message as stored.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    pub seq: i64,
    pub local_id: Option<String>,
    pub content: Json,
    pub created_at: Millis,
    /// When the agent took it; `None` while it waits.
    pub invoked_at: Option<Millis>,
    pub scheduled_at: Option<Millis>,
    pub delivery_state: DeliveryState,
}

impl Message {
    pub fn position(&self) -> Position {
        Position { at: self.invoked_at.unwrap_or(self.created_at), seq: self.seq }
    }
}

impl MessageRow {
    pub(super) fn into_message(self) -> Result<Message> {
        let content = codec::decode(self.encoding, self.content)?;
        Ok(Message {
            id: self.id,
            seq: self.seq,
            local_id: self.local_id,
            content: json::raw(content).unwrap_or_else(json::null),
            created_at: self.created_at,
            invoked_at: self.invoked_at,
            scheduled_at: self.scheduled_at,
            delivery_state: DeliveryState::parse(&self.delivery_state).unwrap_or(DeliveryState::Queued),
        })
    }
}

pub(super) fn all(rows: Vec<MessageRow>) -> Result<Vec<Message>> {
    rows.into_iter().map(MessageRow::into_message).collect()
}

/// A message as it is written.
#[derive(Insertable)]
#[diesel(table_name = messages)]
pub(super) struct NewRow<'a> {
    id: &'a str,
    session_key: i64,
    seq: i64,
    local_id: Option<&'a str>,
    created_at: i64,
    invoked_at: Option<i64>,
    scheduled_at: Option<i64>,
    position_at: i64,
    delivery_state: &'static str,
    encoding: i16,
    content: Vec<u8>,
}

impl<'a> NewRow<'a> {
    pub(super) fn of(session_key: i64, message: &'a Message) -> Self {
        let (encoding, content) = codec::encode(message.content.get());
        Self {
            id: &message.id,
            session_key,
            seq: message.seq,
            local_id: message.local_id.as_deref(),
            created_at: message.created_at,
            invoked_at: message.invoked_at,
            scheduled_at: message.scheduled_at,
            position_at: message.position().at,
            delivery_state: message.delivery_state.as_str(),
            encoding,
            content,
        }
    }
}

pub fn insert(conn: &mut SqliteConnection, session_key: i64, message: &Message) -> Result<()> {
    diesel::insert_into(messages::table).values(NewRow::of(session_key, message)).execute(conn)?;
    Ok(())
}

pub fn by_local_id(conn: &mut SqliteConnection, session_key: i64, local_id: &str) -> Result<Option<Message>> {
    messages::table
        .filter(messages::session_key.eq(session_key).and(messages::local_id.eq(local_id)))
        .select(MessageRow::as_select())
        .first(conn)
        .optional()?
        .map(MessageRow::into_message)
        .transpose()
}

/// By the row's id or the id its sender gave it.
pub fn by_any_id(conn: &mut SqliteConnection, session_key: i64, id: &str) -> Result<Option<Message>> {
    let by_id = messages::table
        .filter(messages::id.eq(id).and(messages::session_key.eq(session_key)))
        .select(MessageRow::as_select())
        .first(conn)
        .optional()?;
    match by_id {
        Some(row) => row.into_message().map(Some),
        None => by_local_id(conn, session_key, id),
    }
}

/// Everything the agent has not taken yet, in the order it was sent.
pub fn pending(conn: &mut SqliteConnection, session_key: i64) -> Result<Vec<Message>> {
    let rows = messages::table
        .filter(messages::session_key.eq(session_key).and(messages::invoked_at.is_null()))
        .order(messages::seq.asc())
        .select(MessageRow::as_select())
        .load(conn)?;
    all(rows)
}

/// Those of the messages that the agent has not taken.
#[diesel::dsl::auto_type(no_type_alias)]
fn waiting<'a>(session_key: i64, local_ids: &'a [String]) -> _ {
    messages::session_key
        .eq(session_key)
        .and(messages::local_id.eq_any(local_ids))
        .and(messages::invoked_at.is_null())
}

/// Stamps messages as taken. First write wins: rows already stamped are left alone. Answers how many changed.
pub fn consume(
    conn: &mut SqliteConnection,
    session_key: i64,
    local_ids: &[String],
    is_steered: bool,
    now: Millis,
) -> Result<usize> {
    let changed = diesel::update(messages::table.filter(waiting(session_key, local_ids)))
        .set((
            messages::steered.eq(is_steered),
            messages::invoked_at.eq(now),
            messages::position_at.eq(now),
            messages::delivery_state.eq(DeliveryState::Queued.as_str()),
        ))
        .execute(conn)?;
    Ok(changed)
}

/// Moves waiting messages to another delivery state.
pub fn set_delivery_state(
    conn: &mut SqliteConnection,
    session_key: i64,
    local_ids: &[String],
    state: DeliveryState,
) -> Result<usize> {
    let changed = diesel::update(messages::table.filter(waiting(session_key, local_ids)))
        .set(messages::delivery_state.eq(state.as_str()))
        .execute(conn)?;
    Ok(changed)
}

/// Gives a message that still waits another content.
pub fn set_content(conn: &mut SqliteConnection, id: &str, content: &Json) -> Result<()> {
    let (encoding, content) = codec::encode(content.get());
    diesel::update(messages::table.filter(messages::id.eq(id).and(messages::invoked_at.is_null())))
        .set((messages::encoding.eq(encoding), messages::content.eq(content)))
        .execute(conn)?;
    Ok(())
}

/// Deletes a message that still waits. Says whether it did.
pub fn delete_pending(conn: &mut SqliteConnection, session_key: i64, id: &str) -> Result<bool> {
    let deleted = diesel::delete(messages::table.filter(
        messages::id.eq(id).and(messages::session_key.eq(session_key)).and(messages::invoked_at.is_null()),
    ))
    .execute(conn)?;
    Ok(deleted == 1)
}

/// The newest rows by number, newest first.
pub fn newest(conn: &mut SqliteConnection, session_key: i64, limit: i64) -> Result<Vec<Message>> {
    let rows = messages::table
        .filter(messages::session_key.eq(session_key))
        .order(messages::seq.desc())
        .limit(limit)
        .select(MessageRow::as_select())
        .load(conn)?;
    all(rows)
}

/// The oldest rows by number, oldest first.
pub fn oldest(conn: &mut SqliteConnection, session_key: i64, limit: i64) -> Result<Vec<Message>> {
    let rows = messages::table
        .filter(messages::session_key.eq(session_key))
        .order(messages::seq.asc())
        .limit(limit)
        .select(MessageRow::as_select())
        .load(conn)?;
    all(rows)
}

/// Deletes those of the newest rows that `is_gone` names.
pub fn delete_recent(
    conn: &mut SqliteConnection,
    session_key: i64,
    look_back: i64,
    is_gone: impl Fn(&Message) -> bool,
) -> Result<()> {
    let rows = newest(conn, session_key, look_back)?;
    let gone: Vec<String> = rows.into_iter().filter(|row| is_gone(row)).map(|row| row.id).collect();
    if !gone.is_empty() {
        let of_session = messages::table.filter(messages::session_key.eq(session_key));
        diesel::delete(of_session.filter(messages::id.eq_any(gone))).execute(conn)?;
    }
    Ok(())
}

pub fn head(conn: &mut SqliteConnection, session_key: i64) -> Result<Option<Position>> {
    let head: Option<(i64, i64)> = messages::table
        .filter(messages::session_key.eq(session_key))
        .order((messages::position_at.desc(), messages::seq.desc()))
        .select((messages::position_at, messages::seq))
        .first(conn)
        .optional()?;
    Ok(head.map(|(at, seq)| Position { at, seq }))
}

/// Up to `limit` messages strictly before a position (or the newest), newest first.
pub fn before(
    conn: &mut SqliteConnection,
    session_key: i64,
    position: Option<Position>,
    limit: i64,
) -> Result<Vec<Message>> {
    let mut query = messages::table.filter(messages::session_key.eq(session_key)).into_boxed();
    if let Some(Position { at, seq }) = position {
        query = query
            .filter(messages::position_at.lt(at).or(messages::position_at.eq(at).and(messages::seq.lt(seq))));
    }
    let rows = query
        .order((messages::position_at.desc(), messages::seq.desc()))
        .limit(limit)
        .select(MessageRow::as_select())
        .load(conn)?;
    all(rows)
}

/// Up to `limit` messages strictly after `cursor` and not beyond `until`, oldest first.
pub fn after(
    conn: &mut SqliteConnection,
    session_key: i64,
    cursor: Position,
    until: Position,
    limit: i64,
) -> Result<Vec<Message>> {
    let later = messages::position_at
        .gt(cursor.at)
        .or(messages::position_at.eq(cursor.at).and(messages::seq.gt(cursor.seq)));
    let not_beyond = messages::position_at
        .lt(until.at)
        .or(messages::position_at.eq(until.at).and(messages::seq.le(until.seq)));
    let rows = messages::table
        .filter(messages::session_key.eq(session_key).and(later).and(not_beyond))
        .order((messages::position_at.asc(), messages::seq.asc()))
        .limit(limit)
        .select(MessageRow::as_select())
        .load(conn)?;
    all(rows)
}

/// What a CLI that comes back has missed: by number, without what is not to be delivered by itself.
pub fn backfill(
    conn: &mut SqliteConnection,
    session_key: i64,
    after_seq: i64,
    now: Millis,
    limit: i64,
) -> Result<Vec<Message>> {
    let rows = messages::table
        .filter(
            messages::session_key
                .eq(session_key)
                .and(messages::seq.gt(after_seq))
                .and(messages::delivery_state.eq(DeliveryState::Queued.as_str()))
                .and(messages::scheduled_at.is_null().or(messages::scheduled_at.le(now))),
        )
        .order(messages::seq.asc())
        .limit(limit)
        .select(MessageRow::as_select())
        .load(conn)?;
    all(rows)
}

pub fn count(conn: &mut SqliteConnection, session_key: i64) -> Result<i64> {
    Ok(messages::table.filter(messages::session_key.eq(session_key)).count().get_result(conn)?)
}

/// What a page asks of prompts it is not sure of: their ids, when taken, and how delivery stands.
pub fn states(
    conn: &mut SqliteConnection,
    session_key: i64,
    local_ids: &[String],
) -> Result<Vec<(String, Option<Millis>, DeliveryState)>> {
    let rows: Vec<(Option<String>, Option<i64>, String)> = messages::table
        .filter(messages::session_key.eq(session_key).and(messages::local_id.eq_any(local_ids)))
        .select((messages::local_id, messages::invoked_at, messages::delivery_state))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .filter_map(|(local_id, invoked_at, state)| {
            Some((local_id?, invoked_at, DeliveryState::parse(&state).unwrap_or(DeliveryState::Queued)))
        })
        .collect())
}

/// Sessions with a scheduled prompt that is due.
pub fn sessions_with_due(conn: &mut SqliteConnection, now: Millis) -> Result<Vec<(String, String)>> {
    use super::schema::sessions;
    Ok(messages::table
        .inner_join(sessions::table.on(sessions::key.eq(messages::session_key)))
        .filter(
            messages::scheduled_at
                .le(now)
                .and(messages::invoked_at.is_null())
                .and(messages::delivery_state.eq(DeliveryState::Queued.as_str())),
        )
        .select((sessions::namespace, sessions::id))
        .distinct()
        .load(conn)?)
}

/// When scheduled prompts of resting sessions are due, by session.
pub fn scheduled(conn: &mut SqliteConnection, namespace: &str, now: Millis) -> Result<Vec<(String, Millis)>> {
    use super::schema::sessions;
    let rows: Vec<(String, Option<i64>)> = messages::table
        .inner_join(sessions::table.on(sessions::key.eq(messages::session_key)))
        .filter(
            sessions::namespace
                .eq(namespace)
                .and(messages::scheduled_at.gt(now))
                .and(messages::invoked_at.is_null())
                .and(messages::delivery_state.eq(DeliveryState::Queued.as_str())),
        )
        .select((sessions::id, messages::scheduled_at))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(session, at)| Some((session, at?))).collect())
}
