//! Answers of people to what agents ask: one wins, and it reaches the agent.

use futures_util::join;
use serde_json::{Value, json};

use crate::support::{Cli, Events, TestHub, Web, metadata};

fn asking(requests: &[&str]) -> Value {
    let requests: serde_json::Map<String, Value> = requests
        .iter()
        .map(|id| {
            ((*id).to_owned(), json!({ "tool": "Bash", "arguments": { "command": "ls" }, "createdAt": 77 }))
        })
        .collect();
    json!({ "controlledByUser": false, "requests": requests, "completedRequests": {} })
}

/// A live session whose agent asks `r1`.
async fn scene(hub: &TestHub) -> (String, Cli) {
    let (id, cli) = hub.live_session("t", &metadata()).await;
    assert_eq!(cli.write_state(1, &asking(&["r1"])).await["result"], "success");
    (id, cli)
}

fn path(session: &str, request: &str, verb: &str) -> String {
    format!("/api/sessions/{session}/permissions/{request}/{verb}")
}

async fn until_decision(events: &Events, state: &str) -> Value {
    let is_it = |event: &crate::support::Event| {
        (event.is("decision-updated") && event.data["decision"]["state"] == state).then(|| event.data.clone())
    };
    events.until(&format!("a decision that is {state}"), is_it).await
}

async fn last_decision(web: &Web, session: &str) -> Value {
    let status = web.get(&format!("/api/sessions/{session}/status")).await.body;
    status["decisions"].as_array().unwrap().last().cloned().unwrap_or_default()
}

#[actix_rt::test]
async fn of_two_answers_at_once_one_wins_and_the_other_is_told_which() {
    let mut hub = TestHub::start().await;
    let (id, cli) = scene(&hub).await;
    cli.serve("permission", |_| Some(json!({ "ok": true }))).await;
    let events = hub.events().await;
    let (one, two) = (hub.web().await, hub.web().await);
    let (approve, deny) = (path(&id, "r1", "approve"), path(&id, "r1", "deny"));
    let nothing = json!({});
    let (yes, no) = join!(one.post(&approve, &nothing), two.post(&deny, &nothing));
    let (won, lost, approved) = if yes.status == 200 { (&yes, &no, true) } else { (&no, &yes, false) };
    assert_eq!((won.status, &won.body), (200, &json!({ "ok": true, "delivery": "sent" })));
    assert_eq!((lost.status, lost.code()), (409, "already_decided"));
    let winner = &lost.body["winner"];
    assert_eq!((&winner["requestId"], &winner["approved"]), (&json!("r1"), &json!(approved)));
    assert_eq!((&winner["at"], &winner["requestCreatedAt"]), (&json!(hub.clock.now()), &json!(77)));
    assert!(winner["from"].as_str().unwrap().starts_with("127.0.0.1 ") && winner["by"].is_string());
    assert_eq!(cli.until_called("permission", 1).await, [json!({ "id": "r1", "approved": approved })]);
    until_decision(&events, "delivered").await;

    // The same again is no conflict, and is not sent twice.
    let same = if approved { &approve } else { &deny };
    assert_eq!(two.post(same, &nothing).await.status, 200);
    assert_eq!(cli.calls().len(), 1);
    // The agent closes the question.
    assert_eq!(cli.write_state(2, &asking(&[])).await["result"], "success");
    until_decision(&events, "confirmed").await;
    let answer = one.post(&approve, &nothing).await;
    assert_eq!((answer.status, answer.error()), (404, "Request not found"));
    assert_eq!(last_decision(&one, &id).await["state"], "confirmed");
    hub.stop().await;
}

