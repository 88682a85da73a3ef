//! Which events a running hub hears and sends.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::contract::{Contract, Section};
use crate::support::{Cli, TestHub, Viewer, metadata};

/// Events that are answered by an acknowledgement.
const ACKNOWLEDGED: [&str; 6] = [
    "messages-steer-state",
    "update-metadata",
    "update-state",
    "machine-update-metadata",
    "machine-update-state",
    "ping",
];

pub async fn seen(hub: &TestHub, contract: &Contract) -> [(Section, BTreeSet<String>); 4] {
    let (id, cli) = hub.live_session("sockets", &metadata()).await;
    let from_clis = heard_from_clis(hub, &cli, contract).await;
    let mut to_clis = BTreeSet::from(["error".to_owned()]);
    let (mut from_pages, mut to_pages) = (BTreeSet::new(), BTreeSet::new());

    hub.web().await.prompt(&id, &json!({ "text": "x", "localId": "l" })).await;
    cli.until_event("update").await;
    to_clis.insert("update".into());
    cli.serve("abort", |_| Some(Value::Null)).await;
    hub.web().await.post(&format!("/api/sessions/{id}/abort"), &json!({})).await;
    cli.until_event("rpc-request").await;
    to_clis.insert("rpc-request".into());

    // Each event of a page becomes one for the process.
    let page = Viewer::connect(hub).await;
    let size = json!({ "sessionId": id, "terminalId": "t", "cols": 80, "rows": 24, "data": "x" });
    for (from_page, to_cli) in [
        ("terminal:create", "terminal:open"),
        ("terminal:write", "terminal:write"),
        ("terminal:resize", "terminal:resize"),
        ("terminal:close", "terminal:close"),
        ("agent-terminal:subscribe", "agent-terminal:refresh"),
        ("agent-terminal:resize", "agent-terminal:resize"),
        ("agent-terminal:input", "agent-terminal:input"),
        ("agent-terminal:unsubscribe", "agent-terminal:idle"),
    ] {
        page.emit(from_page, &size);
        cli.until_event(to_cli).await;
        from_pages.insert(from_page.to_owned());
        to_clis.insert(to_cli.to_owned());
    }

    // And the other way round.
    page.emit("agent-terminal:subscribe", &size);
    cli.until_events("agent-terminal:refresh", 2).await;
    for (event, terminal) in [
        ("terminal:ready", "t1"),
        ("terminal:output", "t1"),
        ("terminal:exit", "t1"),
        ("terminal:error", "t2"),
        ("agent-terminal:output", "agent"),
    ] {
        page.create(&id, terminal);
        cli.flush().await;
        let opened = |open: &&Value| open["terminalId"] == terminal;
        let is_open = || cli.events("terminal:open").iter().any(|open| opened(&open));
        crate::support::within("a terminal is open", async {
            while !is_open() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let payload = json!({ "sessionId": id, "terminalId": terminal, "data": "x", "message": "x", "code": 0, "signal": null });
        cli.emit(event, &payload);
        page.until(event).await;
        to_pages.insert(event.to_owned());
    }
    [
        (Section::FromClis, from_clis),
        (Section::ToClis, to_clis),
        (Section::FromPages, from_pages),
        (Section::ToPages, to_pages),
    ]
}

/// An event about something that is not there is answered with that, so whoever is answered was heard.
async fn heard_from_clis(hub: &TestHub, cli: &Cli, contract: &Contract) -> BTreeSet<String> {
    let payload = json!({
        "sid": "nobody", "sessionId": "nobody", "machineId": "nobody", "terminalId": "agent", "time": 1,
        "localIds": ["x"], "localId": "x", "state": "queued", "text": "x", "data": "x", "message": "x",
        "code": 0, "signal": null, "expectedVersion": 1, "metadata": {}, "agentState": {}, "runnerState": {},
    });
    let mut heard = BTreeSet::new();
    for event in contract.names(Section::FromClis).chain(["made-up"]) {
        let before = cli.events("error").len();
        let is_heard = match event {
            "rpc-register" | "rpc-unregister" => is_registration_heard(hub, cli).await,
            event if ACKNOWLEDGED.contains(&event) => cli.ask(event, &payload).await.is_array(),
            event => {
                cli.emit(event, &payload);
                cli.flush().await;
                cli.events("error").len() > before
            }
        };
        if is_heard {
            heard.insert(event.to_owned());
        }
    }
    assert!(!heard.contains("made-up"), "an event of no name is heard");
    heard
}

async fn is_registration_heard(hub: &TestHub, cli: &Cli) -> bool {
    let web = hub.web().await;
    let path = format!("/api/sessions/{}/skills", cli.id);
    cli.serve("listSkills", |_| Some(json!({ "success": true, "skills": [] }))).await;
    let registered = web.get(&path).await.body["success"] == true;
    cli.emit("rpc-unregister", &json!({ "method": format!("{}:listSkills", cli.id) }));
    cli.flush().await;
    registered && web.get(&path).await.body["success"] == false
}
