//! Forks, rewinds, clears and plans.

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ForkRequest {
    /// Local id of the prompt before which the copy ends; left out for everything.
    #[schema(required = false, min_length = 1)]
    pub message_local_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RewindRequest {
    /// Local id of the first prompt that goes.
    #[schema(min_length = 1)]
    pub message_local_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewSessionAnswer {
    pub session_id: String,
}

#[derive(ToSchema)]
pub struct Success {
    pub success: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RewindRefusal {
    pub error: String,
    /// Whether the agent's own history may differ from the transcript from now on.
    pub hydrate_failed: bool,
    #[schema(required = false)]
    pub code: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PlanRequest {
    #[schema(min_length = 1)]
    pub plan_id: String,
}

#[derive(ToSchema)]
pub struct PlanRefusal {
    pub ok: bool,
    /// `unavailable`, `stale_plan`, `indeterminate` or `failed`.
    pub code: String,
    pub error: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SessionGone {
    pub error: String,
    /// The session that took it in.
    #[schema(required = false)]
    pub moved_to: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ClearRequest {
    pub replacement_session_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ClearAnswer {
    pub ok: bool,
    pub session_id: String,
}
