//! Which sessions have news: kept by the hub, so that all browsers of a person agree.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
};
use crate::{domain::text, namespace::Hub, session::MarkSeen, wire::rest};

#[derive(Deserialize, ToSchema)]
pub struct SeenRequest {
    /// The `updatedAt` of the session as it was shown; without it, as it is now.
    #[schema(required = false, nullable = false)]
    pub at: Option<f64>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeenAnswer {
    pub ok: bool,
    /// How far the session was seen by anybody. It never falls.
    pub seen_at: i64,
    pub unread: bool,
}

/// Says that the session was seen. All browsers are told by a `session-seen` event.
#[utoipa::path(
    put, path = "/api/sessions/{id}/seen", tag = "sessions", params(("id" = String, Path)),
    request_body(content = Option<SeenRequest>, description = "may be left out"),
    responses((status = 200, body = SeenAnswer), (status = 400, body = rest::ErrorBody)),
)]
pub async fn mark(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let at = if body.is_blank() { None } else { body.read::<SeenRequest>()?.at };
    let at = match at {
        None => None,
        Some(at) => Some(text::safe_integer(at).filter(|at| *at >= 0).ok_or_else(ApiError::invalid_body)?),
    };
    let seen = session.send(MarkSeen { at }).await??;
    Ok(HttpResponse::Ok().json(SeenAnswer { ok: true, seen_at: seen.at, unread: seen.is_unread }))
}
