//! Threads of Codex become sessions, and sessions of one thread become one.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::{
    Shared,
    auth::Caller,
    body::Body,
    codex::{NO_MACHINE, chosen, filled, owner_only, unlisted, unreachable, with_client},
    error::{ApiError, ApiResult},
    history::life,
};
use crate::{
    domain::{
        flavor,
        import::{Thread, Transcript, Unlisted},
        session::ConfigKey,
    },
    namespace::Hub,
    session::{
        codex_threads,
        import::Wanted,
        life::Life,
        local_history::{self, ListError},
    },
    wire::{rest, schema},
};

const NONE_CHOSEN: &str = "No Codex sessions selected";

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
