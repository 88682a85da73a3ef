//! Sessions: made, listed, named, deleted.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Events, Setup, TestHub, agent_says, metadata};

#[actix_rt::test]
async fn a_tag_names_one_session() {
    let mut hub = TestHub::start().await;
    let agent = hub.agent();
    let events = hub.events().await;
    let new = json!({ "tag": "t", "metadata": metadata(), "model": "opus", "agentState": null });
    let first = agent.post("/cli/sessions", &new).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.body["sessionSummaryContract"], false);
    let session = &first.body["session"];
    assert_eq!((&session["metadataVersion"], &session["agentStateVersion"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&session["active"], &session["model"], &session["agentState"]),
        (&json!(false), &json!("opus"), &Value::Null)
    );

    // What is sent the second time does not count.
    let again = json!({ "tag": "t", "metadata": { "path": "/other", "host": "h" }, "model": "haiku" });
    let second = agent.post("/cli/sessions", &again).await;
    assert_eq!(second.body["session"]["id"], session["id"]);
    assert_eq!(second.body["session"]["metadata"]["path"], "/srv/app");
    assert_eq!(second.body["session"]["model"], "opus");
    assert_eq!(hub.web().await.get("/api/sessions").await.body["sessions"].as_array().unwrap().len(), 1);
    events.until("the session is added", |event| event.is("session-added").then_some(())).await;
    events.until("it is told again", |event| event.is("session-updated").then_some(())).await;

    // Ten at once make one.
    let all = futures_util::future::join_all((0..10).map(|_| {
        let agent = agent.clone();
        async move { agent.post("/cli/sessions", &json!({ "tag": "u", "metadata": {} })).await }
    }));
    let ids: std::collections::HashSet<String> =
        all.await.iter().map(|answer| answer.body["session"]["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn ids_that_are_taken_are_refused() {
    let mut hub = TestHub::start().await;
    let agent = hub.agent();
    let id = "0190c7a0-0000-4000-8000-000000000001";
    let new = |tag: &str, id: &str| json!({ "tag": tag, "id": id, "metadata": metadata() });
    assert_eq!(agent.post("/cli/sessions", &new("t", id)).await.body["session"]["id"], id);
    assert_eq!(agent.post("/cli/sessions", &new("t", id)).await.status, 200);
    let answer = agent.post("/cli/sessions", &new("other", id)).await;
    assert_eq!((answer.status, answer.error()), (409, "Session id is already bound to a different session"));
    let answer = agent.post("/cli/sessions", &new("t", "0190c7a0-0000-4000-8000-000000000002")).await;
    assert_eq!((answer.status, answer.error()), (409, "Session tag is already bound to a different id"));
    // Not even another namespace gets it.
    let stranger = hub.guest().with_token(&hub.token("b"));
    assert_eq!(stranger.post("/cli/sessions", &new("t", id)).await.status, 409);
    for body in
        [json!({ "tag": "", "metadata": {} }), json!({ "tag": "x" }), new("x", "no-uuid"), json!(null)]
    {
        assert_eq!(agent.post("/cli/sessions", &body).await.status, 400, "{body}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn lists_show_the_pinned_the_active_and_the_recent_first() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let mut ids = Vec::new();
    for tag in ["old", "pinned", "active", "new"] {
        ids.push(hub.session(tag, &metadata()).await);
        hub.clock.advance(1_000);
    }
    let cli = hub.cli(&ids[2]).await;
    cli.alive(hub.clock.now()).await;
    let pin = format!("/api/sessions/{}/pin", ids[1]);
    assert_eq!(web.send(Method::PUT, &pin, &json!({ "mode": "global" })).await.status, 200);
    let order = |body: &Value| -> Vec<String> {
        body["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let wanted: Vec<String> = [1, 2, 3, 0].map(|place| ids[place].clone()).to_vec();
    web.until("/api/sessions", "the list in order", |answer| order(&answer.body) == wanted).await;
    let recent: Vec<String> = [3, 2, 1, 0].map(|place| ids[place].clone()).to_vec();
    assert_eq!(order(&web.get("/api/sessions?order=updatedAt").await.body), recent);
    assert_eq!(order(&web.get("/api/sessions?limit=2").await.body), wanted[..2]);
    assert_eq!(order(&web.get("/api/sessions?limit=0").await.body), wanted[..1]);
    assert_eq!(order(&web.get("/api/sessions?limit=odd").await.body), wanted);
    hub.stop().await;
}

#[actix_rt::test]
async fn an_active_session_is_not_deleted() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let events = hub.events().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let path = format!("/api/sessions/{id}");
    assert_eq!(web.delete(&path).await.status, 409);
    cli.end(hub.clock.now()).await;
    let answer = web.delete(&path).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })));
    events
        .until("it is removed", |event| (event.is("session-removed") && event.session() == id).then_some(()))
        .await;
    assert_eq!(web.get(&path).await.status, 404);
    assert_eq!(web.delete(&path).await.status, 404);
    assert_eq!(web.get("/api/sessions").await.body["sessions"], json!([]));
    // Its process is still connected and is told.
    cli.emit("message", &json!({ "sid": id, "message": {} }));
    assert_eq!(cli.until_event("error").await["code"], "not-found");
    hub.stop().await;
}

#[actix_rt::test]
async fn titles_summaries_and_pins_are_told_and_leave_recency_alone() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let events = hub.events().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let before = web.session(&id).await;
    hub.clock.advance(5_000);
    let path = format!("/api/sessions/{id}");
    assert_eq!(web.send(Method::PATCH, &path, &json!({ "name": "My work" })).await.status, 200);
    let summary = format!("{path}/summary");
    assert_eq!(web.send(Method::PATCH, &summary, &json!({ "text": "  does things " })).await.status, 200);
    let pin = format!("{path}/pin");
    assert_eq!(web.send(Method::PUT, &pin, &json!({ "mode": "project" })).await.status, 200);
    let after = web.session(&id).await;
    assert_eq!(after["metadata"]["name"], "My work");
    assert_eq!(after["metadata"]["summary"]["text"], "does things");
    assert_eq!((&after["pinned"], &after["globalPinned"]), (&json!(true), &json!(false)));
    assert_eq!(after["updatedAt"], before["updatedAt"]);
    assert_eq!(after["metadataVersion"], 3);
    events.until_patch(&id, "pinned", &json!(true)).await;
    // Its process learns of the new version without running into it.
    let updates = cli.until_updates("update-session", 2).await;
    assert_eq!(updates[1]["body"]["metadata"]["version"], 3);
    assert_eq!(updates[1]["body"]["metadata"]["value"]["name"], "My work");

    for (method, path, body) in [
        (Method::PATCH, &path, json!({ "name": "" })),
        (Method::PATCH, &path, json!({ "name": "x".repeat(256) })),
        (Method::PATCH, &path, json!({})),
        (Method::PATCH, &summary, json!({ "text": "  " })),
        (Method::PUT, &pin, json!({ "mode": "maybe" })),
    ] {
        assert_eq!(web.send(method, path, &body).await.status, 400, "{body}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn keys_that_the_hub_does_not_know_survive_its_own_writes() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let odd =
        json!({ "path": "/srv", "host": "box", "flavor": "claude", "fromTheFuture": { "deep": [1, "two"] } });
    let (id, cli) = hub.live_session("t", &odd).await;
    let path = format!("/api/sessions/{id}");
    assert_eq!(web.send(Method::PATCH, &path, &json!({ "name": "n" })).await.status, 200);
    cli.alive_with(hub.clock.now(), &json!({ "permissionMode": "plan" })).await;
    // The stored value is what a stale writer is answered.
    let stale = cli.write_metadata(1, &metadata()).await;
    assert_eq!(stale["result"], "version-mismatch");
    assert_eq!(stale["version"], 3);
    assert_eq!(stale["metadata"]["fromTheFuture"], json!({ "deep": [1, "two"] }));
    assert_eq!(stale["metadata"]["name"], "n");
    assert_eq!(stale["metadata"]["preferredPermissionMode"], "plan");
    hub.restart().await;
    let cli = hub.cli(&id).await;
    assert_eq!(cli.write_metadata(1, &metadata()).await["metadata"]["fromTheFuture"]["deep"][1], "two");
    hub.stop().await;
}

#[actix_rt::test]
async fn one_bad_field_never_hides_the_others() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let mixed = json!({
        "path": "/srv", "host": "box", "flavor": "claude", "preferredPermissionMode": "from-the-future",
        "hapiMcpUrl": "no url", "tools": "Bash", "name": "kept", "summary": { "text": 5 }, "hostPid": "nan",
    });
    let id = hub.session("t", &mixed).await;
    let seen = web.session(&id).await["metadata"].clone();
    assert_eq!(
        (&seen["path"], &seen["name"], &seen["flavor"]),
        (&json!("/srv"), &json!("kept"), &json!("claude"))
    );
    for bad in ["preferredPermissionMode", "hapiMcpUrl", "tools", "summary", "hostPid"] {
        assert_eq!(seen.get(bad), None, "{bad}");
    }
    // Without a folder or a host it is no session's metadata at all.
    for lacking in [json!({ "path": "/srv" }), json!({ "host": "h" }), json!("text"), json!(null), json!([1])]
    {
        let id = hub.session(&lacking.to_string(), &lacking).await;
        assert_eq!(web.session(&id).await["metadata"], Value::Null, "{lacking}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_session_that_nobody_uses_rests_and_is_there_again_when_it_is_needed() {
    let mut hub =
        TestHub::with(Setup { config: "[actors]\npassivate_after_ms = 1000\n", ..Setup::default() }).await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&agent_says("one")).await;
    let later = json!({ "text": "x", "localId": "later", "scheduledAt": hub.clock.now() + 600_000 });
    assert_eq!(web.prompt(&id, &later).await.status, 200);
    cli.end(hub.clock.now()).await;
    let events = hub.events().await;
    drop(cli);
    events.until("nobody is there", |event| (event.data["contact"]["state"] == "lost").then_some(())).await;
    let place = events.last_id();
    for _ in 0..5 {
        hub.clock.advance(10_000);
        // One that stays makes each tick visible.
        let (_, other) = hub.live_session("u", &metadata()).await;
        other.say(&agent_says("tick")).await;
        assert_eq!(web.session(&id).await["active"], false);
    }
    hub.clock.advance(10_000);
    let cli = hub.cli(&id).await;
    cli.alive(hub.clock.now()).await;
    cli.say(&agent_says("two")).await;
    assert_eq!(web.messages(&id).await.len(), 3);
    let resumed = Events::open(&web, &format!("sessionId={id}"), place.as_deref()).await;
    assert_eq!(resumed.resume(), "ok", "its stream does not care whether it was in memory");
    resumed.until_message("two").await;
    hub.clock.advance(600_000);
    cli.until_updates("new-message", 1).await;
    events
        .until("it is due", |event| (event.is("scheduled-matured") && event.session() == id).then_some(()))
        .await;
    hub.stop().await;
}
