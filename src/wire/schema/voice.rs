//! What pages ask of dictation and the voice assistant.

use utoipa::ToSchema;

/// What is left out stays as it is; `null` or blank text clears. Other keys are refused.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CredentialsRequest {
    pub openai: Option<String>,
    pub elevenlabs: Option<String>,
    pub deepgram: Option<String>,
    pub groq: Option<String>,
    pub gemini_live: Option<String>,
    pub qwen_realtime: Option<String>,
    #[schema(required = false)]
    pub openai_compatible: CompatibleRequest,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CompatibleRequest {
    pub base_url: Option<String>,
    pub model: Option<String>,
    pub api_key: Option<String>,
}

#[derive(ToSchema)]
pub struct TranscriptionForm {
    /// At most 25 MiB.
    #[schema(value_type = String, format = Binary)]
    pub file: String,
    pub provider: String,
    /// `standard`.
    #[schema(required = false)]
    pub mode: String,
    /// Such as `en` or `pt-BR`.
    #[schema(required = false, max_length = 35)]
    pub language: String,
}

#[derive(ToSchema)]
pub struct RealtimeTokenRequest {
    /// `openai`, `elevenlabs` or `deepgram`.
    pub provider: String,
    #[schema(required = false, max_length = 35)]
    pub language: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ConversationTokenRequest {
    /// An agent that was made at ElevenLabs.
    #[schema(required = false)]
    pub custom_agent_id: String,
    #[schema(required = false)]
    pub custom_api_key: String,
    #[schema(required = false)]
    pub voice_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ConversationToken {
    pub allowed: bool,
    pub token: String,
    pub agent_id: String,
}

/// `allowed` is `false`.
#[derive(ToSchema)]
pub struct ConversationRefusal {
    pub allowed: bool,
    pub error: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct VoiceTelemetryRequest {
    #[schema(min_length = 1)]
    pub stage: String,
    #[schema(min_length = 1)]
    pub message: String,
    #[schema(required = false)]
    pub session_id: String,
    #[schema(required = false)]
    pub voice_id: String,
    #[schema(required = false)]
    pub language: String,
    #[schema(required = false, value_type = Object)]
    pub details: serde_json::Value,
}
