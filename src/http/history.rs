//! Conversations that go more than one way: forked, rewound, cleared, and a plan that is begun.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
    sessions,
};
use crate::{
    domain::{ids::SessionId, json as raw},
    namespace::Hub,
    session::{Call, fork, history::HistoryError, life::Life, resume, rewind, shared as runtime},
    wire::{rest, schema},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForkRequest {
    message_local_id: Option<String>,
}

/// Where steps of a session's life are taken for this caller.
pub async fn life(hub: &Hub, caller: &Caller, shared: &Shared) -> ApiResult<Life> {
    let tenant = hub.tenant(&caller.namespace).await.map_err(|_| ApiError::not_connected())?;
    Ok(Life { env: shared.env.clone(), namespace: caller.namespace.clone(), tenant })
}

/// Makes a second session with the conversation up to a prompt, or all of it.
#[utoipa::path(
    post, path = "/api/sessions/{id}/fork", tag = "sessions", params(("id" = String, Path)),
    request_body(content = Option<schema::ForkRequest>, description = "may be left out"),
    responses(
        (status = 200, body = schema::NewSessionAnswer),
        (status = 400, body = rest::ErrorBody), (status = 404, body = rest::ErrorBody),
        (status = 409, body = rest::ErrorBody, description = "the conversation does not stand still, or the agent refused"),
    ),
)]
pub async fn fork(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    sessions::active(&session).await?;
    let before = if body.is_blank() {
        None
    } else {
        let value = body.value().ok_or_else(|| ApiError::invalid("Invalid JSON body"))?;
        let request: ForkRequest = serde_json::from_value(value).map_err(|_| ApiError::invalid_body())?;
        request.message_local_id
    };
    if before.as_deref() == Some("") {
        return Err(ApiError::invalid_body());
    }
    let life = life(&hub, &caller, &shared).await?;
    let id = SessionId::from(id.as_str());
    // A fork that is half done has to be finished, also when the caller hangs up.
    let forked = actix_rt::spawn(async move { fork::fork(&life, &id, before).await });
    let child = forked.await.map_err(|_| ApiError::busy())??;
    Ok(HttpResponse::Ok().json(json!({ "sessionId": child })))
}

/// Goes back to before a prompt; what came after is gone, here and for the agent.
#[utoipa::path(
    post, path = "/api/sessions/{id}/rewind", tag = "sessions", params(("id" = String, Path)),
    request_body = schema::RewindRequest,
    responses(
        (status = 200, body = schema::Success),
        (status = 400, body = rest::ErrorBody), (status = 404, body = rest::ErrorBody),
        (status = 409, body = schema::RewindRefusal, description = "nothing changed"),
        (status = 500, body = schema::RewindRefusal, description = "nobody knows whether the agent went back"),
    ),
)]
pub async fn rewind(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    sessions::active(&session).await?;
    let request: ForkRequest = body.read()?;
    let before = request.message_local_id.filter(|id| !id.is_empty()).ok_or_else(ApiError::invalid_body)?;
    let life = life(&hub, &caller, &shared).await?;
    let id = SessionId::from(id.as_str());
    let rewound = actix_rt::spawn(async move { rewind::rewind(&life, &id, before).await });
    rewound.await.map_err(|_| ApiError::busy())?.map_err(ApiError::rewind_failed)?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

/// Begins a new conversation in the runtime of a shared session.
#[utoipa::path(
    post, path = "/api/sessions/{id}/clear", tag = "sessions", params(("id" = String, Path)),
    responses(
        (status = 200, body = schema::NewSessionAnswer), (status = 409, body = rest::ErrorBody),
        (status = 500, body = rest::ErrorBody), (status = 503, body = rest::ErrorBody),
    ),
)]
pub async fn clear(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let glance = session.send(crate::session::GetGlance).await?;
    if !glance.is_shared {
        return Err(ApiError::shared_session_required());
    }
    let life = life(&hub, &caller, &shared).await?;
    let id = SessionId::from(id.as_str());
    let cleared = actix_rt::spawn(async move {
        let at = if glance.is_active { id } else { resume::resume(&life, id, None).await?.id };
        runtime::clear(&life, &at).await.map_err(|error| match error {
            HistoryError::Failed { text, .. } => ApiError::relay_failed(text),
            other => other.into(),
        })
    });
    let child = cleared.await.map_err(|_| ApiError::busy())??;
    Ok(HttpResponse::Ok().json(json!({ "sessionId": child })))
}

/// Lets a shared Codex session begin with the plan that it proposed.
#[utoipa::path(
    post, path = "/api/sessions/{id}/codex/plan/implement", tag = "sessions", params(("id" = String, Path)),
    request_body = schema::PlanRequest,
    responses(
        (status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody),
        (status = 409, body = schema::PlanRefusal), (status = 502, body = schema::PlanRefusal),
        (status = 503, body = schema::PlanRefusal, description = "nobody knows whether it began"),
    ),
)]
pub async fn implement_plan(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let glance = sessions::active(&session).await?;
    if glance.flavor.as_deref() != Some("codex") || !glance.is_shared {
        return Ok(plan_refused("unavailable", "An active shared Codex session is required"));
    }
    let plan = body.value().and_then(|body| body.get("planId")?.as_str().map(str::to_owned));
    let plan = plan.filter(|plan| !plan.is_empty()).ok_or_else(ApiError::invalid_body)?;
    let params = json!({ "planId": plan });
    let call = Call { method: "implement-codex-plan", params, within: runtime::PLAN_PATIENCE };
    Ok(match session.send(call).await? {
        Err(error) => plan_refused("indeterminate", &error.to_string()),
        Ok(answer) => {
            let body = raw::read(&answer).unwrap_or_default();
            let is_ok = body.get("ok") == Some(&Value::Bool(true));
            let status = if is_ok { StatusCode::OK } else { plan_status(&body) };
            HttpResponse::build(status).content_type("application/json").body(answer.get().to_owned())
        }
    })
}

fn plan_status(body: &Value) -> StatusCode {
    match body.get("code").and_then(Value::as_str) {
        Some("indeterminate") => StatusCode::SERVICE_UNAVAILABLE,
        Some("failed") => StatusCode::BAD_GATEWAY,
        _ => StatusCode::CONFLICT,
    }
}

fn plan_refused(code: &str, error: &str) -> HttpResponse {
    let body = json!({ "ok": false, "code": code, "error": error });
    HttpResponse::build(plan_status(&body)).json(body)
}
