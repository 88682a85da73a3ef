//! Runners: starting agents, and bringing sessions back.

use serde_json::{Value, json};

use crate::support::{Events, Setup, TestHub, agent_says, metadata};

fn resumable() -> Value {
    json!({ "path": "/srv/app", "host": "box", "flavor": "claude", "machineId": "m1", "claudeSessionId": "native" })
}

#[actix_rt::test]
async fn a_runner_starts_an_agent_or_says_why_not() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let runner = hub.online_runner("m1").await;
    let path = "/api/machines/m1/spawn";
    let body = json!({ "directory": "/srv", "agent": "codex", "yolo": true });
    let answer = web.post(path, &body).await;
    let missing = json!({ "type": "error", "message": "RPC handler not registered: m1:spawn-happy-session" });
    assert_eq!((answer.status, answer.body), (200, missing));
    runner.serve("spawn-happy-session", |_| Some(json!({ "type": "success", "sessionId": "s1" }))).await;
    assert_eq!(web.post(path, &body).await.body, json!({ "type": "success", "sessionId": "s1" }));
    let asked = runner.until_called("spawn-happy-session", 1).await;
    let expected = json!({
        "type": "spawn-in-directory", "directory": "/srv", "agent": "codex", "yolo": true, "forkSession": false,
    });
    assert_eq!(asked, [expected]);
    let refusal =
        json!({ "type": "error", "errorMessage": "no", "code": "agent_unavailable", "agent": "codex" });
    runner.serve("spawn-happy-session", move |_| Some(refusal.clone())).await;
    let told = json!({ "type": "error", "message": "no", "code": "agent_unavailable", "agent": "codex" });
    assert_eq!(web.post(path, &body).await.body, told);
    for bad in [json!({}), json!({ "directory": "" }), json!({ "directory": "/x", "agent": "odd" })] {
        assert_eq!(web.post(path, &bad).await.status, 400, "{bad}");
    }
    hub.machine("old").await;
    let answer = web.post("/api/machines/old/spawn", &body).await;
    assert_eq!((answer.status, answer.code()), (200, "runner_upgrade_required"));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_session_comes_back_under_its_own_id() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let id = hub.session("t", &resumable()).await;
    let path = format!("/api/sessions/{id}/resume");
    let answer = web.post(&path, &json!({})).await;
    assert_eq!((answer.status, answer.code()), (503, "no_machine_online"));
    let runner = hub.online_runner("m1").await;
    let same = id.clone();
    runner.serve("spawn-happy-session", move |_| Some(json!({ "type": "success", "sessionId": same }))).await;
    let agent = hub.cli(&id).await;
    let body = json!({ "permissionMode": "plan" });
    let resumed = web.post(&path, &body);
    let started = async {
        let asked = runner.until_called("spawn-happy-session", 1).await;
        agent.alive(hub.clock.now()).await;
        asked
    };
    let (answer, asked) = futures_util::join!(resumed, started);
    assert_eq!((answer.status, answer.body), (200, json!({ "type": "success", "sessionId": id })));
    assert_eq!(
        (&asked[0]["resumeSessionId"], &asked[0]["existingSessionId"]),
        (&json!("native"), &json!(id))
    );
    assert_eq!(asked[0]["permissionMode"], "plan");
    assert_eq!(web.session(&id).await["active"], true);
    // One that is active stays as it is.
    assert_eq!(web.post(&path, &json!({})).await.body["sessionId"], json!(id));
    assert_eq!(runner.calls().len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_session_that_comes_back_under_another_id_takes_its_history_along() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (old, cli) = hub.live_session("t", &resumable()).await;
    cli.say(&agent_says("long ago")).await;
    assert_eq!(web.prompt(&old, &json!({ "text": "still waiting", "localId": "l1" })).await.status, 200);
    cli.end(hub.clock.now()).await;
    drop(cli);
    let runner = hub.online_runner("m1").await;
    let new = hub.session("u", &metadata()).await;
    let answer = json!({ "type": "success", "sessionId": new });
    runner.serve("spawn-happy-session", move |_| Some(answer.clone())).await;
    let events = Events::open(&web, "all=true", None).await;
    let agent = hub.cli(&new).await;
    let path = format!("/api/sessions/{old}/resume");
    let resumed = web.post(&path, &Value::Null);
    let started = async {
        runner.until_called("spawn-happy-session", 1).await;
        agent.alive(hub.clock.now()).await;
    };
    let (answer, ()) = futures_util::join!(resumed, started);
    assert_eq!((answer.status, &answer.body["sessionId"]), (200, &json!(new)));
    let is_gone =
        |event: &crate::support::Event| (event.is("session-removed") && event.session() == old).then_some(());
    events.until("the old one is gone", is_gone).await;
    let is_moved = |event: &crate::support::Event| {
        (event.is("messages-invalidated") && event.session() == new).then_some(())
    };
    events.until("its history is elsewhere", is_moved).await;
    assert_eq!(web.get(&format!("/api/sessions/{old}")).await.status, 404);
    agent.say(&agent_says("here again")).await;
    let messages = web.messages(&new).await;
    assert_eq!(messages.len(), 3, "{messages:?}");
    // The prompt that waited reaches the new process, and can be taken.
    let sent = agent.until_updates("new-message", 1).await;
    assert_eq!(sent[0]["body"]["message"]["localId"], "l1");
    agent.consume(&["l1"]).await;
    hub.restart().await;
    let messages = hub.web().await.messages(&new).await;
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|row| row["invokedAt"].is_i64()), "{messages:?}");
    hub.stop().await;
}

