//! Reading the metadata of a session.

use serde_json::{Map, Value, json};

use super::session_shape::METADATA;
use crate::domain::{
    flavor::{self, Flavor, NATIVE_ID_KEYS},
    text,
};

/// The public view. `None` without the text fields `path` and `host`.
pub fn view(metadata: &Value) -> Option<Value> {
    METADATA.narrow(metadata)
}

/// The part of a view that a row of the session list shows.
pub fn summary_view(view: &Value) -> Value {
    let mut row = Map::new();
    for key in ["name", "path", "machineId"] {
        copy(view, key, &mut row);
    }
    if let Some(summary) = view.pointer("/summary/text") {
        row.insert("summary".to_owned(), json!({ "text": summary }));
    }
    row.insert("flavor".to_owned(), flavor_name(view).into());
    copy(view, "worktree", &mut row);
    if let Some(id) = agent_session_id(view) {
        row.insert("agentSessionId".to_owned(), id.into());
    }
    for key in ["lifecycleState", "hapiMcpUrl"] {
        copy(view, key, &mut row);
    }
    Value::Object(row)
}

fn copy(from: &Value, key: &str, to: &mut Map<String, Value>) {
    if let Some(value) = from.get(key) {
        to.insert(key.to_owned(), value.clone());
    }
}

/// The id by which two sessions are found to be one conversation, with its key.
pub fn native_id(metadata: &Value) -> Option<(&'static str, String)> {
    NATIVE_ID_KEYS.iter().find_map(|key| Some((*key, filled(metadata, key)?.to_owned())))
}

/// The agent's own id as the session list shows it: that of the flavor, or any when the flavor says nothing.
pub fn agent_session_id(metadata: &Value) -> Option<String> {
    const ANY: [&str; 9] = [
        "codexSessionId",
        "claudeSessionId",
        "geminiSessionId",
        "opencodeSessionId",
        "grokSessionId",
        "agySessionId",
        "cursorSessionId",
        "kimiSessionId",
        "copilotSessionId",
    ];
    let id = match flavor_name(metadata).and_then(Flavor::parse) {
        Some(flavor) => filled(metadata, flavor.native_id_key()?),
        None => ANY.iter().find_map(|key| filled(metadata, key)),
    };
    id.map(|id| text::trim(id).to_owned())
}

/// The agent's own id to resume with. A session of no or unknown flavor is taken for Claude's.
pub fn resume_id(metadata: &Value) -> Option<String> {
    let key = flavor(metadata).unwrap_or(Flavor::Claude).native_id_key()?;
    filled(metadata, key).map(|id| text::trim(id).to_owned())
}

fn filled<'a>(metadata: &'a Value, key: &str) -> Option<&'a str> {
    field(metadata, key).filter(|text| !text::is_blank(text))
}

fn field<'a>(metadata: &'a Value, key: &str) -> Option<&'a str> {
    metadata.get(key).and_then(Value::as_str)
}

pub fn path(metadata: &Value) -> Option<&str> {
    field(metadata, "path")
}

pub fn host(metadata: &Value) -> Option<&str> {
    field(metadata, "host")
}

pub fn machine_id(metadata: &Value) -> Option<&str> {
    field(metadata, "machineId")
}

/// The flavor as it is written, known to us or not.
pub fn flavor_name(metadata: &Value) -> Option<&str> {
    field(metadata, "flavor")
}

pub fn flavor(metadata: &Value) -> Option<Flavor> {
    Flavor::of(flavor_name(metadata))
}

pub fn lifecycle_state(metadata: &Value) -> Option<&str> {
    field(metadata, "lifecycleState")
}

/// Whether terminal and browser use one runtime of the agent at the same time.
pub fn is_shared(metadata: &Value) -> bool {
    metadata.pointer("/capabilities/concurrentClients") == Some(&Value::Bool(true))
}

pub fn preferred_permission_mode(metadata: &Value) -> Option<&str> {
    field(metadata, "preferredPermissionMode").filter(|mode| flavor::is_permission_mode(mode))
}

pub fn preferred_agent_mode(metadata: &Value) -> Option<&'static str> {
    field(metadata, "preferredCopilotAgentMode").and_then(flavor::agent_mode)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
