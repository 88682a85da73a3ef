//! Conversations that are cut: forked and rewound, with the agent's consent.

use serde_json::{Value, json};
use wheelhouse::domain::liveness::Patience;

use crate::support::{Answer, Cli, Events, Setup, TestHub, Web, agent_says};

fn metadata() -> Value {
    json!({
        "path": "/srv/app", "host": "box", "machineId": "m1", "flavor": "claude", "name": "Login",
        "claudeSessionId": "native",
        "capabilities": { "conversationHistory": { "forkCurrent": true, "forkAtMessage": true, "rewindToMessage": true } },
        "conversationHistoryPoints": { "p1": true, "p2": true },
    })
}

fn todos(content: &str) -> Value {
    let entries = json!([{ "content": content, "priority": "high", "status": "pending" }]);
    json!({ "role": "agent", "content": { "type": "codex", "data": { "type": "plan", "entries": entries } } })
}

/// Short where only failure is waited for.
fn impatient() -> Setup {
    let patience = Patience { active: 300, ready: 300, inactive: 300 };
    Setup { patience: Some(patience), ..Setup::default() }
}

/// A conversation of two prompts that were taken and answered.
async fn conversation(hub: &TestHub, web: &Web) -> (String, Cli) {
    let (id, cli) = hub.live_session("t", &metadata()).await;
    for (local_id, text) in [("p1", "first"), ("p2", "second")] {
        hub.clock.advance(1_000);
        assert_eq!(web.prompt(&id, &json!({ "text": text, "localId": local_id })).await.status, 200);
        let taken = json!({ "sid": id, "localIds": [local_id], "clearQueuedThinkingGrace": true });
        cli.emit("messages-consumed", &taken);
        hub.clock.advance(1_000);
        cli.say(&agent_says(&format!("answer to {text}"))).await;
        cli.say(&todos(text)).await;
    }
    cli.alive(hub.clock.now()).await;
    (id, cli)
}

fn texts(messages: &[Value]) -> Vec<String> {
    let text = |row: &Value| {
        let content = &row["content"]["content"];
        content["text"].as_str().or(content["data"]["text"].as_str()).map(str::to_owned)
    };
    messages.iter().filter_map(text).collect()
}

/// What the runner is asked to start comes up under the id it is given, and says what native id it has.
async fn child_comes_up(hub: &TestHub, runner: &Cli, native_id: &str) -> (Value, Cli) {
    let asked = runner.until_called("spawn-happy-session", 1).await.remove(0);
    let child = hub.cli(asked["existingSessionId"].as_str().unwrap()).await;
    let state = hub.agent().get(&format!("/cli/sessions/{}", child.id)).await.body["session"].clone();
    let mut metadata = state["metadata"].clone();
    metadata["claudeSessionId"] = json!(native_id);
    let written = child.write_metadata(state["metadataVersion"].as_i64().unwrap(), &metadata).await;
    assert_eq!(written["result"], "success");
    child.alive(hub.clock.now()).await;
    (asked, child)
}

async fn agree(cli: &Cli, method: &str, answer: Value) {
    cli.serve(method, move |_| Some(answer.clone())).await;
}

async fn spawns_what_it_is_given(runner: &Cli) {
    let answer =
        |params: &Value| Some(json!({ "type": "success", "sessionId": params["existingSessionId"] }));
    runner.serve("spawn-happy-session", answer).await;
}

