//! Fork and rewind: when a conversation may be cut, what the agent answers, and what its metadata says afterwards.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    flavor::Flavor,
    ids::Millis,
    json::{self, Json},
    metadata,
    session::{Changes, Session},
    text,
};

/// What is to be done with the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A child with everything, or everything before a prompt.
    Fork { before: Option<String> },
    /// Back to before a prompt.
    Rewind { before: String },
}

impl Cut {
    /// The local id of the prompt that the cut is made before.
    pub fn before(&self) -> Option<&str> {
        match self {
            Self::Fork { before } => before.as_deref(),
            Self::Rewind { before } => Some(before),
        }
    }

    fn capability(&self) -> &'static str {
        match self {
            Self::Fork { before: None } => "forkCurrent",
            Self::Fork { before: Some(_) } => "forkAtMessage",
            Self::Rewind { .. } => "rewindToMessage",
        }
    }
}

/// Why a conversation cannot be cut now. Clients show the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Session is controlled by a local terminal")]
    DrivenByTerminal,
    #[error("Session is busy")]
    Busy,
    #[error("Conversation history has diverged from the agent's own")]
    Diverged,
    #[error("Session has queued messages")]
    HasQueued,
    #[error("This session does not support it")]
    Unsupported,
    #[error("Session metadata lacks its machine or path")]
    NoPlace,
    #[error("Message not found")]
    NoSuchMessage,
}

/// Whether the session stands still and its agent can do it. The prompt that is named has to be looked up apart.
pub fn admit(session: &Session, has_queued: bool, cut: &Cut) -> Result<(), Refusal> {
    let facts = &session.facts;
    let flag = |path: &str| {
        facts.metadata.as_ref().and_then(|metadata| metadata.pointer(path)) == Some(&Value::Bool(true))
    };
    if session.is_driven_by_terminal() {
        return Err(Refusal::DrivenByTerminal);
    }
    if session.turn.thinking {
        return Err(Refusal::Busy);
    }
    if flag("/conversationHistoryDiverged") {
        return Err(Refusal::Diverged);
    }
    if has_queued {
        return Err(Refusal::HasQueued);
    }
    if !flag(&format!("/capabilities/conversationHistory/{}", cut.capability())) {
        return Err(Refusal::Unsupported);
    }
    if matches!(cut, Cut::Fork { .. }) && (facts.machine_id.is_none() || facts.path.is_none()) {
        return Err(Refusal::NoPlace);
    }
    Ok(())
}

/// What the agent made of a fork.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forked {
    pub native_id: String,
    /// The child's process has to make the copy of the conversation itself.
    pub forks_at_start: bool,
    /// A runtime that terminal and browser share has made the child already.
    pub child: Option<String>,
}

impl Forked {
    /// `Err` with the agent's own words, or ours when it said nothing to be understood.
    pub fn read(answer: &Value) -> Result<Self, String> {
        let text = |key: &str| answer.get(key).and_then(Value::as_str).filter(|text| !text::is_blank(text));
        match text("nativeSessionId") {
            Some(native_id) => Ok(Self {
                native_id: native_id.to_owned(),
                forks_at_start: answer.get("forkSession") == Some(&Value::Bool(true)),
                child: text("sessionId").map(str::to_owned),
            }),
            None => Err(text("error").unwrap_or("The agent did not fork the conversation").to_owned()),
        }
    }
}

/// What the agent made of a rewind.
#[derive(Clone, Debug, PartialEq)]
pub enum Rewound {
    Done {
        /// The first message that is gone, by its local id, when it is not the one asked for.
        from: Option<String>,
        /// What stands in its place.
        replacements: Vec<Value>,
    },
    Refused {
        error: String,
        code: Option<String>,
    },
}

impl Rewound {
    pub fn read(answer: &Value) -> Self {
        let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
        if answer.get("success") == Some(&Value::Bool(true)) {
            let replacements = answer.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
            return Self::Done {
                from: text("truncateFromLocalId").filter(|id| !id.is_empty()),
                replacements,
            };
        }
        let error = text("error").unwrap_or_else(|| "The agent did not rewind the conversation".to_owned());
        Self::Refused { error, code: text("code") }
    }
}