#[actix_rt::test]
async fn what_cannot_be_read_approves_nothing() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = scene(&hub).await;
    cli.serve("permission", |_| Some(json!({}))).await;
    let never = ["{", "null", "[]", "true", "\"yes\"", "approve", "{\"decision\":1}"];
    let shapes = ["{\"mode\":\"odd\"}", "{\"mode\":null}", "{\"allowTools\":\"Bash\"}", "{\"answers\":[]}"];
    for (verb, body) in never.map(|body| ("deny", body)).iter().chain(&never.map(|body| ("approve", body))) {
        let answer = web.post_text(&path(&id, "r1", verb), body).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid body"), "{verb} {body}");
    }
    for body in shapes {
        let answer = web.post_text(&path(&id, "r1", "approve"), body).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid body"), "{body}");
    }
    assert_eq!(last_decision(&web, &id).await, Value::Null);
    cli.flush().await;
    assert!(cli.calls().is_empty());
    // A mode that this kind of agent has not.
    let (other, cli) = hub.live_session("u", &metadata()).await;
    cli.write_state(1, &asking(&["r1"])).await;
    let answer = web.post(&path(&other, "r1", "approve"), &json!({ "mode": "safe-yolo" })).await;
    assert_eq!((answer.status, answer.error()), (400, "Invalid permission mode for session flavor"));
    let answer = web.post(&path(&other, "unknown", "approve"), &json!({})).await;
    assert_eq!((answer.status, answer.error()), (404, "Request not found"));
    // No body at all is a plain yes.
    assert_eq!(web.post_text(&path(&other, "r1", "approve"), "").await.status, 200);
    assert_eq!(last_decision(&web, &other).await["answer"], json!({ "approved": true }));
    hub.stop().await;
}

#[actix_rt::test]
async fn everything_that_was_answered_reaches_the_agent() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = scene(&hub).await;
    cli.serve("permission", |_| Some(json!({}))).await;
    let answer = json!({ "mode": "acceptEdits", "allowTools": ["Bash(ls)"], "decision": "approved_for_session", "answers": { "q": ["a"] } });
    assert_eq!(web.post(&path(&id, "r1", "approve"), &answer).await.status, 200);
    let mut expected = answer.clone();
    expected["id"] = json!("r1");
    expected["approved"] = json!(true);
    assert_eq!(cli.until_called("permission", 1).await, [expected]);
    hub.stop().await;
}

#[actix_rt::test]
async fn an_answer_waits_for_a_process_that_is_away_also_across_a_restart() {
    let mut hub = TestHub::start().await;
    let (id, cli) = scene(&hub).await;
    let web = hub.web().await;
    let answer = web.post(&path(&id, "r1", "approve"), &json!({})).await;
    assert_eq!((answer.status, &answer.body["delivery"]), (200, &json!("pending")));
    drop(cli);
    hub.restart().await;
    let web = hub.web().await;
    assert_eq!(last_decision(&web, &id).await["state"], "pending");

    // Each process that comes is told once, until the question is closed.
    for round in 0..2 {
        let events = hub.events().await;
        let cli = hub.cli(&id).await;
        cli.serve("permission", |_| Some(json!({}))).await;
        assert_eq!(cli.until_called("permission", 1).await, [json!({ "id": "r1", "approved": true })]);
        if round == 0 {
            until_decision(&events, "delivered").await;
        }
        cli.alive(hub.clock.now()).await;
        cli.register(&format!("{id}:permission")).await;
        assert_eq!(cli.calls().len(), 1, "once for each line");
    }
    let cli = hub.cli(&id).await;
    cli.alive(hub.clock.now()).await;
    let answer = web.post(&path(&id, "r1", "deny"), &json!({})).await;
    assert_eq!((answer.status, answer.code()), (409, "already_decided"));
    assert_eq!(cli.write_state(2, &asking(&[])).await["result"], "success");
    assert_eq!(last_decision(&web, &id).await["state"], "confirmed");
    cli.serve("permission", |_| Some(json!({}))).await;
    cli.flush().await;
    assert!(cli.calls().is_empty(), "what is closed is not sent again");
    hub.stop().await;
}

