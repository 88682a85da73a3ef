//! What people say to agents: queued until it is taken, sent again, scheduled, taken back.

use serde_json::{Value, json};

use crate::support::{Answer, Cli, TestHub, Web, metadata};

async fn queue(web: &Web, session: &str, local_id: &str) {
    let answer = web.prompt(session, &json!({ "text": format!("do {local_id}"), "localId": local_id })).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })));
}

async fn cancel(web: &Web, session: &str, message: &str) -> Answer {
    let answer = web.delete(&format!("/api/sessions/{session}/messages/{message}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Which of these prompts wait, which are in doubt, and which were taken.
async fn states(web: &Web, session: &str, local_ids: &[&str]) -> (Value, Value, Value) {
    let path = format!("/api/sessions/{session}/messages/queued-state");
    let body = web.post(&path, &json!({ "localIds": local_ids })).await.body;
    let taken: Vec<Value> =
        body["invokedLocalMessages"].as_array().unwrap().iter().map(|row| row["localId"].clone()).collect();
    (body["queuedLocalIds"].clone(), body["indeterminateLocalIds"].clone(), taken.into())
}

fn local_ids(updates: &[Value]) -> Vec<&str> {
    updates.iter().map(|update| update["body"]["message"]["localId"].as_str().unwrap()).collect()
}

#[actix_rt::test]
async fn a_prompt_is_sent_again_until_the_agent_takes_it() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let events = hub.events().await;
    queue(&web, &id, "l1").await;
    queue(&web, &id, "l2").await;
    let sent = cli.until_updates("new-message", 2).await;
    assert_eq!(local_ids(&sent), ["l1", "l2"]);
    assert_eq!(sent[0]["body"]["message"]["content"]["content"], json!({ "type": "text", "text": "do l1" }));
    events.until_patch(&id, "thinking", &json!(true)).await;

    // A socket that comes later gets both with its first heartbeat, under the same ids.
    drop(cli);
    let cli = hub.cli(&id).await;
    cli.alive(hub.clock.now()).await;
    let again = cli.until_updates("new-message", 2).await;
    assert_eq!(again[0]["id"], sent[0]["id"]);
    cli.consume(&["l1"]).await;
    let told =
        events.until("it is taken", |event| event.is("messages-consumed").then(|| event.data.clone())).await;
    assert_eq!(told["localIds"], json!(["l1"]));
    let before = cli.updates("new-message").len();
    cli.alive(hub.clock.now()).await;
    let all = cli.until_updates("new-message", before + 1).await;
    assert_eq!(local_ids(&all[before..]), ["l2"]);
    assert_eq!(states(&web, &id, &["l1", "l2", "unknown"]).await, (json!(["l2"]), json!([]), json!(["l1"])));
    let answer =
        web.post(&format!("/api/sessions/{id}/messages/queued-state"), &json!({ "localIds": [""] })).await;
    assert_eq!((answer.status, answer.error()), (400, "Invalid body"));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_prompt_needs_an_active_session_and_something_to_say() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let id = hub.session("t", &metadata()).await;
    let answer = web.prompt(&id, &json!({ "text": "x" })).await;
    assert_eq!((answer.status, answer.code()), (409, "session_inactive"));
    let cli = hub.cli(&id).await;
    cli.alive(hub.clock.now()).await;
    let now = hub.clock.now();
    for bad in [
        json!({ "text": "" }),
        json!({}),
        json!({ "text": "x", "localId": "" }),
        json!({ "text": "x", "scheduledAt": now + 1 }),
        json!({ "text": "x", "localId": "l", "scheduledAt": now + 8 * 86_400_000 }),
        json!({ "text": "x", "localId": "l", "scheduledAt": now + 1, "deliveryMode": "steer" }),
        json!({ "text": "x", "localId": "l", "deliveryMode": "odd" }),
        json!([]),
    ] {
        assert_eq!(web.prompt(&id, &bad).await.status, 400, "{bad}");
    }
    assert!(web.messages(&id).await.is_empty());
    hub.stop().await;
}

#[actix_rt::test]
async fn prompts_that_were_never_taken_outlive_the_end_of_the_process() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    queue(&web, &id, "l1").await;
    cli.end(hub.clock.now()).await;
    assert_eq!(states(&web, &id, &["l1"]).await.0, json!(["l1"]));
    drop(cli);
    hub.restart().await;
    let cli = hub.cli(&id).await;
    cli.alive(hub.clock.now()).await;
    assert_eq!(local_ids(&cli.until_updates("new-message", 1).await), ["l1"]);
    let web = hub.web().await;
    cli.consume(&["l1"]).await;
    assert_eq!(states(&web, &id, &["l1"]).await.2, json!(["l1"]));
    hub.stop().await;
}

#[actix_rt::test]
async fn scheduled_prompts_come_due_across_a_restart_and_are_told_once() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    for (local_id, after) in [("soon", 60_000), ("late", 120_000)] {
        let prompt = json!({ "text": "x", "localId": local_id, "scheduledAt": hub.clock.now() + after });
        assert_eq!(web.prompt(&id, &prompt).await.status, 200);
    }
    assert_eq!(web.session(&id).await["thinking"], false, "nothing is begun yet");
    let row = web.get("/api/sessions").await.body["sessions"][0].clone();
    assert_eq!(row["futureScheduledMessageCount"], 2, "{row}");
    cli.alive(hub.clock.now()).await;
    assert!(cli.updates("new-message").is_empty());
    drop(cli);
    hub.restart().await;

    let events = hub.events().await;
    let cli = hub.cli(&id).await;
    hub.clock.advance(60_001);
    cli.until_updates("new-message", 3).await;
    let matured = || events.all().iter().filter(|event| event.is("scheduled-matured")).count();
    events.until("it is due", |event| event.is("scheduled-matured").then_some(())).await;
    assert_eq!(matured(), 1);
    cli.consume(&["soon"]).await;
    let sent = cli.updates("new-message");
    assert!(local_ids(&sent).iter().all(|id| *id == "soon"));
    hub.clock.advance(60_000);
    cli.until_updates("new-message", sent.len() + 2).await;
    cli.consume(&["late"]).await;
    events
        .until_all("both were due", |all| {
            (all.iter().filter(|event| event.is("scheduled-matured")).count() == 2).then_some(())
        })
        .await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_prompt_that_waits_for_nobody_is_taken_back_at_once() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let events = hub.events().await;
    assert_eq!(cancel(&web, &id, "unknown").await.body, json!({ "status": "cancelled", "localId": null }));

    // What is taken is too late.
    queue(&web, &id, "taken").await;
    cli.consume(&["taken"]).await;
    let answer = cancel(&web, &id, "taken").await.body;
    assert_eq!((&answer["status"], &answer["message"]["localId"]), (&json!("invoked"), &json!("taken")));

    // What is for later is not asked about.
    let later = json!({ "text": "x", "localId": "later", "scheduledAt": hub.clock.now() + 60_000 });
    web.prompt(&id, &later).await;
    assert_eq!(cancel(&web, &id, "later").await.body, json!({ "status": "cancelled", "localId": "later" }));
    let told =
        events.until("it is told", |event| event.is("message-cancelled").then(|| event.data.clone())).await;
    assert_eq!((&told["messageId"], &told["localId"]), (&json!("later"), &json!("later")));

    // Without a process nobody can have it; the row's own id works as well.
    queue(&web, &id, "alone").await;
    drop(cli);
    events.until("nobody is there", |event| (event.data["contact"]["state"] == "lost").then_some(())).await;
    let row = web.messages(&id).await.into_iter().find(|row| row["localId"] == "alone").unwrap();
    let answer = cancel(&web, &id, row["id"].as_str().unwrap()).await;
    assert_eq!(answer.body, json!({ "status": "cancelled", "localId": "alone" }));
    let left: Vec<Value> = web.messages(&id).await.iter().map(|row| row["localId"].clone()).collect();
    assert_eq!(left, ["taken"]);
    hub.stop().await;
}

