//! Threads of Codex.

use serde_json::{Value, json};

use super::{Files, machine, says, texts, without_messages};
use crate::support::{TestHub, Web};

fn answers(text: &str) -> Value {
    let data = json!({ "type": "message", "message": text });
    json!({ "role": "agent", "content": { "type": "codex", "data": data }, "meta": { "sentFrom": "cli" } })
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
