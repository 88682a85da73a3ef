//! What people set for the whole hub.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde_json::Value;

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
    owner,
};
use crate::{
    config::{
        self,
        hub_settings::{HubSettings, HubSettingsChange},
    },
    wire::{rest, schema},
};

/// What holds now. The file is read each time, since other programs write it too.
pub async fn current(shared: &Shared) -> ApiResult<HubSettings> {
    let home = shared.home.clone();
    done(web::block(move || HubSettings::read(&home)).await)
}

fn done(
    outcome: Result<Result<HubSettings, config::Error>, actix_web::error::BlockingError>,
) -> ApiResult<HubSettings> {
    outcome.map_err(|_| ApiError::busy())?.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "the hub's settings cannot be used");
        ApiError::unreadable("The settings file cannot be used")
    })
}

fn answer(settings: HubSettings) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(settings)
}

#[utoipa::path(
    get, path = "/api/hub-settings", tag = "hub", responses((status = 200, body = HubSettings)),
)]
pub async fn get(_: Caller, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    Ok(answer(current(&shared).await?))
}

/// Changes one or both settings.
#[utoipa::path(
    put, path = "/api/hub-settings", tag = "hub", request_body = schema::HubSettingsRequest,
    responses(
        (status = 200, body = HubSettings), (status = 400, body = rest::ErrorBody),
        (status = 403, body = rest::ErrorBody, description = "not the hub's owner"),
    ),
)]
pub async fn put(caller: Caller, shared: web::Data<Arc<Shared>>, body: Body) -> ApiResult<HttpResponse> {
    owner::only(&caller, "Hub settings are")?;
    let change = change(body.value().as_ref()).ok_or_else(ApiError::invalid_body)?;
    let (home, clock) = (shared.home.clone(), shared.env.clock.clone());
    let changed = web::block(move || HubSettings::update(&home, &clock, change)).await;
    Ok(answer(done(changed)?))
}

fn change(body: Option<&Value>) -> Option<HubSettingsChange> {
    let fields = body?.as_object()?;
    let wish = |key: &str| match fields.get(key) {
        None => Some(None),
        Some(value) => value.as_bool().map(Some),
    };
    let change = HubSettingsChange {
        session_summary_contract: wish("sessionSummaryContract")?,
        session_summary_in_chat: wish("sessionSummaryInChat")?,
    };
    (change != HubSettingsChange::default()).then_some(change)
}