#[actix_rt::test]
async fn a_failed_attempt_leaves_an_archived_session_archived() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let mut archived = resumable();
    let marks =
        json!({ "lifecycleState": "archived", "archivedBy": "cli", "archiveReason": "User terminated" });
    archived.as_object_mut().unwrap().extend(marks.as_object().unwrap().clone());
    let id = hub.session("t", &archived).await;
    let runner = hub.online_runner("m1").await;
    runner
        .serve("spawn-happy-session", |_| Some(json!({ "type": "error", "errorMessage": "no space" })))
        .await;
    let answer = web.post(&format!("/api/sessions/{id}/reopen"), &json!({})).await;
    assert_eq!((answer.status, answer.code(), answer.error()), (500, "resume_failed", "no space"));
    let metadata = web.session(&id).await["metadata"].clone();
    for (key, value) in marks.as_object().unwrap() {
        assert_eq!(metadata[key], *value, "{key}");
    }
    // Without the agent's own id and with a history there is nothing to go on from.
    let (id, cli) = hub.live_session("u", &metadata_without_native_id()).await;
    cli.say(&agent_says("x")).await;
    cli.end(hub.clock.now()).await;
    let answer = web.post(&format!("/api/sessions/{id}/resume"), &json!({})).await;
    assert_eq!((answer.status, answer.code()), (409, "resume_unavailable"));
    hub.stop().await;
}

fn metadata_without_native_id() -> Value {
    json!({ "path": "/srv/app", "host": "box", "flavor": "gemini", "machineId": "m1" })
}

#[actix_rt::test]
async fn a_terminal_takes_a_conversation_over() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let agent = hub.agent();
    let (id, cli) = hub.live_session("t", &resumable()).await;
    hub.session("no id", &metadata()).await;
    web.prompt(&id, &json!({ "text": "  first\n words " })).await;
    let listed = agent.get("/cli/sessions/resumable?machineId=m1").await.body["sessions"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let row = &listed[0];
    assert_eq!((&row["sessionId"], &row["agentSessionId"]), (&json!(id), &json!("native")));
    assert_eq!((&row["active"], &row["firstUserMessage"]), (&json!(true), &json!("first words")));
    assert_eq!(agent.get("/cli/sessions/resumable?machineId=other").await.body["sessions"], json!([]));
    let target = agent.get(&format!("/cli/sessions/{id}/resume-target")).await.body["target"].clone();
    assert_eq!((&target["directory"], &target["flavor"]), (&json!("/srv/app"), &json!("claude")));

    let path = format!("/cli/sessions/{id}/handoff-local");
    cli.serve("handoff-local", |_| Some(json!({ "ok": true }))).await;
    let nothing = json!({});
    let (answer, ()) = futures_util::join!(agent.post(&path, &nothing), async {
        cli.until_called("handoff-local", 1).await;
        cli.end(hub.clock.now()).await;
    });
    assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })));
    assert_eq!(agent.post(&path, &nothing).await.status, 200, "nobody is left to let go");
    let stranger = hub.guest().with_token(&hub.token("b"));
    let answer = stranger.post(&path, &nothing).await;
    assert_eq!((answer.status, answer.code()), (403, "access_denied"));
    let answer = agent.get("/cli/sessions/unknown/resume-target").await;
    assert_eq!((answer.status, answer.code()), (404, "session_not_found"));
    hub.stop().await;
}