/// Maps of the metadata from a prompt's local id to its place in the agent's own history.
const LOCATORS: [&str; 4] = [
    "conversationHistoryPoints",
    "conversationHistoryIndexes",
    "conversationHistoryTurns",
    "conversationHistoryEntryIds",
];

/// Drops the places of prompts that are not in `kept`. Says whether there were any.
pub fn keep_locators(metadata: &mut Map<String, Value>, kept: &HashSet<String>) -> bool {
    let mut is_changed = false;
    for key in LOCATORS {
        if let Some(Value::Object(places)) = metadata.get_mut(key) {
            let before = places.len();
            places.retain(|local_id, _| kept.contains(local_id));
            is_changed |= places.len() != before;
        }
    }
    is_changed
}

/// What a cut changes of the session: places of what is gone, the to-do list as the rest has it, and every cursor.
pub fn after_cut(
    session: &Session,
    kept: &HashSet<String>,
    has_content: bool,
    todos: Option<Json>,
    now: Millis,
) -> Changes {
    let record = &session.record;
    let mut stored = record.metadata.as_deref().and_then(json::read);
    let is_edited =
        stored.as_mut().and_then(Value::as_object_mut).is_some_and(|all| keep_locators(all, kept));
    // The watermark only grows, so that a late event cannot bring the old list back.
    let todos = (record.todos.is_some() || todos.is_some()).then(|| {
        let watermark = if record.todos.is_some() { record.todos_updated_at + 1 } else { now };
        (todos.unwrap_or_else(|| json::write(&[(); 0])), watermark)
    });
    Changes {
        metadata: stored.filter(|_| is_edited).map(|metadata| Some(json::write(&metadata))),
        todos,
        has_content: (has_content != record.has_content).then_some(has_content),
        message_epoch: Some(record.message_epoch + 1),
        ..Changes::default()
    }
}

/// The metadata of a child that takes the prompts in `copied` along.
pub fn child_metadata(
    source: &Session,
    forked: &Forked,
    copied: &HashSet<String>,
    now: Millis,
) -> Map<String, Value> {
    let stored = source.facts.metadata.as_ref();
    let mut child = Map::new();
    let taken = ["path", "host", "machineId", "flavor", "homeDir", "capabilities"];
    for key in taken.into_iter().chain(LOCATORS) {
        if let Some(value) = stored.and_then(|stored| stored.get(key)) {
            child.insert(key.to_owned(), value.clone());
        }
    }
    keep_locators(&mut child, copied);
    child.insert("forkedFrom".to_owned(), source.id().as_str().into());
    child.insert("startedBy".to_owned(), "runner".into());
    let title = stored.and_then(|stored| {
        stored.get("name").or_else(|| stored.pointer("/summary/text")).and_then(Value::as_str)
    });
    if let Some(title) = title {
        child.insert(
            "summary".to_owned(),
            serde_json::json!({ "text": format!("Fork: {title}"), "updatedAt": now }),
        );
    }
    let flavor = source.facts.flavor().unwrap_or(Flavor::Claude);
    // Claude's child gets an id of its own when it starts with a copy.
    let is_own = flavor == Flavor::Claude && forked.forks_at_start;
    if let Some(key) = flavor.native_id_key().filter(|_| !is_own) {
        child.insert(key.to_owned(), forked.native_id.clone().into());
    }
    child
}

/// Whether a child's process has taken up its conversation, as far as its agent tells.
pub fn is_bound(child: &Session, source_native_id: Option<&str>, forked: &Forked) -> bool {
    let flavor = child.facts.flavor().unwrap_or(Flavor::Claude);
    let own = child.facts.metadata.as_ref().and_then(metadata::resume_id);
    child.turn.active
        && match flavor {
            Flavor::Claude => own.is_some() && own.as_deref() != source_native_id,
            Flavor::Grok => own.as_ref() == Some(&forked.native_id),
            Flavor::Pi => own.as_ref() == Some(&forked.native_id) && child.is_ready,
            _ => true,
        }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
