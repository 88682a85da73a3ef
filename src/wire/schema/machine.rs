//! A machine on which sessions run.

use utoipa::ToSchema;

#[derive(ToSchema)]
pub struct MachineList {
    /// Those that are online.
    pub machines: Vec<Machine>,
}

#[derive(ToSchema)]
pub struct MachineAnswer {
    pub machine: Machine,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Machine {
    pub id: String,
    pub namespace: String,
    /// Grows with every change.
    pub seq: i64,
    pub created_at: i64,
    pub updated_at: i64,
    /// Whether its runner reports in.
    pub active: bool,
    pub active_at: i64,
    #[schema(required)]
    pub metadata: Option<MachineMetadata>,
    pub metadata_version: i64,
    #[schema(required)]
    pub runner_state: Option<RunnerState>,
    pub runner_state_version: i64,
    /// `null` until the runner reports it.
    #[schema(required)]
    pub health: Option<MachineHealth>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MachineMetadata {
    pub host: String,
    pub platform: String,
    pub happy_cli_version: String,
    /// Given by a person.
    #[schema(required = false)]
    pub display_name: String,
    #[schema(required = false)]
    pub home_dir: String,
    #[schema(required = false)]
    pub happy_home_dir: String,
    #[schema(required = false)]
    pub happy_lib_dir: String,
    /// Sessions start below these only.
    #[schema(required = false)]
    pub workspace_roots: Vec<String>,
    /// `agent-availability`, `cursor-chat-store-status` and `stop-runner` are known.
    #[schema(required = false)]
    pub capabilities: Vec<String>,
    /// Another time than the installed one means that an update waits for a restart.
    #[schema(required = false)]
    pub started_cli_mtime_ms: f64,
    #[schema(required = false)]
    pub installed_cli_mtime_ms: f64,
    /// Something starts the runner again when it stops.
    #[schema(required = false)]
    pub supervised_restart: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RunnerState {
    /// `offline`, `running` or `shutting-down`.
    pub status: String,
    #[schema(required = false)]
    pub pid: i64,
    #[schema(required = false)]
    pub http_port: u16,
    #[schema(required = false)]
    pub started_at: i64,
    #[schema(required = false)]
    pub shutdown_requested_at: i64,
    #[schema(required = false)]
    pub shutdown_source: String,
    #[schema(required = false)]
    pub capabilities: RunnerCapabilities,
    pub last_spawn_error: Option<SpawnError>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RunnerCapabilities {
    #[schema(required = false)]
    pub codex_shared_runtime: bool,
    #[schema(required = false)]
    pub pi_existing_session_resume: bool,
    /// What can be chosen for an agent, and when.
    #[schema(required = false)]
    pub agent_configs: Vec<AgentConfig>,
}

#[derive(ToSchema)]
pub struct AgentConfig {
    pub flavor: String,
    pub fields: Vec<AgentConfigField>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AgentConfigField {
    /// `model`, `effort`, `permission`, `serviceTier` or `collaborationMode`.
    pub id: String,
    /// `model`, `effort`, `permission` or `settings`.
    pub section: String,
    /// `select`, `grouped-select`, `dependent-select` or `status`.
    pub kind: String,
    /// `static`, `machine`, `directory`, `session` or `model`.
    #[schema(required = false)]
    pub option_source: String,
    /// `create`, `session`, `both` or `managed`.
    pub availability: String,
    #[schema(required = false)]
    pub unavailable_reason: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SpawnError {
    pub message: String,
    #[schema(required = false)]
    pub pid: i64,
    pub exit_code: Option<i32>,
    pub signal: Option<String>,
    pub at: i64,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MachineHealth {
    pub collected_at: i64,
    #[schema(required = false)]
    pub cpu_count: u32,
    #[schema(required = false, rename = "load1m")]
    pub load_1m: f64,
    /// 0 to 100.
    #[schema(required = false)]
    pub cpu_percent: f64,
    /// 0 to 100.
    #[schema(required = false)]
    pub memory_percent: f64,
    #[schema(required = false)]
    pub uptime_seconds: f64,
}
