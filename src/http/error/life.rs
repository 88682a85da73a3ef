//! Why a step of a session's life was not taken, as clients are told.

use actix_web::http::StatusCode;
use serde_json::json;

use super::{ApiError, Guarded, coded, plain};
use crate::{
    namespace::FindError,
    session::{clear::ClearError, history::HistoryError, local::LocalError, resume::ResumeError},
};

impl ApiError {
    /// Says beside the error whether the agent's own history may differ from the transcript now.
    pub fn rewind_failed(error: HistoryError) -> Self {
        let (status, is_unknown, code) = match &error {
            HistoryError::Unknown(_) => (StatusCode::INTERNAL_SERVER_ERROR, true, None),
            HistoryError::Failed { code, .. } => (StatusCode::CONFLICT, false, code.clone()),
            HistoryError::Running | HistoryError::Refused(_) => (StatusCode::CONFLICT, false, None),
            HistoryError::Session(_) | HistoryError::Find(_) => return error.into(),
        };
        let mut body = json!({ "error": error.to_string(), "hydrateFailed": is_unknown });
        if let (Some(code), Some(fields)) = (code, body.as_object_mut()) {
            fields.insert("code".into(), code.into());
        }
        Self { status, body, retry_after: None }
    }
}

impl From<LocalError> for ApiError {
    fn from(error: LocalError) -> Self {
        let text = error.to_string();
        match error {
            LocalError::NoFolder | LocalError::NoNativeId => {
                coded(StatusCode::CONFLICT, text, "resume_unavailable")
            }
            LocalError::Shared => coded(StatusCode::CONFLICT, text, "control_mode_not_applicable"),
            LocalError::AlreadyLocal => coded(StatusCode::CONFLICT, text, "already_local"),
            LocalError::Relay(_) | LocalError::NotLetGo => {
                coded(StatusCode::INTERNAL_SERVER_ERROR, text, "handoff_failed")
            }
            LocalError::Session(error) => error.into(),
        }
    }
}

impl From<ClearError> for ApiError {
    fn from(error: ClearError) -> Self {
        let text = error.to_string();
        let (status, code) = match error {
            ClearError::NotReservable
            | ClearError::NoReservation
            | ClearError::NotCleared
            | ClearError::NotConfirmed
            | ClearError::NoPlace => (StatusCode::CONFLICT, "clear_unavailable"),
            ClearError::AbortFailed | ClearError::LinkFailed(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "replacement_link_failed")
            }
            ClearError::SpawnFailed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "spawn_failed"),
            ClearError::Session(error) => return error.into(),
            ClearError::Find(error) => return coded_find(error),
        };
        coded(status, text, code)
    }
}

impl From<HistoryError> for ApiError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Session(error) => error.into(),
            HistoryError::Find(error) => Self::from_find(error, Guarded::Session),
            other => plain(StatusCode::CONFLICT, other.to_string()),
        }
    }
}

/// The guard of the local-resume routes says its cases by code too.
pub fn coded_find(error: FindError) -> ApiError {
    ResumeError::Find(error).into()
}

impl From<ResumeError> for ApiError {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::NoMachineOnline => {
                coded(StatusCode::SERVICE_UNAVAILABLE, "No machine online", "no_machine_online")
            }
            ResumeError::Unavailable(text) => coded(StatusCode::CONFLICT, text, "resume_unavailable"),
            ResumeError::Missing(keys) => {
                let text = "The session lacks what its agent needs to come back";
                let body = json!({ "error": text, "missing": keys });
                Self { status: StatusCode::UNPROCESSABLE_ENTITY, body, retry_after: None }
            }
            ResumeError::Failed(text) => coded(StatusCode::INTERNAL_SERVER_ERROR, text, "resume_failed"),
            ResumeError::Session(error) => error.into(),
            ResumeError::Find(FindError::NotFound) => {
                coded(StatusCode::NOT_FOUND, "Session not found", "session_not_found")
            }
            ResumeError::Find(FindError::Denied) => {
                coded(StatusCode::FORBIDDEN, "Session access denied", "access_denied")
            }
            ResumeError::Find(FindError::Down) => Self::busy(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::history::Refusal;

    #[test]
    fn each_step_that_is_not_taken_says_why() {
        let refused = || HistoryError::Failed { text: "no".into(), code: Some("busy".into()) };
        let errors: Vec<ApiError> = vec![
            ResumeError::NoMachineOnline.into(),
            ResumeError::Unavailable("no id".into()).into(),
            ResumeError::Failed("no luck".into()).into(),
            coded_find(FindError::NotFound),
            coded_find(FindError::Denied),
            coded_find(FindError::Down),
            LocalError::NoFolder.into(),
            LocalError::Shared.into(),
            LocalError::AlreadyLocal.into(),
            LocalError::NotLetGo.into(),
            ResumeError::Missing(&["cursorSessionId"]).into(),
            HistoryError::Running.into(),
            HistoryError::Refused(Refusal::Busy).into(),
            refused().into(),
            ApiError::rewind_failed(refused()),
            ApiError::rewind_failed(HistoryError::Refused(Refusal::HasQueued)),
            ApiError::rewind_failed(HistoryError::Unknown("lost".into())),
            ClearError::NotReservable.into(),
            ClearError::NoReservation.into(),
            ClearError::AbortFailed.into(),
            ClearError::NotCleared.into(),
            ClearError::NotConfirmed.into(),
            ClearError::SpawnFailed("no space".into()).into(),
        ];
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        503 {"error":"No machine online","code":"no_machine_online"}
        409 {"error":"no id","code":"resume_unavailable"}
        500 {"error":"no luck","code":"resume_failed"}
        404 {"error":"Session not found","code":"session_not_found"}
        403 {"error":"Session access denied","code":"access_denied"}
        503 {"error":"The hub cannot do this at the moment","code":"unavailable"}
        409 {"error":"Session metadata missing path","code":"resume_unavailable"}
        409 {"error":"Shared sessions attach without handoff","code":"control_mode_not_applicable"}
        409 {"error":"Session is already controlled by a local terminal","code":"already_local"}
        500 {"error":"Timed out waiting for remote session to hand off","code":"handoff_failed"}
        422 {"error":"The session lacks what its agent needs to come back","missing":["cursorSessionId"]}
        409 {"error":"Another fork or rewind of this session is running"}
        409 {"error":"Session is busy"}
        409 {"error":"no"}
        409 {"error":"no","hydrateFailed":false,"code":"busy"}
        409 {"error":"Session has queued messages","hydrateFailed":false}
        500 {"error":"lost","hydrateFailed":true}
        409 {"error":"Session is not an active runner-backed OpenCode session","code":"clear_unavailable"}
        409 {"error":"Clear reservation not found","code":"clear_unavailable"}
        500 {"error":"Could not abort clear reservation","code":"replacement_link_failed"}
        409 {"error":"Session must be an archived OpenCode clear source","code":"clear_unavailable"}
        409 {"error":"Native OpenCode cleanup is not confirmed","code":"clear_unavailable"}
        500 {"error":"no space","code":"spawn_failed"}
        "#);
    }
}
