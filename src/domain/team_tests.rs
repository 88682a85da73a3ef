use proptest::prelude::*;

use super::*;

fn message(calls: &[(&str, Value)]) -> Value {
    let blocks: Vec<_> =
        calls.iter().map(|(name, input)| json!({"type": "tool_use", "name": name, "input": input})).collect();
    json!({"role": "agent", "content": {"type": "output", "data": {"type": "assistant", "message": {"content": blocks}}}})
}

fn state_after(current: Option<&Value>, calls: &[(&str, Value)]) -> Option<Value> {
    apply(&message(calls), current, 7).expect("the message calls team tools").state
}

fn team() -> Value {
    json!({"teamName": "t", "members": [{"name": "ann", "status": "active"}], "tasks": [{"id": "1", "title": "one"}], "messages": []})
}

#[test]
fn a_team_is_created_and_filled_in_one_message() {
    let calls = [
        ("TeamCreate", json!({"team_name": "t", "description": "d"})),
        ("Task", json!({"team_name": "t", "name": "ann", "subagent_type": "dev", "description": "build"})),
        ("SendMessage", json!({"type": "news", "recipient": "ann", "summary": "go"})),
    ];
    let expected = json!({
        "teamName": "t", "description": "d", "members": [{"name": "ann", "agentType": "dev", "status": "active"}],
        "tasks": [{"id": "agent:ann", "title": "build", "status": "in_progress", "owner": "ann"}],
        "messages": [{"from": "team-lead", "to": "ann", "summary": "go", "type": "message", "timestamp": 7}], "updatedAt": 7,
    });
    assert_eq!(state_after(None, &calls), Some(expected.clone()));
    assert_eq!(view(&expected), Some(expected));
}

#[test]
fn other_tools_change_nothing() {
    for (name, input) in [
        ("Bash", json!({})),
        ("Task", json!({"description": "no team"})),
        ("TaskUpdate", json!({"task_id": "1"})),
        ("TaskUpdate", json!({"task_id": "1", "status": "odd"})),
        ("TaskCreate", json!({"title": "no id"})),
        ("SendMessage", json!({"recipient": "ann"})),
        ("TeamCreate", json!({})),
    ] {
        assert_eq!(apply(&message(&[(name, input)]), Some(&team()), 7), None, "{name}");
    }
}

#[test]
fn deleting_overrides_what_came_before() {
    let create = ("TeamCreate", json!({"team_name": "new"}));
    let update = ("TaskCreate", json!({"id": "2", "content": "two"}));
    let delete = ("TeamDelete", json!({}));
    assert_eq!(state_after(Some(&team()), &[update.clone(), delete.clone()]), None);
    assert_eq!(state_after(Some(&team()), &[delete.clone(), update.clone()]), None);
    assert_eq!(state_after(None, std::slice::from_ref(&update)), None);
    let recreated = state_after(Some(&team()), &[delete, create, update]).unwrap();
    assert_eq!(recreated["tasks"], json!([{"id": "2", "title": "two", "status": "pending"}]));
}

#[test]
fn tasks_and_members_merge_into_their_like() {
    let calls = [
        ("TaskUpdate", json!({"task_id": "1", "status": "completed", "owner": "ann"})),
        ("TaskUpdate", json!({"id": "9", "status": "completed"})),
        ("TaskUpdate", json!({"id": "8", "title": "eight"})),
        ("SendMessage", json!({"type": "shutdown_request", "recipient": "ann"})),
        ("SendMessage", json!({"type": "shutdown_request", "recipient": "nobody"})),
        ("SendMessage", json!({"type": "broadcast", "recipient": "ann"})),
    ];
    let state = state_after(Some(&team()), &calls).unwrap();
    let tasks = json!([{"id": "1", "title": "one", "status": "completed", "owner": "ann"}, {"id": "8", "title": "eight"}]);
    assert_eq!(state["tasks"], tasks);
    assert_eq!(state["members"], json!([{"name": "ann", "status": "shutdown"}]));
    assert_eq!(state["messages"][2]["to"], "all");
}

#[test]
fn a_view_drops_what_is_wrong() {
    let stored = json!({"teamName": "t", "members": [{"name": 1}, {"name": "a", "status": "odd"}], "x": 1});
    assert_eq!(view(&stored), Some(json!({"teamName": "t", "members": [{"name": "a"}]})));
    assert_eq!(view(&json!({"members": []})), None);
}

proptest! {
    #[test]
    fn the_log_keeps_its_newest(count in 1_usize..120) {
        let mut state = Some(team());
        for number in 0..count {
            state = state_after(state.as_ref(), &[("SendMessage", json!({"type": "message", "summary": number.to_string()}))]);
        }
        let log = state.unwrap()["messages"].clone();
        let log = log.as_array().unwrap();
        prop_assert_eq!(log.len(), count.min(KEPT_MESSAGES));
        let newest = (count - 1).to_string();
        prop_assert_eq!(log.last().unwrap()["summary"].as_str(), Some(newest.as_str()));
    }
}
