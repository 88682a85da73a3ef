//! What people set: title, pin, and the run-time settings that the agent has to agree to.

use actix::prelude::*;
use serde_json::{Map, Value, json};

use super::{Atomic, LiveSession, Outcome, SessionError, now_ready};
use crate::{
    domain::{
        flavor::{self, Flavor},
        json as raw,
        session::{Changes, Config, ConfigKey, Pin},
    },
    link::rpc,
};

/// Gives the session a title.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Rename(pub String);

impl Handler<Rename> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, Rename(name): Rename, _: &mut Self::Context) -> Self::Result {
        self.set_metadata_key("name", name.into())
    }
}

/// Gives the session a summary.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct SetSummary(pub String);

impl Handler<SetSummary> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, SetSummary(text): SetSummary, _: &mut Self::Context) -> Self::Result {
        let summary = json!({ "text": text, "updatedAt": self.now() });
        self.set_metadata_key("summary", summary)
    }
}

impl LiveSession {
    fn set_metadata_key(&mut self, key: &str, value: Value) -> Atomic<()> {
        self.last_used = self.now();
        let stored = self.state.record.metadata.as_deref().and_then(raw::read);
        let mut metadata = match stored {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::from_iter([("path".to_owned(), json!("")), ("host".to_owned(), json!(""))]),
        };
        metadata.insert(key.to_owned(), value);
        AtomicResponse::new(self.write_metadata(raw::write(&metadata)))
    }
}

#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct SetPin(pub Pin);

impl Handler<SetPin> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, SetPin(pin): SetPin, _: &mut Self::Context) -> Self::Result {
        let changes = Changes { pin: Some(pin), ..Changes::default() };
        let entry = self.events().updated(&self.after(&changes));
        AtomicResponse::new(self.commit_plain(changes, vec![entry]))
    }
}

/// One run-time setting as a person asks for it.
#[derive(Clone, Debug)]
pub enum Setting {
    PermissionMode(String),
    /// A name, a provider's model (`{provider, modelId}`), or `null` for the default.
    Model(Value),
    Effort(Option<String>),
    ModelReasoningEffort(Option<String>),
    ServiceTier(String),
    CollaborationMode(String),
    AgentMode(String),
}

impl Setting {
    fn key(&self) -> ConfigKey {
        match self {
            Self::PermissionMode(_) => ConfigKey::PermissionMode,
            Self::Model(_) => ConfigKey::Model,
            Self::Effort(_) => ConfigKey::Effort,
            Self::ModelReasoningEffort(_) => ConfigKey::ModelReasoningEffort,
            Self::ServiceTier(_) => ConfigKey::ServiceTier,
            Self::CollaborationMode(_) => ConfigKey::CollaborationMode,
            Self::AgentMode(_) => ConfigKey::AgentMode,
        }
    }

    fn value(self) -> Value {
        match self {
            Self::PermissionMode(text)
            | Self::ServiceTier(text)
            | Self::CollaborationMode(text)
            | Self::AgentMode(text) => text.into(),
            Self::Effort(value) | Self::ModelReasoningEffort(value) => value.into(),
            Self::Model(value) => value,
        }
    }
}

/// Changes a setting: by way of the agent while it runs, directly while it does not.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct SetConfig(pub Setting);

impl Handler<SetConfig> for LiveSession {
    type Result = ResponseActFuture<Self, Outcome<()>>;

    fn handle(&mut self, SetConfig(setting): SetConfig, ctx: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        if let Err(error) = self.fits(&setting) {
            return Box::pin(actix::fut::ready(Err(error)));
        }
        let key = setting.key().name();
        let requested = Map::from_iter([(key.to_owned(), setting.value())]);
        let this = ctx.address();
        let call = self
            .state
            .turn
            .active
            .then(|| self.call("set-session-config", &Value::Object(requested.clone()), rpc::PATIENCE));
        Box::pin(
            async move {
                let applied = match call {
                    Some(call) => applied(call.await?, key)?,
                    None => requested,
                };
                this.send(ApplyConfig(applied)).await.map_err(|_| crate::store::Error::Closed)?
            }
            .into_actor(self),
        )
    }
}

/// What the agent says it applied. Anything short of what was asked for is a refusal.
fn applied(answer: raw::Json, key: &str) -> Result<Map<String, Value>, SessionError> {
    let refuse = |text: &str| Err(SessionError::NotApplied(text.to_owned()));
    let Some(Value::Object(answer)) = raw::read(&answer) else {
        return refuse("Unexpected session config response");
    };
    if let Some(text) = answer.get("error").and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
        return refuse(text);
    }
    match answer.get("applied") {
        Some(Value::Object(applied)) if applied.contains_key(key) => Ok(applied.clone()),
        Some(Value::Object(_)) => refuse(&format!("Session did not apply {key}")),
        _ => refuse(&format!("Missing applied session config, got: {}", Value::Object(answer))),
    }
}

