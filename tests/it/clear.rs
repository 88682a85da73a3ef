//! OpenCode's `/clear`: the session is replaced, and every prompt finds its way.

use serde_json::{Value, json};
use wheelhouse::domain::liveness::Patience;

use crate::support::{Answer, Cli, Setup, TestHub, Web};

fn metadata() -> Value {
    json!({
        "path": "/srv/app", "host": "box", "machineId": "m1", "flavor": "opencode", "startedBy": "runner",
        "opencodeSessionId": "native", "name": "Login",
    })
}

async fn step(hub: &TestHub, id: &str, step: &str, body: &Value) -> Answer {
    hub.agent().post(&format!("/cli/sessions/{id}/clear-opencode{step}"), body).await
}

/// The reservation, answered with the session that will take the place.
async fn reserved(hub: &TestHub, id: &str) -> String {
    let answer = step(hub, id, "/reserve", &json!({})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["sessionId"].as_str().unwrap().to_owned()
}

fn waiting(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .filter(|row| row["invokedAt"].is_null())
        .filter_map(|row| row["localId"].as_str())
        .collect()
}

async fn say(web: &Web, id: &str, local_id: &str) -> Answer {
    web.prompt(id, &json!({ "text": local_id, "localId": local_id })).await
}

/// The process goes the way OpenCode's does.
async fn ends_cleared(hub: &TestHub, cli: &Cli) {
    cli.emit("session-end", &json!({ "sid": cli.id, "time": hub.clock.now(), "reason": "cleared" }));
    cli.flush().await;
    let session = hub.agent().get(&format!("/cli/sessions/{}", cli.id)).await.body["session"].clone();
    let mut metadata = session["metadata"].clone();
    metadata["lifecycleState"] = json!("archived");
    metadata["archiveReason"] = json!("Cleared by /clear");
    let written = cli.write_metadata(session["metadataVersion"].as_i64().unwrap(), &metadata).await;
    assert_eq!(written["result"], "success");
}

#[actix_rt::test]
async fn a_clear_moves_every_prompt_to_the_replacement() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let runner = hub.online_runner("m1").await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    assert_eq!(say(&web, &id, "before").await.status, 200);
    let new = reserved(&hub, &id).await;
    assert_eq!(reserved(&hub, &id).await, new);
    assert_eq!(say(&web, &id, "between").await.status, 200);
    assert_eq!(waiting(&web.messages(&id).await), ["before"]);
    assert_eq!(waiting(&web.messages(&new).await), ["between"]);
    let early = step(&hub, &id, "", &json!({})).await;
    assert_eq!((early.status, early.code()), (409, "clear_unavailable"));
    let wrong = step(&hub, &id, "/confirm-cleanup", &json!({ "replacementSessionId": "other" })).await;
    assert_eq!((wrong.status, wrong.error()), (409, "Clear reservation not found"));
    assert_eq!(
        step(&hub, &id, "/confirm-cleanup", &json!({})).await.error(),
        "Invalid clear callback request"
    );
    let named = json!({ "replacementSessionId": new });
    for _ in 0..2 {
        assert_eq!(step(&hub, &id, "/confirm-cleanup", &named).await.status, 200);
    }
    ends_cleared(&hub, &cli).await;
    // Still kept, though the session itself has ended.
    assert_eq!(say(&web, &id, "after").await.status, 200);

    let answer =
        |params: &Value| Some(json!({ "type": "success", "sessionId": params["existingSessionId"] }));
    runner.serve("spawn-happy-session", answer).await;
    let finish = async || step(&hub, &id, "", &json!({})).await;
    let comes_up = async {
        let asked = runner.until_called("spawn-happy-session", 1).await.remove(0);
        let agent = hub.cli(&new).await;
        agent.alive(hub.clock.now()).await;
        (asked, agent)
    };
    let (first, second, (asked, agent)) = futures_util::join!(finish(), finish(), comes_up);
    for answer in [&first, &second] {
        assert_eq!((answer.status, &answer.body["sessionId"]), (200, &json!(new)), "{answer:?}");
    }
    assert_eq!((&asked["existingSessionId"], &asked["yolo"]), (&json!(new), &json!(false)));
    assert!(asked.get("resumeSessionId").is_none(), "{asked}");
    assert_eq!(runner.calls().len(), 1);
    // Nothing was delivered before the replacement had all, in the order in which it was said.
    let delivered = agent.until_updates("new-message", 3).await;
    let order: Vec<&str> =
        delivered.iter().filter_map(|update| update["body"]["message"]["localId"].as_str()).collect();
    assert_eq!(order, ["before", "between", "after"]);
    assert_eq!(waiting(&web.messages(&new).await), ["before", "between", "after"]);
    assert_eq!(waiting(&web.messages(&id).await), [""; 0]);
    let old = web.session(&id).await["metadata"].clone();
    assert_eq!(
        (&old["supersededBySessionId"], &old["opencodeClearOperation"]["state"]),
        (&json!(new), &json!("completed"))
    );
    let metadata = web.session(&new).await["metadata"].clone();
    assert_eq!((&metadata["name"], metadata.get("opencodeSessionId")), (&json!("Login"), None));
    assert_eq!(say(&web, &id, "later").await.status, 200);
    assert_eq!(waiting(&web.messages(&new).await).len(), 4);
    let resume = web.post(&format!("/api/sessions/{id}/resume"), &json!({})).await;
    assert_eq!((resume.status, resume.code()), (409, "resume_unavailable"));
    hub.restart().await;
    assert_eq!(waiting(&hub.web().await.messages(&new).await).len(), 4);
    hub.stop().await;
}

