//! Calls of tools in what agents write.

use serde_json::Value;

use super::{envelope, str_at};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToolCall<'a> {
    pub name: &'a str,
    pub input: &'a Value,
}

/// The tool calls of one message, in order: Claude's blocks or the one call of another agent's row.
pub fn tool_calls(message: &Value) -> Vec<ToolCall<'_>> {
    let Some(envelope) = envelope(message) else { return Vec::new() };
    if let Some(data) = envelope.data("codex").filter(|data| str_at(data, "type") == Some("tool-call")) {
        return call(data).into_iter().collect();
    }
    match envelope.data("output").filter(|data| str_at(data, "type") == Some("assistant")) {
        Some(data) => {
            blocks(data).filter(|block| str_at(block, "type") == Some("tool_use")).filter_map(call).collect()
        }
        None => Vec::new(),
    }
}

/// The blocks of a log entry's message.
pub(super) fn blocks(data: &Value) -> impl Iterator<Item = &Value> {
    data.pointer("/message/content").and_then(Value::as_array).into_iter().flatten()
}

fn call(value: &Value) -> Option<ToolCall<'_>> {
    Some(ToolCall { name: str_at(value, "name")?, input: value.get("input").unwrap_or(&Value::Null) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_are_found_in_both_families() {
        let codex = json!({"role": "agent", "content": {"type": "codex", "data": {"type": "tool-call", "name": "A", "input": 1}}});
        assert_eq!(tool_calls(&codex), [ToolCall { name: "A", input: &json!(1) }]);
        let blocks = json!([{"type": "tool_use", "name": "A", "input": 1}, {"type": "text", "name": "B"}, {"type": "tool_use", "name": "C"}]);
        let claude = json!({"role": "assistant", "content": {"type": "output", "data": {"type": "assistant", "message": {"content": blocks}}}});
        let names: Vec<_> = tool_calls(&claude).iter().map(|call| call.name).collect();
        assert_eq!(names, ["A", "C"]);
        assert_eq!(tool_calls(&json!({"role": "user", "content": codex["content"]})), []);
    }
}
