//! `hapi resume`: taking a conversation that runs elsewhere, or ran once, to a terminal.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Shared,
    auth::Cli,
    error::{ApiResult, coded_find},
};
use crate::{
    domain::{ids::SessionId, metadata, session::Session},
    namespace::Hub,
    session::local::{self, GetResumeTarget, HandOff, ResumeTarget},
    store,
    wire::rest,
};

/// How many of a session's first messages are looked through for what a person said.
const FIRST_WORDS: i64 = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResumableQuery {
    machine_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resumable {
    #[serde(flatten)]
    target: ResumeTarget,
    updated_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_user_message: Option<String>,
}

/// Conversations that can be gone on with, the most recent first.
#[utoipa::path(
    get, path = "/cli/sessions/resumable", tag = "cli",
    params(("machineId" = Option<String>, Query, description = "only those of one machine")),
    responses((status = 200, description = "`{sessions}`"), (status = 401, body = rest::ErrorBody)),
    security(("accessToken" = []))
)]
pub async fn resumable(
    cli: Cli,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    query: web::Query<ResumableQuery>,
) -> ApiResult<HttpResponse> {
    let machine = query.into_inner().machine_id.filter(|id| !id.is_empty());
    let namespace = cli.namespace.clone();
    let mut found = shared.env.store.read(move |conn| resting(conn, &namespace, machine.as_deref())).await?;
    for row in found.iter_mut().filter(|row| row.target.active) {
        // What only a live session knows, such as whether its agent works.
        let id = SessionId::from(row.target.session_id.as_str());
        if let Ok(session) = hub.session(&cli.namespace, &id).await
            && let Ok(target) = session.send(GetResumeTarget).await?
        {
            row.target = target;
        }
    }
    Ok(HttpResponse::Ok().json(json!({ "sessions": found })))
}

fn resting(
    conn: &mut store::Connection,
    namespace: &crate::domain::ids::Namespace,
    machine: Option<&str>,
) -> store::Result<Vec<Resumable>> {
    let mut found = Vec::new();
    store::sessions::each_of_namespace(conn, namespace, |record| {
        let (key, updated_at) = (record.key, record.updated_at);
        let session = Session::resting(record, 0, None);
        let Some(view) = &session.facts.metadata else { return };
        let is_wanted = machine.is_none_or(|machine| session.facts.machine_id.as_deref() == Some(machine));
        let target = metadata::resume_id(view).and_then(|id| ResumeTarget::of(&session, id));
        let (Some(target), true) = (target, is_wanted) else { return };
        let text =
            |value: Option<&serde_json::Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        let name = text(view.get("name"));
        let summary = text(view.get("summary").and_then(|summary| summary.get("text")));
        found.push((key, Resumable { target, updated_at, name, summary, first_user_message: None }));
    })?;
    let mut found = found
        .into_iter()
        .map(|(key, row)| {
            let oldest = store::messages::oldest(conn, key, FIRST_WORDS)?;
            Ok(Resumable { first_user_message: local::first_words(&oldest), ..row })
        })
        .collect::<store::Result<Vec<_>>>()?;
    found.sort_by_key(|row| std::cmp::Reverse(row.updated_at));
    Ok(found)
}

#[utoipa::path(
    get, path = "/cli/sessions/{id}/resume-target", tag = "cli", params(("id" = String, Path)),
    responses((status = 200, description = "`{target}`"), (status = 404, body = rest::ErrorBody), (status = 409, body = rest::ErrorBody)),
    security(("accessToken" = []))
)]
pub async fn resume_target(cli: Cli, hub: web::Data<Hub>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let session = hub.session(&cli.namespace, &SessionId::from(id.as_str())).await.map_err(coded_find)?;
    let target = session.send(GetResumeTarget).await??;
    Ok(HttpResponse::Ok().json(json!({ "target": target })))
}

/// Makes the session's process let go; answers when it has.
#[utoipa::path(
    post, path = "/cli/sessions/{id}/handoff-local", tag = "cli", params(("id" = String, Path)),
    responses((status = 200, body = rest::Ok), (status = 409, body = rest::ErrorBody), (status = 500, body = rest::ErrorBody)),
    security(("accessToken" = []))
)]
pub async fn handoff(cli: Cli, hub: web::Data<Hub>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let session = hub.session(&cli.namespace, &SessionId::from(id.as_str())).await.map_err(coded_find)?;
    session.send(HandOff).await??;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}
