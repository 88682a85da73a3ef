//! Whether the runner is there: heartbeats and silence.

use actix::prelude::*;
use serde_json::Value;

use super::{LiveMachine, Tick};
use crate::{
    domain::{ids::Millis, liveness, metadata},
    namespace::Quiet,
    store::journal::NewEntry,
    wire::{cli, events},
};

/// The figures whose change is worth telling. The time of the reading is not.
const SHOWN: [&str; 5] = ["load1m", "cpuPercent", "memoryPercent", "cpuCount", "uptimeSeconds"];

/// A heartbeat.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Alive(pub cli::MachineAlive);

impl Handler<Alive> for LiveMachine {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, Alive(alive): Alive, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        let Some(time) = liveness::clamp(now, alive.time) else {
            return AtomicResponse::new(Box::pin(actix::fut::ready(())));
        };
        let came_up = !self.is_active;
        let health = alive.health.as_ref().map_or(self.health.clone(), metadata::health);
        let figures_changed = shown(self.health.as_ref()) != shown(health.as_ref());
        self.is_active = true;
        self.active_at = self.active_at.max(time);
        self.health = health;
        if !came_up && !figures_changed && now - self.last_broadcast <= liveness::QUIET_PATCH {
            return AtomicResponse::new(Box::pin(actix::fut::ready(())));
        }
        self.last_broadcast = now;
        self.publish_row();
        let entry = events::machine_updated(&self.row.namespace, self.id(), now, self.view());
        if came_up {
            return self.record_activity(true, entry);
        }
        let quiet = Quiet { json: entry.json, session: None, machine: entry.machine };
        let _ = self.tenant.try_send(quiet);
        AtomicResponse::new(Box::pin(actix::fut::ready(())))
    }
}

fn shown(health: Option<&Value>) -> Option<[Option<&Value>; 5]> {
    health.map(|health| SHOWN.map(|key| health.get(key)))
}

impl Handler<Tick> for LiveMachine {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, _: Tick, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        if !liveness::machine_expired(self.is_active, self.active_at, now) {
            return AtomicResponse::new(Box::pin(actix::fut::ready(())));
        }
        self.is_active = false;
        self.publish_row();
        let entry = events::machine_gone_quiet(&self.row.namespace, self.id(), now);
        self.record_activity(false, entry)
    }
}

impl LiveMachine {
    /// Writes that the machine came or went, so that a restart of the hub can tell those who were there.
    fn record_activity(&mut self, active: bool, entry: NewEntry) -> AtomicResponse<Self, ()> {
        let (key, at): (i64, Millis) = (self.row.key, self.active_at);
        let namespace = self.row.namespace.clone();
        let store = self.env.store.clone();
        let write = async move {
            store
                .write(move |tx| {
                    crate::store::machines::set_active(tx.conn, key, active, at)?;
                    tx.journal(&namespace, entry)
                })
                .await
        };
        AtomicResponse::new(Box::pin(write.into_actor(self).map(|written, this, _| {
            if let Err(error) = written {
                tracing::warn!(%error, machine = %this.id(), "could not record a machine's presence");
            }
        })))
    }
}
