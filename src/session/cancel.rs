//! Taking a prompt back. While it may be on its way, only the agent can say whether it has it, so the room is asked.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use futures_util::{StreamExt, stream::FuturesUnordered};

use super::{Atomic, LiveSession, Outcome, SessionError};
use crate::{
    domain::{
        json,
        liveness::PROMPT_ACKNOWLEDGEMENT,
        prompt::{CancelAnswers, CancelStep, CancelVerdict, DeliveryState, PromptRow, cancel_step},
        session::Changes,
    },
    link::Peer,
    store::{self, messages::Message as Row},
    wire::updates,
};

/// Cancels the prompt with this row id or local id.
#[derive(Message)]
#[rtype(result = "Result<CancelOutcome, SessionError>")]
pub struct CancelPrompt(pub String);

#[derive(Debug)]
pub enum CancelOutcome {
    Cancelled {
        local_id: Option<String>,
    },
    /// The agent has taken it.
    Invoked(Box<Row>),
    /// Nobody can say for sure where it is.
    Busy {
        local_id: Option<String>,
    },
}

impl Handler<CancelPrompt> for LiveSession {
    type Result = ResponseActFuture<Self, Outcome<CancelOutcome>>;

    fn handle(&mut self, CancelPrompt(id): CancelPrompt, ctx: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        let this = ctx.address();
        let first = this.send(Settle { id: id.clone(), verdict: None });
        let asking = self.room_except(None).map(|known| known.link.peer.clone()).collect::<Vec<_>>();
        let cancel = {
            let row = self.queued(&id);
            let local_id = row.and_then(|row| row.local_id.clone());
            updates::cancel(self.id(), &id, local_id.as_deref(), self.now())
        };
        // Asking takes its time, and the agent's own word on the prompt may come meanwhile: the mailbox stays open.
        Box::pin(
            async move {
                if let Settled::Done(outcome) = first.await.map_err(|_| store::Error::Closed)?? {
                    return Ok(outcome);
                }
                let again = Settle { id, verdict: Some(ask_room(&asking, &cancel).await) };
                match this.send(again).await.map_err(|_| store::Error::Closed)?? {
                    Settled::Done(outcome) => Ok(outcome),
                    Settled::MustAsk => Ok(CancelOutcome::Busy { local_id: None }),
                }
            }
            .into_actor(self),
        )
    }
}

/// Asks every CLI of the room whether it has a prompt, and lets go of it where it can.
pub(super) async fn ask_room(room: &[Arc<dyn Peer>], cancel: &json::Json) -> CancelVerdict {
    let mut answers = CancelAnswers::default();
    let within = Duration::from_millis(u64::try_from(PROMPT_ACKNOWLEDGEMENT).unwrap_or(500));
    let mut asked: FuturesUnordered<_> =
        room.iter().map(|peer| peer.call("update", cancel, within)).collect();
    while let Some(answer) = asked.next().await {
        match answer.ok().as_deref().and_then(json::read) {
            Some(answer) => answers.add(&answer),
            None => answers.add_silence(),
        }
    }
    answers.verdict()
}

/// Decides with what is known: nothing yet, or the room's verdict.
#[derive(Message)]
#[rtype(result = "Result<Settled, SessionError>")]
struct Settle {
    id: String,
    verdict: Option<CancelVerdict>,
}

pub(super) enum Settled {
    Done(CancelOutcome),
    MustAsk,
}

impl Handler<Settle> for LiveSession {
    type Result = Atomic<Settled>;

    fn handle(&mut self, Settle { id, verdict }: Settle, _: &mut Self::Context) -> Self::Result {
        if let Some(row) = self.queued(&id).cloned() {
            return AtomicResponse::new(self.settle(id, Some(row), verdict));
        }
        let look = self.find_row(id.clone());
        AtomicResponse::new(Box::pin(look.into_actor(self).then(move |found, this, _| match found {
            Ok(row) => this.settle(id, row, verdict),
            Err(error) => Box::pin(actix::fut::ready(Err(SessionError::Store(error)))),
        })))
    }
}

impl LiveSession {
    /// A message by its row id or local id, from the store.
    pub(super) fn find_row(&self, id: String) -> impl Future<Output = store::Result<Option<Row>>> + use<> {
        let key = self.state.record.key;
        let store = self.env.store.clone();
        async move { store.read(move |conn| store::messages::by_any_id(conn, key, &id)).await }
    }

    pub(super) fn queued(&self, id: &str) -> Option<&Row> {
        self.queue.values().find(|row| row.id == id || row.local_id.as_deref() == Some(id))
    }

