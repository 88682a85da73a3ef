//! Conversations that agents keep on their machines.

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CodexStatus {
    pub success: bool,
    #[schema(required = false)]
    pub error: String,
    pub codex_desktop_running: bool,
    pub codex_client_available: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct LocalSessions {
    pub success: bool,
    pub sessions: Vec<LocalSession>,
    pub machine_id: String,
}

/// A conversation as its runner tells of it. Which of the fields there are depends on the agent.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct LocalSession {
    pub id: String,
    pub title: String,
    pub last_user_message: Option<String>,
    pub cwd: Option<String>,
    pub file: String,
    pub modified_at: f64,
    pub originator: Option<String>,
    pub cli_version: Option<String>,
    pub source: Option<String>,
    pub thread_source: Option<String>,
    pub forked_from_id: Option<String>,
    pub model: Option<String>,
    pub thinking_level: Option<String>,
    pub leaf_entry_id: Option<String>,
    #[schema(required = false)]
    pub message_count: i64,
    /// The session here that has it.
    #[schema(required = false)]
    pub hapi_session_id: String,
    /// How its last import ended: `complete` or `diverged`.
    #[schema(required = false)]
    pub import_state: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ArchiveThread {
    #[schema(min_length = 1)]
    pub session_id: String,
    #[schema(required = false)]
    pub machine_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ArchivedThread {
    pub success: bool,
    pub archived_path: String,
    pub machine_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SyncThreads {
    pub session_ids: Vec<String>,
    #[schema(required = false)]
    pub cwd: String,
    #[schema(required = false)]
    pub machine_id: String,
    #[schema(required = false)]
    pub model: String,
    #[schema(required = false)]
    pub model_reasoning_effort: String,
    #[schema(required = false)]
    pub service_tier: String,
    #[schema(required = false)]
    pub collaboration_mode: String,
    #[schema(required = false)]
    pub yolo: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SyncedThreads {
    pub success: bool,
    #[schema(required = false)]
    pub error: String,
    #[schema(required = false)]
    pub message: String,
    pub cwd: String,
    pub session_ids: Vec<String>,
    #[schema(required = false)]
    pub hapi_session_ids: Vec<String>,
    #[schema(required = false)]
    pub synced_count: i64,
    #[schema(required = false)]
    pub output: String,
    pub codex_desktop_running: bool,
    pub codex_client_available: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ChosenThreads {
    pub session_ids: Vec<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DuplicateThreads {
    pub success: bool,
    #[schema(required = false)]
    pub error: String,
    #[schema(required = false)]
    pub duplicates: Vec<DuplicateThread>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DuplicateThread {
    pub codex_session_id: String,
    pub hapi_session_ids: Vec<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MergedThreads {
    pub success: bool,
    #[schema(required = false)]
    pub error: String,
    #[schema(required = false)]
    pub merged: Vec<MergedThread>,
    /// How many threads have one session now that had several.
    #[schema(required = false)]
    pub merged_count: i64,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MergedThread {
    pub codex_session_id: String,
    pub hapi_session_ids: Vec<String>,
    pub canonical_session_id: String,
    pub removed_session_ids: Vec<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ImportConversations {
    pub session_ids: Vec<String>,
    #[schema(required = false)]
    pub cwd: String,
    #[schema(required = false)]
    pub machine_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ImportedConversations {
    pub success: bool,
    pub results: Vec<ImportResult>,
    pub machine_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ImportResult {
    pub pi_session_id: String,
    #[schema(required = false)]
    pub hapi_session_id: String,
    /// `created`, `updated` or `unchanged`.
    #[schema(required = false)]
    pub action: String,
    #[schema(required = false)]
    pub appended: i64,
    #[schema(required = false)]
    pub error: ImportFailure,
}

#[derive(ToSchema)]
pub struct ImportFailure {
    /// `not_found`, `transcript_diverged`, `session_active` or `import_failed`.
    pub code: String,
    pub message: String,
}
