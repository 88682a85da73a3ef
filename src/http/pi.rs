//! Conversations that Pi keeps on people's machines: listed and imported.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode, web};
use serde_json::{Value, json};

use super::{
    Shared,
    auth::Caller,
    body::Body,
    codex::{WhereQuery, chosen, unavailable, unlisted, unreachable},
    error::{ApiError, ApiResult},
    history::life,
};
use crate::{
    domain::import::{Conversation, Transcript, Unlisted},
    namespace::Hub,
    session::{
        import::Wanted,
        life::Life,
        local_history::{self, Action, ImportError, ListError, Outcome},
        pi_sessions,
    },
    wire::{rest, schema},
};

const NO_MACHINE: &str = "No online machine available for Pi history import";
const METHOD: &str = "listPiSessions";

/// Conversations on a machine, and which of them are sessions here.
#[utoipa::path(
    get, path = "/api/pi/sessions", tag = "pi",
    params(("cwd" = Option<String>, Query), ("machineId" = Option<String>, Query)),
    responses(
        (status = 200, body = schema::LocalSessions),
        (status = 500, body = rest::ErrorBody), (status = 503, body = rest::ErrorBody),
    ),
)]
pub async fn list(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    query: web::Query<WhereQuery>,
) -> ApiResult<HttpResponse> {
    let life = life(&hub, &caller, &shared).await?;
    let place = local_history::place(&life, query.machine(), query.folder()).await.map_err(unreachable)?;
    let Some(place) = place else { return Ok(unavailable(NO_MACHINE, None)) };
    let found = match local_history::list(&life, &place, METHOD, query.folder(), None).await {
        Ok(found) => found,
        Err(ListError::Unlisted(Unlisted::Refused(text))) => {
            return Ok(unavailable(&text, Some(&place.machine)));
        }
        Err(error) => return Err(unlisted(&error)),
    };
    let rows: Option<Vec<Value>> = found.iter().map(Conversation::listed).collect();
    let mut rows = rows.ok_or_else(|| unlisted(&Unlisted::Unreadable.into()))?;
    let known = pi_sessions::known(&life, &place).await?;
    for fields in rows.iter_mut().filter_map(Value::as_object_mut) {
        let id = fields.get("id").and_then(Value::as_str);
        if let Some(known) = id.and_then(|id| known.get(id)) {
            fields.insert("hapiSessionId".into(), known.session.as_str().into());
            if let Some(state) = &known.state {
                fields.insert("importState".into(), state.as_str().into());
            }
        }
    }
    let body = json!({ "success": true, "sessions": rows, "machineId": place.machine });
    Ok(HttpResponse::Ok().json(body))
}

/// Makes sessions of conversations, or appends to sessions what they lack of theirs.
#[utoipa::path(
    post, path = "/api/pi/import-sessions", tag = "pi", request_body = schema::ImportConversations,
    responses(
        (status = 200, body = schema::ImportedConversations, description = "also when some failed; see `success`"),
        (status = 400, body = rest::ErrorBody), (status = 500, body = rest::ErrorBody),
        (status = 503, body = rest::ErrorBody),
    ),
)]
pub async fn import(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let body = body.value().unwrap_or_default();
    let ids = chosen(&body);
    if ids.is_empty() {
        return Ok(without_results(StatusCode::BAD_REQUEST, "No Pi sessions selected", None));
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let asked = WhereQuery { cwd: text("cwd"), machine_id: text("machineId") };
    let life = life(&hub, &caller, &shared).await?;
    // What is begun is finished, also when the caller hangs up.
    let imported = actix_rt::spawn(async move { import_all(&life, &asked, &ids).await });
    imported.await.map_err(|_| ApiError::busy())?
}

fn without_results(status: StatusCode, text: &str, machine: Option<&str>) -> HttpResponse {
    let mut body = json!({ "success": false, "error": text, "results": [] });
    if let (Some(machine), Some(fields)) = (machine, body.as_object_mut()) {
        fields.insert("machineId".into(), machine.into());
    }
    HttpResponse::build(status).json(body)
}

async fn import_all(life: &Life, asked: &WhereQuery, ids: &[String]) -> ApiResult<HttpResponse> {
    let place = local_history::place(life, asked.machine(), asked.folder()).await.map_err(unreachable)?;
    let Some(place) = place else {
        return Ok(without_results(StatusCode::SERVICE_UNAVAILABLE, NO_MACHINE, None));
    };
    let found = match local_history::list(life, &place, METHOD, asked.folder(), Some(ids)).await {
        Ok(found) => found,
        Err(ListError::Unlisted(Unlisted::Refused(text))) => {
            return Ok(without_results(StatusCode::SERVICE_UNAVAILABLE, &text, Some(&place.machine)));
        }
        Err(error) => return Err(unlisted(&error)),
    };
    let conversations: Option<Vec<Conversation>> = found.iter().map(Conversation::read).collect();
    let conversations = conversations.ok_or_else(|| unlisted(&Unlisted::Unreadable.into()))?;
    let mut results = Vec::new();
    for id in ids {
        let found = conversations.iter().find(|conversation| conversation.id == *id);
        results.push(match found {
            None => error_of(id, None, "not_found", "The machine has no such conversation"),
            Some(conversation) => {
                let transcript = Arc::new(Transcript::Pi(conversation.clone()));
                let import = local_history::import(life, transcript, place.clone(), Wanted::default());
                result_of(id, import.await)
            }
        });
    }
    let is_success = results.iter().all(|result| result.get("error").is_none());
    let body = json!({ "success": is_success, "results": results, "machineId": place.machine });
    Ok(HttpResponse::Ok().json(body))
}

fn result_of(id: &str, outcome: Outcome) -> Value {
    match outcome {
        Ok(imported) => {
            let action = match imported.action {
                Action::Created => "created",
                Action::Updated => "updated",
                Action::Unchanged => "unchanged",
            };
            json!({
                "piSessionId": id, "hapiSessionId": imported.session, "action": action,
                "appended": imported.appended,
            })
        }
        Err(error) => {
            let text = error.to_string();
            match &error {
                ImportError::Active(session) => error_of(id, Some(session.as_str()), "session_active", &text),
                ImportError::Diverged(session) => {
                    error_of(id, Some(session.as_str()), "transcript_diverged", &text)
                }
                ImportError::Failed => error_of(id, None, "import_failed", &text),
            }
        }
    }
}

fn error_of(id: &str, session: Option<&str>, code: &str, message: &str) -> Value {
    let mut result = json!({ "piSessionId": id, "error": { "code": code, "message": message } });
    if let (Some(session), Some(fields)) = (session, result.as_object_mut()) {
        fields.insert("hapiSessionId".into(), session.into());
    }
    result
}
