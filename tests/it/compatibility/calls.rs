//! Which methods of processes and runners a running hub calls, beside those of the relay table.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Cli, TestHub, Web};

#[derive(Default)]
pub struct Calls {
    sessions: BTreeSet<String>,
    machines: BTreeSet<String>,
}

impl Calls {
    pub fn of(&self, is_of_machine: bool) -> &BTreeSet<String> {
        if is_of_machine { &self.machines } else { &self.sessions }
    }
}

/// Asks for something and waits until the method that it needs is called. What comes of it does not matter here.
async fn until_called(web: &Web, request: (Method, String, Value), cli: &Cli, method: &str) -> String {
    let (web, (verb, path, body)) = (web.clone(), request);
    let asked = actix_rt::spawn(async move { web.answer(web.request(verb, &path).json(&body)).await });
    cli.until_called(method, 1).await;
    asked.abort();
    method.to_owned()
}

fn get(path: String) -> (Method, String, Value) {
    (Method::GET, path, json!({}))
}

fn post(path: String, body: Value) -> (Method, String, Value) {
    (Method::POST, path, body)
}

async fn agree(cli: &Cli, method: &str, answer: Value) {
    cli.serve(method, move |_| Some(answer.clone())).await;
}

pub async fn seen(hub: &TestHub) -> Calls {
    let mut calls = Calls::default();
    let runner = runner(hub).await;
    of_a_claude_session(hub, &runner, &mut calls).await;
    of_other_sessions(hub, &mut calls).await;
    of_a_machine(hub, &runner, &mut calls).await;
    calls
}

async fn runner(hub: &TestHub) -> Cli {
    let metadata = json!({
        "host": "box", "platform": "linux", "happyCliVersion": "0.30.7", "capabilities": ["agent-availability"],
        "supervisedRestart": true,
    });
    let made = hub.agent().post("/cli/machines", &json!({ "id": "m1", "metadata": metadata })).await;
    assert_eq!(made.status, 200, "{made:?}");
    let runner = hub.runner("m1").await;
    runner.emit("machine-alive", &json!({ "machineId": "m1", "time": hub.clock.now() }));
    runner.flush().await;
    runner
}

async fn of_a_claude_session(hub: &TestHub, runner: &Cli, calls: &mut Calls) {
    let web = hub.web().await;
    let metadata = json!({
        "path": "/srv/app", "host": "box", "machineId": "m1", "flavor": "claude", "claudeSessionId": "native",
        "capabilities": { "conversationHistory": { "forkCurrent": true, "rewindToMessage": true } },
    });
    let (id, cli) = hub.live_session("calls", &metadata).await;
    web.prompt(&id, &json!({ "text": "x", "localId": "p1" })).await;
    let taken = json!({ "sid": id, "localIds": ["p1"], "clearQueuedThinkingGrace": true });
    cli.emit("messages-consumed", &taken);
    cli.alive(hub.clock.now()).await;
    let request = json!({ "tool": "Bash", "arguments": {}, "createdAt": hub.clock.now() });
    let written = cli.write_state(1, &json!({ "requests": { "r1": request } })).await;
    assert_eq!(written["result"], "success", "{written}");

    let found = json!({ "success": true, "stdout": "a.txt\n", "exitCode": 0 });
    agree(&cli, "ripgrep", found).await;
    agree(&cli, "rewind-conversation", json!({ "success": false, "error": "no" })).await;
    agree(&cli, "fork-conversation", json!({ "nativeSessionId": "copy" })).await;
    agree(runner, "spawn-happy-session", json!({ "type": "error", "errorMessage": "no" })).await;
    agree(runner, "stop-session", json!({ "status": "stopped" })).await;
    let of = |step: &str| format!("/api/sessions/{id}/{step}");
    let upload = json!({ "filename": "a", "content": "YQ==", "mimeType": "text/plain" });
    for (method, request) in [
        ("permission", post(of("permissions/r1/approve"), json!({}))),
        ("abort", post(of("abort"), json!({}))),
        ("switch", post(of("switch"), json!({}))),
        ("set-session-config", post(of("permission-mode"), json!({ "mode": "plan" }))),
        ("listSlashCommands", get(of("slash-commands"))),
        ("readGeneratedImage", get(of("generated-images/x"))),
        ("ripgrep", get(of("files?query=a"))),
        ("uploadFile", post(of("upload"), upload)),
    ] {
        if !cli.script.serves(method) {
            agree(&cli, method, json!({ "success": true })).await;
        }
        calls.sessions.insert(until_called(&web, request, &cli, method).await);
    }
    agree(&cli, "statFiles", json!({ "success": true, "entries": [] })).await;
    calls.sessions.insert(until_called(&web, get(of("files?query=a")), &cli, "statFiles").await);

    // Answered before the next begins, for a conversation is cut once at a time.
    let rewound = web.post(&of("rewind"), &json!({ "messageLocalId": "p1" })).await;
    assert_eq!(rewound.status, 409, "{rewound:?}");
    cli.until_called("rewind-conversation", 1).await;
    calls.sessions.insert("rewind-conversation".into());

    // A fork that does not come up is taken back, which takes all of these.
    let forked = web.post(&of("fork"), &json!({})).await;
    assert_eq!(forked.status, 409, "{forked:?}");
    cli.until_called("fork-conversation", 1).await;
    calls.sessions.insert("fork-conversation".into());
    for method in ["spawn-happy-session", "stop-session"] {
        runner.until_called(method, 1).await;
        calls.machines.insert(method.into());
    }

    agree(&cli, "handoff-local", json!({ "ok": true })).await;
    let handoff = post(format!("/cli/sessions/{id}/handoff-local"), json!({}));
    calls.sessions.insert(until_called(&hub.agent(), handoff, &cli, "handoff-local").await);
    agree(&cli, "killSession", json!({ "success": true })).await;
    calls.sessions.insert(until_called(&web, post(of("archive"), json!({})), &cli, "killSession").await);
}