#[actix_rt::test]
async fn the_agents_own_id_is_found_in_what_it_said() {
    let mut hub = TestHub::start().await;
    let agent = hub.agent();
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let path = format!("/cli/sessions/{id}/resume-target");
    let answer = agent.get(&path).await;
    assert_eq!((answer.status, answer.code()), (409, "resume_unavailable"));
    let native = "0190c7a0-0000-4000-8000-0000000000aa";
    let said = json!({ "role": "agent", "content": { "type": "output", "data": { "type": "system", "session_id": native } } });
    cli.say(&said).await;
    assert_eq!(agent.get(&path).await.body["target"]["agentSessionId"], native);
    assert_eq!(hub.web().await.session(&id).await["metadata"]["claudeSessionId"], native);
    hub.stop().await;
}

#[actix_rt::test]
async fn two_who_resume_at_once_get_the_same_session() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let runner = hub.online_runner("m1").await;
    let old = hub.session("t", &resumable()).await;
    let new = hub.session("u", &metadata()).await;
    let answer = json!({ "type": "success", "sessionId": new });
    runner.serve("spawn-happy-session", move |_| Some(answer.clone())).await;
    let agent = hub.cli(&new).await;
    let path = format!("/api/sessions/{old}/resume");
    let nothing = json!({});
    let (first, second) = (web.post(&path, &nothing), web.post(&path, &nothing));
    let comes_up = async {
        runner.until_called("spawn-happy-session", 1).await;
        agent.alive(hub.clock.now()).await;
    };
    let (first, second, ()) = futures_util::join!(first, second, comes_up);
    for answer in [first, second] {
        assert_eq!((answer.status, &answer.body["sessionId"]), (200, &json!(new)), "{answer:?}");
    }
    assert_eq!(runner.calls().len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_resume_cut_short_by_a_restart_is_finished_or_taken_back() {
    let patience = wheelhouse::domain::liveness::Patience { active: 400, ready: 400, inactive: 400 };
    let mut hub = TestHub::with(Setup { patience: Some(patience), ..Setup::default() }).await;
    let mut archived = resumable();
    archived["lifecycleState"] = json!("archived");
    archived["archiveReason"] = json!("done");
    let (comes, stays) =
        (hub.session("t", &archived).await, hub.session("u", &archived_as(&archived, "other")).await);
    let runner = hub.online_runner("m1").await;
    runner.serve("spawn-happy-session", |_| None).await;
    let mut asking = Vec::new();
    for id in [&comes, &stays] {
        let (web, path) = (hub.web().await, format!("/api/sessions/{id}/reopen"));
        asking.push(actix_rt::spawn(async move {
            let _ = web.request(reqwest::Method::POST, &path).json(&json!({})).send().await;
        }));
    }
    runner.until_called("spawn-happy-session", 2).await;
    hub.crash().await;
    asking.iter().for_each(actix_rt::task::JoinHandle::abort);
    hub.start_again().await;
    let web = hub.web().await;
    hub.cli(&comes).await.alive(hub.clock.now()).await;
    let is_archived = |answer: &crate::support::Answer| {
        answer.body["session"]["metadata"]["archiveReason"] == json!("done")
    };
    web.until(&format!("/api/sessions/{stays}"), "archived again", is_archived).await;
    let back = web.session(&comes).await;
    assert_eq!((&back["active"], back["metadata"].get("lifecycleState")), (&json!(true), None));
    hub.stop().await;
}

fn archived_as(metadata: &Value, native_id: &str) -> Value {
    let mut metadata = metadata.clone();
    metadata["claudeSessionId"] = json!(native_id);
    metadata
}