#[actix_rt::test]
async fn a_fork_takes_along_what_was_said_before_a_prompt() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let runner = hub.online_runner("m1").await;
    let (id, cli) = conversation(&hub, &web).await;
    agree(&cli, "fork-conversation", json!({ "nativeSessionId": "copy", "forkSession": true })).await;
    spawns_what_it_is_given(&runner).await;
    let path = format!("/api/sessions/{id}/fork");
    let body = json!({ "messageLocalId": "p2" });
    let forked = web.post(&path, &body);
    let (answer, (asked, _child)) =
        futures_util::join!(forked, child_comes_up(&hub, &runner, "native of the child"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let child = answer.body["sessionId"].as_str().unwrap();
    assert_eq!(cli.until_called("fork-conversation", 1).await, [body]);
    assert_eq!(
        (&asked["resumeSessionId"], &asked["forkSession"], &asked["sessionType"], &asked["sessionId"]),
        (&json!("copy"), &json!(true), &json!("simple"), &json!(child))
    );
    assert_eq!(texts(&web.messages(child).await), ["first", "answer to first"]);
    assert_eq!(texts(&web.messages(&id).await).len(), 4);
    let session = web.session(child).await;
    assert_eq!(session["metadata"]["forkedFrom"], json!(id));
    assert_eq!(session["metadata"]["summary"]["text"], "Fork: Login");
    assert_eq!(session["metadata"]["conversationHistoryPoints"], json!({ "p1": true }));
    assert_eq!((&session["hasConversationContent"], &session["active"]), (&json!(true), &json!(true)));
    assert_eq!(session["todos"][0]["content"], "first");
    hub.restart().await;
    let web = hub.web().await;
    assert_eq!(texts(&web.messages(child).await), ["first", "answer to first"]);
    let listed = web.get("/api/sessions").await.body["sessions"].as_array().unwrap().len();
    assert_eq!(listed, 2);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_conversation_is_not_cut_while_it_moves() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = conversation(&hub, &web).await;
    let fork = format!("/api/sessions/{id}/fork");
    let refused = |answer: Answer| (answer.status, answer.error().to_owned());
    cli.alive_with(hub.clock.now(), &json!({ "thinking": true })).await;
    assert_eq!(refused(web.post(&fork, &json!({})).await), (409, "Session is busy".into()));
    cli.alive(hub.clock.now()).await;
    let unknown = json!({ "messageLocalId": "p9" });
    assert_eq!(refused(web.post(&fork, &unknown).await), (409, "Message not found".into()));
    assert_eq!(web.post_text(&fork, "{").await.error(), "Invalid JSON body");
    assert_eq!(web.post(&fork, &json!({ "messageLocalId": 5 })).await.status, 400);
    // The agent cannot be reached: nothing has happened.
    let missing = web.post(&fork, &json!({})).await;
    assert_eq!((missing.status, missing.error().contains("not registered")), (409, true));
    agree(&cli, "fork-conversation", json!({ "error": "not now" })).await;
    assert_eq!(refused(web.post(&fork, &json!({})).await), (409, "not now".into()));
    // While the agent thinks about it, prompts and a second fork are refused.
    cli.serve("fork-conversation", |_| None).await;
    let first = {
        let (web, fork) = (web.clone(), fork.clone());
        actix_rt::spawn(async move { web.post(&fork, &json!({})).await })
    };
    cli.until_called("fork-conversation", 2).await;
    let prompt = web.prompt(&id, &json!({ "text": "x", "localId": "p3" })).await;
    assert_eq!((prompt.status, prompt.code()), (409, "history_busy"));
    let switch = web.post(&format!("/api/sessions/{id}/switch"), &json!({})).await;
    assert_eq!((switch.status, switch.code()), (409, "history_busy"));
    let text = "Another fork or rewind of this session is running";
    assert_eq!(refused(web.post(&fork, &json!({})).await), (409, text.into()));
    drop(cli);
    assert_eq!(within_409(first).await, 409);
    assert_eq!(web.get("/api/sessions").await.body["sessions"].as_array().unwrap().len(), 1);
    hub.stop().await;
}

async fn within_409(answer: actix_rt::task::JoinHandle<Answer>) -> u16 {
    crate::support::within("the fork fails with its line", answer).await.unwrap().status
}

#[actix_rt::test]
async fn a_fork_that_does_not_come_up_leaves_nothing_behind() {
    let mut hub = TestHub::with(impatient()).await;
    let web = hub.web().await;
    let runner = hub.online_runner("m1").await;
    let (id, cli) = conversation(&hub, &web).await;
    agree(&cli, "fork-conversation", json!({ "nativeSessionId": "copy" })).await;
    agree(&runner, "stop-session", json!({ "status": "stopped" })).await;
    spawns_what_it_is_given(&runner).await;
    let answer = web.post(&format!("/api/sessions/{id}/fork"), &json!({})).await;
    assert_eq!(answer.status, 409, "{answer:?}");
    let asked = runner.until_called("spawn-happy-session", 1).await.remove(0);
    let stopped = runner.until_called("stop-session", 1).await.remove(0);
    assert_eq!(stopped["sessionId"], asked["existingSessionId"]);
    assert_eq!(web.get("/api/sessions").await.body["sessions"].as_array().unwrap().len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_rewind_takes_off_what_came_after_a_prompt() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = conversation(&hub, &web).await;
    let events = Events::open(&web, "all=true", None).await;
    let put_in_place = json!([{ "content": agent_says("back again"), "localId": "r1" }]);
    let answer = json!({ "success": true, "truncateFromLocalId": "p2", "messages": put_in_place });
    agree(&cli, "rewind-conversation", answer).await;
    let path = format!("/api/sessions/{id}/rewind");
    let before =
        web.get(&format!("/api/sessions/{id}/messages")).await.body["page"]["epoch"].as_i64().unwrap();
    let answer = web.post(&path, &json!({ "messageLocalId": "p2" })).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "success": true })));
    let is_told =
        |event: &crate::support::Event| event.is("messages-invalidated").then(|| event.data.clone());
    let told = events.until("the end is gone", is_told).await;
    assert_eq!((&told["reason"], &told["truncateFromLocalId"]), (&json!("rewind"), &json!("p2")));
    let page = web.get(&format!("/api/sessions/{id}/messages")).await.body;
    let messages = page["messages"].as_array().unwrap();
    assert_eq!(texts(messages), ["first", "answer to first", "back again"]);
    assert!(messages.iter().all(|row| row["invokedAt"].is_i64()), "{messages:?}");
    assert!(page["page"]["epoch"].as_i64().unwrap() > before);
    let session = web.session(&id).await;
    assert_eq!(session["todos"][0]["content"], "first");
    assert_eq!(session["metadata"]["conversationHistoryPoints"], json!({ "p1": true }));
    // Numbers of what is gone are not given again.
    let highest = messages.iter().map(|row| row["seq"].as_i64().unwrap()).max().unwrap();
    assert_eq!(highest, 7);
    // A late list of what was taken back does not come back.
    let late = json!({ "sid": id, "message": todos("late"), "createdAt": hub.clock.now() - 500 });
    cli.emit("message", &late);
    cli.flush().await;
    assert_eq!(web.session(&id).await["todos"][0]["content"], "first");
    hub.restart().await;
    let web = hub.web().await;
    assert_eq!(texts(&web.messages(&id).await).len(), 3);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_rewind_of_unknown_outcome_marks_the_session() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = conversation(&hub, &web).await;
    let path = format!("/api/sessions/{id}/rewind");
    let body = json!({ "messageLocalId": "p2" });
    let missing = web.post(&path, &body).await;
    assert_eq!((missing.status, &missing.body["hydrateFailed"]), (409, &json!(false)), "{missing:?}");
    let refusal = json!({ "success": false, "error": "no", "code": "busy" });
    agree(&cli, "rewind-conversation", refusal).await;
    let refused = web.post(&path, &body).await;
    let expected = json!({ "error": "no", "hydrateFailed": false, "code": "busy" });
    assert_eq!((refused.status, refused.body), (409, expected));
    // It says that it went back to where there is nothing: the two do not agree any more.
    agree(&cli, "rewind-conversation", json!({ "success": true, "truncateFromLocalId": "elsewhere" })).await;
    let lost = web.post(&path, &body).await;
    assert_eq!((lost.status, &lost.body["hydrateFailed"]), (500, &json!(true)), "{lost:?}");
    assert_eq!(web.session(&id).await["metadata"]["conversationHistoryDiverged"], true);
    assert_eq!(texts(&web.messages(&id).await).len(), 4);
    let again = web.post(&path, &body).await;
    assert_eq!((again.status, again.error().contains("diverged")), (409, true), "{again:?}");
    hub.stop().await;
}

