//! Cursor's older chat stores: whether a session could move to the newer protocol. This hub answers what is the case
//! and moves nothing, since the stores lie on the machines of the agents, not here.

use serde_json::Value;

use super::{metadata, session::Session};

/// Why a session does not move. Clients branch on the reason and show the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMoved {
    #[error("Session is not a Cursor session")]
    OtherAgent,
    #[error("Session uses the ACP protocol already")]
    Already,
    #[error("Session has no Cursor chat to move")]
    NoChat,
    #[error("This hub does not move Cursor chat stores; start a new session to use the ACP protocol")]
    NotHere,
}

impl NotMoved {
    pub fn of(session: &Session) -> Self {
        let chat = session.facts.metadata.as_ref().and_then(metadata::resume_id);
        if session.facts.flavor_name.as_deref() != Some("cursor") {
            Self::OtherAgent
        } else if session.is_cursor_acp() {
            Self::Already
        } else if chat.is_none() {
            Self::NoChat
        } else {
            Self::NotHere
        }
    }

    pub fn reason(self) -> &'static str {
        match self {
            Self::OtherAgent => "not_cursor_session",
            Self::Already => "already_acp",
            Self::NoChat => "no_cursor_session_id",
            Self::NotHere => "internal_error",
        }
    }
}

/// What a request for a move may say, each of it yes or no. The error lists what is wrong with it.
pub fn check_options(body: &Value) -> Result<(), Vec<Value>> {
    let issue = |path: Vec<&str>, expected: &str| {
        let message = format!("Invalid input: expected {expected}");
        serde_json::json!({ "code": "invalid_type", "expected": expected, "path": path, "message": message })
    };
    let Some(fields) = body.as_object() else { return Err(vec![issue(Vec::new(), "object")]) };
    let wrong: Vec<Value> = ["keepSource", "forceArchiveRunning", "skipVerify"]
        .into_iter()
        .filter(|key| fields.get(*key).is_some_and(|value| !value.is_boolean()))
        .map(|key| issue(vec![key], "boolean"))
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_are_yes_or_no() {
        assert_eq!(check_options(&json!({ "keepSource": true, "more": 1 })), Ok(()));
        let wrong = check_options(&json!({ "keepSource": "yes", "skipVerify": null })).unwrap_err();
        let paths: Vec<_> = wrong.iter().map(|issue| issue["path"].clone()).collect();
        assert_eq!(paths, [json!(["keepSource"]), json!(["skipVerify"])]);
        assert_eq!(check_options(&json!([])).unwrap_err().len(), 1);
    }
}
