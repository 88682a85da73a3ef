//! What the agent's process says about itself, and what it asks.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::{Answers, Choice};

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AgentState {
    /// A terminal on the machine drives the session.
    pub controlled_by_user: Option<bool>,
    /// The plan that can be implemented now.
    pub codex_plan_proposal_id: Option<String>,
    /// A prompt is being put into the running turn.
    pub steering_active: Option<bool>,
    /// `local`, `remote` or `pty`.
    pub starting_mode: Option<String>,
    /// By request id.
    pub requests: Option<BTreeMap<String, Request>>,
    /// By request id. An entry hides the open request of the same id.
    pub completed_requests: Option<BTreeMap<String, CompletedRequest>>,
}

/// An open request: may the agent do this, or what is the answer to its question.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Request {
    pub tool: String,
    /// The tool call it belongs to, where that has another id.
    #[schema(required = false)]
    pub tool_call_id: String,
    pub arguments: Value,
    pub created_at: Option<i64>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CompletedRequest {
    pub tool: String,
    /// The tool call it belongs to, where that has another id.
    #[schema(required = false)]
    pub tool_call_id: String,
    pub arguments: Value,
    pub created_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub status: RequestStatus,
    #[schema(required = false)]
    pub reason: String,
    /// The permission mode chosen with the answer.
    #[schema(required = false)]
    pub mode: String,
    #[schema(required = false)]
    pub decision: Choice,
    #[schema(required = false)]
    pub allow_tools: Vec<String>,
    #[schema(required = false)]
    pub answers: BTreeMap<String, Answers>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum RequestStatus {
    Approved,
    Denied,
    Canceled,
    /// Answered elsewhere.
    Resolved,
}
