//! Cursor's chat stores.

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ChatStore {
    pub on_disk: bool,
    /// `legacy` or `acp`.
    #[schema(required)]
    pub store: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MigrationRequest {
    #[schema(required = false)]
    pub keep_source: bool,
    #[schema(required = false)]
    pub force_archive_running: bool,
    #[schema(required = false)]
    pub skip_verify: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MigrationRefusal {
    pub ok: bool,
    pub session_id: String,
    /// `not_cursor_session`, `already_acp`, `no_cursor_session_id` or `internal_error`.
    pub reason: String,
    pub message: String,
    pub duration_ms: i64,
}
