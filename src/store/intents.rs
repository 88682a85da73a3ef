//! Steps of sessions' lives that cross processes: recorded before they begin, closed when they end. What is open at
//! the start of a hub was cut short by the end of the last one.

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{error::Result, schema::intents};
use crate::domain::{
    ids::{Millis, Namespace, SessionId},
    intent::Kind,
};

/// A step that has begun.
#[derive(Clone, Debug)]
pub struct Intent {
    pub key: i64,
    pub namespace: Namespace,
    pub session: SessionId,
    pub kind: Kind,
    /// What a resume came back as, what a fork made, what takes a cleared session's place.
    pub other: Option<SessionId>,
    /// JSON, in the terms of whoever began it.
    pub plan: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = intents)]
struct IntentRow {
    key: i64,
    namespace: String,
    session_id: String,
    kind: String,
    other_session_id: Option<String>,
    plan: String,
}

impl IntentRow {
    fn into_intent(self) -> Option<Intent> {
        Some(Intent {
            key: self.key,
            namespace: self.namespace.into(),
            session: self.session_id.into(),
            kind: Kind::parse(&self.kind)?,
            other: self.other_session_id.map(SessionId::from),
            plan: self.plan,
        })
    }
}

pub fn open(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    session: &SessionId,
    kind: Kind,
    plan: &str,
    now: Millis,
) -> Result<i64> {
    Ok(diesel::insert_into(intents::table)
        .values((
            intents::namespace.eq(namespace.as_str()),
            intents::session_id.eq(session.as_str()),
            intents::kind.eq(kind.as_str()),
            intents::plan.eq(plan),
            intents::created_at.eq(now),
            intents::updated_at.eq(now),
        ))
        .returning(intents::key)
        .get_result(conn)?)
}

/// The other session of the step became known.
pub fn set_other(conn: &mut SqliteConnection, key: i64, other: &SessionId, now: Millis) -> Result<()> {
    diesel::update(intents::table.find(key))
        .set((intents::other_session_id.eq(other.as_str()), intents::updated_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Closes a step. `failure` says why it came to nothing. One that is closed already stays as it is.
pub fn close(conn: &mut SqliteConnection, key: i64, failure: Option<&str>, now: Millis) -> Result<()> {
    let state = if failure.is_some() { "failed" } else { "done" };
    diesel::update(intents::table.find(key).filter(intents::state.eq("open")))
        .set((intents::state.eq(state), intents::outcome.eq(failure), intents::updated_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Records that one session went into another, in the transaction that does it.
pub fn record_merge(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    from: &SessionId,
    into: &SessionId,
    now: Millis,
) -> Result<()> {
    let key = open(conn, namespace, from, Kind::Merge, "{}", now)?;
    set_other(conn, key, into, now)?;
    close(conn, key, None, now)
}

pub fn all_open(conn: &mut SqliteConnection) -> Result<Vec<Intent>> {
    let rows: Vec<IntentRow> = intents::table
        .filter(intents::state.eq("open"))
        .order(intents::key.asc())
        .select(IntentRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().filter_map(IntentRow::into_intent).collect())
}

/// Closes the clear of a session.
pub fn close_clear(
    conn: &mut SqliteConnection,
    session: &SessionId,
    failure: Option<&str>,
    now: Millis,
) -> Result<()> {
    let clears = all_open(conn)?;
    for clear in clears.iter().filter(|step| step.kind == Kind::Clear && step.session == *session) {
        close(conn, clear.key, failure, now)?;
    }
    Ok(())
}

/// Whether a session is to take the place of another and has not done so yet.
pub fn is_replacement(conn: &mut SqliteConnection, session: &SessionId) -> Result<bool> {
    let steps = all_open(conn)?;
    Ok(steps.iter().any(|step| step.kind == Kind::Clear && step.other.as_ref() == Some(session)))
}

/// The session that took in another, by way of as many merges as there were.
pub fn moved_to(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    session: &SessionId,
) -> Result<Option<SessionId>> {
    let mut at = session.to_string();
    // A session goes into another once, so the way cannot be longer than the merges there were; this bounds it.
    for _ in 0..64 {
        let next: Option<Option<String>> = intents::table
            .filter(
                intents::session_id
                    .eq(&at)
                    .and(intents::namespace.eq(namespace.as_str()))
                    .and(intents::kind.eq(Kind::Merge.as_str())),
            )
            .order(intents::key.desc())
            .select(intents::other_session_id)
            .first(conn)
            .optional()?;
        match next.flatten() {
            Some(next) if next != at => at = next,
            _ => break,
        }
    }
    Ok((at != session.as_str()).then(|| at.into()))
}

/// Forgets closed steps other than merges, which tell where old addresses lead.
pub fn prune(conn: &mut SqliteConnection, before: Millis) -> Result<()> {
    diesel::delete(
        intents::table.filter(
            intents::state
                .ne("open")
                .and(intents::kind.ne(Kind::Merge.as_str()))
                .and(intents::updated_at.lt(before)),
        ),
    )
    .execute(conn)?;
    Ok(())
}
