//! The keys of voice providers: entered by the hub's owner, never told again.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value};

use crate::{
    config::{
        Secret,
        credentials::{Change, Credentials},
    },
    domain::voice::key::{self, Key},
    http::{
        Shared,
        auth::Caller,
        body::Body,
        error::{ApiError, ApiResult},
        owner,
    },
    wire::{
        rest, schema,
        voice::{CompatibleStatus, CredentialSource, CredentialStatus, MaskedCredential, VoiceBackendStatus},
    },
};

const WHAT: &str = "Provider credentials are";

/// Which keys are set, and from where.
#[utoipa::path(
    get, path = "/api/voice/transcription/credentials", tag = "voice",
    responses(
        (status = 200, body = CredentialStatus),
        (status = 403, body = rest::ErrorBody, description = "not the hub's owner"),
        (status = 500, body = rest::ErrorBody),
    ),
)]
pub async fn get(caller: Caller, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    owner::only(&caller, WHAT)?;
    Ok(answer(&super::held(&shared).await?))
}

/// Sets and clears keys. It holds at once.
#[utoipa::path(
    put, path = "/api/voice/transcription/credentials", tag = "voice",
    request_body = schema::CredentialsRequest,
    responses(
        (status = 200, body = CredentialStatus), (status = 400, body = rest::ErrorBody),
        (status = 403, body = rest::ErrorBody, description = "not the hub's owner"),
        (status = 409, body = rest::ErrorBody, description = "set where it cannot be changed"),
        (status = 500, body = rest::ErrorBody),
    ),
)]
pub async fn put(caller: Caller, shared: web::Data<Arc<Shared>>, body: Body) -> ApiResult<HttpResponse> {
    owner::only(&caller, WHAT)?;
    let changes = changes(body.value().as_ref())
        .ok_or_else(|| ApiError::invalid("Invalid transcription credentials payload"))?;
    let (voice, clock) = (shared.voice.clone(), shared.env.clock.clone());
    let changed = web::block(move || voice.change(&clock, &changes)).await.map_err(|_| ApiError::busy())?;
    Ok(answer(&changed?))
}

fn answer(held: &Credentials) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(status(held))
}

/// `None` when anything is not as it has to be.
fn changes(body: Option<&Value>) -> Option<Vec<Change>> {
    let mut changes = Vec::new();
    for (name, value) in body?.as_object()? {
        let key = match name.as_str() {
            "openai" => Key::OpenAi,
            "elevenlabs" => Key::ElevenLabs,
            "deepgram" => Key::Deepgram,
            "groq" => Key::Groq,
            "geminiLive" => Key::Gemini,
            "qwenRealtime" => Key::DashScope,
            "openaiCompatible" => {
                compatible(value.as_object()?, &mut changes)?;
                continue;
            }
            _ => return None,
        };
        changes.push((key, wish(key, value)?));
    }
    Some(changes)
}

fn compatible(fields: &Map<String, Value>, changes: &mut Vec<Change>) -> Option<()> {
    for (name, value) in fields {
        let key = match name.as_str() {
            "baseUrl" => Key::CompatibleUrl,
            "model" => Key::CompatibleModel,
            "apiKey" => Key::CompatibleKey,
            _ => return None,
        };
        changes.push((key, wish(key, value)?));
    }
    Some(())
}

fn wish(key: Key, value: &Value) -> Option<Option<Secret>> {
    let text = match value {
        Value::Null => "",
        value => value.as_str()?.trim(),
    };
    if text.is_empty() {
        return Some(None);
    }
    key.accepts(text).then(|| Some(Secret::new(text)))
}

fn status(held: &Credentials) -> CredentialStatus {
    let shown = |key| held.text(key).map(|text| text.expose().to_owned());
    CredentialStatus {
        openai: masked(held, Key::OpenAi),
        elevenlabs: masked(held, Key::ElevenLabs),
        deepgram: masked(held, Key::Deepgram),
        groq: masked(held, Key::Groq),
        openai_compatible: CompatibleStatus {
            configured: held.get(Key::CompatibleUrl).is_some(),
            source: source(held, Key::CompatibleUrl),
            base_url: shown(Key::CompatibleUrl).map(|url| key::shown_address(&url)),
            model: shown(Key::CompatibleModel),
            base_url_editable: is_editable(held, Key::CompatibleUrl),
            model_editable: is_editable(held, Key::CompatibleModel),
            api_key: masked(held, Key::CompatibleKey),
        },
        voice_backends: VoiceBackendStatus {
            elevenlabs: masked(held, Key::ElevenLabs),
            gemini_live: masked(held, Key::Gemini),
            qwen_realtime: masked(held, Key::DashScope),
        },
    }
}

fn masked(held: &Credentials, key: Key) -> MaskedCredential {
    MaskedCredential {
        configured: held.get(key).is_some(),
        source: source(held, key),
        hint: held.text(key).map(|text| key::hint(text.expose())),
        editable: is_editable(held, key),
    }
}

fn source(held: &Credentials, key: Key) -> CredentialSource {
    match held.get(key) {
        None => CredentialSource::None,
        Some(held) if held.is_locked => CredentialSource::Env,
        Some(_) => CredentialSource::Settings,
    }
}

fn is_editable(held: &Credentials, key: Key) -> bool {
    held.get(key).is_none_or(|held| !held.is_locked)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_keeps_and_blank_clears() {
        let body = json!({
            "openai": " sk-1 ", "groq": null, "deepgram": " ", "geminiLive": "g",
            "openaiCompatible": { "baseUrl": "http://localhost:1/v1", "apiKey": null },
        });
        let changes = changes(Some(&body)).unwrap();
        let told: Vec<(Key, Option<&str>)> =
            changes.iter().map(|(key, text)| (*key, text.as_ref().map(Secret::expose))).collect();
        assert_eq!(
            told,
            [
                (Key::OpenAi, Some("sk-1")),
                (Key::Groq, None),
                (Key::Deepgram, None),
                (Key::Gemini, Some("g")),
                (Key::CompatibleUrl, Some("http://localhost:1/v1")),
                (Key::CompatibleKey, None),
            ]
        );
    }

    #[test]
    fn whatever_else_is_refused() {
        for body in [
            json!(null),
            json!([]),
            json!({ "other": "x" }),
            json!({ "openai": 5 }),
            json!({ "openai": "a b" }),
            json!({ "openaiCompatible": null }),
            json!({ "openaiCompatible": { "url": "http://x" } }),
            json!({ "openaiCompatible": { "baseUrl": "localhost" } }),
        ] {
            assert!(changes(Some(&body)).is_none(), "{body}");
        }
        assert!(changes(None).is_none());
        assert!(changes(Some(&json!({}))).unwrap().is_empty());
    }
}