async fn of_other_sessions(hub: &TestHub, calls: &mut Calls) {
    let web = hub.web().await;
    let (id, cli) = hub.live_session("pi", &json!({ "path": "/srv", "host": "box", "flavor": "pi" })).await;
    web.prompt(&id, &json!({ "text": "x", "localId": "l1" })).await;
    agree(&cli, "steer-queued-message", json!({ "steered": true })).await;
    let steer = post(format!("/api/sessions/{id}/messages/l1/steer"), json!({}));
    calls.sessions.insert(until_called(&web, steer, &cli, "steer-queued-message").await);

    let shared = json!({
        "path": "/srv", "host": "box", "machineId": "m1", "flavor": "codex", "codexSessionId": "shared",
        "capabilities": { "concurrentClients": true },
    });
    let (id, cli) = hub.live_session("shared", &shared).await;
    for (method, request) in [
        (
            "implement-codex-plan",
            post(format!("/api/sessions/{id}/codex/plan/implement"), json!({ "planId": "p" })),
        ),
        ("clear-conversation", post(format!("/api/sessions/{id}/clear"), json!({}))),
    ] {
        agree(&cli, method, json!({ "ok": true })).await;
        calls.sessions.insert(until_called(&web, request, &cli, method).await);
    }
}

async fn of_a_machine(hub: &TestHub, runner: &Cli, calls: &mut Calls) {
    let web = hub.web().await;
    let cursor = json!({
        "path": "/srv", "host": "box", "machineId": "m1", "flavor": "cursor", "cursorSessionId": "c",
    });
    let id = hub.session("cursor", &cursor).await;
    let of = |step: &str| format!("/api/machines/m1/{step}");
    for (method, request) in [
        ("path-exists", post(of("paths/exists"), json!({ "paths": ["/srv"] }))),
        ("agent-availability", get(of("agent-availability"))),
        ("stop-runner", post(of("restart-runner"), json!({}))),
        ("cursor-chat-store-status", get(format!("/api/sessions/{id}/cursor-chat-store"))),
        ("listCodexSessions", get("/api/codex/sessions".into())),
        ("archiveCodexSession", post("/api/codex/archive-session".into(), json!({ "sessionId": "t" }))),
        ("listPiSessions", get("/api/pi/sessions".into())),
    ] {
        agree(runner, method, json!({ "success": false, "error": "no" })).await;
        calls.machines.insert(until_called(&web, request, runner, method).await);
    }
}
