//! Reading the metadata of a session.

use serde_json::{Map, Value, json};

use crate::domain::{
    flavor::{self, Flavor, NATIVE_ID_KEYS, PERMISSION_MODES},
    shape::{Field, Shape, optional, required},
    text,
};

const STARTING_MODE: Shape = Shape::Nullable(&Shape::OneOf(&["local", "remote", "pty"]));

const ARCHIVE_SNAPSHOT: Shape = Shape::Object(&[
    optional("lifecycleState", Shape::Text),
    optional("lifecycleStateSince", Shape::Number),
    optional("archivedBy", Shape::Text),
    optional("archiveReason", Shape::Text),
]);

const CAPABILITIES: Shape = Shape::Object(&[
    optional("concurrentClients", Shape::Flag),
    optional("terminal", Shape::Flag),
    optional(
        "conversationHistory",
        Shape::Object(&[
            optional("forkCurrent", Shape::Flag),
            optional("forkAtMessage", Shape::Flag),
            optional("rewindToMessage", Shape::Flag),
        ]),
    ),
]);

const WORKTREE: Shape = Shape::Object(&[
    required("basePath", Shape::Text),
    required("branch", Shape::Text),
    required("name", Shape::Text),
    optional("worktreePath", Shape::Text),
    optional("createdAt", Shape::Number),
]);

const CLEAR_OPERATION: Shape = Shape::Object(&[
    required("replacementSessionId", Shape::Text),
    required(
        "state",
        Shape::OneOf(&[
            "reserved",
            "abort-needed",
            "cleanup-confirmed",
            "finalizing",
            "pending",
            "failed",
            "completed",
            "aborted",
        ]),
    ),
    required("updatedAt", Shape::Number),
    optional("error", Shape::Text),
]);

const PI_IMPORT: Shape = Shape::Object(&[
    required("state", Shape::OneOf(&["importing", "complete", "failed", "diverged"])),
    required("machineId", Shape::Text),
    required("piSessionId", Shape::Text),
    required("sourceFile", Shape::Text),
    required("startedAt", Shape::Number),
    required("updatedAt", Shape::Number),
    optional("leafEntryId", Shape::Nullable(&Shape::Text)),
    optional("error", Shape::Text),
]);

const PI_RESUME: Shape = Shape::Object(&[
    required("state", Shape::OneOf(&["resuming", "terminating", "quarantined"])),
    required("machineId", Shape::Text),
    required("startedAt", Shape::Number),
    optional("childSessionId", Shape::Text),
    optional("archiveSnapshot", ARCHIVE_SNAPSHOT),
]);

const PTY_RESUME: Shape = Shape::Object(&[
    required("state", Shape::OneOf(&["resuming", "quarantined"])),
    required("machineId", Shape::Text),
    required("startedAt", Shape::Number),
]);

const FIELDS: &[Field] = &[
    required("path", Shape::Text),
    required("host", Shape::Text),
    optional("version", Shape::Text),
    optional("name", Shape::Text),
    optional("os", Shape::Text),
    optional(
        "summary",
        Shape::Object(&[required("text", Shape::Text), required("updatedAt", Shape::Number)]),
    ),
    optional("machineId", Shape::Text),
    optional("claudeSessionId", Shape::Text),
    optional("codexSessionId", Shape::Text),
    optional("codexSourceSessionId", Shape::Text),
    optional("geminiSessionId", Shape::Text),
    optional("opencodeSessionId", Shape::Text),
    optional("grokSessionId", Shape::Text),
    optional("agySessionId", Shape::Text),
    optional("cursorSessionId", Shape::Text),
    optional("cursorSessionProtocol", Shape::OneOf(&["acp", "stream-json"])),
    optional("cursorMigrationState", Shape::OneOf(&["in_progress", "ambiguous"])),
    optional("kimiSessionId", Shape::Text),
    optional("copilotSessionId", Shape::Text),
    optional("piSessionId", Shape::Text),
    optional("tools", Shape::List(&Shape::Text)),
    optional("slashCommands", Shape::List(&Shape::Text)),
    optional("homeDir", Shape::Text),
    optional("happyHomeDir", Shape::Text),
    optional("happyLibDir", Shape::Text),
    optional("happyToolsDir", Shape::Text),
    optional("startedFromRunner", Shape::Flag),
    optional("hostPid", Shape::Number),
    optional("hapiMcpUrl", Shape::Url),
    optional("startedBy", Shape::OneOf(&["runner", "terminal"])),
    optional("startingMode", STARTING_MODE),
    optional("lifecycleState", Shape::Text),
    optional("lifecycleStateSince", Shape::Number),
    optional("archivedBy", Shape::Text),
    optional("archiveReason", Shape::Text),
    optional("supersededBySessionId", Shape::Text),
    optional("opencodeClearOperation", CLEAR_OPERATION),
    optional("forkedFrom", Shape::Text),
    optional("flavor", Shape::Nullable(&Shape::Text)),
    optional("preferredPermissionMode", Shape::OneOf(PERMISSION_MODES)),
    optional("preferredCopilotAgentMode", Shape::AgentMode),
    optional("capabilities", CAPABILITIES),
    optional("worktree", WORKTREE),
    optional("conversationHistoryPoints", Shape::Map(&Shape::Yes)),
    optional("conversationHistoryIndexes", Shape::Map(&Shape::Index)),
    optional("conversationHistoryTurns", Shape::Map(&Shape::FilledText)),
    optional("conversationHistoryEntryIds", Shape::Map(&Shape::FilledText)),
    optional("conversationHistoryDiverged", Shape::Flag),
    optional("piHistoryLeafEntryId", Shape::Text),
    optional("piImportState", PI_IMPORT),
    optional("piResumeAttempt", PI_RESUME),
    optional("ptyResumeAttempt", PTY_RESUME),
    optional("piAvailableModels", Shape::List(&Shape::OpenObject(&[required("modelId", Shape::Text)]))),
    optional(
        "piSelectedModel",
        Shape::Nullable(&Shape::Object(&[
            required("provider", Shape::Text),
            required("modelId", Shape::Text),
        ])),
    ),
];

/// The public view. `None` without the text fields `path` and `host`.
pub fn view(metadata: &Value) -> Option<Value> {
    Shape::Object(FIELDS).narrow(metadata)
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
