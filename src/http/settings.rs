//! What people set on a session: its title and pin, and its agent's run-time settings.

use actix_web::{HttpResponse, web};
use serde_json::Value;

use super::{
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult, setting_failed},
};
use crate::{
    domain::{
        flavor::{self, Flavor},
        session::Pin,
        text, title,
    },
    namespace::Hub,
    session::{GetGlance, Glance, LiveSession, Rename, SetConfig, SetPin, SetSummary, Setting},
    wire::{rest, schema},
};

type Answer = ApiResult<HttpResponse>;

fn ok() -> HttpResponse {
    HttpResponse::Ok().json(rest::Ok::TRUE)
}

fn field(body: &Body, key: &str) -> Option<Value> {
    body.value()?.get(key).cloned()
}

fn text_field(body: &Body, key: &str) -> Option<String> {
    match field(body, key)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Gives the session a title.
#[utoipa::path(
    patch, path = "/api/sessions/{id}", tag = "sessions", params(("id" = String, Path)),
    request_body = schema::RenameRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody)),
)]
pub async fn rename(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>, body: Body) -> Answer {
    let session = super::session(&hub, &caller, &id).await?;
    let name = text_field(&body, "name")
        .filter(|name| (1..=title::MAX_UNITS).contains(&text::units(name)))
        .ok_or_else(|| ApiError::invalid("Invalid body: name is required"))?;
    session.send(Rename(name)).await??;
    Ok(ok())
}

/// Gives the session a summary, shown as its title while it has none.
#[utoipa::path(
    patch, path = "/api/sessions/{id}/summary", tag = "sessions", params(("id" = String, Path)),
    request_body = schema::SummaryRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody)),
)]
pub async fn summary(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>, body: Body) -> Answer {
    let session = super::session(&hub, &caller, &id).await?;
    let text = text_field(&body, "text");
    let text = text.as_deref().and_then(title::clean);
    let text = text.ok_or_else(|| ApiError::invalid("Invalid body: text is required"))?;
    session.send(SetSummary(text.to_owned())).await??;
    Ok(ok())
}

#[utoipa::path(
    put, path = "/api/sessions/{id}/pin", tag = "sessions", params(("id" = String, Path)),
    request_body = schema::PinRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody)),
)]
pub async fn pin(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>, body: Body) -> Answer {
    let session = super::session(&hub, &caller, &id).await?;
    let pin = text_field(&body, "mode").as_deref().and_then(Pin::parse);
    let pin = pin.ok_or_else(|| ApiError::invalid("Invalid body: mode must be none, project, or global"))?;
    session.send(SetPin(pin)).await??;
    Ok(ok())
}

/// Sets the permission mode; of a session that is not active, for its next start.
#[utoipa::path(
    post, path = "/api/sessions/{id}/permission-mode", tag = "settings", params(("id" = String, Path)),
    request_body = schema::PermissionModeRequest,
    responses(
        (status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody),
        (status = 409, body = rest::ErrorBody, description = "the agent did not apply it"),
    ),
)]
pub async fn permission_mode(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> Answer {
    let session = super::session(&hub, &caller, &id).await?;
    let mode = text_field(&body, "mode").filter(|mode| flavor::is_permission_mode(mode));
    let mode = mode.ok_or_else(ApiError::invalid_body)?;
    apply(&session, Setting::PermissionMode(mode)).await
}

async fn apply(session: &actix::Addr<LiveSession>, setting: Setting) -> Answer {
    session.send(SetConfig(setting)).await?.map_err(setting_failed)?;
    Ok(ok())
}

/// Reads the body only for a session that is active and whose agent has such a setting: what does not fit the session
/// is told before what is wrong with the body.
async fn guarded(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    guard: impl FnOnce(&Glance) -> Result<(), ApiError>,
    setting: Option<Setting>,
) -> Answer {
    let session = super::session(hub, caller, id).await?;
    let glance = session.send(GetGlance).await?;
    if !glance.is_active {
        return Err(ApiError::session_inactive());
    }
    guard(&glance)?;
    apply(&session, setting.ok_or_else(ApiError::invalid_body)?).await
}

fn has(glance: &Glance, supports: fn(Flavor) -> bool, text: &str) -> Result<(), ApiError> {
    let flavor = Flavor::of(glance.flavor.as_deref());
    if flavor.is_some_and(supports) { Ok(()) } else { Err(ApiError::invalid(text)) }
}

#[utoipa::path(
    post, path = "/api/sessions/{id}/model", tag = "settings", params(("id" = String, Path)),
    request_body = schema::ModelRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody), (status = 409, body = rest::ErrorBody)),
)]
pub async fn model(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>, body: Body) -> Answer {
    let model = match field(&body, "model") {
        Some(Value::Null) => Some(Value::Null),
        Some(Value::String(name)) if !name.trim().is_empty() => Some(name.trim().into()),
        Some(Value::Object(model)) => {
            let is_text = |key: &str| model.get(key).is_some_and(Value::is_string);
            (is_text("provider") && is_text("modelId")).then_some(Value::Object(model))
        }
        _ => None,
    };
    guarded(&hub, &caller, &id, |_| Ok(()), model.map(Setting::Model)).await
}

