//! What the hub reads out of the metadata and agent state that CLIs write.

use serde_json::{Value, value::RawValue};

use crate::domain::{
    agent_state::{self, PendingRequest},
    flavor::Flavor,
    json, metadata,
};

/// Derived anew whenever metadata or agent state change.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The public view of the metadata; `None` when it lacks a path or a host.
    pub metadata: Option<Value>,
    pub agent_state: Option<Value>,
    pub path: Option<String>,
    pub host: Option<String>,
    pub machine_id: Option<String>,
    /// As written; missing reads as Claude where modes and models are checked.
    pub flavor_name: Option<String>,
    pub lifecycle_state: Option<String>,
    pub is_shared: bool,
    pub preferred_permission_mode: Option<String>,
    pub preferred_agent_mode: Option<String>,
    pub is_controlled_by_user: bool,
    pub starting_mode: Option<String>,
    pub pending: Vec<PendingRequest>,
}

impl Facts {
    pub fn of(metadata: Option<&RawValue>, agent_state: Option<&RawValue>) -> Self {
        let mut facts = Self::default();
        facts.read_metadata(metadata);
        facts.read_agent_state(agent_state);
        facts
    }

    pub fn read_metadata(&mut self, raw: Option<&RawValue>) {
        let view = raw.and_then(json::read).as_ref().and_then(metadata::view);
        let text = |key: &str| view.as_ref()?.get(key)?.as_str().map(str::to_owned);
        self.path = text("path").filter(|path| !path.is_empty());
        self.host = text("host");
        self.machine_id = text("machineId");
        self.flavor_name = text("flavor");
        self.lifecycle_state = text("lifecycleState");
        self.preferred_permission_mode = text("preferredPermissionMode");
        self.preferred_agent_mode = text("preferredCopilotAgentMode");
        self.is_shared = view.as_ref().is_some_and(metadata::is_shared);
        self.metadata = view;
    }

    pub fn read_agent_state(&mut self, raw: Option<&RawValue>) {
        let view = raw.and_then(json::read).as_ref().and_then(agent_state::view);
        self.is_controlled_by_user = view.as_ref().is_some_and(agent_state::is_controlled_by_user);
        self.starting_mode = view.as_ref().and_then(agent_state::starting_mode).map(str::to_owned);
        self.pending = view.as_ref().map(agent_state::pending).unwrap_or_default();
        self.agent_state = view;
    }

    pub fn flavor(&self) -> Option<Flavor> {
        Flavor::of(self.flavor_name.as_deref())
    }

    pub fn is_archived(&self) -> bool {
        self.lifecycle_state.as_deref() == Some("archived")
    }

    pub fn request(&self, id: &str) -> Option<&PendingRequest> {
        self.pending.iter().find(|request| request.id == id)
    }
}
