//! The text of a message that can be searched, piece by piece.

use serde_json::Value;

use crate::domain::content;

/// The most that is kept of one tool's input or output, and of one message, in bytes.
const MOST_OF_TOOL: usize = 4 * 1024;
const MOST_OF_MESSAGE: usize = 64 * 1024;
/// How deep into a tool's input or output is looked.
const DEEPEST: usize = 8;

/// Who or what said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    User,
    Assistant,
    Reasoning,
    Tool,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::User, Self::Assistant, Self::Reasoning, Self::Tool];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Reasoning => "reasoning",
            Self::Tool => "tool",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub kind: Kind,
    /// The tool's name, where it is called.
    pub tool: Option<String>,
    pub text: String,
}

/// Everything in a message that people may look for.
pub fn pieces(message: &Value) -> Vec<Piece> {
    let mut found = Found::default();
    if content::is_goal_status(message) {
        return Vec::new();
    }
    match content::envelope(message) {
        Some(envelope) if envelope.role == "user" => {
            found.say(Kind::User, content::human_text(message).as_deref());
        }
        Some(envelope) => {
            if let Some(data) = envelope.data("output") {
                found.output(data);
            } else if let Some(data) = envelope.data("codex") {
                found.codex(data);
            } else if let Some(data) = envelope.data("event") {
                found.say(Kind::Assistant, text_at(data, "message").or_else(|| text_at(data, "summary")));
            }
        }
        // What is no envelope is shown as it is.
        None => found.say(Kind::Assistant, message.as_str()),
    }
    found.pieces
}

#[derive(Default)]
struct Found {
    pieces: Vec<Piece>,
    bytes: usize,
}

impl Found {
    fn say(&mut self, kind: Kind, said: Option<&str>) {
        if let Some(said) = said {
            self.add(kind, None, said);
        }
    }

    fn add(&mut self, kind: Kind, tool: Option<&str>, text: &str) {
        let text = cut(text, MOST_OF_MESSAGE.saturating_sub(self.bytes));
        if !text.trim().is_empty() {
            self.bytes += text.len();
            self.pieces.push(Piece { kind, tool: tool.map(str::to_owned), text: text.to_owned() });
        }
    }

    /// A tool's name with what went in or came out.
    fn tool(&mut self, name: Option<&str>, value: Option<&Value>) {
        let mut text = name.unwrap_or_default().to_owned();
        if let Some(value) = value {
            collect(value, DEEPEST, MOST_OF_TOOL, &mut text);
        }
        self.add(Kind::Tool, name, &text);
    }

    /// Claude and Antigravity.
    fn output(&mut self, data: &Value) {
        if data.get("isMeta") == Some(&Value::Bool(true)) {
            return;
        }
        match text_at(data, "type") {
            Some("assistant" | "user") => match data.pointer("/message/content") {
                Some(Value::String(said)) => {
                    let is_user = text_at(data, "type") == Some("user");
                    self.say(if is_user { Kind::User } else { Kind::Assistant }, Some(said));
                }
                Some(Value::Array(blocks)) => blocks.iter().for_each(|block| self.block(data, block)),
                _ => {}
            },
            Some("agy_tool_action") => {
                let name = text_at(data, "toolName").or_else(|| text_at(data, "name"));
                self.tool(name, data.get("input"));
                self.tool(None, data.get("content"));
            }
            Some("agy_message") => self.say(Kind::Assistant, text_at(data, "content")),
            Some("summary") => self.say(Kind::Assistant, text_at(data, "summary")),
            Some("text") => self.say(Kind::Assistant, text_at(data, "text")),
            _ => {}
        }
    }

    fn block(&mut self, data: &Value, block: &Value) {
        match text_at(block, "type") {
            Some("text") => {
                let is_user = text_at(data, "type") == Some("user");
                self.say(if is_user { Kind::User } else { Kind::Assistant }, text_at(block, "text"));
            }
            Some("thinking") => self.say(Kind::Reasoning, text_at(block, "thinking")),
            Some("tool_use") => self.tool(text_at(block, "name"), block.get("input")),
            Some("tool_result") => self.tool(None, block.get("content")),
            _ => {}
        }
    }