#[utoipa::path(
    post, path = "/api/sessions/{id}/effort", tag = "settings", params(("id" = String, Path)),
    request_body = schema::EffortRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody), (status = 409, body = rest::ErrorBody)),
)]
pub async fn effort(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>, body: Body) -> Answer {
    let effort = nullable_text(&body, "effort").map(Setting::Effort);
    guarded(&hub, &caller, &id, |_| Ok(()), effort).await
}

/// A text that is not blank, or `null`. `None` when it is neither, or missing.
fn nullable_text(body: &Body, key: &str) -> Option<Option<String>> {
    match field(body, key)? {
        Value::Null => Some(None),
        Value::String(text) if !text.trim().is_empty() => Some(Some(text.trim().to_owned())),
        _ => None,
    }
}

#[utoipa::path(
    post, path = "/api/sessions/{id}/model-reasoning-effort", tag = "settings", params(("id" = String, Path)),
    request_body = schema::ReasoningEffortRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody), (status = 409, body = rest::ErrorBody)),
)]
pub async fn reasoning_effort(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> Answer {
    let effort = nullable_text(&body, "modelReasoningEffort").map(Setting::ModelReasoningEffort);
    let text = "Reasoning effort is only supported for Codex and OpenCode sessions";
    guarded(&hub, &caller, &id, |glance| has(glance, Flavor::supports_reasoning_effort, text), effort).await
}

#[utoipa::path(
    post, path = "/api/sessions/{id}/service-tier", tag = "settings", params(("id" = String, Path)),
    request_body = schema::ServiceTierRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody), (status = 409, body = rest::ErrorBody)),
)]
pub async fn service_tier(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>, body: Body) -> Answer {
    let tier = text_field(&body, "serviceTier").filter(|tier| flavor::is_service_tier(tier));
    let text = "Fast mode is only supported for Codex sessions";
    let guard = |glance: &Glance| has(glance, Flavor::supports_service_tier, text);
    guarded(&hub, &caller, &id, guard, tier.map(Setting::ServiceTier)).await
}

#[utoipa::path(
    post, path = "/api/sessions/{id}/collaboration-mode", tag = "settings", params(("id" = String, Path)),
    request_body = schema::ModeRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody), (status = 409, body = rest::ErrorBody)),
)]
pub async fn collaboration_mode(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> Answer {
    let mode = text_field(&body, "mode").filter(|mode| flavor::is_collaboration_mode(mode));
    let text = "Collaboration mode is only supported for Codex sessions";
    let guard = |glance: &Glance| has(glance, Flavor::supports_collaboration_mode, text);
    guarded(&hub, &caller, &id, guard, mode.map(Setting::CollaborationMode)).await
}

#[utoipa::path(
    post, path = "/api/sessions/{id}/copilot-agent-mode", tag = "settings", params(("id" = String, Path)),
    request_body = schema::ModeRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody), (status = 409, body = rest::ErrorBody)),
)]
pub async fn agent_mode(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>, body: Body) -> Answer {
    let mode = text_field(&body, "mode").as_deref().and_then(flavor::agent_mode).map(str::to_owned);
    let text = "Agent mode is only supported for Copilot sessions";
    let guard = |glance: &Glance| has(glance, Flavor::supports_agent_mode, text);
    guarded(&hub, &caller, &id, guard, mode.map(Setting::AgentMode)).await
}
