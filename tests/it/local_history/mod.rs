//! Conversations that agents keep on their machines become sessions of the hub.

mod codex;
mod pi;

use std::{cell::RefCell, rc::Rc};

use serde_json::{Value, json};

use crate::support::{Cli, TestHub};

fn says(text: &str) -> Value {
    json!({ "role": "user", "content": { "type": "text", "text": text }, "meta": { "sentFrom": "cli" } })
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

fn texts(messages: &[Value]) -> Vec<String> {
    let text = |message: &Value| {
        let content = &message["content"]["content"];
        content["text"].as_str().or(content["data"]["message"].as_str()).unwrap().to_owned()
    };
    messages.iter().map(text).collect()
}
