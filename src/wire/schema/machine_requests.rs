//! What can be asked of a machine.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DisplayNameRequest {
    /// Empty to go back to the host's name.
    #[schema(max_length = 64)]
    pub display_name: String,
}

#[derive(ToSchema)]
pub struct AgentAvailability {
    pub agents: Vec<AvailableAgent>,
}

#[derive(ToSchema)]
pub struct AvailableAgent {
    /// A flavor.
    pub agent: String,
    pub available: bool,
    /// `not_found` or `invalid_configuration`.
    #[schema(required = false)]
    pub reason: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SpawnAnswer {
    pub r#type: SpawnOutcome,
    /// There with `success`.
    #[schema(required = false)]
    pub session_id: String,
    /// There with `error`.
    #[schema(required = false)]
    pub message: String,
    /// `agent_unavailable`, `outside_workspace_roots` or `runner_upgrade_required`.
    #[schema(required = false)]
    pub code: String,
    #[schema(required = false)]
    pub agent: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum SpawnOutcome {
    Success,
    Error,
}

#[derive(ToSchema)]
pub struct PathsExistRequest {
    #[schema(max_items = 1000)]
    pub paths: Vec<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PathsExist {
    /// By path.
    pub exists: BTreeMap<String, bool>,
    #[schema(required = false)]
    pub outside_workspace_roots: Vec<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RegisterMachineRequest {
    pub id: String,
    /// Merged into what is known, unless it is no object.
    pub metadata: Value,
    /// Sent by the runner itself only.
    #[schema(required = false)]
    pub runner_state: Value,
}

/// What the restart of a runner answers.
#[derive(ToSchema)]
pub struct RestartAnswer {
    pub message: String,
}
