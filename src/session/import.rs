//! What a session lacks of a conversation on its agent's machine is appended, in one transaction with the look at what
//! it has.

use std::sync::Arc;

use actix::prelude::*;
use serde_json::{Map, Value};

use super::{Atomic, LiveSession, SessionError};
use crate::{
    domain::{
        content,
        ids::Millis,
        import::{Arrival, Place, Transcript, Verdict},
        json,
        prompt::DeliveryState,
        session::{Changes, ConfigKey, Session},
        todos,
    },
    store::{self, Tx, messages::Message as Row},
    wire::events::SessionEvents,
};

/// Settings that an imported session gets. Absent ones stay as they are.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub settings: Vec<(ConfigKey, String)>,
    pub is_yolo: bool,
}

/// A session of a conversation takes in what it lacks of it.
#[derive(Clone, Message)]
#[rtype(result = "Result<Taken, SessionError>")]
pub struct TakeIn {
    pub transcript: Arc<Transcript>,
    pub place: Place,
    pub wanted: Wanted,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Appended(usize),
    /// The session says something else.
    Diverged,
    /// Something is missing, and the agent is at work in the session.
    Active,
}

impl Handler<TakeIn> for LiveSession {
    type Result = Atomic<Taken>;

    fn handle(&mut self, take: TakeIn, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        let (session, now) = (self.state.clone(), self.now());
        let store = self.env.store.clone();
        let written = async move {
            store.write(move |tx| take_in(tx, &session, &take, Telling::EachMessage, now)).await
        };
        AtomicResponse::new(Box::pin(written.into_actor(self).map(|written, this, ctx| {
            let (taken, changes) = this.written(written, ctx)?;
            let tells_room = changes.metadata.is_some();
            if let Some(changes) = Some(changes).filter(|changes| !is_nothing(changes)) {
                this.take_over(changes);
            }
            if tells_room {
                this.tell_room_metadata(None);
            }
            Ok(taken)
        })))
    }
}

/// Whether browsers are told of each message, or read them all when they hear of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    EachMessage,
    Session,
}

/// Writes what the session lacks and tells browsers. Answers what changed of the session itself.
pub fn take_in(
    tx: &mut Tx<'_>,
    session: &Session,
    TakeIn { transcript, place, wanted }: &TakeIn,
    telling: Telling,
    now: Millis,
) -> store::Result<(Taken, Changes)> {
    let stored = store::imports::transcript(tx.conn, session.record.key)?;
    let arrivals = match transcript.compare(session.facts.metadata.as_ref(), &stored) {
        Verdict::Lacks(arrivals) => arrivals,
        Verdict::Diverged => {
            let text = "The conversation on its machine and this session went different ways";
            let noted = edited(session, |metadata| transcript.mark_diverged(metadata, place, now, text));
            let changes = Changes { metadata: noted.map(Some), ..Changes::default() };
            write(tx, session, &changes, &[], telling, now)?;
            return Ok((Taken::Diverged, changes));
        }
    };
    if session.turn.active && !arrivals.is_empty() {
        return Ok((Taken::Active, Changes::default()));
    }
    let mut changes = if session.turn.active { Changes::default() } else { with_settings(session, wanted) };
    let rows = placed(session, arrivals, now);
    if let Some(last) = rows.last() {
        changes.last_seq = Some(last.seq);
        changes.head = Some(Some(last.position()));
        changes.touch(session, last.created_at);
        describe(session, &rows, &mut changes);
        let before = changes.metadata.take().flatten();
        let mut after = session.clone();
        if let Some(before) = &before {
            after.record.metadata = Some(before.clone());
        }
        let noted = edited(&after, |metadata| {
            let was = metadata.clone();
            transcript.mark_complete(metadata, place, now);
            *metadata != was
        });
        changes.metadata = noted.or(before).map(Some);
    }
    write(tx, session, &changes, &rows, telling, now)?;
    Ok((Taken::Appended(rows.len()), changes))
}

fn edited(session: &Session, edit: impl FnOnce(&mut Map<String, Value>) -> bool) -> Option<json::Json> {
    let mut stored = session.record.metadata.as_deref().and_then(json::read)?;
    let is_changed = edit(stored.as_object_mut()?);
    is_changed.then(|| json::write(&stored))
}

fn with_settings(session: &Session, wanted: &Wanted) -> Changes {
    let mut settings = session.record.settings.clone();
    for (key, value) in &wanted.settings {
        settings.set(*key, Some(value.clone()));
    }
    let mut metadata = None;
    if wanted.is_yolo {
        if settings.permission_mode.is_some() {
            settings.set(ConfigKey::PermissionMode, Some("yolo".into()));
        }
        metadata = edited(session, |metadata| {
            metadata.insert("preferredPermissionMode".into(), "yolo".into()) != Some("yolo".into())
        });
    }
    let settings = (settings != session.record.settings).then_some(settings);
    Changes { settings, metadata: metadata.map(Some), ..Changes::default() }
}

/// The rows at the end of the session. They were said long ago: none waits for the agent, and none stands before what
/// it follows.
fn placed(session: &Session, arrivals: Vec<Arrival>, now: Millis) -> Vec<Row> {
    let mut at = session.head.map_or(Millis::MIN, |head| head.at);
    let mut seq = session.last_seq;
    let rows = arrivals.into_iter().map(|arrival| {
        at = at.max(arrival.created_at.min(now));
        seq += 1;
        Row {
            id: uuid::Uuid::now_v7().to_string(),
            seq,
            local_id: Some(arrival.local_id),
            content: arrival.content,
            created_at: at,
            invoked_at: Some(at),
            scheduled_at: None,
            delivery_state: DeliveryState::Queued,
        }
    });
    rows.collect()
}

/// What the rows say of the session.
fn describe(session: &Session, rows: &[Row], changes: &mut Changes) {
    let record = &session.record;
    for row in rows {
        let Some(message) = json::read(&row.content) else { continue };
        if !record.has_content && content::has_conversation_content(&message) {
            changes.has_content = Some(true);
        }
        if row.created_at > record.todos_updated_at
            && let Some(list) = todos::from_message(&message)
        {
            changes.todos = Some((json::write(&list), row.created_at));
        }
    }
}

/// Whether a session is left as it was.
fn is_nothing(changes: &Changes) -> bool {
    changes.last_seq.is_none() && changes.metadata.is_none() && changes.settings.is_none()
}

fn write(
    tx: &mut Tx<'_>,
    session: &Session,
    changes: &Changes,
    rows: &[Row],
    telling: Telling,
    now: Millis,
) -> store::Result<()> {
    if is_nothing(changes) {
        return Ok(());
    }
    if let Some(update) = store::sessions::Update::of(session, changes) {
        store::sessions::update(tx.conn, &update)?;
    }
    let namespace = session.namespace().clone();
    let events = SessionEvents { namespace: &namespace, id: session.id(), now };
    let mut after = session.clone();
    changes.clone().apply(&mut after);
    tx.journal(&namespace, events.updated(&after))?;
    for row in rows {
        store::messages::insert(tx.conn, session.record.key, row)?;
        if telling == Telling::EachMessage {
            tx.journal(&namespace, events.message(row))?;
        }
    }
    Ok(())
}
