//! A title that a language model suggests. It is only told, not set.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
};
use crate::{namespace::Hub, session::GetKey, titles::Suggest, wire::rest};

#[derive(Serialize, ToSchema)]
pub struct TitleSuggestion {
    /// 1 to 80 characters.
    pub title: String,
}

/// Suggests a title for the session.
#[utoipa::path(
    post, path = "/api/sessions/{id}/title-suggestion", tag = "sessions", params(("id" = String, Path)),
    responses(
        (status = 200, body = TitleSuggestion),
        (status = 422, body = rest::ErrorBody, description = "nothing was said yet"),
        (status = 429, body = rest::ErrorBody, description = "asked too often; see Retry-After"),
        (status = 502, body = rest::ErrorBody, description = "the provider failed"),
        (status = 503, body = rest::ErrorBody, description = "no provider is configured"),
    ),
)]
pub async fn suggest(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let titles = shared.titles.as_ref().ok_or_else(ApiError::titles_not_configured)?;
    let (key, _) = session.send(GetKey).await??;
    let title = titles.send(Suggest { session: id.as_str().into(), key }).await??;
    Ok(HttpResponse::Ok().json(TitleSuggestion { title }))
}