impl LiveSession {
    /// Whether this kind of agent has such a setting at all, and may have it changed from here now.
    fn fits(&self, setting: &Setting) -> Result<(), SessionError> {
        let flavor = self.state.facts.flavor();
        let is_driven = self.state.is_driven_by_terminal();
        let has = |supports: fn(Flavor) -> bool| flavor.is_some_and(supports);
        let unfit = |text: &str| Err(SessionError::Unfit(text.to_owned()));
        let refused = |text: &str| Err(SessionError::NotApplied(text.to_owned()));
        if !matches!(setting, Setting::PermissionMode(_)) && !self.state.turn.active {
            return Err(SessionError::Inactive);
        }
        match setting {
            Setting::PermissionMode(mode) => {
                let modes = Flavor::permission_modes(flavor);
                if modes.is_empty() {
                    return unfit("Permission mode not supported for session flavor");
                }
                if !modes.contains(&mode.as_str()) {
                    return unfit("Invalid permission mode for session flavor");
                }
                if is_driven && flavor == Some(Flavor::Opencode) && mode == "plan" {
                    return refused("OpenCode plan mode is only supported for remote sessions");
                }
            }
            Setting::Model(_) => {
                if !has(Flavor::supports_model_change) {
                    return unfit("Model selection is not supported for this session");
                }
                if is_driven && matches!(flavor, Some(Flavor::Codex | Flavor::Cursor | Flavor::Grok)) {
                    return refused(
                        "Model selection can only be changed for remote Codex/Cursor/Grok sessions",
                    );
                }
            }
            Setting::Effort(_) => {
                if !has(Flavor::supports_effort) {
                    return unfit("Effort selection is not supported for this session type");
                }
                if is_driven && flavor == Some(Flavor::Grok) {
                    return refused("Effort can only be changed for remote Grok sessions");
                }
            }
            Setting::ModelReasoningEffort(_) => {
                if !has(Flavor::supports_reasoning_effort) {
                    return unfit("Reasoning effort is only supported for Codex and OpenCode sessions");
                }
                if is_driven {
                    return refused("Reasoning effort can only be changed for remote sessions");
                }
            }
            Setting::ServiceTier(_) => {
                if !has(Flavor::supports_service_tier) {
                    return unfit("Fast mode is only supported for Codex sessions");
                }
                if is_driven {
                    return refused("Fast mode can only be changed for remote sessions");
                }
            }
            Setting::CollaborationMode(_) => {
                if !has(Flavor::supports_collaboration_mode) {
                    return unfit("Collaboration mode is only supported for Codex sessions");
                }
                if is_driven {
                    return refused("Collaboration mode can only be changed for remote sessions");
                }
            }
            Setting::AgentMode(_) => {
                if !has(Flavor::supports_agent_mode) {
                    return unfit("Agent mode is only supported for Copilot sessions");
                }
                if is_driven {
                    return refused("Agent mode can only be changed for remote sessions");
                }
            }
        }
        Ok(())
    }
}

/// Stores what was applied, and remembers when: a heartbeat from before must not undo it.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
struct ApplyConfig(Map<String, Value>);

impl Handler<ApplyConfig> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, ApplyConfig(applied): ApplyConfig, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        let config = config_of(&applied);
        if config.is_empty() {
            return now_ready(Ok(()));
        }
        let mut settings = self.state.record.settings.clone();
        for (key, value) in config {
            settings.set(key, value);
            self.state.set_at.insert(key, now);
        }
        let pi_model =
            applied.get("model").filter(|_| self.state.facts.flavor() == Some(Flavor::Pi)).cloned();
        let metadata = self.edited_metadata(|metadata| {
            let mut is_changed = false;
            if let Some(model) = pi_model {
                let selected = if model.is_object() { model } else { Value::Null };
                is_changed |= metadata.insert("piSelectedModel".into(), selected.clone()) != Some(selected);
            }
            for (key, value) in [
                ("preferredPermissionMode", settings.permission_mode.as_deref()),
                ("preferredCopilotAgentMode", settings.agent_mode.as_deref()),
            ] {
                if let Some(value) = value {
                    is_changed |= metadata.insert(key.into(), value.into()) != Some(value.into());
                }
            }
            is_changed
        });
        let tells_room = metadata.is_some();
        let changes =
            Changes { settings: Some(settings), metadata: metadata.map(Some), ..Changes::default() };
        let entry = self.events().updated(&self.after(&changes));
        AtomicResponse::new(Box::pin(self.commit_plain(changes, vec![entry]).map(
            move |outcome, this: &mut Self, _| {
                if outcome.is_ok() && tells_room {
                    this.tell_room_metadata(None);
                }
                outcome
            },
        )))
    }
}

/// The settings among what was applied. Values that no agent has are passed over.
fn config_of(applied: &Map<String, Value>) -> Config {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    ConfigKey::ALL
        .into_iter()
        .filter_map(|key| {
            let value = applied.get(key.name())?;
            let value = match key {
                ConfigKey::PermissionMode => {
                    Some(text(value).filter(|mode| flavor::is_permission_mode(mode))?)
                }
                ConfigKey::CollaborationMode => {
                    Some(text(value).filter(|mode| flavor::is_collaboration_mode(mode))?)
                }
                ConfigKey::AgentMode => Some(flavor::agent_mode(value.as_str()?)?.to_owned()),
                ConfigKey::Model if value.is_object() => text(value.get("modelId")?),
                ConfigKey::Model
                | ConfigKey::ModelReasoningEffort
                | ConfigKey::Effort
                | ConfigKey::ServiceTier => text(value),
            };
            Some((key, value))
        })
        .collect()
}
