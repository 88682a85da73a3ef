//! Threads that Codex keeps on people's machines: listed, imported, archived. For the hub's owner alone, as released
//! pages expect.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
    history::life,
};
use crate::{
    domain::{
        flavor,
        import::{Thread, Transcript, Unlisted},
        json as raw,
        session::ConfigKey,
    },
    machine,
    namespace::Hub,
    session::{
        codex_threads,
        import::Wanted,
        life::Life,
        local_history::{self, ListError, PATIENCE},
    },
    wire::{rest, schema},
};

const OWNER: &str = "default";
const NO_MACHINE: &str = "No online machine available for Codex history import";
const NONE_CHOSEN: &str = "No Codex sessions selected";

fn owner_only(caller: &Caller) -> ApiResult<()> {
    if caller.namespace.as_str() == OWNER {
        return Ok(());
    }
    let text = "Codex transcript import is not available outside the default namespace";
    Err(ApiError::unsuccessful(StatusCode::FORBIDDEN, text, None))
}

/// A hub has no desktop, so Codex Desktop is never beside it.
fn with_client(mut body: Value) -> HttpResponse {
    if let Some(fields) = body.as_object_mut() {
        fields.insert("codexDesktopRunning".into(), false.into());
        fields.insert("codexClientAvailable".into(), false.into());
    }
    HttpResponse::Ok().json(body)
}

fn filled<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
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

fn unreachable(error: crate::namespace::FindError) -> ApiError {
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

/// Makes sessions of threads, or appends to sessions what they lack of theirs.
#[utoipa::path(
    post, path = "/api/codex/sync-session", tag = "codex", request_body = schema::SyncThreads,
    responses(
        (status = 200, body = schema::SyncedThreads, description = "also when it failed; see `success`"),
        (status = 403, body = rest::ErrorBody),
        (status = 500, body = rest::ErrorBody, description = "the runner did not answer"),
    ),
)]
pub async fn sync(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    owner_only(&caller)?;
    let body = body.value().unwrap_or_default();
    let life = life(&hub, &caller, &shared).await?;
    // What is begun is finished, also when the caller hangs up.
    let synced = actix_rt::spawn(async move { sync_all(&life, &body).await });
    Ok(with_client(synced.await.map_err(|_| ApiError::busy())??))
}

async fn sync_all(life: &Life, body: &Value) -> ApiResult<Value> {
    let (folder, ids) = (filled(body, "cwd"), chosen(body));
    let cwd = folder.unwrap_or_default();
    let failed = |text: &str| json!({ "success": false, "error": text, "cwd": cwd, "sessionIds": ids });
    if ids.is_empty() {
        return Ok(failed(NONE_CHOSEN));
    }
    let place = local_history::place(life, filled(body, "machineId"), folder).await.map_err(unreachable)?;
    let Some(place) = place else { return Ok(failed(NO_MACHINE)) };
    let found = match local_history::list(life, &place, "listCodexSessions", folder, Some(&ids)).await {
        Ok(found) => found,
        Err(ListError::Unlisted(Unlisted::Refused(text))) => return Ok(failed(&text)),
        Err(error) => return Err(unlisted(&error)),
    };
    let threads: Option<Vec<Thread>> = found.iter().map(Thread::read).collect();
    let threads = threads.ok_or_else(|| unlisted(&Unlisted::Unreadable.into()))?;
    let (mut sessions, mut output, mut failure) = (Vec::new(), Vec::new(), None);
    for id in &ids {
        let Some(thread) = threads.iter().find(|thread| thread.id == *id) else {
            failure = Some(format!("Codex session not found: {id}"));
            break;
        };
        let transcript = Arc::new(Transcript::Codex(thread.clone()));
        match local_history::import(life, transcript, place.clone(), wanted(body)).await {
            Ok(imported) => {
                output.push(format!("{id}: {:?}, {} messages", imported.action, imported.appended));
                sessions.push(imported.session.to_string());
            }
            Err(error) => {
                failure = Some(format!("{id}: {error}"));
                break;
            }
        }
    }
    let synced = sessions.len();
    let output = output.join("\n");
    Ok(match failure {
        Some(text) => {
            let mut answer = failed(&text);
            if let Some(fields) = answer.as_object_mut() {
                fields.extend(Map::from_iter([
                    ("syncedCount".to_owned(), synced.into()),
                    ("output".to_owned(), output.into()),
                ]));
            }
            answer
        }
        None => json!({
            "success": true, "message": format!("Imported {synced} of {} Codex sessions", ids.len()), "pid": 0,
            "command": "direct-import", "cwd": cwd, "output": output, "sessionIds": ids,
            "hapiSessionIds": sessions, "syncedCount": synced,
        }),
    })
}

