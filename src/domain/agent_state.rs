//! The agent's own state, and the questions in it that wait for a person. Only the agent's process writes it.

use serde::Serialize;
use serde_json::Value;

use super::{
    ids::Millis,
    shape::{Field, Shape, optional, required},
};

const DECISIONS: &[&str] = &["approved", "approved_for_session", "denied", "abort"];

const REQUEST: Shape = Shape::Object(&[
    required("tool", Shape::Text),
    optional("toolCallId", Shape::Text),
    optional("arguments", Shape::Any),
    optional("createdAt", Shape::Nullable(&Shape::Number)),
]);

const COMPLETED: Shape = Shape::Object(&[
    required("tool", Shape::Text),
    optional("toolCallId", Shape::Text),
    optional("arguments", Shape::Any),
    optional("createdAt", Shape::Nullable(&Shape::Number)),
    optional("completedAt", Shape::Nullable(&Shape::Number)),
    required("status", Shape::OneOf(&["canceled", "denied", "approved", "resolved"])),
    optional("reason", Shape::Text),
    optional("mode", Shape::Text),
    optional("decision", Shape::OneOf(DECISIONS)),
    optional("allowTools", Shape::List(&Shape::Text)),
    optional("answers", Shape::Map(&Shape::Any)),
]);

const STARTING_MODES: &[&str] = &["local", "remote", "pty"];

const FIELDS: &[Field] = &[
    optional("controlledByUser", Shape::Nullable(&Shape::Flag)),
    optional("codexPlanProposalId", Shape::Nullable(&Shape::Text)),
    optional("steeringActive", Shape::Nullable(&Shape::Flag)),
    optional("startingMode", Shape::Nullable(&Shape::OneOf(STARTING_MODES))),
    optional("requests", Shape::Nullable(&Shape::Map(&REQUEST))),
    optional("completedRequests", Shape::Nullable(&Shape::Map(&COMPLETED))),
];

/// Tools that ask for an answer rather than for leave.
const INPUT_TOOLS: [&str; 5] =
    ["AskUserQuestion", "ask_user_question", "ExitPlanMode", "exit_plan_mode", "request_user_input"];

const SHOWN_REQUESTS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestKind {
    Permission,
    Input,
}

