//! Threads that Codex keeps on people's machines: listed and archived. For the hub's owner alone, as released pages
//! expect. Imports are in [`super::codex_import`].

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
    history::life,
    owner,
};
use crate::{
    domain::{
        import::{Thread, Unlisted},
        json as raw,
    },
    machine,
    namespace::{FindError, Hub},
    session::local_history::{self, ListError, PATIENCE},
    wire::{rest, schema},
};

pub const NO_MACHINE: &str = "No online machine available for Codex history import";

pub fn owner_only(caller: &Caller) -> ApiResult<()> {
    if owner::is(caller) {
        return Ok(());
    }
    let text = "Codex transcript import is not available outside the default namespace";
    Err(ApiError::unsuccessful(StatusCode::FORBIDDEN, text, None))
}

/// A hub has no desktop, so Codex Desktop is never beside it.
pub fn with_client(mut body: Value) -> HttpResponse {
    if let Some(fields) = body.as_object_mut() {
        fields.insert("codexDesktopRunning".into(), false.into());
        fields.insert("codexClientAvailable".into(), false.into());
    }
    HttpResponse::Ok().json(body)
}

pub fn filled<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// What the caller chose, without blanks and repetitions.
pub fn chosen(body: &Value) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in body.get("sessionIds").and_then(Value::as_array).into_iter().flatten() {
        let id = id.as_str().map(str::trim).filter(|id| !id.is_empty());
        if let Some(id) = id.filter(|id| !ids.iter().any(|known| known == id)) {
            ids.push(id.to_owned());
        }
    }
    ids
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhereQuery {
    pub cwd: Option<String>,
    pub machine_id: Option<String>,
}

impl WhereQuery {
    pub fn folder(&self) -> Option<&str> {
        self.cwd.as_deref().map(str::trim).filter(|cwd| !cwd.is_empty())
    }

    pub fn machine(&self) -> Option<&str> {
        self.machine_id.as_deref().map(str::trim).filter(|id| !id.is_empty())
    }
}

#[utoipa::path(
    get, path = "/api/codex/status", tag = "codex",
    responses((status = 200, body = schema::CodexStatus), (status = 403, body = rest::ErrorBody)),
)]
pub async fn status(caller: Caller) -> ApiResult<HttpResponse> {
    owner_only(&caller)?;
    Ok(with_client(json!({ "success": true })))
}

/// There is no client beside a hub that could be started again.
#[utoipa::path(
    post, path = "/api/codex/restart-desktop", tag = "codex",
    responses((status = 200, body = schema::CodexStatus), (status = 403, body = rest::ErrorBody)),
)]
pub async fn restart_desktop(caller: Caller) -> ApiResult<HttpResponse> {
    owner_only(&caller)?;
    let text = "There is no Codex Desktop beside this hub";
    Ok(with_client(json!({ "success": false, "error": text, "script": "", "cwd": "" })))
}

/// Threads on a machine, those of a folder or all.
#[utoipa::path(
    get, path = "/api/codex/sessions", tag = "codex",
    params(("cwd" = Option<String>, Query), ("machineId" = Option<String>, Query)),
    responses(
        (status = 200, body = schema::LocalSessions), (status = 403, body = rest::ErrorBody),
        (status = 500, body = rest::ErrorBody), (status = 503, body = rest::ErrorBody),
    ),
)]
pub async fn list(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    query: web::Query<WhereQuery>,
) -> ApiResult<HttpResponse> {
    owner_only(&caller)?;
    let life = life(&hub, &caller, &shared).await?;
    let Some(place) =
        local_history::place(&life, query.machine(), query.folder()).await.map_err(unreachable)?
    else {
        return Ok(unavailable(NO_MACHINE, None));
    };
    match local_history::list(&life, &place, "listCodexSessions", query.folder(), None).await {
        Ok(found) => {
            let threads: Option<Vec<Value>> = found.iter().map(Thread::listed).collect();
            let threads = threads.ok_or_else(|| unlisted(&Unlisted::Unreadable.into()))?;
            let body = json!({ "success": true, "sessions": threads, "machineId": place.machine });
            Ok(HttpResponse::Ok().json(body))
        }
        Err(ListError::Unlisted(Unlisted::Refused(text))) => Ok(unavailable(&text, None)),
        Err(error) => Err(unlisted(&error)),
    }
}

pub fn unreachable(error: FindError) -> ApiError {
    unlisted(&error.into())
}

/// A runner that did not answer, or answered something else.
pub fn unlisted(error: &ListError) -> ApiError {
    ApiError::unsuccessful(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), None)
}

/// Nobody can tell what there is.
pub fn unavailable(text: &str, machine: Option<&str>) -> HttpResponse {
    let mut body = json!({ "success": false, "error": text, "sessions": [] });
    if let (Some(machine), Some(fields)) = (machine, body.as_object_mut()) {
        fields.insert("machineId".into(), machine.into());
    }
    HttpResponse::ServiceUnavailable().json(body)
}

/// Puts a thread among those that Codex has archived on its machine.
#[utoipa::path(
    post, path = "/api/codex/archive-session", tag = "codex", request_body = schema::ArchiveThread,
    responses(
        (status = 200, body = schema::ArchivedThread),
        (status = 400, body = rest::ErrorBody), (status = 403, body = rest::ErrorBody),
        (status = 500, body = rest::ErrorBody), (status = 503, body = rest::ErrorBody),
    ),
)]
pub async fn archive(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    owner_only(&caller)?;
    let body = body.value().unwrap_or_default();
    let Some(thread) = filled(&body, "sessionId") else {
        return Err(ApiError::unsuccessful(StatusCode::BAD_REQUEST, "sessionId is required", None));
    };
    let life = life(&hub, &caller, &shared).await?;
    let place = local_history::place(&life, filled(&body, "machineId"), None).await.map_err(unreachable)?;
    let Some(place) = place else {
        return Err(ApiError::unsuccessful(StatusCode::SERVICE_UNAVAILABLE, NO_MACHINE, None));
    };
    let machine = super::machine(&hub, &caller, &place.machine).await?;
    let params = json!({ "sessionId": thread });
    let call = machine::Call { method: "archiveCodexSession", params, within: PATIENCE };
    let answer = machine.send(call).await?;
    let answer = answer.map_err(|error| unlisted(&error.into()))?;
    let answer = raw::read(&answer).unwrap_or_default();
    match (answer.get("success"), filled(&answer, "archivedPath")) {
        (Some(Value::Bool(true)), Some(path)) => {
            let body = json!({ "success": true, "archivedPath": path, "machineId": place.machine });
            Ok(HttpResponse::Ok().json(body))
        }
        _ => {
            let text = filled(&answer, "error").unwrap_or("The runner did not archive the thread");
            Err(ApiError::unsuccessful(StatusCode::INTERNAL_SERVER_ERROR, text, None))
        }
    }
}
