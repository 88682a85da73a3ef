//! What only Cursor's sessions have: a chat store on their machine, and an older protocol.

use std::sync::Arc;

use actix::Addr;
use actix_web::{HttpResponse, http::StatusCode, web};
use serde_json::{Value, json};

use super::{
    Shared,
    auth::{Caller, Cli},
    body::Body,
    error::{ApiError, ApiResult, Guarded},
    history::life,
};
use crate::{
    domain::{
        ids::SessionId,
        json as raw, metadata,
        migration::{NotMoved, check_options},
        session::Session,
    },
    link::rpc,
    machine,
    namespace::{Hub, ListMachines},
    session::{GetState, LiveSession, resume::ResumeError},
    wire::{rest, schema},
};

/// Where the conversation's chat store lies on its machine, if it is there.
#[utoipa::path(
    get, path = "/api/sessions/{id}/cursor-chat-store", tag = "sessions", params(("id" = String, Path)),
    responses(
        (status = 200, body = schema::ChatStore), (status = 404, body = rest::ErrorBody),
        (status = 409, body = rest::ErrorBody, description = "no chat of Cursor"),
        (status = 502, body = rest::ErrorBody, description = "the machine did not say"),
        (status = 503, body = rest::ErrorBody, description = "the machine is offline"),
    ),
)]
pub async fn chat_store(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let state = session.send(GetState).await?;
    let params = probe(&state)
        .ok_or_else(|| ResumeError::Unavailable("Cursor resume metadata is unavailable".to_owned()))?;
    let life = life(&hub, &caller, &shared).await?;
    let online = life.tenant.send(ListMachines).await?;
    let recorded = state.facts.machine_id.as_deref();
    let machine = online.into_iter().map(|(id, _)| id).find(|id| Some(id.as_str()) == recorded);
    let machine = machine.ok_or(ResumeError::NoMachineOnline)?;
    let machine = super::machine(&hub, &caller, machine.as_str()).await?;
    let call = machine::Call { method: "cursor-chat-store-status", params, within: rpc::PATIENCE };
    let answer = machine.send(call).await?.map_err(|error| ApiError::probe_failed(error.to_string()))?;
    let status = raw::read(&answer).as_ref().and_then(status_of);
    let status = status.ok_or_else(|| ApiError::probe_failed("Unexpected chat store status"))?;
    Ok(HttpResponse::Ok().json(status))
}

/// What the machine is asked; `None` when there is nothing to look for.
fn probe(state: &Session) -> Option<Value> {
    let stored = state.facts.metadata.as_ref()?;
    let chat =
        metadata::resume_id(stored).filter(|_| state.facts.flavor_name.as_deref() == Some("cursor"))?;
    let mut params = json!({ "workspacePath": state.facts.path.as_ref()?, "cursorSessionId": chat });
    if let (Some(home), Some(fields)) = (stored.get("homeDir"), params.as_object_mut()) {
        fields.insert("homeDir".into(), home.clone());
    }
    Some(params)
}

/// `{onDisk, store}` and nothing else.
fn status_of(answer: &Value) -> Option<Value> {
    let store = match answer.get("store")? {
        Value::Null => None,
        store => Some(store.as_str().filter(|store| matches!(*store, "legacy" | "acp"))?),
    };
    Some(json!({ "onDisk": answer.get("onDisk")?.as_bool()?, "store": store }))
}

/// Says why the session's chat store is not moved to Cursor's newer protocol.
#[utoipa::path(
    post, path = "/api/sessions/{id}/migrate-to-acp", tag = "sessions", params(("id" = String, Path)),
    request_body(content = Option<schema::MigrationRequest>, description = "may be left out"),
    responses(
        (status = 400, body = rest::ErrorBody), (status = 404, body = rest::ErrorBody),
        (status = 409, body = schema::MigrationRefusal, description = "there is nothing to move"),
        (status = 500, body = schema::MigrationRefusal, description = "this hub moves no stores"),
    ),
)]
pub async fn migrate(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    refuse(&shared, session, &body).await
}

/// The same for agents' processes.
#[utoipa::path(
    post, path = "/cli/sessions/{id}/migrate-to-acp", tag = "cli", params(("id" = String, Path)),
    request_body(content = Option<schema::MigrationRequest>, description = "may be left out"),
    responses(
        (status = 400, body = rest::ErrorBody), (status = 404, body = rest::ErrorBody),
        (status = 409, body = schema::MigrationRefusal), (status = 500, body = schema::MigrationRefusal),
    ),
    security(("accessToken" = []))
)]
pub async fn migrate_for_cli(
    cli: Cli,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let found = hub.session(&cli.namespace, &SessionId::from(id.as_str())).await;
    let session = found.map_err(|error| ApiError::from_find(error, Guarded::Session))?;
    refuse(&shared, session, &body).await
}

async fn refuse(shared: &Shared, session: Addr<LiveSession>, body: &Body) -> ApiResult<HttpResponse> {
    let began = shared.env.clock.now();
    if !body.is_blank() {
        let options = body.value().ok_or_else(|| ApiError::invalid("Invalid JSON body"))?;
        check_options(&options).map_err(ApiError::invalid_with)?;
    }
    let state = session.send(GetState).await?;
    let outcome = NotMoved::of(&state);
    let status = match outcome {
        NotMoved::OtherAgent | NotMoved::Already | NotMoved::NoChat => StatusCode::CONFLICT,
        NotMoved::NotHere => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Ok(HttpResponse::build(status).json(json!({
        "ok": false,
        "sessionId": state.id(),
        "reason": outcome.reason(),
        "message": outcome.to_string(),
        "durationMs": shared.env.clock.now() - began,
    })))
}
