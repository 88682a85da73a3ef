//! Most of what a namespace commits matters nothing for notices. It is told apart by its text, before anything is parsed
//! or handed to another thread.

use std::collections::HashSet;

use crate::{domain::ids::SessionId, store::journal::Committed};

/// What has to be known of a namespace's sessions to tell what matters.
#[derive(Debug, Default)]
pub struct Sieve {
    /// Sessions that had questions when their agent's state was last looked at.
    asking: HashSet<SessionId>,
    /// Sessions whose agent said that it waits, and in which nobody has spoken since.
    ready: HashSet<SessionId>,
}

impl Sieve {
    pub fn lets_through(&mut self, event: &Committed) -> bool {
        let (Some(session), Ok(text)) = (&event.session, std::str::from_utf8(&event.json)) else {
            return false;
        };
        let Some(kind) = text.strip_prefix(r#"{"type":""#).and_then(|rest| rest.split('"').next()) else {
            return false;
        };
        match kind {
            "session-added" | "session-updated" => self.of_change(session, text),
            "message-received" => self.of_message(session, text),
            "session-removed" => {
                self.asking.remove(session);
                self.ready.remove(session);
                true
            }
            "session-ended" => true,
            _ => false,
        }
    }

    fn of_change(&mut self, session: &SessionId, text: &str) -> bool {
        if has_questions(text) {
            self.asking.insert(session.clone());
            return true;
        }
        let has_answered = text.contains(r#""agentState":"#) && self.asking.remove(session);
        has_answered || text.contains(r#""active":"#)
    }

    fn of_message(&mut self, session: &SessionId, text: &str) -> bool {
        if text.contains(r#""ready""#) {
            self.ready.insert(session.clone());
            return true;
        }
        let is_task = text.contains("task_notification") || text.contains("task-notification");
        is_task || (text.contains(r#""user""#) && self.ready.remove(session))
    }
}

/// Whether anything is called `requests` that is not empty, wherever it stands.
fn has_questions(text: &str) -> bool {
    const KEY: &str = r#""requests""#;
    text.match_indices(KEY).any(|(place, _)| {
        let after = text.get(place + KEY.len()..).unwrap_or_default().trim_start();
        let Some(value) = after.strip_prefix(':') else { return false };
        let value = value.trim_start();
        value.strip_prefix('{').is_none_or(|inside| !inside.trim_start().starts_with('}'))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::journal::EventKind;

    fn event(json: &Value) -> Committed {
        Committed {
            seq: 1,
            at: 1,
            kind: EventKind::State,
            session: Some("s".into()),
            machine: None,
            is_message: false,
            json: json.to_string().into(),
        }
    }

    fn changed(data: Value) -> Committed {
        event(&json!({ "type": "session-updated", "sessionId": "s", "data": data }))
    }

    fn said(content: Value) -> Committed {
        event(&json!({ "type": "message-received", "sessionId": "s", "message": { "content": content } }))
    }

    #[test]
    fn a_state_passes_when_it_asks_and_when_it_no_longer_does() {
        let mut sieve = Sieve::default();
        let state = |requests: Value| {
            changed(json!({ "agentState": { "version": 2, "value": { "requests": requests } } }))
        };
        assert!(!sieve.lets_through(&state(json!({}))));
        assert!(sieve.lets_through(&state(json!({ "q": {} }))));
        assert!(sieve.lets_through(&state(json!({ "q": {}, "r": {} }))));
        assert!(sieve.lets_through(&state(json!({}))));
        assert!(!sieve.lets_through(&state(json!({}))));
        assert!(!sieve.lets_through(&changed(json!({ "updatedAt": 5 }))));
        assert!(sieve.lets_through(&changed(json!({ "active": true }))));
    }

    #[test]
    fn white_space_hides_no_question() {
        assert!(has_questions("{\"requests\" : {\n\"q\": 1 }"));
        assert!(!has_questions("{\"requests\" : { }"));
        assert!(has_questions("{\"requests\":[]}"));
        assert!(!has_questions("{\"x\":\"requests\"}"));
    }

    #[test]
    fn a_prompt_passes_only_after_the_agent_said_that_it_waits() {
        let mut sieve = Sieve::default();
        let prompt = said(json!({ "role": "user", "content": "go on" }));
        let ready = said(json!({ "type": "event", "data": { "type": "ready" } }));
        assert!(!sieve.lets_through(&prompt));
        assert!(sieve.lets_through(&ready));
        assert!(sieve.lets_through(&prompt));
        assert!(!sieve.lets_through(&prompt));
        assert!(!sieve.lets_through(&said(json!({ "role": "agent", "content": "done" }))));
        assert!(sieve.lets_through(&event(&json!({ "type": "session-removed", "sessionId": "s" }))));
    }
}
