//! People who are not looking are told: by a toast on the pages they look at, else by a push to their browsers.

mod delivery;
mod occasions;
mod pushes;

use serde_json::{Map, Value, json};

use crate::support::{Browser, Cli, Event, Events, PushService, Setup, TestHub, Web, metadata};

const PUSHES: &str = "[push]\nallow_private = true\nretry_ms = 5\nsubject = 'mailto:me@hub.example'\n";

async fn hub() -> TestHub {
    TestHub::with(Setup { config: PUSHES, ..Setup::default() }).await
}

/// A session with an agent, and the stream of somebody who does not look.
struct Scene {
    id: String,
    cli: Cli,
    events: Events,
    version: i64,
}

impl Scene {
    async fn of(hub: &TestHub, namespace: &str, tag: &str) -> Self {
        let id = hub.session_of(namespace, tag, &metadata()).await;
        let cli = hub.cli_of(namespace, &id).await;
        let events = Events::open(&hub.web_of(namespace).await, "all=true", None).await;
        cli.alive(hub.clock.now()).await;
        events.until_patch(&id, "active", &json!(true)).await;
        Self { id, cli, events, version: 1 }
    }

    async fn new(hub: &TestHub) -> Self {
        Self::of(hub, "default", "t").await
    }

    /// The agent asks all of these now. When this returns, notices of it are only a matter of time.
    async fn ask(&mut self, requests: &[(&str, &str)]) {
        let requests: Map<String, Value> = requests
            .iter()
            .map(|(id, tool)| {
                ((*id).to_owned(), json!({ "tool": tool, "arguments": { "command": "make test" } }))
            })
            .collect();
        self.write(json!({ "requests": requests })).await;
    }

    async fn write(&mut self, state: Value) {
        assert_eq!(self.cli.write_state(self.version, &state).await["result"], "success");
        self.version += 1;
        let version = self.version;
        let is_it = |event: &Event| {
            (event.session() == self.id && event.patch()["agentState"]["version"] == version).then_some(())
        };
        self.events.until("the questions", is_it).await;
    }

    /// Asks one thing and lets the time pass after which people are told.
    async fn ask_and_wait(&mut self, hub: &TestHub, requests: &[(&str, &str)]) {
        self.ask(requests).await;
        hub.clock.advance(500);
    }

    /// The agent says something; when this returns, it is known.
    async fn say(&self, content: Value) {
        let before = self.events.all().iter().filter(|event| event.is("message-received")).count();
        self.cli.say(&json!({ "role": "agent", "content": content })).await;
        let is_there = |events: &[Event]| {
            (events.iter().filter(|event| event.is("message-received")).count() > before).then_some(())
        };
        self.events.until_all("the message", is_there).await;
    }
}

async fn subscribe(web: &Web, browser: &Browser, service: &PushService) {
    let answer = web.post("/api/push/subscribe", &browser.subscription(service)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn toasts(events: &[Event]) -> Vec<Value> {
    events.iter().filter(|event| event.is("toast")).map(|event| event.data.clone()).collect()
}

async fn until_toasts(events: &Events, count: usize) -> Vec<Value> {
    let enough = |events: &[Event]| Some(toasts(events)).filter(|toasts| toasts.len() >= count);
    events.until_all(&format!("{count} toasts"), enough).await
}

fn toast(session: &str, title: &str, body: &str) -> Value {
    let url = format!("/sessions/{session}");
    json!({ "type": "toast", "data": { "title": title, "body": body, "sessionId": session, "url": url } })
}

/// What the next push says. Nothing came before it.
async fn next_body(service: &mut PushService, browser: &Browser) -> String {
    let pushed = service.next().await;
    browser.open(&pushed)["body"].as_str().unwrap().to_owned()
}
