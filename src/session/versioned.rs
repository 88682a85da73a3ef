//! Metadata and agent state: each write names the version it was made from, and only one of several wins.

use actix::prelude::*;
use serde_json::{Map, Value};

use super::{Atomic, LiveSession, Outcome, SessionError, decisions::set_states, now_ready};
use crate::{
    domain::{
        json::{self, Json},
        metadata,
        session::{Changes, Patch},
        version::{self, VersionedWrite},
    },
    link::LinkId,
    wire::{
        cli::VersionedOutcome,
        updates::{self, Versioned},
    },
};

/// A CLI writes its metadata. Keys that belong to the hub, and identities it left out, are kept.
#[derive(Message)]
#[rtype(result = "Result<VersionedOutcome, SessionError>")]
pub struct UpdateMetadata {
    pub from: LinkId,
    pub expected_version: i64,
    pub metadata: Json,
}

impl Handler<UpdateMetadata> for LiveSession {
    type Result = Atomic<VersionedOutcome>;

    fn handle(&mut self, update: UpdateMetadata, _: &mut Self::Context) -> Self::Result {
        let record = &self.state.record;
        if let VersionedWrite::Mismatch(_) = version::write(record.metadata_version, update.expected_version)
        {
            let (version, value) = (record.metadata_version, record.metadata.clone());
            return now_ready(Ok(VersionedOutcome::Mismatch { version, value }));
        }
        let merged = merged(record.metadata.as_ref(), update.metadata);
        let mut changes = Changes { metadata: Some(Some(merged.clone())), ..Changes::default() };
        changes.touch(&self.state, self.now());
        let after = self.after(&changes);
        // A value that is no metadata cannot travel in a patch: the whole session goes, with none.
        let entry = match after.facts.metadata {
            Some(_) => self.events().patched(&Patch::of(&changes, &self.state)),
            None => self.events().updated(&after),
        };
        AtomicResponse::new(Box::pin(self.commit_plain(changes, vec![entry]).map(
            move |outcome, this: &mut Self, _| {
                outcome?;
                this.tell_room_metadata(Some(update.from));
                let version = this.state.record.metadata_version;
                Ok(VersionedOutcome::Applied { version, value: Some(merged) })
            },
        )))
    }
}

fn merged(stored: Option<&Json>, incoming: Json) -> Json {
    match json::read(&incoming) {
        Some(value @ Value::Object(_)) => {
            let stored = stored.and_then(|raw| json::read(raw));
            let merged = metadata::merge_from_cli(stored.as_ref(), &value);
            // Text that needs no change is kept as it came.
            if merged == value { incoming } else { json::write(&merged) }
        }
        _ => incoming,
    }
}

/// A CLI writes its agent state: what it asks, and what was answered.
#[derive(Message)]
#[rtype(result = "Result<VersionedOutcome, SessionError>")]
pub struct UpdateAgentState {
    pub from: LinkId,
    pub expected_version: i64,
    pub agent_state: Json,
}

impl Handler<UpdateAgentState> for LiveSession {
    type Result = Atomic<VersionedOutcome>;

    fn handle(&mut self, update: UpdateAgentState, _: &mut Self::Context) -> Self::Result {
        let record = &self.state.record;
        if let VersionedWrite::Mismatch(_) =
            version::write(record.agent_state_version, update.expected_version)
        {
            let (version, value) = (record.agent_state_version, record.agent_state.clone());
            return now_ready(Ok(VersionedOutcome::Mismatch { version, value }));
        }
        let value = (!json::is_null(&update.agent_state)).then_some(update.agent_state);
        let mut changes = Changes { agent_state: Some(value.clone()), ..Changes::default() };
        changes.touch(&self.state, self.now());
        let after = self.after(&changes);
        let mut entries = match (&value, &after.facts.agent_state) {
            (Some(_), None) => vec![self.events().updated(&after)],
            _ => vec![self.events().patched(&Patch::of(&changes, &self.state))],
        };
        let confirmed = self.confirmed_decisions(&after, &mut entries);
        let key = self.state.record.key;
        let written = confirmed.clone();
        let commit = self.commit(changes, entries, move |tx| set_states(tx.conn, key, &written, "confirmed"));
        AtomicResponse::new(Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            outcome?;
            this.forget_decisions(&confirmed);
            this.tell_room_agent_state(Some(update.from));
            let version = this.state.record.agent_state_version;
            Ok(VersionedOutcome::Applied { version, value })
        })))
    }
}

impl LiveSession {
    /// The stored metadata with an edit. `None` when the edit changed nothing, or there is nothing to edit.
    pub(super) fn edited_metadata(&self, edit: impl FnOnce(&mut Map<String, Value>) -> bool) -> Option<Json> {
        let mut stored = match self.state.record.metadata.as_deref() {
            Some(raw) => json::read(raw)?,
            None => return None,
        };
        let is_changed = edit(stored.as_object_mut()?);
        is_changed.then(|| json::write(&stored))
    }

    /// Writes metadata on the hub's own account, tells browsers the whole session and the room the new value.
    pub(super) fn write_metadata(&mut self, metadata: Json) -> super::Boxed<Outcome<()>> {
        let changes = Changes { metadata: Some(Some(metadata)), ..Changes::default() };
        let entry = self.events().updated(&self.after(&changes));
        Box::pin(self.commit_plain(changes, vec![entry]).map(|outcome, this: &mut Self, _| {
            if outcome.is_ok() {
                this.tell_room_metadata(None);
            }
            outcome
        }))
    }

    pub(super) fn tell_room_metadata(&self, except: Option<LinkId>) {
        let record = &self.state.record;
        let value = Versioned { version: record.metadata_version, value: record.metadata.as_deref() };
        self.tell_room(except, || updates::session(self.id(), Some(value), None, self.now()));
    }

    fn tell_room_agent_state(&self, except: Option<LinkId>) {
        let record = &self.state.record;
        let value = Versioned { version: record.agent_state_version, value: record.agent_state.as_deref() };
        self.tell_room(except, || updates::session(self.id(), None, Some(value), self.now()));
    }

    fn tell_room(&self, except: Option<LinkId>, update: impl FnOnce() -> Json) {
        let mut others = self.room_except(except).peekable();
        if others.peek().is_some() {
            let update = update();
            for link in others {
                let _ = link.link.peer.emit("update", &update);
            }
        }
    }
}
