//! Events of the stream to browsers. Each is written once, as the JSON that every browser reads.

use bytes::Bytes;
use serde::Serialize;

use super::message::MessageView;
use crate::{
    domain::{
        ids::{MachineId, Millis, Namespace, SessionId},
        session::{FullView, Patch, Session},
    },
    store::{journal::NewEntry, messages::Message},
};

fn text(value: &impl Serialize) -> Bytes {
    // Ours are plain structs with string keys: writing them cannot fail.
    serde_json::to_vec(value).unwrap_or_default().into()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionEvent<'a, D: Serialize> {
    r#type: &'static str,
    session_id: &'a str,
    #[serde(flatten)]
    more: D,
    namespace: &'a str,
}

#[derive(Serialize)]
struct WithData<D> {
    data: D,
}

#[derive(Serialize)]
struct WithMessage<'a> {
    message: MessageView<'a>,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalIds<'a> {
    pub local_ids: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steered: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cancelled<'a> {
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Ended<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Who decided, and how far the answer got.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decision)]
pub struct DecisionView {
    pub request_id: String,
    /// When the agent asked, epoch milliseconds; 0 when it did not say.
    #[schema(value_type = i64)]
    pub request_created_at: Millis,
    pub approved: bool,
    /// The answer as it was given: mode, allowed tools, decision, answers.
    pub answer: serde_json::Value,
    /// `pending`, `delivered`, `confirmed`, `dropped` or `released`.
    pub state: String,
    /// The user who decided.
    pub by: String,
    /// Address and kind of client.
    pub from: String,
    /// Epoch milliseconds.
    #[schema(value_type = i64)]
    pub at: Millis,
}

/// Whether the agent's process is in contact, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    pub state: ContactState,
    /// Epoch milliseconds.
    #[schema(value_type = i64)]
    pub since: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContactState {
    Linked,
    Lost,
}

/// Makes journal entries for one session.
#[derive(Clone, Copy)]
pub struct SessionEvents<'a> {
    pub namespace: &'a Namespace,
    pub id: &'a SessionId,
    pub now: Millis,
}

impl SessionEvents<'_> {
    fn entry(&self, kind: &'static str, more: impl Serialize) -> NewEntry {
        let event = SessionEvent {
            r#type: kind,
            session_id: self.id.as_str(),
            more,
            namespace: self.namespace.as_str(),
        };
        NewEntry {
            at: self.now,
            kind,
            session: Some(self.id.clone()),
            machine: None,
            message: None,
            json: text(&event),
        }
    }

    pub fn added(&self, session: &Session) -> NewEntry {
        self.entry("session-added", WithData { data: FullView::of(session) })
    }

    pub fn updated(&self, session: &Session) -> NewEntry {
        self.entry("session-updated", WithData { data: FullView::of(session) })
    }

    pub fn patched(&self, patch: &Patch<'_>) -> NewEntry {
        self.entry("session-updated", WithData { data: patch })
    }

    pub fn removed(&self) -> NewEntry {
        self.entry("session-removed", Nothing {})
    }

    pub fn ended(&self, reason: Option<&str>) -> NewEntry {
        self.entry("session-ended", Ended { reason })
    }

    pub fn message(&self, message: &Message) -> NewEntry {
        NewEntry {
            at: self.now,
            kind: "message-received",
            session: Some(self.id.clone()),
            machine: None,
            message: Some(message.id.clone()),
            json: message_received(self.namespace, self.id, message),
        }
    }

    pub fn consumed(&self, ids: &LocalIds<'_>) -> NewEntry {
        self.entry("messages-consumed", ids)
    }

    pub fn indeterminate(&self, local_ids: &[String]) -> NewEntry {
        self.entry("messages-indeterminate", LocalIds { local_ids, invoked_at: None, steered: None })
    }

    pub fn requeued(&self, local_ids: &[String]) -> NewEntry {
        self.entry("messages-requeued", LocalIds { local_ids, invoked_at: None, steered: None })
    }

    pub fn cancelled(&self, message_id: &str, local_id: Option<&str>) -> NewEntry {
        self.entry("message-cancelled", Cancelled { message_id, local_id })
    }

    pub fn invalidated(&self) -> NewEntry {
        self.entry("messages-invalidated", Nothing {})
    }

    /// The agent went back to before a message; everything from it on is gone.
    pub fn rewound(&self, from: &str) -> NewEntry {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct More<'a> {
            reason: &'static str,
            truncate_from_local_id: &'a str,
        }
        self.entry("messages-invalidated", More { reason: "rewind", truncate_from_local_id: from })
    }

    /// Ours: where a session went, just before it is removed.
    pub fn merged(&self, into: &SessionId) -> NewEntry {
        #[derive(Serialize)]
        struct More<'a> {
            into: &'a SessionId,
        }
        self.entry("session-merged", More { into })
    }

    pub fn matured(&self) -> NewEntry {
        self.entry("scheduled-matured", Nothing {})
    }

    /// Ours: released pages pass over types they do not know.
    pub fn decision(&self, decision: &DecisionView) -> NewEntry {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct More<'a> {
            request_id: &'a str,
            request_created_at: Millis,
            decision: &'a DecisionView,
        }
        let more = More {
            request_id: &decision.request_id,
            request_created_at: decision.request_created_at,
            decision,
        };
        self.entry("decision-updated", more)
    }

    /// Ours: somebody has read this far.
    pub fn seen(&self, seen_at: Millis, unread: bool) -> NewEntry {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct More {
            seen_at: Millis,
            unread: bool,
        }
        self.entry("session-seen", More { seen_at, unread })
    }

    /// Ours: the loss of a link is told at once, long before the session counts as inactive.
    pub fn contact(&self, contact: Contact) -> NewEntry {
        #[derive(Serialize)]
        struct More {
            contact: Contact,
        }
        self.entry("session-contact", More { contact })
    }
}