#[actix_rt::test]
async fn an_answer_that_got_lost_on_the_way_is_sent_again() {
    let mut hub = TestHub::start().await;
    let (id, cli) = scene(&hub).await;
    cli.serve("permission", |_| None).await;
    let web = hub.web().await;
    assert_eq!(web.post(&path(&id, "r1", "deny"), &json!({ "decision": "abort" })).await.status, 200);
    cli.until_called("permission", 1).await;
    drop(cli);
    let cli = hub.cli(&id).await;
    cli.serve("permission", |_| Some(json!({}))).await;
    let told = cli.until_called("permission", 1).await;
    assert_eq!(told, [json!({ "id": "r1", "approved": false, "decision": "abort" })]);
    hub.stop().await;
}

#[actix_rt::test]
async fn an_answer_that_the_agent_refuses_can_be_given_anew() {
    let mut hub = TestHub::start().await;
    let (id, cli) = scene(&hub).await;
    let events = hub.events().await;
    cli.serve("permission", |_| Some(json!({ "error": "unknown request" }))).await;
    let web = hub.web().await;
    assert_eq!(web.post(&path(&id, "r1", "approve"), &json!({})).await.status, 200);
    until_decision(&events, "released").await;
    cli.serve("permission", |_| Some(json!({}))).await;
    assert_eq!(web.post(&path(&id, "r1", "deny"), &json!({})).await.status, 200);
    let told = cli.until_called("permission", 2).await;
    assert_eq!(told[1], json!({ "id": "r1", "approved": false }));
    until_decision(&events, "delivered").await;
    hub.stop().await;
}

#[actix_rt::test]
async fn answers_to_a_session_that_ended_are_dropped() {
    let mut hub = TestHub::start().await;
    let (id, cli) = scene(&hub).await;
    let events = hub.events().await;
    let web = hub.web().await;
    assert_eq!(web.post(&path(&id, "r1", "approve"), &json!({})).await.body["delivery"], "pending");
    cli.end(hub.clock.now()).await;
    until_decision(&events, "dropped").await;
    let answer = web.post(&path(&id, "r1", "approve"), &json!({})).await;
    assert_eq!((answer.status, answer.code()), (409, "session_inactive"));
    assert_eq!(last_decision(&web, &id).await["state"], "dropped");
    cli.serve("permission", |_| Some(json!({}))).await;
    cli.alive(hub.clock.now()).await;
    assert!(cli.calls().is_empty());
    // Somebody else may answer now.
    assert_eq!(web.post(&path(&id, "r1", "deny"), &json!({})).await.status, 200);
    assert_eq!(cli.until_called("permission", 1).await[0]["approved"], false);
    hub.stop().await;
}

#[actix_rt::test]
async fn an_id_that_comes_back_is_another_question() {
    let mut hub = TestHub::start().await;
    let (id, cli) = scene(&hub).await;
    cli.serve("permission", |_| Some(json!({}))).await;
    let web = hub.web().await;
    assert_eq!(web.post(&path(&id, "r1", "approve"), &json!({})).await.status, 200);
    let again = json!({ "requests": { "r1": { "tool": "Bash", "arguments": {}, "createdAt": 99 } } });
    assert_eq!(cli.write_state(2, &again).await["result"], "success");
    assert_eq!(web.post(&path(&id, "r1", "deny"), &json!({})).await.status, 200);
    assert_eq!(cli.until_called("permission", 2).await[1]["approved"], false);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_process_that_comes_back_is_told_although_its_old_connection_spoke_last() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, old) = scene(&hub).await;
    let new = hub.cli(&id).await;
    new.serve("permission", |_| Some(json!({}))).await;
    // What the old connection still carried arrives behind what the new one said, and nobody hears its calls.
    old.register(&format!("{id}:permission")).await;
    assert_eq!(web.post(&path(&id, "r1", "approve"), &json!({})).await.status, 200);
    old.until_called("permission", 1).await;
    drop(old);
    assert_eq!(new.until_called("permission", 1).await, [json!({ "id": "r1", "approved": true })]);
    hub.stop().await;
}
