//! Starting an agent on a machine.

use actix::prelude::*;
use serde::Serialize;
use serde_json::Value;

use super::LiveMachine;
use crate::{
    domain::{ids::SessionId, json},
    link::rpc,
};

/// Asks the runner to start an agent. Answers the session that its process made or joined.
#[derive(Message)]
#[rtype(result = "Result<SessionId, SpawnFailure>")]
pub struct Spawn {
    pub params: Value,
}

/// Why nothing was started, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SpawnFailure {
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl SpawnFailure {
    fn text(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: None, agent: None }
    }
}

impl Handler<Spawn> for LiveMachine {
    type Result = ResponseFuture<Result<SessionId, SpawnFailure>>;

    fn handle(&mut self, Spawn { params }: Spawn, _: &mut Self::Context) -> Self::Result {
        let call = self.call("spawn-happy-session", &params, rpc::PATIENCE);
        Box::pin(async move {
            let answer = call.await.map_err(|error| SpawnFailure::text(error.to_string()))?;
            read(&json::read(&answer).unwrap_or_default())
        })
    }
}

/// What runners of all versions answer.
fn read(answer: &Value) -> Result<SessionId, SpawnFailure> {
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    match text("type") {
        Some("success") => {
            if let Some(id) = text("sessionId") {
                return Ok(id.into());
            }
        }
        Some("error") => {
            if let Some(message) = text("errorMessage") {
                let code = text("code")
                    .filter(|code| ["agent_unavailable", "outside_workspace_roots"].contains(code));
                return Err(SpawnFailure {
                    message: message.to_owned(),
                    code: code.map(str::to_owned),
                    agent: text("agent").map(str::to_owned),
                });
            }
        }
        Some("requestToApproveDirectoryCreation") => {
            if let Some(directory) = text("directory") {
                return Err(SpawnFailure::text(format!("Directory creation requires approval: {directory}")));
            }
        }
        _ => {}
    }
    let message = text("error").or_else(|| text("message").filter(|_| text("type") != Some("success")));
    Err(message
        .map_or_else(|| SpawnFailure::text(format!("Unexpected spawn result: {answer}")), SpawnFailure::text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_answer_of_a_runner_is_understood() {
        assert_eq!(read(&json!({"type": "success", "sessionId": "s"})), Ok("s".into()));
        let refused =
            read(&json!({"type": "error", "errorMessage": "no", "code": "agent_unavailable", "agent": "pi"}));
        assert_eq!(refused.unwrap_err().code.as_deref(), Some("agent_unavailable"));
        let odd = read(&json!({"type": "error", "errorMessage": "no", "code": "else"})).unwrap_err();
        assert_eq!(odd, SpawnFailure::text("no"));
        let asks =
            read(&json!({"type": "requestToApproveDirectoryCreation", "directory": "/new"})).unwrap_err();
        assert_eq!(asks.message, "Directory creation requires approval: /new");
        assert_eq!(read(&json!({"error": "broken"})).unwrap_err().message, "broken");
        assert_eq!(read(&json!(7)).unwrap_err().message, "Unexpected spawn result: 7");
    }
}
