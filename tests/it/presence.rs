//! Who is there: heartbeats, silence, lost lines.

use serde_json::{Value, json};

use crate::support::{Events, TestHub, metadata};

const ENDED: fn() -> Value =
    || json!({ "active": false, "thinking": false, "activeTurnStartedAt": null, "backgroundTaskCount": 0 });

#[actix_rt::test]
async fn heartbeats_that_tell_nothing_new_are_told_on_now_and_then() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let events = hub.events().await;
    let patches = |events: &[crate::support::Event]| {
        events
            .iter()
            .filter(|event| event.is("session-updated") && event.session() == id)
            .cloned()
            .collect::<Vec<_>>()
    };
    for _ in 0..11 {
        hub.clock.advance(2_000);
        cli.alive(hub.clock.now()).await;
    }
    cli.alive_with(hub.clock.now(), &json!({ "thinking": true })).await;
    events.until_patch(&id, "thinking", &json!(true)).await;
    let told = patches(&events.all());
    // After twelve seconds, and at the change.
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].id.is_none() && told[1].id.is_some(), "only a change has a number");
    assert_eq!(hub.web().await.session(&id).await["activeAt"], hub.clock.now());
    hub.stop().await;
}

#[actix_rt::test]
async fn a_heartbeat_brings_settings_along() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let more = json!({ "permissionMode": "plan", "model": "opus", "effort": 5, "serviceTier": null });
    cli.alive_with(hub.clock.now(), &more).await;
    let session = web.session(&id).await;
    assert_eq!((&session["permissionMode"], &session["model"]), (&json!("plan"), &json!("opus")));
    assert_eq!((&session["effort"], &session["serviceTier"]), (&Value::Null, &Value::Null));
    // Clients' clocks are believed ten minutes back, and never ahead.
    cli.alive_with(hub.clock.now() - 600_001, &json!({ "model": "haiku" })).await;
    assert_eq!(web.session(&id).await["model"], "opus");
    cli.alive_with(hub.clock.now() + 99_000, &json!({ "model": null })).await;
    let session = web.session(&id).await;
    assert_eq!((&session["model"], &session["activeAt"]), (&Value::Null, &json!(hub.clock.now())));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_turn_that_no_heartbeat_saw_is_over_once_its_agent_is_ready() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let ready = json!({ "role": "agent", "content": { "type": "event", "data": { "type": "ready" } } });
    web.prompt(&id, &json!({ "text": "x", "localId": "first" })).await;
    web.prompt(&id, &json!({ "text": "y", "localId": "second" })).await;
    for (taken, is_thinking) in [("first", true), ("second", false)] {
        cli.consume(&[taken]).await;
        cli.alive(hub.clock.now()).await;
        assert_eq!(web.session(&id).await["thinking"], true, "the agent may not have begun");
        cli.say(&ready).await;
        hub.clock.advance(2_000);
        cli.alive(hub.clock.now()).await;
        assert_eq!(web.session(&id).await["thinking"], is_thinking, "after {taken}");
    }
    assert_eq!(web.session(&id).await["activeTurnStartedAt"], Value::Null);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_session_that_says_nothing_for_thirty_seconds_counts_as_gone() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    web.prompt(&id, &json!({ "text": "x", "localId": "l" })).await;
    let events = hub.events().await;
    hub.clock.advance(30_000);
    cli.flush().await;
    assert_eq!(web.session(&id).await["active"], true);
    hub.clock.advance(1);
    let told = events.until_patch(&id, "active", &json!(false)).await;
    assert_eq!(*told.patch(), ENDED());
    let session = web.session(&id).await;
    assert_eq!((&session["active"], &session["thinking"]), (&json!(false), &json!(false)));
    cli.alive(hub.clock.now()).await;
    events.until_patch(&id, "active", &json!(true)).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn the_end_of_a_process_is_told_with_its_reason() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let events = hub.events().await;
    cli.end(hub.clock.now()).await;
    let told = events.until_patch(&id, "active", &json!(false)).await;
    assert_eq!(*told.patch(), ENDED());
    let ended = events.until("the end", |event| event.is("session-ended").then(|| event.data.clone())).await;
    assert_eq!(
        ended,
        json!({ "type": "session-ended", "sessionId": id, "reason": "completed", "namespace": "default" })
    );
    hub.stop().await;
}