/// Queues a prompt and takes it back while the process answers so.
async fn asked(web: &Web, cli: &Cli, local_id: &str, answer: Option<Value>) -> Value {
    queue(web, &cli.id, local_id).await;
    cli.script.on_cancel(answer);
    cancel(web, &cli.id, local_id).await.body
}

#[actix_rt::test]
async fn the_process_says_whether_a_prompt_can_be_taken_back() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let removed = asked(&web, &cli, "removed", Some(json!({ "removed": true }))).await;
    assert_eq!(removed, json!({ "status": "cancelled", "localId": "removed" }));
    let question = &cli.until_updates("cancel-queued-message", 1).await[0]["body"];
    assert_eq!((&question["sid"], &question["localId"]), (&json!(id), &json!("removed")));
    let consumed = asked(&web, &cli, "consumed", Some(json!({ "removed": true, "consumed": true }))).await;
    assert_eq!(
        (&consumed["status"], &consumed["message"]["localId"]),
        (&json!("invoked"), &json!("consumed"))
    );
    let busy = |local_id: &str| json!({ "status": "busy", "localId": local_id });
    let flying = asked(&web, &cli, "flying", Some(json!({ "removed": false, "inFlight": true }))).await;
    assert_eq!(flying, busy("flying"));
    assert_eq!(asked(&web, &cli, "missing", Some(json!({ "removed": false }))).await, busy("missing"));
    let events = hub.events().await;
    assert_eq!(asked(&web, &cli, "silent", None).await, busy("silent"));
    events.until("it is in doubt", |event| event.is("messages-indeterminate").then_some(())).await;
    let all = ["removed", "consumed", "flying", "missing", "silent"];
    let (queued, doubtful, taken) = states(&web, &id, &all).await;
    assert_eq!((queued, taken), (json!(["flying"]), json!(["consumed"])));
    assert_eq!(doubtful.as_array().unwrap().len(), 2);
    hub.stop().await;
}

