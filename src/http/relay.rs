//! Reads and small writes that the hub only passes on to a session's process or a machine's runner: one table, one
//! handler. A row says which call it becomes, what goes along, and how a failure looks to the client.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde_json::{Map, Value, json};

use super::{
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
};
use crate::{
    domain::json as raw,
    link::{RpcError, rpc},
    machine,
    namespace::Hub,
    session::{self, GetGlance, Glance},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

/// Whose process is called, and what must hold first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Any session; its working directory goes along.
    Folder,
    /// Any session.
    Session,
    ActiveSession,
    /// An active session of one kind of agent.
    Agent {
        flavor: &'static str,
        otherwise: &'static str,
    },
    Machine,
}

/// How a client is told that the call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 200 `{"success":false,"error"}`.
    InBody,
    /// 500 `{"success":false,"error"}`.
    Unsuccessful,
    /// As before, but 503 `rpc_target_missing` when nobody was there to ask.
    UnsuccessfulOrMissing,
    /// 500 `{"error"}`.
    Plain,
}

/// Builds the parameters of the call.
type Params = fn(&Asked<'_>) -> ApiResult<Value>;

pub struct Relay {
    pub verb: Verb,
    pub path: &'static str,
    pub scope: Scope,
    pub rpc: &'static str,
    pub summary: &'static str,
    pub query: &'static [&'static str],
    params: Params,
    within: Duration,
    failure: Failure,
}

/// What a request brings.
pub struct Asked<'a> {
    id: &'a str,
    glance: Option<&'a Glance>,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

impl Asked<'_> {
    fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// A query parameter that has to be there and not be empty.
    fn required(&self, key: &str) -> ApiResult<&str> {
        self.query(key)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ApiError::invalid("Invalid file path"))
    }

    fn body_text(&self, key: &str) -> ApiResult<&str> {
        let text = self.body.as_ref().and_then(|body| body.get(key)?.as_str());
        text.filter(|text| !text.is_empty()).ok_or_else(ApiError::invalid_body)
    }

    fn cwd(&self) -> Value {
        self.glance.and_then(|glance| glance.path.clone()).into()
    }

    fn flavor(&self) -> &str {
        self.glance.and_then(|glance| glance.flavor.as_deref()).unwrap_or("claude")
    }
}

fn none(_: &Asked<'_>) -> ApiResult<Value> {
    Ok(json!({}))
}

fn staged(asked: &Asked<'_>, mut params: Map<String, Value>) -> Value {
    if let Some(staged @ ("true" | "false")) = asked.query("staged") {
        params.insert("staged".into(), (staged == "true").into());
    }
    params.into()
}

fn cwd_and_staged(asked: &Asked<'_>) -> ApiResult<Value> {
    Ok(staged(asked, Map::from_iter([("cwd".to_owned(), asked.cwd())])))
}

fn file_and_staged(asked: &Asked<'_>) -> ApiResult<Value> {
    let path = asked.required("path")?.into();
    Ok(staged(asked, Map::from_iter([("cwd".to_owned(), asked.cwd()), ("filePath".to_owned(), path)])))
}

fn query_cwd(asked: &Asked<'_>) -> ApiResult<Value> {
    let cwd = asked.query("cwd").map(str::trim).filter(|cwd| !cwd.is_empty());
    let missing = || ApiError::unsuccessful(StatusCode::BAD_REQUEST, "cwd query parameter is required", None);
    Ok(json!({ "cwd": cwd.ok_or_else(missing)? }))
}

fn optional_cwd(asked: &Asked<'_>) -> ApiResult<Value> {
    Ok(json!({ "cwd": asked.query("cwd").map(str::trim).filter(|cwd| !cwd.is_empty()) }))
}

const PATIENT: Duration = Duration::from_secs(120);

const fn row(
    verb: Verb,
    path: &'static str,
    scope: Scope,
    rpc: &'static str,
    summary: &'static str,
) -> Relay {
    let failure = match scope {
        Scope::Folder | Scope::Session => Failure::InBody,
        Scope::ActiveSession | Scope::Agent { .. } | Scope::Machine => Failure::Unsuccessful,
    };
    Relay { verb, path, scope, rpc, summary, query: &[], params: none, within: rpc::PATIENCE, failure }
}

const fn get(path: &'static str, scope: Scope, rpc: &'static str, summary: &'static str) -> Relay {
    row(Verb::Get, path, scope, rpc, summary)
}

const fn agent(flavor: &'static str, otherwise: &'static str) -> Scope {
    Scope::Agent { flavor, otherwise }
}

impl Relay {
    const fn with(mut self, query: &'static [&'static str], params: Params) -> Self {
        self.query = query;
        self.params = params;
        self
    }

    const fn patiently(mut self) -> Self {
        self.within = PATIENT;
        self
    }

    const fn failing(mut self, failure: Failure) -> Self {
        self.failure = failure;
        self
    }
}

