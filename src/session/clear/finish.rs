//! The end of a clear: the replacement comes up and takes over.

use actix::prelude::*;
use serde_json::json;

use super::{
    super::{
        Atomic, Boxed, GetState, LiveSession, MarkArchived, Outcome, SessionError,
        exclusive::Guard,
        history::closed,
        life::{Life, gone},
        now_ready,
        until::{is_active, until},
    },
    ClearError, abort,
};
use crate::{
    domain::{
        clear::{self, Finish, Operation, State},
        ids::{MachineId, SessionId},
        session::{Changes, Session},
        spawn::{self, Start},
    },
    machine::Spawn,
    store,
    wire::events::SessionEvents,
};

/// Finishes a clear: the replacement comes up, takes the prompts that wait, and stands for the session from then on.
pub async fn finish(life: &Life, id: &SessionId) -> Result<SessionId, ClearError> {
    let session = life.session(id).await?;
    let state = session.send(GetState).await.map_err(gone)?;
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
    let state = session.send(GetState).await.map_err(gone)?;
    clear::superseded_by(&state)
        .ok_or_else(|| ClearError::SpawnFailed("The replacement did not become active".into()))
}

async fn bring_up(life: &Life, source: &Session, replacement: &SessionId) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let address = life.session(replacement).await.map_err(|error| words(&error))?;
    let state = address.send(GetState).await.map_err(|error| words(&error))?;
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
        let begun: Boxed<Result<SessionId, ClearError>> = match replacement {
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
        AtomicResponse::new(
            self.commit_and_reread(changes, entries, move |tx| {
                store::moves::move_waiting(tx.conn, from, key)
            }),
        )
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
        AtomicResponse::new(self.commit_and_reread(changes, vec![entry], move |tx| {
            store::intents::close_clear(tx.conn, &id, None, now)
        }))
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
    let Ok(state) = session.send(GetState).await else { return };
    let Some(operation) = Operation::of(&state).filter(|_| !state.turn.active) else { return };
    let is_due = life.env.clock.now() - operation.updated_at >= RETRY_AFTER;
    let outcome = match operation.state {
        State::AbortNeeded => abort(life, id, &operation.replacement).await,
        State::CleanupConfirmed | State::Finalizing | State::Pending | State::Failed if is_due => {
            match closed(session.send(MarkArchived(clear::ARCHIVE_REASON)).await) {
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