#[actix_rt::test]
async fn prompts_in_doubt_are_deleted_only_when_the_process_has_no_trace_of_them() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    for local_id in ["a", "b", "c"] {
        queue(&web, &id, local_id).await;
    }
    let steer = |state: &str, ids: Value| json!({ "sid": id, "localIds": ids, "state": state });
    let ok = |is_ok: bool| json!([{ "ok": is_ok }]);
    assert_eq!(cli.ask("messages-steer-state", &steer("dispatching", json!(["a"]))).await, ok(true));
    assert_eq!(cli.ask("messages-steer-state", &steer("dispatching", json!(["a"]))).await, ok(false));
    // On its way: in doubt afterwards, whatever is said but that it was taken.
    cli.script.on_cancel(Some(json!({ "removed": true })));
    assert_eq!(cancel(&web, &id, "a").await.body["status"], "busy");
    assert_eq!(states(&web, &id, &["a"]).await.1, json!(["a"]));
    // In doubt: kept while the process may have it.
    for answer in
        [json!({ "removed": false, "inFlight": true }), json!({ "removed": false, "indeterminate": true })]
    {
        cli.script.on_cancel(Some(answer));
        assert_eq!(cancel(&web, &id, "a").await.body["status"], "busy");
    }
    cli.script.on_cancel(Some(json!({ "removed": false })));
    assert_eq!(cancel(&web, &id, "a").await.body["status"], "cancelled");
    cli.emit("messages-indeterminate", &json!({ "sid": id, "localIds": ["b"] }));
    cli.flush().await;
    let row = web.messages(&id).await.into_iter().find(|row| row["localId"] == "b").unwrap();
    assert_eq!(row["deliveryState"], "indeterminate");
    // Given back, it is sent again.
    let before = cli.updates("new-message").len();
    assert_eq!(cli.ask("messages-steer-state", &steer("queued", json!(["b"]))).await, ok(true));
    cli.alive(hub.clock.now()).await;
    let sent = cli.until_updates("new-message", before + 2).await;
    assert_eq!(local_ids(&sent[before..]), ["b", "c"]);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_prompt_counts_as_work_until_the_agent_has_had_time_to_begin() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    queue(&web, &id, "l1").await;
    cli.consume(&["l1"]).await;
    cli.alive(hub.clock.now()).await;
    assert_eq!(web.session(&id).await["thinking"], true, "an idle heartbeat is overruled");
    hub.clock.advance(15_001);
    cli.alive(hub.clock.now()).await;
    let session = web.session(&id).await;
    assert_eq!((&session["thinking"], &session["activeTurnStartedAt"]), (&json!(false), &Value::Null));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_prompt_in_doubt_is_sent_again_when_the_process_can_take_it() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let retry = async |local_id: &str| {
        let path = format!("/api/sessions/{id}/messages/{local_id}/retry");
        web.post(&path, &Value::Null).await.body
    };
    let status = |status: &str, local_id: &str| json!({ "status": status, "localId": local_id });
    assert_eq!(retry("unknown").await, json!({ "status": "not-found" }));
    for local_id in ["a", "b"] {
        queue(&web, &id, local_id).await;
    }
    assert_eq!(retry("a").await, status("already-queued", "a"));
    cli.emit("messages-indeterminate", &json!({ "sid": id, "localIds": ["a", "b"] }));
    cli.flush().await;
    // Nobody says what became of it.
    assert_eq!(retry("a").await, status("retry-unavailable", "a"));
    assert_eq!(states(&web, &id, &["a"]).await.1, json!(["a"]));
    // It is gone, but the process does not want it now.
    cli.script.on_cancel(Some(json!({ "removed": true })));
    cli.script.on_retry(Some(json!({ "accepted": false })));
    assert_eq!(retry("a").await, status("retry-unavailable", "a"));
    assert_eq!(states(&web, &id, &["a"]).await.1, json!(["a"]));
    cli.script.on_retry(Some(json!({ "accepted": true })));
    assert_eq!(retry("a").await, status("retried", "a"));
    assert_eq!(states(&web, &id, &["a"]).await.0, json!(["a"]));
    let sent = cli.until_updates("retry-queued-message", 2).await;
    assert_eq!(
        (&sent[1]["body"]["localId"], &sent[1]["body"]["message"]["localId"]),
        (&json!("a"), &json!("a"))
    );
    // The process had it all along.
    hub.clock.advance(5_000);
    cli.script.on_cancel(Some(json!({ "consumed": true })));
    let answer = retry("b").await;
    assert_eq!(
        (&answer["status"], &answer["message"]["invokedAt"]),
        (&json!("invoked"), &json!(hub.clock.now()))
    );
    let row = web.messages(&id).await.into_iter().find(|row| row["localId"] == "b").unwrap();
    assert_eq!(answer["message"], row, "what is answered is what is stored");
    // With two processes nobody knows which of them would take it.
    cli.emit("messages-indeterminate", &json!({ "sid": id, "localIds": ["a"] }));
    cli.flush().await;
    let _second = hub.cli(&id).await;
    assert_eq!(retry("a").await, status("retry-unavailable", "a"));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_prompt_is_put_into_the_running_turn_where_the_agent_can_do_that() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let steer = async |session: &str, local_id: &str| {
        let path = format!("/api/sessions/{session}/messages/{local_id}/steer");
        web.post(&path, &Value::Null).await.body
    };
    let (id, _claude) = hub.live_session("claude", &metadata()).await;
    queue(&web, &id, "l1").await;
    assert_eq!(steer(&id, "l1").await["status"], "failed");
    let pi = json!({ "path": "/srv", "host": "box", "flavor": "pi" });
    let (id, cli) = hub.live_session("pi", &pi).await;
    let prompt = json!({ "text": "x", "localId": "l1", "deliveryMode": "steer" });
    assert_eq!(web.prompt(&id, &prompt).await.status, 200);
    let sent = cli.until_updates("new-message", 1).await;
    assert_eq!(sent[0]["body"]["message"]["content"]["meta"]["deliveryMode"], "steer");
    // Sent again, it goes to the queue: the turn may be over.
    cli.alive(hub.clock.now()).await;
    let sent = cli.until_updates("new-message", 2).await;
    assert_eq!(sent[1]["body"]["message"]["content"]["meta"]["deliveryMode"], "queue");
    cli.serve("steer-queued-message", |_| Some(json!({ "steered": false, "error": "not now" }))).await;
    assert_eq!(steer(&id, "l1").await, json!({ "status": "failed", "error": "not now", "localId": "l1" }));
    cli.serve("steer-queued-message", |_| Some(json!({ "steered": true }))).await;
    assert_eq!(steer(&id, "l1").await, json!({ "status": "steered", "localId": "l1" }));
    assert_eq!(cli.until_called("steer-queued-message", 2).await[1], json!({ "localId": "l1" }));
    cli.consume(&["l1"]).await;
    assert_eq!(steer(&id, "l1").await["status"], "invoked");
    hub.stop().await;
}