const CODEX: Scope = agent("codex", "Codex models are only available for Codex sessions");
const CURSOR: Scope = agent("cursor", "Cursor models are only available for Cursor sessions");
const OPENCODE: Scope = agent("opencode", "OpenCode models are only available for OpenCode sessions");
const GROK: Scope = agent("grok", "Grok models are only available for Grok sessions");
const COPILOT: Scope = agent("copilot", "Copilot models are only available for Copilot sessions");
const PI: Scope = agent("pi", "Not a Pi session");

pub static RELAYS: &[Relay] = &[
    get("/api/sessions/{id}/git-status", Scope::Folder, "git-status", "Git status, porcelain v2")
        .with(&[], |asked| Ok(json!({ "cwd": asked.cwd() }))),
    get("/api/sessions/{id}/git-diff-numstat", Scope::Folder, "git-diff-numstat", "Changed lines by file")
        .with(&["staged"], cwd_and_staged),
    get("/api/sessions/{id}/git-diff-file", Scope::Folder, "git-diff-file", "Diff of one file")
        .with(&["path", "staged"], file_and_staged),
    get("/api/sessions/{id}/file", Scope::Folder, "readFile", "A file's content, base64")
        .with(&["path"], |asked| Ok(json!({ "path": asked.required("path")? }))),
    get("/api/sessions/{id}/directory", Scope::Folder, "listDirectory", "A folder's entries")
        .with(&["path"], |asked| Ok(json!({ "path": asked.query("path").unwrap_or_default() }))),
    get("/api/sessions/{id}/skills", Scope::Session, "listSkills", "Skills the agent offers")
        .with(&[], |asked| Ok(json!({ "flavor": asked.flavor() }))),
    row(
        Verb::Post,
        "/api/sessions/{id}/upload/delete",
        Scope::ActiveSession,
        "deleteUpload",
        "Deletes an upload",
    )
    .with(&[], |asked| Ok(json!({ "sessionId": asked.id, "path": asked.body_text("path")? }))),
    get("/api/sessions/{id}/codex-models", CODEX, "listCodexModels", "Models").patiently(),
    get("/api/sessions/{id}/cursor-models", CURSOR, "listCursorModels", "Models").patiently(),
    get("/api/sessions/{id}/opencode-models", OPENCODE, "listOpencodeModels", "Models"),
    get(
        "/api/sessions/{id}/opencode-reasoning-effort-options",
        OPENCODE,
        "listOpencodeReasoningEffortOptions",
        "Reasoning efforts",
    ),
    get("/api/sessions/{id}/grok-models", GROK, "listGrokModels", "Models"),
    get(
        "/api/sessions/{id}/grok-reasoning-effort-options",
        GROK,
        "listGrokReasoningEffortOptions",
        "Efforts",
    ),
    get("/api/sessions/{id}/copilot-models", COPILOT, "listCopilotModels", "Models").patiently(),
    get("/api/sessions/{id}/pi-models", PI, "listPiModels", "Models").patiently(),
    row(
        Verb::Post,
        "/api/machines/{id}/list-directory",
        Scope::Machine,
        "list-directory",
        "A folder's entries",
    )
    .with(&[], |asked| {
        let hidden = asked.body.as_ref().and_then(|body| body.get("includeHidden")?.as_bool());
        let mut params = json!({ "path": asked.body_text("path")? });
        if let (Some(hidden), Some(fields)) = (hidden, params.as_object_mut()) {
            fields.insert("includeHidden".into(), hidden.into());
        }
        Ok(params)
    })
    .failing(Failure::Plain),
    get("/api/machines/{id}/agy-models", Scope::Machine, "listAgyModels", "Models")
        .with(&["refresh"], |asked| Ok(json!({ "refresh": asked.query("refresh") == Some("true") })))
        .patiently(),
    get("/api/machines/{id}/pi-models", Scope::Machine, "listPiModelsForMachine", "Models")
        .patiently()
        .failing(Failure::UnsuccessfulOrMissing),
    get("/api/machines/{id}/codex-models", Scope::Machine, "listCodexModels", "Models")
        .patiently()
        .failing(Failure::UnsuccessfulOrMissing),
    get("/api/machines/{id}/cursor-models", Scope::Machine, "listCursorModels", "Models").patiently(),
    get("/api/machines/{id}/opencode-models", Scope::Machine, "listOpencodeModelsForCwd", "Models")
        .with(&["cwd"], query_cwd),
    get(
        "/api/machines/{id}/opencode-model-variants",
        Scope::Machine,
        "listOpencodeModelVariants",
        "Variants",
    )
    .with(&["cwd"], optional_cwd)
    .patiently()
    .failing(Failure::UnsuccessfulOrMissing),
    get("/api/machines/{id}/grok-models", Scope::Machine, "listGrokModelsForCwd", "Models")
        .with(&["cwd"], query_cwd),
    get("/api/machines/{id}/copilot-models", Scope::Machine, "listCopilotModelsForCwd", "Models")
        .with(&["cwd"], query_cwd)
        .patiently(),
];