#[actix_rt::test]
async fn a_lost_line_is_told_at_once_and_ends_nothing() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let id = hub.session("t", &metadata()).await;
    let events = hub.events().await;
    let cli = hub.cli(&id).await;
    let second = hub.cli(&id).await;
    cli.alive(hub.clock.now()).await;
    let contact = |state: &'static str| {
        move |event: &crate::support::Event| {
            (event.is("session-contact") && event.data["contact"]["state"] == state).then(|| event.clone())
        }
    };
    let linked = events.until("a line", contact("linked")).await;
    assert_eq!((linked.session(), &linked.data["contact"]["since"]), (id.as_str(), &json!(hub.clock.now())));
    let status = format!("/api/sessions/{id}/status");
    drop(cli);
    second.alive(hub.clock.now()).await;
    assert_eq!(web.get(&status).await.body["contact"]["state"], "linked", "one line is left");
    hub.clock.advance(1_000);
    drop(second);
    let lost = events.until("no line", contact("lost")).await;
    assert_eq!(lost.data["contact"]["since"], hub.clock.now());
    assert_eq!(web.get(&status).await.body["contact"], lost.data["contact"]);
    assert_eq!(web.session(&id).await["active"], true);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_machine_that_says_nothing_for_forty_five_seconds_counts_as_gone() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    hub.machine("m1").await;
    let events = hub.events().await;
    assert_eq!(web.get("/api/machines").await.body["machines"], json!([]), "nobody has been heard of");
    let runner = hub.runner("m1").await;
    let health = json!({ "load1m": 0.5, "cpuCount": 8 });
    runner.emit("machine-alive", &json!({ "machineId": "m1", "time": hub.clock.now(), "health": health }));
    runner.flush().await;
    events
        .until("it is online", |event| {
            (event.is("machine-updated") && event.patch()["active"] == true).then_some(())
        })
        .await;
    let listed =
        web.until("/api/machines", "it is listed", |answer| answer.body["machines"] != json!([])).await;
    assert_eq!(listed.body["machines"][0]["id"], "m1");
    hub.clock.advance(45_000);
    runner.flush().await;
    assert_ne!(web.get("/api/machines").await.body["machines"], json!([]));
    hub.clock.advance(1);
    let gone = |event: &crate::support::Event| {
        (event.is("machine-updated") && *event.patch() == json!({ "active": false })).then_some(())
    };
    events.until("it is gone", gone).await;
    web.until("/api/machines", "it is not listed", |answer| answer.body["machines"] == json!([])).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_browser_that_resumes_after_a_restart_hears_that_nobody_is_there() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    hub.machine("m1").await;
    let runner = hub.runner("m1").await;
    runner.emit("machine-alive", &json!({ "machineId": "m1", "time": hub.clock.now() }));
    runner.flush().await;
    let events = hub.events().await;
    cli.alive_with(hub.clock.now(), &json!({ "thinking": true })).await;
    events.until_patch(&id, "thinking", &json!(true)).await;
    let last = events.last_id().unwrap();
    hub.stop().await;
    events.until_over().await;
    hub.start_again().await;
    let resumed = Events::open(&hub.web().await, "all=true", Some(&last)).await;
    assert_eq!(resumed.resume(), "ok");
    let told = resumed.until_patch(&id, "active", &json!(false)).await;
    assert_eq!(*told.patch(), ENDED());
    resumed
        .until("the machine", |event| {
            (event.data["machineId"] == "m1" && event.patch()["active"] == false).then_some(())
        })
        .await;
    assert_eq!(hub.web().await.session(&id).await["active"], false);
    hub.stop().await;
}
