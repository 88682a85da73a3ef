//! Conversations that Pi keeps: trees of entries, of which one branch is the conversation.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Arrival, Place, Stored, Verdict, message, says_same, string, time};
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
    optional("model", Shape::Nullable(&Shape::Text)),
    optional("thinkingLevel", Shape::Nullable(&Shape::Text)),
    optional("leafEntryId", Shape::Nullable(&Shape::Text)),
    required("messageCount", Shape::Index),
]);

#[derive(Clone, Debug)]
pub struct Conversation {
    pub id: String,
    pub title: String,
    pub last_user_message: Option<String>,
    pub cwd: Option<String>,
    file: String,
    leaf: Option<String>,
    /// The places of the entries of the branch.
    branch: HashMap<String, usize>,
    messages: Vec<Message>,
}

#[derive(Clone, Debug)]
struct Message {
    local_id: String,
    entry: String,
    created_at: Millis,
    value: Value,
    content: Json,
}

impl Message {
    fn read(value: &Value) -> Option<Self> {
        let (read, content) = message(value.get("content")?)?;
        Some(Self {
            local_id: string(value, "localId").filter(|id| !id.is_empty())?,
            entry: string(value, "entryId").filter(|id| !id.is_empty())?,
            created_at: time(value, "createdAt")?,
            value: read,
            content,
        })
    }
}

impl Conversation {
    /// A row of a list without messages, as far as clients know its fields.
    pub fn listed(value: &Value) -> Option<Value> {
        LISTED.narrow(value)
    }

    /// `None` when it is none, or one of its messages is of no known kind.
    pub fn read(value: &Value) -> Option<Self> {
        LISTED.narrow(value)?;
        let messages =
            value.get("messages")?.as_array()?.iter().map(Message::read).collect::<Option<Vec<_>>>()?;
        let entries = value.get("activeEntryIds")?.as_array()?;
        let branch = entries.iter().enumerate().filter_map(|(at, id)| Some((id.as_str()?.to_owned(), at)));
        Some(Self {
            id: string(value, "id")?,
            title: string(value, "title")?,
            last_user_message: string(value, "lastUserMessage"),
            cwd: string(value, "cwd"),
            file: string(value, "file")?,
            leaf: string(value, "leafEntryId"),
            branch: branch.collect(),
            messages,
        })
    }

    pub fn is_of(&self, session: &Value) -> bool {
        is_session_of(session, &self.id)
    }

    pub fn name_in(&self, metadata: &mut Map<String, Value>) {
        metadata.insert("flavor".into(), "pi".into());
        metadata.insert("piSessionId".into(), self.id.as_str().into());
    }

    /// A session goes on from the entry that it reached last. What it holds from an earlier import must still be in
    /// the conversation, as it was.
    pub fn compare(&self, session: Option<&Value>, stored: &[Stored]) -> Verdict {
        let leaf = session.and_then(|metadata| metadata.get("piHistoryLeafEntryId")?.as_str());
        let prefix = format!("pi:{}:", self.id);
        let known: HashMap<&str, &Value> = stored
            .iter()
            .filter_map(|row| Some((row.local_id.as_deref()?, &row.content)))
            .filter(|(local_id, _)| local_id.starts_with(&prefix))
            .collect();
        let reached = match leaf {
            Some(leaf) if !self.branch.is_empty() => match self.branch.get(leaf) {
                Some(place) => Some(*place),
                None => return Verdict::Diverged,
            },
            // Somebody talked with the agent here, and nobody noted how far.
            _ if known.len() < stored.len() => return Verdict::Diverged,
            _ => None,
        };
        let mut found = 0;
        let mut arrivals = Vec::new();
        for message in &self.messages {
            let place = self.branch.get(&message.entry).copied();
            match known.get(message.local_id.as_str()) {
                Some(content) if !says_same(content, &message.value) => return Verdict::Diverged,
                Some(_) => found += 1,
                // Of another branch, or from before the place that the session has reached.
                None if place.is_none() && !self.branch.is_empty() => {}
                None if reached.is_some() && place <= reached => {}
                None => arrivals.push(Arrival {
                    local_id: message.local_id.clone(),
                    content: message.content.clone(),
                    created_at: message.created_at,
                }),
            }
        }
        if found < known.len() {
            return Verdict::Diverged;
        }
        Verdict::Lacks(arrivals)
    }

    /// The entry that the branch ends with.
    fn end(&self) -> Option<&str> {
        let last = self.branch.iter().max_by_key(|(_, place)| **place).map(|(id, _)| id.as_str());
        self.leaf.as_deref().filter(|leaf| self.branch.contains_key(*leaf)).or(last)
    }

    pub fn mark(&self, session: &mut Map<String, Value>, place: &Place, now: Millis, error: Option<&str>) {
        let before = session.get("piImportState");
        let started = before.and_then(|state| state.get("startedAt")).cloned().unwrap_or_else(|| now.into());
        let mut state = json!({
            "state": if error.is_some() { "diverged" } else { "complete" },
            "machineId": place.machine,
            "piSessionId": self.id,
            "sourceFile": self.file,
            "startedAt": started,
            "updatedAt": now,
        });
        if let Some(fields) = state.as_object_mut() {
            match error {
                Some(error) => fields.insert("error".into(), error.into()),
                None => fields.insert("leafEntryId".into(), self.leaf.as_deref().into()),
            };
        }
        session.insert("piImportState".into(), state);
        if let (Some(end), None) = (self.end(), error) {
            session.insert("piHistoryLeafEntryId".into(), end.into());
        }
    }
}

/// Whether a session is about this conversation. Ids are unique on one machine only.
pub fn is_session_of(session: &Value, id: &str) -> bool {
    metadata::flavor_name(session) == Some("pi")
        && session.get("piSessionId").and_then(Value::as_str) == Some(id)
}

#[cfg(test)]
#[path = "pi_tests.rs"]
mod tests;
