//! What the events of the journal say about a session, as far as it matters for notices.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::domain::{
    agent_state, content, json,
    notice::{self, Fact, Task},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Fact(Fact),
    TaskEnded { message: String, task: Task },
    Completed,
    Removed,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
}

/// A whole session, or a patch of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    id: Option<IgnoredAny>,
    active: Option<bool>,
    #[serde(borrow)]
    agent_state: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

pub fn hear(event: &[u8]) -> Vec<Heard> {
    let parsed = std::str::from_utf8(event).ok().and_then(|text| serde_json::from_str(text).ok());
    let Some(Event { r#type: kind, data, message, reason }) = parsed else { return Vec::new() };
    match kind.as_ref() {
        "session-added" | "session-updated" => data.map(of_change).unwrap_or_default(),
        "message-received" => message.as_ref().map(of_message).unwrap_or_default(),
        "session-ended" => {
            let is_completed = reason.is_some_and(|reason| reason.get() == r#""completed""#);
            is_completed.then_some(Heard::Completed).into_iter().collect()
        }
        "session-removed" => vec![Heard::Removed],
        _ => Vec::new(),
    }
}

fn of_change(data: &RawValue) -> Vec<Heard> {
    let Ok(Change { id, active, agent_state }) = serde_json::from_str(data.get()) else { return Vec::new() };
    let state = match id {
        Some(_) => agent_state,
        None => agent_state
            .and_then(|patch| serde_json::from_str(patch.get()).ok())
            .and_then(|patch: Versioned<'_>| patch.value),
    };
    // An agent that says nothing of its questions leaves them as they are.
    let asks =
        state.and_then(json::read).filter(|state| state.get("requests").is_some_and(|all| all.is_object()));
    let asks = asks.map(|state| {
        let pending = agent_state::pending(&state).into_iter();
        Fact::Asks(pending.map(|request| (request.id, request.created_at.unwrap_or(0))).collect())
    });
    // Questions of a session that ends are of no interest any more, so that the end has the last word.
    let (before, after) = match active {
        Some(true) => (Some(Fact::Active), None),
        Some(false) => (None, Some(Fact::Inactive)),
        None => (None, None),
    };
    [before, asks, after].into_iter().flatten().map(Heard::Fact).collect()
}

fn of_message(message: &Message<'_>) -> Vec<Heard> {
    let Some(content) = json::read(message.content) else { return Vec::new() };
    if notice::is_ready(&content) {
        return vec![Heard::Fact(Fact::Ready(message.id.to_string()))];
    }
    if let Some(task) = notice::task(&content) {
        return vec![Heard::TaskEnded { message: message.id.to_string(), task }];
    }
    let is_prompt = content::human_text(&content).is_some();
    is_prompt.then_some(Heard::Fact(Fact::Prompted)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn heard(event: &Value) -> Vec<Heard> {
        hear(event.to_string().as_bytes())
    }

    fn changed(data: Value) -> Vec<Heard> {
        heard(&json!({ "type": "session-updated", "sessionId": "s", "data": data, "namespace": "n" }))
    }

    fn said(content: Value) -> Vec<Heard> {
        let message = json!({ "id": "m", "seq": 1, "localId": null, "content": content, "createdAt": 1 });
        heard(&json!({ "type": "message-received", "sessionId": "s", "message": message, "namespace": "n" }))
    }

    #[test]
    fn sessions_and_patches_of_them_say_the_same() {
        let state =
            json!({ "requests": { "q": { "tool": "Bash", "createdAt": 5 }, "r": { "tool": "Edit" } } });
        let asks = Heard::Fact(Fact::Asks(vec![("q".into(), 5), ("r".into(), 0)]));
        let active = Heard::Fact(Fact::Active);
        let whole = json!({ "id": "s", "active": true, "agentState": state });
        assert_eq!(changed(whole), [active.clone(), asks.clone()]);
        let patch = json!({ "agentState": { "version": 2, "value": state } });
        assert_eq!(changed(patch), std::slice::from_ref(&asks));
        assert_eq!(changed(json!({ "active": true, "thinking": false })), [active]);
        let ended = json!({ "id": "s", "active": false, "agentState": state });
        assert_eq!(changed(ended), [asks, Heard::Fact(Fact::Inactive)]);
        for silent in [
            json!({ "agentState": { "version": 2, "value": null } }),
            json!({ "agentState": { "version": 2, "value": { "requests": null } } }),
            json!({ "updatedAt": 5 }),
            json!({ "active": "yes" }),
            json!(null),
        ] {
            assert_eq!(changed(silent.clone()), [], "{silent}");
        }
        let none = json!({ "agentState": { "version": 2, "value": { "requests": {} } } });
        assert_eq!(changed(none), [Heard::Fact(Fact::Asks(Vec::new()))]);
    }

    #[test]
    fn messages_say_that_the_agent_waits_or_a_task_ended() {
        let ready = json!({ "type": "event", "data": { "type": "ready" } });
        let is_ready = [Heard::Fact(Fact::Ready("m".into()))];
        assert_eq!(said(json!({ "role": "agent", "content": ready })), is_ready);
        assert_eq!(said(ready), is_ready);
        let data = json!({ "type": "system", "subtype": "task_notification", "summary": "built" });
        let task = Task { summary: "built".into(), has_failed: false };
        assert_eq!(
            said(json!({ "role": "agent", "content": { "type": "output", "data": data } })),
            [Heard::TaskEnded { message: "m".into(), task }]
        );
        assert_eq!(said(json!({ "role": "user", "content": "go on" })), [Heard::Fact(Fact::Prompted)]);
        assert_eq!(said(json!({ "role": "agent", "content": "ready" })), []);
    }

    #[test]
    fn only_an_end_by_itself_is_a_completion() {
        let ended =
            |reason: Value| heard(&json!({ "type": "session-ended", "sessionId": "s", "reason": reason }));
        assert_eq!(ended(json!("completed")), [Heard::Completed]);
        assert_eq!(ended(json!("terminated")), []);
        assert_eq!(ended(json!("\\ud800")), []);
        assert_eq!(heard(&json!({ "type": "session-removed", "sessionId": "s" })), [Heard::Removed]);
        assert_eq!(heard(&json!({ "type": "machine-updated", "data": { "active": true } })), []);
        assert_eq!(hear(b"\xff{"), []);
    }
}
