//! A set of changes to one session. Absent means unchanged.

use super::{Pin, Position, Session, Settings};
use crate::domain::{ids::Millis, json::Json, liveness::Turn};

/// A run-time setting that both the agent (by heartbeat) and people (by request) may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConfigKey {
    PermissionMode,
    Model,
    ModelReasoningEffort,
    Effort,
    ServiceTier,
    CollaborationMode,
    AgentMode,
}

impl ConfigKey {
    pub const ALL: [Self; 7] = [
        Self::PermissionMode,
        Self::Model,
        Self::ModelReasoningEffort,
        Self::Effort,
        Self::ServiceTier,
        Self::CollaborationMode,
        Self::AgentMode,
    ];

    /// The key on the wire: of heartbeats, patches and `set-session-config` alike.
    pub fn name(self) -> &'static str {
        match self {
            Self::PermissionMode => "permissionMode",
            Self::Model => "model",
            Self::ModelReasoningEffort => "modelReasoningEffort",
            Self::Effort => "effort",
            Self::ServiceTier => "serviceTier",
            Self::CollaborationMode => "collaborationMode",
            Self::AgentMode => "copilotAgentMode",
        }
    }
}

/// New values of settings, in the order they were given. `None` unsets.
pub type Config = Vec<(ConfigKey, Option<String>)>;

impl Settings {
    pub fn get(&self, key: ConfigKey) -> Option<&str> {
        match key {
            ConfigKey::PermissionMode => &self.permission_mode,
            ConfigKey::Model => &self.model,
            ConfigKey::ModelReasoningEffort => &self.model_reasoning_effort,
            ConfigKey::Effort => &self.effort,
            ConfigKey::ServiceTier => &self.service_tier,
            ConfigKey::CollaborationMode => &self.collaboration_mode,
            ConfigKey::AgentMode => &self.agent_mode,
        }
        .as_deref()
    }

    pub fn set(&mut self, key: ConfigKey, value: Option<String>) {
        let field = match key {
            ConfigKey::PermissionMode => &mut self.permission_mode,
            ConfigKey::Model => &mut self.model,
            ConfigKey::ModelReasoningEffort => &mut self.model_reasoning_effort,
            ConfigKey::Effort => &mut self.effort,
            ConfigKey::ServiceTier => &mut self.service_tier,
            ConfigKey::CollaborationMode => &mut self.collaboration_mode,
            ConfigKey::AgentMode => &mut self.agent_mode,
        };
        *field = value;
    }
}

#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub updated_at: Option<Millis>,
    /// A new value; its version is the stored one plus one.
    pub metadata: Option<Option<Json>>,
    pub agent_state: Option<Option<Json>>,
    /// A new value with its watermark.
    pub todos: Option<(Json, Millis)>,
    pub team_state: Option<(Option<Json>, Millis)>,
    pub settings: Option<Settings>,
    pub pin: Option<Pin>,
    pub turn: Option<Turn>,
    pub background_tasks: Option<u32>,
    pub has_content: Option<bool>,
    pub message_epoch: Option<i64>,
    pub seen_at: Option<Millis>,
    pub last_seq: Option<i64>,
    pub head: Option<Option<Position>>,
}

impl Changes {
    /// Raises the recency, never lowers it. Says whether it grew.
    pub fn touch(&mut self, session: &Session, at: Millis) -> bool {
        let grew = at > self.updated_at.unwrap_or(session.record.updated_at);
        if grew {
            self.updated_at = Some(at);
        }
        grew
    }

    /// Whether a row of the store has to change, rather than only what lives in memory.
    pub fn is_stored(&self, session: &Session) -> bool {
        self.updated_at.is_some()
            || self.metadata.is_some()
            || self.agent_state.is_some()
            || self.todos.is_some()
            || self.team_state.is_some()
            || self.settings.as_ref().is_some_and(|new| *new != session.record.settings)
            || self.pin.is_some()
            || self.turn.as_ref().is_some_and(|turn| turn.active != session.record.active)
            || self.has_content.is_some()
            || self.message_epoch.is_some()
            || self.seen_at.is_some()
    }

    /// Whether the session's row in lists looks different afterwards.
    pub fn shows_in_list(&self) -> bool {
        self.updated_at.is_some()
            || self.metadata.is_some()
            || self.agent_state.is_some()
            || self.todos.is_some()
            || self.settings.is_some()
            || self.pin.is_some()
            || self.turn.is_some()
            || self.background_tasks.is_some()
            || self.has_content.is_some()
            || self.seen_at.is_some()
    }

    /// Takes the changes over into memory, once they are durable.
    pub fn apply(self, session: &mut Session) {
        let is_stored = self.is_stored(session);
        let record = &mut session.record;
        record.seq += i64::from(is_stored);
        if let Some(at) = self.updated_at {
            record.updated_at = record.updated_at.max(at);
        }
        if let Some(metadata) = self.metadata {
            session.facts.read_metadata(metadata.as_deref());
            record.metadata = metadata;
            record.metadata_version += 1;
        }
        if let Some(agent_state) = self.agent_state {
            session.facts.read_agent_state(agent_state.as_deref());
            record.agent_state = agent_state;
            record.agent_state_version += 1;
        }
        if let Some((todos, at)) = self.todos {
            record.todos = Some(todos);
            record.todos_updated_at = at;
        }
        if let Some((team, at)) = self.team_state {
            record.team_state = team;
            record.team_state_updated_at = at;
        }
        if let Some(settings) = self.settings {
            record.settings = settings;
        }
        if let Some(pin) = self.pin {
            record.pin = pin;
        }
        if let Some(turn) = self.turn {
            record.active = turn.active;
            record.active_at = turn.active_at;
            session.turn = turn;
        }
        if let Some(tasks) = self.background_tasks {
            session.background_tasks = tasks;
        }
        if let Some(has_content) = self.has_content {
            record.has_content = has_content;
        }
        if let Some(epoch) = self.message_epoch {
            record.message_epoch = epoch;
        }
        if let Some(at) = self.seen_at {
            record.seen_at = record.seen_at.max(at);
        }
        if let Some(seq) = self.last_seq {
            session.last_seq = session.last_seq.max(seq);
        }
        if let Some(head) = self.head {
            session.head = head;
        }
    }
}
