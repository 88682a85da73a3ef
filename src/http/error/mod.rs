//! What clients are told when something fails: the one place with status codes and error bodies. A constructor is
//! named for its case. Released clients branch on these texts and codes, so a test pins every body.

mod life;
mod limits;
mod notes;
mod vendor;
mod voice;

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Value, json};

use crate::{
    domain::{ids::SessionId, page::FieldErrors},
    link::RpcError,
    machine::MachineError,
    namespace::{CreateError, FindError},
    session::SessionError,
    store,
    titles::TitleError,
    wire::export::ExportTooLarge,
};
pub use life::coded_find;

/// A failed request. Every one has a JSON body.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    body: Value,
    retry_after: Option<u64>,
}

pub type ApiResult<T> = Result<T, ApiError>;

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.body)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(seconds) = self.retry_after {
            response.insert_header(("Retry-After", seconds.to_string()));
        }
        response.content_type("application/json").body(self.body.to_string())
    }
}

fn plain(status: StatusCode, error: impl Into<String>) -> ApiError {
    ApiError { status, body: json!({ "error": error.into() }), retry_after: None }
}

fn coded(status: StatusCode, error: impl Into<String>, code: &str) -> ApiError {
    ApiError { status, body: json!({ "error": error.into(), "code": code }), retry_after: None }
}

impl ApiError {
    // Who asks

    pub fn missing_token() -> Self {
        plain(StatusCode::UNAUTHORIZED, "Missing authorization token")
    }

    pub fn invalid_token() -> Self {
        plain(StatusCode::UNAUTHORIZED, "Invalid token")
    }

    pub fn invalid_token_payload() -> Self {
        plain(StatusCode::UNAUTHORIZED, "Invalid token payload")
    }

    pub fn invalid_access_token() -> Self {
        plain(StatusCode::UNAUTHORIZED, "Invalid access token")
    }

    pub fn missing_authorization_header() -> Self {
        plain(StatusCode::UNAUTHORIZED, "Missing Authorization header")
    }

    pub fn invalid_authorization_header() -> Self {
        plain(StatusCode::UNAUTHORIZED, "Invalid Authorization header")
    }

    pub fn locked_out(seconds: u64) -> Self {
        let error = coded(StatusCode::TOO_MANY_REQUESTS, "Too many failed sign-ins", "too_many_attempts");
        Self { retry_after: Some(seconds), ..error }
    }

    pub fn telegram_disabled() -> Self {
        let text = "Telegram authentication is disabled. Configure TELEGRAM_BOT_TOKEN.";
        plain(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    // What they sent

    pub fn invalid_body() -> Self {
        plain(StatusCode::BAD_REQUEST, "Invalid body")
    }

    pub fn invalid(text: impl Into<String>) -> Self {
        plain(StatusCode::BAD_REQUEST, text)
    }

    pub fn invalid_query() -> Self {
        plain(StatusCode::BAD_REQUEST, "Invalid query")
    }

    pub fn invalid_fields(error: &str, issues: &FieldErrors) -> Self {
        let body = json!({ "error": error, "issues": issues });
        Self { status: StatusCode::BAD_REQUEST, body, retry_after: None }
    }

    pub fn export_too_large(body: &ExportTooLarge) -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, body: json!(body), retry_after: None }
    }

