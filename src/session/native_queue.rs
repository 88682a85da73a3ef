//! Prompts that wait inside the runtime of a shared session: typed in the terminal, shown to everybody, changed and
//! taken back there.

use actix::prelude::*;
use serde_json::{Value, json};

use super::{Atomic, LiveSession, Outcome, SessionError, now_ready};
use crate::{
    domain::{
        json as raw,
        prompt::DeliveryState,
        session::{Changes, Patch},
    },
    store::{self, messages::Message as Row},
};

/// The runtime has a prompt waiting, with this text; or none any more.
#[derive(Clone, Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct QueuedNatively {
    pub local_id: String,
    pub text: Option<String>,
}

impl Handler<QueuedNatively> for LiveSession {
    type Result = Atomic<()>;

    fn handle(
        &mut self,
        QueuedNatively { local_id, text }: QueuedNatively,
        _: &mut Self::Context,
    ) -> Self::Result {
        if !self.state.facts.is_shared {
            return now_ready(Ok(()));
        }
        self.last_used = self.now();
        let known = self.queue.values().find(|row| row.local_id.as_ref() == Some(&local_id)).cloned();
        match (text, known) {
            (None, None) => now_ready(Ok(())),
            (None, Some(row)) => {
                let gone = self.delete_queued(row.id.clone(), row, true);
                AtomicResponse::new(Box::pin(gone.map(|outcome, _, _| outcome.map(|_| ()))))
            }
            (Some(text), Some(row)) => AtomicResponse::new(self.change_text(row, &text)),
            (Some(text), None) => AtomicResponse::new(self.queue_natively(local_id, &text)),
        }
    }
}

impl LiveSession {
    fn queue_natively(&mut self, local_id: String, text: &str) -> super::Boxed<Outcome<()>> {
        let now = self.now();
        let content = json!({
            "role": "user", "content": { "type": "text", "text": text },
            "meta": { "sentFrom": "cli", "isNativeQueuedMessage": true },
        });
        let row = Row {
            id: uuid::Uuid::now_v7().to_string(),
            seq: self.state.last_seq + 1,
            local_id: Some(local_id.clone()),
            content: raw::write(&content),
            created_at: now,
            invoked_at: None,
            scheduled_at: None,
            delivery_state: DeliveryState::Queued,
        };
        let mut changes = self.placed(&row);
        changes.touch(&self.state, now);
        changes.has_content = (!self.state.record.has_content).then_some(true);
        let mut entries = Vec::with_capacity(2);
        if changes.has_content.is_some() {
            entries.push(self.events().updated(&self.after(&changes)));
        } else {
            entries.push(self.events().patched(&Patch::touched(now)));
        }
        entries.push(self.events().message(&row));
        let commit = self.commit_once(local_id, changes, entries, row.clone());
        Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            // One that was taken already, under the same id, is not waiting again.
            if outcome?.is_none() {
                this.queue.insert(row.seq, row);
            }
            Ok(())
        }))
    }

    fn change_text(&mut self, row: Row, text: &str) -> super::Boxed<Outcome<()>> {
        let mut content = raw::read(&row.content).unwrap_or_default();
        match content.get_mut("content").and_then(|inner| inner.get_mut("text")) {
            Some(place) => *place = Value::from(text),
            None => return Box::pin(actix::fut::ready(Ok(()))),
        }
        let changed = Row { content: raw::write(&content), ..row };
        let entry = self.events().message(&changed);
        let written = changed.clone();
        let commit = self.commit(Changes::default(), vec![entry], move |tx| {
            store::messages::set_content(tx.conn, &written.id, &written.content)
        });
        Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            outcome?;
            this.queue.insert(changed.seq, changed);
            Ok(())
        }))
    }
}
