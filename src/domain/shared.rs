//! Sessions of one runtime that terminal and browser use at the same time.

use serde_json::Value;

use super::{metadata, session::Session};

/// Whether a session is what the runtime of `source` says that it has made of it: on the same machine, of the same
/// process, shared too. A copy has the conversation that was named, and knows where it comes from.
pub fn is_child(source: &Session, child: &Session, native_id: Option<&str>) -> bool {
    let (Some(of_source), Some(of_child)) = (&source.facts.metadata, &child.facts.metadata) else {
        return false;
    };
    let same = |key: &str| of_source.get(key).is_some() && of_source.get(key) == of_child.get(key);
    let is_copy = |native_id: &str| {
        metadata::resume_id(of_child).as_deref() == Some(native_id)
            && of_child.get("forkedFrom").and_then(Value::as_str) == Some(source.id().as_str())
    };
    child.id() != source.id()
        && child.facts.is_shared
        && same("machineId")
        && same("hostPid")
        && native_id.is_none_or(is_copy)
}
