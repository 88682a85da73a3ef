//! Messages that go from one session to another.

use diesel::{dsl::max, prelude::*, sqlite::SqliteConnection};

use super::{
    error::Result,
    messages::{Message, MessageRow, all, by_local_id, insert, pending},
    schema::messages,
    sessions,
};

/// Moves what the agent has not taken of `from` to `to`, behind everything, in the order in which it was sent. What is
/// known there by its local id already is dropped.
pub fn move_waiting(conn: &mut SqliteConnection, from: i64, to: i64) -> Result<()> {
    let mut waiting = pending(conn, to)?;
    let known: Vec<&String> = waiting.iter().filter_map(|row| row.local_id.as_ref()).collect();
    let moved: Vec<Message> = pending(conn, from)?
        .into_iter()
        .filter(|row| !row.local_id.as_ref().is_some_and(|id| known.contains(&id)))
        .collect();
    sessions::keep_numbers(conn, from)?;
    let of_from = messages::session_key.eq(from).and(messages::invoked_at.is_null());
    diesel::delete(messages::table.filter(of_from)).execute(conn)?;
    if moved.is_empty() {
        return Ok(());
    }
    let highest = sessions::keep_numbers(conn, to)?;
    let of_to = messages::session_key.eq(to).and(messages::invoked_at.is_null());
    diesel::delete(messages::table.filter(of_to)).execute(conn)?;
    waiting.extend(moved);
    // Ids of one moment are in the order in which they were given.
    waiting.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    for (seq, row) in (highest + 1..).zip(waiting) {
        insert(conn, to, &Message { seq, ..row })?;
    }
    Ok(())
}

/// Moves every message of `from` in front of those of `to`. Where both used one local id, the moved copy gives its own
/// up: a prompt that still waits and says something else gets another, anything else counts as taken. Answers how many
/// moved.
pub fn move_in_front(conn: &mut SqliteConnection, from: i64, to: i64) -> Result<usize> {
    let of = |key: i64| messages::table.filter(messages::session_key.eq(key));
    let highest: Option<i64> = of(from).select(max(messages::seq)).first(conn)?;
    let Some(shift) = highest else { return Ok(0) };
    // Numbers are unique per session, so the shift goes by way of negative numbers.
    diesel::update(of(to)).set(messages::seq.eq(messages::seq * -1 - shift)).execute(conn)?;
    diesel::update(of(to)).set(messages::seq.eq(messages::seq * -1)).execute(conn)?;
    let taken: Vec<Option<String>> =
        of(to).filter(messages::local_id.is_not_null()).select(messages::local_id).load(conn)?;
    let taken: Vec<String> = taken.into_iter().flatten().collect();
    for chunk in taken.chunks(500) {
        let both = messages::session_key.eq(from).and(messages::local_id.eq_any(chunk));
        let copies: Vec<MessageRow> =
            messages::table.filter(both).select(MessageRow::as_select()).load(conn)?;
        for copy in all(copies)? {
            let own = copy.local_id.as_deref().unwrap_or_default();
            let says_other =
                by_local_id(conn, to, own)?.is_none_or(|kept| kept.content.get() != copy.content.get());
            let is_waiting = copy.invoked_at.is_none();
            let another = (is_waiting && says_other).then(|| format!("{own}:merged:{}", copy.id));
            let invoked_at = copy.invoked_at.or((!says_other).then_some(copy.created_at));
            diesel::update(messages::table.filter(messages::id.eq(&copy.id)))
                .set((messages::local_id.eq(another), messages::invoked_at.eq(invoked_at)))
                .execute(conn)?;
        }
    }
    Ok(diesel::update(of(from)).set(messages::session_key.eq(to)).execute(conn)?)
}
