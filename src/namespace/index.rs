//! The session list of a namespace: one encoded row per session, put together when asked and kept until a row changes.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use bytes::Bytes;

use crate::domain::{
    duplicates::{self, Candidate},
    ids::{Millis, SessionId},
    session::{Pin, Session, Summary},
};

/// A list row and what it is sorted by.
#[derive(Clone, Debug)]
pub struct Row {
    pub pin: Pin,
    pub is_active: bool,
    pub pending: usize,
    pub updated_at: Millis,
    /// Names the conversation, so that two sessions of one are found.
    pub conversation: Option<Arc<str>>,
    pub json: Bytes,
}

impl Row {
    pub fn of(session: &Session, scheduled: &[Millis]) -> Self {
        Self {
            pin: session.record.pin,
            is_active: session.turn.active,
            pending: session.facts.pending.len(),
            updated_at: session.record.updated_at,
            conversation: duplicates::conversation(session),
            json: serde_json::to_vec(&Summary::of(session, scheduled)).unwrap_or_default().into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Pinned first, then active ones (those with more open questions before others), then the most recent.
    Shown,
    Recent,
}

#[derive(Default)]
pub struct Index {
    rows: HashMap<SessionId, Row>,
    conversations: HashMap<Arc<str>, Vec<SessionId>>,
    shown: Option<Bytes>,
}

impl Index {
    pub fn put(&mut self, id: SessionId, row: Row) {
        self.shown = None;
        let conversation = row.conversation.clone();
        let before = self.rows.insert(id.clone(), row).and_then(|row| row.conversation);
        if before == conversation {
            return;
        }
        self.leave(&id, before);
        if let Some(conversation) = conversation {
            self.conversations.entry(conversation).or_default().push(id);
        }
    }

    pub fn remove(&mut self, id: &SessionId) {
        self.shown = None;
        let before = self.rows.remove(id).and_then(|row| row.conversation);
        self.leave(id, before);
    }

    fn leave(&mut self, id: &SessionId, conversation: Option<Arc<str>>) {
        let Some(conversation) = conversation else { return };
        if let Some(ids) = self.conversations.get_mut(&conversation) {
            ids.retain(|known| known != id);
            if ids.is_empty() {
                self.conversations.remove(&conversation);
            }
        }
    }

    /// The conversation of a session, when others have the same.
    pub fn shared_conversation(&self, id: &SessionId) -> Option<Arc<str>> {
        let conversation = self.rows.get(id)?.conversation.as_ref()?;
        (self.conversations.get(conversation)?.len() > 1).then(|| conversation.clone())
    }

    pub fn of_conversation(&self, conversation: &str) -> Vec<Candidate> {
        let ids = self.conversations.get(conversation).into_iter().flatten();
        ids.filter_map(|id| {
            let row = self.rows.get(id)?;
            Some(Candidate { id: id.clone(), is_active: row.is_active, updated_at: row.updated_at })
        })
        .collect()
    }

    pub fn contains(&self, id: &SessionId) -> bool {
        self.rows.contains_key(id)
    }

    /// The body of the list endpoint.
    pub fn list(&mut self, order: Order, limit: Option<usize>) -> Bytes {
        let is_plain = order == Order::Shown && limit.is_none();
        if is_plain && let Some(shown) = &self.shown {
            return shown.clone();
        }
        let mut rows: Vec<(&SessionId, &Row)> = self.rows.iter().collect();
        match order {
            Order::Shown => rows.sort_unstable_by_key(|(id, row)| {
                let pending = if row.is_active { row.pending } else { 0 };
                (Reverse((row.pin, row.is_active, pending, row.updated_at)), *id)
            }),
            Order::Recent => rows.sort_unstable_by_key(|(id, row)| (Reverse(row.updated_at), *id)),
        }
        rows.truncate(limit.unwrap_or(usize::MAX));
        let size: usize = rows.iter().map(|(_, row)| row.json.len() + 1).sum();
        let mut body = Vec::with_capacity(size + 16);
        body.extend_from_slice(b"{\"sessions\":[");
        for (place, (_, row)) in rows.iter().enumerate() {
            if place > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&row.json);
        }
        body.extend_from_slice(b"]}");
        let body = Bytes::from(body);
        if is_plain {
            self.shown = Some(body.clone());
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pin: Pin, is_active: bool, pending: usize, updated_at: Millis, name: &str) -> Row {
        Row {
            pin,
            is_active,
            pending,
            updated_at,
            conversation: None,
            json: Bytes::from(format!("\"{name}\"")),
        }
    }

    #[test]
    fn pins_come_first_then_those_who_wait_for_a_person() {
        let mut index = Index::default();
        index.put("1".into(), row(Pin::None, false, 9, 900, "old"));
        index.put("2".into(), row(Pin::None, true, 0, 100, "busy"));
        index.put("3".into(), row(Pin::None, true, 2, 50, "asks"));
        index.put("4".into(), row(Pin::Project, false, 0, 10, "pinned"));
        index.put("5".into(), row(Pin::Global, false, 0, 1, "top"));
        assert_eq!(index.list(Order::Shown, None), r#"{"sessions":["top","pinned","asks","busy","old"]}"#);
        assert_eq!(index.list(Order::Recent, Some(2)), r#"{"sessions":["old","busy"]}"#);
        index.remove(&"5".into());
        assert_eq!(index.list(Order::Shown, Some(1)), r#"{"sessions":["pinned"]}"#);
    }
}
