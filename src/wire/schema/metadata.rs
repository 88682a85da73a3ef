//! What a session is about, as its agent's process reports it. Fields that only that process reads are left out.

use std::collections::BTreeMap;

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Metadata {
    /// The working directory on the machine.
    pub path: String,
    /// The name of the machine.
    pub host: String,
    /// Of the agent's process.
    #[schema(required = false)]
    pub version: String,
    #[schema(required = false)]
    pub os: String,
    /// Given by a person.
    #[schema(required = false)]
    pub name: String,
    #[schema(required = false)]
    pub summary: MetadataSummary,
    #[schema(required = false)]
    pub machine_id: String,
    pub flavor: Option<String>,
    /// `local`, `remote` or `pty`.
    pub starting_mode: Option<String>,
    /// `runner` or `terminal`.
    #[schema(required = false)]
    pub started_by: String,
    #[schema(required = false)]
    pub started_from_runner: bool,
    #[schema(required = false)]
    pub host_pid: i64,
    #[schema(required = false)]
    pub hapi_mcp_url: String,
    #[schema(required = false)]
    pub home_dir: String,
    #[schema(required = false)]
    pub tools: Vec<String>,
    #[schema(required = false)]
    pub slash_commands: Vec<String>,
    #[schema(required = false)]
    pub capabilities: SessionCapabilities,
    #[schema(required = false)]
    pub worktree: Worktree,
    #[schema(required = false)]
    pub claude_session_id: String,
    #[schema(required = false)]
    pub codex_session_id: String,
    /// The thread that an imported or forked Codex session came from.
    #[schema(required = false)]
    pub codex_source_session_id: String,
    #[schema(required = false)]
    pub gemini_session_id: String,
    #[schema(required = false)]
    pub opencode_session_id: String,
    #[schema(required = false)]
    pub grok_session_id: String,
    #[schema(required = false)]
    pub agy_session_id: String,
    #[schema(required = false)]
    pub cursor_session_id: String,
    #[schema(required = false)]
    pub kimi_session_id: String,
    #[schema(required = false)]
    pub copilot_session_id: String,
    #[schema(required = false)]
    pub pi_session_id: String,
    /// `acp` or `stream-json`.
    #[schema(required = false)]
    pub cursor_session_protocol: String,
    /// `running` or `archived`, among others.
    #[schema(required = false)]
    pub lifecycle_state: String,
    #[schema(required = false)]
    pub lifecycle_state_since: i64,
    #[schema(required = false)]
    pub archived_by: String,
    #[schema(required = false)]
    pub archive_reason: String,
    /// The session that this one was forked from.
    #[schema(required = false)]
    pub forked_from: String,
    /// The session that took this one's place: clients go there.
    #[schema(required = false)]
    pub superseded_by_session_id: String,
    /// The last chosen mode. It outlives the agent's process.
    #[schema(required = false)]
    pub preferred_permission_mode: String,
    /// `interactive`, `plan` or `autopilot`.
    #[schema(required = false)]
    pub preferred_copilot_agent_mode: String,
    /// By local id: the prompts at which a conversation can be forked or rewound.
    #[schema(required = false)]
    pub conversation_history_points: BTreeMap<String, bool>,
    /// The agent's own history and ours differ: no forks, no rewinds.
    #[schema(required = false)]
    pub conversation_history_diverged: bool,
    pub pi_selected_model: Option<PiModel>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MetadataSummary {
    pub text: String,
    pub updated_at: i64,
}

/// A git worktree that was made for the session.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Worktree {
    /// The repository.
    pub base_path: String,
    pub branch: String,
    pub name: String,
    #[schema(required = false)]
    pub worktree_path: String,
    #[schema(required = false)]
    pub created_at: i64,
}

/// What pages may offer.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SessionCapabilities {
    /// Terminal and pages use the session at the same time.
    #[schema(required = false)]
    pub concurrent_clients: bool,
    #[schema(required = false)]
    pub terminal: bool,
    #[schema(required = false)]
    pub conversation_history: HistoryCapabilities,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct HistoryCapabilities {
    #[schema(required = false)]
    pub fork_current: bool,
    #[schema(required = false)]
    pub fork_at_message: bool,
    #[schema(required = false)]
    pub rewind_to_message: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PiModel {
    pub provider: String,
    pub model_id: String,
}
