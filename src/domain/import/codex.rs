//! Threads that Codex keeps.

use serde_json::{Map, Value};

use super::{Arrival, Stored, Verdict, message, says_same, string, time};
use crate::domain::{
    ids::Millis,
    json::Json,
    metadata,
    shape::{Shape, optional, required},
};

const LISTED: Shape = Shape::Object(&[
    required("id", Shape::FilledText),
    required("title", Shape::Text),
    optional("lastUserMessage", Shape::Nullable(&Shape::Text)),
    optional("cwd", Shape::Nullable(&Shape::Text)),
    required("file", Shape::Text),
    required("modifiedAt", Shape::Number),
    optional("originator", Shape::Nullable(&Shape::Text)),
    optional("cliVersion", Shape::Nullable(&Shape::Text)),
    optional("source", Shape::Nullable(&Shape::Text)),
    optional("threadSource", Shape::Nullable(&Shape::Text)),
    optional("forkedFromId", Shape::Nullable(&Shape::Text)),
]);

#[derive(Clone, Debug)]
pub struct Thread {
    pub id: String,
    pub title: String,
    pub last_user_message: Option<String>,
    pub cwd: Option<String>,
    modified_at: Millis,
    messages: Vec<(Value, Json)>,
}

impl Thread {
    /// A row of a list without messages, as far as clients know its fields.
    pub fn listed(value: &Value) -> Option<Value> {
        LISTED.narrow(value)
    }

    /// `None` when it is none, or one of its messages is of no known kind.
    pub fn read(value: &Value) -> Option<Self> {
        LISTED.narrow(value)?;
        let messages = value.get("messages")?.as_array()?.iter().map(message).collect::<Option<Vec<_>>>()?;
        Some(Self {
            id: string(value, "id")?,
            title: string(value, "title")?,
            last_user_message: string(value, "lastUserMessage"),
            cwd: string(value, "cwd"),
            modified_at: time(value, "modifiedAt")?,
            messages,
        })
    }

    /// A session that was forked names the thread it came from too, but has one of its own.
    pub fn is_of(&self, session: &Value) -> bool {
        let names = |key: &str| session.get(key).and_then(Value::as_str);
        metadata::flavor_name(session) == Some("codex")
            && names("codexSessionId").or_else(|| names("codexSourceSessionId")) == Some(self.id.as_str())
    }

    pub fn name_in(&self, metadata: &mut Map<String, Value>) {
        metadata.insert("flavor".into(), "codex".into());
        metadata.insert("codexSessionId".into(), self.id.as_str().into());
        metadata.insert("codexSourceSessionId".into(), self.id.as_str().into());
    }

    /// The session has to be the beginning of the thread, message by message.
    pub fn compare(&self, stored: &[Stored]) -> Verdict {
        let is_beginning = stored.len() <= self.messages.len()
            && stored.iter().zip(&self.messages).all(|(known, (value, _))| says_same(&known.content, value));
        if !is_beginning {
            return Verdict::Diverged;
        }
        let missing = self.messages.iter().enumerate().skip(stored.len());
        let arrivals = missing.map(|(place, (_, content))| Arrival {
            local_id: format!("codex:{}:{place}", self.id),
            content: content.clone(),
            // Codex does not say when something was said.
            created_at: self.modified_at,
        });
        Verdict::Lacks(arrivals.collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn says(text: &str) -> Value {
        json!({ "role": "user", "content": { "type": "text", "text": text }, "meta": { "sentFrom": "cli" } })
    }

    fn thread(texts: &[String]) -> Thread {
        let messages: Vec<Value> = texts.iter().map(|text| says(text)).collect();
        Thread::read(&json!({ "id": "t", "title": "T", "file": "/f", "modifiedAt": 5, "messages": messages }))
            .unwrap()
    }

    fn stored(texts: &[String]) -> Vec<Stored> {
        let row = |text: &String| {
            let mut content = says(text);
            content["meta"] = json!({ "sentFrom": "webapp", "deliveryMode": "queue" });
            Stored { local_id: None, content }
        };
        texts.iter().map(row).collect()
    }

    #[test]
    fn a_thread_of_unknown_messages_is_not_read() {
        let read = |message: Value| {
            let thread =
                json!({ "id": "t", "title": "", "file": "", "modifiedAt": 1, "messages": [message] });
            Thread::read(&thread).is_some()
        };
        assert!(read(json!({ "role": "agent", "content": { "type": "event", "data": {} } })));
        assert!(!read(json!({ "role": "agent", "content": { "type": "output", "data": {} } })));
        assert!(!read(json!({ "role": "user", "content": "bare" })));
        assert!(!read(json!("text")));
        assert!(Thread::read(&json!({ "id": "t", "title": "T", "file": "/f", "modifiedAt": 5 })).is_none());
    }

    #[test]
    fn the_fork_of_a_thread_is_another() {
        let thread = thread(&[]);
        assert!(thread.is_of(&json!({ "flavor": "codex", "codexSessionId": "t" })));
        assert!(thread.is_of(&json!({ "flavor": "codex", "codexSourceSessionId": "t" })));
        let fork = json!({ "flavor": "codex", "codexSessionId": "u", "codexSourceSessionId": "t" });
        assert!(!thread.is_of(&fork));
        assert!(!thread.is_of(&json!({ "flavor": "pi", "codexSessionId": "t" })));
    }

    proptest::proptest! {
        #[test]
        fn what_is_there_and_what_comes_in_are_the_thread(
            texts in proptest::collection::vec("[a-c]", 0..6), known in 0..7_usize, other in "[a-d]",
        ) {
            let thread = thread(&texts);
            let known = known.min(texts.len());
            let Verdict::Lacks(arrivals) = thread.compare(&stored(&texts[..known])) else { panic!("a beginning") };
            proptest::prop_assert_eq!(arrivals.len(), texts.len() - known);
            if known > 0 && texts[known - 1] != other {
                let mut changed = texts[..known].to_vec();
                changed[known - 1] = other;
                proptest::prop_assert!(matches!(thread.compare(&stored(&changed)), Verdict::Diverged));
            }
            let mut longer = texts.clone();
            longer.push("x".into());
            proptest::prop_assert!(matches!(thread.compare(&stored(&longer)), Verdict::Diverged));
        }
    }
}
