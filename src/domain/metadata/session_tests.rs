use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn a_bad_field_drops_only_itself() {
    let metadata = json!({
        "path": "/srv", "host": "box", "flavor": null, "hapiMcpUrl": "nowhere", "preferredPermissionMode": "new-mode",
        "summary": {"text": "t"}, "hostPid": "1", "name": null, "tools": ["a", 1], "secret": 1,
        "preferredCopilotAgentMode": "fleet", "capabilities": {"terminal": true, "concurrentClients": 1},
        "conversationHistoryIndexes": {"a": 0, "b": -1},
    });
    let expected = json!({
        "path": "/srv", "host": "box", "flavor": null, "tools": ["a"], "preferredCopilotAgentMode": "interactive",
        "capabilities": {"terminal": true}, "conversationHistoryIndexes": {"a": 0},
    });
    assert_eq!(view(&metadata), Some(expected));
}

#[test]
fn path_and_host_are_needed() {
    assert_eq!(view(&json!({"path": "/srv"})), None);
    assert_eq!(view(&json!({"path": "/srv", "host": 1})), None);
    assert_eq!(view(&json!("text")), None);
}

#[test]
fn a_list_row_shows_little() {
    let metadata = json!({
        "path": "/srv", "host": "box", "flavor": "claude", "claudeSessionId": " c1 ", "codexSessionId": "x",
        "summary": {"text": "Fix", "updatedAt": 1}, "lifecycleState": "running", "os": "linux",
    });
    let expected = json!({
        "path": "/srv", "summary": {"text": "Fix"}, "flavor": "claude", "agentSessionId": "c1", "lifecycleState": "running",
    });
    assert_eq!(summary_view(&view(&metadata).unwrap()), expected);
}

#[test]
fn the_shown_agent_id_follows_the_flavor() {
    let mut metadata =
        json!({"claudeSessionId": "c", "copilotSessionId": "p", "agySessionId": "a", "piSessionId": "pi"});
    assert_eq!(agent_session_id(&metadata).as_deref(), Some("c"));
    for (flavor, expected) in [("copilot", Some("p")), ("future", Some("c")), ("dsh", None), ("kimi", None)] {
        metadata["flavor"] = json!(flavor);
        assert_eq!(agent_session_id(&metadata).as_deref(), expected, "{flavor}");
    }
    assert_eq!(agent_session_id(&json!({"piSessionId": "pi"})), None);
}

#[test]
fn the_merge_key_is_the_first_native_id() {
    let metadata = json!({"claudeSessionId": "c", "codexSessionId": "", "copilotSessionId": "p"});
    assert_eq!(native_id(&metadata), Some(("claudeSessionId", "c".to_owned())));
    assert_eq!(native_id(&json!({"kimiSessionId": "k"})), None);
}

#[test]
fn an_unknown_flavor_resumes_as_claude() {
    let metadata = json!({"flavor": "future", "claudeSessionId": "c"});
    assert_eq!((flavor(&metadata), resume_id(&metadata).as_deref()), (None, Some("c")));
    assert_eq!(resume_id(&json!({"flavor": "dsh", "claudeSessionId": "c"})), None);
}

#[test]
fn shared_means_exactly_true() {
    assert!(is_shared(&json!({"capabilities": {"concurrentClients": true}})));
    assert!(!is_shared(&json!({"capabilities": {"concurrentClients": 1}})));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z:/]{0,8}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("text|state|updatedAt|terminal|x", inner, 0..4)
                .prop_map(|map| map.into_iter().collect())
        ]
    })
}

proptest! {
    #[test]
    fn viewing_a_view_changes_nothing(fields in prop::collection::vec((prop::sample::select(FIELD_NAMES), any_json()), 0..20)) {
        let mut metadata = json!({"path": "/srv", "host": "box"});
        for (name, value) in fields {
            metadata[name] = value;
        }
        let once = view(&metadata).unwrap();
        prop_assert_eq!(view(&once), Some(once.clone()));
        prop_assert!(once.as_object().unwrap().keys().all(|key| metadata.get(key).is_some()));
    }
}

const FIELD_NAMES: &[&str] = &[
    "summary",
    "capabilities",
    "worktree",
    "tools",
    "hapiMcpUrl",
    "startingMode",
    "piSelectedModel",
    "piAvailableModels",
    "piResumeAttempt",
    "opencodeClearOperation",
    "conversationHistoryPoints",
    "conversationHistoryIndexes",
    "flavor",
    "preferredPermissionMode",
    "preferredCopilotAgentMode",
    "somethingElse",
];
