//! Shells on the agent's machine, shown in a browser.

use serde_json::{Value, json};

use crate::support::{Cli, Setup, TestHub, Viewer, metadata};

fn shell(session: &str, terminal: &str, more: &Value) -> Value {
    let mut payload = json!({ "sessionId": session, "terminalId": terminal });
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    payload
}

/// A session with a process, and a browser whose terminal stands.
async fn open(hub: &TestHub, tag: &str, terminal: &str) -> (String, Cli, Viewer) {
    let (id, cli) = hub.live_session(tag, &metadata()).await;
    let viewer = Viewer::connect(hub).await;
    viewer.create(&id, terminal);
    cli.until_event("terminal:open").await;
    cli.emit("terminal:ready", &shell(&id, terminal, &json!({})));
    viewer.until("terminal:ready").await;
    (id, cli, viewer)
}

#[actix_rt::test]
async fn a_shell_is_opened_written_to_resized_and_closed() {
    let mut hub = TestHub::start().await;
    let (id, cli, viewer) = open(&hub, "t", "t1").await;
    let size = shell(&id, "t1", &json!({ "cols": 80, "rows": 24 }));
    assert_eq!(cli.events("terminal:open"), [size]);
    assert_eq!(viewer.until("terminal:ready").await, json!({ "sessionId": id, "terminalId": "t1" }));

    let output = shell(&id, "t1", &json!({ "data": "$ \u{1b}[0m😀" }));
    cli.emit("terminal:output", &output);
    assert_eq!(viewer.until("terminal:output").await, output);

    viewer.emit("terminal:write", &json!({ "terminalId": "t1", "data": "ls\n" }));
    let written = shell(&id, "t1", &json!({ "data": "ls\n" }));
    assert_eq!(cli.until_event("terminal:write").await, written);
    viewer.emit("terminal:resize", &json!({ "terminalId": "t1", "cols": 100, "rows": 30 }));
    let resized = shell(&id, "t1", &json!({ "cols": 100, "rows": 30 }));
    assert_eq!(cli.until_event("terminal:resize").await, resized);

    viewer.emit("terminal:close", &json!({ "terminalId": "t1" }));
    assert_eq!(cli.until_event("terminal:close").await, shell(&id, "t1", &json!({})));
    // It is gone: what the shell still says reaches nobody, and its id is free.
    cli.emit("terminal:output", &shell(&id, "t1", &json!({ "data": "late" })));
    cli.flush().await;
    viewer.create(&id, "t1");
    cli.until_events("terminal:open", 2).await;
    assert_eq!(viewer.heard().len(), 2, "{:?}", viewer.heard());
    hub.stop().await;
}

#[actix_rt::test]
async fn the_end_of_a_shell_is_told_once() {
    let mut hub = TestHub::start().await;
    let (id, cli, viewer) = open(&hub, "t", "t1").await;
    let error = shell(&id, "t1", &json!({ "message": "Terminal stream closed unexpectedly." }));
    cli.emit("terminal:error", &error);
    cli.emit("terminal:exit", &shell(&id, "t1", &json!({ "code": 0, "signal": null })));
    assert_eq!(viewer.until("terminal:error").await, error);

    viewer.create(&id, "t2");
    cli.until_events("terminal:open", 2).await;
    let exit = shell(&id, "t2", &json!({ "code": null, "signal": "SIGHUP" }));
    cli.emit("terminal:exit", &exit);
    assert_eq!(viewer.until("terminal:exit").await, exit, "the exit of the first was dropped");
    hub.stop().await;
}

#[actix_rt::test]
async fn another_browser_takes_a_terminal_over_with_what_it_showed() {
    let mut hub = TestHub::start().await;
    let (id, cli, first) = open(&hub, "t", "t1").await;
    cli.emit("terminal:output", &shell(&id, "t1", &json!({ "data": "before " })));
    first.until("terminal:output").await;
    drop(first);
    // Nobody looks, and yet it is kept.
    cli.emit("terminal:output", &shell(&id, "t1", &json!({ "data": "meanwhile" })));
    cli.flush().await;

    let second = Viewer::connect(&hub).await;
    second.create(&id, "t1");
    assert_eq!(
        second.until("terminal:output").await,
        json!({ "terminalId": "t1", "data": "before meanwhile" })
    );
    cli.until_events("terminal:open", 2).await;

    // The same browser again: the shell is told its size, and nothing is shown twice.
    second.create(&id, "t1");
    cli.until_events("terminal:open", 3).await;
    let third = Viewer::connect(&hub).await;
    third.emit("terminal:write", &json!({ "terminalId": "t1", "data": "not mine" }));
    third.emit("terminal:close", &json!({ "terminalId": "t1" }));
    third.settle().await;
    second.emit("terminal:write", &json!({ "terminalId": "t1", "data": "mine" }));
    assert_eq!(cli.until_event("terminal:write").await["data"], "mine");
    assert_eq!(cli.events("terminal:close"), [] as [Value; 0]);
    assert_eq!(second.heard().len(), 1, "{:?}", second.heard());
    hub.stop().await;
}

