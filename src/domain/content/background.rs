//! Counting of shell tasks that run on while the agent talks.

use serde_json::Value;

use super::{envelope, str_at, tools::blocks};
use crate::domain::text;

const STARTED: &str = "Command running in background with ID:";
const ENDED: &str = "<task-notification>";

/// How many tasks this message says have started and have ended.
pub fn background_delta(message: &Value) -> (u32, u32) {
    let data = envelope(message)
        .filter(|envelope| envelope.role == "agent")
        .and_then(|envelope| envelope.data("output"));
    let Some(data) = data else { return (0, 0) };
    match str_at(data, "type") {
        Some("tool_result") => (u32::from(says_started(data)), 0),
        Some("assistant") => {
            let results = blocks(data).filter(|block| str_at(block, "type") == Some("tool_result"));
            (u32::try_from(results.filter(|result| says_started(result)).count()).unwrap_or(u32::MAX), 0)
        }
        Some("user") => {
            let said =
                data.pointer("/message/content").or_else(|| data.get("content")).and_then(Value::as_str);
            let has_ended =
                said.is_some_and(|said| said.trim_start_matches(text::is_space).starts_with(ENDED));
            (0, u32::from(has_ended))
        }
        _ => (0, 0),
    }
}

fn says_started(result: &Value) -> bool {
    match result.get("content") {
        Some(Value::String(text)) => text.contains(STARTED),
        Some(Value::Array(blocks)) => blocks.iter().any(|block| {
            block.as_str().or_else(|| str_at(block, "text")).is_some_and(|text| text.contains(STARTED))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delta(data: Value) -> (u32, u32) {
        background_delta(&json!({"role": "agent", "content": {"type": "output", "data": data}}))
    }

    #[test]
    fn starts_and_ends_are_counted() {
        let started = json!({"type": "tool_result", "content": "Command running in background with ID: b1"});
        let in_blocks = json!({"type": "tool_result", "content": [{"type": "text", "text": "x Command running in background with ID: b2"}]});
        let other = json!({"type": "tool_result", "content": "done"});
        assert_eq!(delta(started.clone()), (1, 0));
        assert_eq!(
            delta(json!({"type": "assistant", "message": {"content": [started, other, in_blocks]}})),
            (2, 0)
        );
        assert_eq!(delta(json!({"type": "user", "message": {"content": "\n <task-notification>x"}})), (0, 1));
        assert_eq!(delta(json!({"type": "user", "content": "<task-notification>"})), (0, 1));
        assert_eq!(delta(json!({"type": "user", "message": {"content": "say <task-notification>"}})), (0, 0));
        assert_eq!(background_delta(&json!({"role": "user", "content": "<task-notification>"})), (0, 0));
    }
}