    /// All other agents.
    fn codex(&mut self, data: &Value) {
        match text_at(data, "type") {
            Some("message" | "error") => self.say(Kind::Assistant, text_at(data, "message")),
            Some("reasoning") => self.say(Kind::Reasoning, text_at(data, "message")),
            Some("compact-summary") => self.say(Kind::Assistant, text_at(data, "summary")),
            Some("tool-call") => self.tool(text_at(data, "name"), data.get("input")),
            Some("tool-call-result") => self.tool(None, data.get("output")),
            Some("plan") => self.tool(None, data.get("entries")),
            Some("agent-run-start" | "agent-run-update" | "agent-run-trace") => {
                for key in ["summary", "statusText", "input", "result", "error", "message"] {
                    self.tool(None, data.get(key));
                }
            }
            _ => {}
        }
    }
}

fn text_at<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// All strings and numbers in a value, up to a size. Of pictures and the like nothing.
fn collect(value: &Value, depth: usize, most: usize, into: &mut String) {
    let mut put = |text: &str| {
        if !into.is_empty() {
            into.push('\n');
        }
        let room = most.saturating_sub(into.len());
        into.push_str(cut(text, room));
    };
    match value {
        Value::String(text) => put(text),
        Value::Number(number) => put(&number.to_string()),
        Value::Array(items) if depth > 0 => {
            for item in items {
                if into.len() >= most {
                    return;
                }
                collect(item, depth - 1, most, into);
            }
        }
        Value::Object(fields) if depth > 0 && !is_encoded(value) => {
            for (key, field) in fields {
                if into.len() >= most {
                    return;
                }
                if key != "type" {
                    collect(field, depth - 1, most, into);
                }
            }
        }
        _ => {}
    }
}

fn is_encoded(value: &Value) -> bool {
    matches!(text_at(value, "type"), Some("image" | "document" | "base64"))
}

/// The longest beginning of whole letters that fits.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn agent(kind: &str, data: Value) -> Vec<Piece> {
        pieces(&json!({"role": "agent", "content": {"type": kind, "data": data}}))
    }

    fn piece(kind: Kind, tool: Option<&str>, text: &str) -> Piece {
        Piece { kind, tool: tool.map(str::to_owned), text: text.to_owned() }
    }

    #[test]
    fn claudes_blocks_are_told_apart() {
        let blocks = json!([
            {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "I look"},
            {"type": "tool_use", "name": "Bash", "input": {"command": "ls -l", "timeout": 5, "type": "x"}},
        ]);
        assert_eq!(
            agent("output", json!({"type": "assistant", "message": {"content": blocks}})),
            [
                piece(Kind::Reasoning, None, "hm"),
                piece(Kind::Assistant, None, "I look"),
                piece(Kind::Tool, Some("Bash"), "Bash\nls -l\n5"),
            ]
        );
        let result = json!([{"type": "tool_result", "content": [
            {"type": "text", "text": "out"}, {"type": "image", "source": {"data": "AAAA"}},
        ]}]);
        assert_eq!(
            agent("output", json!({"type": "user", "message": {"content": result}})),
            [piece(Kind::Tool, None, "out")]
        );
    }

    #[test]
    fn other_agents_and_people() {
        assert_eq!(
            agent("codex", json!({"type": "message", "message": "a"})),
            [piece(Kind::Assistant, None, "a")]
        );
        assert_eq!(
            agent("codex", json!({"type": "reasoning", "message": "a"})),
            [piece(Kind::Reasoning, None, "a")]
        );
        let call = json!({"type": "tool-call", "name": "shell", "input": {"command": ["ls", "-l"]}});
        assert_eq!(agent("codex", call), [piece(Kind::Tool, Some("shell"), "shell\nls\n-l")]);
        let user = json!({"role": "user", "content": {"type": "text", "text": "hi"}});
        assert_eq!(pieces(&user), [piece(Kind::User, None, "hi")]);
        assert_eq!(pieces(&json!("bare")), [piece(Kind::Assistant, None, "bare")]);
        assert_eq!(agent("codex", json!({"type": "token_count", "info": {}})), []);
        let goal = json!({"type": "message", "message": "Goal active"});
        assert_eq!(agent("event", goal), []);
    }

    #[test]
    fn what_is_long_is_cut_at_a_letter() {
        let output = json!({"type": "tool-call-result", "output": "é".repeat(10_000)});
        assert_eq!(agent("codex", output)[0].text.len(), MOST_OF_TOOL);
        let said = json!({"type": "message", "message": "é".repeat(100_000)});
        assert_eq!(agent("codex", said)[0].text.len(), MOST_OF_MESSAGE);
    }
}
