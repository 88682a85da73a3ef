//! What the hub passes on to agents' processes and runners, and how each family of routes tells a failure.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Cli, DEADLINE, TestHub, Web, metadata};

/// How a route tells that a call brought no answer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Family {
    InBody,
    Unsuccessful,
    UnsuccessfulOrMissing,
    Plain,
}

struct Row {
    verb: &'static str,
    path: &'static str,
    /// Of the session that the route is for; empty for machines.
    flavor: &'static str,
    /// What is asked, and what the process is called with.
    query: &'static str,
    method: &'static str,
    params: Value,
    family: Family,
}

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    use Family::{InBody, Plain, Unsuccessful, UnsuccessfulOrMissing as Missing};
    let row = |path, flavor, query, method, params, family| Row { verb: "get", path, flavor, query, method, params, family };
    let post = |path, flavor, query, method, params, family| Row { verb: "post", path, flavor, query, method, params, family };
    vec![
        row("/api/sessions/{id}/git-status", "claude", "", "git-status", json!({"cwd": "/srv/app"}), InBody),
        row("/api/sessions/{id}/git-diff-numstat", "claude", "?staged=true", "git-diff-numstat", json!({"cwd": "/srv/app", "staged": true}), InBody),
        row("/api/sessions/{id}/git-diff-file", "claude", "?path=a%20b&staged=odd", "git-diff-file", json!({"cwd": "/srv/app", "filePath": "a b"}), InBody),
        row("/api/sessions/{id}/file", "claude", "?path=a", "readFile", json!({"path": "a"}), InBody),
        row("/api/sessions/{id}/directory", "claude", "", "listDirectory", json!({"path": ""}), InBody),
        row("/api/sessions/{id}/skills", "claude", "", "listSkills", json!({"flavor": "claude"}), InBody),
        post("/api/sessions/{id}/upload/delete", "claude", "", "deleteUpload", json!({"sessionId": "{id}", "path": "p"}), Unsuccessful),
        row("/api/sessions/{id}/codex-models", "codex", "", "listCodexModels", json!({}), Unsuccessful),
        row("/api/sessions/{id}/cursor-models", "cursor", "", "listCursorModels", json!({}), Unsuccessful),
        row("/api/sessions/{id}/opencode-models", "opencode", "", "listOpencodeModels", json!({}), Unsuccessful),
        row("/api/sessions/{id}/opencode-reasoning-effort-options", "opencode", "", "listOpencodeReasoningEffortOptions", json!({}), Unsuccessful),
        row("/api/sessions/{id}/grok-models", "grok", "", "listGrokModels", json!({}), Unsuccessful),
        row("/api/sessions/{id}/grok-reasoning-effort-options", "grok", "", "listGrokReasoningEffortOptions", json!({}), Unsuccessful),
        row("/api/sessions/{id}/copilot-models", "copilot", "", "listCopilotModels", json!({}), Unsuccessful),
        row("/api/sessions/{id}/pi-models", "pi", "", "listPiModels", json!({}), Unsuccessful),
        post("/api/machines/{id}/list-directory", "", "", "list-directory", json!({"path": "p"}), Plain),
        row("/api/machines/{id}/agy-models", "", "?refresh=true", "listAgyModels", json!({"refresh": true}), Unsuccessful),
        row("/api/machines/{id}/pi-models", "", "", "listPiModelsForMachine", json!({}), Missing),
        row("/api/machines/{id}/codex-models", "", "", "listCodexModels", json!({}), Missing),
        row("/api/machines/{id}/cursor-models", "", "", "listCursorModels", json!({}), Unsuccessful),
        row("/api/machines/{id}/opencode-models", "", "?cwd=/w", "listOpencodeModelsForCwd", json!({"cwd": "/w"}), Unsuccessful),
        row("/api/machines/{id}/opencode-model-variants", "", "", "listOpencodeModelVariants", json!({"cwd": null}), Missing),
        row("/api/machines/{id}/grok-models", "", "?cwd=/w", "listGrokModelsForCwd", json!({"cwd": "/w"}), Unsuccessful),
        row("/api/machines/{id}/copilot-models", "", "?cwd=/w", "listCopilotModelsForCwd", json!({"cwd": "/w"}), Unsuccessful),
    ]
}

impl Row {
    async fn ask(&self, web: &Web, id: &str) -> (u16, Value) {
        let path = format!("{}{}", self.path.replace("{id}", id), self.query);
        let answer = match self.verb {
            "get" => web.get(&path).await,
            _ => web.post(&path, &json!({ "path": "p" })).await,
        };
        (answer.status, answer.body)
    }

