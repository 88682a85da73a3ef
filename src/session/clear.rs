//! OpenCode's `/clear`, driven by its CLI: a replacement is reserved, takes every prompt from then on, and is started
//! when the old process is gone. Nothing is delivered to it before it has taken over.

use actix::prelude::*;
use serde_json::json;

use super::{
    Atomic, LiveSession, Outcome, SessionError, Surrender,
    exclusive::Guard,
    history::closed,
    life::{Life, gone},
    now_ready,
    until::{is_active, until},
};
use crate::{
    domain::{
        clear::{self, Finish, Operation, State},
        ids::{MachineId, SessionId},
        intent::Kind,
        json as raw,
        session::{Changes, Session},
        spawn::{self, Start},
    },
    machine::Spawn,
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

/// Gives a reservation up: prompts that were kept for the replacement come back, and it goes. Answers the session
/// itself.
pub async fn abort(life: &Life, id: &SessionId, replacement: &SessionId) -> Result<SessionId, ClearError> {
    let session = life.session(id).await?;
    let state = session.send(super::GetState).await.map_err(gone)?;
    let operation = Operation::of(&state).filter(|known| known.replacement == *replacement);
    match operation.map(|known| known.state) {
        Some(State::Aborted) => return Ok(id.clone()),
        Some(State::Reserved | State::AbortNeeded) => {}
        _ => return Err(ClearError::NoReservation),
    }
    let kept = match life.session(replacement).await {
        Ok(kept) => Some(closed(kept.send(Surrender).await).map_err(|_| ClearError::AbortFailed)?),
        Err(FindError::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    closed(session.send(TakeBack { replacement: replacement.clone(), kept }).await)?;
    Ok(id.clone())
}

/// Takes prompts back from a replacement that will not be needed, and deletes it.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
struct TakeBack {
    replacement: SessionId,
    kept: Option<Box<Session>>,
}

impl Handler<TakeBack> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, TakeBack { replacement, kept }: TakeBack, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        let edited = self.edited_metadata(|metadata| {
            clear::write(metadata, &replacement, State::Aborted, None, now);
            true
        });
        let changes = Changes {
            metadata: edited.map(Some),
            message_epoch: Some(self.state.record.message_epoch + 1),
            ..Changes::default()
        };
        let events = self.events();
        let mut entries = vec![events.updated(&self.after(&changes)), events.invalidated()];
        if kept.is_some() {
            entries.push(SessionEvents { id: &replacement, ..events }.removed());
        }
        let (key, id) = (self.state.record.key, self.id().clone());
        let removed = replacement.clone();
        let commit = self.commit(changes, entries, move |tx| {
            if let Some(kept) = kept {
                store::messages::move_waiting(tx.conn, kept.record.key, key)?;
                store::sessions::delete(tx.conn, kept.record.key)?;
            }
            store::intents::close_clear(tx.conn, &id, None, now)?;
            Ok((store::sessions::tail(tx.conn, key)?, store::messages::pending(tx.conn, key)?))
        });
        AtomicResponse::new(Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            let (tail, queue) = outcome?;
            this.replace_queue(tail, queue);
            let _ = this.tenant.try_send(namespace::Removed(removed));
            this.tell_room_metadata(None);
            this.deliver_queue();
            Ok(())
        })))
    }
}

/// Finishes a clear: the replacement comes up, takes the prompts that wait, and stands for the session from then on.
pub async fn finish(life: &Life, id: &SessionId) -> Result<SessionId, ClearError> {
    let session = life.session(id).await?;
    let state = session.send(super::GetState).await.map_err(gone)?;
    if !clear::is_cleared(&state) {
        return Err(ClearError::NotCleared);
    }
    let (replacement, note) = match clear::finish(&state) {
        Finish::Done(by) => return Ok(by),
        Finish::NotConfirmed => return Err(ClearError::NotConfirmed),
        Finish::Bring { replacement, note } => (replacement, note),
    };
    if !clear::has_place(&state) {
        return Err(ClearError::NoPlace);
    }
    let Some((_run, replacement)) = session.send(Begin { replacement, note }).await.map_err(gone)?? else {
        return outcome_of_other_run(life, &session).await;
    };
    if let Err(text) = bring_up(life, &state, &replacement).await {
        let noted = Note { replacement, state: State::Failed, error: Some(text.clone()) };
        closed(session.send(noted).await)?;
        return Err(ClearError::SpawnFailed(text));
    }
    let address = life.session(&replacement).await?;
    let linked = async {
        closed(address.send(TakeWaiting { from: state.record.key, of: id.clone() }).await)?;
        closed(session.send(Complete(replacement.clone())).await)?;
        closed(address.send(OpenGate).await)
    };
    linked.await.map_err(|error: SessionError| ClearError::LinkFailed(error.to_string()))?;
    Ok(replacement)
}

/// Somebody else is finishing the same clear: what becomes of it is the answer here too.
async fn outcome_of_other_run(life: &Life, session: &Addr<LiveSession>) -> Result<SessionId, ClearError> {
    let is_over = |state: &Session| {
        clear::superseded_by(state).is_some()
            || Operation::of(state).is_some_and(|operation| operation.state == State::Failed)
    };
    until(session, life.env.settings.patience.ready, is_over).await;
    let state = session.send(super::GetState).await.map_err(gone)?;
    clear::superseded_by(&state)
        .ok_or_else(|| ClearError::SpawnFailed("The replacement did not become active".into()))
}

