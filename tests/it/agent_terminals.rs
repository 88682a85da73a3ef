//! The screen of an agent's own terminal program, watched from a browser.

use serde_json::{Value, json};

use crate::support::{Cli, TestHub, Viewer, metadata};

fn of(session: &str) -> Value {
    json!({ "sessionId": session })
}

fn shows(cli: &Cli, data: &str) {
    let output = json!({ "sessionId": cli.id, "terminalId": "agent", "data": data });
    cli.emit("agent-terminal:output", &output);
}

#[actix_rt::test]
async fn a_screen_is_shown_to_who_watches_it() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let (first, second) = (Viewer::connect(&hub).await, Viewer::connect(&hub).await);
    first.emit("agent-terminal:subscribe", &of(&id));
    assert_eq!(cli.until_event("agent-terminal:refresh").await, of(&id));
    second.emit("agent-terminal:subscribe", &of(&id));
    cli.until_events("agent-terminal:refresh", 2).await;

    shows(&cli, "hello");
    let output = json!({ "sessionId": id, "terminalId": "agent", "data": "hello" });
    assert_eq!(first.until("agent-terminal:output").await, output);
    assert_eq!(second.until("agent-terminal:output").await, output);

    first.emit("agent-terminal:resize", &json!({ "sessionId": id, "cols": 120, "rows": 40 }));
    let size = json!({ "sessionId": id, "cols": 120, "rows": 40 });
    assert_eq!(cli.until_event("agent-terminal:resize").await, size);
    first.emit("agent-terminal:input", &json!({ "sessionId": id, "data": "" }));
    first.emit("agent-terminal:resize", &json!({ "sessionId": id, "cols": 0, "rows": 40 }));
    first.emit("agent-terminal:input", &json!({ "sessionId": id, "data": "\r" }));
    let input = json!({ "sessionId": id, "data": "\r" });
    assert_eq!(cli.until_event("agent-terminal:input").await, input);
    assert_eq!(cli.events("agent-terminal:input").len(), 1);
    assert_eq!(cli.events("agent-terminal:resize").len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn the_process_is_told_when_nobody_watches_any_more() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let (first, second) = (Viewer::connect(&hub).await, Viewer::connect(&hub).await);
    first.emit("agent-terminal:subscribe", &of(&id));
    second.emit("agent-terminal:subscribe", &of(&id));
    cli.until_events("agent-terminal:refresh", 2).await;
    first.emit("agent-terminal:unsubscribe", &of(&id));
    first.settle().await;
    shows(&cli, "still watched");
    second.until("agent-terminal:output").await;
    assert_eq!(cli.events("agent-terminal:idle"), [] as [Value; 0]);
    assert_eq!(first.heard(), []);
    // A page that is closed counts as one that looks away.
    drop(second);
    assert_eq!(cli.until_event("agent-terminal:idle").await, of(&id));
    first.emit("agent-terminal:unsubscribe", &of(&id));
    first.emit("agent-terminal:subscribe", &of(&id));
    cli.until_events("agent-terminal:refresh", 3).await;
    assert_eq!(cli.events("agent-terminal:idle").len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn what_was_shown_stands_in_for_a_process_that_cannot_be_asked() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    shows(&cli, "gone");
    cli.emit("agent-terminal:reset", &of(&id));
    shows(&cli, "prompt> \u{1b}[?1049hscreen");
    shows(&cli, "\u{1b}[?1049lbye");
    cli.flush().await;
    drop(cli);

    let viewer = Viewer::connect(&hub).await;
    let replayed = "prompt> \u{1b}[?1049hscreen";
    let status = format!("/api/sessions/{id}/status");
    let web = hub.web().await;
    web.until(&status, "the line is down", |answer| answer.body["contact"]["state"] == "lost").await;
    viewer.emit("agent-terminal:subscribe", &of(&id));
    let output = json!({ "sessionId": id, "terminalId": "agent", "data": replayed });
    assert_eq!(viewer.until("agent-terminal:output").await, output);
    hub.stop().await;
}

#[actix_rt::test]
async fn watchers_are_told_that_the_session_is_over() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let viewer = Viewer::connect(&hub).await;
    viewer.emit("agent-terminal:subscribe", &of(&id));
    cli.until_event("agent-terminal:refresh").await;
    shows(&cli, "last words");
    cli.end(hub.clock.now()).await;
    viewer.until("agent-terminal:output").await;
    let over = json!({ "sessionId": id, "terminalId": "agent", "data": "\r\n[Session terminated]\r\n" });
    assert_eq!(viewer.until_nth("agent-terminal:output", 2).await, over);
    // A session that rests is not watched.
    viewer.emit("agent-terminal:subscribe", &of(&id));
    viewer.emit("agent-terminal:input", &json!({ "sessionId": id, "data": "x" }));
    viewer.settle().await;
    cli.alive(hub.clock.now()).await;
    viewer.emit("agent-terminal:input", &json!({ "sessionId": id, "data": "y" }));
    assert_eq!(cli.until_event("agent-terminal:input").await["data"], "y");
    assert_eq!(cli.events("agent-terminal:refresh").len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_screen_belongs_to_the_process_of_its_session_and_to_its_namespace() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let (other, other_cli) = hub.live_session("u", &metadata()).await;
    let viewer = Viewer::connect(&hub).await;
    let stranger = Viewer::of(&hub, "team").await;
    stranger.emit("agent-terminal:subscribe", &of(&id));
    stranger.settle().await;
    viewer.emit("agent-terminal:subscribe", &of(&id));
    cli.until_event("agent-terminal:refresh").await;
    other_cli
        .emit("agent-terminal:output", &json!({ "sessionId": id, "terminalId": "agent", "data": "forged" }));
    other_cli.emit("agent-terminal:reset", &of(&id));
    other_cli.flush().await;
    shows(&cli, "real");
    assert_eq!(viewer.until("agent-terminal:output").await["data"], "real");
    assert_eq!(stranger.heard(), []);
    assert_eq!(cli.events("agent-terminal:refresh").len(), 1);
    assert_ne!(id, other);
    hub.stop().await;
}