#[actix_rt::test]
async fn an_aborted_clear_gives_the_prompts_back() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let new = reserved(&hub, &id).await;
    assert_eq!(say(&web, &id, "kept").await.status, 200);
    let named = json!({ "replacementSessionId": new });
    for _ in 0..2 {
        let answer = step(&hub, &id, "/abort", &named).await;
        assert_eq!((answer.status, &answer.body["sessionId"]), (200, &json!(id)), "{answer:?}");
    }
    assert_eq!(cli.until_updates("new-message", 1).await[0]["body"]["message"]["localId"], "kept");
    assert_eq!(waiting(&web.messages(&id).await), ["kept"]);
    assert_eq!(web.get(&format!("/api/sessions/{new}")).await.status, 404);
    assert_eq!(web.session(&id).await["metadata"]["opencodeClearOperation"]["state"], "aborted");
    // It can be tried again, with another.
    assert_ne!(reserved(&hub, &id).await, new);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_process_that_dies_while_it_clears_gives_the_prompts_back() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let new = reserved(&hub, &id).await;
    assert_eq!(say(&web, &id, "kept").await.status, 200);
    cli.end(hub.clock.now()).await;
    let is_aborted = |answer: &Answer| {
        answer.body["session"]["metadata"]["opencodeClearOperation"]["state"] == json!("aborted")
    };
    web.until(&format!("/api/sessions/{id}"), "the clear is off", is_aborted).await;
    assert_eq!(waiting(&web.messages(&id).await), ["kept"]);
    assert_eq!(web.get(&format!("/api/sessions/{new}")).await.status, 404);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_clear_whose_replacement_fails_is_tried_again_also_after_a_restart() {
    let patience = Patience { active: 300, ready: 300, inactive: 300 };
    let mut hub = TestHub::with(Setup { patience: Some(patience), ..Setup::default() }).await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let new = reserved(&hub, &id).await;
    assert_eq!(say(&web, &id, "kept").await.status, 200);
    let named = json!({ "replacementSessionId": new });
    assert_eq!(step(&hub, &id, "/confirm-cleanup", &named).await.status, 200);
    ends_cleared(&hub, &cli).await;
    let failed = step(&hub, &id, "", &json!({})).await;
    assert_eq!((failed.status, failed.code()), (500, "spawn_failed"), "{failed:?}");
    let operation = web.session(&id).await["metadata"]["opencodeClearOperation"].clone();
    assert_eq!(operation["state"], "failed");
    assert!(operation["error"].is_string());
    hub.restart().await;
    let web = hub.web().await;
    let runner = hub.online_runner("m1").await;
    let answer =
        |params: &Value| Some(json!({ "type": "success", "sessionId": params["existingSessionId"] }));
    runner.serve("spawn-happy-session", answer).await;
    let agent = hub.cli(&new).await;
    hub.clock.advance(31_000);
    agent.alive(hub.clock.now()).await;
    let is_done = |answer: &Answer| answer.body["session"]["metadata"]["supersededBySessionId"] == json!(new);
    web.until(&format!("/api/sessions/{id}"), "the clear is finished", is_done).await;
    assert_eq!(agent.until_updates("new-message", 1).await[0]["body"]["message"]["localId"], "kept");
    hub.stop().await;
}

#[actix_rt::test]
async fn only_an_opencode_session_of_a_runner_is_cleared() {
    let mut hub = TestHub::start().await;
    let mut other = metadata();
    other["startedBy"] = json!("terminal");
    let (id, _cli) = hub.live_session("t", &other).await;
    let refused = step(&hub, &id, "/reserve", &json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "clear_unavailable"));
    let unknown = step(&hub, "nobody", "/reserve", &json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (404, "session_not_found"));
    let foreign = hub.session_of("elsewhere", "t", &metadata()).await;
    let denied = step(&hub, &foreign, "/reserve", &json!({})).await;
    assert_eq!((denied.status, denied.code()), (403, "access_denied"));
    hub.stop().await;
}
