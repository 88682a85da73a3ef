//! Conversations that come in from agents' machines: one run for each at a time, and sessions that are made of them.

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;
use tokio::sync::watch;

use super::{Row, Tenant};
use crate::{
    domain::{
        ids::SessionId,
        import::{Place, Transcript},
        json,
        session::Session,
    },
    session::{
        import::{TakeIn, Taken, Telling, Wanted, take_in},
        local_history::Outcome,
    },
    store::{self, Tx, sessions::NewSession},
    wire::events::SessionEvents,
};

/// Runs by what they are about. One whose sender is gone is over.
pub(super) type Imports = HashMap<String, watch::Receiver<Option<Outcome>>>;

/// Whose turn it is to import a conversation.
pub enum Turn {
    /// The caller's: others wait for what it sends.
    Yours(watch::Sender<Option<Outcome>>),
    /// Somebody else's, who is at it.
    Theirs(watch::Receiver<Option<Outcome>>),
}

#[derive(Message)]
#[rtype(result = "Turn")]
pub struct BeginImport(pub String);

impl Handler<BeginImport> for Tenant {
    type Result = MessageResult<BeginImport>;

    fn handle(&mut self, BeginImport(about): BeginImport, _: &mut Self::Context) -> Self::Result {
        self.imports.retain(|_, run| run.has_changed().is_ok());
        if let Some(run) = self.imports.get(&about) {
            return MessageResult(Turn::Theirs(run.clone()));
        }
        let (sender, receiver) = watch::channel(None);
        self.imports.insert(about, receiver);
        MessageResult(Turn::Yours(sender))
    }
}

/// Makes a session of a conversation. It rests until somebody uses it. Answers how many messages it has.
#[derive(Message)]
#[rtype(result = "store::Result<(SessionId, usize)>")]
pub struct CreateImported {
    pub transcript: Arc<Transcript>,
    pub place: Place,
    pub wanted: Wanted,
}

impl Handler<CreateImported> for Tenant {
    type Result = ResponseActFuture<Self, store::Result<(SessionId, usize)>>;

    fn handle(&mut self, create: CreateImported, _: &mut Self::Context) -> Self::Result {
        let now = self.env.clock.now();
        let namespace = self.namespace.clone();
        let store = self.env.store.clone();
        let make = async move {
            store
                .write(move |tx| {
                    let id = SessionId::random();
                    let metadata = create.transcript.metadata(&create.place, now);
                    let new = NewSession {
                        tag: format!("import:{id}"),
                        id,
                        namespace,
                        now,
                        metadata: Some(json::write(&metadata)),
                        agent_state: None,
                        model: None,
                        model_reasoning_effort: None,
                        effort: None,
                    };
                    make(tx, &new, create)
                })
                .await
        };
        Box::pin(make.into_actor(self).map(|made, this, _| {
            let (session, count) = made?;
            let id = session.id().clone();
            this.index.put(id.clone(), Row::of(&session, &[]));
            Ok((id, count))
        }))
    }
}

fn make(tx: &mut Tx<'_>, new: &NewSession, create: CreateImported) -> store::Result<(Session, usize)> {
    let record = store::sessions::insert(tx.conn, new)?;
    let mut session = Session::resting(record, 0, None);
    let events = SessionEvents { namespace: &new.namespace, id: &new.id, now: new.now };
    tx.journal(&new.namespace, events.added(&session))?;
    let CreateImported { transcript, place, wanted } = create;
    let take = TakeIn { transcript, place, wanted };
    let (taken, changes) = take_in(tx, &session, &take, Telling::Session, new.now)?;
    changes.apply(&mut session);
    let count = if let Taken::Appended(count) = taken { count } else { 0 };
    Ok((session, count))
}
