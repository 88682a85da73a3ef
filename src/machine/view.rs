//! How a machine looks to clients.

use actix::prelude::*;
use serde::Serialize;
use serde_json::Value;

use super::LiveMachine;
use crate::{
    domain::{ids::Millis, json, metadata},
    store::machines::Machine,
};

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineView {
    id: String,
    namespace: String,
    seq: i64,
    created_at: Millis,
    updated_at: Millis,
    pub active: bool,
    active_at: Millis,
    metadata: Option<Value>,
    metadata_version: i64,
    runner_state: Option<Value>,
    runner_state_version: i64,
    health: Option<Value>,
}

impl MachineView {
    pub fn of(row: &Machine, active: bool, active_at: Millis, health: Option<Value>) -> Self {
        Self {
            id: row.id.to_string(),
            namespace: row.namespace.to_string(),
            seq: row.seq,
            created_at: row.created_at,
            updated_at: row.updated_at,
            active,
            active_at,
            metadata: row.metadata.as_deref().and_then(json::read).as_ref().and_then(metadata::machine_view),
            metadata_version: row.metadata_version,
            runner_state: row
                .runner_state
                .as_deref()
                .and_then(json::read)
                .as_ref()
                .and_then(metadata::runner_state_view),
            runner_state_version: row.runner_state_version,
            health,
        }
    }

    pub fn host(&self) -> Option<&str> {
        self.metadata.as_ref()?.get("host")?.as_str()
    }

    /// Whether the runner says that it can do something.
    pub fn has_capability(&self, name: &str) -> bool {
        let list = self.metadata.as_ref().and_then(|metadata| metadata.get("capabilities")?.as_array());
        list.is_some_and(|list| list.iter().any(|known| known.as_str() == Some(name)))
    }

    /// A supervisor starts the runner again when it stops.
    pub fn is_supervised(&self) -> bool {
        self.metadata.as_ref().and_then(|metadata| metadata.get("supervisedRestart")?.as_bool()) == Some(true)
    }
}

/// The whole machine.
#[derive(Message)]
#[rtype(result = "MachineView")]
pub struct GetMachine;

impl Handler<GetMachine> for LiveMachine {
    type Result = MessageResult<GetMachine>;

    fn handle(&mut self, _: GetMachine, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.view())
    }
}
