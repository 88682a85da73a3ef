//! What a runner is told when it shall start an agent for a session that the hub knows.

use serde_json::{Map, Value};

use super::{flavor::Flavor, ids::SessionId, session::Session};

/// How the agent is to come up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Start<'a> {
    /// The agent's own id of the conversation it goes on with; without one it starts afresh.
    pub native_id: Option<&'a str>,
    /// The permission mode; without one that of the session.
    pub permission_mode: Option<&'a str>,
    /// The process makes a copy of the conversation for itself.
    pub forks: bool,
    /// Never in a worktree of its own.
    pub is_simple: bool,
}

/// The parameters of a spawn in the session's folder, with its settings, under the id `as_id`.
pub fn params(session: &Session, as_id: &SessionId, start: Start<'_>) -> Value {
    let facts = &session.facts;
    let settings = &session.record.settings;
    let flavor = facts.flavor().unwrap_or(Flavor::Claude);
    let text = [
        ("type", Some("spawn-in-directory")),
        ("directory", facts.path.as_deref()),
        ("agent", Some(flavor.as_str())),
        ("model", settings.model.as_deref()),
        ("modelReasoningEffort", settings.model_reasoning_effort.as_deref()),
        ("sessionType", start.is_simple.then_some("simple")),
        ("resumeSessionId", start.native_id),
        ("effort", settings.effort.as_deref()),
        ("permissionMode", start.permission_mode.or_else(|| session.permission_mode())),
        ("serviceTier", settings.service_tier.as_deref()),
        ("existingSessionId", Some(as_id.as_str())),
        ("sessionId", Some(as_id.as_str())),
        ("collaborationMode", settings.collaboration_mode.as_deref()),
        ("copilotAgentMode", session.agent_mode()),
        ("startingMode", facts.starting_mode.as_deref().filter(|mode| *mode == "pty")),
    ];
    let mut params: Map<String, Value> =
        text.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect();
    params.insert("forkSession".into(), start.forks.into());
    params.into()
}
