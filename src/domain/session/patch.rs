//! The partial session that an event carries. Released pages refetch the whole session when a patch holds a key that
//! they do not know, or none at all, so this list of keys is closed.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Changes, Session};
use crate::domain::ids::Millis;

#[derive(Serialize)]
struct Versioned<'a> {
    version: i64,
    value: Option<&'a RawValue>,
}

/// Outer `None` is left out; inner `None` is told as `null`.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Patch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_turn_started_at: Option<Option<Millis>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_reasoning_effort: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collaboration_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copilot_agent_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Versioned<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_state: Option<Versioned<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    todos: Option<Versioned<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team_state: Option<Versioned<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background_task_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scratchlist_updated_at: Option<Millis>,
}

impl<'a> Patch<'a> {
    /// A heartbeat: presence, turn and all run-time settings.
    pub fn heartbeat(after: &'a Session) -> Self {
        let settings = &after.record.settings;
        Self {
            active: Some(after.turn.active),
            active_at: Some(after.turn.active_at),
            thinking: Some(after.turn.thinking),
            active_turn_started_at: Some(after.turn.turn_started_at),
            permission_mode: after.permission_mode(),
            model: Some(settings.model.as_deref()),
            model_reasoning_effort: Some(settings.model_reasoning_effort.as_deref()),
            effort: Some(settings.effort.as_deref()),
            service_tier: Some(settings.service_tier.as_deref()),
            collaboration_mode: settings.collaboration_mode.as_deref(),
            copilot_agent_mode: after.agent_mode(),
            ..Self::default()
        }
    }

    /// A prompt was accepted: the agent counts as busy until it says otherwise.
    pub fn busy(turn_started_at: Option<Millis>, updated_at: Millis) -> Self {
        Self {
            thinking: Some(true),
            active_turn_started_at: Some(turn_started_at),
            updated_at: Some(updated_at),
            ..Self::default()
        }
    }

    /// The agent's process is gone: by its own word, by silence, or by a restart of the hub.
    pub fn ended() -> Self {
        Self {
            active: Some(false),
            thinking: Some(false),
            active_turn_started_at: Some(None),
            background_task_count: Some(0),
            ..Self::default()
        }
    }

    pub fn resumed(after: &Session) -> Self {
        Self {
            active: Some(true),
            active_at: Some(after.turn.active_at),
            thinking: Some(after.turn.thinking),
            ..Self::default()
        }
    }

    pub fn touched(updated_at: Millis) -> Self {
        Self { updated_at: Some(updated_at), ..Self::default() }
    }

    /// The notes beside the session changed: pages fetch them anew.
    pub fn noted(at: Millis) -> Self {
        Self { scratchlist_updated_at: Some(at), ..Self::default() }
    }

    /// The versioned values, todos, team, background tasks and recency in `changes`, which lead on from `before`.
    pub fn of(changes: &'a Changes, before: &Session) -> Self {
        let record = &before.record;
        Self {
            metadata: changes
                .metadata
                .as_ref()
                .map(|value| Versioned { version: record.metadata_version + 1, value: value.as_deref() }),
            agent_state: changes
                .agent_state
                .as_ref()
                .map(|value| Versioned { version: record.agent_state_version + 1, value: value.as_deref() }),
            todos: changes.todos.as_ref().map(|(value, at)| Versioned { version: *at, value: Some(value) }),
            team_state: changes
                .team_state
                .as_ref()
                .map(|(value, at)| Versioned { version: *at, value: value.as_deref() }),
            background_task_count: changes.background_tasks,
            updated_at: changes.updated_at,
            ..Self::default()
        }
    }
}
