//! Every route of the hub's own description: each address, query parameter and field of a body with each odd value.
//! A route that is described is tried, also one that is added later.

use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Bystander,
    corpus::{self, Odd},
    schema::{self, Operation},
};
use crate::support::{Answer, Cli, TestHub, Web, metadata};

/// Requests under way at one time.
const AT_ONCE: usize = 16;

/// What an address or a body means.
struct Attempt {
    what: String,
    target: String,
    body: Option<String>,
}

struct Victim {
    session: String,
    machine: String,
    _processes: [Cli; 2],
}

impl Victim {
    async fn new(hub: &TestHub, place: usize) -> Self {
        let (session, cli) = hub.live_session(&format!("victim-{place}"), &metadata()).await;
        let request = json!({ "requests": { "r1": { "tool": "Bash", "arguments": {}, "createdAt": 1 } } });
        cli.write_state(1, &request).await;
        let machine = format!("machine-{place}");
        hub.machine(&machine).await;
        let runner = hub.runner(&machine).await;
        let alive = json!({ "machineId": machine, "time": hub.clock.now() });
        runner.emit("machine-alive", &alive);
        runner.flush().await;
        Self { session, machine, _processes: [cli, runner] }
    }

    fn path(&self, operation: &Operation) -> String {
        let id = if operation.path.contains("/machines/") { &self.machine } else { &self.session };
        operation.path.replace("{id}", id).replace("{requestId}", "r1").replace("{messageId}", "m1")
    }
}

fn parameters(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| part.starts_with('{')).collect()
}

fn attempts(operation: &Operation, victim: &Victim, values: &[Odd], garbage: &[Odd]) -> Vec<Attempt> {
    let filled =
        |path: String| parameters(&path.clone()).iter().fold(path, |path, name| path.replace(name, "x"));
    let valid = filled(victim.path(operation));
    let body = operation.body.as_ref().map(Value::to_string);
    let mut all = Vec::new();
    for name in parameters(&operation.path) {
        for odd in corpus::encoded() {
            let hostile = operation.path.replacen(name, &odd.text, 1);
            let target = filled(hostile.replace("{id}", &victim.session));
            all.push(Attempt { what: format!("{} for {name}", odd.name), target, body: body.clone() });
        }
    }
    for name in &operation.parameters {
        for odd in corpus::encoded() {
            let target = format!("{valid}?{name}={}", odd.text);
            all.push(Attempt { what: format!("{} for ?{name}", odd.name), target, body: body.clone() });
        }
        for (what, query) in
            [("empty", format!("{name}=")), ("bare", name.clone()), ("twice", format!("{name}=1&{name}=2"))]
        {
            all.push(Attempt {
                what: format!("?{name} {what}"),
                target: format!("{valid}?{query}"),
                body: body.clone(),
            });
        }
    }
    let mut with_body = |what: String, text: String| {
        all.push(Attempt { what, target: valid.clone(), body: Some(text) });
    };
    // Some are also sent where none is expected.
    let sparse = if operation.body.is_some() { 1 } else { 6 };
    for odd in values.iter().chain(garbage).step_by(sparse) {
        with_body(format!("{} for a body", odd.name), odd.text.clone());
    }
    if let Some(fields) = operation.body.as_ref().and_then(Value::as_object) {
        for name in fields.keys() {
            for odd in values {
                with_body(format!("{} for {name}", odd.name), replaced(fields, name, &odd.text));
            }
            let without: serde_json::Map<_, _> = fields
                .iter()
                .filter(|(known, _)| *known != name)
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            with_body(format!("no {name}"), Value::Object(without).to_string());
        }
        with_body("a field too many".to_owned(), replaced(fields, "unheardOf", "[1]"));
    }
    all
}

/// The object with one field's text put in, which may be beyond a JSON library.
fn replaced(fields: &serde_json::Map<String, Value>, name: &str, text: &str) -> String {
    let others = fields.iter().filter(|(known, _)| *known != name);
    let mut parts: Vec<String> = others.map(|(known, value)| format!("\"{known}\":{value}")).collect();
    parts.push(format!("\"{name}\":{text}"));
    format!("{{{}}}", parts.join(","))
}

async fn attempt(web: &Web, operation: &Operation, attempt: &Attempt) -> Answer {
    let method = Method::from_bytes(operation.verb.as_bytes()).unwrap();
    let request = web.request(method, &attempt.target);
    let request = match &attempt.body {
        Some(body) => request.header("content-type", "application/json").body(body.clone()),
        None => request,
    };
    // A stream of events that opens does not end by itself: its head is the answer.
    if operation.path == "/api/events" {
        let response = crate::support::within("a stream", request.send()).await.unwrap();
        if response.status() == 200 {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            return Answer { status, headers, body: Value::Null, bytes: Vec::new() };
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        return Answer { status, headers, body, bytes };
    }
    web.answer(request).await
}

fn check(operation: &Operation, attempt: &Attempt, answer: &Answer) {
    let told = || {
        let shown = String::from_utf8_lossy(&answer.bytes).chars().take(300).collect::<String>();
        let sent = attempt.body.as_deref().unwrap_or_default().chars().take(200).collect::<String>();
        format!(
            "{} {} with {}: {} {shown}; sent {sent}",
            operation.verb,
            attempt.target.chars().take(200).collect::<String>(),
            attempt.what,
            answer.status
        )
    };
    // What is passed on to a CLI fails as the protocol says: nobody serves the methods of these.
    let is_relayed = answer.status == 500 && answer.error().starts_with("RPC handler not registered");
    let is_told = operation.server_errors.contains(&answer.status);
    assert!(answer.status < 500 || is_told || is_relayed, "{}", told());
    if answer.status >= 400 {
        // A migration says what became of it in words of its own.
        let words = answer.body["error"].as_str().or(answer.body["message"].as_str());
        let has_words = words.is_some_and(|text| !text.is_empty());
        assert!(has_words && answer.header("content-type") == Some("application/json"), "{}", told());
    }
    let lacks = operation.is_required.iter().any(|name| attempt.what == format!("no {name}"));
    if lacks {
        // A spawn, and what is done with Codex histories, fail in a body of their own.
        let is_told_in_body = answer.body["type"] == "error" || answer.body["success"] == false;
        let is_refused = (400..500).contains(&answer.status) || is_told_in_body;
        assert!(is_refused, "{}", told());
    }
}

#[actix_rt::test]
async fn no_request_with_anything_in_it_hurts_anybody() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let document = hub.guest().get("/openapi.json").await.body;
    let operations = schema::operations(&document);
    assert!(operations.len() > 50, "{}", operations.len());
    let (values, garbage) = (corpus::values(), corpus::garbage());
    let mut tried = 0;
    for (place, operation) in operations.iter().enumerate() {
        let victim = Victim::new(&hub, place).await;
        let web = if operation.path.starts_with("/cli/") { hub.agent() } else { hub.web().await };
        let attempts = attempts(operation, &victim, &values, &garbage);
        tried += attempts.len();
        stream::iter(&attempts)
            .for_each_concurrent(AT_ONCE, async |one| {
                check(operation, one, &self::attempt(&web, operation, one).await)
            })
            .await;
        drop(victim);
        bystander.goes_on(&hub, &format!("{} {}", operation.verb, operation.path)).await;
    }
    assert!(tried > 5_000, "{tried}");
    hub.restart().await;
    assert_eq!(hub.web().await.get("/api/sessions").await.status, 200);
    assert_eq!(hub.web().await.get("/api/machines").await.status, 200);
    hub.stop().await;
}
