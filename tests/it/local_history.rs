//! Conversations that agents keep on their machines become sessions of the hub.

use std::{cell::RefCell, rc::Rc};

use serde_json::{Value, json};

use crate::support::{Cli, TestHub, Web};

fn says(text: &str) -> Value {
    json!({ "role": "user", "content": { "type": "text", "text": text }, "meta": { "sentFrom": "cli" } })
}

fn answers(text: &str) -> Value {
    let data = json!({ "type": "message", "message": text });
    json!({ "role": "agent", "content": { "type": "codex", "data": data }, "meta": { "sentFrom": "cli" } })
}

/// What the runner finds in its files; tests change it.
type Files = Rc<RefCell<Vec<Value>>>;

/// A machine that is there, with these conversations.
async fn machine(hub: &TestHub, id: &str, method: &str, files: &Files) -> Cli {
    hub.machine(id).await;
    let runner = hub.runner(id).await;
    runner.emit("machine-alive", &json!({ "machineId": id, "time": hub.clock.now() }));
    let files = files.clone();
    let found = move |params: &Value| {
        let all = files.borrow().clone();
        let sessions: Vec<Value> = match params.get("sessionIds").and_then(Value::as_array) {
            Some(ids) => all.into_iter().filter(|one| ids.contains(&one["id"])).collect(),
            None => all.into_iter().map(without_messages).collect(),
        };
        Some(json!({ "success": true, "sessions": sessions }))
    };
    runner.serve(method, found).await;
    runner
}

fn without_messages(mut conversation: Value) -> Value {
    for key in ["messages", "activeEntryIds"] {
        conversation.as_object_mut().unwrap().remove(key);
    }
    conversation
}

fn thread(id: &str, messages: &[Value]) -> Value {
    json!({
        "id": id, "title": "Fix the login", "lastUserMessage": "thanks", "cwd": "/srv/app", "file": "/c/t.jsonl",
        "modifiedAt": 1_780_000_000_000_i64, "originator": null, "messages": messages,
    })
}

