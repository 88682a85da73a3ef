//! Bodies of the REST surface.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What every failed request answers.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody {
    /// For people. Clients fall back to it where there is no code.
    pub error: String,
    /// For programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<String>,
    /// Which fields of the request were wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub issues: Option<Value>,
}

#[derive(Serialize, ToSchema)]
pub struct Ok {
    pub ok: bool,
}

impl Ok {
    pub const TRUE: Self = Self { ok: true };
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthRequest {
    /// `base` or `base:namespace`.
    #[schema(required = false)]
    pub access_token: String,
    /// As Telegram handed it to the page; it wins over a token.
    #[schema(required = false)]
    pub init_data: String,
}

#[derive(Serialize, ToSchema)]
pub struct AuthResponse {
    /// Signed, valid for four hours unless configured otherwise.
    pub token: String,
    pub user: AuthUser,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthUser {
    pub id: u64,
    #[schema(required = false)]
    pub first_name: String,
    #[schema(required = false)]
    pub last_name: String,
    #[schema(required = false)]
    pub username: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendMessage {
    pub text: String,
    /// Chosen by the sender. With it the prompt can be queued, repeated and cancelled.
    pub local_id: Option<String>,
    pub attachments: Option<Vec<Attachment>>,
    /// Epoch milliseconds, at most seven days ahead.
    pub scheduled_at: Option<i64>,
    /// `queue` or `steer`.
    pub delivery_mode: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    pub id: String,
    pub filename: String,
    pub mime_type: String,
    /// Bytes.
    pub size: f64,
    /// On the machine of the session.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuedStateRequest {
    /// At most 1000.
    pub local_ids: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuedState {
    pub queued_local_ids: Vec<String>,
    pub indeterminate_local_ids: Vec<String>,
    pub invoked_local_messages: Vec<InvokedMessage>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvokedMessage {
    pub local_id: String,
    /// Epoch milliseconds.
    pub invoked_at: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VisibilityRequest {
    pub subscription_id: String,
    /// `visible` or `hidden`.
    pub visibility: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateSession {
    pub tag: String,
    pub id: Option<String>,
    pub metadata: Option<Value>,
    pub agent_state: Option<Value>,
    pub model: Option<String>,
    pub model_reasoning_effort: Option<String>,
    pub effort: Option<String>,
    pub machine: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpawnRequest {
    pub directory: String,
    pub agent: Option<String>,
    pub model: Option<String>,
    pub effort: Option<String>,
    pub model_reasoning_effort: Option<String>,
    pub yolo: Option<bool>,
    pub permission_mode: Option<String>,
    /// `simple` or `worktree`.
    pub session_type: Option<String>,
    pub worktree_name: Option<String>,
    pub service_tier: Option<String>,
    pub collaboration_mode: Option<String>,
    pub copilot_agent_mode: Option<String>,
    /// `remote` or `pty`.
    pub starting_mode: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub struct UploadRequest {
    pub filename: String,
    /// Base64.
    pub content: String,
    #[serde(rename = "mimeType")]
    pub mime_type: String,
}
