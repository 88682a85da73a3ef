//! Speech into text: a recording as a whole, or a token with which a browser speaks to a provider itself.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    error::PayloadError,
    web::{self, BytesMut},
};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::{
    announces_more_than, at_most,
    upload::{self, Part, Upload},
};
use crate::{
    domain::{
        json,
        voice::{
            Provider,
            audio::{Kind, LARGEST},
            is_language,
        },
    },
    http::{
        Shared,
        auth::Caller,
        error::{ApiError, ApiResult},
    },
    voice::{Audio, Upstream},
    wire::{
        rest, schema,
        voice::{RealtimeToken, TranscriptionAnswer},
    },
};

const LARGEST_TOKEN_REQUEST: usize = 8 * 1024;
const INVALID_LANGUAGE: &str = "Invalid transcription language";

/// A recording becomes text.
#[utoipa::path(
    post, path = "/api/voice/transcription", tag = "voice",
    request_body(content = schema::TranscriptionForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = TranscriptionAnswer), (status = 400, body = rest::ErrorBody),
        (status = 413, body = rest::ErrorBody, description = "more than 26 MiB"),
        (status = 502, body = rest::ErrorBody, description = "the provider failed"),
    ),
)]
pub async fn transcribe(
    _: Caller,
    req: HttpRequest,
    shared: web::Data<Arc<Shared>>,
    upstream: web::Data<Upstream>,
    body: web::Payload,
) -> ApiResult<HttpResponse> {
    let (provider, language, audio) = request(upload::read(&req, body).await?)?;
    let held = super::held(&shared).await?;
    let heard = shared.voice.transcribe(&upstream, &held, provider, language.as_deref(), audio).await?;
    Ok(HttpResponse::Ok().json(TranscriptionAnswer { text: heard.text, language: heard.language }))
}

/// Pages show the first error, so the order of the checks counts.
fn request(upload: Upload) -> ApiResult<(Provider, Option<String>, Audio)> {
    let Upload { file, provider, mode, language } = upload;
    let provider = provider.and_then(|provider| Provider::find(provider.text()?));
    let provider = provider.ok_or_else(|| ApiError::invalid("Invalid transcription provider"))?;
    let language = match language {
        None => None,
        Some(Part::Text(text)) if text.is_empty() => None,
        Some(Part::Text(text)) if is_language(&text) => Some(text),
        Some(_) => return Err(ApiError::invalid(INVALID_LANGUAGE)),
    };
    if mode.is_some_and(|mode| mode.text() != Some("standard")) {
        return Err(ApiError::invalid("This endpoint only accepts standard transcription"));
    }
    let Some(Part::File { name, mime_type, content }) = file else {
        return Err(ApiError::invalid("Missing audio file"));
    };
    if content.is_empty() || content.len() > LARGEST {
        return Err(ApiError::invalid(format!("Audio file must be between 1 byte and {LARGEST} bytes")));
    }
    let kind = Kind::of(mime_type.as_deref(), Some(&name));
    let kind = kind.ok_or_else(|| ApiError::invalid("Unsupported audio file type"))?;
    Ok((provider, language, Audio { content, kind }))
}

/// A token with which a browser speaks to a provider itself. It soon expires.
#[utoipa::path(
    post, path = "/api/voice/transcription/realtime-token", tag = "voice",
    request_body = schema::RealtimeTokenRequest,
    responses(
        (status = 200, body = RealtimeToken), (status = 400, body = rest::ErrorBody),
        (status = 413, body = rest::ErrorBody, description = "more than 8 KiB"),
        (status = 502, body = rest::ErrorBody, description = "the provider failed"),
    ),
)]
pub async fn realtime_token(
    _: Caller,
    req: HttpRequest,
    shared: web::Data<Arc<Shared>>,
    upstream: web::Data<Upstream>,
    body: web::Payload,
) -> ApiResult<HttpResponse> {
    let body = small(&req, body).await?;
    let fields = body.as_ref();
    let provider = fields.and_then(|fields| Provider::find(fields.get("provider")?.as_str()?));
    let provider = provider
        .filter(|provider| provider.is_realtime())
        .ok_or_else(|| ApiError::invalid("Invalid realtime transcription provider"))?;
    let language = match fields.and_then(|fields| fields.get("language")) {
        None => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) if is_language(text) => Some(text.as_str()),
        Some(_) => return Err(ApiError::invalid(INVALID_LANGUAGE)),
    };
    let held = super::held(&shared).await?;
    let token = shared.voice.realtime_token(&upstream, &held, provider, language).await?;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .json(RealtimeToken { token: token.expose().to_owned() }))
}

/// A small body as JSON; `None` when it is none.
async fn small(req: &HttpRequest, body: web::Payload) -> ApiResult<Option<Value>> {
    if announces_more_than(req, LARGEST_TOKEN_REQUEST) {
        return Err(ApiError::realtime_request_too_large());
    }
    let chunks = at_most(LARGEST_TOKEN_REQUEST, body);
    let read = chunks.try_fold(BytesMut::new(), |mut all, chunk| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    });
    match read.await {
        Ok(body) => Ok(std::str::from_utf8(&body).ok().and_then(json::read_text)),
        Err(PayloadError::Overflow) => Err(ApiError::realtime_request_too_large()),
        Err(_) => Err(ApiError::invalid_body()),
    }
}
