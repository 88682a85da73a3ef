//! Machines: which are online, and starting agents on them.

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::{
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
};
use crate::{
    domain::{
        flavor::{self, Flavor},
        json as raw, text,
    },
    link::rpc,
    machine::{Call, GetMachine, Rename, Spawn},
    namespace::{Hub, ListMachines},
    wire::{rest, schema},
};

/// A machine's name, counted as browsers count.
const NAME: usize = 64;

/// The machines that are online.
#[utoipa::path(
    get, path = "/api/machines", tag = "machines", responses((status = 200, body = schema::MachineList)),
)]
pub async fn list(caller: Caller, hub: web::Data<Hub>) -> ApiResult<HttpResponse> {
    let tenant = hub.tenant(&caller.namespace).await.map_err(|_| ApiError::not_connected())?;
    let online = tenant.send(ListMachines).await?;
    let rows: Vec<&[u8]> = online.iter().map(|(_, row)| row.json.as_ref()).collect();
    Ok(super::json([b"{\"machines\":[".as_slice(), &rows.join(&b','), b"]}"].concat()))
}

/// Names a machine; a blank name takes the name away.
#[utoipa::path(
    patch, path = "/api/machines/{id}", tag = "machines", params(("id" = String, Path)),
    request_body = schema::DisplayNameRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody)),
)]
pub async fn rename(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let machine = super::machine(&hub, &caller, &id).await?;
    let body = body.value();
    let name = body.as_ref().and_then(|body| body.get("displayName")?.as_str());
    let name = text::trim(name.ok_or_else(|| ApiError::invalid("Invalid body: displayName is required"))?);
    if text::units(name) > NAME {
        return Err(ApiError::invalid("displayName must be at most 64 characters"));
    }
    machine.send(Rename(name.to_owned())).await??;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

/// Which agents can be started there.
#[utoipa::path(
    get, path = "/api/machines/{id}/agent-availability", tag = "machines", params(("id" = String, Path)),
    responses(
        (status = 200, body = schema::AgentAvailability),
        (status = 409, body = rest::ErrorBody, description = "the runner is too old to say"),
    ),
)]
pub async fn agent_availability(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let machine = super::machine(&hub, &caller, &id).await?;
    if !machine.send(GetMachine).await?.has_capability("agent-availability") {
        return Err(ApiError::runner_upgrade_required());
    }
    let call = Call { method: "agent-availability", params: json!({}), within: rpc::PATIENCE };
    let answer = raw::read(&machine.send(call).await??).unwrap_or_default();
    if !is_availability(&answer) {
        return Err(ApiError::relay_failed("Unexpected agent-availability result"));
    }
    Ok(HttpResponse::Ok().json(json!({ "agents": answer.get("agents") })))
}

fn is_availability(answer: &Value) -> bool {
    answer.get("agents").and_then(Value::as_array).is_some_and(|agents| {
        agents.iter().all(|row| {
            let agent = row.get("agent").and_then(Value::as_str).and_then(Flavor::parse);
            agent.is_some() && row.get("available").is_some_and(Value::is_boolean)
        })
    })
}

/// Starts an agent in a folder. Failures are told in the body.
#[utoipa::path(
    post, path = "/api/machines/{id}/spawn", tag = "machines", params(("id" = String, Path)),
    request_body = rest::SpawnRequest,
    responses((status = 200, body = schema::SpawnAnswer), (status = 400, body = rest::ErrorBody)),
)]
pub async fn spawn(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let machine = super::machine(&hub, &caller, &id).await?;
    if !machine.send(GetMachine).await?.has_capability("agent-availability") {
        return Ok(HttpResponse::Ok().json(json!({
            "type": "error",
            "message": "This runner must be upgraded before creating sessions",
            "code": "runner_upgrade_required",
        })));
    }
    let params = spawn_params(&body.read()?)?;
    Ok(HttpResponse::Ok().json(match machine.send(Spawn { params }).await? {
        Ok(id) => json!({ "type": "success", "sessionId": id }),
        Err(failure) => {
            let mut answer = json!({ "type": "error", "message": failure.message });
            if let Some(fields) = answer.as_object_mut() {
                fields.extend(failure.code.map(|code| ("code".to_owned(), code.into())));
                fields.extend(failure.agent.map(|agent| ("agent".to_owned(), agent.into())));
            }
            answer
        }
    }))
}

