//! Prompts of people: stored, delivered to the agent until it says that it took them, scheduled ones when due.

use actix::prelude::*;
use serde_json::{Map, Value, json};

use super::{Atomic, LiveSession, Outcome, SessionError, now_ready};
use crate::{
    domain::{
        clear, content,
        ids::Millis,
        json::{self as raw, Json},
        prompt::{self, DeliveryState},
        session::{Changes, Patch, Position},
    },
    store::{self, messages::Message as Row},
    wire::{
        events::{LocalIds, SessionEvents},
        updates,
    },
};

/// A person says something to the agent.
#[derive(Clone, Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct SendPrompt {
    pub text: String,
    pub local_id: Option<String>,
    pub attachments: Option<Vec<Value>>,
    pub scheduled_at: Option<Millis>,
    /// Asked to be put into the running turn, where the agent can do that.
    pub wants_steer: bool,
    /// It was sent to a session that this one takes the place of, so it is kept whether or not this one is active.
    pub is_passed_on: bool,
}

impl Handler<SendPrompt> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, prompt: SendPrompt, _: &mut Self::Context) -> Self::Result {
        if let Some(other) = clear::prompts_go_to(&self.state) {
            return now_ready(Err(SessionError::Moved(other)));
        }
        if !self.state.turn.active && !prompt.is_passed_on {
            return now_ready(Err(SessionError::Inactive));
        }
        if self.is_held() {
            return now_ready(Err(SessionError::Held));
        }
        self.last_used = self.now();
        AtomicResponse::new(self.send(prompt))
    }
}

fn text_of(row: &Row) -> Option<String> {
    raw::read(&row.content)?.get("content")?.get("text")?.as_str().map(str::to_owned)
}

impl LiveSession {
    fn send(&mut self, prompt: SendPrompt) -> super::Boxed<Outcome<()>> {
        let now = self.now();
        let steers = self.state.facts.flavor_name.as_deref() == Some("pi");
        let mode =
            if prompt.wants_steer && steers && prompt.scheduled_at.is_none() { "steer" } else { "queue" };
        let mut content =
            Map::from_iter([("type".to_owned(), json!("text")), ("text".to_owned(), json!(prompt.text))]);
        if let Some(attachments) = prompt.attachments {
            content.insert("attachments".into(), attachments.into());
        }
        let content = json!({
            "role": "user", "content": content, "meta": { "sentFrom": "webapp", "deliveryMode": mode },
        });
        let row = Row {
            id: uuid::Uuid::now_v7().to_string(),
            seq: self.state.last_seq + 1,
            // Without an id of its sender's a prompt can be neither queued nor cancelled.
            invoked_at: prompt.local_id.is_none().then_some(now),
            local_id: prompt.local_id,
            content: raw::write(&content),
            created_at: now,
            scheduled_at: prompt.scheduled_at,
            delivery_state: DeliveryState::Queued,
        };
        let changes = self.changes_of(&row, now, true);
        let entries = self.told_of_prompt(&changes, &row, now);
        let Some(local_id) = row.local_id.clone() else {
            let key = self.state.record.key;
            let written = row.clone();
            let commit =
                self.commit(changes, entries, move |tx| store::messages::insert(tx.conn, key, &written));
            return Box::pin(commit.map(move |outcome, this: &mut Self, _| {
                outcome?;
                this.deliver(&row, false);
                Ok(())
            }));
        };
        let text = prompt.text;
        let commit = self.commit_once(local_id, changes, entries, row.clone());
        Box::pin(commit.then(move |outcome, this: &mut Self, _| match outcome {
            Ok(None) => {
                this.keep_waiting(row);
                Box::pin(actix::fut::ready(Ok(())))
            }
            Ok(Some(known)) if text_of(&known).as_ref() == Some(&text) => this.repeat(known),
            Ok(Some(_)) => Box::pin(actix::fut::ready(Err(SessionError::LocalIdTaken))) as super::Boxed<_>,
            Err(error) => Box::pin(actix::fut::ready(Err(error))),
        }))
    }

    /// A new prompt is durable: it is delivered, and waits until the agent takes it.
    fn keep_waiting(&mut self, row: Row) {
        let is_future = row.scheduled_at.is_some_and(|at| at > self.now());
        if !is_future {
            self.deliver(&row, false);
        }
        self.queue.insert(row.seq, row);
        if is_future {
            self.publish_row();
        }
    }

