//! Whether a message is part of the conversation, or only noise around it.

use serde_json::Value;

use super::{Envelope, assistant_text, envelope, human_text, str_at};
use crate::domain::text;

pub fn has_conversation_content(message: &Value) -> bool {
    let Some(envelope) = envelope(message) else { return false };
    match envelope.role {
        "user" => human_text(message).is_some() || has_attachment(envelope.content),
        _ => assistant_text(message).is_some() || agent_shows(envelope),
    }
}

fn has_attachment(content: &Value) -> bool {
    let listed = content.get("attachments").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let blocks = content.as_array().map_or(std::slice::from_ref(content), Vec::as_slice);
    listed || blocks.iter().any(is_picture)
}

fn is_picture(block: &Value) -> bool {
    matches!(str_at(block, "type"), Some("image" | "document"))
        && block.get("source").is_some_and(|source| !source.is_null())
}

fn agent_shows(envelope: Envelope<'_>) -> bool {
    if let Some(data) = envelope.data("codex") {
        return codex_shows(data);
    }
    if let Some(data) = envelope.data("event") {
        return str_at(data, "type") == Some("compact-summary") && is_filled(data, "summary");
    }
    envelope.data("output").is_some_and(output_shows)
}

fn codex_shows(data: &Value) -> bool {
    match str_at(data, "type") {
        Some("reasoning") => is_filled(data, "message"),
        Some("compact-summary") => is_filled(data, "summary"),
        Some("tool-call" | "tool-call-result") => is_filled(data, "callId") || is_filled(data, "call_id"),
        Some("generated-image") => is_filled(data, "imageId") || is_filled(data, "image_id"),
        Some("plan") => {
            data.get("entries").and_then(Value::as_array).is_some_and(|entries| !entries.is_empty())
        }
        _ => false,
    }
}

fn output_shows(data: &Value) -> bool {
    match str_at(data, "type") {
        Some("assistant" | "user") => match data.pointer("/message/content") {
            Some(Value::String(said)) => !text::is_blank(said),
            Some(Value::Array(blocks)) => blocks.iter().any(block_shows),
            _ => false,
        },
        Some("agy_tool_action") => has_content(data),
        _ => false,
    }
}

fn block_shows(block: &Value) -> bool {
    match str_at(block, "type") {
        Some("text") => is_filled(block, "text"),
        Some("thinking") => is_filled(block, "thinking"),
        Some("tool_use") => is_filled(block, "name"),
        Some("tool_result") => has_content(block),
        _ => is_picture(block),
    }
}

fn has_content(value: &Value) -> bool {
    match value.get("content") {
        None | Some(Value::Null) => false,
        Some(Value::String(said)) => !text::is_blank(said),
        Some(Value::Array(blocks)) => !blocks.is_empty(),
        Some(_) => true,
    }
}

fn is_filled(value: &Value, key: &str) -> bool {
    str_at(value, key).is_some_and(|said| !text::is_blank(said))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn agent(kind: &str, data: Value) -> bool {
        has_conversation_content(&json!({"role": "agent", "content": {"type": kind, "data": data}}))
    }

    fn block(block: Value) -> bool {
        agent("output", json!({"type": "user", "message": {"content": [block]}}))
    }

    #[test]
    fn people_speak_by_text_and_attachment() {
        let user = |content: Value| has_conversation_content(&json!({"role": "user", "content": content}));
        assert!(user(json!("hi")));
        assert!(user(json!({"type": "text", "text": "", "attachments": [{"id": "a"}]})));
        assert!(user(json!([{"type": "image", "source": {}}])));
        assert!(!user(json!({"type": "text", "text": " ", "attachments": []})));
        assert!(!user(json!([{"type": "image"}])));
        assert!(!has_conversation_content(&json!("raw text")));
    }

    #[test]
    fn agents_speak_in_many_ways() {
        assert!(agent("codex", json!({"type": "message", "message": "x"})));
        assert!(agent("codex", json!({"type": "reasoning", "message": "x"})));
        assert!(agent("codex", json!({"type": "tool-call", "callId": "c"})));
        assert!(agent("codex", json!({"type": "generated-image", "imageId": "i"})));
        assert!(agent("codex", json!({"type": "plan", "entries": [1]})));
        assert!(agent("event", json!({"type": "compact-summary", "summary": "x"})));
        assert!(agent("output", json!({"type": "agy_tool_action", "name": "n", "content": "x"})));
        assert!(agent("output", json!({"type": "assistant", "message": {"content": "x"}})));
        assert!(block(json!({"type": "thinking", "thinking": "x"})));
        assert!(block(json!({"type": "tool_use", "name": "Bash"})));
        assert!(block(json!({"type": "tool_result", "content": [{"type": "text", "text": "x"}]})));
    }

    #[test]
    fn noise_is_no_conversation() {
        assert!(!agent("event", json!({"type": "ready"})));
        assert!(!agent("event", json!({"type": "message", "message": "x"})));
        assert!(!agent("codex", json!({"type": "token_count", "info": {}})));
        assert!(!agent("codex", json!({"type": "message", "message": " "})));
        assert!(!agent("codex", json!({"type": "plan", "entries": []})));
        assert!(!agent("output", json!({"type": "system", "subtype": "init"})));
        assert!(!block(json!({"type": "tool_use"})));
        assert!(!block(json!({"type": "tool_result", "content": ""})));
    }
}
