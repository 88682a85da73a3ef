//! Finding the agent's own id of a conversation in its messages, for sessions whose metadata lost it.

use serde_json::Value;

use super::{envelope, str_at};

/// What one message says about the id while the transcript is read backwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NativeId {
    Found(String),
    /// Earlier messages belong to another conversation.
    Stop,
    None,
}

/// Claude's id: a UUID under `session_id` or `sessionId`, in the value or in nested `content` and `data`.
pub fn claude_native_id(message: &Value) -> Option<String> {
    let own =
        ["session_id", "sessionId"].iter().find_map(|key| str_at(message, key).filter(|id| is_uuid(id)));
    own.map(str::to_owned)
        .or_else(|| ["content", "data"].iter().find_map(|key| claude_native_id(message.get(key)?)))
}

/// Codex's id: the one thread that a row of the parent names.
pub fn codex_native_id(message: &Value) -> NativeId {
    let Some(envelope) = envelope(message) else { return NativeId::None };
    if envelope.data("event").is_some_and(is_reset) {
        return NativeId::Stop;
    }
    envelope.data("codex").and_then(parent_thread).map_or(NativeId::None, |id| NativeId::Found(id.to_owned()))
}

fn is_reset(data: &Value) -> bool {
    str_at(data, "type") == Some("message") && str_at(data, "message") == Some("Context was reset")
}

fn parent_thread(data: &Value) -> Option<&str> {
    let scope = data.get("scope").unwrap_or(&Value::Null);
    let mut roles =
        [data.get("scope_role"), data.get("scopeRole"), scope.get("role")].into_iter().flatten().peekable();
    roles.peek()?;
    if !roles.all(|role| role == "parent") {
        return None;
    }
    let spots =
        [data, scope].into_iter().flat_map(|place| ["thread_id", "threadId"].map(|key| str_at(place, key)));
    let mut threads = spots.flatten();
    let thread = threads.next().filter(|id| is_uuid(id))?;
    threads.all(|other| other == thread).then_some(thread)
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0B1f2c3d-0000-4000-8000-0123456789ab";
    const OTHER: &str = "1b1f2c3d-0000-4000-8000-0123456789ab";

    fn codex(data: Value) -> NativeId {
        codex_native_id(&json!({"role": "agent", "content": {"type": "codex", "data": data}}))
    }

    #[test]
    fn claudes_id_is_found_in_depth() {
        assert_eq!(claude_native_id(&json!({"content": {"data": {"session_id": ID}}})).as_deref(), Some(ID));
        assert_eq!(claude_native_id(&json!({"session_id": "x", "sessionId": ID})).as_deref(), Some(ID));
        assert_eq!(claude_native_id(&json!({"other": {"session_id": ID}})), None);
        assert_eq!(claude_native_id(&json!({"session_id": "0b1f2c3d0000400080000123456789ab"})), None);
    }

    #[test]
    fn codexs_id_is_that_of_the_parents_only_thread() {
        let found = NativeId::Found(ID.to_owned());
        assert_eq!(codex(json!({"scope_role": "parent", "thread_id": ID})), found);
        assert_eq!(codex(json!({"scope": {"role": "parent", "threadId": ID}, "thread_id": ID})), found);
        for other in [
            json!({"thread_id": ID}),
            json!({"scope_role": "child", "thread_id": ID}),
            json!({"scope_role": "parent", "scope": {"role": "child"}, "thread_id": ID}),
            json!({"scope_role": "parent", "thread_id": ID, "threadId": OTHER}),
            json!({"scope_role": "parent", "thread_id": "t1"}),
        ] {
            assert_eq!(codex(other.clone()), NativeId::None, "{other}");
        }
    }

    #[test]
    fn a_reset_ends_the_search() {
        let reset = json!({"role": "agent", "content": {"type": "event", "data": {"type": "message", "message": "Context was reset"}}});
        assert_eq!(codex_native_id(&reset), NativeId::Stop);
        assert_eq!(codex_native_id(&json!("text")), NativeId::None);
    }
}
