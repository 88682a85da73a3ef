//! Sessions of one runtime that terminal and browser use at the same time.

use serde_json::{Value, json};

use crate::support::{Cli, Event, Events, TestHub, metadata};

fn of_codex(pid: i64) -> Value {
    json!({
        "path": "/srv/app", "host": "box", "machineId": "m1", "hostPid": pid, "flavor": "codex",
        "codexSessionId": "native", "capabilities": {
            "concurrentClients": true, "conversationHistory": { "forkCurrent": true },
        },
    })
}

async fn agree(cli: &Cli, method: &str, answer: Value) {
    cli.serve(method, move |_| Some(answer.clone())).await;
}

#[actix_rt::test]
async fn a_shared_runtime_makes_its_children_itself() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &of_codex(7)).await;
    let mut copy = of_codex(7);
    copy["codexSessionId"] = json!("copy");
    copy["forkedFrom"] = json!(id);
    let child = hub.session("u", &copy).await;
    agree(&cli, "fork-conversation", json!({ "nativeSessionId": "copy", "sessionId": child })).await;
    let forked = web.post(&format!("/api/sessions/{id}/fork"), &json!({})).await;
    assert_eq!((forked.status, forked.body), (200, json!({ "sessionId": child })));

    let mut empty = of_codex(7);
    empty["codexSessionId"] = json!("empty");
    let fresh = hub.session("v", &empty).await;
    agree(&cli, "clear-conversation", json!({ "sessionId": fresh })).await;
    let cleared = web.post(&format!("/api/sessions/{id}/clear"), &json!({})).await;
    assert_eq!((cleared.status, cleared.body), (200, json!({ "sessionId": fresh })));

    let (plain, _cli) = hub.live_session("w", &metadata()).await;
    let refused = web.post(&format!("/api/sessions/{plain}/clear"), &json!({})).await;
    assert_eq!((refused.status, refused.error()), (409, "Shared session required"));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_plan_is_begun_or_refused_in_the_agents_words() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &of_codex(7)).await;
    let path = format!("/api/sessions/{id}/codex/plan/implement");
    let body = json!({ "planId": "p1" });
    assert_eq!(web.post(&path, &json!({})).await.status, 400);
    let missing = web.post(&path, &body).await;
    assert_eq!((missing.status, &missing.body["code"]), (503, &json!("indeterminate")));
    for (code, status) in [("stale_plan", 409), ("failed", 502), ("indeterminate", 503)] {
        let refusal = json!({ "ok": false, "code": code, "error": "no" });
        agree(&cli, "implement-codex-plan", refusal.clone()).await;
        let answer = web.post(&path, &body).await;
        assert_eq!((answer.status, answer.body), (status, refusal));
    }
    agree(&cli, "implement-codex-plan", json!({ "ok": true })).await;
    assert_eq!(web.post(&path, &body).await.body, json!({ "ok": true }));
    assert_eq!(cli.until_called("implement-codex-plan", 1).await[0], body);
    let (plain, _cli) = hub.live_session("u", &metadata()).await;
    let refused = web.post(&format!("/api/sessions/{plain}/codex/plan/implement"), &body).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("unavailable")));
    hub.stop().await;
}

#[actix_rt::test]
async fn what_waits_in_the_runtime_is_shown_changed_and_taken_back() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &of_codex(7)).await;
    let events = Events::open(&web, "all=true", None).await;
    let tell = async |text: Value| {
        cli.emit("native-queue-message", &json!({ "sid": id, "localId": "n1", "text": text }));
        cli.flush().await;
    };
    tell(json!("typed")).await;
    tell(json!("typed anew")).await;
    let messages = web.messages(&id).await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    let row = &messages[0];
    assert_eq!((&row["content"]["content"]["text"], &row["invokedAt"]), (&json!("typed anew"), &Value::Null));
    assert_eq!(row["content"]["meta"], json!({ "sentFrom": "cli", "isNativeQueuedMessage": true }));
    // Neither a text nor null says anything.
    tell(json!(5)).await;
    assert_eq!(web.messages(&id).await.len(), 1);
    tell(Value::Null).await;
    let is_gone = |event: &Event| event.is("message-cancelled").then(|| event.data.clone());
    let gone = events.until("it is taken back", is_gone).await;
    assert_eq!((&gone["messageId"], &gone["localId"]), (&row["id"], &json!("n1")));
    assert_eq!(web.messages(&id).await.len(), 0);
    // A session of its own has no such queue.
    let (plain, other) = hub.live_session("u", &metadata()).await;
    other.emit("native-queue-message", &json!({ "sid": plain, "localId": "n1", "text": "x" }));
    other.flush().await;
    assert_eq!(web.messages(&plain).await.len(), 0);
    hub.stop().await;
}