pub fn message_received(namespace: &Namespace, session: &SessionId, message: &Message) -> Bytes {
    text(&SessionEvent {
        r#type: "message-received",
        session_id: session.as_str(),
        more: WithMessage { message: message.into() },
        namespace: namespace.as_str(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MachineEvent<'a, D: Serialize> {
    r#type: &'static str,
    machine_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<D>,
    namespace: &'a str,
}

fn machine_entry(
    namespace: &Namespace,
    id: &MachineId,
    now: Millis,
    kind: &'static str,
    data: Option<impl Serialize>,
) -> NewEntry {
    let event = MachineEvent { r#type: kind, machine_id: id.as_str(), data, namespace: namespace.as_str() };
    NewEntry { at: now, kind, session: None, machine: Some(id.clone()), message: None, json: text(&event) }
}

/// `data` is a whole machine.
pub fn machine_updated(namespace: &Namespace, id: &MachineId, now: Millis, data: impl Serialize) -> NewEntry {
    machine_entry(namespace, id, now, "machine-updated", Some(data))
}

pub fn machine_gone_quiet(namespace: &Namespace, id: &MachineId, now: Millis) -> NewEntry {
    machine_entry(namespace, id, now, "machine-updated", Some(serde_json::json!({ "active": false })))
}

pub fn machine_models_changed(namespace: &Namespace, id: &MachineId, now: Millis) -> NewEntry {
    machine_entry(namespace, id, now, "machine-agy-models-updated", None::<()>)
}

/// The first frame of every stream.
pub fn connected(subscription: &str, resumed: bool) -> Bytes {
    text(&serde_json::json!({
        "type": "connection-changed",
        "data": {
            "status": "connected",
            "subscriptionId": subscription,
            "resume": if resumed { "ok" } else { "gap" },
        },
    }))
}

/// For everybody who is looking, whatever their stream is about.
pub fn toast(title: &str, body: &str, session: &SessionId, url: &str) -> Bytes {
    text(&serde_json::json!({
        "type": "toast",
        "data": { "title": title, "body": body, "sessionId": session.as_str(), "url": url },
    }))
}

pub fn heartbeat(namespace: &Namespace, now: Millis) -> Bytes {
    text(&serde_json::json!({
        "type": "heartbeat",
        "namespace": namespace.as_str(),
        "data": { "timestamp": now },
    }))
}
