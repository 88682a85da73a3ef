//! The voices that an assistant can speak with.

use awc::http::Method;
use serde::Deserialize;

use super::{
    Upstream, UpstreamError, Voice, VoiceError,
    upstream::{self, Scheme},
};
use crate::{
    config::credentials::Credentials,
    domain::voice::{Provider, key::Key},
    wire::voice::Speaker,
};

/// One of ElevenLabs' voices, as far as it matters here.
#[derive(Deserialize)]
struct Known {
    voice_id: String,
    name: String,
    preview_url: Option<String>,
    category: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    voices: Vec<Known>,
}

impl Voice {
    /// None without a key.
    pub async fn speakers(
        &self,
        upstream: &Upstream,
        credentials: &Credentials,
    ) -> Result<Vec<Speaker>, VoiceError> {
        let Some(key) = credentials.text(Key::ElevenLabs) else { return Ok(Vec::new()) };
        let ask = async {
            let place = (self.config.elevenlabs_url.as_str(), "voices");
            let request = upstream.request(Method::GET, place, &[], Some((Scheme::Header, key)))?;
            let answer = upstream::answer(request.send(), self.patience()).await?;
            serde_json::from_value(answer).map_err(|_| UpstreamError::Unusable)
        };
        let Answer { voices } = ask.await.map_err(VoiceError::of(Provider::ElevenLabs))?;
        let speaker = |Known { voice_id, name, preview_url, category }| Speaker {
            id: voice_id,
            name,
            preview_url: preview_url.filter(|url| url.starts_with("https://")),
            category,
        };
        Ok(voices.into_iter().map(speaker).collect())
    }
}
