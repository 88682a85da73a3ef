//! OpenCode's `/clear`, as its CLI goes through it: reserve, confirm or abort, finish.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::{
    Shared,
    auth::Cli,
    body::Body,
    error::{ApiError, ApiResult, coded_find},
};
use crate::{
    domain::ids::SessionId,
    namespace::Hub,
    session::{
        clear::{self, ClearError, ConfirmCleanup, Reserve},
        life::Life,
    },
    wire::{rest, schema},
};

fn done(id: &SessionId) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "ok": true, "sessionId": id }))
}

fn replacement(body: &Body) -> ApiResult<SessionId> {
    let id = body.value().and_then(|body| body.get("replacementSessionId")?.as_str().map(SessionId::from));
    id.filter(|id| !id.as_str().is_empty()).ok_or_else(|| ApiError::invalid("Invalid clear callback request"))
}

async fn life(cli: &Cli, hub: &Hub, shared: &Shared) -> ApiResult<Life> {
    let tenant = hub.tenant(&cli.namespace).await.map_err(|_| ApiError::busy())?;
    Ok(Life { env: shared.env.clone(), namespace: cli.namespace.clone(), tenant })
}

/// Reserves the session that will take this one's place. From now on that one keeps the prompts.
#[utoipa::path(
    post, path = "/cli/sessions/{id}/clear-opencode/reserve", tag = "cli", params(("id" = String, Path)),
    responses((status = 200, body = schema::ClearAnswer), (status = 409, body = rest::ErrorBody)),
    security(("accessToken" = []))
)]
pub async fn reserve(cli: Cli, hub: web::Data<Hub>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let session = hub.session(&cli.namespace, &SessionId::from(id.as_str())).await.map_err(coded_find)?;
    Ok(done(&session.send(Reserve).await??))
}

/// The agent has let go of its old conversation.
#[utoipa::path(
    post, path = "/cli/sessions/{id}/clear-opencode/confirm-cleanup", tag = "cli", params(("id" = String, Path)),
    request_body = schema::ClearRequest,
    responses((status = 200, body = schema::ClearAnswer), (status = 409, body = rest::ErrorBody)),
    security(("accessToken" = []))
)]
pub async fn confirm(
    cli: Cli,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = hub.session(&cli.namespace, &SessionId::from(id.as_str())).await.map_err(coded_find)?;
    let replacement = replacement(&body)?;
    session.send(ConfirmCleanup(replacement.clone())).await??;
    Ok(done(&replacement))
}

/// Gives the reservation up; prompts that the other session kept come back.
#[utoipa::path(
    post, path = "/cli/sessions/{id}/clear-opencode/abort", tag = "cli", params(("id" = String, Path)),
    request_body = schema::ClearRequest,
    responses((status = 200, body = schema::ClearAnswer), (status = 409, body = rest::ErrorBody)),
    security(("accessToken" = []))
)]
pub async fn abort(
    cli: Cli,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let id = SessionId::from(id.as_str());
    hub.session(&cli.namespace, &id).await.map_err(coded_find)?;
    let replacement = replacement(&body)?;
    let life = life(&cli, &hub, &shared).await?;
    to_the_end(async move { clear::abort(&life, &id, &replacement).await }).await
}

/// Starts the session that takes this one's place; answers when it has everything.
#[utoipa::path(
    post, path = "/cli/sessions/{id}/clear-opencode", tag = "cli", params(("id" = String, Path)),
    responses(
        (status = 200, body = schema::ClearAnswer), (status = 409, body = rest::ErrorBody),
        (status = 500, body = rest::ErrorBody),
    ),
    security(("accessToken" = []))
)]
pub async fn finish(
    cli: Cli,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let life = life(&cli, &hub, &shared).await?;
    let id = SessionId::from(id.as_str());
    to_the_end(async move { clear::finish(&life, &id).await }).await
}

/// Goes on when the CLI hangs up.
async fn to_the_end(
    steps: impl Future<Output = Result<SessionId, ClearError>> + 'static,
) -> ApiResult<HttpResponse> {
    let outcome = actix_rt::spawn(steps).await.map_err(|_| ApiError::busy())?;
    Ok(done(&outcome?))
}
