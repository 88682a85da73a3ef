//! Moves the rows, one at a time, and keeps account of every one.

use std::collections::HashSet;

use super::{
    convert::{MAX_SAFE, Repairs},
    error::{Error, Result},
    progress::Progress,
    tally::Tally,
};
use crate::{
    domain::{content, ids::MachineId, json},
    store::{
        Connection,
        adopt::{self, Adopted, Device, PushSubscription, User},
        hapi::{DeviceRow, MachineRow, Numbering, Order, PushRow, Source, UserRow},
    },
};

/// What became of the rows of one table.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub read: u64,
    pub already_here: u64,
    /// Rows that are not here, but whose session is: it goes on as it is here.
    pub left_out: u64,
    pub without_session: u64,
    /// Rows that lack what names them.
    pub unusable: u64,
    /// The rows that were added, as they were read.
    pub added: Tally,
}

/// What became of everything, and what to read back.
#[derive(Debug, Default)]
pub struct Moved {
    pub sessions: Account,
    pub messages: Account,
    pub notes: Account,
    pub machines: Account,
    pub users: Account,
    pub push_subscriptions: Account,
    pub devices: Account,
    pub repairs: Repairs,
    pub new_sessions: Vec<(String, i64)>,
    pub new_notes: Vec<(i64, String)>,
    /// The attachments of the new notes, as JSON.
    pub attachments: Vec<String>,
    pub new_machines: Vec<MachineId>,
    pub new_users: Vec<User>,
    pub new_push_subscriptions: Vec<PushSubscription>,
    pub new_devices: Vec<Device>,
}

impl Moved {
    pub fn accounts(&self) -> [&Account; 7] {
        let Self { sessions, messages, notes, machines, users, push_subscriptions, devices, .. } = self;
        [sessions, messages, notes, machines, users, push_subscriptions, devices]
    }

    /// Whether there is anything here now that was not before.
    pub fn adds_something(&self) -> bool {
        self.accounts().iter().any(|account| account.added.rows > 0)
    }
}

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
    moved.sessions.read += 1;
    // By these very bytes other rows refer to it.
    let name = row.id.clone().unwrap_or_default();
    let epoch = source.epoch(&name)?;
    let mut session = moved.repairs.session(row, epoch);
    let Some(key) = adopt::insert_session(conn, &session)? else {
        moved.sessions.already_here += 1;
        return already_here(source, conn, &name, session.record.id.as_str(), moved, progress);
    };
    session.record.key = key;
    messages(source, conn, &name, &mut session, moved, progress)?;
    adopt::settle_session(conn, &session)?;
    moved.sessions.added.add(&session);
    moved.new_sessions.push((session.record.id.as_str().to_owned(), key));
    for row in source.notes(&name)? {
        moved.notes.read += 1;
        let Some(note) = moved.repairs.note(row, key) else {
            moved.notes.unusable += 1;
            continue;
        };
        if adopt::insert_note(conn, &note)? {
            moved.notes.added.add(&note);
            moved.new_notes.push((key, note.entry_id));
            moved.attachments.push(note.attachments);
        } else {
            moved.notes.already_here += 1;
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
        moved.messages.read += 1;
        let is_here = match message {
            Some(message) => adopt::message_exists(conn, &String::from_utf8_lossy(&message))?,
            None => false,
        };
        *(if is_here { &mut moved.messages.already_here } else { &mut moved.messages.left_out }) += 1;
        Ok::<_, Error>(())
    })?;
    let key = adopt::session(conn, id)?.map_or(0, |session| session.record.key);
    for row in source.notes(name)? {
        moved.notes.read += 1;
        let entry = row.entry_id.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let is_here = adopt::note(conn, key, &entry)?.is_some();
        *(if is_here { &mut moved.notes.already_here } else { &mut moved.notes.left_out }) += 1;
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
    let mut local_ids = source.has_repeated_local_ids(name)?.then(HashSet::new);
    let is_all_taken = source.takes_all_as_consumed();
    let key = session.record.key;
    let mut next = 0;
    let Moved { messages: account, repairs, .. } = moved;
    source.each_message(name, plan.order, |row| {
        progress.advance();
        account.read += 1;
        let Some(mut message) = repairs.message(row, is_all_taken) else {
            account.unusable += 1;
            return Ok(());
        };
        if plan.order == Order::Display {
            next += 1;
            repairs.renumbered_messages += u64::from(message.seq != next);
            message.seq = next;
        }
        if let (Some(known), Some(local_id)) = (&mut local_ids, &message.local_id)
            && !known.insert(local_id.clone())
        {
            // Without the id nobody could tell that it was taken.
            message.invoked_at = message.invoked_at.or(Some(message.created_at));
            message.local_id = None;
            repairs.repeated_local_ids += 1;
        }
        if adopt::insert_message(conn, key, &message)? {
            account.added.add(&(key, &message));
            let record = &mut session.record;
            record.has_content = record.has_content
                || json::read(&message.content).as_ref().is_some_and(content::has_conversation_content);
        } else {
            account.already_here += 1;
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
        let new = repairs.machine(row).map(|mut machine| {
            let key = adopt::insert_machine(conn, &machine)?;
            machine.key = key.unwrap_or(0);
            Ok((machine, key.is_some()))
        });
        machines.settle(new, |machine| moved.new_machines.push(machine.id))
    })?;
    source.each_row(|row: UserRow| {
        let new = repairs.user(row).map(|user| Ok((adopt::insert_user(conn, &user)?, user)));
        users.settle(new.map(swap), |user| moved.new_users.push(user))
    })?;
    source.each_row(|row: PushRow| {
        let new = repairs
            .push_subscription(row)
            .map(|push| Ok((adopt::insert_push_subscription(conn, &push)?, push)));
        push_subscriptions.settle(new.map(swap), |push| moved.new_push_subscriptions.push(push))
    })?;
    source.each_row(|row: DeviceRow| {
        let new = repairs.device(row).map(|device| Ok((adopt::insert_device(conn, &device)?, device)));
        devices.settle(new.map(swap), |device| moved.new_devices.push(device))
    })
}

fn swap<R>(inserted: Result<(bool, R)>) -> Result<(R, bool)> {
    inserted.map(|(is_new, row)| (row, is_new))
}

impl Account {
    /// Enters one row: unusable, already here, or new.
    fn settle<R: std::fmt::Debug>(
        &mut self,
        row: Option<Result<(R, bool)>>,
        keep: impl FnOnce(R),
    ) -> Result<()> {
        self.read += 1;
        match row.transpose()? {
            None => self.unusable += 1,
            Some((_, false)) => self.already_here += 1,
            Some((row, true)) => {
                self.added.add(&row);
                keep(row);
            }
        }
        Ok(())
    }
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
