//! Every event that a client may send, with a valid payload.

/// What a field of a valid payload is.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Session,
    Machine,
    Text,
    Number,
    Integer,
    /// A list, of which what is no string is passed over.
    List,
    Any,
    /// Anything else: of the wrong type it reads as absent.
    Optional,
}

/// How an event is acknowledged.
#[derive(Clone, Copy, PartialEq)]
pub enum Ack {
    None,
    /// `{"result":…}`
    Result,
    /// `{"ok":…}`
    Ok,
}

pub struct Event {
    pub namespace: &'static str,
    pub name: &'static str,
    pub ack: Ack,
    /// Names, kinds and valid values.
    pub fields: &'static [(&'static str, Kind, &'static str)],
}

const SID: (&str, Kind, &str) = ("sid", Kind::Session, "");
const SESSION_ID: (&str, Kind, &str) = ("sessionId", Kind::Session, "");
const MACHINE: (&str, Kind, &str) = ("machineId", Kind::Machine, "");
const TERMINAL: (&str, Kind, &str) = ("terminalId", Kind::Text, "\"t1\"");
const TIME: (&str, Kind, &str) = ("time", Kind::Number, "1790000000000");
const VERSION: (&str, Kind, &str) = ("expectedVersion", Kind::Integer, "1");
const LOCAL_IDS: (&str, Kind, &str) = ("localIds", Kind::List, "[\"l1\"]");

macro_rules! event {
    ($namespace:literal, $name:literal, $ack:ident, [$($field:expr),* $(,)?]) => {
        Event { namespace: $namespace, name: $name, ack: Ack::$ack, fields: &[$($field),*] }
    };
}

/// Every event that a client may send. `ping` is the barrier between them and is tried by itself.
pub const EVENTS: &[Event] = &[
    event!(
        "/cli",
        "message",
        None,
        [
            SID,
            (
                "message",
                Kind::Any,
                r#"{"role":"agent","content":{"type":"output","data":{"type":"text","text":"x"}}}"#
            ),
            ("localId", Kind::Optional, "\"m1\""),
            ("createdAt", Kind::Optional, "1790000000000"),
        ]
    ),
    event!(
        "/cli",
        "session-alive",
        None,
        [
            SID,
            TIME,
            ("thinking", Kind::Optional, "true"),
            ("mode", Kind::Optional, "\"remote\""),
            ("permissionMode", Kind::Optional, "\"default\""),
            ("model", Kind::Optional, "\"opus\""),
            ("modelReasoningEffort", Kind::Optional, "null"),
            ("effort", Kind::Optional, "\"high\""),
            ("serviceTier", Kind::Optional, "null"),
            ("collaborationMode", Kind::Optional, "\"default\""),
            ("copilotAgentMode", Kind::Optional, "\"interactive\""),
        ]
    ),
    event!("/cli", "session-ready", None, [SID, TIME]),
    event!("/cli", "session-end", None, [SID, TIME, ("reason", Kind::Optional, "\"completed\"")]),
    event!(
        "/cli",
        "messages-consumed",
        None,
        [
            SID,
            LOCAL_IDS,
            ("clearQueuedThinkingGrace", Kind::Optional, "true"),
            ("steered", Kind::Optional, "true"),
        ]
    ),
    event!("/cli", "messages-indeterminate", None, [SID, LOCAL_IDS]),
    event!("/cli", "messages-steer-state", Ok, [SID, LOCAL_IDS, ("state", Kind::Text, "\"queued\"")]),
    event!(
        "/cli",
        "native-queue-message",
        None,
        [SID, ("localId", Kind::Text, "\"n1\""), ("text", Kind::Text, "\"x\""),]
    ),
    event!(
        "/cli",
        "update-metadata",
        Result,
        [SID, VERSION, ("metadata", Kind::Any, r#"{"path":"/srv","host":"box","flavor":"claude"}"#),]
    ),
    event!(
        "/cli",
        "update-state",
        Result,
        [
            SID,
            VERSION,
            ("agentState", Kind::Any, r#"{"requests":{"r1":{"tool":"Bash","arguments":{},"createdAt":1}}}"#),
        ]
    ),
    event!(
        "/cli",
        "machine-alive",
        None,
        [
            MACHINE,
            TIME,
            ("health", Kind::Optional, r#"{"collectedAt":1790000000000,"cpuCount":2,"load1m":0.5}"#),
        ]
    ),
    event!(
        "/cli",
        "machine-update-metadata",
        Result,
        [MACHINE, VERSION, ("metadata", Kind::Any, r#"{"host":"box"}"#)]
    ),
    event!(
        "/cli",
        "machine-update-state",
        Result,
        [MACHINE, VERSION, ("runnerState", Kind::Any, r#"{"status":"running","pid":1}"#),]
    ),
    event!("/cli", "machine-agy-models-changed", None, [MACHINE]),
    event!("/cli", "rpc-register", None, [("method", Kind::Text, "\"s:bash\"")]),
    event!("/cli", "rpc-unregister", None, [("method", Kind::Text, "\"s:bash\"")]),
    event!("/cli", "usage-report", None, [SID, ("usage", Kind::Any, "{}")]),
    event!("/cli", "terminal:ready", None, [SESSION_ID, TERMINAL]),
    event!("/cli", "terminal:output", None, [SESSION_ID, TERMINAL, ("data", Kind::Text, "\"$ \"")]),
    event!(
        "/cli",
        "terminal:exit",
        None,
        [SESSION_ID, TERMINAL, ("code", Kind::Integer, "0"), ("signal", Kind::Optional, "null"),]
    ),
    event!("/cli", "terminal:error", None, [SESSION_ID, TERMINAL, ("message", Kind::Text, "\"gone\"")]),
    event!(
        "/cli",
        "agent-terminal:output",
        None,
        [SESSION_ID, ("terminalId", Kind::Text, "\"agent\""), ("data", Kind::Text, "\"x\""),]
    ),
    event!("/cli", "agent-terminal:reset", None, [SESSION_ID]),
    event!(
        "/terminal",
        "terminal:create",
        None,
        [SESSION_ID, TERMINAL, ("cols", Kind::Integer, "80"), ("rows", Kind::Integer, "24"),]
    ),
    event!("/terminal", "terminal:write", None, [TERMINAL, ("data", Kind::Text, "\"ls\\n\"")]),
    event!(
        "/terminal",
        "terminal:resize",
        None,
        [TERMINAL, ("cols", Kind::Integer, "80"), ("rows", Kind::Integer, "24"),]
    ),
    event!("/terminal", "terminal:close", None, [TERMINAL]),
    event!("/terminal", "agent-terminal:subscribe", None, [SESSION_ID]),
    event!("/terminal", "agent-terminal:unsubscribe", None, [SESSION_ID]),
    event!(
        "/terminal",
        "agent-terminal:resize",
        None,
        [SESSION_ID, ("cols", Kind::Integer, "80"), ("rows", Kind::Integer, "24"),]
    ),
    event!("/terminal", "agent-terminal:input", None, [SESSION_ID, ("data", Kind::Text, "\"x\"")]),
];
