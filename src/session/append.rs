//! What an agent (or a person at its terminal) said: kept as it came, looked into for todos, teams and background
//! tasks, told to the other CLIs of the room and to browsers.

use actix::prelude::*;
use serde_json::Value;

use super::{Atomic, LiveSession, Outcome, SessionError, now_ready};
use crate::{
    domain::{
        content,
        ids::Millis,
        json::{self, Json},
        prompt::DeliveryState,
        session::{Changes, Patch},
        team, todos,
    },
    link::LinkId,
    store::{self, messages::Message as Row},
    wire::{cli, events::SessionEvents, updates},
};

/// How many of the newest rows are searched for earlier snapshots of one stream of reasoning.
const SNAPSHOT_LOOK_BACK: i64 = 50;

#[derive(Clone, Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct AppendMessage {
    pub from: LinkId,
    pub message: cli::Message,
}

impl Handler<AppendMessage> for LiveSession {
    type Result = Atomic<()>;

    fn handle(
        &mut self,
        AppendMessage { from, message }: AppendMessage,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.env.faults.strike(message.message.get());
        let content = opened(message.message);
        let seen = json::read(&content);
        if seen.as_ref().is_some_and(content::is_goal_status) {
            return now_ready(Ok(()));
        }
        let created_at = self.believed(message.created_at);
        AtomicResponse::new(self.append(from, content, seen, created_at, message.local_id))
    }
}

/// A CLI may send its contents as JSON in a string.
fn opened(message: Json) -> Json {
    if !message.get().starts_with('"') {
        return message;
    }
    match json::read(&message) {
        Some(Value::String(text)) => json::raw(text).unwrap_or(message),
        _ => message,
    }
}

impl LiveSession {
    /// The time a client gave, never later than now.
    fn believed(&self, created_at: Option<f64>) -> Millis {
        let now = self.now();
        created_at
            .filter(|at| at.is_finite() && *at >= 0.0)
            .and_then(|at| crate::domain::text::safe_integer(at.trunc()))
            .map_or(now, |at| at.min(now))
    }

    fn tell_again(&mut self, from: LinkId, row: Row) -> super::Boxed<Outcome<()>> {
        let entry = self.events().message(&row);
        Box::pin(self.commit_plain(Changes::default(), vec![entry]).map(
            move |outcome, this: &mut Self, _| {
                this.relay(from, &row);
                outcome
            },
        ))
    }

    fn relay(&self, from: LinkId, row: &Row) {
        let mut others = self.room_except(Some(from)).peekable();
        if others.peek().is_some() {
            let update = updates::relayed(self.id(), row, self.now());
            for link in others {
                let _ = link.link.peer.emit("update", &update);
            }
        }
    }

