//! The parts of a message that a reader wants to see, in whatever shape the agent wrote them.

use serde_json::Value;

use crate::domain::{
    content::{Envelope, envelope},
    text,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// By a person.
    Asked(String),
    /// A file that a person sent along.
    AskedWith(String),
    /// By the agent.
    Said(String),
    Thought(String),
    /// A file that the agent made.
    Attached(String),
    /// Something that happened.
    Told(String),
    Called {
        id: Option<String>,
        name: String,
        input: Value,
    },
    Answered {
        id: Option<String>,
        output: String,
        is_error: bool,
    },
}

pub fn blocks(message: &Value) -> Vec<Block> {
    let Some(envelope) = envelope(message) else { return vec![Block::Said(plain(message))] };
    let blocks = if envelope.is_agent() { agent(envelope) } else { person(envelope.content) };
    blocks.into_iter().filter(|block| !is_empty(block)).collect()
}

fn is_empty(block: &Block) -> bool {
    match block {
        Block::Asked(said) | Block::Said(said) | Block::Thought(said) | Block::Told(said) => {
            text::is_blank(said)
        }
        Block::AskedWith(_) | Block::Attached(_) | Block::Called { .. } | Block::Answered { .. } => false,
    }
}

fn str_at<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The first of several spellings.
fn any<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| str_at(value, key))
}

/// Text as it is; texts of blocks, line by line; anything else as JSON.
fn plain(content: &Value) -> String {
    match content {
        Value::String(said) => said.clone(),
        Value::Null => String::new(),
        Value::Array(parts) if !parts.is_empty() && parts.iter().all(is_part) => {
            parts.iter().map(part).collect::<Vec<_>>().join("\n")
        }
        other => format!("{other:#}"),
    }
}

fn is_part(part: &Value) -> bool {
    part.is_string() || str_at(part, "type").is_some()
}

fn part(part: &Value) -> String {
    match (part, str_at(part, "text")) {
        (Value::String(said), _) => said.clone(),
        (_, Some(said)) => said.to_owned(),
        (_, None) => format!("[{}]", str_at(part, "type").unwrap_or("part")),
    }
}

fn person(content: &Value) -> Vec<Block> {
    let said = match str_at(content, "type") {
        Some("text") => str_at(content, "text").unwrap_or_default().to_owned(),
        _ => plain(content),
    };
    let files = content.get("attachments").and_then(Value::as_array).into_iter().flatten();
    let files = files.map(|file| Block::AskedWith(str_at(file, "filename").unwrap_or("a file").to_owned()));
    std::iter::once(Block::Asked(said)).chain(files).collect()
}

fn agent(envelope: Envelope<'_>) -> Vec<Block> {
    let content = envelope.content;
    let nothing = Value::Null;
    let data = content.get("data").unwrap_or(&nothing);
    match str_at(content, "type") {
        Some("codex") => codex(data),
        Some("output") => output(data),
        Some("event") => event(data),
        Some("text") => vec![Block::Said(str_at(content, "text").unwrap_or_default().to_owned())],
        Some(_) => Vec::new(),
        None => vec![Block::Said(plain(content))],
    }
}

fn codex(data: &Value) -> Vec<Block> {
    let said = || str_at(data, "message").unwrap_or_default().to_owned();
    let id = || any(data, &["callId", "call_id"]).map(str::to_owned);
    let block = match str_at(data, "type") {
        Some("message") => Block::Said(said()),
        // A snapshot of what the final row says whole.
        Some("reasoning") if data.get("live") == Some(&Value::Bool(true)) => return Vec::new(),
        Some("reasoning") => Block::Thought(said()),
        Some("tool-call") => call(data, id()),
        Some("tool-call-result") => answer(data, id(), data.get("output")),
        Some("plan") => Block::Said(plan(data)),
        Some("generated-image") => {
            Block::Attached(any(data, &["fileName", "file_name"]).unwrap_or("an image").to_owned())
        }
        Some("error") => Block::Told(format!("Error: {}", said())),
        Some("context_compacted") => Block::Told("The conversation was compacted".to_owned()),
        Some("compact-summary") => Block::Told(str_at(data, "summary").unwrap_or_default().to_owned()),
        _ => return Vec::new(),
    };
    vec![block]
}