async fn sync(web: &Web, body: &Value) -> Value {
    let answer = web.post("/api/codex/sync-session", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

fn texts(messages: &[Value]) -> Vec<String> {
    let text = |message: &Value| {
        let content = &message["content"]["content"];
        content["text"].as_str().or(content["data"]["message"].as_str()).unwrap().to_owned()
    };
    messages.iter().map(text).collect()
}

#[actix_rt::test]
async fn a_thread_becomes_a_session_and_grows_with_it() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let files = Files::default();
    files.borrow_mut().push(thread("t-1", &[says("hello"), answers("hi")]));
    let runner = machine(&hub, "m", "listCodexSessions", &files).await;

    let listed = web.get("/api/codex/sessions?cwd=/srv/app").await;
    assert_eq!((listed.status, &listed.body["machineId"]), (200, &json!("m")), "{listed:?}");
    assert_eq!(listed.body["sessions"], json!([without_messages(files.borrow()[0].clone())]));
    assert_eq!(runner.until_called("listCodexSessions", 1).await[0], json!({ "cwd": "/srv/app" }));

    let asked = json!({
        "sessionIds": ["t-1", " ", "t-1"], "model": "gpt-5", "serviceTier": "fast", "yolo": true,
        "collaborationMode": "made-up",
    });
    let synced = sync(&web, &asked).await;
    assert_eq!((&synced["success"], &synced["syncedCount"]), (&json!(true), &json!(1)), "{synced}");
    assert_eq!((&synced["command"], &synced["pid"]), (&json!("direct-import"), &json!(0)));
    assert_eq!(
        (&synced["codexDesktopRunning"], &synced["codexClientAvailable"]),
        (&json!(false), &json!(false))
    );
    let id = synced["hapiSessionIds"][0].as_str().unwrap().to_owned();
    let session = web.session(&id).await;
    let metadata = &session["metadata"];
    for (key, value) in [
        ("flavor", "codex"),
        ("name", "Fix the login"),
        ("codexSessionId", "t-1"),
        ("codexSourceSessionId", "t-1"),
        ("lifecycleState", "imported"),
        ("machineId", "m"),
        ("host", "box"),
        ("path", "/srv/app"),
        ("preferredPermissionMode", "yolo"),
    ] {
        assert_eq!(metadata[key], value, "{key}");
    }
    assert_eq!(metadata["summary"]["text"], "thanks");
    assert_eq!((&session["model"], &session["serviceTier"]), (&json!("gpt-5"), &json!("fast")));
    assert_eq!((&session["hasConversationContent"], &session["active"]), (&json!(true), &json!(false)));
    assert_eq!(session["collaborationMode"], Value::Null);
    let messages = web.messages(&id).await;
    assert_eq!(texts(&messages), ["hello", "hi"]);
    // Said long ago: none of it waits for the agent.
    for message in &messages {
        assert_eq!(message["invokedAt"], message["createdAt"], "{message}");
        assert_eq!(message["createdAt"], 1_780_000_000_000_i64);
        assert!(message["localId"].is_string(), "{message}");
    }

    let again = sync(&web, &json!({ "sessionIds": ["t-1"] })).await;
    assert_eq!(again["hapiSessionIds"], json!([id]));
    assert_eq!(web.session(&id).await, session, "a repeated import changes nothing");

    let events = hub.events().await;
    let grown = thread("t-1", &[says("hello"), answers("hi"), says("more"), answers("done")]);
    files.borrow_mut()[0] = grown;
    let synced = sync(&web, &json!({ "sessionIds": ["t-1"] })).await;
    assert_eq!(synced["hapiSessionIds"], json!([id]));
    assert_eq!(texts(&web.messages(&id).await), ["hello", "hi", "more", "done"]);
    let received = |text: &'static str| {
        move |event: &crate::support::Event| {
            let is_it = event.is("message-received") && event.data.to_string().contains(text);
            is_it.then_some(())
        }
    };
    events.until("the first of the rest", received("more")).await;
    events.until("the last of the rest", received("done")).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_thread_that_went_on_elsewhere_gets_a_session_of_its_own() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let files = Files::default();
    files.borrow_mut().push(thread("t-1", &[says("hello"), answers("hi"), says("bye")]));
    let _runner = machine(&hub, "m", "listCodexSessions", &files).await;
    let of_thread = json!({ "path": "/srv/app", "host": "box", "flavor": "codex", "machineId": "m", "codexSessionId": "t-1" });
    // One says something else, one is of another machine, one is archived, one knows the beginning.
    let mut other_machine = of_thread.clone();
    other_machine["machineId"] = json!("n");
    let (other, other_cli) = hub.live_session("other", &of_thread).await;
    other_cli.say(&says("something else")).await;
    let elsewhere = hub.session("elsewhere", &other_machine).await;

    let synced = sync(&web, &json!({ "sessionIds": ["t-1"] })).await;
    let id = synced["hapiSessionIds"][0].as_str().unwrap().to_owned();
    assert!(![&other, &elsewhere].contains(&&id), "{synced}");
    assert_eq!(texts(&web.messages(&id).await), ["hello", "hi", "bye"]);
    assert_eq!(texts(&web.messages(&other).await), ["something else"]);

    let chosen = json!({ "sessionIds": ["t-1", "unknown"] });
    let found = web.post("/api/codex/duplicate-sessions", &chosen).await.body;
    assert_eq!(found["success"], true);
    let ids = found["duplicates"][0]["hapiSessionIds"].as_array().unwrap();
    assert_eq!(found["duplicates"][0]["codexSessionId"], "t-1");
    assert!(ids.contains(&json!(id)) && ids.contains(&json!(other)), "{found}");
    hub.stop().await;
}

