//! Bodies about dictation and the voice assistant.

use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct VoiceBackends {
    /// The one to begin with.
    #[schema(required)]
    pub backend: Option<&'static str>,
    /// `elevenlabs`, when it has a key. The hub serves no other.
    pub backends: Vec<&'static str>,
}

#[derive(Serialize, ToSchema)]
pub struct TranscriptionProviders {
    pub providers: Vec<TranscriptionProvider>,
}

#[derive(Serialize, ToSchema)]
pub struct TranscriptionProvider {
    /// `openai`, `elevenlabs`, `deepgram`, `groq` or `openai-compatible`.
    pub id: &'static str,
    pub label: &'static str,
    /// `standard`, and `realtime` where browsers may speak to it themselves.
    pub modes: &'static [&'static str],
}

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialSource {
    Env,
    Settings,
    None,
}

/// What is told of a key.
#[derive(Serialize, ToSchema)]
pub struct MaskedCredential {
    pub configured: bool,
    pub source: CredentialSource,
    /// Its last four characters.
    #[schema(required)]
    pub hint: Option<String>,
    pub editable: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialStatus {
    pub openai: MaskedCredential,
    pub elevenlabs: MaskedCredential,
    pub deepgram: MaskedCredential,
    pub groq: MaskedCredential,
    pub openai_compatible: CompatibleStatus,
    pub voice_backends: VoiceBackendStatus,
}

/// A server of one's own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompatibleStatus {
    pub configured: bool,
    pub source: CredentialSource,
    #[schema(required)]
    pub base_url: Option<String>,
    #[schema(required)]
    pub model: Option<String>,
    pub base_url_editable: bool,
    pub model_editable: bool,
    pub api_key: MaskedCredential,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoiceBackendStatus {
    pub elevenlabs: MaskedCredential,
    pub gemini_live: MaskedCredential,
    pub qwen_realtime: MaskedCredential,
}

#[derive(Serialize, ToSchema)]
pub struct Speakers {
    pub voices: Vec<Speaker>,
}

/// A voice of ElevenLabs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Speaker {
    pub id: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct TranscriptionAnswer {
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Lives for minutes at most.
#[derive(Serialize, ToSchema)]
pub struct RealtimeToken {
    pub token: String,
}
