//! The `update` envelope that the hub sends to CLIs.

use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::message::PromptView;
use crate::{
    domain::{
        ids::{MachineId, Millis, SessionId},
        json::{self as raw, Json},
    },
    store::messages::Message,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, B: Serialize> {
    id: &'a str,
    seq: i64,
    created_at: Millis,
    body: B,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageBody<'a> {
    t: &'static str,
    sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_id: Option<&'a str>,
    message: PromptView<'a>,
}

fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A prompt. CLIs drop repeats by the message's id, so every repeat keeps it.
pub fn prompt(session: &SessionId, message: &Message) -> Json {
    let body = MessageBody {
        t: "new-message",
        sid: session.as_str(),
        message_id: None,
        local_id: None,
        message: message.into(),
    };
    raw::write(&Envelope { id: &message.id, seq: message.seq, created_at: message.created_at, body })
}

/// What one CLI of a session wrote, told to the others.
pub fn relayed(session: &SessionId, message: &Message, now: Millis) -> Json {
    let body = MessageBody {
        t: "new-message",
        sid: session.as_str(),
        message_id: None,
        local_id: None,
        message: message.into(),
    };
    raw::write(&Envelope { id: &fresh_id(), seq: message.seq, created_at: now, body })
}

pub fn retry(session: &SessionId, message: &Message) -> Json {
    let body = MessageBody {
        t: "retry-queued-message",
        sid: session.as_str(),
        message_id: Some(&message.id),
        local_id: message.local_id.as_deref(),
        message: message.into(),
    };
    raw::write(&Envelope { id: &message.id, seq: message.seq, created_at: message.created_at, body })
}

pub fn cancel(session: &SessionId, message_id: &str, local_id: Option<&str>, now: Millis) -> Json {
    let body = json!({
        "t": "cancel-queued-message", "sid": session.as_str(), "messageId": message_id, "localId": local_id,
    });
    raw::write(&Envelope { id: &fresh_id(), seq: 0, created_at: now, body })
}

#[derive(Serialize)]
pub struct Versioned<'a> {
    pub version: i64,
    pub value: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionBody<'a> {
    t: &'static str,
    sid: &'a str,
    metadata: Option<Versioned<'a>>,
    agent_state: Option<Versioned<'a>>,
}

pub fn session(
    session: &SessionId,
    metadata: Option<Versioned<'_>>,
    agent_state: Option<Versioned<'_>>,
    now: Millis,
) -> Json {
    let body = SessionBody { t: "update-session", sid: session.as_str(), metadata, agent_state };
    raw::write(&Envelope { id: &fresh_id(), seq: now, created_at: now, body })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MachineBody<'a> {
    t: &'static str,
    machine_id: &'a str,
    metadata: Option<Versioned<'a>>,
    runner_state: Option<Versioned<'a>>,
}

pub fn machine(
    machine: &MachineId,
    metadata: Option<Versioned<'_>>,
    runner_state: Option<Versioned<'_>>,
    now: Millis,
) -> Json {
    let body = MachineBody { t: "update-machine", machine_id: machine.as_str(), metadata, runner_state };
    raw::write(&Envelope { id: &fresh_id(), seq: now, created_at: now, body })
}