#[actix_rt::test]
async fn who_may_not_open_a_terminal_is_told_why() {
    let mut hub = TestHub::with(Setup { config: "[terminal]\nmax = 2\n", ..Setup::default() }).await;
    let (id, cli) = hub.live_session("a", &metadata()).await;
    let (other, _other_cli) = hub.live_session("b", &metadata()).await;
    let resting = hub.session("resting", &metadata()).await;
    let viewer = Viewer::connect(&hub).await;
    let refused = async |viewer: &Viewer, session: &str, terminal: &str, count: usize| {
        viewer.create(session, terminal);
        let error = viewer.until_nth("terminal:error", count).await;
        assert_eq!(error["terminalId"], terminal);
        error["message"].as_str().unwrap().to_owned()
    };
    let gone = "Session is inactive or unavailable.";
    assert_eq!(refused(&viewer, &resting, "x", 1).await, gone);
    assert_eq!(refused(&viewer, "made-up", "x", 2).await, gone);
    let stranger = Viewer::of(&hub, "team").await;
    assert_eq!(refused(&stranger, &id, "x", 1).await, gone);

    viewer.create(&id, "a1");
    cli.until_event("terminal:open").await;
    assert_eq!(refused(&viewer, &other, "a1", 3).await, "Terminal ID is already in use.");
    viewer.create(&id, "a2");
    cli.until_events("terminal:open", 2).await;
    assert_eq!(refused(&viewer, &other, "b1", 4).await, "Too many terminals open (max 2).");
    let second = Viewer::connect(&hub).await;
    let full = "Too many terminals open for this session (max 2).";
    assert_eq!(refused(&second, &id, "a3", 1).await, full);
    // Coming back to one that is open is always possible.
    second.create(&id, "a1");
    cli.until_events("terminal:open", 3).await;

    // Wrong shapes are passed over.
    viewer.emit("terminal:create", &json!({ "sessionId": id, "terminalId": "z", "cols": 0, "rows": 24 }));
    viewer.emit("terminal:create", &json!({ "sessionId": id, "cols": 80, "rows": 24 }));
    viewer.emit("terminal:write", &json!(null));
    assert_eq!(refused(&viewer, &resting, "x", 5).await, gone);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_session_without_its_process_has_no_shell() {
    let mut hub = TestHub::start().await;
    let (id, cli, viewer) = open(&hub, "t", "t1").await;
    drop(cli);
    let error = viewer.until("terminal:error").await;
    assert_eq!(error, json!({ "terminalId": "t1", "message": "CLI disconnected." }));
    viewer.emit("terminal:write", &json!({ "terminalId": "t1", "data": "x" }));
    viewer.create(&id, "t1");
    let error = viewer.until_nth("terminal:error", 2).await;
    assert_eq!(error["message"], "CLI is not connected for this session.");
    hub.stop().await;
}

#[actix_rt::test]
async fn a_terminal_that_nobody_uses_is_closed() {
    let mut hub = TestHub::start().await;
    let (id, cli, viewer) = open(&hub, "t", "t1").await;
    hub.clock.advance(800_000);
    cli.alive(hub.clock.now()).await;
    viewer.emit("terminal:write", &json!({ "terminalId": "t1", "data": "x" }));
    cli.until_event("terminal:write").await;
    // Typing counts as use, so it stands longer than the time since it was opened.
    hub.clock.advance(800_000);
    viewer.emit("terminal:write", &json!({ "terminalId": "t1", "data": "y" }));
    cli.until_events("terminal:write", 2).await;
    hub.clock.advance(900_000);
    let error = viewer.until("terminal:error").await;
    assert_eq!(error, json!({ "terminalId": "t1", "message": "Terminal closed due to inactivity." }));
    assert_eq!(cli.until_event("terminal:close").await, shell(&id, "t1", &json!({})));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_process_speaks_for_its_own_shells_only() {
    let mut hub = TestHub::start().await;
    let (id, _cli, viewer) = open(&hub, "t", "t1").await;
    let second = hub.cli(&id).await;
    second.emit("terminal:output", &shell(&id, "t1", &json!({ "data": "not mine" })));
    second.emit("terminal:exit", &shell(&id, "t1", &json!({ "code": 0, "signal": null })));
    second.flush().await;
    assert_eq!(viewer.heard().len(), 1, "{:?}", viewer.heard());

    // A session that is not there, or not here, is told like for any other event.
    second.emit("terminal:ready", &shell("made-up", "t1", &json!({})));
    let unknown =
        json!({ "message": "session not found", "code": "not-found", "scope": "session", "id": "made-up" });
    assert_eq!(second.until_event("error").await, unknown);
    let stranger = hub.session_of("team", "s", &metadata()).await;
    second.emit("terminal:output", &shell(&stranger, "t1", &json!({ "data": "x" })));
    let errors = second.until_events("error", 2).await;
    assert_eq!(errors[1]["code"], "access-denied");
    hub.stop().await;
}

#[actix_rt::test]
async fn only_a_valid_token_opens_the_terminal_socket() {
    let mut hub = TestHub::start().await;
    for (auth, message) in [
        (json!({}), "Missing token"),
        (json!({ "token": 7 }), "Missing token"),
        (json!({ "token": "made-up" }), "Invalid token"),
        (json!({ "token": hub.base_token }), "Invalid token"),
    ] {
        let refusal = Viewer::try_connect(&hub, &auth).await.err().unwrap();
        assert_eq!(refusal, json!({ "message": message }));
    }
    hub.stop().await;
}