    fn settle(
        &mut self,
        id: String,
        row: Option<Row>,
        verdict: Option<CancelVerdict>,
    ) -> super::Boxed<Outcome<Settled>> {
        let now = self.now();
        let known = row.as_ref().map(|row| PromptRow {
            has_local_id: row.local_id.is_some(),
            is_invoked: row.invoked_at.is_some(),
            is_future: row.scheduled_at.is_some_and(|at| at > now),
            state: row.delivery_state,
            is_shared: self.state.facts.is_shared,
        });
        let is_connected = self.room_except(None).next().is_some();
        let done = |outcome| -> super::Boxed<Outcome<Settled>> {
            Box::pin(actix::fut::ready(Ok(Settled::Done(outcome))))
        };
        let local_id = row.as_ref().and_then(|row| row.local_id.clone());
        match (cancel_step(known, is_connected, verdict), row) {
            (CancelStep::Absent, _) | (_, None) => done(CancelOutcome::Cancelled { local_id: None }),
            (CancelStep::Invoked, Some(row)) => done(CancelOutcome::Invoked(Box::new(row))),
            (CancelStep::Ask, Some(_)) => Box::pin(actix::fut::ready(Ok(Settled::MustAsk))),
            (CancelStep::Busy, Some(_)) => done(CancelOutcome::Busy { local_id }),
            (CancelStep::Consume, Some(row)) => {
                let ids = local_id.into_iter().collect();
                Box::pin(self.consume(ids, false, false).map(move |outcome, this: &mut Self, _| {
                    outcome?;
                    let row =
                        Row { invoked_at: Some(this.now()), delivery_state: DeliveryState::Queued, ..row };
                    Ok(Settled::Done(CancelOutcome::Invoked(Box::new(row))))
                }))
            }
            (CancelStep::MarkIndeterminate, Some(_)) => {
                let ids: Vec<String> = local_id.clone().into_iter().collect();
                let told = ids.clone();
                let set = self.set_delivery(&ids, DeliveryState::Indeterminate, move |events, _| {
                    vec![events.indeterminate(&told)]
                });
                Box::pin(set.map(move |outcome, _, _| {
                    outcome.map(|_| Settled::Done(CancelOutcome::Busy { local_id }))
                }))
            }
            (CancelStep::Delete { tells_local_id }, Some(row)) => self.delete_queued(id, row, tells_local_id),
        }
    }

    pub(super) fn delete_queued(
        &mut self,
        id: String,
        row: Row,
        tells_local_id: bool,
    ) -> super::Boxed<Outcome<Settled>> {
        let key = self.state.record.key;
        let had_content = self.state.record.has_content;
        let (store, gone) = (self.env.store.clone(), row.id.clone());
        let look = async move {
            if had_content {
                store.read(move |conn| store::history::has_content_beside(conn, key, &gone)).await
            } else {
                Ok(false)
            }
        };
        Box::pin(look.into_actor(self).then(move |has_content, this, _| match has_content {
            Ok(has_content) => this.delete_row(id, row, tells_local_id, has_content),
            Err(error) => Box::pin(actix::fut::ready(Err(SessionError::Store(error)))),
        }))
    }

    fn delete_row(
        &mut self,
        id: String,
        row: Row,
        tells_local_id: bool,
        has_content: bool,
    ) -> super::Boxed<Outcome<Settled>> {
        let local_id = row.local_id.clone();
        let told = local_id.as_deref().filter(|_| tells_local_id);
        let changes = Changes {
            message_epoch: Some(self.state.record.message_epoch + 1),
            has_content: (has_content != self.state.record.has_content).then_some(has_content),
            ..Changes::default()
        };
        let mut entries = Vec::with_capacity(2);
        if changes.has_content.is_some() {
            entries.push(self.events().updated(&self.after(&changes)));
        }
        entries.push(self.events().cancelled(&id, told));
        let key = self.state.record.key;
        let (row_id, seq) = (row.id, row.seq);
        let deleted = row_id.clone();
        let commit = self.commit(changes, entries, move |tx| {
            store::sessions::raise_message_seq_floor(tx.conn, key, seq)?;
            store::messages::delete_pending(tx.conn, key, &deleted)?;
            store::messages::head(tx.conn, key)
        });
        Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            this.state.head = outcome?;
            this.queue.remove(&seq);
            this.matured.remove(&row_id);
            this.publish_row();
            Ok(Settled::Done(CancelOutcome::Cancelled { local_id }))
        }))
    }
}
