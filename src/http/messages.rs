//! What people say to an agent: sent, cancelled, delivered again, put into the running turn.

use std::sync::Arc;

use actix::Addr;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
    sessions,
};
use crate::{
    domain::{
        ids::SessionId, json as raw, liveness::SCHEDULE_HORIZON, page::FieldErrors, prompt::DeliveryState,
    },
    namespace::Hub,
    session::{
        CancelOutcome, CancelPrompt, GetKey, LiveSession, RetryOutcome, RetryPrompt, SendPrompt,
        SessionError, SteerOutcome, SteerPrompt,
    },
    store::{self, messages::Message},
    wire::{message::MessageView, rest, schema},
};

/// Says something to the agent.
#[utoipa::path(
    post, path = "/api/sessions/{id}/messages", tag = "messages", params(("id" = String, Path)),
    request_body = rest::SendMessage,
    responses(
        (status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody),
        (status = 409, body = rest::ErrorBody, description = "inactive, or the localId has another text"),
    ),
)]
pub async fn send(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let prompt = match prompt(&body, shared.env.clock.now()) {
        Ok(prompt) => prompt,
        Err(error) => {
            sessions::active(&session).await?;
            return Err(error);
        }
    };
    match session.send(prompt.clone()).await? {
        Err(SessionError::Moved(other)) => pass_on(&caller, &hub, other, prompt).await?,
        outcome => outcome?,
    }
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

/// Follows a prompt to the session that takes the place of the one it was sent to.
async fn pass_on(caller: &Caller, hub: &Hub, mut to: SessionId, prompt: SendPrompt) -> ApiResult<()> {
    // Sessions are replaced one after the other, never in a circle; this bounds the way all the same.
    for _ in 0..16 {
        let session = super::session(hub, caller, to.as_str()).await?;
        match session.send(SendPrompt { is_passed_on: true, ..prompt.clone() }).await? {
            Err(SessionError::Moved(next)) => to = next,
            outcome => return Ok(outcome?),
        }
    }
    Err(ApiError::session_not_found())
}

fn prompt(body: &Body, now: i64) -> ApiResult<SendPrompt> {
    let mut issues = FieldErrors::default();
    let message = match body.read::<rest::SendMessage>() {
        Ok(message) => message,
        Err(_) => {
            issues.form_errors.push("expected an object with a text".into());
            return Err(ApiError::invalid_fields("Invalid body", &issues));
        }
    };
    let wants_steer = message.delivery_mode.as_deref() == Some("steer");
    if !matches!(message.delivery_mode.as_deref(), None | Some("queue" | "steer")) {
        issues.add("deliveryMode", "expected queue or steer");
    }
    if message.local_id.as_deref() == Some("") {
        issues.add("localId", "must not be empty");
    }
    let attachments = message.attachments.filter(|list| !list.is_empty());
    if let Some(at) = message.scheduled_at {
        if at <= 0 || at > now.saturating_add(SCHEDULE_HORIZON) {
            issues.add("scheduledAt", "must be at most seven days ahead");
        }
        if message.local_id.is_none() {
            issues.add("scheduledAt", "needs a localId");
        }
        if attachments.is_some() {
            issues.add("scheduledAt", "cannot be combined with attachments");
        }
        if wants_steer {
            issues.add("scheduledAt", "cannot be combined with steer");
        }
    }
    if !issues.is_empty() {
        return Err(ApiError::invalid_fields("Invalid body", &issues));
    }
    if message.text.is_empty() && attachments.is_none() {
        return Err(ApiError::invalid("Message requires text or attachments"));
    }
    let attachments =
        attachments.map(|list| list.iter().filter_map(|item| serde_json::to_value(item).ok()).collect());
    Ok(SendPrompt {
        text: message.text,
        local_id: message.local_id,
        attachments,
        scheduled_at: message.scheduled_at,
        wants_steer,
        is_passed_on: false,
    })
}

/// Takes a prompt back, by its id or its localId.
#[utoipa::path(
    delete, path = "/api/sessions/{id}/messages/{messageId}", tag = "messages",
    params(("id" = String, Path), ("messageId" = String, Path)),
    responses((status = 200, body = schema::CancelMessage)),
)]
pub async fn cancel(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (id, message) = path.into_inner();
    let session = super::session(&hub, &caller, &id).await?;
    Ok(match session.send(CancelPrompt(message)).await?? {
        CancelOutcome::Cancelled { local_id } => {
            HttpResponse::Ok().json(json!({ "status": "cancelled", "localId": local_id }))
        }
        CancelOutcome::Busy { local_id } => {
            HttpResponse::Ok().json(json!({ "status": "busy", "localId": local_id }))
        }
        CancelOutcome::Invoked(row) => with_row("invoked", &row),
    })
}

