//! Changes of a machine's row: by registration, by its runner, by a person who names it.

use actix::prelude::*;
use serde_json::Value;

use super::{LiveMachine, MachineView};
use crate::{
    domain::{
        json::{self, Json},
        metadata,
        version::{self, VersionedWrite},
    },
    link::LinkId,
    store::{
        self,
        machines::{self, MachineChanges},
    },
    wire::{
        cli::VersionedOutcome,
        events,
        updates::{self, Versioned},
    },
};

#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    #[error(transparent)]
    Store(#[from] store::Error),
}

type Outcome<T> = Result<T, MachineError>;
type Atomic<T> = AtomicResponse<LiveMachine, Outcome<T>>;

fn ready<T: 'static>(outcome: Outcome<T>) -> Atomic<T> {
    AtomicResponse::new(Box::pin(actix::fut::ready(outcome)))
}

#[derive(Clone, Default)]
struct Values {
    metadata: Option<Option<Json>>,
    runner_state: Option<Option<Json>>,
    /// The runner itself wrote: it is there.
    is_active: bool,
}

impl LiveMachine {
    /// Writes new values with their event, then takes them over.
    fn commit(&mut self, values: Values) -> Boxed {
        let now = self.now();
        let mut row = self.row.clone();
        let text = |value: &Option<Json>| value.as_deref().map(|raw| raw.get().to_owned());
        row.seq += 1;
        row.updated_at = now;
        let mut changes =
            MachineChanges { updated_at: Some(now), seq: Some(row.seq), ..MachineChanges::default() };
        if let Some(metadata) = values.metadata {
            row.metadata_version += 1;
            changes.metadata = Some(text(&metadata));
            changes.metadata_version = Some(row.metadata_version);
            row.metadata = metadata;
        }
        if let Some(state) = values.runner_state {
            row.runner_state_version += 1;
            changes.runner_state = Some(text(&state));
            changes.runner_state_version = Some(row.runner_state_version);
            row.runner_state = state;
        }
        if values.is_active {
            row.active_at = now;
            changes.active = Some(true);
            changes.active_at = Some(now);
        }
        let is_active = self.is_active || values.is_active;
        let active_at = if values.is_active { now } else { self.active_at };
        let view = MachineView::of(&row, is_active, active_at, self.health.clone());
        let entry = events::machine_updated(&row.namespace, &row.id, now, view);
        let before = self.row.clone();
        let store = self.env.store.clone();
        let write = async move {
            store
                .write(move |tx| {
                    machines::update(tx.conn, &before, &changes)?;
                    tx.journal(&before.namespace, entry)
                })
                .await
        };
        Box::pin(write.into_actor(self).map(move |written, this, ctx| {
            if let Err(error) = written {
                if matches!(error, store::Error::VersionConflict) {
                    ctx.stop();
                }
                return Err(MachineError::Store(error));
            }
            this.row = row;
            this.is_active = is_active;
            this.active_at = active_at;
            this.publish_row();
            Ok(())
        }))
    }

    fn tell_room(&self, except: LinkId, update: &Json) {
        for link in self.links.iter().filter(|link| link.id != except) {
            let _ = link.peer.emit("update", update);
        }
    }
}

type Boxed = std::pin::Pin<Box<dyn ActorFuture<LiveMachine, Output = Outcome<()>>>>;

/// A CLI or runner registers again: its metadata is merged, never replaced.
#[derive(Message)]
#[rtype(result = "Result<MachineView, MachineError>")]
pub struct Register {
    pub metadata: Json,
    pub runner_state: Option<Json>,
}

impl Handler<Register> for LiveMachine {
    type Result = Atomic<MachineView>;