    /// The same prompt was sent again: what is stored is told and delivered again.
    fn repeat(&mut self, row: Row) -> super::Boxed<Outcome<()>> {
        let now = self.now();
        let changes = self.changes_of(&row, now, false);
        let is_delivered = changes.turn.is_some();
        let entries = self.told_of_prompt(&changes, &row, now);
        Box::pin(self.commit_plain(changes, entries).map(move |outcome, this: &mut Self, _| {
            outcome?;
            if is_delivered {
                this.deliver(&row, true);
            }
            Ok(())
        }))
    }

    /// What a prompt changes of the session. One that is to be delivered at once begins a turn.
    fn changes_of(&self, row: &Row, now: Millis, is_new: bool) -> Changes {
        let mut changes = if is_new { self.placed(row) } else { Changes::default() };
        changes.touch(&self.state, row.created_at);
        let is_future = row.scheduled_at.is_some_and(|at| at > now);
        let is_waiting = is_new || row.invoked_at.is_none();
        if !is_future && is_waiting && row.delivery_state == DeliveryState::Queued {
            changes.turn = Some(self.state.turn.prompt_queued(now, row.created_at).told(now));
            changes.touch(&self.state, now);
        }
        if is_new && !self.state.record.has_content {
            let has_content = raw::read(&row.content).as_ref().is_some_and(content::has_conversation_content);
            changes.has_content = has_content.then_some(true);
        }
        changes
    }

    fn told_of_prompt(&self, changes: &Changes, row: &Row, now: Millis) -> Vec<store::journal::NewEntry> {
        let events = SessionEvents { namespace: self.state.namespace(), id: self.state.id(), now };
        let mut entries = Vec::with_capacity(3);
        if changes.has_content.is_some() {
            entries.push(events.updated(&self.after(changes)));
        }
        entries.push(events.message(row));
        let updated_at = changes.updated_at.unwrap_or(self.state.record.updated_at);
        match &changes.turn {
            Some(turn) => entries.push(events.patched(&Patch::busy(turn.turn_started_at, updated_at))),
            None if changes.updated_at.is_some() => entries.push(events.patched(&Patch::touched(updated_at))),
            None => {}
        }
        entries
    }

    /// Sends a prompt to every CLI of the room. A repeat is never put into a running turn.
    fn deliver(&self, row: &Row, is_repeat: bool) {
        if self.is_gated {
            return;
        }
        let mut room = self.room_except(None).peekable();
        if room.peek().is_none() {
            return;
        }
        let update = if is_repeat { self.repeated(row) } else { updates::prompt(self.id(), row) };
        for link in room {
            let _ = link.link.peer.emit("update", &update);
        }
    }

    fn repeated(&self, row: &Row) -> Json {
        let content =
            raw::raw(prompt::degrade_steer(row.content.get())).unwrap_or_else(|| row.content.clone());
        updates::prompt(self.id(), &Row { content, ..row.clone() })
    }

    pub(super) fn has_immediate_prompt(&self) -> bool {
        self.queue.values().any(is_immediate)
    }

    /// Sends every immediate prompt again. CLIs drop what they know by its id.
    pub(super) fn deliver_queue(&self) {
        for row in self.queue.values().filter(|row| is_immediate(row)) {
            self.deliver(row, true);
        }
    }

    /// Sends scheduled prompts that are due, until the agent takes them. The first time browsers are told.
    pub(super) fn release_due(&mut self, now: Millis) {
        let due: Vec<Row> = self
            .queue
            .values()
            .filter(|row| {
                row.scheduled_at.is_some_and(|at| at <= now) && row.delivery_state == DeliveryState::Queued
            })
            .cloned()
            .collect();
        for row in &due {
            self.deliver(row, true);
        }
        let is_news = due.iter().any(|row| self.matured.insert(row.id.clone()));
        if is_news {
            let entry = self.events().matured();
            let store = self.env.store.clone();
            let namespace = self.state.namespace().clone();
            actix_rt::spawn(async move {
                if let Err(error) = store.write(move |tx| tx.journal(&namespace, entry)).await {
                    tracing::warn!(%error, "could not tell that a scheduled prompt is due");
                }
            });
            self.publish_row();
        }
    }
}

fn is_immediate(row: &Row) -> bool {
    row.local_id.is_some() && row.scheduled_at.is_none() && row.delivery_state == DeliveryState::Queued
}

/// The agent took prompts.
#[derive(Clone, Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Consumed {
    pub local_ids: Vec<String>,
    pub ends_grace: bool,
    pub is_steered: bool,
}

impl Handler<Consumed> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, consumed: Consumed, _: &mut Self::Context) -> Self::Result {
        let Consumed { local_ids, ends_grace, is_steered } = consumed;
        if local_ids.is_empty() {
            return now_ready(Ok(()));
        }
        AtomicResponse::new(self.consume(local_ids, ends_grace, is_steered))
    }
}

