//! Answers to what agents ask. Malformed JSON never approves anything.

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::{
    auth::{Caller, Origin},
    body::Body,
    error::{ApiError, ApiResult},
    sessions,
};
use crate::{
    domain::decision::Answer,
    namespace::Hub,
    session::{Decide, Delivery},
    wire::{rest, schema},
};

/// Approves a request, or answers a question.
#[utoipa::path(
    post, path = "/api/sessions/{id}/permissions/{requestId}/approve", tag = "permissions",
    params(("id" = String, Path), ("requestId" = String, Path)),
    request_body(content = Option<schema::ApproveRequest>, description = "may be left out"),
    responses(
        (status = 200, body = schema::DecisionAnswer),
        (status = 400, body = rest::ErrorBody), (status = 404, body = rest::ErrorBody),
        (status = 409, body = schema::AlreadyDecided, description = "inactive, or somebody else decided first"),
    ),
)]
pub async fn approve(
    caller: Caller,
    from: Origin,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
    body: Body,
) -> ApiResult<HttpResponse> {
    decide(caller, from, &hub, path.into_inner(), body, Answer::approve).await
}

#[utoipa::path(
    post, path = "/api/sessions/{id}/permissions/{requestId}/deny", tag = "permissions",
    params(("id" = String, Path), ("requestId" = String, Path)),
    request_body(content = Option<schema::DenyRequest>, description = "may be left out"),
    responses(
        (status = 200, body = schema::DecisionAnswer),
        (status = 400, body = rest::ErrorBody), (status = 404, body = rest::ErrorBody),
        (status = 409, body = schema::AlreadyDecided, description = "inactive, or somebody else decided first"),
    ),
)]
pub async fn deny(
    caller: Caller,
    from: Origin,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
    body: Body,
) -> ApiResult<HttpResponse> {
    decide(caller, from, &hub, path.into_inner(), body, Answer::deny).await
}

async fn decide(
    caller: Caller,
    Origin(from): Origin,
    hub: &Hub,
    (id, request): (String, String),
    body: Body,
    read: fn(&Value) -> Option<Answer>,
) -> ApiResult<HttpResponse> {
    let session = super::session(hub, &caller, &id).await?;
    // No body at all is a plain yes or no; a body that is no JSON is a mistake.
    let value = if body.is_blank() { Some(json!({})) } else { body.value() };
    let Some(answer) = value.as_ref().and_then(read) else {
        sessions::active(&session).await?;
        return Err(ApiError::invalid_body());
    };
    let decide = Decide { request, answer, by: caller.user, from };
    let delivery: Delivery = session.send(decide).await??;
    Ok(HttpResponse::Ok().json(json!({ "ok": true, "delivery": delivery })))
}
