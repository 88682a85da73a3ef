//! Tokens that soon expire, with which a browser speaks to a provider itself.

use awc::http::Method;
use serde_json::{Value, json};

use super::{
    Upstream, UpstreamError, Voice, VoiceError,
    upstream::{self, Scheme},
};
use crate::{
    config::{Secret, credentials::Credentials},
    domain::voice::{Provider, key::Key, plain_language},
};

const OPENAI_MODEL: &str = "gpt-4o-transcribe";

impl Voice {
    /// A token for dictation while one speaks.
    pub async fn realtime_token(
        &self,
        upstream: &Upstream,
        credentials: &Credentials,
        provider: Provider,
        language: Option<&str>,
    ) -> Result<Secret, VoiceError> {
        let key = credentials.text(provider.key()).ok_or(VoiceError::NotConfigured(provider))?;
        let token = match provider {
            Provider::ElevenLabs => {
                let place = (self.config.elevenlabs_url.as_str(), "single-use-token/realtime_scribe");
                self.token(upstream, place, (Scheme::Header, key), None, "/token").await
            }
            Provider::Deepgram => {
                let place = (self.config.deepgram_url.as_str(), "auth/grant");
                self.token(upstream, place, (Scheme::Token, key), Some(json!({})), "/access_token").await
            }
            _ => {
                let place = (self.config.openai_url.as_str(), "realtime/client_secrets");
                self.token(upstream, place, (Scheme::Bearer, key), Some(session(language)), "/value").await
            }
        };
        token.map_err(VoiceError::of(provider))
    }

    async fn token(
        &self,
        upstream: &Upstream,
        place: (&str, &str),
        key: (Scheme, &Secret),
        body: Option<Value>,
        pointer: &str,
    ) -> Result<Secret, UpstreamError> {
        let request = upstream.request(Method::POST, place, &[], Some(key))?;
        let call = match body {
            Some(body) => request.send_json(&body),
            None => request.send(),
        };
        token_in(&upstream::answer(call, self.patience()).await?, pointer)
    }

    /// A token for a conversation with an agent that people have made at ElevenLabs, with their key or the hub's.
    /// `None` without either.
    pub async fn conversation_token(
        &self,
        upstream: &Upstream,
        credentials: &Credentials,
        agent: &str,
        own_key: Option<&Secret>,
    ) -> Option<Result<Secret, VoiceError>> {
        let key = own_key.or(credentials.text(Key::ElevenLabs))?;
        let place = (self.config.elevenlabs_url.as_str(), "convai/conversation/token");
        let ask = async {
            let query = [("agent_id", agent)];
            let request = upstream.request(Method::GET, place, &query, Some((Scheme::Header, key)))?;
            token_in(&upstream::answer(request.send(), self.patience()).await?, "/token")
        };
        Some(ask.await.map_err(VoiceError::of(Provider::ElevenLabs)))
    }
}

fn session(language: Option<&str>) -> Value {
    let mut transcription = json!({ "model": OPENAI_MODEL });
    if let (Some(language), Some(fields)) = (language, transcription.as_object_mut()) {
        fields.insert("language".into(), plain_language(language).into());
    }
    json!({ "session": { "type": "transcription", "audio": { "input": { "transcription": transcription } } } })
}

fn token_in(answer: &Value, pointer: &str) -> Result<Secret, UpstreamError> {
    let token = answer.pointer(pointer).and_then(Value::as_str).filter(|token| !token.is_empty());
    token.map(Secret::new).ok_or(UpstreamError::Unusable)
}
