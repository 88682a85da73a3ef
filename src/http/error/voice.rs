//! Errors of dictation and the voice assistant.

use actix_web::http::StatusCode;
use serde_json::json;

use super::{ApiError, plain};
use crate::{
    config::{self, credentials::ChangeError},
    voice::VoiceError,
};

impl ApiError {
    pub fn audio_too_large() -> Self {
        plain(StatusCode::PAYLOAD_TOO_LARGE, "Audio file too large")
    }

    pub fn realtime_request_too_large() -> Self {
        plain(StatusCode::PAYLOAD_TOO_LARGE, "Realtime token request too large")
    }

    /// The family of `{"allowed":false}`.
    pub fn not_allowed(error: &str) -> Self {
        let body = json!({ "allowed": false, "error": error });
        Self { status: StatusCode::BAD_REQUEST, body, retry_after: None }
    }

    pub fn no_conversation(error: &VoiceError) -> Self {
        let status = told(error);
        let status =
            if status == StatusCode::BAD_GATEWAY { StatusCode::INTERNAL_SERVER_ERROR } else { status };
        let body = json!({ "allowed": false, "error": error.to_string() });
        Self { status, body, retry_after: None }
    }

    pub fn invalid_telemetry() -> Self {
        let body = json!({ "ok": false, "error": "Invalid telemetry payload" });
        Self { status: StatusCode::BAD_REQUEST, body, retry_after: None }
    }

    pub fn settings_unusable(error: &config::Error) -> Self {
        tracing::error!(error = error as &dyn std::error::Error, "the hub's settings cannot be used");
        Self::unreadable("The settings file cannot be used")
    }
}

/// The status, once what went wrong has been logged.
fn told(error: &VoiceError) -> StatusCode {
    match error {
        VoiceError::NotConfigured(_) => StatusCode::BAD_REQUEST,
        VoiceError::Upstream { .. } => {
            tracing::warn!(error = error as &dyn std::error::Error, "a voice provider failed");
            StatusCode::BAD_GATEWAY
        }
    }
}

impl From<VoiceError> for ApiError {
    fn from(error: VoiceError) -> Self {
        plain(told(&error), error.to_string())
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Locked(_) => plain(StatusCode::CONFLICT, error.to_string()),
            ChangeError::File(error) => Self::settings_unusable(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::voice::Provider, voice::UpstreamError};

    #[test]
    fn every_body_is_as_clients_know_it() {
        let refused = || VoiceError::of(Provider::OpenAi)(UpstreamError::Refused(401));
        let told: Vec<String> = [
            ApiError::audio_too_large(),
            ApiError::realtime_request_too_large(),
            ApiError::not_allowed("ElevenLabs API key not configured"),
            ApiError::no_conversation(&refused()),
            ApiError::invalid_telemetry(),
            ChangeError::Locked("GROQ_API_KEY").into(),
            ChangeError::File(config::Error::NoHome).into(),
            VoiceError::NotConfigured(Provider::OpenAiCompatible).into(),
            refused().into(),
            VoiceError::of(Provider::Deepgram)(UpstreamError::TimedOut).into(),
            VoiceError::of(Provider::Groq)(UpstreamError::Unusable).into(),
            VoiceError::of(Provider::Groq)(UpstreamError::Misconfigured).into(),
        ]
        .map(|error| error.to_string())
        .to_vec();
        insta::assert_snapshot!(told.join("\n"), @r#"
        413 {"error":"Audio file too large"}
        413 {"error":"Realtime token request too large"}
        400 {"allowed":false,"error":"ElevenLabs API key not configured"}
        500 {"allowed":false,"error":"OpenAI answered 401"}
        400 {"ok":false,"error":"Invalid telemetry payload"}
        409 {"error":"GROQ_API_KEY is set by an environment variable or wheelhouse.toml and can only be changed there"}
        500 {"error":"The settings file cannot be used"}
        400 {"error":"openai-compatible transcription is not configured"}
        502 {"error":"OpenAI answered 401"}
        502 {"error":"Deepgram took too long"}
        502 {"error":"Groq gave an answer that cannot be used"}
        502 {"error":"Groq cannot be called: its address or key cannot be used"}
        "#);
    }
}