    fn failure(&self, text: &str, is_missing: bool) -> (u16, Value) {
        let body = json!({ "success": false, "error": text });
        match self.family {
            Family::InBody => (200, body),
            Family::UnsuccessfulOrMissing if is_missing => {
                (503, json!({ "success": false, "error": text, "code": "rpc_target_missing" }))
            }
            Family::Unsuccessful | Family::UnsuccessfulOrMissing => (500, body),
            Family::Plain => (500, json!({ "error": text })),
        }
    }
}

/// The one that the route is for: a live session of its flavor, or a machine.
async fn target(hub: &TestHub, row: &Row) -> Cli {
    if row.flavor.is_empty() {
        hub.machine("m1").await;
        return hub.runner("m1").await;
    }
    let metadata = json!({ "path": "/srv/app", "host": "box", "flavor": row.flavor });
    hub.live_session(row.path, &metadata).await.1
}

#[test]
fn the_table_has_every_relayed_route_of_the_document() {
    let document = serde_json::to_value(wheelhouse::http::document()).unwrap();
    let mut relayed = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            if operation["responses"]["200"]["description"] == "as the agent's machine answered" {
                relayed.push((verb.clone(), path.clone()));
            }
        }
    }
    let mut known: Vec<_> = rows().iter().map(|row| (row.verb.to_owned(), row.path.to_owned())).collect();
    relayed.sort();
    known.sort();
    assert_eq!(relayed, known);
}

#[actix_rt::test]
async fn every_relayed_route_passes_on_what_is_asked_and_what_is_answered() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    for row in rows() {
        let cli = target(&hub, &row).await;
        let verbatim = json!({ "success": false, "odd": [1, { "from": "the agent" }], "error": "its own" });
        let answer = verbatim.clone();
        cli.serve(row.method, move |_| Some(answer.clone())).await;
        assert_eq!(row.ask(&web, &cli.id).await, (200, verbatim), "{}", row.path);
        let expected = row.params.to_string().replace("{id}", &cli.id);
        let expected: Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(cli.until_called(row.method, 1).await, [expected], "{}", row.path);
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn every_family_tells_in_its_own_way_that_nobody_was_there_to_ask() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    for row in rows() {
        let cli = target(&hub, &row).await;
        let text = format!("RPC handler not registered: {}:{}", cli.id, row.method);
        assert_eq!(row.ask(&web, &cli.id).await, row.failure(&text, true), "{}", row.path);
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_line_that_goes_down_fails_its_calls_at_once() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let began = std::time::Instant::now();
    for row in rows() {
        let cli = target(&hub, &row).await;
        cli.serve(row.method, |_| None).await;
        let id = cli.id.clone();
        let asked = row.ask(&web, &id);
        let lost = async {
            cli.until_called(row.method, 1).await;
            drop(cli);
        };
        let (answer, ()) = futures_util::join!(asked, lost);
        assert_eq!(answer, row.failure("operation has timed out", false), "{}", row.path);
    }
    assert!(began.elapsed() < DEADLINE, "no call waited for its time to pass");
    hub.stop().await;
}

#[actix_rt::test]
async fn routes_for_one_kind_of_agent_refuse_the_others() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    for row in rows().iter().filter(|row| row.family == Family::Unsuccessful && !row.flavor.is_empty()) {
        let (status, body) = row.ask(&web, &id).await;
        if row.flavor != "claude" {
            assert_eq!((status, &body["success"]), (400, &json!(false)), "{}", row.path);
        }
    }
    cli.end(hub.clock.now()).await;
    for row in rows().iter().filter(|row| row.family == Family::Unsuccessful && !row.flavor.is_empty()) {
        let (status, body) = row.ask(&web, &id).await;
        assert_eq!((status, &body["code"]), (409, &json!("session_inactive")), "{}", row.path);
    }
    // Without a folder there is nothing to look into.
    let bare = hub.session("bare", &json!({ "host": "box" })).await;
    let answer = web.get(&format!("/api/sessions/{bare}/git-diff-file")).await;
    assert_eq!((answer.status, answer.error()), (200, "Session path not available"));
    let answer = web.get(&format!("/api/sessions/{id}/git-diff-file")).await;
    assert_eq!((answer.status, answer.error()), (400, "Invalid file path"));
    hub.machine("m1").await;
    for path in ["opencode-models", "grok-models", "copilot-models?cwd=%20"] {
        let answer = web.get(&format!("/api/machines/m1/{path}")).await;
        assert_eq!((answer.status, answer.error()), (400, "cwd query parameter is required"), "{path}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn nobody_serves_calls_that_are_meant_for_another() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (victim, cli) = hub.live_session("t", &metadata()).await;
    let (_, neighbour) = hub.live_session("u", &metadata()).await;
    let foreign = hub.session_of("b", "t", &metadata()).await;
    let intruder = hub.cli_of("b", &foreign).await;
    let pretender = hub.cli_of("b", &victim).await;
    let path = format!("/api/sessions/{victim}/git-status");
    for thief in [&neighbour, &intruder, &pretender] {
        thief.script.serve("git-status", |_| Some(json!({ "stolen": true })));
        thief.register(&format!("{victim}:git-status")).await;
        thief.register("git-status").await;
        thief.register(&format!("x:{victim}:git-status")).await;
        let answer = web.get(&path).await;
        assert_eq!(answer.body["error"], format!("RPC handler not registered: {victim}:git-status"));
    }
    cli.serve("git-status", |_| Some(json!({ "success": true }))).await;
    // Nor can they take it away.
    for thief in [&neighbour, &intruder, &pretender] {
        thief.emit("rpc-unregister", &json!({ "method": format!("{victim}:git-status") }));
        thief.flush().await;
    }
    assert_eq!(web.get(&path).await.body, json!({ "success": true }));
    assert!(neighbour.calls().is_empty() && intruder.calls().is_empty() && pretender.calls().is_empty());
    hub.stop().await;
}

#[actix_rt::test]
async fn the_socket_that_registered_last_is_called() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, old) = hub.live_session("t", &metadata()).await;
    old.serve("git-status", |_| Some(json!("old"))).await;
    let new = hub.cli(&id).await;
    new.serve("git-status", |_| Some(json!("new"))).await;
    let path = format!("/api/sessions/{id}/git-status");
    assert_eq!(web.get(&path).await.body, json!("new"));
    old.emit("rpc-unregister", &json!({ "method": format!("{id}:git-status") }));
    old.flush().await;
    assert_eq!(web.get(&path).await.body, json!("new"));
    new.emit("rpc-unregister", &json!({ "method": format!("{id}:git-status") }));
    new.flush().await;
    assert_eq!(web.get(&path).await.body["success"], false);
    hub.stop().await;
}

