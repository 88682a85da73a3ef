//! Which messages a chat shows, whatever it makes of them.

use serde_json::Value;

use super::{envelope, is_goal_status, str_at};

/// Whether a message is kept for the agent's own use only. What the agent has not taken yet is nobody's conversation
/// so far; `is_waiting` says that.
pub fn is_shown(message: &Value, is_waiting: bool) -> bool {
    let Some(envelope) = envelope(message) else { return true };
    if envelope.role == "user" {
        return !is_waiting;
    }
    !is_goal_status(message) && !envelope.data("output").is_some_and(is_bookkeeping)
}

/// Claude's log has more entries than people see.
fn is_bookkeeping(data: &Value) -> bool {
    const TOLD: [&str; 5] =
        ["api_error", "turn_duration", "microcompact_boundary", "compact_boundary", "away_summary"];
    let is_set = |key: &str| data.get(key) == Some(&Value::Bool(true));
    is_set("isMeta")
        || is_set("isCompactSummary")
        || match str_at(data, "type") {
            Some("rate_limit_event" | "tool_progress") => true,
            Some("system") => !str_at(data, "subtype").is_some_and(|subtype| TOLD.contains(&subtype)),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claude(data: Value) -> bool {
        is_shown(&json!({ "role": "agent", "content": { "type": "output", "data": data } }), false)
    }

    #[test]
    fn the_agents_bookkeeping_is_not_shown() {
        assert!(claude(json!({ "type": "assistant", "message": { "content": "x" } })));
        assert!(claude(json!({ "type": "assistant", "isMeta": false })));
        assert!(claude(json!({ "type": "system", "subtype": "compact_boundary" })));
        for hidden in [
            json!({ "type": "user", "isMeta": true }),
            json!({ "type": "user", "isCompactSummary": true }),
            json!({ "type": "rate_limit_event" }),
            json!({ "type": "tool_progress" }),
            json!({ "type": "system", "subtype": "init" }),
            json!({ "type": "system" }),
        ] {
            assert!(!claude(hidden.clone()), "{hidden}");
        }
        let goal = json!({ "type": "event", "data": { "type": "message", "message": "Goal active" } });
        assert!(!is_shown(&json!({ "role": "agent", "content": goal }), false));
    }

    #[test]
    fn prompts_are_shown_once_they_are_taken() {
        let prompt = json!({ "role": "user", "content": { "type": "text", "text": "hi" } });
        assert!(is_shown(&prompt, false) && !is_shown(&prompt, true));
        assert!(is_shown(&json!({ "role": "agent", "content": "x" }), true));
        assert!(is_shown(&json!("raw"), true));
    }
}
