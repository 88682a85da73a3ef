//! What CLIs and runners ask over HTTP: before their socket is up, and after it was lost.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    Shared,
    auth::Cli,
    body::Body,
    error::{ApiError, ApiResult, Guarded},
    hub_settings,
};
use crate::{
    domain::{
        ids::{MachineId, Namespace, SessionId},
        json::{self, Json},
        prompt, text,
    },
    machine::{GetMachine, Register},
    namespace::{CreateSession, Created, Hub, RegisterMachine},
    session::{Announce, GetFull, GetKey},
    store::{self, messages::Message},
    wire::{message::MessageView, rest, schema},
};

/// Rows of one page of the backfill.
const PAGE: i64 = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewSession {
    tag: String,
    metadata: Box<RawValue>,
    agent_state: Option<Box<RawValue>>,
    id: Option<uuid::Uuid>,
    model: Option<String>,
    model_reasoning_effort: Option<String>,
    effort: Option<String>,
    machine: Option<NewMachine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewMachine {
    id: String,
    metadata: Box<RawValue>,
    runner_state: Option<Box<RawValue>>,
}

/// `{"session":…,"sessionSummaryContract":…}`
async fn answer(shared: &Shared, session: &[u8]) -> HttpResponse {
    // An agent can start without knowing; what is wrong with the file was logged.
    let settings = hub_settings::current(shared).await.unwrap_or_default();
    let contract = format!(",\"sessionSummaryContract\":{}}}", settings.session_summary_contract);
    super::json([b"{\"session\":", session, contract.as_bytes()].concat())
}

/// Makes a session, or loads the newest one with this tag, unchanged.
#[utoipa::path(
    post, path = "/cli/sessions", tag = "cli", request_body = rest::CreateSession,
    responses(
        (status = 200, body = schema::CliSession), (status = 400, body = rest::ErrorBody),
        (status = 403, body = rest::ErrorBody), (status = 409, body = rest::ErrorBody),
    ),
    security(("accessToken" = []))
)]
pub async fn create_session(
    cli: Cli,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let new: NewSession = body.read()?;
    if new.tag.is_empty() || new.machine.as_ref().is_some_and(|machine| machine.id.is_empty()) {
        return Err(ApiError::invalid_body());
    }
    if let Some(machine) = new.machine {
        register(&hub, &cli.namespace, machine).await?;
    }
    let tenant = hub.tenant(&cli.namespace).await.map_err(|_| ApiError::not_connected())?;
    let created = tenant
        .send(CreateSession {
            tag: new.tag,
            id: new.id.map(|id| SessionId::from(id.to_string())),
            metadata: new.metadata.into(),
            agent_state: new.agent_state.map(Json::from),
            model: new.model,
            model_reasoning_effort: new.model_reasoning_effort,
            effort: new.effort,
        })
        .await??;
    let full = match created {
        Created::New(full) => full,
        Created::Found(id) => {
            let session = hub.session(&cli.namespace, &id).await;
            let session = session.map_err(|error| ApiError::from_find(error, Guarded::Session))?;
            session.send(Announce).await??
        }
    };
    Ok(answer(&shared, &full).await)
}

