//! What the hub reads in the content of messages. The content itself is kept as it came.

mod background;
mod native_id;
mod presence;
pub(super) mod scan;
mod shown;
mod tools;
mod truncate;

pub use background::background_delta;
pub use native_id::{NativeId, claude_native_id, codex_native_id};
pub use presence::has_conversation_content;
pub use shown::is_shown;
pub use tools::{ToolCall, tool_calls};
pub use truncate::truncate_agent_strings;

use serde_json::Value;

use super::text;

/// A message with its role, wherever the client wrapped it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Envelope<'a> {
    pub role: &'a str,
    pub content: &'a Value,
    pub meta: Option<&'a Value>,
}

impl<'a> Envelope<'a> {
    pub fn is_agent(&self) -> bool {
        matches!(self.role, "agent" | "assistant")
    }

    /// The `data` of an agent's content of this type.
    pub fn data(&self, content_type: &str) -> Option<&'a Value> {
        if !self.is_agent() || str_at(self.content, "type") != Some(content_type) {
            return None;
        }
        self.content.get("data")
    }
}

pub fn envelope(message: &Value) -> Option<Envelope<'_>> {
    ["", "/message", "/data/message", "/payload/message"]
        .iter()
        .find_map(|path| bare_envelope(message.pointer(path)?))
}

fn bare_envelope(value: &Value) -> Option<Envelope<'_>> {
    Some(Envelope { role: str_at(value, "role")?, content: value.get("content")?, meta: value.get("meta") })
}

/// An event that only repeats where a goal stands; it is not stored.
pub fn is_goal_status(message: &Value) -> bool {
    const STANDINGS: [&str; 6] =
        ["active", "paused", "complete", "blocked", "limited by budget", "limited by usage"];
    let Some(envelope) = envelope(message).filter(|envelope| envelope.role == "agent") else { return false };
    let Some(data) = envelope.data("event").filter(|data| str_at(data, "type") == Some("message")) else {
        return false;
    };
    let Some(status) = str_at(data, "message").map(text::trim) else { return false };
    let ends = |rest: &str| {
        let after_space = rest.trim_start_matches(text::is_space);
        let after_dot = after_space.strip_prefix('\u{b7}');
        rest.is_empty()
            || (after_space.len() < rest.len()
                && after_dot.is_some_and(|rest| rest.starts_with(text::is_space)))
    };
    status == "Goal cleared"
        || status.strip_prefix("Goal ").is_some_and(|standing| {
            STANDINGS.iter().any(|known| standing.strip_prefix(known).is_some_and(ends))
        })
}

/// The agent says that its turn is over and it waits for a person.
pub fn is_ready(message: &Value) -> bool {
    let data = envelope(message).and_then(|envelope| envelope.data("event"));
    data.and_then(|data| str_at(data, "type")) == Some("ready")
}

/// What a person wrote, when it is not blank.
pub fn human_text(message: &Value) -> Option<String> {
    let envelope = envelope(message).filter(|envelope| envelope.role == "user")?;
    plain_text(envelope.content)
}

/// Text given as a string, as a text block, or as a list of blocks.
fn plain_text(content: &Value) -> Option<String> {
    let joined = match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(block_text).collect::<Vec<_>>().join("\n"),
        block => block_text(block)?.to_owned(),
    };
    (!text::is_blank(&joined)).then_some(joined)
}

fn block_text(block: &Value) -> Option<&str> {
    if str_at(block, "type") == Some("text") { str_at(block, "text") } else { None }
}

/// The id of a block of reasoning, and whether this is only a snapshot of it that later ones replace.
pub fn reasoning_snapshot(message: &Value) -> Option<(String, bool)> {
    let envelope = envelope(message).filter(|envelope| envelope.role == "agent")?;
    let data = envelope.data("codex").filter(|data| str_at(data, "type") == Some("reasoning"))?;
    let id = str_at(data, "id").filter(|id| !text::is_blank(id))?;
    Some((id.to_owned(), data.get("live") == Some(&Value::Bool(true))))
}

/// What the agent said in plain words.
pub fn assistant_text(message: &Value) -> Option<String> {
    let envelope = envelope(message)?;
    let said = if let Some(data) = envelope.data("codex") {
        let data = Some(data).filter(|data| str_at(data, "type") == Some("message"))?;
        str_at(data, "message")?.to_owned()
    } else {
        let data = envelope.data("output")?;
        match str_at(data, "type")? {
            "agy_message" => str_at(data, "content")?.to_owned(),
            "assistant" => plain_text(data.pointer("/message/content")?)?,
            _ => return None,
        }
    };
    (!text::is_blank(&said)).then_some(said)
}