    fn handle(
        &mut self,
        Register { metadata, runner_state }: Register,
        _: &mut Self::Context,
    ) -> Self::Result {
        let runner_state = runner_state.filter(|raw| !json::is_null(raw)).and_then(|raw| json::read(&raw));
        let stored = self.row.metadata.as_deref().and_then(json::read);
        let merged = json::read(&metadata)
            .filter(Value::is_object)
            .map(|incoming| {
                metadata::merge_machine_metadata(stored.as_ref(), &incoming, runner_state.is_some())
            })
            .filter(|merged| Some(merged) != stored.as_ref());
        let stored = self.row.runner_state.as_deref().and_then(json::read);
        let state = runner_state
            .map(|incoming| metadata::merge_runner_state(stored.as_ref(), &incoming))
            .filter(|merged| Some(merged) != stored.as_ref());
        if merged.is_none() && state.is_none() {
            let entry = events::machine_updated(&self.row.namespace, self.id(), self.now(), self.view());
            let namespace = self.row.namespace.clone();
            let store = self.env.store.clone();
            let told = async move { store.write(move |tx| tx.journal(&namespace, entry)).await };
            return AtomicResponse::new(Box::pin(told.into_actor(self).map(|told, this, _| {
                told?;
                Ok(this.view())
            })));
        }
        let values = Values {
            metadata: merged.as_ref().map(|value| Some(json::write(value))),
            runner_state: state.as_ref().map(|value| Some(json::write(value))),
            is_active: false,
        };
        AtomicResponse::new(Box::pin(self.commit(values).map(|outcome, this: &mut Self, _| {
            outcome?;
            Ok(this.view())
        })))
    }
}

/// The runner writes its metadata, whole.
#[derive(Message)]
#[rtype(result = "Result<VersionedOutcome, MachineError>")]
pub struct UpdateMetadata {
    pub from: LinkId,
    pub expected_version: i64,
    pub metadata: Json,
}

impl Handler<UpdateMetadata> for LiveMachine {
    type Result = Atomic<VersionedOutcome>;

    fn handle(&mut self, update: UpdateMetadata, _: &mut Self::Context) -> Self::Result {
        if let VersionedWrite::Mismatch(version) =
            version::write(self.row.metadata_version, update.expected_version)
        {
            return ready(Ok(VersionedOutcome::Mismatch { version, value: self.row.metadata.clone() }));
        }
        let value = (!json::is_null(&update.metadata)).then_some(update.metadata);
        let values = Values { metadata: Some(value.clone()), ..Values::default() };
        AtomicResponse::new(Box::pin(self.commit(values).map(move |outcome, this: &mut Self, _| {
            outcome?;
            let version = this.row.metadata_version;
            let told = Versioned { version, value: value.as_deref() };
            this.tell_room(update.from, &updates::machine(this.id(), Some(told), None, this.now()));
            Ok(VersionedOutcome::Applied { version, value })
        })))
    }
}

/// The runner writes its state; that it does shows that it is there.
#[derive(Message)]
#[rtype(result = "Result<VersionedOutcome, MachineError>")]
pub struct UpdateRunnerState {
    pub from: LinkId,
    pub expected_version: i64,
    pub runner_state: Json,
}

impl Handler<UpdateRunnerState> for LiveMachine {
    type Result = Atomic<VersionedOutcome>;

    fn handle(&mut self, update: UpdateRunnerState, _: &mut Self::Context) -> Self::Result {
        let stored = self.row.runner_state_version;
        if let VersionedWrite::Mismatch(version) = version::write(stored, update.expected_version) {
            return ready(Ok(VersionedOutcome::Mismatch { version, value: self.row.runner_state.clone() }));
        }
        let value = (!json::is_null(&update.runner_state)).then_some(update.runner_state);
        let values = Values { runner_state: Some(value.clone()), is_active: true, ..Values::default() };
        AtomicResponse::new(Box::pin(self.commit(values).map(move |outcome, this: &mut Self, _| {
            outcome?;
            let version = this.row.runner_state_version;
            let told = Versioned { version, value: value.as_deref() };
            this.tell_room(update.from, &updates::machine(this.id(), None, Some(told), this.now()));
            Ok(VersionedOutcome::Applied { version, value })
        })))
    }
}

/// A person names the machine; a blank name takes the name away.
#[derive(Message)]
#[rtype(result = "Result<(), MachineError>")]
pub struct Rename(pub String);

impl Handler<Rename> for LiveMachine {
    type Result = Atomic<()>;

    fn handle(&mut self, Rename(name): Rename, _: &mut Self::Context) -> Self::Result {
        let mut metadata = match self.row.metadata.as_deref().and_then(json::read) {
            Some(Value::Object(metadata)) => metadata,
            _ => serde_json::Map::new(),
        };
        match name.as_str() {
            "" => drop(metadata.remove("displayName")),
            name => drop(metadata.insert("displayName".into(), name.into())),
        }
        let values = Values { metadata: Some(Some(json::write(&metadata))), ..Values::default() };
        AtomicResponse::new(self.commit(values))
    }
}
