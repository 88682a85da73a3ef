//! Moves the rows, one at a time, and keeps account of every one.

use std::collections::HashSet;

use super::{
    account::Moved,
    convert::MAX_SAFE,
    error::{Error, Result},
    progress::Progress,
};
use crate::{
    domain::{content, json},
    store::{
        Connection,
        adopt::{self, Adopted},
        hapi::{DeviceRow, MachineRow, Numbering, Order, PushRow, Source, UserRow},
    },
};

/// Moves everything that is carried.
pub fn all(source: &mut Source, conn: &mut Connection, progress: &mut Progress<'_>) -> Result<Moved> {
    let mut moved = Moved::default();
    let places = source.session_places()?;
    let sessions = count(source.count("sessions")?);
    moved.sessions.unusable = sessions.saturating_sub(u64::try_from(places.len()).unwrap_or(u64::MAX));
    moved.sessions.read = moved.sessions.unusable;
    progress.say(&format!("sessions: {sessions}"));
    progress.begin("messages", count(source.count("messages")?));
    for place in places {
        session(source, conn, place, &mut moved, progress)?;
    }
    moved.messages.without_session = count(source.without_session("messages")?);
    moved.notes.without_session = count(source.without_session("session_scratchlist")?);
    progress.say("machines, accounts and devices");
    accounts(source, conn, &mut moved)?;
    Ok(moved)
}

/// A count as SQL has it.
pub fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}

fn session(
    source: &mut Source,
    conn: &mut Connection,
    place: i64,
    moved: &mut Moved,
    progress: &mut Progress<'_>,
) -> Result<()> {
    let Some(row) = source.session(place)? else { return Ok(()) };
    // By these very bytes other rows refer to it.
    let name = row.id.clone().unwrap_or_default();
    let epoch = source.epoch(&name)?;
    let before = moved.repairs.clone();
    let mut session = moved.repairs.session(row, epoch);
    let Some(key) = adopt::insert_session(conn, &session)? else {
        moved.repairs = before;
        moved.sessions.enter(&session, false);
        return already_here(source, conn, &name, session.record.id.as_str(), moved, progress);
    };
    session.record.key = key;
    messages(source, conn, &name, &mut session, moved, progress)?;
    adopt::settle_session(conn, &session)?;
    moved.sessions.enter(&session, true);
    moved.new_sessions.push((session.record.id.as_str().to_owned(), key));
    for row in source.notes(&name)? {
        let Some(note) = moved.repairs.note(row, key) else {
            moved.notes.skip()?;
            continue;
        };
        if moved.notes.enter(&note, adopt::insert_note(conn, &note)?) {
            moved.new_notes.push((key, note.entry_id));
            moved.attachments.push(note.attachments);
        }
    }
    Ok(())
}

/// The session here wins with all that belongs to it; only the difference is told.
fn already_here(
    source: &mut Source,
    conn: &mut Connection,
    name: &[u8],
    id: &str,
    moved: &mut Moved,
    progress: &mut Progress<'_>,
) -> Result<()> {
    source.each_message_id(name, |message| {
        progress.advance();
        let is_here = match message {
            Some(message) => adopt::message_exists(conn, &String::from_utf8_lossy(&message))?,
            None => false,
        };
        moved.messages.enter_known(is_here);
        Ok::<_, Error>(())
    })?;
    let key = adopt::session(conn, id)?.map_or(0, |session| session.record.key);
    for row in source.notes(name)? {
        let entry = row.entry_id.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        moved.notes.enter_known(adopt::note(conn, key, &entry)?.is_some());
    }
    Ok(())
}