#[actix_rt::test]
async fn sessions_of_one_thread_are_joined_when_asked_for() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let files = Files::default();
    files.borrow_mut().push(thread("t-1", &[says("hello")]));
    let _runner = machine(&hub, "m", "listCodexSessions", &files).await;
    let of_thread = json!({ "path": "/srv/app", "host": "box", "flavor": "codex", "machineId": "m", "codexSessionId": "t-1" });
    let (live, cli) = hub.live_session("live", &of_thread).await;
    cli.say(&answers("live")).await;
    let synced = sync(&web, &json!({ "sessionIds": ["t-1"] })).await;
    let imported = synced["hapiSessionIds"][0].as_str().unwrap().to_owned();
    assert_ne!(imported, live);
    assert_eq!(web.session(&imported).await["id"], json!(imported), "not joined by itself");

    let merged =
        web.post("/api/codex/merge-duplicate-sessions", &json!({ "sessionIds": ["t-1"] })).await.body;
    assert_eq!((&merged["success"], &merged["mergedCount"]), (&json!(true), &json!(1)), "{merged}");
    assert_eq!(merged["merged"][0]["canonicalSessionId"], json!(live));
    assert_eq!(merged["merged"][0]["removedSessionIds"], json!([imported]));
    assert_eq!(texts(&web.messages(&live).await), ["hello", "live"]);
    assert_eq!(web.get(&format!("/api/sessions/{imported}")).await.status, 404);
    let found = web.post("/api/codex/duplicate-sessions", &json!({ "sessionIds": ["t-1"] })).await.body;
    assert_eq!(found, json!({ "success": true, "duplicates": [] }));
    for path in ["/api/codex/duplicate-sessions", "/api/codex/merge-duplicate-sessions"] {
        let answer = web.post_text(path, "{").await;
        assert_eq!((answer.status, &answer.body["success"]), (200, &json!(false)), "{path}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_session_at_work_takes_nothing_in() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let files = Files::default();
    files.borrow_mut().push(thread("t-1", &[says("hello")]));
    let _runner = machine(&hub, "m", "listCodexSessions", &files).await;
    let of_thread = json!({ "path": "/srv/app", "host": "box", "flavor": "codex", "machineId": "m", "codexSessionId": "t-1" });
    let (id, cli) = hub.live_session("live", &of_thread).await;
    cli.say(&says("hello")).await;
    let synced = sync(&web, &json!({ "sessionIds": ["t-1"] })).await;
    assert_eq!(synced["hapiSessionIds"], json!([id]), "nothing new is no trouble");

    files.borrow_mut()[0] = thread("t-1", &[says("hello"), answers("new")]);
    let refused = sync(&web, &json!({ "sessionIds": ["t-1"] })).await;
    assert_eq!((&refused["success"], &refused["syncedCount"]), (&json!(false), &json!(0)), "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("active"), "{refused}");
    assert_eq!(web.messages(&id).await.len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn codex_history_is_the_owners_and_needs_a_machine() {
    let mut hub = TestHub::start().await;
    let (web, stranger) = (hub.web().await, hub.web_of("team").await);
    let refusal = json!({
        "success": false, "error": "Codex transcript import is not available outside the default namespace",
    });
    for (path, is_read) in [
        ("/api/codex/status", true),
        ("/api/codex/sessions", true),
        ("/api/codex/archive-session", false),
        ("/api/codex/sync-session", false),
        ("/api/codex/duplicate-sessions", false),
        ("/api/codex/merge-duplicate-sessions", false),
        ("/api/codex/restart-desktop", false),
    ] {
        let answer = if is_read { stranger.get(path).await } else { stranger.post(path, &json!({})).await };
        assert_eq!((answer.status, answer.body), (403, refusal.clone()), "{path}");
    }
    let client = json!({ "success": true, "codexDesktopRunning": false, "codexClientAvailable": false });
    assert_eq!(web.get("/api/codex/status").await.body, client);
    let restarted = web.post("/api/codex/restart-desktop", &json!({})).await;
    assert_eq!((restarted.status, &restarted.body["success"]), (200, &json!(false)));

    let nobody = "No online machine available for Codex history import";
    let answer = web.get("/api/codex/sessions").await;
    assert_eq!(
        (answer.status, answer.body),
        (503, json!({ "success": false, "error": nobody, "sessions": [] }))
    );
    let failed = sync(&web, &json!({ "sessionIds": ["t"], "cwd": "/srv" })).await;
    assert_eq!(
        (&failed["success"], &failed["error"], &failed["cwd"]),
        (&json!(false), &json!(nobody), &json!("/srv"))
    );
    assert_eq!(sync(&web, &json!({ "sessionIds": [] })).await["success"], false);

    let archive = "/api/codex/archive-session";
    let answer = web.post(archive, &json!({})).await;
    assert_eq!((answer.status, answer.error()), (400, "sessionId is required"));
    assert_eq!(web.post(archive, &json!({ "sessionId": "t" })).await.status, 503);

    let files = Files::default();
    let runner = machine(&hub, "m", "listCodexSessions", &files).await;
    let answer = web.post(archive, &json!({ "sessionId": "t", "machineId": "other" })).await;
    assert_eq!(answer.status, 503, "the machine that was named is not there");
    runner.serve("archiveCodexSession", |_| Some(json!({ "success": true, "archivedPath": "/a/t" }))).await;
    let answer = web.post(archive, &json!({ "sessionId": "t" })).await;
    let archived = json!({ "success": true, "archivedPath": "/a/t", "machineId": "m" });
    assert_eq!((answer.status, answer.body), (200, archived));
    assert_eq!(runner.until_called("archiveCodexSession", 1).await[0], json!({ "sessionId": "t" }));
    runner.serve("archiveCodexSession", |_| Some(json!({ "success": false, "error": "in use" }))).await;
    let answer = web.post(archive, &json!({ "sessionId": "t" })).await;
    assert_eq!((answer.status, answer.error()), (500, "in use"));

    // A runner may say anything.
    assert_eq!(
        sync(&web, &json!({ "sessionIds": ["gone"] })).await["error"],
        "Codex session not found: gone"
    );
    runner.serve("listCodexSessions", |_| Some(json!({ "success": false, "error": "no folder" }))).await;
    let answer = web.get("/api/codex/sessions").await;
    assert_eq!((answer.status, answer.error()), (503, "no folder"));
    assert_eq!(sync(&web, &json!({ "sessionIds": ["t"] })).await["error"], "no folder");
    for odd in [json!("text"), json!({ "success": true, "sessions": [{ "id": 7 }] }), json!(null)] {
        runner.serve("listCodexSessions", move |_| Some(odd.clone())).await;
        let answer = web.get("/api/codex/sessions").await;
        assert_eq!((answer.status, &answer.body["success"]), (500, &json!(false)), "{answer:?}");
        assert_eq!(web.post("/api/codex/sync-session", &json!({ "sessionIds": ["t"] })).await.status, 500);
    }
    hub.stop().await;
}

/// A conversation of Pi with entries `e0`, `e1` and so on.
fn conversation(id: &str, texts: &[&str]) -> Value {
    let entries: Vec<String> = (0..texts.len()).map(|at| format!("e{at}")).collect();
    let messages: Vec<Value> = texts
        .iter()
        .zip(&entries)
        .map(|(text, entry)| {
            json!({
                "localId": format!("pi:{id}:{entry}"), "entryId": entry, "createdAt": 1_780_000_000_000_i64,
                "content": says(text),
            })
        })
        .collect();
    json!({
        "id": id, "title": "A walk", "cwd": "/srv/app", "file": "/p/w.jsonl", "modifiedAt": 5,
        "leafEntryId": entries.last(), "messageCount": texts.len(), "activeEntryIds": entries,
        "messages": messages,
    })
}

async fn import(web: &Web, ids: &[&str]) -> Value {
    let answer = web.post("/api/pi/import-sessions", &json!({ "sessionIds": ids })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[actix_rt::test]
async fn a_conversation_of_pi_is_imported_and_goes_on_where_it_ended() {
    let mut hub = TestHub::start().await;
    let web = hub.web_of("default").await;
    let files = Files::default();
    files.borrow_mut().push(conversation("p", &["one", "two"]));
    let _runner = machine(&hub, "m", "listPiSessions", &files).await;
    let listed = web.get("/api/pi/sessions").await;
    assert_eq!((listed.status, &listed.body["machineId"]), (200, &json!("m")));
    assert_eq!(listed.body["sessions"], json!([without_messages(files.borrow()[0].clone())]));

    let first = import(&web, &["p"]).await;
    let result = &first["results"][0];
    assert_eq!(
        (&first["success"], &result["action"], &result["appended"]),
        (&json!(true), &json!("created"), &json!(2))
    );
    let id = result["hapiSessionId"].as_str().unwrap().to_owned();
    let session = web.session(&id).await;
    let metadata = &session["metadata"];
    assert_eq!((&metadata["flavor"], &metadata["piSessionId"]), (&json!("pi"), &json!("p")));
    assert_eq!((&metadata["machineId"], &metadata["piHistoryLeafEntryId"]), (&json!("m"), &json!("e1")));
    assert_eq!(metadata["piImportState"]["state"], "complete");
    let messages = web.messages(&id).await;
    assert_eq!(texts(&messages), ["one", "two"]);
    assert_eq!(messages[0]["localId"], "pi:p:e0");
    assert_eq!(messages[0]["invokedAt"], messages[0]["createdAt"]);
    let listed = web.get("/api/pi/sessions").await.body;
    assert_eq!(listed["sessions"][0]["hapiSessionId"], json!(id));
    assert_eq!(listed["sessions"][0]["importState"], "complete");

    let again = import(&web, &["p"]).await;
    assert_eq!(
        (&again["results"][0]["action"], &again["results"][0]["appended"]),
        (&json!("unchanged"), &json!(0))
    );
    assert_eq!(web.session(&id).await, session, "a repeated import changes nothing");

    files.borrow_mut()[0] = conversation("p", &["one", "two", "three"]);
    let grown = import(&web, &["p", "gone"]).await;
    assert_eq!(grown["success"], false, "one of the two is not there");
    let result = &grown["results"][0];
    assert_eq!(
        (&result["action"], &result["appended"], &result["hapiSessionId"]),
        (&json!("updated"), &json!(1), &json!(id))
    );
    assert_eq!(grown["results"][1]["error"]["code"], "not_found");
    assert_eq!(texts(&web.messages(&id).await), ["one", "two", "three"]);
    assert_eq!(web.session(&id).await["metadata"]["piHistoryLeafEntryId"], "e2");

    // What was imported says something else on the machine now.
    files.borrow_mut()[0] = conversation("p", &["one", "changed", "three"]);
    let diverged = import(&web, &["p"]).await;
    assert_eq!(diverged["results"][0]["error"]["code"], "transcript_diverged", "{diverged}");
    assert_eq!(web.session(&id).await["metadata"]["piImportState"]["state"], "diverged");
    assert_eq!(texts(&web.messages(&id).await), ["one", "two", "three"]);
    hub.stop().await;
}

#[actix_rt::test]
async fn imports_of_one_conversation_at_a_time_make_one_session() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let files = Files::default();
    files.borrow_mut().push(conversation("p", &["one", "two"]));
    let _runner = machine(&hub, "m", "listPiSessions", &files).await;
    let ids = ["p"];
    let together = futures_util::future::join_all((0..6).map(|_| import(&web, &ids))).await;
    let sessions: std::collections::HashSet<&str> =
        together.iter().map(|answer| answer["results"][0]["hapiSessionId"].as_str().unwrap()).collect();
    assert_eq!(sessions.len(), 1, "{together:?}");
    assert!(together.iter().all(|answer| answer["success"] == true), "{together:?}");
    let listed = web.get("/api/sessions").await;
    assert_eq!(listed.body["sessions"].as_array().unwrap().len(), 1);
    let id = sessions.into_iter().next().unwrap();
    assert_eq!(texts(&web.messages(id).await), ["one", "two"]);
    hub.stop().await;
}

#[actix_rt::test]
async fn pi_imports_that_cannot_be_say_why() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let nobody = "No online machine available for Pi history import";
    let answer = web.get("/api/pi/sessions").await;
    assert_eq!(
        (answer.status, answer.body),
        (503, json!({ "success": false, "error": nobody, "sessions": [] }))
    );
    let answer = web.post("/api/pi/import-sessions", &json!({ "sessionIds": ["p"] })).await;
    assert_eq!(
        (answer.status, answer.body),
        (503, json!({ "success": false, "error": nobody, "results": [] }))
    );
    for body in [json!({}), json!({ "sessionIds": [7, ""] }), json!([])] {
        let answer = web.post("/api/pi/import-sessions", &body).await;
        let none = json!({ "success": false, "error": "No Pi sessions selected", "results": [] });
        assert_eq!((answer.status, answer.body), (400, none));
    }

    let files = Files::default();
    files.borrow_mut().push(conversation("p", &["one"]));
    let runner = machine(&hub, "m", "listPiSessions", &files).await;
    let of_pi =
        json!({ "path": "/srv/app", "host": "box", "flavor": "pi", "machineId": "m", "piSessionId": "p" });
    let (_id, cli) = hub.live_session("live", &of_pi).await;
    let busy = import(&web, &["p"]).await;
    assert_eq!(busy["results"][0]["error"]["code"], "session_active", "{busy}");
    // Somebody talked with the agent here, and nobody noted how far.
    cli.say(&says("live")).await;
    cli.end(hub.clock.now()).await;
    let unclear = import(&web, &["p"]).await;
    assert_eq!(unclear["results"][0]["error"]["code"], "transcript_diverged", "{unclear}");

    runner.serve("listPiSessions", |_| Some(json!({ "success": false, "error": "no folder" }))).await;
    let answer = web.get("/api/pi/sessions").await;
    let refused = json!({ "success": false, "error": "no folder", "sessions": [], "machineId": "m" });
    assert_eq!((answer.status, answer.body), (503, refused));
    runner.serve("listPiSessions", |_| Some(json!(7))).await;
    assert_eq!(web.get("/api/pi/sessions").await.status, 500);
    hub.stop().await;
}