/// The settings that imported sessions are to have. Values that no agent has are passed over.
fn wanted(body: &Value) -> Wanted {
    let keys = [
        ConfigKey::Model,
        ConfigKey::ModelReasoningEffort,
        ConfigKey::ServiceTier,
        ConfigKey::CollaborationMode,
    ];
    let fits = |key: &ConfigKey, value: &str| {
        *key != ConfigKey::CollaborationMode || flavor::is_collaboration_mode(value)
    };
    let settings = keys.into_iter().filter_map(|key| {
        let value = filled(body, key.name()).filter(|value| fits(&key, value))?;
        Some((key, value.to_owned()))
    });
    Wanted { settings: settings.collect(), is_yolo: body.get("yolo") == Some(&Value::Bool(true)) }
}

/// Which of these threads several sessions are about.
#[utoipa::path(
    post, path = "/api/codex/duplicate-sessions", tag = "codex", request_body = schema::ChosenThreads,
    responses((status = 200, body = schema::DuplicateThreads), (status = 403, body = rest::ErrorBody)),
)]
pub async fn duplicates(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    owner_only(&caller)?;
    let ids = chosen(&body.value().unwrap_or_default());
    if ids.is_empty() {
        return Ok(HttpResponse::Ok().json(json!({ "success": false, "error": NONE_CHOSEN })));
    }
    let life = life(&hub, &caller, &shared).await?;
    let found = codex_threads::find(&life, ids).await?;
    let rows: Vec<Value> = found
        .iter()
        .map(|found| json!({ "codexSessionId": found.thread, "hapiSessionIds": found.ids() }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "success": true, "duplicates": rows })))
}

/// Joins the sessions of each of these threads.
#[utoipa::path(
    post, path = "/api/codex/merge-duplicate-sessions", tag = "codex", request_body = schema::ChosenThreads,
    responses((status = 200, body = schema::MergedThreads), (status = 403, body = rest::ErrorBody)),
)]
pub async fn merge_duplicates(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    owner_only(&caller)?;
    let ids = chosen(&body.value().unwrap_or_default());
    if ids.is_empty() {
        return Ok(HttpResponse::Ok().json(json!({ "success": false, "error": NONE_CHOSEN })));
    }
    let life = life(&hub, &caller, &shared).await?;
    let merged = actix_rt::spawn(async move { merge_all(&life, ids).await });
    Ok(HttpResponse::Ok().json(merged.await.map_err(|_| ApiError::busy())??))
}

async fn merge_all(life: &Life, ids: Vec<String>) -> ApiResult<Value> {
    let mut rows = Vec::new();
    for found in codex_threads::find(life, ids).await? {
        match codex_threads::join(life, &found).await {
            Ok(merged) => rows.push(json!({
                "codexSessionId": merged.thread, "hapiSessionIds": found.ids(),
                "canonicalSessionId": merged.into, "removedSessionIds": merged.removed,
            })),
            Err(error) => {
                tracing::info!(%error, thread = found.thread, "sessions of one thread were not joined");
                let text = "Several sessions of one thread are active; archive all but one of them first";
                return Ok(
                    json!({ "success": false, "error": text, "merged": rows, "mergedCount": rows.len() }),
                );
            }
        }
    }
    Ok(json!({ "success": true, "merged": rows, "mergedCount": rows.len() }))
}
