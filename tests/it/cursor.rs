//! What only Cursor's sessions have.

use serde_json::{Value, json};

use crate::support::{Answer, Setup, TestHub, metadata};

fn cursor(more: &Value) -> Value {
    let mut metadata = json!({ "path": "/srv/app", "host": "box", "flavor": "cursor", "machineId": "m" });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    metadata
}

#[actix_rt::test]
async fn a_machine_is_asked_where_a_chat_is() {
    let mut hub = TestHub::with(Setup::default()).await;
    let web = hub.web().await;
    let with_home = cursor(&json!({ "cursorSessionId": "c-1", "homeDir": "/home/dev" }));
    let id = hub.session("t", &with_home).await;
    let path = format!("/api/sessions/{id}/cursor-chat-store");
    hub.machine("m").await;
    let answer = web.get(&path).await;
    assert_eq!((answer.status, answer.code()), (503, "no_machine_online"));

    let runner = hub.runner("m").await;
    runner.emit("machine-alive", &json!({ "machineId": "m", "time": hub.clock.now() }));
    runner.flush().await;
    let online = web.until(&path, "the machine is online", |answer| answer.code() != "no_machine_online");
    let answer = online.await;
    assert_eq!((answer.status, answer.code()), (502, "probe_failed"), "nobody serves the method yet");

    runner
        .serve("cursor-chat-store-status", |_| Some(json!({ "onDisk": true, "store": "legacy", "x": 1 })))
        .await;
    let answer = web.get(&path).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "onDisk": true, "store": "legacy" })));
    let asked = runner.until_called("cursor-chat-store-status", 1).await;
    let params = json!({ "workspacePath": "/srv/app", "cursorSessionId": "c-1", "homeDir": "/home/dev" });
    assert_eq!(asked[0], params);

    runner.serve("cursor-chat-store-status", |_| Some(json!({ "onDisk": "maybe", "store": null }))).await;
    let answer = web.get(&path).await;
    assert_eq!((answer.status, answer.code()), (502, "probe_failed"));

    for (tag, metadata) in [("u", metadata()), ("v", cursor(&json!({})))] {
        let id = hub.session(tag, &metadata).await;
        let answer = web.get(&format!("/api/sessions/{id}/cursor-chat-store")).await;
        let refusal =
            json!({ "error": "Cursor resume metadata is unavailable", "code": "resume_unavailable" });
        assert_eq!((answer.status, answer.body), (409, refusal));
    }
    assert_eq!(web.get("/api/sessions/made-up/cursor-chat-store").await.status, 404);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_chat_store_is_not_moved_and_the_reason_is_told() {
    let mut hub = TestHub::start().await;
    let (web, agent) = (hub.web().await, hub.agent());
    let old = json!({ "cursorSessionId": "c-1", "cursorSessionProtocol": "stream-json" });
    let new = json!({ "cursorSessionId": "c-1", "cursorSessionProtocol": "acp" });
    let mut last = String::new();
    for (tag, metadata, status, reason) in [
        ("a", metadata(), 409, "not_cursor_session"),
        ("b", cursor(&new), 409, "already_acp"),
        ("c", cursor(&json!({})), 409, "no_cursor_session_id"),
        ("d", cursor(&old), 500, "internal_error"),
    ] {
        let id = hub.session(tag, &metadata).await;
        let web_path = format!("/api/sessions/{id}/migrate-to-acp");
        let cli_path = format!("/cli/sessions/{id}/migrate-to-acp");
        let check = |answer: Answer| {
            assert_eq!((answer.status, &answer.body["reason"]), (status, &json!(reason)), "{answer:?}");
            assert_eq!((&answer.body["ok"], &answer.body["sessionId"]), (&json!(false), &json!(id)));
            assert!(answer.body["durationMs"].is_i64() && answer.body["message"].is_string(), "{answer:?}");
        };
        check(web.post(&web_path, &json!({ "keepSource": true })).await);
        check(web.post_text(&web_path, "").await);
        check(agent.post(&cli_path, &json!({})).await);
        last = web_path;
    }
    let answer = web.post_text(&last, "{").await;
    assert_eq!((answer.status, answer.error()), (400, "Invalid JSON body"));
    let answer = web.post(&last, &json!({ "skipVerify": 1 })).await;
    assert_eq!((answer.status, answer.error()), (400, "Invalid body"));
    assert_eq!(answer.body["issues"][0]["path"], json!(["skipVerify"]));
    hub.stop().await;
}
