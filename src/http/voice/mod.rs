//! Dictation and the voice assistant: what there is, who may change its keys, and recordings that become text.
//!
//! The hub neither proxies a conversation with Gemini Live or Qwen nor makes agents at ElevenLabs. Whoever asks for one
//! is refused as the released hub refuses without keys.

pub mod assistant;
pub mod credentials;
pub mod dictation;
pub mod telemetry;
mod upload;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    error::PayloadError,
    http::header::CONTENT_LENGTH,
    web::{self, Bytes},
};
use futures_util::{Stream, StreamExt};

use super::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
};
use crate::{
    config::credentials::Credentials,
    voice::{self, Upstream},
    wire::{
        rest,
        voice::{Speakers, TranscriptionProvider, TranscriptionProviders, VoiceBackends},
    },
};

/// The keys that hold now.
async fn held(shared: &Shared) -> ApiResult<Credentials> {
    let voice = shared.voice.clone();
    let read = web::block(move || voice.credentials()).await.map_err(|_| ApiError::busy())?;
    read.map_err(|error| ApiError::settings_unusable(&error))
}

/// The backends of the voice assistant that have keys.
#[utoipa::path(
    get, path = "/api/voice/backend", tag = "voice",
    responses((status = 200, body = VoiceBackends), (status = 500, body = rest::ErrorBody)),
)]
pub async fn backend(_: Caller, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    let (first, all) = shared.voice.backends(&held(&shared).await?);
    let backends = all.into_iter().map(crate::domain::voice::Backend::id).collect();
    Ok(HttpResponse::Ok().json(VoiceBackends { backend: first.map(|backend| backend.id()), backends }))
}

/// The providers of dictation that have keys.
#[utoipa::path(
    get, path = "/api/voice/transcription/providers", tag = "voice",
    responses((status = 200, body = TranscriptionProviders), (status = 500, body = rest::ErrorBody)),
)]
pub async fn providers(_: Caller, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    let held = held(&shared).await?;
    let providers = voice::providers(&held).map(|provider| TranscriptionProvider {
        id: provider.id(),
        label: provider.label(),
        modes: if provider.is_realtime() { &["standard", "realtime"] } else { &["standard"] },
    });
    Ok(HttpResponse::Ok().json(TranscriptionProviders { providers: providers.collect() }))
}

/// The voices that ElevenLabs offers. None when they cannot be told.
#[utoipa::path(get, path = "/api/voice/voices", tag = "voice", responses((status = 200, body = Speakers)))]
pub async fn speakers(
    _: Caller,
    shared: web::Data<Arc<Shared>>,
    upstream: web::Data<Upstream>,
) -> HttpResponse {
    let voices = match held(&shared).await {
        Ok(held) => shared.voice.speakers(&upstream, &held).await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "the voices cannot be told");
            Vec::new()
        }),
        // Whoever read the file has logged what is wrong with it.
        Err(_) => Vec::new(),
    };
    HttpResponse::Ok().json(Speakers { voices })
}

/// Whether a request says that its body is larger than that; then it is refused before anything is read.
fn announces_more_than(req: &HttpRequest, limit: usize) -> bool {
    let length = req.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_some_and(|length: usize| length > limit)
}

/// A body that fails as soon as it is larger than that.
fn at_most(limit: usize, body: web::Payload) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    let mut left = limit;
    body.map(move |chunk| {
        let chunk = chunk?;
        left = left.checked_sub(chunk.len()).ok_or(PayloadError::Overflow)?;
        Ok(chunk)
    })
}