#[actix_rt::test]
async fn settings_are_applied_by_the_agent_or_not_at_all() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let path = format!("/api/sessions/{id}/permission-mode");
    let body = json!({ "mode": "plan" });
    assert_eq!(web.post(&path, &body).await.status, 409, "nobody serves it");
    cli.serve("set-session-config", |asked| Some(json!({ "applied": asked }))).await;
    let answer = web.post(&path, &body).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })));
    assert_eq!(cli.until_called("set-session-config", 1).await, [json!({ "permissionMode": "plan" })]);
    assert_eq!(web.session(&id).await["permissionMode"], "plan");
    cli.serve("set-session-config", |_| Some(json!({ "applied": {} }))).await;
    assert_eq!(web.post(&path, &json!({ "mode": "default" })).await.status, 409);
    assert_eq!(web.session(&id).await["permissionMode"], "plan");
    assert_eq!(web.post(&path, &json!({ "mode": "odd" })).await.status, 400);
    hub.stop().await;
}

#[actix_rt::test]
async fn abort_and_archive_ask_the_process() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let path = |action: &str| format!("/api/sessions/{id}/{action}");
    assert_eq!(web.post(&path("abort"), &json!({})).await.status, 500, "nobody serves it");
    cli.serve("abort", |_| Some(json!(null))).await;
    assert_eq!(web.post(&path("abort"), &json!({})).await.status, 200);
    cli.serve("killSession", |_| Some(json!({ "success": true }))).await;
    assert_eq!(web.post(&path("archive"), &json!({})).await.body, json!({ "ok": true }));
    assert_eq!(web.session(&id).await["active"], false);
    assert_eq!(web.post(&path("abort"), &json!({})).await.code(), "session_inactive");

    // With nobody there the hub marks it by itself.
    let (id, cli) = hub.live_session("u", &metadata()).await;
    drop(cli);
    let answer = web.send(Method::POST, &format!("/api/sessions/{id}/archive"), &json!({})).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })));
    let session = web.session(&id).await;
    assert_eq!(
        (&session["metadata"]["lifecycleState"], &session["metadata"]["archivedBy"]),
        (&json!("archived"), &json!("hub"))
    );
    let again = web.post(&format!("/api/sessions/{id}/archive"), &json!({})).await;
    assert_eq!(again.body, json!({ "ok": true, "alreadyArchived": true }));
    hub.stop().await;
}