#[actix_rt::test]
async fn a_rewind_cut_short_by_a_restart_marks_the_session() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = conversation(&hub, &web).await;
    cli.serve("rewind-conversation", |_| None).await;
    let path = format!("/api/sessions/{id}/rewind");
    let asked = actix_rt::spawn(async move {
        let request = web.request(reqwest::Method::POST, &path).json(&json!({ "messageLocalId": "p2" }));
        // The hub goes away under it.
        let _ = request.send().await;
    });
    cli.until_called("rewind-conversation", 1).await;
    hub.crash().await;
    asked.abort();
    hub.start_again().await;
    let web = hub.web().await;
    let path = format!("/api/sessions/{id}");
    let is_marked =
        |answer: &Answer| answer.body["session"]["metadata"]["conversationHistoryDiverged"] == json!(true);
    web.until(&path, "the session is marked", is_marked).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_fork_cut_short_by_a_restart_is_taken_back_or_finished() {
    let mut hub = TestHub::with(impatient()).await;
    let web = hub.web().await;
    let runner = hub.online_runner("m1").await;
    let (id, cli) = conversation(&hub, &web).await;
    agree(&cli, "fork-conversation", json!({ "nativeSessionId": "copy" })).await;
    runner.serve("spawn-happy-session", |_| None).await;
    let path = format!("/api/sessions/{id}/fork");
    let asked = actix_rt::spawn(async move {
        let _ = web.request(reqwest::Method::POST, &path).json(&json!({})).send().await;
    });
    runner.until_called("spawn-happy-session", 1).await;
    hub.crash().await;
    asked.abort();
    hub.start_again().await;
    let web = hub.web().await;
    let is_alone = |answer: &Answer| answer.body["sessions"].as_array().is_some_and(|rows| rows.len() == 1);
    web.until("/api/sessions", "the child is taken back", is_alone).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_fork_that_comes_up_under_another_id_has_its_transcript_there() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let runner = hub.online_runner("m1").await;
    let (id, cli) = conversation(&hub, &web).await;
    agree(&cli, "fork-conversation", json!({ "nativeSessionId": "copy" })).await;
    let mut own = metadata();
    own["claudeSessionId"] = json!("copy");
    let elsewhere = hub.session("u", &own).await;
    agree(&runner, "spawn-happy-session", json!({ "type": "success", "sessionId": elsewhere })).await;
    let (path, body) = (format!("/api/sessions/{id}/fork"), json!({}));
    let comes_up = async {
        runner.until_called("spawn-happy-session", 1).await;
        let agent = hub.cli(&elsewhere).await;
        agent.alive(hub.clock.now()).await;
        agent
    };
    let (answer, _agent) = futures_util::join!(web.post(&path, &body), comes_up);
    assert_eq!((answer.status, answer.body), (200, json!({ "sessionId": elsewhere })));
    assert_eq!(texts(&web.messages(&elsewhere).await).len(), 4);
    assert_eq!(web.get("/api/sessions").await.body["sessions"].as_array().unwrap().len(), 2);
    hub.stop().await;
}