#[utoipa::path(
    get, path = "/cli/sessions/{id}", tag = "cli", params(("id" = String, Path)),
    responses((status = 200, body = schema::CliSession), (status = 404, body = rest::ErrorBody)),
    security(("accessToken" = []))
)]
pub async fn session(
    cli: Cli,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let session = hub.session(&cli.namespace, &SessionId::from(id.as_str())).await;
    let session = session.map_err(|error| ApiError::from_find(error, Guarded::Session))?;
    Ok(answer(&shared, &session.send(GetFull).await?).await)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackfillQuery {
    after_seq: Option<String>,
    limit: Option<String>,
}

impl BackfillQuery {
    fn parse(&self) -> Option<(i64, i64)> {
        let integer = |value: &str| text::number(value).and_then(text::safe_integer);
        let after = integer(self.after_seq.as_deref()?).filter(|after| *after >= 0)?;
        let limit = match self.limit.as_deref() {
            None => PAGE,
            Some(limit) => integer(limit).filter(|limit| (1..=PAGE).contains(limit))?,
        };
        Some((after, limit))
    }
}

/// What a CLI that comes back has missed.
#[utoipa::path(
    get, path = "/cli/sessions/{id}/messages", tag = "cli",
    params(
        ("id" = String, Path), ("afterSeq" = i64, Query),
        ("limit" = Option<u32>, Query, description = "1 to 200, 200 by default"),
    ),
    responses((status = 200, body = schema::CliMessages), (status = 400, body = rest::ErrorBody)),
    security(("accessToken" = []))
)]
pub async fn messages(
    cli: Cli,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    query: web::Query<BackfillQuery>,
) -> ApiResult<HttpResponse> {
    let session = hub.session(&cli.namespace, &SessionId::from(id.as_str())).await;
    let session = session.map_err(|error| ApiError::from_find(error, Guarded::Session))?;
    let (after, limit) = query.parse().ok_or_else(ApiError::invalid_query)?;
    let (key, _) = session.send(GetKey).await??;
    let now = shared.env.clock.now();
    let rows =
        shared.env.store.read(move |conn| store::messages::backfill(conn, key, after, now, limit)).await?;
    let rows: Vec<Message> = rows.into_iter().map(replayed).collect();
    let views: Vec<MessageView<'_>> = rows.iter().map(MessageView::from).collect();
    let views = json::write(&views);
    Ok(super::json(format!("{{\"messages\":{}}}", views.get())))
}

/// A prompt that was to be put into a running turn must not be put there again.
fn replayed(row: Message) -> Message {
    match json::raw(prompt::degrade_steer(row.content.get())) {
        Some(content) => Message { content, ..row },
        None => row,
    }
}

async fn register(hub: &Hub, namespace: &Namespace, machine: NewMachine) -> ApiResult<Value> {
    let id = MachineId::from(machine.id);
    let metadata = Json::from(machine.metadata);
    let runner_state = machine.runner_state.map(Json::from).filter(|raw| !json::is_null(raw));
    let tenant = hub.tenant(namespace).await.map_err(|_| ApiError::not_connected())?;
    let denied = |error| ApiError::from_find(error, Guarded::Machine);
    let is_new = tenant
        .send(RegisterMachine {
            id: id.clone(),
            metadata: metadata.clone(),
            runner_state: runner_state.clone(),
        })
        .await?
        .map_err(denied)?;
    let machine = hub.machine(namespace, &id).await.map_err(denied)?;
    let view = if is_new {
        machine.send(GetMachine).await?
    } else {
        machine.send(Register { metadata, runner_state }).await??
    };
    Ok(serde_json::to_value(view).unwrap_or_default())
}

/// Makes a machine, or brings one that is known up to date.
#[utoipa::path(
    post, path = "/cli/machines", tag = "cli", request_body = schema::RegisterMachineRequest,
    responses(
        (status = 200, body = schema::MachineAnswer), (status = 400, body = rest::ErrorBody),
        (status = 403, body = rest::ErrorBody),
    ),
    security(("accessToken" = []))
)]
pub async fn register_machine(cli: Cli, hub: web::Data<Hub>, body: Body) -> ApiResult<HttpResponse> {
    let machine: NewMachine = body.read()?;
    if machine.id.is_empty() {
        return Err(ApiError::invalid_body());
    }
    let machine = register(&hub, &cli.namespace, machine).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "machine": machine })))
}

#[utoipa::path(
    get, path = "/cli/machines/{id}", tag = "cli", params(("id" = String, Path)),
    responses((status = 200, body = schema::MachineAnswer), (status = 404, body = rest::ErrorBody)),
    security(("accessToken" = []))
)]
pub async fn machine(cli: Cli, hub: web::Data<Hub>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let machine = hub.machine(&cli.namespace, &MachineId::from(id.as_str())).await;
    let machine = machine.map_err(|error| ApiError::from_find(error, Guarded::Machine))?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "machine": machine.send(GetMachine).await? })))
}

/// A path that is none; told only to who has a token.
pub async fn unknown(_: Cli) -> HttpResponse {
    super::not_found()
}