impl LiveSession {
    pub(super) fn consume(
        &mut self,
        local_ids: Vec<String>,
        ends_grace: bool,
        is_steered: bool,
    ) -> super::Boxed<Outcome<()>> {
        let now = self.now();
        let taken: Vec<i64> = self.places(&local_ids);
        let mut changes = Changes::default();
        let mut entries = Vec::with_capacity(2);
        if !taken.is_empty() {
            let newest = taken.iter().max().map(|seq| Position { at: now, seq: *seq });
            changes.head = Some(self.state.head.max(newest));
            if changes.touch(&self.state, now) {
                entries.push(self.events().patched(&Patch::touched(now)));
            }
        }
        if ends_grace {
            changes.turn = Some(self.state.turn.grace_over());
        }
        let ids =
            LocalIds { local_ids: &local_ids, invoked_at: Some(now), steered: is_steered.then_some(true) };
        entries.push(self.events().consumed(&ids));
        let key = self.state.record.key;
        let commit = self.commit(changes, entries, move |tx| {
            store::messages::consume(tx.conn, key, &local_ids, is_steered, now)?;
            Ok(())
        });
        Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            if outcome.is_ok() {
                for seq in taken {
                    if let Some(row) = this.queue.remove(&seq) {
                        this.matured.remove(&row.id);
                    }
                }
            }
            outcome
        }))
    }

    /// Where in the queue the prompts with these local ids stand.
    fn places(&self, local_ids: &[String]) -> Vec<i64> {
        self.queue
            .iter()
            .filter(|(_, row)| row.local_id.as_ref().is_some_and(|id| local_ids.contains(id)))
            .map(|(seq, _)| *seq)
            .collect()
    }

    /// Moves waiting prompts to another delivery state where that is allowed. Answers the local ids that moved.
    pub(super) fn set_delivery(
        &mut self,
        local_ids: &[String],
        state: DeliveryState,
        told: impl FnOnce(&SessionEvents<'_>, &[String]) -> Vec<store::journal::NewEntry>,
    ) -> super::Boxed<Outcome<Vec<String>>> {
        let places: Vec<i64> = self
            .places(local_ids)
            .into_iter()
            .filter(|seq| self.queue.get(seq).is_some_and(|row| row.delivery_state.can_become(state)))
            .collect();
        let moved: Vec<String> =
            places.iter().filter_map(|seq| self.queue.get(seq)?.local_id.clone()).collect();
        let entries = told(&self.events(), &moved);
        let key = self.state.record.key;
        let written = moved.clone();
        let commit = self.commit(Changes::default(), entries, move |tx| {
            store::messages::set_delivery_state(tx.conn, key, &written, state)?;
            Ok(())
        });
        Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            outcome?;
            for seq in places {
                if let Some(row) = this.queue.get_mut(&seq) {
                    row.delivery_state = state;
                }
            }
            Ok(moved)
        }))
    }
}

/// The agent does not know whether prompts reached it.
#[derive(Clone, Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct MarkIndeterminate(pub Vec<String>);

impl Handler<MarkIndeterminate> for LiveSession {
    type Result = Atomic<()>;

    fn handle(
        &mut self,
        MarkIndeterminate(local_ids): MarkIndeterminate,
        _: &mut Self::Context,
    ) -> Self::Result {
        let told = local_ids.clone();
        let set = self.set_delivery(&local_ids, DeliveryState::Indeterminate, move |events, _| {
            vec![events.indeterminate(&told)]
        });
        AtomicResponse::new(Box::pin(set.map(|outcome, _, _| outcome.map(|_| ()))))
    }
}

/// A steer begins or is given back. Answers whether any prompt moved.
#[derive(Message)]
#[rtype(result = "Result<bool, SessionError>")]
pub struct SetSteerState {
    pub local_ids: Vec<String>,
    pub state: DeliveryState,
}

impl Handler<SetSteerState> for LiveSession {
    type Result = Atomic<bool>;

    fn handle(
        &mut self,
        SetSteerState { local_ids, state }: SetSteerState,
        _: &mut Self::Context,
    ) -> Self::Result {
        let set = self.set_delivery(&local_ids, state, |events, moved| {
            if state == DeliveryState::Queued && !moved.is_empty() {
                vec![events.requeued(moved)]
            } else {
                Vec::new()
            }
        });
        AtomicResponse::new(Box::pin(set.map(|outcome, _, _| outcome.map(|moved| !moved.is_empty()))))
    }
}
