//! What pages report of their voice features. It is logged for whoever looks for a fault, and kept nowhere.

use actix_web::HttpResponse;
use serde_json::Value;

use crate::{
    domain::voice::telemetry::loggable,
    http::{
        auth::Caller,
        body::Body,
        error::{ApiError, ApiResult},
    },
    wire::{rest, schema},
};

/// Takes a report.
#[utoipa::path(
    post, path = "/api/voice/telemetry", tag = "voice", request_body = schema::VoiceTelemetryRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody)),
)]
pub async fn report(_: Caller, body: Body) -> ApiResult<HttpResponse> {
    let body = body.value();
    let (stage, message) = told(body.as_ref()).ok_or_else(ApiError::invalid_telemetry)?;
    // Details may hold anything, keys among it.
    tracing::debug!(
        stage = loggable(stage),
        message = loggable(message),
        "a page reports on its voice features"
    );
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

fn told(body: Option<&Value>) -> Option<(&str, &str)> {
    let fields = body?.as_object()?;
    let filled = |name: &str| fields.get(name)?.as_str().filter(|text| !text.is_empty());
    let is_text = |name: &str| fields.get(name).is_none_or(Value::is_string);
    let is_whole = ["sessionId", "voiceId", "language"].into_iter().all(is_text)
        && fields.get("details").is_none_or(Value::is_object);
    if is_whole { Some((filled("stage")?, filled("message")?)) } else { None }
}
