//! Whether the hub is up: asked by CLIs that start it, by proxies and by the sign-in page.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Shared;
use crate::tunnel::{Status, Tunnel};

#[utoipa::path(
    get, path = "/health", tag = "health",
    responses((status = 200, body = crate::wire::schema::Health), (status = 503, description = "stopping")),
    security(())
)]
pub async fn health(shared: web::Data<Arc<Shared>>) -> HttpResponse {
    let tunnel = shared.tunnel.as_ref().map(Tunnel::status);
    let is_stopping = shared.stopping.is_cancelled();
    let mut response = if is_stopping { HttpResponse::ServiceUnavailable() } else { HttpResponse::Ok() };
    let mut body = json!({
        "status": if is_stopping { "stopping" } else { "ok" },
        "protocolVersion": 1,
        "capabilities": { "workGraph": false, "titleSuggestion": shared.titles.is_some() },
        "hub": { "name": "wheelhouse", "version": env!("CARGO_PKG_VERSION") },
    });
    if let (Some(body), Some(tunnel)) = (body.as_object_mut(), tunnel) {
        let Status { state, address, since, last_error } = tunnel;
        let tunnel = json!({
            "state": state.name(), "address": address, "since": since, "lastError": last_error,
        });
        body.insert("tunnel".to_owned(), tunnel);
    }
    response.json(body)
}
