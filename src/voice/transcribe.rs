//! A recording becomes text.

use std::time::Duration;

use awc::http::{Method, header::CONTENT_TYPE};
use bytes::Bytes;
use serde_json::Value;

use super::{
    Upstream, UpstreamError, Voice, VoiceError, form,
    upstream::{self, Scheme},
};
use crate::{
    config::credentials::Credentials,
    domain::voice::{Provider, audio::Kind, is_language, key::Key, plain_language},
};

const OPENAI_MODEL: &str = "gpt-4o-transcribe";
const GROQ_MODEL: &str = "whisper-large-v3-turbo";
const ELEVENLABS_MODEL: &str = "scribe_v1";
const DEEPGRAM_MODEL: &str = "nova-3";
/// What servers of one's own go by when nobody names a model.
const USUAL_MODEL: &str = "whisper-1";

#[derive(Clone, Debug)]
pub struct Audio {
    pub content: Bytes,
    pub kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Transcript {
    pub text: String,
    /// What the provider took it for, when it says so.
    pub language: Option<String>,
}

impl Voice {
    /// Has a recording turned into text by the provider.
    pub async fn transcribe(
        &self,
        upstream: &Upstream,
        credentials: &Credentials,
        provider: Provider,
        language: Option<&str>,
        audio: Audio,
    ) -> Result<Transcript, VoiceError> {
        if credentials.get(provider.key()).is_none() {
            return Err(VoiceError::NotConfigured(provider));
        }
        let heard = match provider {
            Provider::Deepgram => self.listen(upstream, credentials, language, audio).await,
            Provider::ElevenLabs => self.scribe(upstream, credentials, language, &audio).await,
            _ => self.openai_like(upstream, credentials, provider, language, &audio).await,
        };
        heard.map_err(VoiceError::of(provider))
    }

    /// Everybody who speaks as OpenAI does.
    async fn openai_like(
        &self,
        upstream: &Upstream,
        credentials: &Credentials,
        provider: Provider,
        language: Option<&str>,
        audio: &Audio,
    ) -> Result<Transcript, UpstreamError> {
        let named = credentials.text(Key::CompatibleModel).map(|model| model.expose());
        let (base, model, key) = match provider {
            Provider::Groq => (self.config.groq_url.as_str(), GROQ_MODEL, Key::Groq),
            Provider::OpenAiCompatible => {
                let base = credentials.text(Key::CompatibleUrl).ok_or(UpstreamError::Misconfigured)?;
                (base.expose(), named.unwrap_or(USUAL_MODEL), Key::CompatibleKey)
            }
            _ => (self.config.openai_url.as_str(), OPENAI_MODEL, Key::OpenAi),
        };
        let key = credentials.text(key).map(|key| (Scheme::Bearer, key));
        let request = upstream.request(Method::POST, (base, "audio/transcriptions"), &[], key)?;
        let mut fields = vec![("model", model), ("response_format", "json")];
        fields.extend(language.map(|language| ("language", plain_language(language))));
        let answer = upstream::answer(form::send(request, &fields, audio), self.patience()).await?;
        transcript(answer.get("text"), answer.get("language"))
    }

    async fn scribe(
        &self,
        upstream: &Upstream,
        credentials: &Credentials,
        language: Option<&str>,
        audio: &Audio,
    ) -> Result<Transcript, UpstreamError> {
        let key = credentials.text(Key::ElevenLabs).map(|key| (Scheme::Header, key));
        let place = (self.config.elevenlabs_url.as_str(), "speech-to-text");
        let request = upstream.request(Method::POST, place, &[], key)?;
        // Nobody reads when which word was said.
        let mut fields = vec![("model_id", ELEVENLABS_MODEL), ("timestamps_granularity", "none")];
        fields.extend(language.map(|language| ("language_code", plain_language(language))));
        let answer = upstream::answer(form::send(request, &fields, audio), self.patience()).await?;
        transcript(answer.get("text"), answer.get("language_code"))
    }

    async fn listen(
        &self,
        upstream: &Upstream,
        credentials: &Credentials,
        language: Option<&str>,
        audio: Audio,
    ) -> Result<Transcript, UpstreamError> {
        let key = credentials.text(Key::Deepgram).map(|key| (Scheme::Token, key));
        let spoken = language.map_or(("detect_language", "true"), |language| ("language", language));
        let query = [("model", DEEPGRAM_MODEL), ("smart_format", "true"), spoken];
        let place = (self.config.deepgram_url.as_str(), "listen");
        let request = upstream.request(Method::POST, place, &query, key)?;
        let call = request.insert_header((CONTENT_TYPE, audio.kind.mime_type)).send_body(audio.content);
        let answer = upstream::answer(call, self.patience()).await?;
        let channel = answer.pointer("/results/channels/0").ok_or(UpstreamError::Unusable)?;
        transcript(channel.pointer("/alternatives/0/transcript"), channel.get("detected_language"))
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_millis(*self.config.timeout_ms)
    }
}

/// Silence is an empty text. A language that is none is not told: some say `english`.
fn transcript(text: Option<&Value>, language: Option<&Value>) -> Result<Transcript, UpstreamError> {
    let text = text.and_then(Value::as_str).ok_or(UpstreamError::Unusable)?.trim().to_owned();
    let language = language.and_then(Value::as_str).filter(|language| is_language(language));
    Ok(Transcript { text, language: language.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_needed_and_a_language_is_not() {
        let heard = transcript(Some(&json!(" hi ")), Some(&json!("en-US"))).unwrap();
        assert_eq!(heard, Transcript { text: "hi".into(), language: Some("en-US".into()) });
        for language in [None, Some(json!(null)), Some(json!("")), Some(json!(5))] {
            let heard = transcript(Some(&json!("")), language.as_ref()).unwrap();
            assert_eq!(heard, Transcript { text: String::new(), language: None });
        }
        assert!(transcript(None, None).is_err());
        assert!(transcript(Some(&json!(null)), None).is_err());
    }
}