    fn append(
        &mut self,
        from: LinkId,
        content: Json,
        seen: Option<Value>,
        created_at: Millis,
        local_id: Option<String>,
    ) -> super::Boxed<Outcome<()>> {
        let now = self.now();
        let content = content::truncate_agent_strings(content.get()).and_then(json::raw).unwrap_or(content);
        let row = Row {
            id: uuid::Uuid::now_v7().to_string(),
            seq: self.state.last_seq + 1,
            invoked_at: local_id.is_none().then_some(created_at),
            local_id,
            content,
            created_at,
            scheduled_at: None,
            delivery_state: DeliveryState::Queued,
        };
        let mut changes = self.placed(&row);
        let snapshot = seen.as_ref().and_then(content::reasoning_snapshot).map(|(id, _)| id);
        if let Some(seen) = &seen {
            self.derive(&mut changes, seen, created_at, now);
        }
        let mut entries = Vec::with_capacity(3);
        let events = SessionEvents { namespace: self.state.namespace(), id: self.state.id(), now };
        if changes.updated_at.is_some() || changes.background_tasks.is_some() {
            entries.push(events.patched(&Patch::of(&changes, &self.state)));
        }
        if changes.has_content.is_some() {
            entries.push(events.updated(&self.after(&changes)));
        }
        entries.push(events.message(&row));
        if let Some(local_id) = row.local_id.clone() {
            // The same local id twice is one message: what is stored is told again.
            let commit = self.commit_once(local_id, changes, entries, row.clone());
            return Box::pin(commit.then(move |outcome, this: &mut Self, _| match outcome {
                Ok(Some(known)) => this.tell_again(from, known),
                Ok(None) => {
                    this.relay(from, &row);
                    this.queue.insert(row.seq, row);
                    Box::pin(actix::fut::ready(Ok(()))) as super::Boxed<_>
                }
                Err(error) => Box::pin(actix::fut::ready(Err(error))),
            }));
        }
        let key = self.state.record.key;
        let written = row.clone();
        let commit = self.commit(changes, entries, move |tx| {
            store::messages::insert(tx.conn, key, &written)?;
            if let Some(stream) = snapshot {
                let is_superseded = |row: &Row| is_superseded(row, &stream, &written.id);
                store::messages::delete_recent(tx.conn, key, SNAPSHOT_LOOK_BACK, is_superseded)?;
            }
            Ok(())
        });
        Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            if outcome.is_ok() {
                this.relay(from, &row);
            }
            outcome
        }))
    }

    /// The place of a new row: its number, the newest position, and whether history changed other than at its end.
    pub(super) fn placed(&self, row: &Row) -> Changes {
        let position = row.position();
        let is_behind = self.state.head.is_some_and(|head| position < head);
        Changes {
            last_seq: Some(row.seq),
            head: (!is_behind).then_some(Some(position)),
            message_epoch: is_behind.then_some(self.state.record.message_epoch + 1),
            ..Changes::default()
        }
    }

    /// What follows from a message for the session itself.
    fn derive(&self, changes: &mut Changes, seen: &Value, created_at: Millis, now: Millis) {
        let record = &self.state.record;
        if content::human_text(seen).is_some() {
            changes.touch(&self.state, created_at);
        }
        if created_at > record.todos_updated_at
            && let Some(list) = todos::from_message(seen)
        {
            changes.todos = Some((json::write(&list), created_at));
            changes.touch(&self.state, created_at);
        }
        if created_at > record.team_state_updated_at {
            let current = record.team_state.as_deref().and_then(json::read);
            if let Some(change) = team::apply(seen, current.as_ref(), now) {
                changes.team_state = Some((change.state.as_ref().map(json::write), created_at));
                changes.touch(&self.state, created_at);
            }
        }
        let (started, completed) = content::background_delta(seen);
        let tasks = (self.state.background_tasks + started).saturating_sub(completed);
        if tasks != self.state.background_tasks {
            changes.background_tasks = Some(tasks);
        }
        if !record.has_content && content::has_conversation_content(seen) {
            changes.has_content = Some(true);
        }
        // A turn shorter than the time between two heartbeats leaves no other trace of having been.
        if self.state.turn.grace_until.is_some() && content::is_ready(seen) && !self.has_immediate_prompt() {
            changes.turn = Some(self.state.turn.grace_over());
        }
    }
}

/// An earlier, live snapshot of a stream of reasoning: the newest text takes its place.
fn is_superseded(row: &Row, stream: &str, by: &str) -> bool {
    let snapshot = json::read(&row.content).as_ref().and_then(content::reasoning_snapshot);
    row.id != by && snapshot.is_some_and(|(id, is_live)| is_live && id == stream)
}

/// A message that was set aside while the session could not be brought up. It may be what brought it down, so it is
/// kept without being looked into.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AppendSetAside {
    pub key: i64,
    pub payload: String,
}

impl Handler<AppendSetAside> for LiveSession {
    type Result = AtomicResponse<Self, ()>;

    fn handle(
        &mut self,
        AppendSetAside { key, payload }: AppendSetAside,
        _: &mut Self::Context,
    ) -> Self::Result {
        let Ok(message) = serde_json::from_str::<cli::Message>(&payload) else {
            return AtomicResponse::new(Box::pin(actix::fut::ready(())));
        };
        let created_at = self.believed(message.created_at);
        let row = Row {
            id: uuid::Uuid::now_v7().to_string(),
            seq: self.state.last_seq + 1,
            invoked_at: Some(created_at),
            // Its local id, if it had one, may be in use by now.
            local_id: None,
            content: message.message,
            created_at,
            scheduled_at: None,
            delivery_state: DeliveryState::Queued,
        };
        let changes = self.placed(&row);
        let entry = self.events().message(&row);
        let session_key = self.state.record.key;
        let commit = self.commit(changes, vec![entry], move |tx| {
            store::messages::insert(tx.conn, session_key, &row)?;
            store::set_aside::delete(tx.conn, key)
        });
        AtomicResponse::new(Box::pin(commit.map(|outcome, this: &mut Self, _| {
            if let Err(error) = outcome {
                tracing::error!(%error, session = %this.id(), "could not append a message that was set aside");
            }
        })))
    }
}