/// Adds the rows of sessions to the scope of one session.
pub fn of_sessions(config: &mut web::ServiceConfig) {
    below("/api/sessions/{id}", config);
}

/// Adds the rows of machines to the scope of one machine.
pub fn of_machines(config: &mut web::ServiceConfig) {
    below("/api/machines/{id}", config);
}

fn below(scope: &str, config: &mut web::ServiceConfig) {
    let rows = RELAYS.iter().filter_map(|relay| Some((relay, relay.path.strip_prefix(scope)?)));
    for (relay, path) in rows {
        let route = match relay.verb {
            Verb::Get => web::get(),
            Verb::Post => web::post(),
        };
        let handler =
            move |caller: Caller,
                  hub: web::Data<Hub>,
                  id: web::Path<String>,
                  req: HttpRequest,
                  body: Body| { serve(relay, caller, hub, id.into_inner(), req, body) };
        config.route(path, route.to(handler));
    }
}

async fn serve(
    relay: &'static Relay,
    caller: Caller,
    hub: web::Data<Hub>,
    id: String,
    req: HttpRequest,
    body: Body,
) -> ApiResult<HttpResponse> {
    let query = url::form_urlencoded::parse(req.query_string().as_bytes()).into_owned().collect();
    let body = if relay.verb == Verb::Post { body.value() } else { None };
    let answer = if relay.scope == Scope::Machine {
        let machine = super::machine(&hub, &caller, &id).await?;
        let asked = Asked { id: &id, glance: None, query, body };
        let params = (relay.params)(&asked)?;
        machine.send(machine::Call { method: relay.rpc, params, within: relay.within }).await?
    } else {
        let session = super::session(&hub, &caller, &id).await?;
        let glance = session.send(GetGlance).await?;
        admit(relay.scope, &glance)?;
        if relay.scope == Scope::Folder && glance.path.is_none() {
            return Ok(
                HttpResponse::Ok().json(json!({ "success": false, "error": "Session path not available" }))
            );
        }
        let asked = Asked { id: &id, glance: Some(&glance), query, body };
        let params = (relay.params)(&asked)?;
        session.send(session::Call { method: relay.rpc, params, within: relay.within }).await?
    };
    match answer {
        Ok(answer)
            if relay.rpc == "list-directory" && raw::read(&answer).is_none_or(|value| !value.is_object()) =>
        {
            let text = "Unexpected list-directory result";
            Ok(HttpResponse::Ok().json(json!({ "success": false, "error": text })))
        }
        Ok(answer) => Ok(super::json(answer.get().to_owned())),
        Err(error) => failed(relay.failure, &error),
    }
}

fn admit(scope: Scope, glance: &Glance) -> ApiResult<()> {
    let needs_active = matches!(scope, Scope::ActiveSession | Scope::Agent { .. });
    if needs_active && !glance.is_active {
        return Err(ApiError::session_inactive());
    }
    match scope {
        Scope::Agent { flavor, otherwise } if glance.flavor.as_deref() != Some(flavor) => {
            Err(ApiError::unsuccessful(StatusCode::BAD_REQUEST, otherwise, None))
        }
        _ => Ok(()),
    }
}

/// A call that brought no answer, as the client of this family expects to hear it.
pub fn failed(failure: Failure, error: &RpcError) -> ApiResult<HttpResponse> {
    let text = error.to_string();
    match failure {
        Failure::InBody => Ok(HttpResponse::Ok().json(json!({ "success": false, "error": text }))),
        Failure::UnsuccessfulOrMissing if error.is_target_missing() => {
            let code = Some("rpc_target_missing");
            Err(ApiError::unsuccessful(StatusCode::SERVICE_UNAVAILABLE, text, code))
        }
        Failure::Unsuccessful | Failure::UnsuccessfulOrMissing => {
            Err(ApiError::unsuccessful(StatusCode::INTERNAL_SERVER_ERROR, text, None))
        }
        Failure::Plain => Err(ApiError::relay_failed(text)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_rows_answer_the_same_request() {
        let mut seen = HashSet::new();
        for relay in RELAYS {
            assert!(seen.insert((relay.verb == Verb::Get, relay.path)), "{}", relay.path);
            assert_eq!(
                relay.scope == Scope::Machine,
                relay.path.starts_with("/api/machines/"),
                "{}",
                relay.path
            );
        }
    }
}
