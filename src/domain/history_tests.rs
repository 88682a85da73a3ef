use serde_json::json;

use super::*;
use crate::domain::{
    json as raw,
    session::{Pin, Record, Settings},
};

fn session(metadata: &Value, agent_state: &Value) -> Session {
    let record = Record {
        key: 1,
        id: "s1".into(),
        namespace: "default".into(),
        tag: None,
        created_at: 1,
        updated_at: 1,
        seq: 0,
        metadata: Some(raw::write(metadata)),
        metadata_version: 1,
        agent_state: Some(raw::write(agent_state)),
        agent_state_version: 1,
        todos: None,
        todos_updated_at: 0,
        team_state: None,
        team_state_updated_at: 0,
        settings: Settings::default(),
        pin: Pin::None,
        active: true,
        active_at: 1,
        has_content: true,
        message_epoch: 0,
        seen_at: 0,
    };
    Session::resting(record, 0, None)
}

fn able() -> Value {
    json!({
        "path": "/srv", "host": "box", "machineId": "m1", "flavor": "claude", "name": "Login", "claudeSessionId": "n0",
        "capabilities": { "conversationHistory": { "forkCurrent": true, "rewindToMessage": true } },
        "conversationHistoryPoints": { "a": true, "b": true }, "conversationHistoryIndexes": { "a": 0, "b": 1 },
        "hapiMcpUrl": "http://127.0.0.1:1/",
    })
}

fn whole() -> Cut {
    Cut::Fork { before: None }
}

#[test]
fn a_conversation_is_cut_only_while_it_stands_still() {
    let still = session(&able(), &json!({}));
    assert_eq!(admit(&still, false, &whole()), Ok(()));
    assert_eq!(admit(&still, true, &whole()), Err(Refusal::HasQueued));
    assert_eq!(admit(&still, false, &Cut::Fork { before: Some("a".into()) }), Err(Refusal::Unsupported));
    assert_eq!(admit(&still, false, &Cut::Rewind { before: "a".into() }), Ok(()));

    let mut busy = still.clone();
    busy.turn.thinking = true;
    assert_eq!(admit(&busy, false, &whole()), Err(Refusal::Busy));

    let local = json!({ "controlledByUser": true });
    assert_eq!(admit(&session(&able(), &local), false, &whole()), Err(Refusal::DrivenByTerminal));
    let mut shared = able();
    shared["capabilities"]["concurrentClients"] = json!(true);
    assert_eq!(admit(&session(&shared, &local), false, &whole()), Ok(()));

    let mut diverged = able();
    diverged["conversationHistoryDiverged"] = json!(true);
    assert_eq!(admit(&session(&diverged, &json!({})), false, &whole()), Err(Refusal::Diverged));

    let mut nowhere = able();
    nowhere.as_object_mut().unwrap().remove("machineId");
    assert_eq!(admit(&session(&nowhere, &json!({})), false, &whole()), Err(Refusal::NoPlace));
}

#[test]
fn an_answer_without_an_id_is_no_fork() {
    let plain = Forked::read(&json!({ "nativeSessionId": "n1" })).unwrap();
    assert_eq!(plain, Forked { native_id: "n1".into(), forks_at_start: false, child: None });
    let shared =
        Forked::read(&json!({ "nativeSessionId": "n1", "sessionId": "c", "forkSession": true })).unwrap();
    assert_eq!(shared.child.as_deref(), Some("c"));
    assert!(shared.forks_at_start);
    assert_eq!(Forked::read(&json!({ "error": "no" })), Err("no".into()));
    assert!(Forked::read(&Value::Null).is_err());
    assert!(Forked::read(&json!({ "nativeSessionId": " " })).is_err());
}

#[test]
fn a_rewind_says_where_it_began() {
    let answer = json!({ "success": true, "truncateFromLocalId": "a", "messages": [{ "content": 1 }] });
    let done = Rewound::Done { from: Some("a".into()), replacements: vec![json!({ "content": 1 })] };
    assert_eq!(Rewound::read(&answer), done);
    let refused = Rewound::read(&json!({ "success": false, "error": "no", "code": "busy" }));
    assert_eq!(refused, Rewound::Refused { error: "no".into(), code: Some("busy".into()) });
    assert!(matches!(Rewound::read(&Value::Null), Rewound::Refused { .. }));
}

#[test]
fn a_child_knows_only_the_places_that_it_took_along() {
    let source = session(&able(), &json!({}));
    let forked = Forked { native_id: "n1".into(), forks_at_start: false, child: None };
    let copied = HashSet::from(["a".to_owned()]);
    let child = Value::Object(child_metadata(&source, &forked, &copied, 7));
    assert_eq!(
        child,
        json!({
            "path": "/srv", "host": "box", "machineId": "m1", "flavor": "claude",
            "capabilities": { "conversationHistory": { "forkCurrent": true, "rewindToMessage": true } },
            "conversationHistoryPoints": { "a": true }, "conversationHistoryIndexes": { "a": 0 },
            "forkedFrom": "s1", "startedBy": "runner", "summary": { "text": "Fork: Login", "updatedAt": 7 },
            "claudeSessionId": "n1",
        })
    );
    let own = Forked { forks_at_start: true, ..forked };
    assert!(!child_metadata(&source, &own, &copied, 7).contains_key("claudeSessionId"));
}

#[test]
fn a_claude_child_is_bound_by_an_id_of_its_own() {
    let forked = Forked { native_id: "n1".into(), forks_at_start: true, child: None };
    let mut metadata = able();
    let child = session(&metadata, &json!({}));
    assert!(!is_bound(&child, Some("n0"), &forked));
    metadata["claudeSessionId"] = json!("n2");
    let mut child = session(&metadata, &json!({}));
    assert!(is_bound(&child, Some("n0"), &forked));
    child.turn.active = false;
    assert!(!is_bound(&child, Some("n0"), &forked));
}
