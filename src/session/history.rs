//! A conversation that is cut: kept still meanwhile, shortened when the agent has done its part, and marked when nobody
//! can say whether the two still agree.

use actix::prelude::*;
use serde_json::Value;

use super::{Atomic, LiveSession, Outcome, SessionError, exclusive::Guard, now_ready};
use crate::{
    domain::{
        content,
        history::{self, Cut, Refusal},
        json as raw,
        prompt::DeliveryState,
        session::{Position, Session},
    },
    namespace::FindError,
    store::{self, messages::Message as Row},
    wire::events::SessionEvents,
};

/// Why a conversation was not cut.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("Another fork or rewind of this session is running")]
    Running,
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The agent or its runner said no. Everything is as it was.
    #[error("{text}")]
    Failed { text: String, code: Option<String> },
    /// The agent may have done it or not.
    #[error("{0}")]
    Unknown(String),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Find(#[from] FindError),
}

impl HistoryError {
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed { text: text.into(), code: None }
    }
}

/// Keeps the session still, if its conversation can be cut now.
#[derive(Message)]
#[rtype(result = "Result<Held, HistoryError>")]
pub struct Hold(pub Cut);

pub struct Held {
    /// While it lives, the session takes no prompts, does not switch, and is not cut by anybody else.
    pub guard: Guard,
    pub session: Box<Session>,
    /// Where the cut is.
    pub boundary: Option<Position>,
}

impl Handler<Hold> for LiveSession {
    type Result = ResponseActFuture<Self, Result<Held, HistoryError>>;

    fn handle(&mut self, Hold(cut): Hold, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        let refused = if !self.state.turn.active {
            Some(SessionError::Inactive.into())
        } else {
            history::admit(&self.state, !self.queue.is_empty(), &cut).err().map(HistoryError::from)
        };
        if let Some(refused) = refused {
            return Box::pin(actix::fut::ready(Err(refused)));
        }
        let Some(guard) = self.cutting.begin() else {
            return Box::pin(actix::fut::ready(Err(HistoryError::Running)));
        };
        let Some(before) = cut.before().map(str::to_owned) else {
            let held = Held { guard, session: Box::new(self.state.clone()), boundary: None };
            return Box::pin(actix::fut::ready(Ok(held)));
        };
        let key = self.state.record.key;
        let store = self.env.store.clone();
        let look =
            async move { store.read(move |conn| store::messages::by_local_id(conn, key, &before)).await };
        Box::pin(look.into_actor(self).map(move |found, this, _| {
            let row = found.map_err(SessionError::Store)?.filter(|row| row.invoked_at.is_some());
            let row = row.ok_or(Refusal::NoSuchMessage)?;
            let session = Box::new(this.state.clone());
            Ok(Held { guard, session, boundary: Some(row.position()) })
        }))
    }
}

impl LiveSession {
    pub(super) fn is_held(&self) -> bool {
        self.cutting.is_running()
    }
}

/// The agent has gone back: takes everything from a message on off the transcript. Closes the step in the same
/// transaction.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Truncate {
    pub step: i64,
    /// Local id of the first message that goes.
    pub from: String,
    /// What the agent puts in place, as `{content, localId?, createdAt?, invokedAt?}`.
    pub replacements: Vec<Value>,
}

impl Handler<Truncate> for LiveSession {
    type Result = Atomic<()>;

    fn handle(
        &mut self,
        Truncate { step, from, replacements }: Truncate,
        _: &mut Self::Context,
    ) -> Self::Result {
        let now = self.now();
        let key = self.state.record.key;
        let before = self.state.clone();
        let replacements: Vec<Row> = replacements.iter().filter_map(|row| replacement(row, now)).collect();
        let store = self.env.store.clone();
        let cut = async move {
            store
                .write(move |tx| {
                    let left = store::history::truncate_from(tx.conn, key, &from, &replacements)?;
                    let changes =
                        history::after_cut(&before, &left.local_ids, left.has_content, left.todos, now);
                    if let Some(update) = store::sessions::Update::of(&before, &changes) {
                        store::sessions::update(tx.conn, &update)?;
                    }
                    let namespace = before.namespace().clone();
                    let events = SessionEvents { namespace: &namespace, id: before.id(), now };
                    tx.journal(&namespace, events.rewound(&from))?;
                    let mut after = before.clone();
                    changes.clone().apply(&mut after);
                    tx.journal(&namespace, events.updated(&after))?;
                    store::intents::close(tx.conn, step, None, now)?;
                    let queue = store::messages::pending(tx.conn, key)?;
                    Ok((changes, left.last_seq, left.head, queue))
                })
                .await
        };
        AtomicResponse::new(Box::pin(cut.into_actor(self).map(|cut, this, ctx| {
            let (changes, last_seq, head, queue) = this.written(cut, ctx)?;
            this.take_over(changes);
            this.replace_queue((last_seq, head), queue);
            this.tell_room_metadata(None);
            Ok(())
        })))
    }
}

/// A message that the agent puts in the place of what it took back. `None` when it holds none.
fn replacement(row: &Value, now: i64) -> Option<Row> {
    let time = |key: &str| row.get(key).and_then(Value::as_f64).and_then(crate::domain::text::safe_integer);
    let content = raw::write(row.get("content")?);
    let content = content::truncate_agent_strings(content.get()).and_then(raw::raw).unwrap_or(content);
    let created_at = time("createdAt").map_or(now, |at| at.min(now));
    Some(Row {
        id: uuid::Uuid::now_v7().to_string(),
        seq: 0,
        local_id: row.get("localId").and_then(Value::as_str).map(str::to_owned),
        content,
        created_at,
        invoked_at: Some(time("invokedAt").map_or(created_at, |at| at.min(now))),
        scheduled_at: None,
        delivery_state: DeliveryState::Queued,
    })
}

/// Nobody can say whether the agent's own history and the transcript still agree: they are not cut any more.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct MarkDiverged;

impl Handler<MarkDiverged> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, _: MarkDiverged, _: &mut Self::Context) -> Self::Result {
        let edited = self.edited_metadata(|metadata| {
            metadata.insert("conversationHistoryDiverged".into(), true.into()) != Some(true.into())
        });
        match edited {
            Some(metadata) => AtomicResponse::new(self.write_metadata(metadata)),
            None => now_ready(Ok(())),
        }
    }
}

/// What flows answer when a session's actor went away under them.
pub(super) fn closed<T>(sent: Result<Outcome<T>, MailboxError>) -> Outcome<T> {
    sent.map_err(|_| SessionError::Store(store::Error::Closed))?
}