fn call(data: &Value, id: Option<String>) -> Block {
    let name = any(data, &["name", "nativeTitle", "native_title"]).unwrap_or("tool").to_owned();
    Block::Called { id, name, input: data.get("input").cloned().unwrap_or_default() }
}

fn answer(data: &Value, id: Option<String>, output: Option<&Value>) -> Block {
    let is_error = ["is_error", "isError"].iter().any(|key| data.get(*key) == Some(&Value::Bool(true)));
    Block::Answered { id, output: output.map(plain).unwrap_or_default(), is_error }
}

fn plan(data: &Value) -> String {
    let entries = data.get("entries").and_then(Value::as_array).into_iter().flatten();
    let lines = entries.filter_map(|entry| {
        let mark = if str_at(entry, "status") == Some("completed") { 'x' } else { ' ' };
        Some(format!("- [{mark}] {}", str_at(entry, "content")?))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn output(data: &Value) -> Vec<Block> {
    let id = || any(data, &["toolUseId", "tool_use_id"]).map(str::to_owned);
    match str_at(data, "type") {
        Some("assistant" | "user") => entry(data.pointer("/message/content").unwrap_or(&Value::Null)),
        Some("summary") => vec![Block::Told(str_at(data, "summary").unwrap_or_default().to_owned())],
        Some("system") => system(data),
        Some("agy_message") => vec![Block::Said(str_at(data, "content").unwrap_or_default().to_owned())],
        Some("agy_tool_action") => {
            let name = any(data, &["toolName", "tool_name", "name"]).unwrap_or("tool").to_owned();
            let input = data.get("input").cloned().unwrap_or_default();
            vec![Block::Called { id: id(), name, input }, answer(data, id(), data.get("content"))]
        }
        // Some agents write bare blocks.
        _ => block(data).into_iter().collect(),
    }
}

fn system(data: &Value) -> Vec<Block> {
    let told = match str_at(data, "subtype") {
        Some("api_error") => {
            let cause = data.pointer("/error/message").and_then(Value::as_str);
            format!(
                "Error: {}",
                cause.or(str_at(data, "content")).unwrap_or("the model could not be reached")
            )
        }
        Some("microcompact_boundary" | "compact_boundary") => "The conversation was compacted".to_owned(),
        Some("away_summary") => str_at(data, "content").unwrap_or_default().to_owned(),
        _ => return Vec::new(),
    };
    vec![Block::Told(told)]
}

fn entry(content: &Value) -> Vec<Block> {
    match content {
        Value::Array(blocks) => blocks.iter().filter_map(block).collect(),
        content => vec![Block::Said(plain(content))],
    }
}

fn block(block: &Value) -> Option<Block> {
    let text_at = |key: &str| str_at(block, key).unwrap_or_default().to_owned();
    Some(match str_at(block, "type")? {
        "text" => Block::Said(text_at("text")),
        "thinking" => Block::Thought(text_at("thinking")),
        "tool_use" => call(block, str_at(block, "id").map(str::to_owned)),
        "tool_result" => answer(block, str_at(block, "tool_use_id").map(str::to_owned), block.get("content")),
        "image" | "document" => Block::Attached(text_at("type")),
        _ => return None,
    })
}

fn event(data: &Value) -> Vec<Block> {
    let text_at = |key: &str| str_at(data, key).unwrap_or_default();
    let told = match str_at(data, "type") {
        Some("message") => text_at("message").to_owned(),
        Some("error") => format!("Error: {}", text_at("message")),
        Some("switch") => format!("Now driven {}", where_driven(text_at("mode"))),
        Some("title-changed") => format!("Title: {}", text_at("title")),
        Some("limit-reached") => "The usage limit is reached".to_owned(),
        Some("compact-summary") => text_at("summary").to_owned(),
        _ => return Vec::new(),
    };
    vec![Block::Told(told)]
}

fn where_driven(mode: &str) -> &str {
    if mode == "local" { "from the terminal" } else { "from afar" }
}
