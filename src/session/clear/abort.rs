//! A clear that comes to nothing: what was kept for the replacement goes back.

use actix::prelude::*;

use super::{
    super::{
        Atomic, GetState, LiveSession, SessionError, Surrender,
        history::closed,
        life::{Life, gone},
    },
    ClearError,
};
use crate::{
    domain::{
        clear::{self, Operation, State},
        ids::SessionId,
        session::{Changes, Session},
    },
    namespace::{self, FindError},
    store,
    wire::events::SessionEvents,
};

/// Gives a reservation up: prompts that were kept for the replacement come back, and it goes. Answers the session
/// itself.
pub async fn abort(life: &Life, id: &SessionId, replacement: &SessionId) -> Result<SessionId, ClearError> {
    let session = life.session(id).await?;
    let state = session.send(GetState).await.map_err(gone)?;
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
        let commit = self.commit_and_reread(changes, entries, move |tx| {
            if let Some(kept) = kept {
                store::moves::move_waiting(tx.conn, kept.record.key, key)?;
                store::sessions::delete(tx.conn, kept.record.key)?;
            }
            store::intents::close_clear(tx.conn, &id, None, now)
        });
        AtomicResponse::new(Box::pin(commit.map(move |outcome, this: &mut Self, _| {
            outcome?;
            let _ = this.tenant.try_send(namespace::Removed(removed));
            this.tell_room_metadata(None);
            this.deliver_queue();
            Ok(())
        })))
    }
}
