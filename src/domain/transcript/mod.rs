//! A conversation as a text for people: Markdown, message by message, so that the whole need not be in memory.

mod blocks;
mod markdown;

use std::collections::HashMap;

use serde_json::Value;

use super::{calendar, ids::Millis, scratchlist::Entry, title};
use blocks::{Block, blocks};
use markdown::{closed, code, fenced, inline};

/// What the name of a file keeps of a title, in characters.
const MAX_STEM: usize = 60;

/// Writes one conversation, from its opening to its notes.
pub struct Transcript {
    agent: String,
    speaker: Option<String>,
    /// Names of tools by call, since a result names its call only.
    tools: HashMap<String, String>,
}

impl Transcript {
    /// `session` is a whole session as clients see it.
    pub fn of(session: &Value) -> Self {
        let flavor = session.pointer("/metadata/flavor").and_then(Value::as_str).unwrap_or("agent");
        let mut letters = flavor.chars();
        let agent = letters.next().map(|first| first.to_uppercase().chain(letters).collect());
        Self { agent: agent.unwrap_or_else(|| "Agent".to_owned()), speaker: None, tools: HashMap::new() }
    }

    /// Title and particulars.
    pub fn opening(&self, session: &Value, now: Millis) -> String {
        let text = |pointer: &str| session.pointer(pointer).and_then(Value::as_str);
        let moment = |key: &str| session.get(key).and_then(Value::as_i64).map(calendar::minute);
        let mut lines = vec![format!("# {}", inline(&name(session)))];
        lines.push(String::new());
        let mut tell = |what: &str, value: Option<String>| {
            if let Some(value) = value {
                lines.push(format!("- **{what}:** {value}"));
            }
        };
        tell("Agent", Some(inline(&self.agent)));
        tell("Model", text("/model").map(code));
        tell("Folder", text("/metadata/path").map(code));
        tell("Computer", text("/metadata/host").map(inline));
        tell("Session", text("/id").map(code));
        tell("Started", moment("createdAt").map(|at| format!("{at} UTC")));
        tell("Last change", moment("updatedAt").map(|at| format!("{at} UTC")));
        tell("Exported", Some(format!("{} UTC", calendar::minute(now))));
        lines.push("\n---\n".to_owned());
        lines.join("\n")
    }

    /// One message; nothing when it says nothing.
    pub fn message(&mut self, message: &Value, at: Millis) -> String {
        let mut written = String::new();
        for block in blocks(message) {
            let speaker = match &block {
                Block::Asked(_) | Block::AskedWith(_) => "You".to_owned(),
                _ => self.agent.clone(),
            };
            if self.speaker.as_ref() != Some(&speaker) {
                written.push_str(&format!("\n## {} · {}\n", inline(&speaker), calendar::minute(at)));
                self.speaker = Some(speaker);
            }
            written.push('\n');
            written.push_str(&self.block(block));
            written.push('\n');
        }
        written
    }

    fn block(&mut self, block: Block) -> String {
        match block {
            Block::Asked(text) | Block::Said(text) => closed(&text),
            Block::Thought(text) => folded("Thinking", &closed(&text)),
            Block::AskedWith(name) | Block::Attached(name) => format!("*Attached: {}*", inline(&name)),
            Block::Told(text) => format!("> {}", inline(&text)),
            Block::Called { id, name, input } => {
                let command = input.get("command").and_then(Value::as_str).map(str::to_owned);
                let summary = match &command {
                    Some(command) => format!("{}: {}", inline(&name), markdown::start_of(command)),
                    None => inline(&name),
                };
                let body = match command {
                    Some(command) if input.as_object().is_some_and(|input| input.len() == 1) => {
                        fenced("sh", &command)
                    }
                    _ => fenced("json", &format!("{input:#}")),
                };
                if let Some(id) = id {
                    self.tools.insert(id, name);
                }
                folded(&summary, &body)
            }
            Block::Answered { id, output, is_error } => {
                let name = id.and_then(|id| self.tools.remove(&id));
                let name = inline(name.as_deref().unwrap_or("a tool"));
                let summary =
                    if is_error { format!("Failure of {name}") } else { format!("Result of {name}") };
                folded(&summary, &fenced("", &output))
            }
        }
    }

    /// The notes that people keep beside the session, oldest first.
    pub fn notes(&self, entries: &[Entry]) -> String {
        if entries.is_empty() {
            return String::new();
        }
        let mut written = "\n---\n\n# Notes\n".to_owned();
        for entry in entries {
            written.push_str(&format!("\n## {}\n", calendar::minute(entry.created_at)));
            if !entry.text.is_empty() {
                written.push_str(&format!("\n{}\n", closed(&entry.text)));
            }
            for file in &entry.attachments {
                let size = file.size.div_ceil(1_024);
                written.push_str(&format!("\n*Attached: {} ({size} KiB)*\n", inline(&file.filename)));
            }
        }
        written
    }
}

fn folded(summary: &str, body: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{body}\n\n</details>")
}

fn name(session: &Value) -> String {
    let id = session.get("id").and_then(Value::as_str).unwrap_or_default();
    title::display(session.get("metadata").filter(|metadata| metadata.is_object()), id)
}

/// What the file of a session's transcript is called: letters and digits of its title, and the day.
pub fn file_name(session: &Value, now: Millis) -> String {
    let mut stem = String::new();
    for letter in name(session).to_lowercase().chars().take(2 * MAX_STEM) {
        if letter.is_alphanumeric() {
            stem.push(letter);
        } else if !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let stem: String = stem.trim_matches('-').chars().take(MAX_STEM).collect();
    let stem = stem.trim_end_matches('-');
    let stem = if stem.is_empty() { "session" } else { stem };
    format!("{stem}-{}.md", calendar::date(now))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
