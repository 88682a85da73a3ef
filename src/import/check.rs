//! Compares what was read with what is stored. A difference ends the import, and nothing of it is kept.

use super::{
    account::{Account, Moved},
    error::{Error, Result},
    progress::Progress,
    tally::Tally,
    transfer::count,
};
use crate::store::{
    Connection,
    adopt::{self, Table},
    hapi::Source,
    machines,
};

/// The tables that are carried, as they are called there and here.
pub const TABLES: [(&str, Table); 7] = [
    ("sessions", Table::Sessions),
    ("messages", Table::Messages),
    ("session_scratchlist", Table::Notes),
    ("machines", Table::Machines),
    ("users", Table::Users),
    ("push_subscriptions", Table::PushSubscriptions),
    ("fcm_devices", Table::Devices),
];

/// Rows of each of our tables.
pub fn rows(conn: &mut Connection) -> Result<Vec<u64>> {
    TABLES.iter().map(|(_, table)| Ok(count(adopt::count(conn, *table)?))).collect()
}

/// `before` is what [`rows`] said before anything was moved.
pub fn all(
    source: &mut Source,
    conn: &mut Connection,
    moved: &Moved,
    before: &[u64],
    progress: &mut Progress<'_>,
) -> Result<()> {
    progress.begin("messages to check", moved.messages.added.rows);
    let stored = stored(conn, moved, progress)?;
    let after = rows(conn)?;
    let accounts = moved.accounts().into_iter().zip(stored);
    let grown = after.iter().zip(before).map(|(after, before)| after.saturating_sub(*before));
    for (((table, _), (account, stored)), grown) in TABLES.into_iter().zip(accounts).zip(grown) {
        let Account { read, already_here, left_out, without_session, unusable, added } = account;
        same(table, count(source.count(table)?), read + without_session)?;
        same(table, *read, added.rows + already_here + left_out + unusable)?;
        same(table, added.rows, grown)?;
        same(table, added.rows, stored.rows)?;
        if *added != stored {
            return Err(Error::Differs { table });
        }
    }
    Ok(())
}

fn same(table: &'static str, expected: u64, found: u64) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Count { table, expected, found }) }
}

/// Reads back what was added, in the order of [`Moved::accounts`].
fn stored(conn: &mut Connection, moved: &Moved, progress: &mut Progress<'_>) -> Result<[Tally; 7]> {
    let mut tallies: [Tally; 7] = Default::default();
    let [sessions, messages, notes, machines, users, push_subscriptions, devices] = &mut tallies;
    for (id, key) in &moved.new_sessions {
        adopt::session(conn, id)?.iter().for_each(|session| sessions.add(session));
        adopt::each_message(conn, *key, |message| {
            progress.advance();
            messages.add(&(*key, &message));
            Ok::<_, Error>(())
        })?;
    }
    for (key, entry) in &moved.new_notes {
        adopt::note(conn, *key, entry)?.iter().for_each(|note| notes.add(note));
    }
    for id in &moved.new_machines {
        machines::by_id(conn, id)?.iter().for_each(|machine| machines.add(machine));
    }
    for like in &moved.new_users {
        adopt::user(conn, like)?.iter().for_each(|user| users.add(user));
    }
    for like in &moved.new_push_subscriptions {
        adopt::push_subscription(conn, like)?.iter().for_each(|push| push_subscriptions.add(push));
    }
    for like in &moved.new_devices {
        adopt::device(conn, like)?.iter().for_each(|device| devices.add(device));
    }
    Ok(tallies)
}
