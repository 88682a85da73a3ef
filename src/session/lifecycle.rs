//! The ends of a session's life: archived, reopened, deleted.

use actix::prelude::*;
use serde_json::{Map, Value, json};

use super::{Atomic, End, LiveSession, Outcome, SessionError, now_ready};
use crate::{
    domain::{
        clear,
        flavor::Flavor,
        json as raw,
        session::{Changes, Session},
    },
    link::rpc,
    namespace, store,
};

/// The keys that mark a session as archived.
const ARCHIVE_KEYS: [&str; 4] = ["lifecycleState", "lifecycleStateSince", "archivedBy", "archiveReason"];

/// Ends the agent's process and marks the session as archived.
#[derive(Message)]
#[rtype(result = "Result<Archived, SessionError>")]
pub struct Archive;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archived {
    Now,
    Already,
}

impl Handler<Archive> for LiveSession {
    type Result = ResponseActFuture<Self, Outcome<Archived>>;

    fn handle(&mut self, _: Archive, ctx: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        if !self.state.turn.active {
            let facts = &self.state.facts;
            if facts.is_archived() {
                return Box::pin(actix::fut::ready(Ok(Archived::Already)));
            }
            if facts.lifecycle_state.as_deref() != Some("running") {
                return Box::pin(actix::fut::ready(Err(SessionError::NotRunning)));
            }
        }
        let this = ctx.address();
        let call = self.call("killSession", &json!({}), rpc::PATIENCE);
        Box::pin(
            async move {
                let closed = |_| store::Error::Closed;
                match call.await {
                    Ok(_) => {}
                    // Nobody was there to ask: the hub marks the session itself.
                    Err(error) if error.is_target_missing() => this
                        .send(MarkArchived("Archived from hub (CLI unreachable)"))
                        .await
                        .map_err(closed)??,
                    Err(error) => return Err(error.into()),
                }
                this.send(End { time: None, reason: None }).await.map_err(closed)??;
                Ok(Archived::Now)
            }
            .into_actor(self),
        )
    }
}

/// The hub itself archives the session, for this reason.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct MarkArchived(pub &'static str);

impl Handler<MarkArchived> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, MarkArchived(reason): MarkArchived, _: &mut Self::Context) -> Self::Result {
        // One that its CLI has archived keeps what the CLI says, unless the reason is what counts.
        if self.state.facts.is_archived() && reason != clear::ARCHIVE_REASON {
            return now_ready(Ok(()));
        }
        let now = self.now();
        let edited = self.edited_metadata(|metadata| {
            metadata.insert("lifecycleState".into(), "archived".into());
            metadata.insert("lifecycleStateSince".into(), now.into());
            metadata.insert("archivedBy".into(), "hub".into());
            metadata.insert("archiveReason".into(), reason.into());
            true
        });
        match edited {
            Some(metadata) => AtomicResponse::new(self.write_metadata(metadata)),
            None => now_ready(Ok(())),
        }
    }
}

/// The marks of an archived session, so that a failed attempt to bring it back can restore them.
pub fn archive_marks(session: &Session) -> Option<Map<String, Value>> {
    let stored = session.record.metadata.as_deref().and_then(raw::read)?;
    let marks = ARCHIVE_KEYS.iter().filter_map(|key| Some(((*key).to_owned(), stored.get(*key)?.clone())));
    session.facts.is_archived().then(|| marks.collect())
}

/// Takes the archive marks off before a resume. Answers how Cursor's agent is spoken to, when that is settled by it.
#[derive(Message)]
#[rtype(result = "Result<Option<String>, SessionError>")]
pub struct Reopen;

impl Handler<Reopen> for LiveSession {
    type Result = Atomic<Option<String>>;

    fn handle(&mut self, _: Reopen, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        let is_cursor = self.state.facts.flavor() == Some(Flavor::Cursor);
        let mut protocol = None;
        let edited = self.edited_metadata(|metadata| {
            ARCHIVE_KEYS.iter().for_each(|key| drop(metadata.remove(*key)));
            metadata.insert("lifecycleStateSince".into(), now.into());
            if is_cursor && metadata.contains_key("cursorSessionId") {
                let settled = metadata.entry("cursorSessionProtocol").or_insert("stream-json".into());
                protocol = settled.as_str().map(str::to_owned);
            }
            true
        });
        match edited {
            Some(metadata) => {
                let written = self.write_metadata(metadata);
                AtomicResponse::new(Box::pin(written.map(|outcome, _, _| outcome.map(|()| protocol))))
            }
            None => now_ready(Ok(None)),
        }
    }
}

/// Puts the archive marks back, unless the session came up after all.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct RestoreArchive(pub Map<String, Value>);

impl Handler<RestoreArchive> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, RestoreArchive(marks): RestoreArchive, _: &mut Self::Context) -> Self::Result {
        if self.state.turn.active {
            return now_ready(Ok(()));
        }
        let edited = self.edited_metadata(|metadata| {
            ARCHIVE_KEYS.iter().for_each(|key| drop(metadata.remove(*key)));
            metadata.extend(marks);
            true
        });
        match edited {
            Some(metadata) => AtomicResponse::new(self.write_metadata(metadata)),
            None => now_ready(Ok(())),
        }
    }
}

/// Deletes the session with everything that belongs to it.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Delete;

impl Handler<Delete> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, _: Delete, _: &mut Self::Context) -> Self::Result {
        if self.state.turn.active {
            return now_ready(Err(SessionError::StillActive));
        }
        let entry = self.events().removed();
        let key = self.state.record.key;
        let delete =
            self.commit(Changes::default(), vec![entry], move |tx| store::sessions::delete(tx.conn, key));
        let gone = self.tenant.send(namespace::Removed(self.id().clone()));
        let files = self.all_files_gone();
        AtomicResponse::new(Box::pin(delete.then(|outcome, this: &mut Self, _| {
            // The namespace forgets it before the answer, so that who reads next does not find it.
            let told = async move {
                if outcome.is_ok() {
                    files.await;
                    let _ = gone.await;
                }
                outcome
            };
            told.into_actor(this).map(|outcome, _, ctx: &mut Context<Self>| {
                if outcome.is_ok() {
                    ctx.stop();
                }
                outcome
            })
        })))
    }
}

impl LiveSession {
    /// The id under which the agent itself knows this conversation.
    pub(super) fn native_id(&self) -> Option<String> {
        let stored = self.state.record.metadata.as_deref().and_then(raw::read)?;
        crate::domain::metadata::resume_id(&stored)
    }
}