async fn bring_up(life: &Life, source: &Session, replacement: &SessionId) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let address = life.session(replacement).await.map_err(|error| words(&error))?;
    let state = address.send(super::GetState).await.map_err(|error| words(&error))?;
    if !state.turn.active {
        let mut params = spawn::params(&state, replacement, Start::default());
        if let Some(fields) = params.as_object_mut() {
            fields.insert("yolo".into(), json!(false));
        }
        let machine = MachineId::from(source.facts.machine_id.as_deref().unwrap_or_default());
        let machine = life.machine(&machine).await.map_err(|error| words(&error))?;
        let spawned = machine.send(Spawn { params }).await.map_err(|error| words(&error))?;
        spawned.map_err(|failure| failure.message)?;
    }
    if until(&address, life.env.settings.patience.active, is_active).await {
        return Ok(());
    }
    Err("The replacement did not become active".into())
}

/// Notes that the replacement is about to come up; makes one where there is none yet. `None` when another run does
/// that already.
#[derive(Message)]
#[rtype(result = "Result<Option<(Guard, SessionId)>, ClearError>")]
struct Begin {
    replacement: Option<SessionId>,
    note: State,
}

impl Handler<Begin> for LiveSession {
    type Result = AtomicResponse<Self, Result<Option<(Guard, SessionId)>, ClearError>>;

    fn handle(&mut self, Begin { replacement, note }: Begin, _: &mut Self::Context) -> Self::Result {
        let Some(guard) = self.clearing.begin() else {
            return AtomicResponse::new(Box::pin(actix::fut::ready(Ok(None))));
        };
        let begun: super::Boxed<Result<SessionId, ClearError>> = match replacement {
            None => self.make_replacement(note),
            Some(replacement) => Box::pin(self.note(&replacement, note, None).map(|noted, _, _| {
                noted?;
                Ok(replacement)
            })),
        };
        AtomicResponse::new(Box::pin(begun.map(|begun, _, _| Ok(Some((guard, begun?))))))
    }
}

#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
struct Note {
    replacement: SessionId,
    state: State,
    error: Option<String>,
}

impl Handler<Note> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, Note { replacement, state, error }: Note, _: &mut Self::Context) -> Self::Result {
        AtomicResponse::new(self.note(&replacement, state, error.as_deref()))
    }
}

/// The replacement takes over what waits in the session that it replaces.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
struct TakeWaiting {
    from: i64,
    of: SessionId,
}

impl Handler<TakeWaiting> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, TakeWaiting { from, of }: TakeWaiting, _: &mut Self::Context) -> Self::Result {
        let changes =
            Changes { message_epoch: Some(self.state.record.message_epoch + 1), ..Changes::default() };
        let events = self.events();
        let entries = vec![events.invalidated(), SessionEvents { id: &of, ..events }.invalidated()];
        let key = self.state.record.key;
        let commit = self.commit(changes, entries, move |tx| {
            store::messages::move_waiting(tx.conn, from, key)?;
            Ok((store::sessions::tail(tx.conn, key)?, store::messages::pending(tx.conn, key)?))
        });
        AtomicResponse::new(Box::pin(commit.map(|outcome, this: &mut Self, _| {
            let (tail, queue) = outcome?;
            this.replace_queue(tail, queue);
            Ok(())
        })))
    }
}

/// The session is replaced; nothing waits in it any more.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
struct Complete(SessionId);

impl Handler<Complete> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, Complete(replacement): Complete, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        let edited = self.edited_metadata(|metadata| {
            clear::write(metadata, &replacement, State::Completed, None, now);
            true
        });
        let Some(metadata) = edited else { return now_ready(Ok(())) };
        let changes = Changes {
            metadata: Some(Some(metadata)),
            message_epoch: Some(self.state.record.message_epoch + 1),
            ..Changes::default()
        };
        let entry = self.events().updated(&self.after(&changes));
        let id = self.id().clone();
        let key = self.state.record.key;
        let commit = self.commit(changes, vec![entry], move |tx| {
            store::intents::close_clear(tx.conn, &id, None, now)?;
            Ok((store::sessions::tail(tx.conn, key)?, store::messages::pending(tx.conn, key)?))
        });
        AtomicResponse::new(Box::pin(commit.map(|outcome, this: &mut Self, _| {
            let (tail, queue) = outcome?;
            this.replace_queue(tail, queue);
            Ok(())
        })))
    }
}

/// The replacement stands for the session from now on: what waits is delivered.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
struct OpenGate;

impl Handler<OpenGate> for LiveSession {
    type Result = Outcome<()>;

    fn handle(&mut self, _: OpenGate, _: &mut Self::Context) -> Self::Result {
        self.is_gated = false;
        self.deliver_queue();
        Ok(())
    }
}

/// How long a clear that failed is left alone before it is tried again.
const RETRY_AFTER: i64 = 30_000;

/// Goes on with a clear that nobody else goes on with, if its session is gone and the time has come.
pub async fn go_on(life: &Life, id: &SessionId) {
    let Ok(session) = life.session(id).await else { return };
    let Ok(state) = session.send(super::GetState).await else { return };
    let Some(operation) = Operation::of(&state).filter(|_| !state.turn.active) else { return };
    let is_due = life.env.clock.now() - operation.updated_at >= RETRY_AFTER;
    let outcome = match operation.state {
        State::AbortNeeded => abort(life, id, &operation.replacement).await,
        State::CleanupConfirmed | State::Finalizing | State::Pending | State::Failed if is_due => {
            match closed(session.send(super::MarkArchived(clear::ARCHIVE_REASON)).await) {
                Ok(()) => finish(life, id).await,
                Err(error) => Err(error.into()),
            }
        }
        _ => return,
    };
    if let Err(error) = outcome {
        tracing::warn!(%error, session = %id, "a clear could not be finished yet");
    }
}
