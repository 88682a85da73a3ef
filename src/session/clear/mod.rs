//! OpenCode's `/clear`, driven by its CLI: a replacement is reserved, takes every prompt from then on, and is started
//! when the old process is gone. Nothing is delivered to it before it has taken over.

mod abort;
mod finish;

use actix::prelude::*;

use super::{LiveSession, Outcome, SessionError, life::gone};
pub use abort::abort;
pub use finish::{finish, go_on};

use crate::{
    domain::{
        clear::{self, Operation, State},
        ids::SessionId,
        intent::Kind,
        json as raw,
        session::{Changes, Session},
    },
    namespace::{self, FindError},
    store::{self, sessions::NewSession},
    wire::events::SessionEvents,
};

#[derive(Debug, thiserror::Error)]
pub enum ClearError {
    #[error("Session is not an active runner-backed OpenCode session")]
    NotReservable,
    #[error("Clear reservation not found")]
    NoReservation,
    #[error("Could not abort clear reservation")]
    AbortFailed,
    #[error("Session must be an archived OpenCode clear source")]
    NotCleared,
    #[error("Native OpenCode cleanup is not confirmed")]
    NotConfirmed,
    #[error("Session metadata lacks its machine or path")]
    NoPlace,
    #[error("{0}")]
    SpawnFailed(String),
    #[error("{0}")]
    LinkFailed(String),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Find(#[from] FindError),
}

/// Reserves a replacement. Repeating it answers the same one.
#[derive(Message)]
#[rtype(result = "Result<SessionId, ClearError>")]
pub struct Reserve;

impl Handler<Reserve> for LiveSession {
    type Result = AtomicResponse<Self, Result<SessionId, ClearError>>;

    fn handle(&mut self, _: Reserve, _: &mut Self::Context) -> Self::Result {
        let refuse = |error| AtomicResponse::new(Box::pin(actix::fut::ready(Err(error))));
        if !clear::may_reserve(&self.state) {
            return refuse(ClearError::NotReservable);
        }
        match Operation::of(&self.state).filter(|operation| operation.state != State::Aborted) {
            Some(known) => AtomicResponse::new(Box::pin(actix::fut::ready(Ok(known.replacement)))),
            None => AtomicResponse::new(self.make_replacement(State::Reserved)),
        }
    }
}

impl LiveSession {
    /// Makes the replacement's row, notes where the operation stands and shuts the replacement's gate, all at once.
    fn make_replacement(&mut self, state: State) -> super::Boxed<Result<SessionId, ClearError>> {
        let now = self.now();
        let replacement = SessionId::random();
        let stored = self.state.record.metadata.as_deref().and_then(raw::read);
        let Some(mut metadata) = stored.and_then(|stored| stored.as_object().cloned()) else {
            return Box::pin(actix::fut::ready(Err(ClearError::NoPlace)));
        };
        let settings = &self.state.record.settings;
        let new = NewSession {
            id: replacement.clone(),
            namespace: self.state.namespace().clone(),
            tag: format!("opencode-clear-replacement:{replacement}"),
            now,
            metadata: Some(raw::write(&clear::replacement_metadata(&metadata))),
            agent_state: None,
            model: settings.model.clone(),
            model_reasoning_effort: settings.model_reasoning_effort.clone(),
            effort: settings.effort.clone(),
        };
        clear::write(&mut metadata, &replacement, state, None, now);
        let changes = Changes { metadata: Some(Some(raw::write(&metadata))), ..Changes::default() };
        let entry = self.events().updated(&self.after(&changes));
        let source = self.id().clone();
        let commit = self.commit(changes, vec![entry], move |tx| {
            let record = store::sessions::insert(tx.conn, &new)?;
            let step = store::intents::open(tx.conn, &new.namespace, &source, Kind::Clear, "{}", now)?;
            store::intents::set_other(tx.conn, step, &new.id, now)?;
            let session = Session::resting(record, 0, None);
            let events = SessionEvents { namespace: &new.namespace, id: &new.id, now };
            tx.journal(&new.namespace, events.added(&session))?;
            Ok(session)
        });
        Box::pin(commit.then(|made, this: &mut Self, _| {
            this.tell_room_metadata(None);
            let adopt = made.map(|made| this.tenant.send(namespace::Adopt(Box::new(made))));
            async move {
                adopt?.await.map_err(gone)?;
                Ok(replacement)
            }
            .into_actor(this)
        }))
    }
}

/// The agent has let go of its old conversation.
#[derive(Message)]
#[rtype(result = "Result<(), ClearError>")]
pub struct ConfirmCleanup(pub SessionId);

impl Handler<ConfirmCleanup> for LiveSession {
    type Result = AtomicResponse<Self, Result<(), ClearError>>;

    fn handle(&mut self, ConfirmCleanup(replacement): ConfirmCleanup, _: &mut Self::Context) -> Self::Result {
        let operation = Operation::of(&self.state).filter(|known| known.replacement == replacement);
        match operation.map(|known| known.state) {
            Some(State::Reserved) => {
                let noted = self.note(&replacement, State::CleanupConfirmed, None);
                AtomicResponse::new(Box::pin(noted.map(|outcome, _, _| Ok(outcome?))))
            }
            Some(State::CleanupConfirmed) => AtomicResponse::new(Box::pin(actix::fut::ready(Ok(())))),
            _ => AtomicResponse::new(Box::pin(actix::fut::ready(Err(ClearError::NoReservation)))),
        }
    }
}

impl LiveSession {
    fn note(
        &mut self,
        replacement: &SessionId,
        state: State,
        error: Option<&str>,
    ) -> super::Boxed<Outcome<()>> {
        let now = self.now();
        let edited = self.edited_metadata(|metadata| {
            clear::write(metadata, replacement, state, error, now);
            true
        });
        match edited {
            Some(metadata) => self.write_metadata(metadata),
            None => Box::pin(actix::fut::ready(Ok(()))),
        }
    }

    /// The metadata of a session that ends while its clear is only reserved: the clear is off.
    pub(super) fn abandoned_clear(&self) -> Option<raw::Json> {
        let operation = Operation::of(&self.state).filter(|known| known.state == State::Reserved)?;
        let now = self.now();
        self.edited_metadata(|metadata| {
            clear::write(metadata, &operation.replacement, State::AbortNeeded, None, now);
            true
        })
    }
}