fn str_at<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(text: &str) -> Value {
        json!({"role": "agent", "content": {"type": "event", "data": {"type": "message", "message": text}}})
    }

    #[test]
    fn an_envelope_is_found_where_clients_put_it() {
        let bare = json!({"role": "user", "content": "hi", "meta": {"sentFrom": "cli"}});
        for wrapped in [
            bare.clone(),
            json!({"message": bare}),
            json!({"data": {"message": bare}}),
            json!({"payload": {"message": bare}}),
        ] {
            let found = envelope(&wrapped).unwrap();
            assert_eq!((found.role, found.content), ("user", &json!("hi")));
            assert_eq!(found.meta, Some(&json!({"sentFrom": "cli"})));
        }
        assert_eq!(envelope(&json!({"role": 1, "content": "hi"})), None);
        assert_eq!(envelope(&json!({"role": "user"})), None);
        assert_eq!(envelope(&json!("text")), None);
    }

    #[test]
    fn only_standings_of_a_goal_are_dropped() {
        for dropped in [
            "Goal cleared",
            " Goal active \n",
            "Goal complete",
            "Goal limited by usage",
            "Goal paused \u{b7} 5 min",
            "Goal blocked  \u{b7}\tx",
        ] {
            assert!(is_goal_status(&event(dropped)), "{dropped:?}");
        }
        for kept in [
            "Goal cleared now",
            "Goal activated",
            "Goal active: x",
            "Goal active\u{b7} x",
            "Goal active \u{b7}x",
            "My Goal active",
            "Goal ",
        ] {
            assert!(!is_goal_status(&event(kept)), "{kept:?}");
        }
        let mut user = event("Goal cleared");
        user["role"] = json!("user");
        assert!(!is_goal_status(&user));
    }

    #[test]
    fn an_agent_is_ready_when_it_says_so_itself() {
        let said = |role: &str, kind: &str| json!({"role": role, "content": {"type": "event", "data": {"type": kind}}});
        assert!(is_ready(&said("agent", "ready")));
        assert!(!is_ready(&said("agent", "message")));
        assert!(!is_ready(&said("user", "ready")));
        assert!(!is_ready(
            &json!({"role": "agent", "content": {"type": "codex", "data": {"type": "ready"}}})
        ));
    }

    #[test]
    fn people_write_text_in_three_shapes() {
        let user = |content: Value| human_text(&json!({"role": "user", "content": content}));
        assert_eq!(user(json!("hi")).as_deref(), Some("hi"));
        assert_eq!(user(json!({"type": "text", "text": "hi"})).as_deref(), Some("hi"));
        assert_eq!(user(json!([{"type": "image"}, {"type": "text", "text": "hi"}])).as_deref(), Some("hi"));
        assert_eq!(user(json!(" \n")), None);
        assert_eq!(user(json!({"type": "other", "text": "hi"})), None);
        assert_eq!(human_text(&json!({"role": "agent", "content": "hi"})), None);
    }

    #[test]
    fn reasoning_needs_an_id() {
        let row = |data: Value| {
            reasoning_snapshot(&json!({"role": "agent", "content": {"type": "codex", "data": data}}))
        };
        assert_eq!(row(json!({"type": "reasoning", "id": "r", "live": true})), Some(("r".to_owned(), true)));
        assert_eq!(row(json!({"type": "reasoning", "id": "r"})), Some(("r".to_owned(), false)));
        assert_eq!(row(json!({"type": "reasoning", "id": " "})), None);
        assert_eq!(row(json!({"type": "message", "id": "r"})), None);
    }

    #[test]
    fn agents_speak_in_their_own_shapes() {
        let said = |content: Value| assistant_text(&json!({"role": "agent", "content": content}));
        let codex = json!({"type": "codex", "data": {"type": "message", "message": "a"}});
        let agy = json!({"type": "output", "data": {"type": "agy_message", "content": "b"}});
        let blocks = json!([{"type": "text", "text": "c"}, {"type": "thinking", "thinking": "x"}, {"type": "text", "text": "d"}]);
        let claude = json!({"type": "output", "data": {"type": "assistant", "message": {"content": blocks}}});
        assert_eq!(said(codex).as_deref(), Some("a"));
        assert_eq!(said(agy).as_deref(), Some("b"));
        assert_eq!(said(claude).as_deref(), Some("c\nd"));
        assert_eq!(said(json!({"type": "codex", "data": {"type": "reasoning", "message": "a"}})), None);
        assert_eq!(
            said(json!({"type": "output", "data": {"type": "user", "message": {"content": "a"}}})),
            None
        );
    }
}
