//! What CLIs send by Socket.IO. One bad optional field never voids an event: it reads as absent.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::domain::json::Json;

/// Reads a field of the wrong type as absent.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

/// The same for fields where `null` means something: `Some(None)`.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text)),
        _ => None,
    })
}

/// A key that must be there, with any value (also `null`).
fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Json::from)
}

/// Written again only to be set aside.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub sid: String,
    #[serde(deserialize_with = "any")]
    pub message: Json,
    #[serde(default, deserialize_with = "lenient")]
    pub local_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub created_at: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionAlive {
    pub sid: String,
    pub time: f64,
    #[serde(default, deserialize_with = "lenient")]
    pub thinking: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub permission_mode: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub model: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    pub model_reasoning_effort: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    pub effort: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    pub service_tier: Option<Option<String>>,
    #[serde(default, deserialize_with = "lenient")]
    pub collaboration_mode: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub copilot_agent_mode: Option<String>,
}

#[derive(Deserialize)]
pub struct SessionReady {
    pub sid: String,
    pub time: f64,
}

#[derive(Deserialize)]
pub struct SessionEnd {
    pub sid: String,
    pub time: f64,
    #[serde(default, deserialize_with = "lenient")]
    pub reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consumed {
    pub sid: String,
    pub local_ids: Vec<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub clear_queued_thinking_grace: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub steered: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Indeterminate {
    pub sid: String,
    pub local_ids: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NativeQueue {
    pub sid: String,
    pub local_id: String,
    /// `None` when it is neither a text nor `null`, or not there: the event is passed over then.
    #[serde(default, deserialize_with = "nullable")]
    pub text: Option<Option<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SteerState {
    pub sid: String,
    pub local_ids: Vec<Value>,
    pub state: String,
}

/// Keeps the strings of a list that may hold anything.
pub fn strings(values: Vec<Value>) -> Vec<String> {
    values
        .into_iter()
        .filter_map(|value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateMetadata {
    pub sid: String,
    pub expected_version: i64,
    #[serde(deserialize_with = "any")]
    pub metadata: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateState {
    pub sid: String,
    pub expected_version: i64,
    #[serde(deserialize_with = "any")]
    pub agent_state: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineAlive {
    pub machine_id: String,
    pub time: f64,
    #[serde(default)]
    pub health: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineMetadata {
    pub machine_id: String,
    pub expected_version: i64,
    #[serde(deserialize_with = "any")]
    pub metadata: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineState {
    pub machine_id: String,
    pub expected_version: i64,
    #[serde(deserialize_with = "any")]
    pub runner_state: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineOnly {
    pub machine_id: String,
}

#[derive(Deserialize)]
pub struct Method {
    pub method: String,
}

/// The answer to a versioned update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionedKey {
    Metadata,
    AgentState,
    RunnerState,
}

impl VersionedKey {
    fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::AgentState => "agentState",
            Self::RunnerState => "runnerState",
        }
    }
}

#[derive(Clone, Debug)]
pub enum VersionedOutcome {
    Applied { version: i64, value: Option<Json> },
    Mismatch { version: i64, value: Option<Json> },
}

impl VersionedOutcome {
    pub fn ack(&self, key: VersionedKey) -> Json {
        let (result, version, value) = match self {
            Self::Applied { version, value } => ("success", version, value),
            Self::Mismatch { version, value } => ("version-mismatch", version, value),
        };
        let value = value.as_deref().map_or("null", |raw| raw.get());
        let text = format!("{{\"result\":\"{result}\",\"version\":{version},\"{}\":{value}}}", key.name());
        crate::domain::json::raw(text).unwrap_or_else(crate::domain::json::null)
    }
}

/// Why an event was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    NamespaceMissing,
    AccessDenied,
    NotFound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Session,
    Machine,
}

/// The `error` event: CLIs log it.
#[derive(Serialize)]
pub struct ErrorEvent<'a> {
    pub message: &'a str,
    pub code: Refusal,
    pub scope: Scope,
    pub id: &'a str,
}

impl<'a> ErrorEvent<'a> {
    pub fn new(code: Refusal, scope: Scope, id: &'a str) -> Self {
        let message = match (code, scope) {
            (Refusal::NamespaceMissing, _) => "Namespace missing",
            (Refusal::AccessDenied, Scope::Session) => "session access denied",
            (Refusal::AccessDenied, Scope::Machine) => "machine access denied",
            (Refusal::NotFound, Scope::Session) => "session not found",
            (Refusal::NotFound, Scope::Machine) => "machine not found",
        };
        Self { message, code, scope, id }
    }
}