    pub fn too_large() -> Self {
        plain(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large")
    }

    pub fn upload_too_large() -> Self {
        Self::unsuccessful(StatusCode::PAYLOAD_TOO_LARGE, "File too large (max 50MB)", None)
    }

    pub fn invalid_time_zone() -> Self {
        plain(StatusCode::BAD_REQUEST, "Invalid timeZone")
    }

    // What they asked for

    pub fn session_not_found() -> Self {
        plain(StatusCode::NOT_FOUND, "Session not found")
    }

    /// It went into another session, which old links may follow.
    pub fn session_moved(to: &SessionId) -> Self {
        let body = json!({ "error": "Session not found", "movedTo": to });
        Self { status: StatusCode::NOT_FOUND, body, retry_after: None }
    }

    pub fn session_denied() -> Self {
        plain(StatusCode::FORBIDDEN, "Session access denied")
    }

    pub fn machine_not_found() -> Self {
        plain(StatusCode::NOT_FOUND, "Machine not found")
    }

    pub fn machine_denied() -> Self {
        plain(StatusCode::FORBIDDEN, "Machine access denied")
    }

    pub fn unknown_path() -> Self {
        coded(StatusCode::NOT_FOUND, "There is nothing at this address", "unknown_path")
    }

    pub fn subscription_not_found() -> Self {
        plain(StatusCode::NOT_FOUND, "Subscription not found")
    }

    pub fn session_inactive() -> Self {
        coded(StatusCode::CONFLICT, "Session is inactive", "session_inactive")
    }

    pub fn shared_session() -> Self {
        let text = "Shared sessions do not switch modes";
        coded(StatusCode::CONFLICT, text, "control_mode_not_applicable")
    }

    pub fn shared_session_required() -> Self {
        plain(StatusCode::CONFLICT, "Shared session required")
    }

    pub fn runner_upgrade_required() -> Self {
        let text = "This runner must be upgraded before creating sessions";
        coded(StatusCode::CONFLICT, text, "runner_upgrade_required")
    }

    pub fn machine_offline() -> Self {
        coded(StatusCode::SERVICE_UNAVAILABLE, "Machine is offline", "machine_offline")
    }

    pub fn restart_unsupported() -> Self {
        let text = "The runner is not started by a supervisor, so it would not come back";
        coded(StatusCode::BAD_GATEWAY, text, "restart_unsupported")
    }

    pub fn restart_failed(text: impl Into<String>) -> Self {
        coded(StatusCode::BAD_GATEWAY, text, "restart_failed")
    }

    pub fn owner_only(what: &str) -> Self {
        plain(StatusCode::FORBIDDEN, format!("{what} only available to the hub owner"))
    }

    pub fn titles_not_configured() -> Self {
        plain(StatusCode::SERVICE_UNAVAILABLE, "Title suggestions are not configured on this Hub")
    }

    // What became of it

    /// The family of `{"success":false}`.
    pub fn unsuccessful(status: StatusCode, error: impl Into<String>, code: Option<&str>) -> Self {
        let mut body = json!({ "success": false, "error": error.into() });
        if let (Some(code), Some(fields)) = (code, body.as_object_mut()) {
            fields.insert("code".into(), code.into());
        }
        Self { status, body, retry_after: None }
    }

    pub fn relay_failed(text: impl Into<String>) -> Self {
        plain(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    pub fn unreadable(text: impl Into<String>) -> Self {
        plain(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    pub fn not_connected() -> Self {
        plain(StatusCode::SERVICE_UNAVAILABLE, "Not connected")
    }

    pub fn busy() -> Self {
        let error =
            coded(StatusCode::SERVICE_UNAVAILABLE, "The hub cannot do this at the moment", "unavailable");
        Self { retry_after: Some(1), ..error }
    }
}

/// Which guard failed.
#[derive(Clone, Copy)]
pub enum Guarded {
    Session,
    Machine,
}

impl ApiError {
    pub fn from_find(error: FindError, guarded: Guarded) -> Self {
        match (error, guarded) {
            (FindError::NotFound, Guarded::Session) => Self::session_not_found(),
            (FindError::NotFound, Guarded::Machine) => Self::machine_not_found(),
            (FindError::Denied, Guarded::Session) => Self::session_denied(),
            (FindError::Denied, Guarded::Machine) => Self::machine_denied(),
            (FindError::Down, _) => Self::busy(),
        }
    }
}

impl From<actix::MailboxError> for ApiError {
    fn from(_: actix::MailboxError) -> Self {
        Self::busy()
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed a request");
        Self::busy()
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        let status = StatusCode::CONFLICT;
        match error {
            SessionError::Inactive => Self::session_inactive(),
            SessionError::NoSuchRequest => plain(StatusCode::NOT_FOUND, "Request not found"),
            SessionError::AlreadyDecided(winner) => {
                let text = "Somebody else has decided this request";
                let body = json!({ "error": text, "code": "already_decided", "winner": *winner });
                Self { status, body, retry_after: None }
            }
            // Whoever sends a prompt follows it; nothing else is answered this way.
            SessionError::Moved(to) => Self::session_moved(&to),
            SessionError::Held => {
                coded(status, "A fork or rewind of this session is running", "history_busy")
            }
            SessionError::LocalIdTaken => {
                coded(status, "This localId belongs to a message with another text", "local_id_conflict")
            }
            SessionError::Unfit(text) => plain(StatusCode::BAD_REQUEST, text),
            SessionError::NotApplied(text) => plain(status, text),
            SessionError::StillActive => plain(status, "Cannot delete active session. Archive it first."),
            // Without a code: released pages offer to reopen a session on `session_inactive` only.
            SessionError::NotRunning => plain(status, "Session is inactive"),
            SessionError::Rpc(error) => Self::relay_failed(error.to_string()),
            SessionError::Store(error) => error.into(),
            SessionError::Files(error) => {
                tracing::error!(%error, "a folder of attachments cannot be used");
                Self::busy()
            }
        }
    }
}

/// Settings that the agent did not take are conflicts, also when it could not be asked.
pub fn setting_failed(error: SessionError) -> ApiError {
    match error {
        SessionError::Rpc(error) => plain(StatusCode::CONFLICT, error.to_string()),
        other => other.into(),
    }
}

impl From<RpcError> for ApiError {
    fn from(error: RpcError) -> Self {
        Self::relay_failed(error.to_string())
    }
}

impl From<MachineError> for ApiError {
    fn from(MachineError::Store(error): MachineError) -> Self {
        error.into()
    }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::TagTaken | CreateError::IdTaken => plain(StatusCode::CONFLICT, error.to_string()),
            CreateError::MachineDenied => Self::machine_denied(),
            CreateError::Store(error) => error.into(),
        }
    }
}

impl From<TitleError> for ApiError {
    fn from(error: TitleError) -> Self {
        match error {
            TitleError::NothingSaid => plain(
                StatusCode::UNPROCESSABLE_ENTITY,
                "There is no conversation yet that a title could be made from",
            ),
            TitleError::TooOften { wait } => {
                let seconds = u64::try_from(wait).unwrap_or_default().div_ceil(1_000);
                let error =
                    plain(StatusCode::TOO_MANY_REQUESTS, "Too many title suggestions; try again later");
                Self { retry_after: Some(seconds), ..error }
            }
            TitleError::Provider(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "no title was suggested");
                plain(StatusCode::BAD_GATEWAY, "The title provider failed")
            }
            TitleError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests;
