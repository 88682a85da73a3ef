//! What can be changed about a session.

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ResumeRequest {
    #[schema(required = false)]
    pub permission_mode: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ResumeAnswer {
    /// `success`.
    pub r#type: String,
    /// May be another session than the one asked for.
    pub session_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ReopenAnswer {
    pub ok: bool,
    /// May be another session than the one asked for.
    pub session_id: String,
    /// False when the session was active all along.
    pub resumed: bool,
}

#[derive(ToSchema)]
pub struct RenameRequest {
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
}

#[derive(ToSchema)]
pub struct SummaryRequest {
    #[schema(min_length = 1, max_length = 255)]
    pub text: String,
}

#[derive(ToSchema)]
pub struct PinRequest {
    pub mode: PinMode,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum PinMode {
    None,
    /// In its project.
    Project,
    /// Above all projects.
    Global,
}

#[derive(ToSchema)]
pub struct PermissionModeRequest {
    /// One that the session's flavor knows.
    pub mode: String,
}

#[derive(ToSchema)]
pub struct ModelRequest {
    /// `null` for the agent's default.
    #[schema(required)]
    pub model: Option<ModelChoice>,
}

#[derive(ToSchema)]
#[serde(untagged)]
pub enum ModelChoice {
    Name(String),
    #[schema(rename_all = "camelCase")]
    OfProvider {
        provider: String,
        model_id: String,
    },
}

#[derive(ToSchema)]
pub struct EffortRequest {
    /// `null` for the agent's default.
    #[schema(required)]
    pub effort: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ReasoningEffortRequest {
    /// `null` for the agent's default.
    #[schema(required)]
    pub model_reasoning_effort: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ServiceTierRequest {
    /// `fast` or `standard`.
    pub service_tier: String,
}

#[derive(ToSchema)]
pub struct ModeRequest {
    /// For collaboration `default` or `plan`; for Copilot's agent `interactive`, `plan` or `autopilot`.
    pub mode: String,
}
