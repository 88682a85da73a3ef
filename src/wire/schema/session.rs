//! A whole session.

use utoipa::ToSchema;

use super::{AgentState, Metadata};
use crate::wire::events::Contact;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Session {
    /// Whether any message counts as conversation. Lists hide idle sessions without it.
    pub has_conversation_content: bool,
    pub id: String,
    pub namespace: String,
    /// Grows with every change.
    pub seq: i64,
    pub created_at: i64,
    /// The last activity. Renames, pins and settings do not count.
    pub updated_at: i64,
    /// In its project.
    pub pinned: bool,
    /// Above all projects.
    pub global_pinned: bool,
    /// Whether the agent's process reports in.
    pub active: bool,
    pub active_at: i64,
    #[schema(required)]
    pub metadata: Option<Metadata>,
    pub metadata_version: i64,
    #[schema(required)]
    pub agent_state: Option<AgentState>,
    pub agent_state_version: i64,
    pub thinking: bool,
    /// 0 when never.
    pub thinking_at: i64,
    #[schema(required)]
    pub active_turn_started_at: Option<i64>,
    pub background_task_count: u32,
    #[schema(required = false)]
    pub todos: Vec<Todo>,
    /// 0 when never.
    pub todos_updated_at: i64,
    #[schema(required = false)]
    pub team_state: TeamState,
    /// 0 when never.
    pub team_state_updated_at: i64,
    #[schema(required)]
    pub model: Option<String>,
    #[schema(required)]
    pub model_reasoning_effort: Option<String>,
    #[schema(required)]
    pub effort: Option<String>,
    /// `fast` or `standard`; `null` when untouched.
    #[schema(required)]
    pub service_tier: Option<String>,
    #[schema(required = false)]
    pub permission_mode: String,
    /// `default` or `plan`.
    #[schema(required = false)]
    pub collaboration_mode: String,
    /// `interactive`, `plan` or `autopilot`.
    #[schema(required = false)]
    pub copilot_agent_mode: String,
    /// Told by `session-contact` events and by the status of a session, and kept here by pages.
    #[schema(required = false)]
    pub contact: Contact,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Todo {
    pub content: String,
    pub status: TodoStatus,
    /// `high`, `medium` or `low`.
    pub priority: String,
    /// Empty when the agent gave none.
    pub id: String,
    /// How to say it while it is being done.
    #[schema(required = false)]
    pub active_form: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum TodoStatus {
    Pending,
    InProgress,
    Completed,
}

/// Agents that work together in one session.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TeamState {
    pub team_name: String,
    #[schema(required = false)]
    pub description: String,
    #[schema(required = false)]
    pub members: Vec<TeamMember>,
    #[schema(required = false)]
    pub tasks: Vec<TeamTask>,
    /// The last 50.
    #[schema(required = false)]
    pub messages: Vec<TeamMessage>,
    #[schema(required = false)]
    pub updated_at: i64,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TeamMember {
    pub name: String,
    #[schema(required = false)]
    pub agent_type: String,
    /// `active`, `idle` or `shutdown`.
    #[schema(required = false)]
    pub status: String,
}

#[derive(ToSchema)]
pub struct TeamTask {
    pub id: String,
    pub title: String,
    #[schema(required = false)]
    pub description: String,
    /// `pending`, `in_progress`, `completed` or `blocked`.
    #[schema(required = false)]
    pub status: String,
    #[schema(required = false)]
    pub owner: String,
}

#[derive(ToSchema)]
pub struct TeamMessage {
    pub from: String,
    pub to: String,
    pub summary: String,
    /// `message`, `broadcast`, `shutdown_request` or `shutdown_response`.
    pub r#type: String,
    pub timestamp: i64,
}

#[derive(ToSchema)]
pub struct SessionAnswer {
    pub session: Session,
}
