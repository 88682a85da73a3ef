//! How a session looks to clients: whole, and as a row of a list.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Pin, Session};
use crate::domain::{
    agent_state::{self, PendingSummary},
    ids::Millis,
    json, metadata, team, todos,
};

/// The whole session. Optional values are left out, never `null`, unless the contract says so:
/// released CLIs refuse an answer that breaks this.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FullView<'a> {
    has_conversation_content: bool,
    id: &'a str,
    namespace: &'a str,
    seq: i64,
    created_at: Millis,
    updated_at: Millis,
    pinned: bool,
    global_pinned: bool,
    active: bool,
    active_at: Millis,
    metadata: Option<&'a Value>,
    metadata_version: i64,
    agent_state: Option<&'a Value>,
    agent_state_version: i64,
    thinking: bool,
    thinking_at: Millis,
    active_turn_started_at: Option<Millis>,
    background_task_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    todos: Option<Value>,
    todos_updated_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    team_state: Option<Value>,
    team_state_updated_at: Millis,
    model: Option<&'a str>,
    model_reasoning_effort: Option<&'a str>,
    effort: Option<&'a str>,
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collaboration_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copilot_agent_mode: Option<&'a str>,
}

impl<'a> FullView<'a> {
    pub fn of(session: &'a Session) -> Self {
        let record = &session.record;
        let settings = &record.settings;
        Self {
            has_conversation_content: record.has_content,
            id: record.id.as_str(),
            namespace: record.namespace.as_str(),
            seq: record.seq,
            created_at: record.created_at,
            updated_at: record.updated_at,
            pinned: record.pin == Pin::Project,
            global_pinned: record.pin == Pin::Global,
            active: session.turn.active,
            active_at: session.turn.active_at,
            metadata: session.facts.metadata.as_ref(),
            metadata_version: record.metadata_version,
            agent_state: session.facts.agent_state.as_ref(),
            agent_state_version: record.agent_state_version,
            thinking: session.turn.thinking,
            thinking_at: session.turn.thinking_at,
            active_turn_started_at: session.turn.turn_started_at,
            background_task_count: session.background_tasks,
            todos: record.todos.as_deref().and_then(json::read).as_ref().and_then(todos::view),
            todos_updated_at: record.todos_updated_at,
            team_state: record.team_state.as_deref().and_then(json::read).as_ref().and_then(team::view),
            team_state_updated_at: record.team_state_updated_at,
            model: settings.model.as_deref(),
            model_reasoning_effort: settings.model_reasoning_effort.as_deref(),
            effort: settings.effort.as_deref(),
            service_tier: settings.service_tier.as_deref(),
            permission_mode: session.permission_mode(),
            collaboration_mode: settings.collaboration_mode.as_deref(),
            copilot_agent_mode: session.agent_mode(),
        }
    }
}

/// A row of the session list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'a> {
    has_conversation_content: bool,
    id: &'a str,
    active: bool,
    thinking: bool,
    active_at: Millis,
    updated_at: Millis,
    pinned: bool,
    global_pinned: bool,
    metadata: Option<Value>,
    metadata_version: i64,
    agent_state_version: i64,
    todos_updated_at: Millis,
    todo_progress: Option<Value>,
    #[serde(flatten)]
    pending: PendingSummary,
    background_task_count: u32,
    future_scheduled_message_count: usize,
    next_scheduled_at: Option<Millis>,
    model: Option<&'a str>,
    model_reasoning_effort: Option<&'a str>,
    effort: Option<&'a str>,
    unread: bool,
}

impl<'a> Summary<'a> {
    /// `scheduled` are the moments at which prompts of this session are due, in the future.
    pub fn of(session: &'a Session, scheduled: &[Millis]) -> Self {
        let record = &session.record;
        let pending = agent_state::pending_summary(&session.facts.pending, record.updated_at);
        let progress = record.todos.as_deref().and_then(json::read).as_ref().and_then(todos::progress);
        Self {
            has_conversation_content: record.has_content,
            id: record.id.as_str(),
            active: session.turn.active,
            thinking: session.turn.thinking,
            active_at: session.turn.active_at,
            updated_at: record.updated_at,
            pinned: record.pin == Pin::Project,
            global_pinned: record.pin == Pin::Global,
            metadata: session.facts.metadata.as_ref().map(metadata::summary_view),
            metadata_version: record.metadata_version,
            agent_state_version: record.agent_state_version,
            todos_updated_at: record.todos_updated_at,
            todo_progress: progress.map(|(completed, total)| {
                Value::Object(Map::from_iter([
                    ("completed".to_owned(), completed.into()),
                    ("total".to_owned(), total.into()),
                ]))
            }),
            pending,
            background_task_count: session.background_tasks,
            future_scheduled_message_count: scheduled.len(),
            next_scheduled_at: scheduled.iter().min().copied(),
            model: record.settings.model.as_deref(),
            model_reasoning_effort: record.settings.model_reasoning_effort.as_deref(),
            effort: record.settings.effort.as_deref(),
            unread: record.is_unread(),
        }
    }
}