fn spawn_params(request: &rest::SpawnRequest) -> ApiResult<Value> {
    let agent = request.agent.as_deref().map_or(Some(Flavor::Claude), Flavor::parse);
    let agent = agent.ok_or_else(ApiError::invalid_body)?;
    let one_of =
        |value: &Option<String>, known: &[&str]| value.as_deref().is_none_or(|value| known.contains(&value));
    let is_valid = !request.directory.is_empty()
        && one_of(&request.session_type, &["simple", "worktree"])
        && one_of(&request.service_tier, flavor::SERVICE_TIERS)
        && one_of(&request.collaboration_mode, flavor::COLLABORATION_MODES)
        && one_of(&request.starting_mode, &["remote", "pty"])
        && request.permission_mode.as_deref().is_none_or(flavor::is_permission_mode);
    let agent_mode = match request.copilot_agent_mode.as_deref() {
        None => None,
        Some(mode) => Some(flavor::agent_mode(mode).ok_or_else(ApiError::invalid_body)?),
    };
    if !is_valid {
        return Err(ApiError::invalid_body());
    }
    let is_remote = request.starting_mode.as_deref().is_none_or(|mode| mode == "remote");
    match agent {
        Flavor::Agy if !is_remote => return Err(ApiError::invalid("AGY only supports remote mode")),
        Flavor::Dsh if !is_remote => return Err(ApiError::invalid("DSH only supports remote mode")),
        _ => {}
    }
    let mut params = Map::new();
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            params.insert(key.to_owned(), value.into());
        }
    };
    put("type", Some("spawn-in-directory"));
    put("directory", Some(&request.directory));
    put("agent", Some(agent.as_str()));
    put("model", request.model.as_deref());
    put("modelReasoningEffort", request.model_reasoning_effort.as_deref());
    put("sessionType", request.session_type.as_deref());
    put("worktreeName", request.worktree_name.as_deref());
    put("effort", request.effort.as_deref());
    put("permissionMode", request.permission_mode.as_deref());
    put("serviceTier", request.service_tier.as_deref());
    put("collaborationMode", request.collaboration_mode.as_deref());
    put("copilotAgentMode", agent_mode);
    put("startingMode", request.starting_mode.as_deref());
    if let Some(yolo) = request.yolo {
        params.insert("yolo".into(), yolo.into());
    }
    params.insert("forkSession".into(), false.into());
    Ok(params.into())
}

/// Which of some folders exist on the machine.
#[utoipa::path(
    post, path = "/api/machines/{id}/paths/exists", tag = "machines", params(("id" = String, Path)),
    request_body = schema::PathsExistRequest,
    responses((status = 200, body = schema::PathsExist), (status = 400, body = rest::ErrorBody)),
)]
pub async fn paths_exist(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let machine = super::machine(&hub, &caller, &id).await?;
    let paths = body.value().and_then(|body| wanted_paths(&body)).ok_or_else(ApiError::invalid_body)?;
    if paths.is_empty() {
        return Ok(HttpResponse::Ok().json(json!({ "exists": {} })));
    }
    let call = Call { method: "path-exists", params: json!({ "paths": paths }), within: rpc::PATIENCE };
    let answer = raw::read(&machine.send(call).await??).unwrap_or_default();
    let exists = answer.get("exists").and_then(Value::as_object);
    let exists = exists.ok_or_else(|| ApiError::relay_failed("Unexpected path-exists result"))?;
    let exists: Map<String, Value> = exists
        .iter()
        .map(|(path, is_there)| (path.clone(), (*is_there == Value::Bool(true)).into()))
        .collect();
    let mut body = json!({ "exists": exists });
    let outside =
        answer.get("outsideWorkspaceRoots").and_then(Value::as_array).filter(|list| !list.is_empty());
    if let (Some(outside), Some(fields)) = (outside, body.as_object_mut()) {
        fields.insert("outsideWorkspaceRoots".into(), outside.clone().into());
    }
    Ok(HttpResponse::Ok().json(body))
}

/// Trimmed, without blanks and repeats.
fn wanted_paths(body: &Value) -> Option<Vec<String>> {
    let list = body.get("paths")?.as_array().filter(|list| list.len() <= 1_000)?;
    let mut paths: Vec<String> = Vec::with_capacity(list.len());
    for path in list {
        let path = path.as_str().filter(|path| !path.is_empty())?;
        let path = text::trim(path).to_owned();
        if !path.is_empty() && !paths.contains(&path) {
            paths.push(path);
        }
    }
    Some(paths)
}

/// Has the runner stopped; its supervisor starts it again.
#[utoipa::path(
    post, path = "/api/machines/{id}/restart-runner", tag = "machines", params(("id" = String, Path)),
    responses((status = 200), (status = 502, body = rest::ErrorBody), (status = 503, body = rest::ErrorBody)),
)]
pub async fn restart_runner(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let machine = super::machine(&hub, &caller, &id).await?;
    let view = machine.send(GetMachine).await?;
    if !view.active {
        return Err(ApiError::machine_offline());
    }
    if !view.is_supervised() {
        return Err(ApiError::restart_unsupported());
    }
    let call = Call { method: "stop-runner", params: json!({}), within: rpc::PATIENCE };
    machine.send(call).await?.map_err(|error| ApiError::restart_failed(error.to_string()))?;
    Ok(HttpResponse::Ok().json(json!({ "message": "Runner stop requested; supervisor will relaunch" })))
}