fn with_row(status: &str, row: &Message) -> HttpResponse {
    let message = raw::write(&MessageView::from(row));
    super::json(format!("{{\"status\":\"{status}\",\"message\":{}}}", message.get()))
}

/// Delivers a prompt again of which nobody knows whether it arrived.
#[utoipa::path(
    post, path = "/api/sessions/{id}/messages/{messageId}/retry", tag = "messages",
    params(("id" = String, Path), ("messageId" = String, Path)),
    responses((status = 200, description = "`status`: retried, already-queued, retry-unavailable, invoked or not-found")),
)]
pub async fn retry(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (id, message) = path.into_inner();
    let session = super::session(&hub, &caller, &id).await?;
    let (status, local_id) = match session.send(RetryPrompt(message)).await?? {
        RetryOutcome::NotFound => return Ok(HttpResponse::Ok().json(json!({ "status": "not-found" }))),
        RetryOutcome::Invoked(row) => return Ok(with_row("invoked", &row)),
        RetryOutcome::AlreadyQueued { local_id } => ("already-queued", local_id),
        RetryOutcome::Unavailable { local_id } => ("retry-unavailable", local_id),
        RetryOutcome::Retried { local_id } => ("retried", local_id),
    };
    Ok(HttpResponse::Ok().json(json!({ "status": status, "localId": local_id })))
}

/// Puts a queued prompt into the running turn, where the agent can do that.
#[utoipa::path(
    post, path = "/api/sessions/{id}/messages/{messageId}/steer", tag = "messages",
    params(("id" = String, Path), ("messageId" = String, Path)),
    responses((status = 200, description = "`status`: steered, invoked or failed"), (status = 409, body = rest::ErrorBody)),
)]
pub async fn steer(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (id, message) = path.into_inner();
    let session = super::session(&hub, &caller, &id).await?;
    Ok(match session.send(SteerPrompt(message)).await?? {
        SteerOutcome::Invoked(row) => with_row("invoked", &row),
        SteerOutcome::Steered { local_id } => {
            HttpResponse::Ok().json(json!({ "status": "steered", "localId": local_id }))
        }
        SteerOutcome::Failed { error, local_id } => {
            HttpResponse::Ok().json(json!({ "status": "failed", "error": error, "localId": local_id }))
        }
    })
}

/// What became of prompts, for a page that missed events.
#[utoipa::path(
    post, path = "/api/sessions/{id}/messages/queued-state", tag = "messages", params(("id" = String, Path)),
    request_body = rest::QueuedStateRequest,
    responses((status = 200, body = rest::QueuedState), (status = 400, body = rest::ErrorBody)),
)]
pub async fn queued_state(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session: Addr<LiveSession> = super::session(&hub, &caller, &id).await?;
    let request = body.read::<rest::QueuedStateRequest>().ok();
    let local_ids = request
        .map(|request| request.local_ids)
        .filter(|ids| ids.len() <= 1_000 && ids.iter().all(|id| !id.is_empty()))
        .ok_or_else(|| {
            let mut issues = FieldErrors::default();
            issues.add("localIds", "expected at most 1000 ids");
            ApiError::invalid_fields("Invalid body", &issues)
        })?;
    let (key, _) = session.send(GetKey).await??;
    let rows = shared.env.store.read(move |conn| store::messages::states(conn, key, &local_ids)).await?;
    let mut state = rest::QueuedState {
        queued_local_ids: Vec::new(),
        indeterminate_local_ids: Vec::new(),
        invoked_local_messages: Vec::new(),
    };
    for (local_id, invoked_at, delivery) in rows {
        match (invoked_at, delivery) {
            (Some(invoked_at), _) => {
                state.invoked_local_messages.push(rest::InvokedMessage { local_id, invoked_at });
            }
            (None, DeliveryState::Queued) => state.queued_local_ids.push(local_id),
            (None, _) => state.indeterminate_local_ids.push(local_id),
        }
    }
    Ok(HttpResponse::Ok().json(state))
}
