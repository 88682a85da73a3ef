//! A row of the session list.

use utoipa::ToSchema;

use super::Worktree;
use crate::wire::events::Contact;

#[derive(ToSchema)]
pub struct SessionList {
    pub sessions: Vec<SessionSummary>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SessionSummary {
    /// Whether any message counts as conversation. Lists hide idle sessions without it.
    pub has_conversation_content: bool,
    pub id: String,
    pub active: bool,
    pub thinking: bool,
    pub active_at: i64,
    pub updated_at: i64,
    /// In its project.
    pub pinned: bool,
    /// Above all projects.
    pub global_pinned: bool,
    #[schema(required)]
    pub metadata: Option<SummaryMetadata>,
    pub metadata_version: i64,
    pub agent_state_version: i64,
    pub todos_updated_at: i64,
    /// `null` without todos.
    #[schema(required)]
    pub todo_progress: Option<TodoProgress>,
    pub pending_requests_count: u32,
    /// Each kind at most once.
    pub pending_request_kinds: Vec<RequestKind>,
    /// The oldest five.
    pub pending_requests: Vec<PendingRequest>,
    /// Shell commands that run on while the agent does something else.
    pub background_task_count: u32,
    pub future_scheduled_message_count: u32,
    #[schema(required)]
    pub next_scheduled_at: Option<i64>,
    #[schema(required)]
    pub model: Option<String>,
    #[schema(required)]
    pub model_reasoning_effort: Option<String>,
    #[schema(required)]
    pub effort: Option<String>,
    /// Newer than what anybody has seen of it; `session-seen` events tell when that changes.
    pub unread: bool,
    /// Told by patches of the event stream, and kept here by pages.
    pub active_turn_started_at: Option<i64>,
    /// Told by `session-contact` events, and kept here by pages.
    #[schema(required = false)]
    pub contact: Contact,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SummaryMetadata {
    #[schema(required = false)]
    pub name: String,
    pub path: String,
    #[schema(required = false)]
    pub machine_id: String,
    #[schema(required = false)]
    pub summary: SummaryText,
    #[schema(required)]
    pub flavor: Option<String>,
    #[schema(required = false)]
    pub worktree: Worktree,
    /// The agent's own id of the conversation.
    #[schema(required = false)]
    pub agent_session_id: String,
    /// `running` or `archived`, among others.
    #[schema(required = false)]
    pub lifecycle_state: String,
    #[schema(required = false)]
    pub hapi_mcp_url: String,
}

#[derive(ToSchema)]
pub struct SummaryText {
    pub text: String,
}

#[derive(ToSchema)]
pub struct TodoProgress {
    pub completed: u32,
    pub total: u32,
}

/// A request that waits for somebody.
#[derive(ToSchema)]
pub struct PendingRequest {
    pub id: String,
    pub kind: RequestKind,
    pub tool: String,
    pub since: i64,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum RequestKind {
    /// May the agent do this?
    Permission,
    /// The agent asks a question.
    Input,
}