fn messages(
    source: &mut Source,
    conn: &mut Connection,
    name: &[u8],
    session: &mut Adopted,
    moved: &mut Moved,
    progress: &mut Progress<'_>,
) -> Result<()> {
    let plan = Plan::of(source.numbering(name)?);
    let mut local_ids = HashSet::new();
    let is_all_taken = source.takes_all_as_consumed();
    let key = session.record.key;
    let mut next = 0;
    let Moved { messages: account, repairs, .. } = moved;
    source.each_message(name, plan.order, |row| {
        progress.advance();
        let Some(mut message) = repairs.message(row, is_all_taken) else { return account.skip() };
        if plan.order == Order::Display {
            next += 1;
            repairs.renumbered_messages += u64::from(message.seq != next);
            message.seq = next;
        }
        if message.local_id.as_ref().is_some_and(|local_id| !local_ids.insert(local_id.clone())) {
            // Without the id nobody could tell that it was taken.
            message.invoked_at = message.invoked_at.or(Some(message.created_at));
            message.local_id = None;
            repairs.repeated_local_ids += 1;
        }
        if account.enter(&(key, &message), adopt::insert_message(conn, key, &message)?) {
            let record = &mut session.record;
            record.has_content = record.has_content
                || json::read(&message.content).as_ref().is_some_and(content::has_conversation_content);
        }
        Ok::<_, Error>(())
    })?;
    if plan.order == Order::Display {
        repairs.renumbered_sessions += 1;
        session.seq_floor = plan.floor;
    }
    Ok(())
}

/// Which numbers the messages of a session get.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// By number: they keep theirs. As displayed: they are numbered anew.
    order: Order,
    /// The highest number that was given before.
    floor: i64,
}

impl Plan {
    fn of(Numbering { rows, distinct, lowest, highest }: Numbering) -> Self {
        let (lowest, highest) = (lowest.unwrap_or(1), highest.unwrap_or(0));
        let is_sound = rows == distinct && lowest >= 1 && highest <= MAX_SAFE;
        let order = if is_sound { Order::Number } else { Order::Display };
        Self { order, floor: if (0..=MAX_SAFE).contains(&highest) { highest } else { 0 } }
    }
}

fn accounts(source: &mut Source, conn: &mut Connection, moved: &mut Moved) -> Result<()> {
    let Moved { repairs, machines, users, push_subscriptions, devices, .. } = moved;
    source.each_row(|row: MachineRow| {
        let Some(mut machine) = repairs.machine(row) else { return machines.skip() };
        let key = adopt::insert_machine(conn, &machine)?;
        machine.key = key.unwrap_or(0);
        if machines.enter(&machine, key.is_some()) {
            moved.new_machines.push(machine.id);
        }
        Ok::<_, Error>(())
    })?;
    source.each_row(|row: UserRow| {
        let Some(user) = repairs.user(row) else { return users.skip() };
        if users.enter(&user, adopt::insert_user(conn, &user)?) {
            moved.new_users.push(user);
        }
        Ok::<_, Error>(())
    })?;
    source.each_row(|row: PushRow| {
        let Some(push) = repairs.push_subscription(row) else { return push_subscriptions.skip() };
        if push_subscriptions.enter(&push, adopt::insert_push_subscription(conn, &push)?) {
            moved.new_push_subscriptions.push(push);
        }
        Ok::<_, Error>(())
    })?;
    source.each_row(|row: DeviceRow| {
        let Some(device) = repairs.device(row) else { return devices.skip() };
        if devices.enter(&device, adopt::insert_device(conn, &device)?) {
            moved.new_devices.push(device);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rows: i64, distinct: i64, lowest: i64, highest: i64) -> Plan {
        Plan::of(Numbering { rows, distinct, lowest: Some(lowest), highest: Some(highest) })
    }

    #[test]
    fn sound_numbers_are_kept_and_others_given_anew_above_none_that_was_used() {
        assert_eq!(plan(3, 3, 1, 7), Plan { order: Order::Number, floor: 7 });
        assert_eq!(plan(3, 2, 1, 7), Plan { order: Order::Display, floor: 7 });
        assert_eq!(plan(2, 2, 0, 7), Plan { order: Order::Display, floor: 7 });
        assert_eq!(plan(2, 2, 1, i64::MAX), Plan { order: Order::Display, floor: 0 });
        let none = Numbering { rows: 0, distinct: 0, lowest: None, highest: None };
        assert_eq!(Plan::of(none), Plan { order: Order::Number, floor: 0 });
    }
}