#[actix_rt::test]
async fn every_prompt_is_in_exactly_one_state() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let later = hub.clock.now() + 60_000;
    for local_id in ["taken", "steered", "waits", "on its way", "lost", "cancelled"] {
        let sent = web.prompt(&id, &json!({ "text": local_id, "localId": local_id })).await;
        assert_eq!(sent.status, 200);
    }
    let scheduled = json!({ "text": "later", "localId": "later", "scheduledAt": later });
    assert_eq!(web.prompt(&id, &scheduled).await.status, 200);
    cli.consume(&["taken"]).await;
    cli.emit("messages-consumed", &json!({ "sid": id, "localIds": ["steered"], "steered": true }));
    let dispatch = json!({ "sid": id, "localIds": ["on its way"], "state": "dispatching" });
    assert_eq!(cli.ask("messages-steer-state", &dispatch).await[0]["ok"], true);
    cli.emit("messages-indeterminate", &json!({ "sid": id, "localIds": ["lost"] }));
    cli.flush().await;
    cli.script.on_cancel(Some(json!({ "removed": true })));
    let cancelled = web.delete(&format!("/api/sessions/{id}/messages/cancelled")).await;
    assert_eq!(cancelled.body["status"], "cancelled");
    let path = format!("/api/sessions/{id}/prompts");
    let states = async |web: &crate::support::Web| -> Vec<(String, String)> {
        let answer = web.get(&path).await;
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let prompts = answer.body["prompts"].as_array().unwrap().clone();
        prompts.iter().map(|prompt| (text(&prompt["localId"]), text(&prompt["state"]))).collect()
    };
    let expected = |waiting: &str, rest: [&str; 3]| {
        [
            ("taken", "consumed"),
            ("steered", "steered"),
            ("waits", waiting),
            ("on its way", rest[0]),
            ("lost", rest[1]),
            ("later", rest[2]),
        ]
        .map(|(id, state)| (id.to_owned(), state.to_owned()))
        .to_vec()
    };
    let alive = expected("queued", ["dispatched", "indeterminate", "scheduled"]);
    assert_eq!(states(&web).await, alive);
    // What is known of them is durable.
    hub.restart().await;
    let web = hub.web().await;
    assert_eq!(states(&web).await, alive);
    // Nobody delivers to an archived session; what may have been delivered stays uncertain.
    let cli = hub.cli(&id).await;
    let mut archived = metadata();
    archived["lifecycleState"] = json!("archived");
    let version = web.session(&id).await["metadataVersion"].as_i64().unwrap();
    assert_eq!(cli.write_metadata(version, &archived).await["result"], "success");
    assert_eq!(states(&web).await, expected("failed", ["failed", "indeterminate", "failed"]));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_session_whose_only_words_were_taken_back_has_none() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.script.on_cancel(Some(json!({ "removed": true })));
    for local_id in ["l1", "l2"] {
        queue(&web, &id, local_id).await;
    }
    assert_eq!(cancel(&web, &id, "l1").await.body["status"], "cancelled");
    assert_eq!(web.session(&id).await["hasConversationContent"], true);
    let events = hub.events().await;
    assert_eq!(cancel(&web, &id, "l2").await.body["status"], "cancelled");
    let is_empty = |event: &crate::support::Event| {
        (event.is("session-updated") && event.data["data"]["hasConversationContent"] == json!(false))
            .then_some(())
    };
    events.until("there is no conversation", is_empty).await;
    assert_eq!(web.session(&id).await["hasConversationContent"], false);
    hub.stop().await;
}