impl RequestKind {
    pub fn of_tool(tool: &str) -> Self {
        if INPUT_TOOLS.contains(&tool) { Self::Input } else { Self::Permission }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRequest {
    pub id: String,
    pub kind: RequestKind,
    pub tool: String,
    pub created_at: Option<Millis>,
}

/// What a row of the session list says about waiting questions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingSummary {
    pub pending_requests_count: usize,
    pub pending_request_kinds: Vec<RequestKind>,
    pub pending_requests: Vec<ShownRequest>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownRequest {
    pub id: String,
    pub kind: RequestKind,
    pub tool: String,
    pub since: Millis,
}

/// The public view. `None` for anything but an object.
pub fn view(state: &Value) -> Option<Value> {
    Shape::Object(FIELDS).narrow(state)
}

/// The waiting questions in the order in which the agent wrote them.
pub fn pending(state: &Value) -> Vec<PendingRequest> {
    let requests = state.get("requests").and_then(Value::as_object);
    requests.into_iter().flatten().filter_map(|(id, request)| pending_request(id, request)).collect()
}

fn pending_request(id: &str, request: &Value) -> Option<PendingRequest> {
    let tool = request.get("tool")?.as_str()?;
    Some(PendingRequest {
        id: id.to_owned(),
        kind: RequestKind::of_tool(tool),
        tool: tool.to_owned(),
        created_at: request.get("createdAt").and_then(millis),
    })
}

fn millis(value: &Value) -> Option<Millis> {
    value.as_i64().or_else(|| super::text::safe_integer(value.as_f64()?.trunc()))
}

pub fn pending_summary(pending: &[PendingRequest], updated_at: Millis) -> PendingSummary {
    let mut kinds: Vec<_> = pending.iter().map(|request| request.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut oldest: Vec<_> =
        pending.iter().map(|request| (request.created_at.unwrap_or(updated_at), request)).collect();
    oldest.sort_by(|(since, request), (other_since, other)| {
        since.cmp(other_since).then_with(|| request.id.cmp(&other.id))
    });
    let shown = oldest.into_iter().take(SHOWN_REQUESTS).map(|(since, request)| ShownRequest {
        id: request.id.clone(),
        kind: request.kind,
        tool: request.tool.clone(),
        since,
    });
    PendingSummary {
        pending_requests_count: pending.len(),
        pending_request_kinds: kinds,
        pending_requests: shown.collect(),
    }
}

/// Whether a local terminal owns the session.
pub fn is_controlled_by_user(state: &Value) -> bool {
    state.get("controlledByUser") == Some(&Value::Bool(true))
}

pub fn starting_mode(state: &Value) -> Option<&str> {
    state.get("startingMode").and_then(Value::as_str).filter(|mode| STARTING_MODES.contains(mode))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bad_entry_does_not_hide_its_neighbours() {
        let state = json!({
            "controlledByUser": "yes", "startingMode": "pty", "unknown": 1,
            "requests": {"b": {"tool": "Bash", "arguments": null, "createdAt": null, "x": 1}, "a": {"tool": 5}},
            "completedRequests": {"c": {"tool": "Edit", "status": "resolved", "decision": "maybe"}, "d": {"tool": "Edit"}},
        });
        let expected = json!({
            "startingMode": "pty", "requests": {"b": {"tool": "Bash", "arguments": null, "createdAt": null}},
            "completedRequests": {"c": {"tool": "Edit", "status": "resolved"}},
        });
        assert_eq!(view(&state), Some(expected));
        assert_eq!(view(&json!(null)), None);
        assert_eq!(starting_mode(&state), Some("pty"));
        assert!(!is_controlled_by_user(&state));
    }

    #[test]
    fn questions_keep_their_order() {
        let state = json!({"requests": {
            "z": {"tool": "Bash", "createdAt": 5.5}, "a": {"tool": "AskUserQuestion"}, "m": {"tool": "askuserquestion"},
        }});
        let found = pending(&state);
        let ids: Vec<_> =
            found.iter().map(|request| (request.id.as_str(), request.kind, request.created_at)).collect();
        use RequestKind::{Input, Permission};
        assert_eq!(ids, [("z", Permission, Some(5)), ("a", Input, None), ("m", Permission, None)]);
        assert_eq!(pending(&json!({"requests": null})), []);
    }

    #[test]
    fn a_row_shows_the_five_oldest() {
        let entry = |tool: &str, at: i64| json!({"tool": tool, "createdAt": at});
        let state = json!({"requests": {
            "f": entry("Bash", 9), "e": entry("Bash", 4), "d": entry("ExitPlanMode", 3), "c": entry("Bash", 3),
            "b": {"tool": "Bash"}, "a": entry("Bash", 8),
        }});
        let summary = serde_json::to_value(pending_summary(&pending(&state), 7)).unwrap();
        assert_eq!(summary["pendingRequestsCount"], 6);
        assert_eq!(summary["pendingRequestKinds"], json!(["permission", "input"]));
        assert_eq!(
            summary["pendingRequests"][0],
            json!({"id": "c", "kind": "permission", "tool": "Bash", "since": 3})
        );
        let ids: Vec<_> =
            summary["pendingRequests"].as_array().unwrap().iter().map(|shown| shown["id"].clone()).collect();
        assert_eq!(ids, ["c", "d", "e", "b", "a"]);
    }

    proptest! {
        #[test]
        fn a_summary_counts_all_and_shows_the_oldest(times in prop::collection::vec(prop::option::of(0_i64..10), 0..12), updated_at in 0_i64..10) {
            let requests: Vec<_> = times.iter().enumerate().map(|(number, created_at)| PendingRequest {
                id: format!("{number}"), kind: RequestKind::Permission, tool: String::new(), created_at: *created_at,
            }).collect();
            let summary = pending_summary(&requests, updated_at);
            prop_assert_eq!(summary.pending_requests_count, times.len());
            prop_assert_eq!(summary.pending_requests.len(), times.len().min(5));
            let mut expected: Vec<_> = times.iter().map(|at| at.unwrap_or(updated_at)).collect();
            expected.sort_unstable();
            expected.truncate(5);
            let shown: Vec<_> = summary.pending_requests.iter().map(|request| request.since).collect();
            prop_assert_eq!(shown, expected);
        }
    }
}
