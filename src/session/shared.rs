//! Sessions whose one runtime serves terminal and browser at once. Their process makes new sessions itself; the hub
//! waits for them and looks that they are what they should be.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Call,
    history::HistoryError,
    life::{Life, gone},
    rewind::PATIENCE,
};
use crate::domain::{ids::SessionId, json as raw, session::Session, shared};

/// How long a child may take to appear, and how often it is looked for.
const APPEARS_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long an agent may take to begin with a plan.
pub const PLAN_PATIENCE: Duration = Duration::from_secs(60);

/// Waits for the child that a shared runtime says it has made.
pub async fn verified(
    life: &Life,
    source: &Session,
    child: &str,
    native_id: Option<&str>,
) -> Result<SessionId, HistoryError> {
    let id = SessionId::from(child);
    let look = async {
        loop {
            if let Ok(address) = life.session(&id).await
                && let Ok(state) = address.send(super::GetState).await
                && shared::is_child(source, &state, native_id)
            {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(APPEARS_WITHIN, look).await {
        Ok(()) => Ok(id),
        Err(_) => Err(HistoryError::failed("The agent's new session did not appear")),
    }
}

/// Begins a new, empty conversation in the same runtime.
pub async fn clear(life: &Life, id: &SessionId) -> Result<SessionId, HistoryError> {
    let session = life.session(id).await?;
    let source = session.send(super::GetState).await.map_err(gone)?;
    let call = Call { method: "clear-conversation", params: json!({}), within: PATIENCE };
    let answer = session.send(call).await.map_err(gone)?;
    let answer = answer.map_err(|error| HistoryError::failed(error.to_string()))?;
    let answer = raw::read(&answer).unwrap_or_default();
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    match text("sessionId") {
        Some(child) => verified(life, &source, child, None).await,
        None => {
            let error = text("error").unwrap_or("The agent did not clear the conversation");
            Err(HistoryError::failed(error))
        }
    }
}
