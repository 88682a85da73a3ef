//! The voice assistant, as far as the hub takes part: a token for an agent that people have made at ElevenLabs. What it
//! leaves out is refused in the words of the released hub, unless those would send people after a key that is there.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use crate::{
    config::Secret,
    domain::voice::key::Key,
    http::{
        Shared,
        auth::Caller,
        body::Body,
        error::{ApiError, ApiResult},
    },
    voice::Upstream,
    wire::{rest, schema},
};

const LONGEST_AGENT: usize = 128;

/// A token for a conversation with an agent at ElevenLabs.
#[utoipa::path(
    post, path = "/api/voice/token", tag = "voice", request_body = schema::ConversationTokenRequest,
    responses(
        (status = 200, body = schema::ConversationToken),
        (status = 400, body = schema::ConversationRefusal),
        (status = 500, body = schema::ConversationRefusal, description = "ElevenLabs failed"),
    ),
)]
pub async fn token(
    _: Caller,
    shared: web::Data<Arc<Shared>>,
    upstream: web::Data<Upstream>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let Some((agent, own_key)) = conversation(&body.value().unwrap_or_else(|| json!({}))) else {
        return Err(ApiError::not_allowed("Invalid request body"));
    };
    let held = super::held(&shared).await?;
    let no_key = || ApiError::not_allowed("ElevenLabs API key not configured");
    let Some(agent) = agent else {
        let has_key = own_key.is_some() || held.get(Key::ElevenLabs).is_some();
        let no_agent = || ApiError::not_allowed("This hub makes no agents at ElevenLabs; name one of yours");
        return Err(if has_key { no_agent() } else { no_key() });
    };
    let asked = shared.voice.conversation_token(&upstream, &held, &agent, own_key.as_ref()).await;
    let token = asked.ok_or_else(no_key)?.map_err(|error| ApiError::no_conversation(&error))?;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .json(json!({ "allowed": true, "token": token.expose(), "agentId": agent })))
}

/// The agent and the key that somebody brings along.
fn conversation(body: &Value) -> Option<(Option<String>, Option<Secret>)> {
    let fields = body.as_object()?;
    let text = |name: &str| match fields.get(name) {
        None => Some(None),
        Some(value) => value.as_str().map(|text| Some(text.trim()).filter(|text| !text.is_empty())),
    };
    let (agent, key) = (text("customAgentId")?, text("customApiKey")?);
    text("voiceId")?;
    let is_agent =
        |agent: &str| agent.len() <= LONGEST_AGENT && agent.bytes().all(|byte| byte.is_ascii_graphic());
    let is_fit = agent.is_none_or(is_agent) && key.is_none_or(|key| Key::ElevenLabs.accepts(key));
    is_fit.then(|| (agent.map(str::to_owned), key.map(Secret::new)))
}

const NO_GEMINI: &str = "This hub does not pass on conversations with Gemini Live";
const NO_QWEN: &str = "This hub does not pass on conversations with Qwen";

/// Refuses: this hub has no proxy for Gemini Live.
#[utoipa::path(
    post, path = "/api/voice/gemini-token", tag = "voice",
    responses((status = 400, body = schema::ConversationRefusal), (status = 401, body = rest::ErrorBody)),
)]
pub async fn gemini_token(_: Caller, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    let no_key = "Gemini API key not configured (set GEMINI_API_KEY or GOOGLE_API_KEY)";
    Err(ApiError::not_allowed(refusal(&shared, Key::Gemini, no_key, NO_GEMINI).await?))
}

/// Refuses: this hub has no proxy for Qwen.
#[utoipa::path(
    post, path = "/api/voice/qwen-token", tag = "voice",
    responses((status = 400, body = schema::ConversationRefusal), (status = 401, body = rest::ErrorBody)),
)]
pub async fn qwen_token(_: Caller, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    let no_key = "DashScope API key not configured (set DASHSCOPE_API_KEY or QWEN_API_KEY)";
    Err(ApiError::not_allowed(refusal(&shared, Key::DashScope, no_key, NO_QWEN).await?))
}

pub async fn gemini_socket(_: Caller, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    Ok(not_upgraded(refusal(&shared, Key::Gemini, "Gemini API key not configured", NO_GEMINI).await?))
}

pub async fn qwen_socket(_: Caller, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    Ok(not_upgraded(refusal(&shared, Key::DashScope, "DashScope API key not configured", NO_QWEN).await?))
}

async fn refusal(
    shared: &Shared,
    key: Key,
    no_key: &'static str,
    left_out: &'static str,
) -> ApiResult<&'static str> {
    let has_key = super::held(shared).await?.get(key).is_some();
    Ok(if has_key { left_out } else { no_key })
}

/// Released pages get plain text where a web socket would begin.
fn not_upgraded(text: &'static str) -> HttpResponse {
    HttpResponse::BadRequest().content_type("text/plain; charset=utf-8").body(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_may_be_left_out_but_nothing_may_be_something_else() {
        let (agent, key) = conversation(&json!({ "customAgentId": " a ", "customApiKey": "k" })).unwrap();
        assert_eq!((agent.as_deref(), key.as_ref().map(Secret::expose)), (Some("a"), Some("k")));
        let (agent, key) = conversation(&json!({ "customAgentId": "", "voiceId": "v" })).unwrap();
        assert!(agent.is_none() && key.is_none());
        for body in [
            json!([]),
            json!({ "customAgentId": 1 }),
            json!({ "customAgentId": "a b" }),
            json!({ "customApiKey": "a\nb" }),
            json!({ "voiceId": null }),
        ] {
            assert!(conversation(&body).is_none(), "{body}");
        }
    }
}
